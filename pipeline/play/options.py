"""The options of the UCI engine: how they are declared to a chess program, and set by it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any


class BadOption(ValueError):
    """An option that there is not, or a value that it cannot have."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a chess program, or the command line, may set."""

    temperature: float = 0.0
    """Of the softmax over scores in the opening; 0 plays the best move."""
    opening_moves: int = 5
    """Full moves from the start of the game in which the temperature counts."""
    lines: int = 1
    """Moves to report."""
    threads: int = 1
    seed: int = 0
    """Of the draws at a temperature."""


@dataclass(frozen=True)
class Option:
    """An option under its UCI name; `bounds` are those of a spin, a string has none."""

    name: str
    field: str
    read: Callable[[str], Any]
    bounds: tuple[int, int] | None = None

    def declaration(self, settings: Settings) -> str:
        """The line that makes it known."""
        default = getattr(settings, self.field)
        if self.bounds is None:
            return f"option name {self.name} type string default {default:g}"
        low, high = self.bounds
        return f"option name {self.name} type spin default {default} min {low} max {high}"


def _temperature(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise ValueError
    return value


OPTIONS = (
    Option("Temperature", "temperature", _temperature),
    Option("OpeningMoves", "opening_moves", int, (0, 1000)),
    Option("MultiPV", "lines", int, (1, 500)),
    Option("Threads", "threads", int, (1, 512)),
    Option("Seed", "seed", int, (0, 2**31 - 1)),
)

PONDER = "option name Ponder type check default false"
"""A chess program sends `go ponder` only to engines that have it; there is nothing to set."""


def declarations(settings: Settings) -> list[str]:
    """The lines that make all options known; the settings at hand are their defaults."""
    return [*(option.declaration(settings) for option in OPTIONS), PONDER]


def changed(settings: Settings, words: Sequence[str]) -> Settings:
    """The settings after `setoption` with these words behind it: `name MultiPV value 3`.

    Names may be in any case. Raises BadOption.
    """
    name, value = _parts(words)
    if name.lower() == "ponder":
        return settings
    option = next((each for each in OPTIONS if each.name.lower() == name.lower()), None)
    if option is None:
        raise BadOption(f"there is no option '{name}'")
    try:
        read = option.read(value)
    except ValueError:
        raise BadOption(f"option {option.name} cannot be '{value}'") from None
    if option.bounds and not option.bounds[0] <= read <= option.bounds[1]:
        raise BadOption(
            f"option {option.name} must be from {option.bounds[0]} to {option.bounds[1]}, got {read}"
        )
    return replace(settings, **{option.field: read})


def _parts(words: Sequence[str]) -> tuple[str, str]:
    """Name and value, both of which may have blanks in them."""
    if not words or words[0].lower() != "name":
        raise BadOption("setoption needs a name: setoption name MultiPV value 3")
    lower = [word.lower() for word in words]
    at = lower.index("value") if "value" in lower else len(words)
    return " ".join(words[1:at]), " ".join(words[at + 1 :])
