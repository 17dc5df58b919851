"""How alike two orders of the same moves are: Kendall's tau-b with ties, and the published statistic."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from generators.compiled import compiled

Floats = NDArray[np.float64]
Offsets = NDArray[np.int64]


def tau_b(scores: Floats, labels: Floats, offsets: Offsets) -> Floats:
    """Kendall's tau-b (Kendall 1945) of each row's scores and labels, nan where one of them is constant.

    Row i is `offsets[i]:offsets[i + 1]` of both. Takes the numbers themselves, never ranks by argsort, which
    would break ties at random.
    """
    _refuse_unequal(scores, labels, offsets)
    return _tau_b(scores, labels, offsets)


def published_tau(scores: Floats, labels: Floats, offsets: Offsets) -> Floats:
    """What searchless_chess prints as Kendall's tau: that of two lists of move indices sorted by value.

    Its `metrics_evaluator.py` takes kendalltau(argsort(scores), argsort(labels)) over the legal moves in the
    order of their actions, and 1 for a single move. It is 1 for equal orders, but falls off far faster than
    tau. Equal values are sorted by index here; numpy's default sort leaves their order open.
    """
    _refuse_unequal(scores, labels, offsets)
    return _published_tau(scores, labels, offsets)


def _refuse_unequal(scores: Floats, labels: Floats, offsets: Offsets) -> None:
    if not len(scores) == len(labels) == offsets[-1]:
        raise ValueError(f"tau compares as many scores as labels, got {len(scores)} and {len(labels)}")


@compiled
def _tau_b(scores: Floats, labels: Floats, offsets: Offsets) -> Floats:
    taus = np.empty(len(offsets) - 1, np.float64)
    for row in range(len(taus)):
        begin, end = offsets[row], offsets[row + 1]
        taus[row] = _tau_of_row(scores[begin:end], labels[begin:end])
    return taus


@compiled
def _published_tau(scores: Floats, labels: Floats, offsets: Offsets) -> Floats:
    taus = np.empty(len(offsets) - 1, np.float64)
    for row in range(len(taus)):
        begin, end = offsets[row], offsets[row + 1]
        by_score = np.argsort(scores[begin:end], kind="mergesort")
        by_label = np.argsort(labels[begin:end], kind="mergesort")
        single = end - begin == 1
        taus[row] = 1.0 if single else _tau_of_row(by_score.astype(np.float64), by_label.astype(np.float64))
    return taus


@compiled
def _tau_of_row(left: Floats, right: Floats) -> float:
    # Quadratic: a position has some 30 moves, for which sorting would not pay.
    agreement = left_untied = right_untied = 0
    for i in range(len(left)):
        for j in range(i):
            a = int(left[i] > left[j]) - int(left[i] < left[j])
            b = int(right[i] > right[j]) - int(right[i] < right[j])
            agreement += a * b
            left_untied += a * a
            right_untied += b * b
    if left_untied == 0 or right_untied == 0:
        return math.nan
    return agreement / math.sqrt(left_untied * right_untied)
