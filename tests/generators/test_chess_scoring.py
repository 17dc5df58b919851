"""Values of scores, ranks and decisions, by hand and against plain versions and python-chess."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from generators.chess.scoring.ranks import published_tau, tau_b
from generators.chess.scoring.values import flipped, probability, values, win_probability


@pytest.mark.parametrize(
    ("centipawns", "expected"), [(0, 0.5), (100, 0.59103), (1248, 0.99000), (-1248, 0.01)]
)
def test_win_probability_is_that_of_the_paper(centipawns: int, expected: float) -> None:
    assert win_probability(centipawns) == pytest.approx(expected, abs=1e-4)


def test_win_probability_holds_at_the_edges_of_centipawns() -> None:
    lowest, highest = win_probability([-32768, 32767])
    assert 0 <= lowest < 1e-50
    assert highest == 1


@pytest.mark.parametrize(
    ("mate", "value"),
    [
        (1, 5),
        (2, 4),
        (3, 3),
        (4, 3),
        (5, 2),
        (127, 2),
        (-1, -4),
        (-2, -3),
        (-3, -2),
        (-4, -2),
        (-5, -1),
        (-127, -1),
    ],
)
def test_mates_have_four_ordered_classes(mate: int, value: float) -> None:
    assert values([0], [mate], 4) == [value]


def test_the_fastest_mate_is_the_highest_value_and_the_fastest_loss_the_lowest() -> None:
    mates = [1, 2, 4, 8, 0, 0, 0, -8, -4, -2, -1]
    centipawns = [0, 0, 0, 0, 900, 0, -900, 0, 0, 0, 0]
    ordered = values(centipawns, mates, 4)
    assert ordered.dtype == np.float32
    assert (np.diff(ordered) < 0).all()


def test_more_classes_go_on_doubling_the_distance() -> None:
    distances = np.arange(1, 128)
    expected = [1 + max(6 - math.ceil(math.log2(n)), 1) for n in distances.tolist()]
    assert values(np.zeros(127), distances, 6).tolist() == expected


def test_without_classes_mates_are_one_and_zero() -> None:
    assert values([0, 0, 0], [3, -3, 0], 0).tolist() == [1, 0, 0.5]


def test_the_other_side_has_the_other_class() -> None:
    mine = values([37, 0, 0], [0, 3, -1], 4)
    theirs = values([-37, 0, 0], [0, -3, 1], 4)
    np.testing.assert_allclose(flipped(mine), theirs, rtol=1e-6)


def test_a_mate_is_certain() -> None:
    assert probability(np.asarray([5.0, 1.02, 0.25, -0.01, -4.0])).tolist() == [1, 1, 0.25, 0, 0]


def plain_tau_b(left: np.ndarray, right: np.ndarray) -> float:
    """Tau-b by its definition, over all ordered pairs."""
    pairs = [(i, j) for i in range(len(left)) for j in range(len(left)) if i != j]
    signs = [(np.sign(left[i] - left[j]), np.sign(right[i] - right[j])) for i, j in pairs]
    bottom = math.sqrt(sum(a * a for a, _ in signs) * sum(b * b for _, b in signs))
    return sum(a * b for a, b in signs) / bottom if bottom else math.nan


def ragged(rng: np.random.Generator, rows: int, levels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores and labels with many ties, in rows of 0 to 40."""
    offsets = np.concatenate([[0], np.cumsum(rng.integers(0, 41, rows))])
    scores, labels = (rng.integers(0, levels, offsets[-1]).astype(np.float64) for _ in range(2))
    return scores, labels, offsets


@pytest.mark.parametrize(
    ("scores", "labels", "expected"),
    [
        ([1, 2, 3, 4], [10, 20, 30, 40], 1),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1),
        ([1, 2, 3], [1, 3, 2], 1 / 3),
        # 4 concordant of 6 pairs, one tied on each side: 4 / sqrt(5 * 5)
        ([1, 1, 2, 3], [1, 2, 2, 3], 4 / 5),
        # pairs: one concordant, one tied on the left, one on both: 2 / sqrt(2 * 2)
        ([1, 1, 2], [5, 5, 7], 1),
        # two concordant, none discordant, one tied on the left: 2 / sqrt(2 * 3)
        ([1, 1, 2], [5, 6, 7], 2 / math.sqrt(6)),
        ([1, 1, 1], [1, 2, 3], math.nan),
        ([1], [1], math.nan),
        ([], [], math.nan),
    ],
)
def test_tau_b_by_hand(scores: list[float], labels: list[float], expected: float) -> None:
    offsets = np.asarray([0, len(scores)])
    found = tau_b(np.asarray(scores, np.float64), np.asarray(labels, np.float64), offsets)
    assert found == pytest.approx([expected], nan_ok=True)


@pytest.mark.parametrize("levels", [1, 2, 5, 1000])
def test_tau_b_is_that_of_its_definition(levels: int) -> None:
    scores, labels, offsets = ragged(np.random.default_rng(levels), 40, levels)
    bounds = list(itertools.pairwise(offsets))
    expected = [plain_tau_b(scores[a:b], labels[a:b]) for a, b in bounds]
    assert tau_b(scores, labels, offsets) == pytest.approx(expected, nan_ok=True)


def test_the_published_tau_is_that_of_sorted_indices() -> None:
    scores, labels, offsets = ragged(np.random.default_rng(7), 40, 1000)
    expected = [
        1.0
        if b - a == 1
        else plain_tau_b(np.argsort(scores[a:b], kind="stable"), np.argsort(labels[a:b], kind="stable"))
        for a, b in itertools.pairwise(offsets)
    ]
    assert published_tau(scores, labels, offsets) == pytest.approx(expected, nan_ok=True)


def test_the_published_tau_is_no_tau() -> None:
    # One pair of three is in disorder; the indices sorted by value, 2 0 1 and 0 2 1, disagree on all three.
    labels, scores, offsets = np.asarray([2.0, 3, 1]), np.asarray([1.0, 3, 2]), np.asarray([0, 3])
    assert tau_b(scores, labels, offsets) == pytest.approx([1 / 3])
    assert published_tau(scores, labels, offsets) == pytest.approx([-1])


def test_a_tau_of_lists_of_two_lengths_is_refused() -> None:
    with pytest.raises(ValueError, match="as many scores as labels, got 3 and 2"):
        tau_b(np.zeros(3), np.zeros(2), np.asarray([0, 3]))


def test_both_taus_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    scores, labels, offsets = ragged(np.random.default_rng(3), 60, 6)
    for (a, b), tau, published in zip(
        itertools.pairwise(offsets),
        tau_b(scores, labels, offsets),
        published_tau(scores, labels, offsets),
        strict=True,
    ):
        if b - a > 1:
            assert tau == pytest.approx(stats.kendalltau(scores[a:b], labels[a:b])[0], nan_ok=True)
            sorted_indices = [np.argsort(x[a:b], kind="stable") for x in (scores, labels)]
            assert published == pytest.approx(stats.kendalltau(*sorted_indices)[0])
