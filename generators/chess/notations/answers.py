"""What a move is worth: held against the labels of all legal moves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from generators.chess import ragged
from generators.chess.alphabet import ACTIONS, ACTIONS_AT
from generators.chess.notations.logs import Rows
from generators.domain import VERDICTS
from generators.words import Offsets

Numbers = NDArray[np.int64]

NOT_ENDED = "the response does not end"
NO_ANSWER = "there is no answer"
NO_MOVE = "the answer is not one move"
ILLEGAL = "{said} is no legal move"
WORSE = "{said} is worth {less} where {best} is worth {more}"
UNLABELLED = "{said} is legal, and the position has no labels to hold it against"

MALFORMED, WRONG, VALID, OPTIMAL = range(len(VERDICTS))


class Labels(NamedTuple):
    """All legal moves with their labels, flat; those of row i are `offsets[i]:offsets[i + 1]`."""

    offsets: Offsets
    moves: Numbers
    centipawns: Numbers
    mates: Numbers
    """0 where `centipawns` counts."""
    known: NDArray[np.bool_]
    """By row, whether there are labels."""

    @property
    def worth(self) -> NDArray[np.float64]:
        """Centipawns, beyond them any mate: those of one side are equal, as in arXiv 2402.04494."""
        beyond = np.where(self.mates > 0, np.inf, -np.inf)
        return np.where(self.mates == 0, self.centipawns, beyond)

    def told(self, place: int) -> str:
        """A label as it is read: `+0.35`, `#-2`."""
        mate = int(self.mates[place])
        return f"#{mate:+d}" if mate else f"{self.centipawns[place] / 100:+.2f}"


def claims(answers: Rows) -> Numbers:
    """The action of each answer; -1 where it is not one action."""
    codes, offsets = answers
    single = np.diff(offsets) == 1
    claimed = np.full(len(single), -1, np.int64)
    claimed[single] = codes[offsets[:-1][single]].astype(np.int64) - ACTIONS_AT
    return np.where((claimed >= 0) & (claimed < len(ACTIONS)), claimed, -1)


def best(problems: pl.DataFrame) -> Numbers:
    """The move of each root search; -1 where it is not known."""
    if "best" not in problems.columns:
        return np.full(len(problems), -1, np.int64)
    return problems["best"].cast(pl.Int64).fill_null(-1).to_numpy()


def judge(
    problems: pl.DataFrame, answers: Rows, ended: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], list[str | None]]:
    """Places in VERDICTS, and of what is not optimal a sentence that says why.

    Without labels no legal move but that of the root search is optimal.
    """
    return held(_labels(problems), best(problems), answers, ended)


def held(
    labels: Labels, best: Numbers, answers: Rows, ended: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], list[str | None]]:
    """The same of labels and of the moves of root searches (-1: not known)."""
    claimed = claims(answers)
    place, legal = _places(labels, claimed)
    top, equal = _tops(labels, place)
    right = legal & (equal | (claimed == best))
    verdicts = np.select([~ended | (claimed < 0), ~legal, right], [MALFORMED, WRONG, OPTIMAL], VALID)
    reasons: list[str | None] = [None] * len(claimed)
    for row in np.flatnonzero(verdicts == MALFORMED):
        said = NO_MOVE if answers[1][row + 1] > answers[1][row] else NO_ANSWER
        reasons[row] = said if ended[row] else NOT_ENDED
    for row in np.flatnonzero((verdicts == WRONG) | (verdicts == VALID)):
        said = UNLABELLED if not labels.known[row] else WORSE
        reasons[row] = (said if legal[row] else ILLEGAL).format(
            said=ACTIONS[claimed[row]],
            best=ACTIONS[labels.moves[top[row]]],
            less=labels.told(place[row]),
            more=labels.told(top[row]),
        )
    return verdicts.astype(np.uint8), reasons


def _labels(problems: pl.DataFrame) -> Labels:
    offsets = ragged.row_offsets(problems["moves"])
    moves = ragged.flat(problems["moves"], np.int64)
    if not {"centipawns", "mates"} <= set(problems.columns):
        nothing = np.zeros_like(moves)
        return Labels(offsets, moves, nothing, nothing, np.zeros(len(problems), np.bool_))
    counts = np.diff(offsets)
    scores, known = [], np.ones(len(problems), np.bool_)
    for name in ("centipawns", "mates"):
        known &= problems[name].list.len().fill_null(0).to_numpy() == counts
    for name in ("centipawns", "mates"):
        # A row without labels stands for as many nothings as it has moves.
        told = np.zeros_like(moves)
        told[np.repeat(known, counts)] = ragged.flat(problems[name].filter(pl.Series(known)), np.int64)
        scores.append(told)
    return Labels(offsets, moves, scores[0], scores[1], known)


def _places(labels: Labels, claimed: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
    """Where each claimed move stands among the labels, and whether it does: if not, the place is another."""
    rows = np.arange(len(claimed))
    # Moves ascend within each row, so row and move together ascend throughout.
    keys = np.repeat(rows, np.diff(labels.offsets)) * len(ACTIONS) + labels.moves
    asked = rows * len(ACTIONS) + claimed
    place = np.minimum(np.searchsorted(keys, asked), max(len(keys) - 1, 0))
    return place, (claimed >= 0) & (keys[place] == asked)


def _tops(labels: Labels, place: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
    """Where the first of the highest labels of each row stands, and whether that of `place` is as high."""
    worth = labels.worth
    highest = ragged.row_maxima(worth, labels.offsets)
    counts = np.diff(labels.offsets)
    at_top = np.flatnonzero(worth == np.repeat(highest, counts))
    top = at_top[np.searchsorted(at_top, labels.offsets[:-1])]
    return top, labels.known & (worth[place] == highest)
