"""Only a shorter, optimal and trustworthy response takes the place of a training row."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import Counting

from generators.domain import LEVELS, VERDICTS
from pipeline.identity import response_hashes
from pipeline.selection import improved_rows

DOMAIN = Counting()
WORDS = pl.List(pl.Enum(DOMAIN.alphabet("steps")))


def rng() -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(0))


def incumbents(count: int) -> pl.DataFrame:
    rows = DOMAIN.solve(DOMAIN.problems(rng(), count), rng())
    return rows.with_columns(level=pl.lit("exact", pl.Enum(LEVELS)), trace_words=pl.lit(10, pl.Int32))


def responses(rows: list[tuple[int, int, str, str | None, int]]) -> pl.DataFrame:
    """(problem, sample, verdict, level, trace words); the trace is as long as it says."""
    frame = pl.DataFrame(
        {
            "problem": pl.Series([row[0] for row in rows], dtype=pl.Int64),
            "sample": pl.Series([row[1] for row in rows], dtype=pl.Int32),
            "verdict": pl.Series([row[2] for row in rows], dtype=pl.Enum(VERDICTS)),
            "level": pl.Series([row[3] for row in rows], dtype=pl.Enum(LEVELS)),
            "trace_words": pl.Series([row[4] for row in rows], dtype=pl.Int32),
            "trace": pl.Series([["at"] * row[4] for row in rows], dtype=WORDS),
            "answer": pl.Series([["sum", "1"] for _ in rows], dtype=WORDS),
        }
    )
    return frame.with_columns(response_hash=pl.Series(response_hashes(frame, DOMAIN.alphabet("steps"))))


def test_the_shortest_optimal_and_sound_one_wins() -> None:
    found = responses(
        [
            (0, 0, "optimal", "sound", 8),
            (0, 1, "optimal", "exact", 6),
            (0, 2, "optimal", "sound", 6),  # as short, but later
            (0, 3, "optimal", "legal", 4),  # not sound
            (0, 4, "valid", "sound", 2),  # not optimal
            (1, 0, "optimal", "sound", 10),  # not shorter than the incumbent
            (1, 1, "optimal", "sound", 12),
            (2, 0, "malformed", None, 2),
        ]
    )
    made = improved_rows(incumbents(3), found, "shortest", "sound", rng())
    assert made["replaced"].to_list() == [True, False, False]
    assert made["trace_words"].to_list() == [6, 10, 10]
    assert made["level"].to_list()[0] == "exact"
    assert made["trace"].list.len().to_list()[0] == 6


@pytest.mark.parametrize(("level", "words"), [("none", 2), ("legal", 4), ("sound", 6), ("exact", 8)])
def test_the_level_is_a_floor(level: str, words: int) -> None:
    found = responses([(0, at, "optimal", name, 2 * at + 2) for at, name in enumerate(LEVELS)])
    assert improved_rows(incumbents(1), found, "shortest", level, rng())["trace_words"].to_list() == [words]


def test_the_comparisons_take_one_at_random_or_all() -> None:
    found = responses(
        [(0, at, "optimal", "exact", 12 + at // 2) for at in range(8)] + [(1, 0, "wrong", "exact", 2)]
    )
    one = improved_rows(incumbents(2), found, "random-optimal", "sound", rng())
    assert one["replaced"].to_list() == [True, False]
    assert 12 <= one["trace_words"][0] <= 15
    every = improved_rows(incumbents(2), found, "all-optimal", "sound", rng())
    assert every["trace_words"].to_list() == [12, 13, 14, 15, 10]
    assert every["problem_id"].n_unique() == 2


@given(
    st.lists(
        st.tuples(
            st.integers(0, 4),
            st.integers(0, 7),
            st.sampled_from(VERDICTS),
            st.sampled_from((*LEVELS, None)),
            st.integers(0, 20),
        ),
        max_size=40,
    )
)
def test_no_row_ever_gets_longer_or_lost(found: list[tuple[int, int, str, str | None, int]]) -> None:
    rows = incumbents(5)
    made = improved_rows(rows, responses(found), "shortest", "sound", rng())
    assert made["problem_id"].to_list() == rows["problem_id"].to_list()
    assert (made["trace_words"] <= rows["trace_words"]).all()
    assert (made["replaced"] == (made["trace_words"] < rows["trace_words"])).all()
