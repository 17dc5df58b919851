"""Numbers as people read them: percentages, intervals, lengths, counts, durations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Kind = Literal["share", "words", "ratio", "plain"]

MISSING = "–"

_WORDS = ("trace-words", "trace-words-on-optimal")
_RATIOS = ("SWC", "ILR-on-solved", "ILR-on-optimal", "relative-length")


def kind_of(row: Mapping[str, Any]) -> Kind:
    """How a metric's value is to be read."""
    if row["metric"] in _WORDS:
        return "words"
    if row["metric"] in _RATIOS:
        return "ratio"
    if row.get("own") == "number":
        return "ratio" if abs(row["value"]) < 10 else "words"
    return "share" if "clusters" in row else "plain"


def value(number: float | None, kind: Kind) -> str:
    """A value with the digits that its kind deserves."""
    if number is None:
        return MISSING
    if kind == "share":
        return f"{number:.1%}"
    if kind == "words":
        return f"{number:,.1f}"
    return f"{number:.3f}" if kind == "ratio" else significant(number)


def interval(low: float | None, high: float | None, kind: Kind) -> str:
    """A 95 % interval without its unit; empty where there is none."""
    if low is None or high is None:
        return ""
    if kind == "share":
        return f"{low * 100:.1f}–{high * 100:.1f}"
    return f"{value(low, kind)}–{value(high, kind)}"


def significant(number: float) -> str:
    """Four digits, thousands apart: 0.1234, 12.34, 1,234,567."""
    if number == int(number) and abs(number) >= 1:
        return f"{int(number):,}"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def short(number: float) -> str:
    """A count in at most four characters and a unit: 812, 6.4k, 1.2M."""
    for unit, size in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size * 0.9995:
            return f"{number / size:.3g}{unit}"
    return f"{number:.0f}"


def counted(count: int, noun: str) -> str:
    """A count with its noun: 1 problem, 1,234 problems."""
    return f"{count:,} {noun}" + "s" * (count != 1)


def duration(seconds: float) -> str:
    """Seconds as people say them: 42 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s" if seconds >= 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def size(count: float) -> str:
    """Bytes in units of a thousand: 812 B, 6.4 kB, 1.2 GB."""
    for unit, amount in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= amount:
            return f"{count / amount:.3g} {unit}"
    return f"{count:.0f} B"
