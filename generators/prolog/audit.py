"""Small models that see the shallow features of questions alone, and what such features must give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.bool_]
Classes = NDArray[np.int64]
Codes = NDArray[np.int64]

ROUNDS = 200
"""Steps of a regression's fit."""


@dataclass(frozen=True)
class Halves:
    """The rows that an audit is fitted on and those that it is scored on."""

    fitted: NDArray[np.bool_]
    scored: NDArray[np.bool_]

    def within(self, rows: NDArray[np.bool_]) -> Halves:
        """The same of some rows alone."""
        return Halves(self.fitted & rows, self.scored & rows)

    def swapped(self) -> Halves:
        """Fitted on what was scored, and the other way round."""
        return Halves(self.scored, self.fitted)

    def empty(self) -> bool:
        """Whether there is nothing to fit or nothing to score."""
        return not (self.fitted.any() and self.scored.any())


Folds = Sequence[Halves]
"""One pair of halves, or a pair and the same swapped: cross-fitting."""


def cells(features: Features) -> Codes:
    """A number for each combination of features."""
    return features @ (1 << np.arange(features.shape[1], dtype=np.int64))


def table(cell: Codes, answers: Classes, folds: Folds) -> float | None:
    """Accuracy of a table from cells to their most frequent answer; the first of equals, as of an empty cell.

    A cell that was not fitted takes the most frequent answer of all. None if nothing is fitted or scored.
    """

    def guesses(halves: Halves) -> Classes:
        counted = _counts(cell, answers, halves.fitted)
        counted[counted.sum(1) == 0] = counted.sum(0)
        most: Classes = counted.argmax(1)
        return most[cell[halves.scored]]

    return _accuracy(guesses, answers, folds)


def bound(cell: Codes, forced: Codes, answers: Classes, kinds: Classes) -> float | None:
    """The Bayes accuracy of the cells if the answer decided of each cell its `forced` part alone.

    Within each kind of theory the rest of a cell is taken as independent of the answer once the forced part
    is known: every row counts for each answer by that answer's share among the rows of its kind and forced
    part. The kinds are then summed, since a reader of the features is not told them. In-sample.
    """
    if not len(answers):
        return None
    joint = np.zeros((cell.max() + 1, answers.max() + 1))
    for kind in np.unique(kinds):
        own = kinds == kind
        counted = _counts(forced, answers, own)
        share = counted / np.maximum(counted.sum(1, keepdims=True), 1)
        np.add.at(joint, cell[own], share[forced[own]])
    return float(joint.max(1).sum() / len(answers))


def regression(inputs: NDArray[np.float64], answers: Classes, folds: Folds) -> float | None:
    """Accuracy of a multinomial logistic regression on standardised inputs; None as for `table`."""
    return _accuracy(lambda halves: _regressed(inputs, answers, halves), answers, folds)


def _regressed(inputs: NDArray[np.float64], answers: Classes, halves: Halves) -> Classes:
    """What the regression guesses of the rows that are scored.

    Fitted with the fixed bound of its Hessian (Boehning 1992), 1/2 X'X for each class, so that every round
    climbs and nothing has to be tuned; a little weight decay keeps collinear inputs finite.
    """
    known = inputs[halves.fitted]
    centre, spread = known.mean(0), known.std(0)
    scaled = np.where(spread > 0, (inputs - centre) / np.where(spread > 0, spread, 1), 0)
    rows = np.column_stack([scaled, np.ones(len(scaled))])
    seen, right = rows[halves.fitted], np.eye(answers.max() + 1)[answers[halves.fitted]]
    step = np.linalg.inv(seen.T @ seen / 2 + np.eye(seen.shape[1]))
    weights = np.zeros((seen.shape[1], right.shape[1]))
    for _ in range(ROUNDS):
        scores = seen @ weights
        scores -= scores.max(1, keepdims=True)
        shares = np.exp(scores)
        shares /= shares.sum(1, keepdims=True)
        weights += step @ (seen.T @ (right - shares) - weights)
    guesses: Classes = (rows[halves.scored] @ weights).argmax(1)
    return guesses


def _accuracy(guesses: Callable[[Halves], Classes], answers: Classes, folds: Folds) -> float | None:
    """The share of right guesses among the rows that any of the folds scores."""
    right = [guesses(halves) == answers[halves.scored] for halves in folds if not halves.empty()]
    return float(np.concatenate(right).mean()) if right else None


def _counts(cell: Codes, answers: Classes, rows: NDArray[np.bool_]) -> NDArray[np.int64]:
    counted = np.zeros((cell.max() + 1, answers.max() + 1), np.int64)
    np.add.at(counted, (cell[rows], answers[rows]), 1)
    return counted
