"""What a move is worth as one number: win probability, with the mates in ordered classes beyond 0 and 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

STEEPNESS = 0.00368208
"""Per centipawn, of Lichess's accuracy formula, as in arXiv 2402.04494 (section 2)."""

DRAW = 0.5


def win_probability(centipawns: ArrayLike) -> NDArray[np.float64]:
    """1 / (1 + exp(-STEEPNESS * centipawns)), as the side to move sees it."""
    return np.asarray(1.0 / (1.0 + np.exp(-STEEPNESS * np.asarray(centipawns, np.float64))))


def values(centipawns: ArrayLike, mates: ArrayLike, classes: int) -> NDArray[np.float32]:
    """The value of each score: its win probability, or 1 + j for a mate of class j and -j for being mated.

    `mates` has 0 where `centipawns` counts. A mate in 1 has class j = `classes`, one in 2 the class below,
    then in 3 and 4, in 5 to 8 and so on, the last class being 1; with no classes all mates are 1 or 0.
    """
    distances = np.asarray(mates, np.int64)
    # frexp(n - 1) has the exponent 0, 1, 2, 2, 3 for n = 1, 2, 3, 4, 5: the rounded-up log2 n, exactly.
    doublings = np.frexp(np.maximum(np.abs(distances) - 1, 0).astype(np.float64))[1]
    beyond = np.maximum(classes - doublings, min(classes, 1))
    mated = np.where(distances > 0, 1 + beyond, -beyond)
    return np.where(distances == 0, win_probability(centipawns), mated).astype(np.float32)


def flipped(scores: NDArray[np.floating]) -> NDArray[np.floating]:
    """The other side's value: 1 - v, which takes 1 + j to -j and back.

    A model's score flips in the same way: it is an expectation over the midpoints of K buckets, where class
    j above has 1 + (j - 0.5) / K and class j below -(j - 0.5) / K.
    """
    return np.asarray(1 - scores)


def probability(scores: NDArray[np.floating]) -> NDArray[np.floating]:
    """The win probability that a value or a model's score stands for: mates are 1 and 0."""
    return np.asarray(np.clip(scores, 0, 1))
