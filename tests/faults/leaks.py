"""Teachers that keep what they should give back, to show that a soak sees it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from tiny import Counting

KEPT: list[Any] = []


@dataclass(frozen=True, kw_only=True)
class Leaking(Counting):
    """Counting that keeps something of every shard."""

    leak: Literal["nothing", "memory", "handles", "processes", "zombies", "files"] = "nothing"

    def solve(self, problems: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        """As it should be, and the leak."""
        if self.leak == "memory":
            KEPT.append(np.ones(50_000))
        elif self.leak == "handles":
            KEPT.append(os.open(os.devnull, os.O_RDONLY))
        elif self.leak == "processes":
            KEPT.append(subprocess.Popen(["sleep", "60"], start_new_session=True))
        elif self.leak == "zombies":
            KEPT.append(subprocess.Popen(["true"]))
        elif self.leak == "files":
            KEPT.append(tempfile.mkdtemp())
        return super().solve(problems, rng)
