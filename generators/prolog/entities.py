"""The entities of theories, in the order of their first appearance: what free variables range over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from generators.compiled import compiled
from generators.prolog.alphabet import ARITY
from generators.prolog.theory import ARGUMENTS, NONE, VARIABLE, Given, Offsets, Theories

Entities = NDArray[np.int16]


def entities(theories: Theories) -> tuple[Entities, Offsets]:
    """The entities of theory i are `found[offsets[i] : offsets[i + 1]]`.

    Facts are read first, then rules (body before head), then the question.
    """
    literals = len(theories.facts) + len(theories.heads) + len(theories.bodies) + len(theories)
    found, offsets = np.empty(literals * ARITY, np.int16), np.zeros(len(theories) + 1, np.int64)
    used = _find(
        theories.given,
        np.full(VARIABLE, -1, np.int64),
        found,
        offsets,
    )
    return found[:used], offsets


_NONE, _VARIABLE, _ARGUMENTS = NONE, VARIABLE, ARGUMENTS


@compiled
def _enter(literal: NDArray[np.int16], row: int, stamps: Offsets, found: Entities, used: int) -> int:
    for place in range(_ARGUMENTS, len(literal)):
        name = literal[place]
        if name == _NONE:
            break
        if name < _VARIABLE and stamps[name] != row:
            stamps[name] = row
            found[used] = name
            used += 1
    return used


@compiled
def _find(
    given: Given,
    stamps: Offsets,
    found: Entities,
    offsets: Offsets,
) -> int:
    used = 0
    for row in range(len(given.questions)):
        for fact in range(given.fact_offsets[row], given.fact_offsets[row + 1]):
            used = _enter(given.facts[fact], row, stamps, found, used)
        for rule in range(given.rule_offsets[row], given.rule_offsets[row + 1]):
            for at in range(given.body_offsets[rule], given.body_offsets[rule + 1]):
                used = _enter(given.bodies[at], row, stamps, found, used)
            used = _enter(given.heads[rule], row, stamps, found, used)
        used = _enter(given.questions[row], row, stamps, found, used)
        offsets[row + 1] = used
    return used
