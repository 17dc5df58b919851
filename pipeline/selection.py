"""Which responses replace a training row: the heart of the bootstrap (Searchformer, arXiv 2402.14083)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl

from generators.domain import LEVELS

Select = Literal["shortest", "all-optimal", "random-optimal"]

TRACE_COLUMNS = ("trace", "answer", "trace_words", "level")
"""What a response brings along when it takes the place of a row's own trace."""


def improved_rows(
    incumbents: pl.DataFrame,
    responses: pl.DataFrame,
    select: Select,
    level: str,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """The incumbents with the responses that replace them; `replaced` says where.

    `responses` has `problem` (row of `incumbents`), `verdict`, `level` and the columns of a trace. Only an
    optimal answer whose trace reaches `level` may replace a row. `shortest` takes the one with the fewest
    trace words, the earliest sample among equals, and only if it is shorter than the incumbent (the
    published reduction also takes longer ones); `random-optimal` takes one at random; `all-optimal` takes
    every distinct one, so that rows may multiply.
    """
    rows = incumbents.with_row_index("problem").with_columns(pl.col("problem").cast(pl.Int64))
    fit = eligible(responses, level)
    if select == "shortest":
        best = fit.sort("problem", "trace_words", "sample").unique(
            "problem", keep="first", maintain_order=True
        )
        known = rows.select("problem", incumbent="trace_words")
        chosen = best.join(known, on="problem").filter(pl.col("trace_words") < pl.col("incumbent"))
    elif select == "random-optimal":
        lots = fit.with_columns(lot=pl.Series(rng.random(len(fit))))
        chosen = lots.sort("problem", "lot").unique("problem", keep="first", maintain_order=True)
    else:
        chosen = fit.sort("problem", "sample").unique(
            ["problem", "response_hash"], keep="first", maintain_order=True
        )
    taken = chosen.select("problem", *TRACE_COLUMNS)
    joined = rows.drop(*TRACE_COLUMNS, "choice_bits").join(taken, on="problem", how="inner")
    kept = rows.join(taken.select("problem").unique(), on="problem", how="anti")
    parts = [
        kept.with_columns(replaced=pl.lit(False)),
        joined.with_columns(replaced=pl.lit(True), choice_bits=pl.lit(None, pl.Float64)).select(
            *rows.columns, "replaced"
        ),
    ]
    return pl.concat(_common(parts)).sort("problem", maintain_order=True).drop("problem")


def eligible(responses: pl.DataFrame, level: str) -> pl.DataFrame:
    """The responses with an optimal answer and a trace of at least that level."""
    rank = (
        pl.col("level").cast(pl.String).replace_strict(dict(zip(LEVELS, range(4), strict=True)), default=-1)
    )
    enough = pl.lit(True) if level == "none" else rank >= LEVELS.index(level)
    return responses.filter(pl.col("verdict").cast(pl.String) == "optimal", enough)


def _common(parts: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """The parts with word columns of one type: that of the incumbents."""
    wanted = parts[0].schema
    return [part.with_columns(pl.col(name).cast(wanted[name]) for name in TRACE_COLUMNS) for part in parts]
