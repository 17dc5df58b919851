"""What can be seen of a question without any reasoning: five shallow features, and plain counts; compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from generators.compiled import compiled
from generators.prolog.alphabet import COUNTS, FEATURES
from generators.prolog.theory import ARGUMENTS, POLARITY, PREDICATE, WIDTH, Given, Theories


def features(theories: Theories) -> NDArray[np.bool_]:
    """FEATURES of each question, shape (theories, 5)."""
    seen = np.zeros((len(theories), len(FEATURES)), np.bool_)
    _see(
        theories.given,
        seen,
    )
    return seen


def counts(theories: Theories) -> NDArray[np.int32]:
    """COUNTS of each theory and question, shape (theories, 8)."""
    counted = np.zeros((len(theories), len(COUNTS)), np.int32)
    _count(
        theories.given,
        counted,
    )
    return counted


_POLARITY, _PREDICATE, _ARGUMENTS, _WIDTH = POLARITY, PREDICATE, ARGUMENTS, WIDTH


@compiled
def _see(
    given: Given,
    seen: NDArray[np.bool_],
) -> None:
    for row in range(len(given.questions)):
        question = given.questions[row]
        for fact in range(given.fact_offsets[row], given.fact_offsets[row + 1]):
            same = True
            for at in range(_PREDICATE, _WIDTH):
                same = same and given.facts[fact, at] == question[at]
            if same:
                seen[row, 0 if given.facts[fact, _POLARITY] == question[_POLARITY] else 1] = True
        for rule in range(given.rule_offsets[row], given.rule_offsets[row + 1]):
            if given.heads[rule, _PREDICATE] == question[_PREDICATE]:
                seen[row, 2 if given.heads[rule, _POLARITY] == question[_POLARITY] else 3] = True
        seen[row, 4] = question[_POLARITY] == 0


@compiled
def _count(
    given: Given,
    counted: NDArray[np.int32],
) -> None:
    for row in range(len(given.questions)):
        predicate, entity = given.questions[row, _PREDICATE], given.questions[row, _ARGUMENTS]
        own = counted[row]
        own[0] = given.fact_offsets[row + 1] - given.fact_offsets[row]
        own[1] = given.rule_offsets[row + 1] - given.rule_offsets[row]
        for fact in range(given.fact_offsets[row], given.fact_offsets[row + 1]):
            named = False
            for at in range(_ARGUMENTS, _WIDTH):
                named = named or (entity >= 0 and given.facts[fact, at] == entity)
            own[3] += named
            own[4] += given.facts[fact, _PREDICATE] == predicate
            own[7] += given.facts[fact, _POLARITY] == 0
        for rule in range(given.rule_offsets[row], given.rule_offsets[row + 1]):
            own[2] += given.body_offsets[rule + 1] - given.body_offsets[rule]
            own[5] += given.heads[rule, _PREDICATE] == predicate
            own[7] += given.heads[rule, _POLARITY] == 0
            for at in range(given.body_offsets[rule], given.body_offsets[rule + 1]):
                own[6] += given.bodies[at, _PREDICATE] == predicate
