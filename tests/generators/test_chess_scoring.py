"""Values of scores, ranks and decisions, by hand and against plain versions and python-chess."""

from __future__ import annotations

import math

import numpy as np
import pytest

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
