"""The identity of a response: equal trace and answer, equal hash."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

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
