"""Tables that fit the terminal: the most telling columns, and the names of those left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.markup import escape
from rich.table import Table

from pipeline.console import table
from pipeline.inspect.texts import cut
from pipeline.page.numbers import MISSING, interval, value
from pipeline.results.rows import Measure

WIDEST = 28
"""Cells of a column; longer texts are cut."""
GAP = 3


@dataclass(frozen=True)
class Column:
    """A column with its cells; one that is `kept` is not left out before the others."""

    name: str
    cells: list[str]
    left: bool = False
    kept: bool = False

    @property
    def width(self) -> int:
        """Cells of a terminal that it takes."""
        return max(map(cell_len, (self.name, *self.cells)))


def fitted(title: str, columns: Sequence[Column], width: int) -> tuple[Table, list[str]]:
    """A table of as many columns as fit, the first ones first, and the names of the others."""
    cuts = [
        Column(cut(each.name, WIDEST), [cut(cell, WIDEST) for cell in each.cells], each.left, each.kept)
        for each in columns
    ]
    room = width - sum(each.width + GAP for each in cuts if each.kept)
    shown: list[Column] = []
    left_out: list[str] = []
    for each, whole in zip(cuts, columns, strict=True):
        if not each.kept:
            if each.width + GAP > room:
                left_out.append(whole.name)
                continue
            room -= each.width + GAP
        shown.append(each)
    ordered = [each for each in shown if each.left] + [each for each in shown if not each.left]
    cells = zip(*([escape(cell) for cell in each.cells] for each in ordered), strict=True)
    names = [escape(each.name) for each in ordered]
    return table(title, names, list(cells), left=sum(each.left for each in ordered)), left_out


def figure(measure: Measure | None) -> str:
    """A value and its interval in one cell."""
    if measure is None or measure.value is None:
        return MISSING
    between = interval(measure.low, measure.high, measure.kind)
    return value(measure.value, measure.kind) + (f" ({between})" if between else "")


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Dotted names by their last parts where those tell them apart."""
    lasts = [name.rpartition(".")[2] for name in names]
    return {name: last if lasts.count(last) == 1 else name for name, last in zip(names, lasts, strict=True)}
