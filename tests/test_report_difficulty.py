"""Success against difficulty: bins of numbers and classes, and shares that are those of the rollouts."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.page import plots
from pipeline.page.canvas import clipped
from pipeline.page.collection import edges_of
from pipeline.page.curves import RATES, read_curve
from pipeline.page.difficulty import CLASSES, MOST, bins


def counts(column: pl.Series) -> dict[str, int]:
    """Rows a bin, by its label."""
    cut = bins(column)
    assert len(cut.places) == len(column)
    return {label: int((cut.places == at).sum()) for at, label in enumerate(cut.labels)}


def test_few_numbers_have_a_bin_each() -> None:
    assert counts(pl.Series([3, 1, 3, 2])) == {"1": 1, "2": 1, "3": 2}
    assert counts(pl.Series([0.25, 0.5, 0.25])) == {"0.25": 2, "0.5": 1}
    assert counts(pl.Series([-2, -1, -1])) == {"-2": 1, "-1": 2}


def test_one_value_is_one_bin_and_two_problems_are_two() -> None:
    assert counts(pl.Series([7, 7, 7])) == {"7": 3}
    assert counts(pl.Series([4, 9])) == {"4": 1, "9": 1}


def test_nulls_and_what_is_no_number_are_in_no_bin() -> None:
    column = pl.Series([1.0, None, math.nan, math.inf, 2.0])
    assert counts(column) == {"1": 1, "2": 1}
    assert bins(column).places.null_count() == 3
    assert counts(pl.Series([None, None], dtype=pl.Int32)) == {}
    assert counts(pl.Series([], dtype=pl.Float64)) == {}
    assert counts(pl.Series([None, "x"], dtype=pl.String)) == {"x": 1}


def test_values_that_differ_late_are_told_apart() -> None:
    assert list(counts(pl.Series([0.123456, 0.123457]))) == ["0.123456", "0.123457"]


def test_many_whole_numbers_stand_in_bins_of_about_equal_count() -> None:
    found = counts(pl.Series(range(1, 401)))
    assert list(found) == ["1–49", "50–99", "100–149", "150–199", "200–249", "250–299", "300–349", "350–400"]
    assert max(found.values()) <= 51


def test_edges_are_round() -> None:
    numbers = np.random.default_rng(0).normal(0.5, 0.1, 5000).clip(0, 1)
    cut = bins(pl.Series(numbers))
    inner = [label.split("–")[0] for label in cut.labels[1:]]
    assert all(len(edge) <= 5 for edge in inner), inner
    sizes = [int((cut.places == at).sum()) for at in range(len(cut.labels))]
    assert len(sizes) == MOST
    assert max(sizes) < 2.5 * min(sizes)


def test_a_value_that_most_rows_have_does_not_make_empty_bins() -> None:
    found = counts(pl.Series([5] * 900 + list(range(100))))
    assert sum(found.values()) == 1000
    assert all(found.values())


@given(st.lists(st.integers(-(10**6), 10**6) | st.none(), max_size=200))
def test_every_number_is_in_one_bin_and_bins_ascend(values: list[int | None]) -> None:
    column = pl.Series(values, dtype=pl.Int64)
    cut = bins(column)
    assert len(cut.labels) <= MOST
    assert len(set(cut.labels)) == len(cut.labels)
    assert cut.places.null_count() == column.null_count()
    placed = pl.DataFrame({"value": column, "bin": cut.places}).drop_nulls().sort("value")
    assert placed["bin"].is_sorted()
    assert set(placed["bin"]) == set(range(len(cut.labels)))


@given(st.lists(st.floats(allow_subnormal=False), max_size=100))
def test_any_floats_can_be_cut(values: list[float]) -> None:
    cut = bins(pl.Series(values, dtype=pl.Float64))
    known = [each for each in values if math.isfinite(each)]
    assert cut.places.null_count() == len(values) - len(known)
    assert len(cut.labels) <= MOST


def test_classes_keep_their_order_and_those_that_do_not_occur_are_left_out() -> None:
    kind = pl.Enum(("opening", "middlegame", "endgame"))
    assert counts(pl.Series(["endgame", "opening", None], dtype=kind)) == {"opening": 1, "endgame": 1}
    assert counts(pl.Series([True, False, True])) == {"false": 1, "true": 2}


def test_of_many_classes_the_most_frequent_ones_are_shown() -> None:
    names = [f"{at:02}" for at in range(40)]
    found = counts(pl.Series(names + names[20:]))
    assert list(found) == [*names[20:36]]
    assert len(found) == CLASSES


def test_histograms_of_whole_numbers_have_a_bar_a_number() -> None:
    edges = edges_of(np.array([1, 2, 2, 3]))
    assert edges == [0.5, 1.5, 2.5, 3.5]
    assert np.histogram([1, 2, 2, 3], edges)[0].tolist() == [1, 2, 1]
    for values in ([5], [0.5], [0, 1000], [0.1, 0.2]):
        assert np.histogram(values, edges_of(np.array(values)))[0].sum() == len(values)


def test_learning_rates_are_read_and_drawn(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    lines = ["step,train_loss,learning_rate,muon_learning_rate", "10,2.5,0.001,", "20,2.0,0.0005,"]
    (tmp_path / "logs" / "metrics.csv").write_text("\n".join(lines))
    curve = read_curve(tmp_path)
    assert dict(curve.rates) == {RATES["learning_rate"]: [(10.0, 0.001), (20.0, 0.0005)]}
    svg = plots.rates("Learning rate", curve.rates, "").svg
    assert ">0.0004<" in svg
    assert "Muon" not in svg


@pytest.mark.parametrize("name", ["_hidden", "$x^2$", "a < b & c", "x" * 80])
def test_names_of_users_are_drawn_as_they_are(name: str) -> None:
    point = plots.Point(0, 0.5, 0.4, 0.6)
    svg = plots.by_name("Optimal", {name: point}, "", "share").svg
    svg += plots.success("Success", ["1"], {name: [point]}, "size", "").svg
    svg += plots.departures("Wrong", {name: [0.1] * 11}, "").svg
    shown = clipped(name).replace("&", "&amp;").replace("<", "&lt;")
    assert svg.count(shown) >= 3
