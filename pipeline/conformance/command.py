"""`distill conform NAME`: the checks of the contract on a registered domain, as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from rich.markup import escape

from generators.installed import package_of
from pipeline.conformance.checks import CHECKS
from pipeline.conformance.subject import Breach, Inapplicable, Subject
from pipeline.console import OUT, table
from pipeline.errors import Refusal
from pipeline.foreign import blamed, fault
from pipeline.recipe import build, merged, nested

Outcome = Literal["passed", "failed", "not tried"]
COLOURS = {"passed": "green", "failed": "red", "not tried": "yellow"}


@dataclass(frozen=True)
class Result:
    """What came of a check."""

    name: str
    title: str
    outcome: Outcome
    reason: str = ""

    @property
    def told(self) -> str:
        """What is asked of a check that passes, and else what was found."""
        return self.title if self.outcome == "passed" else self.reason


def conform(name: str, overrides: Sequence[tuple[str, str]], own: str, rows: int) -> None:
    """Print a table of all checks; raises Refusal where the domain fails one of them."""
    tree: dict[str, object] = {"name": "conform", "domain": {"name": name}}
    for field, text in overrides:
        if not field.startswith("domain."):
            raise Refusal(f"--{field}: only knobs of the domain can be set here, as in --domain.source=FILE")
        tree = merged(tree, nested(field, text))
    if rows < 10:
        raise Refusal(f"--rows must be 10 or more, got {rows}")
    subject = Subject(build(tree).domain, own, rows)
    if own:
        with blamed(subject.domain):
            subject.domain.read(own)  # what is no problem is refused before the checks begin
    package = package_of(name)
    results = [tried(check, subject) for check in CHECKS]
    OUT.print(
        table(
            f"{name}, of {f'the package {package}' if package else 'this project'}",
            ("check", "outcome", "what the contract asks; what was found instead"),
            [
                (each.name, f"[{COLOURS[each.outcome]}]{each.outcome}[/]", escape(each.told))
                for each in results
            ],
            left=3,
        )
    )
    failed = sum(each.outcome == "failed" for each in results)
    if failed:
        raise Refusal(f"the domain '{name}' fails {failed} of {len(results)} checks of the contract")


def tried(check: Callable[[Subject], None], subject: Subject) -> Result:
    """The outcome of one check; an error of the domain's own is told with its place."""
    title = (check.__doc__ or "").partition("\n")[0].rstrip(".")
    about = partial(Result, check.__name__.replace("_", " "), title)
    try:
        check(subject)
    except Breach as breach:
        return about("failed", str(breach))
    except Inapplicable as reason:
        return about("not tried", str(reason))
    except Exception as error:  # whatever a domain's code raises is a finding about the domain
        return about("failed", fault(error))
    return about("passed")
