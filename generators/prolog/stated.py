"""Prompts in the stored notation, written from theories and read back, compiled.

`fact1 + kind bob ... rule1 if + kind x then + nice x ... ask + nice bob`, clauses numbered in their order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from generators.compiled import compiled, whole
from generators.domain import BadProblem
from generators.prolog.alphabet import ARITY, FRAME, VARIABLES, Words
from generators.prolog.theory import (
    ARGUMENTS,
    NONE,
    POLARITY,
    PREDICATE,
    VARIABLE,
    WIDTH,
    Given,
    Literals,
    Offsets,
    Theories,
)
from generators.words import Codes

Layout = NDArray[np.int64]
"""First codes: entities, predicates, variables, facts, rules, events, `if`; then how many variables."""


def layout(words: Words) -> Layout:
    """Where the parts of an alphabet begin, for compiled code."""
    parts = (words.entities, words.predicates, words.variables, words.facts, words.rules, words.events)
    return np.array([*parts, words.frame, len(VARIABLES)], np.int64)


def prompts(theories: Theories, words: Words) -> tuple[Codes, Offsets]:
    """The prompt of each theory. Raises BadProblem for one with more clauses than the alphabet numbers."""
    for offsets, most, noun in (
        (theories.fact_offsets, words.largest_facts, "facts"),
        (theories.rule_offsets, words.largest_rules, "rules"),
    ):
        counts = np.diff(offsets)
        if counts.size and counts.max() > most:
            row = int(counts.argmax())
            raise BadProblem(
                f"problem {row} has {counts[row]} {noun}, the vocabulary ends at {most}; raise largest_{noun}"
            )
    literals = len(theories.facts) + len(theories.heads) + len(theories.bodies) + len(theories)
    room = literals * WIDTH + len(theories.facts) + 3 * len(theories.heads) + len(theories)
    out, offsets = np.empty(room, np.uint16), np.zeros(len(theories) + 1, np.int64)
    arities = np.array(words.arities, np.int64)
    used = _write(
        theories.given,
        layout(words),
        arities,
        out,
        offsets,
    )
    return out[:used], offsets


def parsed(codes: Codes, offsets: Offsets, words: Words) -> Theories:
    """The theories that prompts state. Raises BadProblem for the first prompt that states none."""
    rows, most = len(offsets) - 1, len(codes)
    facts, heads, bodies = (np.empty((most // 2 + 1, WIDTH), np.int16) for _ in range(3))
    found = Given(
        facts,
        np.zeros(rows + 1, np.int64),
        heads,
        np.zeros(rows + 1, np.int64),
        bodies,
        np.zeros(most + 2, np.int64),
        np.empty((rows, WIDTH), np.int16),
    )
    used = np.zeros(3, np.int64)
    row = _read(codes, offsets, layout(words), np.array(words.arities, np.int64), found, used)
    if row < rows:
        alphabet = words.alphabet
        stated = codes[offsets[row] : offsets[row + 1]]
        text = " ".join(alphabet[code] if code < len(alphabet) else "?" for code in stated[:12])
        raise BadProblem(f"prompt {row} states no theory with a question: '{text} ...'")
    return Theories(
        facts=facts[: used[0]],
        fact_offsets=found.fact_offsets,
        heads=heads[: used[1]],
        rule_offsets=found.rule_offsets,
        bodies=bodies[: used[2]],
        body_offsets=found.body_offsets[: used[1] + 1],
        questions=found.questions,
    )


_IF, _THEN, _ASK = (FRAME.index(word) for word in ("if", "then", "ask"))
_NONE, _VARIABLE = NONE, VARIABLE
_POLARITY, _PREDICATE, _ARGUMENTS, _ARITY = POLARITY, PREDICATE, ARGUMENTS, ARITY


@compiled
def _put(literal: NDArray[np.int16], layout: Layout, arities: Layout, out: Codes, used: int) -> int:
    out[used] = literal[_POLARITY]
    out[used + 1] = layout[1] + literal[_PREDICATE]
    used += 2
    for at in range(arities[literal[_PREDICATE]]):
        argument = whole(literal[_ARGUMENTS + at])
        out[used] = layout[2] + argument - _VARIABLE if argument >= _VARIABLE else layout[0] + argument
        used += 1
    return used


@compiled
def _write(
    given: Given,
    layout: Layout,
    arities: Layout,
    out: Codes,
    offsets: Offsets,
) -> int:
    used = 0
    for row in range(len(given.questions)):
        for fact in range(given.fact_offsets[row], given.fact_offsets[row + 1]):
            out[used] = layout[3] + fact - given.fact_offsets[row]
            used = _put(given.facts[fact], layout, arities, out, used + 1)
        for rule in range(given.rule_offsets[row], given.rule_offsets[row + 1]):
            out[used] = layout[4] + rule - given.rule_offsets[row]
            out[used + 1] = layout[6] + _IF
            used += 2
            for at in range(given.body_offsets[rule], given.body_offsets[rule + 1]):
                used = _put(given.bodies[at], layout, arities, out, used)
            out[used] = layout[6] + _THEN
            used = _put(given.heads[rule], layout, arities, out, used + 1)
        out[used] = layout[6] + _ASK
        used = _put(given.questions[row], layout, arities, out, used + 1)
        offsets[row + 1] = used
    return used


@compiled
def _take(
    codes: Codes,
    at: int,
    end: int,
    layout: Layout,
    arities: Layout,
    ground: bool,
    literal: NDArray[np.int16],
) -> int:
    """Read a literal at `at`; gives the place after it, or -1."""
    if at + 2 > end or codes[at] > 1 or codes[at + 1] < layout[1] or codes[at + 1] >= layout[2]:
        return -1
    literal[_POLARITY] = codes[at]
    literal[_PREDICATE] = codes[at + 1] - layout[1]
    literal[_ARGUMENTS:] = _NONE
    arity = arities[literal[_PREDICATE]]
    at += 2
    if at + arity > end:
        return -1
    for place in range(arity):
        code = whole(codes[at + place])
        if layout[0] <= code < layout[1]:
            literal[_ARGUMENTS + place] = code - layout[0]
        elif not ground and layout[2] <= code < layout[2] + layout[7]:
            literal[_ARGUMENTS + place] = code - layout[2] + _VARIABLE
        else:
            return -1
    return whole(at + arity)


@compiled
def _read_facts(
    codes: Codes, at: int, end: int, layout: Layout, arities: Layout, facts: Literals, used: Offsets
) -> int:
    """Read the facts from `at` on; gives the place after them, or -1. `used` counts facts, rules, bodies."""
    number = 0
    while at < end and codes[at] == layout[3] + number and codes[at] < layout[4]:
        at = _take(codes, at + 1, end, layout, arities, True, facts[used[0]])
        if at < 0:
            return -1
        used[0] += 1
        number += 1
    return at


@compiled
def _read_body(
    codes: Codes, at: int, end: int, layout: Layout, arities: Layout, bodies: Literals, used: Offsets
) -> int:
    while at >= 0 and at < end and codes[at] <= 1:
        at = _take(codes, at, end, layout, arities, False, bodies[used[2]])
        used[2] += 1
    return at


@compiled
def _read_rules(
    codes: Codes,
    at: int,
    end: int,
    layout: Layout,
    arities: Layout,
    found: Given,
    used: Offsets,
) -> int:
    """Read the rules from `at` on; gives the place after them, or -1."""
    number = 0
    while at < end and codes[at] == layout[4] + number and codes[at] < layout[5]:
        if at + 1 >= end or codes[at + 1] != layout[6] + _IF:
            return -1
        at = _read_body(codes, at + 2, end, layout, arities, found.bodies, used)
        if at < 0 or at >= end or codes[at] != layout[6] + _THEN:
            return -1
        at = _take(codes, at + 1, end, layout, arities, False, found.heads[used[1]])
        if at < 0:
            return -1
        used[1] += 1
        found.body_offsets[used[1]] = used[2]
        number += 1
    return at


@compiled
def _read(
    codes: Codes,
    offsets: Offsets,
    layout: Layout,
    arities: Layout,
    found: Given,
    used: Offsets,
) -> int:
    """Fill the arrays; gives the first row that cannot be read, or the number of rows."""
    for row in range(len(offsets) - 1):
        end = offsets[row + 1]
        at = _read_facts(codes, offsets[row], end, layout, arities, found.facts, used)
        if at >= 0:
            at = _read_rules(codes, at, end, layout, arities, found, used)
        found.fact_offsets[row + 1], found.rule_offsets[row + 1] = used[0], used[1]
        if at < 0 or at >= end or codes[at] != layout[6] + _ASK:
            return row
        if _take(codes, at + 1, end, layout, arities, True, found.questions[row]) != end:
            return row
    return len(offsets) - 1
