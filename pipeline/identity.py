"""What identifies a problem to the sampler, and a response among responses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from generators.domain import content_hash
from generators.words import codes


def response_hashes(frame: pl.DataFrame, alphabet: Sequence[str]) -> list[str]:
    """A 128-bit hash of `trace` and `answer` for each row."""
    (trace, begin), (answer, first) = codes(frame["trace"], alphabet), codes(frame["answer"], alphabet)
    return [
        content_hash(
            trace[begin[row] : begin[row + 1]].tobytes(),
            answer[first[row] : first[row + 1]].tobytes(),
        )
        for row in range(len(frame))
    ]


def keys(problem_ids: pl.Series) -> NDArray[np.uint64]:
    """The first 64 bits of each problem's hash: what its random numbers are keyed by."""
    return problem_ids.str.slice(0, 16).str.to_integer(base=16, dtype=pl.UInt64).to_numpy()
