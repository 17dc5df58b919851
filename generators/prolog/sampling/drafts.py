"""Problems under construction: arrays with room for the largest one in every row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.prolog.theory import NONE, WIDTH, Literals, Theories

Numbers = NDArray[np.int32]


class Drafts(NamedTuple):
    """Facts, rules and question of each row, and how they were found; beyond the numbers all is void."""

    facts: Literals
    """Shape (rows, facts, WIDTH)."""
    fact_numbers: Numbers
    heads: Literals
    """Shape (rows, rules, WIDTH)."""
    bodies: Literals
    """Shape (rows, rules, literals, WIDTH)."""
    rule_numbers: Numbers
    lengths: Numbers
    """Shape (rows, rules): the literals of each body."""
    questions: Literals
    entities: Numbers
    contradictory: Numbers
    """Theories that were given up since the row before, as they contradicted themselves."""
    missed: Numbers
    """Theories that were given up for other reasons."""


def blank(rows: int, facts: int, rules: int, longest_body: int) -> Drafts:
    """Room for problems of that size."""

    def literals(*shape: int) -> Literals:
        return np.full((rows, *shape, WIDTH), NONE, np.int16)

    def numbers(*shape: int) -> Numbers:
        return np.zeros((rows, *shape), np.int32)

    return Drafts(
        facts=literals(facts), fact_numbers=numbers(), heads=literals(rules),
        bodies=literals(rules, longest_body), rule_numbers=numbers(), lengths=numbers(rules),
        questions=literals(), entities=numbers(), contradictory=numbers(), missed=numbers(),
    )  # fmt: skip


def theories(drafts: Drafts) -> Theories:
    """The problems without the room around them."""
    stated = _within(drafts.facts.shape[1], drafts.fact_numbers)
    ruled = _within(drafts.heads.shape[1], drafts.rule_numbers)
    lengths = drafts.lengths[ruled]
    return Theories(
        facts=drafts.facts[stated],
        fact_offsets=_offsets(drafts.fact_numbers),
        heads=drafts.heads[ruled],
        rule_offsets=_offsets(drafts.rule_numbers),
        bodies=drafts.bodies[ruled][_within(drafts.bodies.shape[2], lengths)],
        body_offsets=_offsets(lengths),
        questions=drafts.questions,
    )


def _within(room: int, numbers: Numbers) -> NDArray[np.bool_]:
    return np.arange(room) < numbers[:, None]


def _offsets(lengths: Numbers) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
