"""The user's own positions as problems: FEN, EPD, PGN and Lichess's puzzles, plain or packed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import polars as pl

from generators.chess.board import rules
from generators.chess.reading import games, positions, puzzles, texts
from generators.chess.reading.entry import Entry, Stated
from generators.domain import BadProblem

CHUNK = 1024
"""Positions whose boards are in memory at a time."""
NAMED = 10
"""Games left out that the remarks name one by one."""

LAST_PLY = 65535
"""The column's largest; a FEN may claim any move number."""


class Read(NamedTuple):
    """Problems in the order in which they stand in their source, and a sentence for what was left out."""

    frame: pl.DataFrame
    remarks: list[str]


def read(source: str, positions_per_game: int = 0) -> Read:
    """The problems of a file, or of the text itself: `rules.frame`'s columns.

    Of each game in PGN `positions_per_game` are taken, spread over all its plies by the game's hash (0: all).
    Games that cannot be read are left out with a remark; of puzzles, FEN and EPD every one must be good.
    Raises BadProblem, naming the line or the game, and the cause.
    """
    if positions_per_game < 0:
        raise BadProblem(f"positions_per_game is 0 (all) or more, got {positions_per_game}")
    with texts.opened(source) as (title, kind, lines):
        taken = _Taken(title, {"games": "games", "puzzles": "puzzles", "positions": "lines"}[kind])
        match kind:
            case "games":
                problems = _frame(taken.good(games.entries(lines, positions_per_game)))
            case "puzzles":
                problems = _frame(taken.good(puzzles.entries(title, lines)))
            case "positions":
                problems = _frame(taken.good(positions.entries(title, lines)))
    return Read(problems, taken.remarks(must_be_good=kind != "games"))


class _Taken:
    """Counts the entries of a source and keeps what was wrong with the first bad ones."""

    def __init__(self, title: str, unit: str) -> None:
        self._title, self._unit = title, unit
        self._all, self._bad = 0, 0
        self._causes: list[str] = []

    def good(self, entries: Iterable[Entry]) -> Iterator[Stated]:
        """The positions of the entries that can be read, one after the other."""
        for entry in entries:
            self._all += 1
            if isinstance(entry, BadProblem):
                self._bad += 1
                self._causes.extend([str(entry)] if self._bad <= NAMED else ())
            else:
                yield from entry

    def remarks(self, must_be_good: bool) -> list[str]:
        """A sentence for each of the first bad entries, and one for all. Raises BadProblem: none is good."""
        if not self._all:
            raise BadProblem(f"{self._title} holds no {self._unit[:-1]}")
        if not self._bad:
            return []
        if self._all == self._bad == 1:
            raise BadProblem(self._causes[0])
        if must_be_good or self._bad == self._all:
            raise BadProblem(
                f"{self._bad} of {self._all} {self._unit} cannot be read; the first: {self._causes[0]}"
            )
        return [
            f"{self._bad} of {self._all} {self._unit} of {self._title} were left out",
            *self._causes,
        ]


def _frame(stated: Iterator[Stated]) -> pl.DataFrame:
    """The problems, made by and by, since a board with its moves takes far more memory than its row."""
    frames = [_problems([])]
    while chunk := list(islice(stated, CHUNK)):
        frames.append(_problems(chunk))
    return pl.concat(frames)


def _problems(chunk: list[Stated]) -> pl.DataFrame:
    return rules.frame(
        [one.board for one in chunk],
        [one.game for one in chunk],
        [min(one.ply, LAST_PLY) for one in chunk],
        source_id=[one.source_id for one in chunk],
        puzzle=[one.puzzle for one in chunk],
        rating=[one.rating for one in chunk],
        solution=[one.solution for one in chunk],
    )
