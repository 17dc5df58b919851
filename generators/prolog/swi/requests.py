"""Theories as the texts that `solver.pl` reads, compiled; its head gives the grammar."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.chance import State, below
from generators.compiled import compiled, whole
from generators.prolog.alphabet import ARITY, Mode, Words
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

Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]

FIRST = 0x100
"""The character of the first word; those before it are marks."""

_SURROGATES = 0xD800
_ARGUMENTS, _ARITY, _POLARITY, _PREDICATE = ARGUMENTS, ARITY, POLARITY, PREDICATE
_NONE, _VARIABLE, _FIRST, _WIDTH = NONE, VARIABLE, FIRST, WIDTH
_GROUND, _GENERAL, _NEWLINE = ord("0"), ord("@"), ord("\n")
_NEXT, _END = ord("@") + 1, ord(";")
_FACT, _GROUP, _RULE, _TRIGGER, _HEAD, _FREE = (ord(mark) for mark in "fkrthv")
_LITERAL_BYTES = 1 + 3 * (1 + ARITY)
_VARIABLE_BYTES = 5
_CLAUSE_BYTES = 24
"""More than the marks, name and group of a clause, or the places of a literal, can take."""


class Characters(NamedTuple):
    """First characters of the names of entities, of variables, of facts and rules, and of keys."""

    entities: int
    variables: int
    facts: int
    rules: int
    keys: int
    """Polarity and predicate in one: twice the predicate's number plus the polarity; an even number."""


def characters(words: Words) -> Characters:
    """How an alphabet's words are written. Raises ValueError for one that is too large."""
    end = FIRST + len(words.alphabet)
    keys = end + end % 2
    if keys + 2 * len(words.predicate_words) > _SURROGATES:
        raise ValueError(
            f"the alphabet has {len(words.alphabet)} words, more than the solver's texts can name"
        )
    return Characters(
        FIRST + words.entities, FIRST + words.variables, FIRST + words.facts, FIRST + words.rules, keys
    )


def requests(
    theories: Theories, words: Words, mode: Mode, steps: int, order: State | None
) -> tuple[Bytes, Offsets]:
    """A line with the request for each theory as UTF-8, its clauses shuffled by `order`, a state for each."""
    part = theories
    literals = len(part.facts) + len(part.heads) + len(part.bodies) + len(part)
    prefix = f"{mode[0]}{steps};".encode()
    room = (
        literals * (_LITERAL_BYTES + ARITY * (3 + _VARIABLE_BYTES))
        + (len(part.facts) + len(part.heads) + len(part.bodies)) * _CLAUSE_BYTES
        + len(part) * (len(prefix) + 5)
    )
    out, offsets = np.empty(room, np.uint8), np.zeros(len(part) + 1, np.int64)
    marks = np.zeros((2, max(len(words.entity_words), 2 * len(words.predicate_words))), np.int64)
    used = _requests(
        part.given, mode == "backward", np.frombuffer(prefix, np.uint8), characters(words),
        order is not None, np.zeros((1, 4), np.uint64) if order is None else order, marks, out, offsets,
    )  # fmt: skip
    return out[:used], offsets


class Theory(NamedTuple):
    """One theory; its rule's body is `bodies[spans[rule]:spans[rule + 1]]`."""

    facts: Literals
    heads: Literals
    bodies: Literals
    spans: Offsets


@compiled
def _put(out: Bytes, used: int, character: int) -> int:
    """Append a character as UTF-8; like all that append, gives the place after it."""
    if character < 0x80:
        out[used] = character
        return used + 1
    if character < 0x800:
        out[used], out[used + 1] = 0xC0 | character >> 6, 0x80 | character & 0x3F
        return used + 2
    out[used], out[used + 1] = 0xE0 | character >> 12, 0x80 | character >> 6 & 0x3F
    out[used + 2] = 0x80 | character & 0x3F
    return used + 3


@compiled
def _key(literals: Literals, at: int) -> int:
    return 2 * whole(literals[at, _PREDICATE]) + whole(literals[at, _POLARITY])


@compiled
def _same(literals: Literals, one: int, other: int) -> bool:
    column = 0
    while column < _WIDTH and literals[one, column] == literals[other, column]:
        column += 1
    return column == _WIDTH


@compiled
def _first_same(facts: Literals, order: Places, at: int) -> bool:
    """Whether no fact before the one at this place of the order is the same."""
    earlier = 0
    while earlier < at and not _same(facts, order[earlier], order[at]):
        earlier += 1
    return earlier == at


@compiled
def _first_key(literals: Literals, order: Places, at: int) -> bool:
    """Whether no literal before the one at this place of the order has its key."""
    key, earlier = _key(literals, order[at]), 0
    while earlier < at and _key(literals, order[earlier]) != key:
        earlier += 1
    return earlier == at


@compiled
def _put_literal(out: Bytes, used: int, literals: Literals, at: int, first: Characters) -> int:
    arity, general = 0, False
    while arity < _ARITY and literals[at, _ARGUMENTS + arity] != _NONE:
        general = general or literals[at, _ARGUMENTS + arity] >= _VARIABLE
        arity += 1
    out[used] = arity + (_GENERAL if general else _GROUND)
    used = _put(out, used + 1, first.keys + _key(literals, at))
    for place in range(_ARGUMENTS, _ARGUMENTS + arity):
        argument = whole(literals[at, place])
        if argument >= _VARIABLE:
            out[used] = argument - _VARIABLE + _NEXT
            used += 1
        else:
            used = _put(out, used, argument + first.entities)
    return used


@compiled
def _variables(literals: Literals, at: int) -> int:
    """The variables of a literal as bits."""
    found = 0
    for place in range(_ARGUMENTS, _ARGUMENTS + _ARITY):
        if literals[at, place] >= _VARIABLE:
            found |= 1 << (whole(literals[at, place]) - _VARIABLE)
    return found


@compiled
def _put_variables(
    out: Bytes, used: int, mark: int, literals: Literals, at: int, seen: int, first: Characters
) -> int:
    """Append the variables of a literal that are not among the bits of `seen`, in order of occurrence."""
    for place in range(_ARGUMENTS, _ARGUMENTS + _ARITY):
        number = whole(literals[at, place]) - _VARIABLE
        if number >= 0 and not seen >> number & 1:
            out[used], out[used + 1] = mark, number + _NEXT
            used = _put(out, used + 2, number + first.variables)
            seen |= 1 << number
    return used


@compiled
def _put_rule(out: Bytes, used: int, theory: Theory, rule: int, backward: bool, first: Characters) -> int:
    begin, end = theory.spans[rule], theory.spans[rule + 1]
    out[used] = _RULE
    used = _put_literal(out, _put(out, used + 1, rule + first.rules), theory.heads, rule, first)
    # The goal binds the head's variables going backward; going forward they come last.
    seen, bound = 0, _variables(theory.heads, rule)
    if not backward:
        for at in range(begin, end):
            seen |= _variables(theory.bodies, at)
    used = _put_variables(out, used, _HEAD, theory.heads, rule, seen, first)
    seen = bound if backward else 0
    for at in range(begin, end):
        used = _put_variables(out, used, _FREE, theory.bodies, at, seen, first)
        used = _put_literal(out, used, theory.bodies, at, first)
        seen |= _variables(theory.bodies, at)
    out[used] = _END
    return used + 1


@compiled
def _put_entities(
    out: Bytes, used: int, literals: Literals, at: int, marks: Places, row: int, first: Characters
) -> int:
    """Append the entities of a literal that row `row` has not had yet."""
    for place in range(_ARGUMENTS, _ARGUMENTS + _ARITY):
        entity = whole(literals[at, place])
        if 0 <= entity < _VARIABLE and marks[entity] != row + 1:
            marks[entity] = row + 1
            used = _put(out, used, entity + first.entities)
    return used


@compiled
def _put_key(out: Bytes, used: int, mark: int, key: int, first: Characters) -> int:
    out[used] = mark
    return _put(out, used + 1, first.keys + key)


@compiled
def _put_facts(out: Bytes, used: int, facts: Literals, order: Places, first: Characters) -> int:
    """Backward: every fact once, with the names of all that are the same."""
    for at in range(len(order)):
        if not _first_same(facts, order, at):
            continue
        out[used] = _FACT
        used = _put_literal(out, used + 1, facts, order[at], first)
        for later in range(at, len(order)):
            if _same(facts, order[later], order[at]):
                used = _put(out, used, order[later] + first.facts)
        out[used] = _END
        used += 1
    return used


@compiled
def _put_groups(out: Bytes, used: int, theory: Theory, order: Places, first: Characters) -> int:
    """Backward: the rules by the key of their head."""
    for at in range(len(order)):
        if not _first_key(theory.heads, order, at):
            continue
        key = _key(theory.heads, order[at])
        used = _put_key(out, used, _GROUP, key, first)
        for later in range(at, len(order)):
            if _key(theory.heads, order[later]) == key:
                used = _put_rule(out, used, theory, order[later], True, first)
        out[used] = _END
        used += 1
    return used


@compiled
def _put_known(
    out: Bytes, used: int, theory: Theory, fact_order: Places, order: Places, first: Characters
) -> int:
    """Forward: the facts without doubles by their key, and an empty group for every other key of a head."""
    facts, heads = theory.facts, theory.heads
    for at in range(len(fact_order)):
        if not _first_key(facts, fact_order, at):
            continue
        key = _key(facts, fact_order[at])
        used = _put_key(out, used, _GROUP, key, first)
        for later in range(at, len(fact_order)):
            if _key(facts, fact_order[later]) == key and _first_same(facts, fact_order, later):
                used = _put_literal(out, used, facts, fact_order[later], first)
        out[used] = _END
        used += 1
    for at in range(len(order)):
        key, stated = _key(heads, order[at]), not _first_key(heads, order, at)
        for fact in range(len(facts)):
            stated = stated or _key(facts, fact) == key
        if not stated:
            used = _put_key(out, used, _GROUP, key, first)
            out[used] = _END
            used += 1
    return used


@compiled
def _put_triggers(
    out: Bytes, used: int, theory: Theory, order: Places, marks: Places, row: int, first: Characters
) -> int:
    """Forward: for every key of a body's literal, the places of those literals; `marks` is by key."""
    spans, bodies = theory.spans, theory.bodies
    for at in range(len(order)):
        for literal in range(spans[order[at]], spans[order[at] + 1]):
            key = _key(bodies, literal)
            if marks[key] == row + 1:
                continue
            marks[key] = row + 1
            used = _put_key(out, used, _TRIGGER, key, first)
            for later in range(at, len(order)):
                begin = spans[order[later]]
                for other in range(begin, spans[order[later] + 1]):
                    if _key(bodies, other) == key:
                        used = _put(out, used, _FIRST + later + 1)
                        used = _put(out, used, _FIRST + other - begin + 1)
            out[used] = _END
            used += 1
    return used


@compiled
def _order(count: int, shuffled: bool, state: State) -> Places:
    """Numbers below `count`, in a uniformly random order if `shuffled` (Fisher and Yates)."""
    order = np.arange(count)
    if shuffled:
        for at in range(count - 1, 0, -1):
            other = below(state, at + 1)
            order[at], order[other] = order[other], order[at]
    return order


@compiled
def _requests(
    given: Given,
    backward: bool,
    prefix: Bytes,
    first: Characters,
    shuffled: bool,
    states: State,
    marks: Places,
    out: Bytes,
    offsets: Offsets,
) -> int:
    used = 0
    for row in range(len(given.questions)):
        rule, end = given.rule_offsets[row], given.rule_offsets[row + 1]
        theory = Theory(
            given.facts[given.fact_offsets[row] : given.fact_offsets[row + 1]],
            given.heads[rule:end],
            given.bodies,
            given.body_offsets[rule : end + 1],
        )
        out[used : used + len(prefix)] = prefix
        used += len(prefix)
        for at in range(len(theory.facts)):
            used = _put_entities(out, used, theory.facts, at, marks[0], row, first)
        for which in range(end - rule):
            for at in range(theory.spans[which], theory.spans[which + 1]):
                used = _put_entities(out, used, given.bodies, at, marks[0], row, first)
            used = _put_entities(out, used, theory.heads, which, marks[0], row, first)
        used = _put_entities(out, used, given.questions, row, marks[0], row, first)
        out[used] = _END
        used += 1
        state = states[row if shuffled else 0]
        fact_order = _order(len(theory.facts), shuffled, state)
        order = _order(end - rule, shuffled, state)
        if backward:
            used = _put_facts(out, used, theory.facts, fact_order, first)
            used = _put_groups(out, used, theory, order, first)
        else:
            used = _put_known(out, used, theory, fact_order, order, first)
            for at in range(len(order)):
                used = _put_rule(out, used, theory, order[at], False, first)
            used = _put_triggers(out, used, theory, order, marks[1], row, first)
        used = _put_literal(out, used, given.questions, row, first)
        out[used], out[used + 1] = _END, _NEWLINE
        used += 2
        offsets[row + 1] = used
    return used
