"""What can be seen of a question without any reasoning: five shallow features, and plain counts; compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from generators.compiled import compiled
from generators.prolog.alphabet import COUNTS, FEATURES
from generators.prolog.theory import ARGUMENTS, POLARITY, PREDICATE, WIDTH, Literals, Offsets, Theories


def features(theories: Theories) -> NDArray[np.bool_]:
    """FEATURES of each question, shape (theories, 5)."""
    seen = np.zeros((len(theories), len(FEATURES)), np.bool_)
    _see(
        theories.facts,
        theories.fact_offsets,
        theories.heads,
        theories.rule_offsets,
        theories.questions,
        seen,
    )
    return seen


def counts(theories: Theories) -> NDArray[np.int32]:
    """COUNTS of each theory and question, shape (theories, 8)."""
    counted = np.zeros((len(theories), len(COUNTS)), np.int32)
    _count(
        theories.facts,
        theories.fact_offsets,
        theories.heads,
        theories.rule_offsets,
        theories.bodies,
        theories.body_offsets,
        theories.questions,
        counted,
    )
    return counted


_POLARITY, _PREDICATE, _ARGUMENTS, _WIDTH = POLARITY, PREDICATE, ARGUMENTS, WIDTH


@compiled
def _see(
    facts: Literals,
    fact_offsets: Offsets,
    heads: Literals,
    rule_offsets: Offsets,
    questions: Literals,
    seen: NDArray[np.bool_],
) -> None:
    for row in range(len(questions)):
        question = questions[row]
        for fact in range(fact_offsets[row], fact_offsets[row + 1]):
            same = True
            for at in range(_PREDICATE, _WIDTH):
                same = same and facts[fact, at] == question[at]
            if same:
                seen[row, 0 if facts[fact, _POLARITY] == question[_POLARITY] else 1] = True
        for rule in range(rule_offsets[row], rule_offsets[row + 1]):
            if heads[rule, _PREDICATE] == question[_PREDICATE]:
                seen[row, 2 if heads[rule, _POLARITY] == question[_POLARITY] else 3] = True
        seen[row, 4] = question[_POLARITY] == 0


@compiled
def _count(
    facts: Literals,
    fact_offsets: Offsets,
    heads: Literals,
    rule_offsets: Offsets,
    bodies: Literals,
    body_offsets: Offsets,
    questions: Literals,
    counted: NDArray[np.int32],
) -> None:
    for row in range(len(questions)):
        predicate, entity = questions[row, _PREDICATE], questions[row, _ARGUMENTS]
        own = counted[row]
        own[0] = fact_offsets[row + 1] - fact_offsets[row]
        own[1] = rule_offsets[row + 1] - rule_offsets[row]
        for fact in range(fact_offsets[row], fact_offsets[row + 1]):
            named = False
            for at in range(_ARGUMENTS, _WIDTH):
                named = named or (entity >= 0 and facts[fact, at] == entity)
            own[3] += named
            own[4] += facts[fact, _PREDICATE] == predicate
            own[7] += facts[fact, _POLARITY] == 0
        for rule in range(rule_offsets[row], rule_offsets[row + 1]):
            own[2] += body_offsets[rule + 1] - body_offsets[rule]
            own[5] += heads[rule, _PREDICATE] == predicate
            own[7] += heads[rule, _POLARITY] == 0
            for at in range(body_offsets[rule], body_offsets[rule + 1]):
                own[6] += bodies[at, _PREDICATE] == predicate
