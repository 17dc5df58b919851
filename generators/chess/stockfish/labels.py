"""The teacher's labels: a score for every legal move, and the log of the search of the position itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from generators.chess.stockfish import columns, lines, pipe, requests, scores
from generators.chess.stockfish.columns import COLUMNS
from generators.chess.stockfish.replies import NONE, printed
from generators.domain import Hung

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from generators.chess.stockfish.engine import Limits
    from generators.chess.stockfish.lines import Efforts
    from generators.chess.stockfish.replies import Offsets, Printed
    from generators.chess.stockfish.scores import Scores

_PART = 256
"""Positions whose replies are held at once: some 40 KiB each at 1000 nodes a label."""


class _NoReply(Exception):
    """The engine died or hung twice over some rows."""

    def __init__(self, rows: Sequence[int]) -> None:
        super().__init__()
        self.rows = rows


class _Boards(NamedTuple):
    """Positions with their legal moves `moves[offsets[i]:offsets[i + 1]]`."""

    fens: list[str]
    moves: NDArray[np.uint16]
    offsets: Offsets

    def moves_of(self, row: int) -> NDArray[np.uint16]:
        return self.moves[self.offsets[row] : self.offsets[row + 1]]


def labels(problems: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """`COLUMNS` for the positions `fen` with their legal `moves` (lists of actions), one row each, in order.

    Scores are as the side to move sees them (README). `wins` and `draws` are null unless asked for. In mode
    `multipv` the moves share the nodes of their search, and each has its part in `nodes`. Raises NoStockfish,
    Hung for the rows over which the engine died or hung twice, and RuntimeError for a reply without scores.
    """
    parts, hung = list[pl.DataFrame](), list[int]()
    for start in range(0, len(problems), _PART):
        try:
            parts.append(_labelled(_boards(problems.slice(start, _PART)), limits))
        except _NoReply as fault:
            hung += [start + row for row in fault.rows]
    if hung:
        raise _hung(problems, hung)
    return pl.concat(parts) if parts else pl.DataFrame(schema=COLUMNS)


def _hung(problems: pl.DataFrame, rows: Sequence[int]) -> Hung:
    """Names the first position by its place in the source, or by its id."""
    first = problems.row(rows[0], named=True)
    where = first.get("source_id") or first.get("problem_id") or f"of row {rows[0]}"
    return Hung(
        rows,
        f"Stockfish gave no reply to position {where} ({first['fen']}), twice ({len(rows)} positions of the"
        " shard); `distill generate --skip-hung` leaves such positions out, and marks the data set as not"
        " reproducible",
    )


def _boards(problems: pl.DataFrame) -> _Boards:
    offsets = np.zeros(len(problems) + 1, np.int64)
    np.cumsum(problems["moves"].list.len().to_numpy(), out=offsets[1:])
    moves = problems["moves"].explode(empty_as_null=False, keep_nulls=False)
    return _Boards(problems["fen"].to_list(), moves.to_numpy().astype(np.uint16), offsets)


def _labelled(boards: _Boards, limits: Limits) -> pl.DataFrame:
    texts = (requests.labelling(fen, boards.moves_of(row), limits) for row, fen in enumerate(boards.fens))
    counts = np.diff(boards.offsets)
    most = int(counts.max(initial=0)) * limits.nodes + limits.root_nodes
    found = _asked(texts, range(len(boards.fens)), most, limits)
    _refuse_others(boards.fens, found, 1 + (np.ones_like(counts) if limits.mode == "multipv" else counts))
    _refuse_none(boards, found.best[found.search_offsets[:-1]])
    efforts = lines.efforts(found, _nodes(boards, found, limits))
    values = _values(boards, found, efforts, limits)
    missing = np.flatnonzero(values.kind == NONE)
    if len(missing):
        values.update(missing, _alone(boards, missing, limits))
    return pl.DataFrame([*columns.of_moves(values, boards.offsets, limits.wdl), *_roots(found, efforts)])


def _asked(texts: Iterable[bytes], rows: Iterable[int], nodes: int, limits: Limits) -> Printed:
    """What the engine prints for texts about these rows, each of at most so many nodes. Raises _NoReply."""
    answers = pipe.ask(texts, nodes, limits.hash, limits.wdl)
    gone = [row for row, answer in zip(rows, answers, strict=True) if answer is None]
    if gone:
        raise _NoReply(gone)
    return printed([answer or b"" for answer in answers])


def _values(boards: _Boards, found: Printed, efforts: Efforts, limits: Limits) -> Scores:
    roots = found.search_offsets[:-1]
    if limits.mode == "multipv":
        return scores.of_moves(found, roots + 1, boards.moves, boards.offsets, efforts)
    searches = np.ones(len(found.best), np.bool_)
    searches[roots] = False
    if limits.mode == "child":
        return scores.of_children(found, np.flatnonzero(searches), efforts, limits.wdl)
    return scores.of_searches(found, np.flatnonzero(searches), efforts)


def _nodes(boards: _Boards, found: Printed, limits: Limits) -> NDArray[np.int64]:
    """The limit of each search."""
    nodes, roots = np.full(len(found.best), limits.nodes, np.int64), found.search_offsets[:-1]
    if limits.mode == "multipv":
        nodes[roots + 1] *= np.diff(boards.offsets)
    nodes[roots] = limits.root_nodes
    return nodes


def _alone(boards: _Boards, missing: Offsets, limits: Limits) -> Scores:
    """Scores of single moves, which the search of all moves did not come to. Raises _NoReply."""
    found_in = np.searchsorted(boards.offsets, missing, side="right") - 1
    rows, counts = np.unique(found_in, return_counts=True)
    parts = np.split(boards.moves[missing], np.cumsum(counts)[:-1])
    fens = [boards.fens[row] for row in rows.tolist()]
    texts = [requests.singly(fen, part, limits.nodes) for fen, part in zip(fens, parts, strict=True)]
    found = _asked(texts, rows.tolist(), int(counts.max()) * limits.nodes, limits)
    _refuse_others(fens, found, counts)
    efforts = lines.efforts(found, np.full(len(missing), limits.nodes))
    return scores.of_searches(found, np.arange(len(missing)), efforts)


def _roots(found: Printed, efforts: Efforts) -> list[pl.Series]:
    roots = found.search_offsets[:-1]
    places, offsets = lines.deepening(found, roots, efforts.ends)
    values = scores.of_searches(found, roots, efforts)
    return [
        *columns.of_roots(values, found.best[roots]),
        *columns.of_logs(scores.of_lines(found, places), offsets),
    ]


def _refuse_others(fens: Sequence[str], found: Printed, expected: NDArray[np.int64]) -> None:
    """Raises RuntimeError unless all searches that were asked for have ended with a score."""
    counts = np.diff(found.search_offsets)
    for row in np.flatnonzero(counts != expected).tolist():
        raise RuntimeError(
            f"Stockfish's reply to {fens[row]} tells of {counts[row]} searches, not of {expected[row]}"
        )
    for search in np.flatnonzero(lines.last(found) < 0).tolist():
        row = int(np.searchsorted(found.search_offsets, search, side="right")) - 1
        raise RuntimeError(f"Stockfish's reply to {fens[row]} has a search without a score")


def _refuse_none(boards: _Boards, best: NDArray[np.int32]) -> None:
    """Raises RuntimeError where a search of the position itself ended without a move."""
    for row in np.flatnonzero(best == NONE).tolist():
        raise RuntimeError(f"Stockfish names no best move for {boards.fens[row]}")
