"""The user's own positions as problems: FEN, EPD, PGN and Lichess's puzzles, plain or packed."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, islice
from typing import NamedTuple

import polars as pl

from generators.chess.board import rules
from generators.chess.reading import games, positions, puzzles, texts
from generators.chess.reading.entry import Stated
from generators.chess.reading.taken import Taken
from generators.domain import BadProblem

CHUNK = 1024
"""Positions whose boards are in memory at a time."""
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
        taken = Taken(title, {"games": "games", "puzzles": "puzzles", "positions": "lines"}[kind])
        match kind:
            case "games":
                problems = _frame(taken.good(games.entries(lines, positions_per_game)))
            case "puzzles":
                problems = _frame(taken.good(puzzles.entries(title, lines)))
            case "positions":
                problems = _frame(taken.good(positions.entries(title, lines)))
    return Read(problems, taken.remarks(must_be_good=kind != "games"))


def _frame(entries: Iterable[list[Stated]]) -> pl.DataFrame:
    """The problems, made by and by, since a board with its moves takes far more memory than its row."""
    stated = chain.from_iterable(entries)
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
