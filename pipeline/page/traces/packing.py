"""Steps packed for a page: what a reader opens is unpacked in the browser, problem by problem."""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from markupsafe import Markup

from pipeline.page.traces.listing import COLUMNS, Listing, Row

MISSES = 8
"""Problems too large for what is left of the budget, after which no further one is tried."""

CLASSES = ("by", "split", "verdict", "level", "why", "answer_why")
"""The columns that stand as places in a list of their values."""


@dataclass(frozen=True)
class Packed:
    """The blocks of a listing, and for each row that can be played its block and its place there.

    The place is that of its steps in the block; -1 means the teacher's.
    """

    blocks: Sequence[str]
    places: Mapping[int, tuple[int, int]]
    asked: int
    """Rows that were to be played."""

    @property
    def size(self) -> int:
        """Characters of the blocks."""
        return sum(map(len, self.blocks))


def pack(listing: Listing, budget: int) -> Packed:
    """Blocks of the listing's rows to play, as many as the budget (in characters) has room for."""
    blocks: list[str] = []
    places: dict[int, tuple[int, int]] = {}
    room, misses = budget, 0
    for problem, responses in listing.plays():
        made = _block(listing, problem, [row for _, row in responses])
        if len(made) > room:
            misses += 1
            if misses == MISSES:
                break
            continue
        room -= len(made)
        for at, (place, _) in enumerate(responses):
            places[place] = (len(blocks), -1 if listing.kind == "data" else at)
        blocks.append(made)
    return Packed(blocks, places, len(listing.played))


def _block(listing: Listing, problem: Row, responses: Iterable[Row]) -> str:
    """A problem's scene, the teacher's steps and those of the responses: JSON, raw deflate, base64."""
    domain = listing.domain
    own = [] if listing.kind == "data" else [domain.play(row) for row in responses]
    text = plain({"scene": domain.scene(problem), "teacher": domain.play(problem), "steps": own})
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b64encode(deflate.compress(text.encode()) + deflate.flush()).decode()


def index(listings: Sequence[tuple[Listing, Packed]], budget: int) -> Markup:
    """What the list of a page needs, a column after the other, as JSON for a script element."""
    columns: dict[str, list[Any]] = {name: [] for name in ("artifact", "problem", "block", "at", *COLUMNS)}
    del columns["problem_id"]
    problems: dict[str, int] = {}
    names: dict[str, dict[str, int]] = {name: {} for name in CLASSES}
    before = 0
    for number, (listing, packed) in enumerate(listings):
        rows = listing.rows
        columns["artifact"] += [number] * len(rows)
        columns["problem"] += list(_codes(problems, rows["problem_id"].to_list()))
        found = [packed.places.get(place, (None, None)) for place in range(len(rows))]
        columns["block"] += [None if block is None else before + block for block, _ in found]
        columns["at"] += [at for _, at in found]
        for name in COLUMNS:
            if name in CLASSES:
                columns[name] += list(_codes(names[name], rows[name].to_list()))
            elif name in columns:
                columns[name] += rows[name].to_list()
        before += len(packed.blocks)
    about = [
        {
            "name": listing.name,
            "kind": listing.kind,
            "domain": listing.domain.name,
            "note": listing.note,
            "rows": len(listing.rows),
            "playable": len(packed.places),
            "asked": packed.asked,
        }
        for listing, packed in listings
    ]
    return embedded(
        {
            "artifacts": about,
            "budget": budget,
            "problems": list(problems),
            "names": {name: list(found) for name, found in names.items()},
            "columns": columns,
        }
    )


def _codes(known: dict[str, int], values: Iterable[str | None]) -> Iterator[int | None]:
    """Values as their places among those known so far, to which new ones are added."""
    for value in values:
        yield None if value is None else known.setdefault(value, len(known))


def embedded(content: Any) -> Markup:
    """Plain data as JSON that can stand in a script element: nothing in it ends the element."""
    # Within JSON a "<" stands in strings alone, where it may be spelled by its code.
    return Markup(plain(content).replace("<", "\\u003c"))


def plain(content: Any) -> str:
    """JSON without spaces; numbers that JSON does not know become null."""
    try:
        return json.dumps(
            content, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_native
        )
    except ValueError:
        return plain(_finite(content))


def _native(item: Any) -> Any:
    """The Python value of a number or an array of numpy, which domains may leave in their data."""
    return item.tolist()


def _finite(item: Any) -> Any:
    if isinstance(item, Mapping):
        return {name: _finite(value) for name, value in item.items()}
    if isinstance(item, list | tuple):
        return [_finite(each) for each in item]
    if hasattr(item, "tolist"):
        return _finite(item.tolist())
    return None if isinstance(item, float) and not isfinite(item) else item
