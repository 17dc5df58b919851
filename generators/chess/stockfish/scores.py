"""Scores of moves as the side to move sees them, out of the lines that searches printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from generators.chess.alphabet import LARGEST_MATE
from generators.chess.stockfish import lines, replies
from generators.chess.stockfish.replies import CENTIPAWNS, MATE, NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from generators.chess.stockfish.lines import Efforts
    from generators.chess.stockfish.replies import Offsets, Printed

LARGEST_CENTIPAWNS = 32_000


class Scores(NamedTuple):
    """One score a row; nothing is known of a row whose `kind` is NONE."""

    kind: NDArray[np.int32]
    """`replies.CENTIPAWNS` or `replies.MATE`."""
    score: NDArray[np.int32]
    wins: NDArray[np.int32]
    """Per mille, like `draws`; NONE: not told."""
    draws: NDArray[np.int32]
    depths: NDArray[np.int32]
    nodes: NDArray[np.int64]
    moves: NDArray[np.int32]
    """The first action of the line; NONE: not told."""

    def update(self, rows: Offsets, others: Scores) -> None:
        """Put others in the place of some rows."""
        for column, other in zip(self, others, strict=True):
            column[rows] = other  # type: ignore[index]  # a field's type is lost on the way


def of_lines(found: Printed, places: Offsets) -> Scores:
    """The scores of lines (-1: none), as the side to move in their searches sees them."""
    # The row for -1.
    table = np.concatenate((found.lines, np.full((1, found.lines.shape[1]), NONE, np.int32)))[places]
    return Scores(
        table[:, replies.KIND],
        _clipped(table[:, replies.KIND], table[:, replies.SCORE]),
        table[:, replies.WINS],
        table[:, replies.DRAWS],
        table[:, replies.DEPTH],
        table[:, replies.NODES].astype(np.int64),
        table[:, replies.ACTION],
    )


def of_searches(found: Printed, searches: Offsets, efforts: Efforts) -> Scores:
    """The scores of positions, one search each, as the side to move there sees them."""
    depths, nodes = efforts.depths[searches].astype(np.int32), efforts.nodes[searches]
    return of_lines(found, lines.last(found)[searches])._replace(depths=depths, nodes=nodes)


def of_children(found: Printed, searches: Offsets, efforts: Efforts, wdl: bool) -> Scores:
    """The scores of moves out of searches of the positions that they lead to, where the other side moves.

    `wdl`: wins and draws were asked for, so they are told of games that are over too.
    """
    child = of_searches(found, searches, efforts)
    over = wdl & (child.depths == 0) & (child.moves == NONE)
    wins = np.where(over, 0, child.wins)
    draws = np.where(over, np.where(child.kind == MATE, 0, 1000), child.draws)
    # Mated in n moves from there, the move that led there counted: n + 1; a child that is mated has n = 0.
    mates = np.where(child.score <= 0, 1 - child.score, -child.score)
    return child._replace(
        score=_clipped(child.kind, np.where(child.kind == MATE, mates, -child.score)),
        wins=np.where(wins == NONE, NONE, 1000 - wins - draws),
        draws=draws,
    )


def of_moves(
    found: Printed, searches: Offsets, moves: NDArray[np.uint16], offsets: Offsets, efforts: Efforts
) -> Scores:
    """The scores of all moves of each search; each has an equal part in its nodes."""
    places, counts = lines.last_of_moves(found, searches, moves, offsets), np.diff(offsets)
    return of_lines(found, places)._replace(
        depths=np.repeat(efforts.depths[searches].astype(np.int32), counts),
        nodes=np.repeat(efforts.nodes[searches] // counts, counts),
    )


def _clipped(kind: NDArray[np.int32], score: NDArray[np.int32]) -> NDArray[np.int32]:
    most = np.where(kind == MATE, LARGEST_MATE, np.where(kind == CENTIPAWNS, LARGEST_CENTIPAWNS, 1))
    return np.clip(score, -most, most).astype(np.int32)
