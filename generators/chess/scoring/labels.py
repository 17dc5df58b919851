"""The teacher's scores of the legal moves as flat numbers: in their full order, and as win probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from generators.chess.ragged import flat, row_offsets
from generators.chess.scoring.values import win_probability
from generators.words import Offsets

Floats = NDArray[np.float64]

CERTAIN = 1e6
"""Beyond every score in centipawns."""


@dataclass(frozen=True, kw_only=True)
class Labels:
    """`centipawns` and `mates` (0: none) of the legal moves of all rows, with the row offsets."""

    centipawns: NDArray[np.int64]
    mates: NDArray[np.int64]
    offsets: Offsets

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Self:
        """From the columns `centipawns` and `mates`."""
        told = {name: flat(rows[name], np.int64) for name in ("centipawns", "mates")}
        return cls(**told, offsets=row_offsets(rows["centipawns"]))

    @cached_property
    def strict(self) -> Floats:
        """Numbers in the order of the moves' worth: the faster mate is better, and the slower loss."""
        return self.tied - self.mates

    @cached_property
    def tied(self) -> Floats:
        """The same with all mates of a sign equal, as in the paper."""
        return np.where(self.mates == 0, self.centipawns, CERTAIN * np.sign(self.mates))

    @cached_property
    def probabilities(self) -> Floats:
        """Win probabilities; a mate is 1, being mated 0."""
        return np.where(self.mates == 0, win_probability(self.centipawns), self.mates > 0)
