"""Metrics: values worked out by hand, and intervals that cover."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import metrics
from pipeline.intervals import Estimate, ratio
from pipeline.metrics import COLUMNS, Rule, paired_ratio, table

Value = dict[str, Any]


def responses(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rollouts from the columns that matter, the rest null."""
    return pl.DataFrame(rows, schema=dict(COLUMNS))


def row(problem: str, sample: int, verdict: str, words: int, **more: Any) -> dict[str, Any]:
    known = {"split_key": problem, "cost": 10, "reference_words": 100.0, "exact_match": False}
    return {
        **known,
        "problem_id": problem,
        "sample": sample,
        "verdict": verdict,
        "trace_words": words,
        **more,
    }


TWO_PROBLEMS = responses(
    [
        row("a", 0, "optimal", 80, answer_cost=10, level="exact", faithful_steps=8, total_steps=8),
        row("a", 1, "valid", 160, answer_cost=12, level="legal", faithful_steps=4, total_steps=16),
        row("a", 2, "wrong", 50, level="none", faithful_steps=0, total_steps=6),
        row("a", 3, "optimal", 40, answer_cost=10, level="sound", faithful_steps=4, total_steps=4),
        row("b", 0, "valid", 200, answer_cost=16, level="none", faithful_steps=1, total_steps=20),
        row("b", 1, "valid", 100, answer_cost=20, level="none", faithful_steps=2, total_steps=10),
        row("b", 2, "malformed", 10, level="none", faithful_steps=0, total_steps=1),
        row("b", 3, "malformed", 10, level="none", faithful_steps=1, total_steps=5),
    ]
)


def values(rollouts: pl.DataFrame, rule: Rule, k: int) -> dict[str, Value]:
    return {each["metric"]: each for each in table(rollouts, rule, k).to_dicts()}


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("solved", (3 / 4 + 2 / 4) / 2),
        ("optimal", (2 / 4 + 0) / 2),
        ("malformed", (0 + 2 / 4) / 2),
        ("trace-legal", 3 / 8),
        ("trace-sound", 2 / 8),
        ("trace-exact", 1 / 8),
        ("optimal-and-sound", 2 / 8),
        ("step-faithfulness", 20 / 70),
        ("trace-words", (330 / 4 + 320 / 4) / 2),
        ("exact-match", 0.0),
    ],
)
def test_mean_of_k_by_hand(metric: str, expected: float) -> None:
    found = values(TWO_PROBLEMS, "mean of k", 4)[metric]
    assert found["value"] == pytest.approx(expected)
    assert found["rule"] == "mean of 4"
    assert (found["n"], found["clusters"]) == (2, 2)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("any-optimal-k", 1 / 2),
        ("solved-k", 1.0),
        ("SWC", (10 / 10 + 10 / 16) / 2),
        ("ILR-on-solved", (100 / ((80 + 160 + 40) / 3) + 100 / 150) / 2),
        ("ILR-on-optimal", (100 / 60 + 0) / 2),
        ("trace-words-on-optimal", 60.0),
        ("relative-length", 60 / 100),
    ],
)
def test_any_of_k_by_hand(metric: str, expected: float) -> None:
    assert values(TWO_PROBLEMS, "any of k", 4)[metric]["value"] == pytest.approx(expected)


def test_only_the_first_k_samples_count() -> None:
    assert values(TWO_PROBLEMS, "mean of k", 1)["optimal"]["value"] == 0.5
    assert values(TWO_PROBLEMS, "any of k", 2)["ILR-on-optimal"]["value"] == pytest.approx(100 / 80 / 2)


def test_greedy_reads_the_one_response_of_a_problem() -> None:
    greedy = TWO_PROBLEMS.filter(pl.col("sample") == 0).with_columns(sample=pl.lit(-1, pl.Int32))
    found = values(greedy, "greedy", 1)
    assert found["optimal"]["rule"] == "greedy"
    assert found["optimal"]["value"] == 0.5
    assert found["SWC"]["value"] == pytest.approx((1 + 10 / 16) / 2)
    assert "any-optimal-k" not in found


def test_without_traces_the_trace_metrics_are_null() -> None:
    bare = TWO_PROBLEMS.drop("level", "faithful_steps", "total_steps", "trace_words", "exact_match")
    for rule in ("greedy", "mean of k", "any of k"):
        for name, found in values(bare, rule, 4).items():
            empty = name.startswith(("trace", "ILR", "relative", "step", "exact", "optimal-and"))
            assert (found["value"] is None) == empty, name
            assert (found["n"] == 0) == empty, name


def test_traces_of_no_word_are_no_traces() -> None:
    solutions = TWO_PROBLEMS.with_columns(trace_words=pl.lit(0))
    assert values(solutions, "any of k", 4)["ILR-on-solved"]["value"] is None


def test_a_domain_without_costs_has_no_swc() -> None:
    truth_values = TWO_PROBLEMS.with_columns(cost=pl.lit(None), answer_cost=pl.lit(None))
    assert values(truth_values, "any of k", 4)["SWC"]["value"] is None
    assert values(truth_values, "any of k", 4)["solved-k"]["value"] == 1.0


def test_no_responses_give_null_and_no_problem() -> None:
    assert table(TWO_PROBLEMS.clear(), "mean of k", 4)["value"].null_count() == len(
        metrics.METRICS["mean of k"]
    )


def test_verdicts_as_texts_and_as_classes_are_the_same() -> None:
    texts = TWO_PROBLEMS.with_columns(pl.col("verdict", "level").cast(pl.String))
    assert table(texts, "mean of k", 4).equals(table(TWO_PROBLEMS, "mean of k", 4))


def many(problems: int, clusters: int, rng: np.random.Generator, k: int = 4) -> pl.DataFrame:
    """Random rollouts in which the problems of a cluster share their difficulty."""
    ease = rng.beta(2, 2, clusters)
    cluster = rng.integers(0, clusters, problems)
    hit = rng.random((problems, k)) < ease[cluster][:, None]
    size = problems * k
    return pl.DataFrame(
        {
            "problem_id": np.repeat(np.arange(problems), k).astype(str),
            "split_key": np.repeat(cluster, k).astype(str),
            "sample": np.tile(np.arange(k), problems),
            "verdict": np.where(hit.ravel(), "optimal", "wrong"),
            "level": np.where(rng.random(size) < 0.5, "sound", "none"),
            "faithful_steps": rng.integers(0, 10, size),
            "total_steps": np.full(size, 10),
            "trace_words": rng.integers(50, 150, size),
            "answer_cost": np.where(hit.ravel(), 10, 12),
            "cost": np.full(size, 10),
            "reference_words": np.full(size, 100.0),
            "exact_match": rng.random(size) < 0.1,
        }
    )


@pytest.mark.parametrize("rule", ["greedy", "mean of k", "any of k"])
def test_the_order_of_the_rows_does_not_matter_to_the_last_bit(rule: Rule) -> None:
    rollouts = many(200, 40, np.random.default_rng(1))
    shuffled = rollouts.sample(fraction=1.0, shuffle=True, seed=3)
    assert table(rollouts, rule, 4).equals(table(shuffled, rule, 4))


@given(
    counts=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 3)), min_size=2, max_size=30),
    bounded=st.booleans(),
)
def test_an_interval_holds_its_value(counts: list[tuple[int, int]], bounded: bool) -> None:
    top = pl.Series([hits / 8 for hits, _ in counts])
    cluster = pl.Series([str(key) for _, key in counts])
    found = ratio(top, pl.repeat(1.0, len(counts), eager=True), cluster, bounded=bounded)
    assert found["value"] == pytest.approx(top.mean())
    if found["low"] is None or found["high"] is None or found["value"] is None:
        assert found["clusters"] == 1
        return
    assert found["low"] <= found["value"] <= found["high"]
    if bounded:
        assert found["low"] >= 0
        assert found["high"] <= 1
        assert found["low"] < found["high"]


@pytest.mark.parametrize(("hits", "low", "high"), [(0, 0.0, 0.0370), (100, 0.9630, 1.0)])
def test_a_rate_of_0_or_1_keeps_an_interval(hits: int, low: float, high: float) -> None:
    top = pl.Series([float(hits > 0)] * 100)
    found = ratio(top, pl.repeat(1.0, 100, eager=True), pl.Series(range(100)), bounded=True)
    # Wilson at 100 observations gives 0.0370 with the normal quantile; t on 99 degrees widens it a little.
    assert found["low"] == pytest.approx(low, abs=2e-3)
    assert found["high"] == pytest.approx(high, abs=2e-3)


def test_copies_of_a_cluster_do_not_narrow_the_interval() -> None:
    rng = np.random.default_rng(2)
    top = pl.Series(rng.random(30) < 0.7).cast(pl.Float64)
    ones = pl.repeat(1.0, 30, eager=True)
    key = pl.Series(range(30))
    single = ratio(top, ones, key, bounded=True)
    tenfold = ratio(pl.concat([top] * 10), pl.concat([ones] * 10), pl.concat([key] * 10), bounded=True)
    assert tenfold["n"] == 300
    assert tenfold["clusters"] == single["clusters"] == 30
    assert tenfold["low"] == pytest.approx(single["low"])
    assert tenfold["high"] == pytest.approx(single["high"])


def covered(truth: float, found: Estimate) -> bool:
    assert found["low"] is not None
    assert found["high"] is not None
    return found["low"] <= truth <= found["high"]


@pytest.mark.parametrize(("ease", "clusters"), [(0.5, 60), (0.9, 60), (0.97, 150), (0.8, 12)])
def test_the_interval_of_a_rate_covers_its_truth_95_times_in_100(ease: float, clusters: int) -> None:
    rng = np.random.default_rng(7)
    inside = 0
    for _ in range(400):
        easy = rng.beta(ease * 4, (1 - ease) * 4, clusters)
        problems = rng.poisson(4, clusters) + 1
        cluster = np.repeat(np.arange(clusters), problems)
        top = pl.Series(rng.binomial(4, easy[cluster]) / 4)
        found = ratio(top, pl.repeat(1.0, len(top), eager=True), pl.Series(cluster), bounded=True)
        inside += covered(ease, found)
    assert 0.92 <= inside / 400 <= 0.985


def test_the_interval_of_a_length_ratio_covers_its_truth_95_times_in_100() -> None:
    rng = np.random.default_rng(8)
    inside = 0
    for _ in range(400):
        cluster = pl.Series(np.repeat(np.arange(50), 3))
        before = 100 * np.repeat(rng.gamma(8, 1 / 8, 50), 3) * rng.gamma(20, 1 / 20, 150)
        after = 0.9 * before * rng.gamma(20, 1 / 20, 150)
        found = ratio(pl.Series(after), pl.Series(before), cluster, bounded=False)
        inside += covered(0.9, found)
    assert 0.92 <= inside / 400 <= 0.98


def test_paired_lengths_rest_on_the_problems_optimal_in_both() -> None:
    before = responses([row("a", 0, "optimal", 100), row("b", 0, "optimal", 200), row("c", 0, "wrong", 7)])
    after = responses(
        [
            row("a", 0, "optimal", 60),
            row("a", 1, "optimal", 80),
            row("b", 0, "optimal", 170),
            row("c", 0, "optimal", 9),
        ]
    )
    found = paired_ratio(before, after)
    assert found["value"] == pytest.approx((70 + 170) / 300)
    assert found["n"] == 2
    assert metrics.optimal_in_all([before, after]).to_list() == ["a", "b"]
    assert paired_ratio(before, after.clear())["value"] is None


def test_equal_lengths_have_the_ratio_1() -> None:
    rollouts = many(100, 20, np.random.default_rng(4))
    assert paired_ratio(rollouts, rollouts) == {
        "value": 1.0,
        "low": 1.0,
        "high": 1.0,
        "n": rollouts.filter(verdict="optimal")["problem_id"].n_unique(),
        "clusters": 20,
    }


def test_the_interval_of_a_figure_that_may_be_negative_reaches_below_zero() -> None:
    signed = ratio(
        pl.Series([0.3, -0.4, 0.05]), pl.Series([1.0, 1.0, 1.0]), pl.Series(list("abc")), bounded=False
    )
    assert signed["low"] < signed["value"] < 0 < signed["high"]
    never = ratio(
        pl.Series([0.0, 0.1, 0.9]), pl.Series([1.0, 1.0, 1.0]), pl.Series(list("abc")), bounded=False
    )
    assert never["low"] == 0
