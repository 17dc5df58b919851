"""Fields with several values each, and the runs of a recipe that their grid makes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import Refusal, told
from pipeline.recipe import Recipe, load
from pipeline.stage import Job, Options, Stage

MANY = 1000
"""Runs beyond which a sweep wants a yes."""

Overrides = Sequence[tuple[str, str]]

_RANGE = re.compile(r"(-?\d{1,18})\.\.(-?\d{1,18})")
CLOSING = {"[": "]", "{": "}"}
QUOTES = "'\""


@dataclass(frozen=True)
class Run:
    """One combination of values, and the stage that ends it."""

    number: int
    """From 1, in the order of the grid."""
    chosen: tuple[tuple[str, str], ...]
    """The fields that differ between the runs, with the words of their values."""
    job: Job

    @property
    def label(self) -> str:
        """How lines call it."""
        return " ".join(f"{name}={text}" for name, text in self.chosen) or self.job.recipe.name

    @property
    def settings(self) -> dict[str, Any]:
        """The values of its fields, as the recipe has understood them."""
        return {name: _value(self.job.recipe, name, text) for name, text in self.chosen}


def runs(source: str, overrides: Overrides, stage: Stage, options: Options, yes: bool = False) -> list[Run]:
    """The runs of a grid, the last field fastest, each variant of the recipe in turn.

    Raises Refusal where a value is missing, twice there or impossible, where runs would be the same, or
    where there are more than `MANY` without a yes.
    """
    axes = [(name, values(name, text)) for name, text in overrides]
    _refuse_twice([name for name, _ in axes])
    if not axes:
        raise Refusal("a sweep needs a field with several values, as --seed 0..4 or --fit.steps 100,200")
    first = load(source, [(name, texts[0]) for name, texts in axes])
    count = len(first.expanded())
    for _, texts in axes:
        count *= len(texts)
    if count > MANY and not yes:
        raise Refusal(f"the grid has {count:,} runs; add --yes if that is meant")
    found: list[Run] = []
    for chosen, recipe in _recipes(source, axes):
        if stage.name == "bootstrap" and recipe.bootstrap is None:
            raise Refusal(f"the recipe {recipe.name} has no bootstrap; add the branch `bootstrap:`")
        found.append(Run(len(found) + 1, chosen, Job(stage, recipe, options)))
    _refuse_same(found)
    return found


def values(name: str, text: str) -> list[str]:
    """The values that a text lists: between commas, whole numbers also as `0..4`, both ends counted.

    Commas inside of brackets, braces and quotes belong to a value: `[model, teacher],[model]` is two.
    """
    found: list[str] = []
    for piece in _pieces(name, text):
        span = _RANGE.fullmatch(piece)
        if span is None:
            found.append(piece)
            continue
        low, high = int(span[1]), int(span[2])
        if high < low:
            raise Refusal(f"--{name}: the range {piece} runs backwards")
        if high - low >= 1_000_000:
            raise Refusal(f"--{name}: the range {piece} has {high - low + 1:,} values")
        found.extend(map(str, range(low, high + 1)))
    seen: set[str] = set()
    for value in found:
        if value in seen:
            raise Refusal(f"--{name} lists the value {value} twice")
        seen.add(value)
    return found


def _pieces(name: str, text: str) -> list[str]:
    """The text cut at the commas that stand outside of brackets and quotes; none of the pieces is empty."""
    pieces, pending = [""], ""
    for letter in text:
        if letter == "," and not pending:
            pieces.append("")
            continue
        pending = _pending(pending, letter, begun=bool(pieces[-1].strip()))
        pieces[-1] += letter
    if pending:
        raise Refusal(f"--{name} lacks a closing {pending[-1]}: {text}")
    pieces = [piece.strip() for piece in pieces]
    if not any(pieces):
        raise Refusal(f"--{name} has no value; list some, as --{name} 1,2")
    if not all(pieces):
        raise Refusal(f"--{name} has an empty value in '{text}': write null or '' for nothing")
    return pieces


def _pending(pending: str, letter: str, begun: bool) -> str:
    """What is still to be closed after a letter, the innermost last; a quote inside of a word is none."""
    if pending and letter == pending[-1]:
        return pending[:-1]
    if pending and pending[-1] in QUOTES:
        return pending
    if letter in QUOTES and (pending or not begun):
        return pending + letter
    return pending + CLOSING.get(letter, "")


def _recipes(
    source: str, axes: Sequence[tuple[str, list[str]]]
) -> Iterator[tuple[tuple[tuple[str, str], ...], Recipe]]:
    """Every combination with its recipe, those of several values told."""
    names = [name for name, _ in axes]
    several = {name for name, texts in axes if len(texts) > 1}
    begun = False
    for texts in itertools.product(*(texts for _, texts in axes)):
        chosen = tuple(zip(names, texts, strict=True))
        shown = tuple((name, text) for name, text in chosen if name in several)
        try:
            recipe = load(source, chosen)
        except Exception as error:
            sentence = told(error)
            if sentence is None or not begun:
                raise
            raise Refusal(f"{' '.join(f'{name}={text}' for name, text in shown)}: {sentence}") from None
        begun = True
        for name, variant in recipe.expanded().items():
            which = (("variant", name),) if recipe.variants else ()
            yield (*which, *shown), variant


def _refuse_twice(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise Refusal(f"--{name} is given twice; list its values, as --{name} 1,2")


def _refuse_same(found: Sequence[Run]) -> None:
    """Refuse runs that end in the same artifact: a value written twice, a field that decides nothing."""
    earlier: dict[str, Run] = {}
    for run in found:
        same = earlier.setdefault(run.job.fingerprint, run)
        if same is not run:
            raise Refusal(
                f"the runs '{same.label}' and '{run.label}' are the same up to {run.job.stage.name}:"
                " leave one of them out"
            )


def _value(recipe: Recipe, name: str, text: str) -> Any:
    """The value of a dotted field of a recipe; the words themselves where it is no plain one."""
    value: Any = recipe
    for part in name.split("."):
        value = getattr(value, part, text)
    if isinstance(value, tuple):
        value = list(value)
    return value if isinstance(value, str | int | float | bool | list | None) else text
