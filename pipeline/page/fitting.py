"""A page that stays small: pictures that no room is left for are left out, and the page says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from pipeline.page.parts import Block, Gallery, Section

LARGEST = 5_800_000
"""Bytes of a page."""

LEFT_OUT = "Its figures are left out, or the page would be larger than 6 MB: make a page about it alone."


def shares(taken: int) -> tuple[int, int]:
    """Bytes for pictures of problems and for figures, when the traces have taken theirs; the rest is text."""
    left = max(LARGEST - taken, 0)
    return min(left // 4, 1_500_000), left // 2


def fitted(sections: Sequence[Section], room: int) -> Iterator[Section]:
    """The sections, those beyond the room without their figures."""
    for each in sections:
        size = sum(map(_figures, each.blocks))
        if size <= room:
            room -= size
            yield each
        else:
            kept = [bare for block in each.blocks if (bare := _bare(block))]
            yield replace(each, notes=[*each.notes, LEFT_OUT], blocks=kept)


def _figures(block: Block) -> int:
    return sum(len(plot.svg) for item in block.items if isinstance(item, Gallery) for plot in item.plots)


def _bare(block: Block) -> Block | None:
    items: list[Any] = [item for item in block.items if not isinstance(item, Gallery)]
    return Block(block.anchor, block.title, items).filled
