"""The columns of labels, built from flat arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa

from generators.chess.stockfish.replies import CENTIPAWNS, MATE, NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from generators.chess.stockfish.replies import Offsets
    from generators.chess.stockfish.scores import Scores

OF_MOVES: dict[str, pl.DataType] = {
    "centipawns": pl.List(pl.Int16),
    "mates": pl.List(pl.Int8),
    "wins": pl.List(pl.UInt16),
    "draws": pl.List(pl.UInt16),
    "depths": pl.List(pl.UInt8),
    "nodes": pl.List(pl.UInt32),
}
"""One entry for each legal move."""
OF_ROOTS: dict[str, pl.DataType] = {
    "best": pl.UInt16(),
    "root_centipawns": pl.Int16(),
    "root_mate": pl.Int8(),
    "root_depth": pl.UInt8(),
    "root_nodes": pl.UInt32(),
}
OF_LOGS: dict[str, pl.DataType] = {
    "log_depths": pl.List(pl.UInt8),
    "log_centipawns": pl.List(pl.Int16),
    "log_mates": pl.List(pl.Int8),
    "log_moves": pl.List(pl.UInt16),
}
"""One entry for each depth that the root search completed."""
COLUMNS = OF_MOVES | OF_ROOTS | OF_LOGS

_WDL = ("wins", "draws")


def of_moves(values: Scores, offsets: Offsets, wdl: bool) -> list[pl.Series]:
    """`OF_MOVES`, where row i has the scores from offsets[i] to offsets[i + 1]."""
    told = values.wins != NONE
    found = [
        _lists("centipawns", values.score, offsets, values.kind == CENTIPAWNS),
        _lists("mates", values.score, offsets, values.kind == MATE),
        _lists("wins", values.wins, offsets, told),
        _lists("draws", values.draws, offsets, told),
        _lists("depths", values.depths, offsets),
        _lists("nodes", values.nodes, offsets),
    ]
    return (
        found if wdl else [column.clear(len(column)) if column.name in _WDL else column for column in found]
    )


def of_roots(values: Scores, best: NDArray[np.int32]) -> list[pl.Series]:
    """`OF_ROOTS`: the score of each root search, and the move that it would play."""
    return [
        _column("best", best),
        _column("root_centipawns", values.score, values.kind == CENTIPAWNS),
        _column("root_mate", values.score, values.kind == MATE),
        _column("root_depth", values.depths),
        _column("root_nodes", values.nodes),
    ]


def of_logs(values: Scores, offsets: Offsets) -> list[pl.Series]:
    """`OF_LOGS`, where row i has the scores from offsets[i] to offsets[i + 1]."""
    return [
        _lists("log_depths", values.depths, offsets),
        _lists("log_centipawns", values.score, offsets, values.kind == CENTIPAWNS),
        _lists("log_mates", values.score, offsets, values.kind == MATE),
        _lists("log_moves", values.moves, offsets),
    ]


def _lists(
    name: str, numbers: NDArray[Any], offsets: Offsets, known: NDArray[np.bool_] | None = None
) -> pl.Series:
    flat = pa.array(numbers, mask=None if known is None else ~known)
    lists = pl.Series(name, pl.from_arrow(pa.LargeListArray.from_arrays(pa.array(offsets), flat)))
    return lists.cast(COLUMNS[name])


def _column(name: str, numbers: NDArray[Any], known: NDArray[np.bool_] | None = None) -> pl.Series:
    flat = pa.array(numbers, mask=None if known is None else ~known)
    return pl.Series(name, pl.from_arrow(flat)).cast(COLUMNS[name])
