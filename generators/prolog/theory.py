"""Theories with their questions as flat arrays: what all parts of this domain hand to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.prolog.alphabet import ARITY

Literals = NDArray[np.int16]
"""One literal a row, of WIDTH numbers."""
Offsets = NDArray[np.int64]

POLARITY, PREDICATE, ARGUMENTS = 0, 1, 2
"""Columns of a literal: 1 or 0, the number of the predicate, then ARITY arguments."""
WIDTH = ARGUMENTS + ARITY

NONE = -1
"""An argument that a predicate of smaller arity does not have."""
VARIABLE = 1000
"""An argument from here on is a variable of its rule (`x` is 1000), below it the number of an entity."""


class Given(NamedTuple):
    """The arrays of `Theories` as compiled code takes them."""

    facts: Literals
    fact_offsets: Offsets
    heads: Literals
    rule_offsets: Offsets
    bodies: Literals
    body_offsets: Offsets
    questions: Literals


@dataclass(frozen=True)
class Theories:
    """Theories in rows: facts are ground; a rule has a body (perhaps empty) and a head; questions are ground.

    Facts of theory i are `facts[fact_offsets[i]:fact_offsets[i + 1]]`, its rules have the numbers from
    `rule_offsets[i]` up to `rule_offsets[i + 1]`, and the body of rule r is
    `bodies[body_offsets[r]:body_offsets[r + 1]]`.
    """

    facts: Literals
    fact_offsets: Offsets
    heads: Literals
    rule_offsets: Offsets
    bodies: Literals
    body_offsets: Offsets
    questions: Literals

    def __len__(self) -> int:
        return len(self.questions)

    @property
    def given(self) -> Given:
        """For compiled code."""
        return Given(
            self.facts,
            self.fact_offsets,
            self.heads,
            self.rule_offsets,
            self.bodies,
            self.body_offsets,
            self.questions,
        )

    def part(self, start: int, stop: int) -> Theories:
        """The theories from `start` up to `stop`, as views where possible."""
        rules = self.rule_offsets[start : stop + 1]
        bodies = self.body_offsets[rules[0] : rules[-1] + 1]
        facts = self.fact_offsets[start : stop + 1]
        return Theories(
            facts=self.facts[facts[0] : facts[-1]],
            fact_offsets=facts - facts[0],
            heads=self.heads[rules[0] : rules[-1]],
            rule_offsets=rules - rules[0],
            bodies=self.bodies[bodies[0] : bodies[-1]],
            body_offsets=bodies - bodies[0],
            questions=self.questions[start:stop],
        )


Clause = tuple[list[list[int]], list[int]]
"""A rule as its body and its head, each literal a list of WIDTH numbers."""


def assembled(theories: list[tuple[list[list[int]], list[Clause], list[int]]]) -> Theories:
    """Theories from plain lists: facts, rules and the question of each."""
    facts = [fact for given, _, _ in theories for fact in given]
    rules = [rule for _, given, _ in theories for rule in given]
    bodies = [literal for body, _ in rules for literal in body]
    return Theories(
        facts=_literals(facts),
        fact_offsets=_offsets([len(given) for given, _, _ in theories]),
        heads=_literals([head for _, head in rules]),
        rule_offsets=_offsets([len(given) for _, given, _ in theories]),
        bodies=_literals(bodies),
        body_offsets=_offsets([len(body) for body, _ in rules]),
        questions=_literals([question for _, _, question in theories]),
    )


def _literals(rows: list[list[int]]) -> Literals:
    return np.array(rows, np.int16).reshape(len(rows), WIDTH)


def _offsets(lengths: list[int]) -> Offsets:
    return np.concatenate([[0], np.cumsum(np.array(lengths, np.int64))]).astype(np.int64)
