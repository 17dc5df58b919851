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
_NONE, _VARIABLE, _FIRST = NONE, VARIABLE, FIRST
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
    """The request for each theory as UTF-8, its clauses shuffled by `order`, a random state for each."""
    part = theories
    literals = len(part.facts) + len(part.heads) + len(part.bodies) + len(part)
    prefix = f"{mode[0]}{steps};".encode()
    room = (
        literals * (_LITERAL_BYTES + ARITY * (3 + _VARIABLE_BYTES))
        + (len(part.facts) + len(part.heads) + len(part.bodies)) * _CLAUSE_BYTES
        + len(part) * (len(prefix) + 4)
    )
    out, offsets = np.empty(room, np.uint8), np.zeros(len(part) + 1, np.int64)
    used = _requests(
        part.facts, part.fact_offsets, part.heads, part.rule_offsets, part.bodies, part.body_offsets,
        part.questions, mode == "backward", np.frombuffer(prefix, np.uint8), characters(words),
        np.zeros((0, 4), np.uint64) if order is None else order,
        np.zeros((2, max(len(words.entity_words), 2 * len(words.predicate_words))), np.int64), out, offsets,
    )  # fmt: skip
    return out[:used], offsets


class Output(NamedTuple):
    """A text that grows: its bytes, how many there are, and how names are written."""

    data: Bytes
    used: Places
    first: Characters


@compiled
def _put(out: Output, character: int) -> None:
    """Append a character as UTF-8."""
    at = out.used[0]
    if character < 0x80:
        out.data[at] = character
        out.used[0] = at + 1
    elif character < 0x800:
        out.data[at], out.data[at + 1] = 0xC0 | character >> 6, 0x80 | character & 0x3F
        out.used[0] = at + 2
    else:
        out.data[at], out.data[at + 1] = 0xE0 | character >> 12, 0x80 | character >> 6 & 0x3F
        out.data[at + 2] = 0x80 | character & 0x3F
        out.used[0] = at + 3


@compiled
def _key(literal: NDArray[np.int16]) -> int:
    return 2 * whole(literal[_PREDICATE]) + whole(literal[_POLARITY])


@compiled
def _same(one: NDArray[np.int16], other: NDArray[np.int16]) -> bool:
    at = 0
    while at < len(one) and one[at] == other[at]:
        at += 1
    return at == len(one)


@compiled
def _put_literal(out: Output, literal: NDArray[np.int16]) -> None:
    arity, general = 0, False
    for at in range(_ARGUMENTS, _ARGUMENTS + _ARITY):
        if literal[at] != _NONE:
            arity += 1
            general = general or literal[at] >= _VARIABLE
    _put(out, arity + (64 if general else 48))
    _put(out, out.first.keys + _key(literal))
    for at in range(_ARGUMENTS, _ARGUMENTS + arity):
        argument = whole(literal[at])
        if argument >= _VARIABLE:
            _put(out, argument - _VARIABLE + _NEXT)
        else:
            _put(out, argument + out.first.entities)


@compiled
def _variables(literal: NDArray[np.int16]) -> int:
    """The variables of a literal as bits."""
    found = 0
    for at in range(_ARGUMENTS, _ARGUMENTS + _ARITY):
        if literal[at] >= _VARIABLE:
            found |= 1 << (whole(literal[at]) - _VARIABLE)
    return found


@compiled
def _put_variables(out: Output, mark: int, literal: NDArray[np.int16], seen: int) -> int:
    """Write the variables of a literal that are not among `seen`, in order; gives `seen` with them."""
    for at in range(_ARGUMENTS, _ARGUMENTS + _ARITY):
        number = whole(literal[at]) - _VARIABLE
        if number >= 0 and not seen >> number & 1:
            _put(out, mark)
            _put(out, number + _NEXT)
            _put(out, number + out.first.variables)
            seen |= 1 << number
    return seen


@compiled
def _put_rule(out: Output, name: int, head: NDArray[np.int16], body: Literals, backward: bool) -> None:
    _put(out, _RULE)
    _put(out, name)
    _put_literal(out, head)
    # The goal binds the head's variables going backward; going forward they come last.
    seen = 0
    if not backward:
        for at in range(len(body)):
            seen |= _variables(body[at])
    bound = _put_variables(out, _HEAD, head, seen)
    seen = bound if backward else 0
    for at in range(len(body)):
        seen = _put_variables(out, _FREE, body[at], seen)
        _put_literal(out, body[at])
    _put(out, _END)


@compiled
def _put_entities(out: Output, literals: Literals, marks: Places, row: int) -> None:
    """Write the entities of some literals that row `row` has not had yet."""
    for at in range(len(literals)):
        for place in range(_ARGUMENTS, _ARGUMENTS + _ARITY):
            entity = whole(literals[at, place])
            if 0 <= entity < _VARIABLE and marks[entity] != row + 1:
                marks[entity] = row + 1
                _put(out, entity + out.first.entities)


@compiled
def _put_facts(out: Output, facts: Literals, order: Places) -> None:
    """Backward: every fact once, with the names of all that are the same."""
    for at in range(len(order)):
        fact = facts[order[at]]
        if _first_same(facts, order, at) < at:
            continue
        _put(out, _FACT)
        _put_literal(out, fact)
        for later in range(at, len(order)):
            if _same(facts[order[later]], fact):
                _put(out, order[later] + out.first.facts)
        _put(out, _END)


@compiled
def _first_same(facts: Literals, order: Places, at: int) -> int:
    for earlier in range(at):
        if _same(facts[order[earlier]], facts[order[at]]):
            return earlier
    return at


@compiled
def _first_key(literals: Literals, order: Places, at: int) -> int:
    key = _key(literals[order[at]])
    for earlier in range(at):
        if _key(literals[order[earlier]]) == key:
            return earlier
    return at


@compiled
def _put_groups(out: Output, heads: Literals, bodies: Literals, spans: Offsets, order: Places) -> None:
    """Backward: the rules by the key of their head."""
    for at in range(len(order)):
        if _first_key(heads, order, at) < at:
            continue
        key = _key(heads[order[at]])
        _put(out, _GROUP)
        _put(out, out.first.keys + key)
        for later in range(at, len(order)):
            rule = order[later]
            if _key(heads[rule]) == key:
                body = bodies[spans[rule] : spans[rule + 1]]
                _put_rule(out, rule + out.first.rules, heads[rule], body, True)
        _put(out, _END)


@compiled
def _put_known(out: Output, facts: Literals, fact_order: Places, heads: Literals, order: Places) -> None:
    """Forward: the facts without doubles by their key, and an empty group for every other key of a head."""
    for at in range(len(fact_order)):
        if _first_key(facts, fact_order, at) < at:
            continue
        key = _key(facts[fact_order[at]])
        _put(out, _GROUP)
        _put(out, out.first.keys + key)
        for later in range(at, len(fact_order)):
            fact = facts[fact_order[later]]
            if _key(fact) == key and _first_same(facts, fact_order, later) == later:
                _put_literal(out, fact)
        _put(out, _END)
    for at in range(len(order)):
        key = _key(heads[order[at]])
        stated = _first_key(heads, order, at) < at
        for fact in range(len(facts)):
            stated = stated or _key(facts[fact]) == key
        if not stated:
            _put(out, _GROUP)
            _put(out, out.first.keys + key)
            _put(out, _END)


@compiled
def _put_triggers(
    out: Output, bodies: Literals, spans: Offsets, order: Places, done: Places, row: int
) -> None:
    """Forward: for every key of a body's literal, the places of those literals; `done` is by key."""
    for at in range(len(order)):
        for literal in range(spans[order[at]], spans[order[at] + 1]):
            key = _key(bodies[literal])
            if done[key] == row + 1:
                continue
            done[key] = row + 1
            _put(out, _TRIGGER)
            _put(out, out.first.keys + key)
            for later in range(at, len(order)):
                first = spans[order[later]]
                for other in range(first, spans[order[later] + 1]):
                    if _key(bodies[other]) == key:
                        _put(out, _FIRST + later + 1)
                        _put(out, _FIRST + other - first + 1)
            _put(out, _END)


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
    facts: Literals,
    fact_offsets: Offsets,
    heads: Literals,
    rule_offsets: Offsets,
    bodies: Literals,
    body_offsets: Offsets,
    questions: Literals,
    backward: bool,
    prefix: Bytes,
    first: Characters,
    states: State,
    marks: Places,
    data: Bytes,
    offsets: Offsets,
) -> int:
    out = Output(data, np.zeros(1, np.int64), first)
    for row in range(len(questions)):
        stated = facts[fact_offsets[row] : fact_offsets[row + 1]]
        rule, end = rule_offsets[row], rule_offsets[row + 1]
        concluded, spans = heads[rule:end], body_offsets[rule : end + 1]
        for character in prefix:
            _put(out, whole(character))
        _put_entities(out, stated, marks[0], row)
        for at in range(len(concluded)):
            _put_entities(out, bodies[spans[at] : spans[at + 1]], marks[0], row)
            _put_entities(out, concluded[at : at + 1], marks[0], row)
        _put_entities(out, questions[row : row + 1], marks[0], row)
        _put(out, _END)
        state = states[row] if len(states) else np.zeros(0, np.uint64)
        fact_order = _order(len(stated), len(states) > 0, state)
        order = _order(len(concluded), len(states) > 0, state)
        if backward:
            _put_facts(out, stated, fact_order)
            _put_groups(out, concluded, bodies, spans, order)
        else:
            _put_known(out, stated, fact_order, concluded, order)
            for at in range(len(order)):
                which = order[at]
                body = bodies[spans[which] : spans[which + 1]]
                _put_rule(out, which + first.rules, concluded[which], body, False)
            _put_triggers(out, bodies, spans, order, marks[1], row)
        _put_literal(out, questions[row])
        _put(out, _END)
        offsets[row + 1] = out.used[0]
    return whole(out.used[0])
