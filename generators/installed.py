"""Domains of installed packages, registered under the entry point `distill.domains`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

import polars as pl

from generators.domain import JUDGEMENT, BadProblem, Domain, problem_columns, solution_columns

GROUP = "distill.domains"
NAME = re.compile(r"[a-z][a-z0-9_-]{0,40}")
NOTATIONS = ("value_notations", "choice_notations", "abridged_notations")
RESERVED = frozenset(
    {
        *problem_columns(()),
        *solution_columns(()),
        *JUDGEMENT,
        *("seed", "shard", "row", "split", "reason", "response_hash", "seen_in_training"),
        *("origin", "round", "parent", "previous_words"),
    }
)
"""Columns that stages write beside a domain's own."""


class BadPackage(BadProblem):
    """A package registers a domain that cannot be used; the message names the package and the cause."""


def names() -> list[str]:
    """The names under which installed packages register domains, sound or not."""
    return sorted(_entries())


def package_of(name: str) -> str | None:
    """The package that registers the domain of that name, with its version; None where none does."""
    found = _entries().get(name)
    return None if found is None else _package(found[0])


def refuse_clash(name: str) -> None:
    """Raise BadPackage where a package registers a name of this project's: none may take it over."""
    if name in _entries():
        raise BadPackage(
            f"the package {package_of(name)} registers the domain '{name}', which is one of this project:"
            " the package must give it another name, or be uninstalled"
        )


def installed(name: str) -> type[Domain] | None:
    """The domain that a package registers under that name; raises BadPackage for one that cannot be used."""
    found = _entries().get(name, ())
    if not found:
        return None
    if len(found) > 1:
        listed = " and ".join(f"the package {_package(entry)}" for entry in found)
        raise BadPackage(f"{listed} both register the domain '{name}': uninstall one of them")
    who = f"the domain '{name}' of the package {_package(found[0])}"
    try:
        loaded = found[0].load()
    except Exception as error:  # whatever a foreign module raises while it is imported
        cause = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise BadPackage(f"{who} cannot be loaded from {found[0].value}: {cause}") from error
    if not (isinstance(loaded, type) and issubclass(loaded, Domain)):
        raise BadPackage(f"{who} is not a subclass of generators.domain.Domain: {found[0].value}")
    for fault in faults(loaded, name):
        raise BadPackage(f"{who} {fault}")
    return loaded


def faults(kind: type[Domain], name: str) -> Iterator[str]:
    """What a class lacks to be the domain of that name, a predicate each."""
    if not NAME.fullmatch(name):
        yield "needs a name of lower-case letters, digits, - and _, which begins with a letter"
    if missing := sorted(kind.__abstractmethods__):
        yield f"lacks the methods {', '.join(missing)}"
    if "__dataclass_fields__" not in vars(kind):
        yield "must be decorated with @dataclass(frozen=True, kw_only=True)"
    if (own := getattr(kind, "name", None)) != name:
        yield f"calls itself {own!r}: the class's `name` and the entry point's must be the same"
    yield from _column_faults(getattr(kind, "columns", None))
    yield from _notation_faults(kind)


def _column_faults(columns: object) -> Iterator[str]:
    if not isinstance(columns, Mapping):
        yield f"needs `columns`, a mapping of names to polars types, not {columns!r}"
        return
    for column, dtype in columns.items():
        if not isinstance(dtype, pl.DataType):
            yield f"gives its column '{column}' the type {dtype!r}: it must be one such as pl.Int32()"
        elif column in RESERVED:
            yield f"has a column '{column}', a name that the stages use: give it another one"


def _notation_faults(kind: type[Domain]) -> Iterator[str]:
    found = getattr(kind, "notations", None)
    if not (isinstance(found, tuple) and found and all(isinstance(each, str) for each in found)):
        yield f"needs `notations`, a tuple of one name or more, not {found!r}"
        return
    for field in NOTATIONS:
        if strange := set(getattr(kind, field)) - set(found):
            yield f"names '{min(strange)}' in `{field}` that is none of its notations"


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "without a name"


def _entries() -> Mapping[str, tuple[EntryPoint, ...]]:
    return _found(tuple(sys.path))


@cache
def _found(_: tuple[str, ...]) -> Mapping[str, tuple[EntryPoint, ...]]:
    """Entry points by name: where Python looks for packages decides, and seldom changes."""
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in entry_points(group=GROUP):
        found[entry.name] = (*found.get(entry.name, ()), entry)
    return found
