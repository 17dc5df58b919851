"""What the positions of a data set are like, beside those of real games."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from generators.chess.scoring import values

DECIDED, BALANCED = 0.05, (0.4, 0.6)
"""Win probabilities: of a decided game at most this or at least its complement; of a balanced one."""


def statistics(rows: pl.DataFrame) -> list[tuple[str, float, str]]:
    """Measures of labelled positions: `measure`, `value` and a `note` with the figure of real play.

    Shares lie between 0 and 1. The figures of real play are those of 1,000 positions of real games.
    """
    if rows.is_empty():
        return []
    win = _win_probability(rows)
    decided = (win <= DECIDED) | (win >= 1 - DECIDED)
    balanced = (win >= BALANCED[0]) & (win <= BALANCED[1])
    keys = rows["fen"].str.replace(r" \S+ \S+$", "")
    mates = rows["mates"].explode().is_not_null().to_numpy()
    legal = rows["moves"].list.len().to_numpy()
    return [
        ("pieces", float(rows["pieces"].to_numpy().mean()), "men on the board; 24.0 in real play"),
        ("legal moves", float(legal.mean()), "32.9 in real play"),
        ("decided", float(decided.mean()), "the better side wins with 95 % or more; 0.06 in real play"),
        ("balanced", float(balanced.mean()), "the side to move wins with 40 to 60 %; 0.34 in real play"),
        ("mates", float(mates.mean()), "moves labelled with a mate for either side"),
        ("unique", keys.n_unique() / len(keys), "positions, clocks aside, that stand here once or first"),
    ]


def _win_probability(rows: pl.DataFrame) -> NDArray[np.float64]:
    """Of the side to move, by the search of the position itself."""
    mates = rows["root_mate"].fill_null(0).to_numpy()
    centipawns = rows["root_centipawns"].fill_null(0).to_numpy()
    return values.probability(values.values(centipawns, mates, 1)).astype(np.float64)
