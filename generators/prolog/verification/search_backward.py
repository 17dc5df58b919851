"""The backward search of this package's README, compiled: a reference that owes nothing to Prolog.

A machine of frames (goals) and records (choices that can be taken back, newest last), in the manner of
Warren's abstract machine. Every record stands for an event, so a bound on words bounds all memory and time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.compiled import compiled, whole
from generators.prolog.alphabet import ANSWERS, VARIABLES, Words
from generators.prolog.entities import Entities, entities
from generators.prolog.stated import layout
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
from generators.prolog.verification import events
from generators.prolog.verification.levels import Searched
from generators.words import Codes

Table = NDArray[np.int32]


def search(theories: Theories, words: Words, room: Offsets) -> Searched:
    """Search backward; a trace of more than `room[row]` words is cut there, and its answer is `limit`."""
    names, name_offsets = entities(theories)
    longest = int(room.max(initial=0)) // 2 + 4
    machine = _Machine(
        np.empty(int(room.sum()), np.uint16),
        np.empty((longest, _FRAME), np.int32),
        np.empty((longest, _RECORD), np.int32),
        np.zeros(4, np.int64),
        layout(words),
        np.array(words.arities, np.int64),
    )
    offsets, answers = np.zeros(len(theories) + 1, np.int64), np.zeros(len(theories), np.int8)
    _search_all(
        theories.given,
        names,
        name_offsets,
        room,
        machine,
        offsets,
        answers,
    )
    return Searched(machine.out[: offsets[-1]], offsets, answers)


_CALL, _USE, _BIND, _UNBIND = events.CALL, events.USE, events.BIND, events.UNBIND
_EXIT, _REDO, _FAIL, _LOOP = events.EXIT, events.REDO, events.FAIL, events.LOOP
_TRUE, _FALSE, _UNKNOWN, _LIMIT = range(len(ANSWERS))
_NONE, _VARIABLE, _VARIABLES = NONE, VARIABLE, len(VARIABLES)
_WIDTH, _POLARITY, _PREDICATE, _ARGUMENTS = WIDTH, POLARITY, PREDICATE, ARGUMENTS

# Columns of a frame: the goal, its parent's frame and its place in that one's body, the rule, the bindings.
_PARENT, _PLACE, _RULE, _BINDINGS = WIDTH, WIDTH + 1, WIDTH + 2, WIDTH + 3
_FRAME = _BINDINGS + _VARIABLES

# Columns of a record: its kind, its frame, two numbers, and how many frames there were.
_RECORD = 5
_CLAUSES, _ENTITIES, _PROVEN, _BOUND = range(4)

_USED, _END, _FRAMES, _RECORDS = range(4)

# What the machine does next.
_PROVE, _TRY, _BODY, _ENUMERATE, _SUCCEED, _BACK, _STOP = range(7)


class _Machine(NamedTuple):
    out: Codes
    frames: Table
    records: Table
    state: Offsets
    layout: Offsets
    arities: Offsets


class _Theory(NamedTuple):
    facts: Literals
    heads: Literals
    bodies: Literals
    body_offsets: Offsets
    entities: Entities


_Next = tuple[int, int, int, int]
"""What to do, in which frame, and two numbers."""


@compiled
def _write(machine: _Machine, kind: int, first: int, second: int) -> bool:
    """Write an event of up to three words (a number below 0 is none); gives False when no room is left."""
    state, out = machine.state, machine.out
    needed = 1 + (first >= 0) + (second >= 0)
    if state[_USED] + needed > state[_END]:
        return False
    at = state[_USED]
    out[at] = machine.layout[5] + kind
    if first >= 0:
        out[at + 1] = first
    if second >= 0:
        out[at + 2] = second
    state[_USED] = at + needed
    return True


@compiled
def _write_goal(machine: _Machine, kind: int, frame: int) -> bool:
    state, out, goal = machine.state, machine.out, machine.frames[frame]
    at, arity = state[_USED], machine.arities[goal[_PREDICATE]]
    if at + 3 + arity > state[_END]:
        return False
    out[at] = machine.layout[5] + kind
    out[at + 1] = goal[_POLARITY]
    out[at + 2] = machine.layout[1] + goal[_PREDICATE]
    for place in range(arity):
        out[at + 3 + place] = machine.layout[0] + goal[_ARGUMENTS + place]
    state[_USED] = at + 3 + arity
    return True


@compiled
def _remember(machine: _Machine, kind: int, frame: int, first: int, second: int) -> None:
    state = machine.state
    record = machine.records[state[_RECORDS]]
    record[0], record[1], record[2], record[3] = kind, frame, first, second
    record[4] = state[_FRAMES]
    state[_RECORDS] += 1


@compiled
def _same(frame: NDArray[np.int32], literal: NDArray[np.int16]) -> bool:
    for at in range(_WIDTH):  # noqa: SIM110 - a generator cannot be compiled
        if frame[at] != literal[at]:
            return False
    return True


@compiled
def _is_own_ancestor(frames: Table, frame: int) -> bool:
    above = frames[frame, _PARENT]
    while above >= 0:
        equal = True
        for at in range(_WIDTH):
            equal = equal and frames[above, at] == frames[frame, at]
        if equal:
            return True
        above = frames[above, _PARENT]
    return False


@compiled
def _prove(machine: _Machine, frame: int) -> _Next:
    if not _write_goal(machine, _CALL, frame):
        return _STOP, 0, 0, 0
    if not _is_own_ancestor(machine.frames, frame):
        return _TRY, frame, 0, 0
    if not _write(machine, _LOOP, -1, -1) or not _write_goal(machine, _FAIL, frame):
        return _STOP, 0, 0, 0
    return _BACK, 0, 0, 0


@compiled
def _unifies(head: NDArray[np.int16], goal: NDArray[np.int32]) -> bool:
    """Whether a head unifies with a ground goal; binds the variables in the goal's frame."""
    if head[_POLARITY] != goal[_POLARITY] or head[_PREDICATE] != goal[_PREDICATE]:
        return False
    bindings = goal[_BINDINGS:]
    bindings[:] = _NONE
    for at in range(_ARGUMENTS, _WIDTH):
        if head[at] < _VARIABLE:
            if head[at] != goal[at]:
                return False
            continue
        variable = head[at] - _VARIABLE
        if bindings[variable] == _NONE:
            bindings[variable] = goal[at]
        elif bindings[variable] != goal[at]:
            return False
    return True


@compiled
def _try(machine: _Machine, theory: _Theory, frame: int, clause: int) -> _Next:
    """Use the next clause from `clause` on (facts, then rules) that fits the goal."""
    goal, layout, facts = machine.frames[frame], machine.layout, len(theory.facts)
    while clause < facts and not _same(goal, theory.facts[clause]):
        clause += 1
    while facts <= clause < facts + len(theory.heads) and not _unifies(theory.heads[clause - facts], goal):
        clause += 1
    if clause == facts + len(theory.heads):
        return (_BACK if _write_goal(machine, _FAIL, frame) else _STOP), 0, 0, 0
    word = layout[3] + clause if clause < facts else layout[4] + clause - facts
    if not _write(machine, _USE, word, -1):
        return _STOP, 0, 0, 0
    _remember(machine, _CLAUSES, frame, clause + 1, 0)
    if clause < facts:
        return _SUCCEED, frame, 0, 0
    goal[_RULE] = clause - facts
    return (_BODY if _bind_head(machine, theory, frame) else _STOP), frame, 0, 0


@compiled
def _bind_head(machine: _Machine, theory: _Theory, frame: int) -> bool:
    goal, layout = machine.frames[frame], machine.layout
    head = theory.heads[goal[_RULE]]
    bound = 0
    for at in range(_ARGUMENTS, _WIDTH):
        variable = whole(head[at]) - _VARIABLE
        if variable < 0 or (bound >> variable) & 1:
            continue
        bound |= 1 << variable
        if not _write(machine, _BIND, layout[2] + variable, layout[0] + goal[at]):
            return False
        _remember(machine, _BOUND, frame, variable, 0)
    return True


@compiled
def _body(machine: _Machine, theory: _Theory, frame: int, place: int) -> _Next:
    """Go on with the literal at `place`: bind its next free variable, or make it a goal."""
    frames, state = machine.frames, machine.state
    rule = frames[frame, _RULE]
    if theory.body_offsets[rule] + place == theory.body_offsets[rule + 1]:
        return _SUCCEED, frame, 0, 0
    literal, child = theory.bodies[theory.body_offsets[rule] + place], state[_FRAMES]
    for at in range(_WIDTH):
        value = whole(literal[at])
        if at >= _ARGUMENTS and value >= _VARIABLE:
            bound = frames[frame, _BINDINGS + value - _VARIABLE]
            if bound == _NONE:
                return _ENUMERATE, frame, place, (value - _VARIABLE) << 16
            value = whole(bound)
        frames[child, at] = value
    frames[child, _PARENT], frames[child, _PLACE] = frame, place
    state[_FRAMES] += 1
    return _PROVE, child, 0, 0


@compiled
def _enumerate(machine: _Machine, theory: _Theory, frame: int, place: int, choice: int) -> _Next:
    """Bind a variable to an entity; `choice` is the variable's number << 16 | the entity's place."""
    variable, entity = choice >> 16, choice & 0xFFFF
    if entity == len(theory.entities):
        return _BACK, 0, 0, 0
    name = whole(theory.entities[entity])
    if not _write(machine, _BIND, machine.layout[2] + variable, machine.layout[0] + name):
        return _STOP, 0, 0, 0
    machine.frames[frame, _BINDINGS + variable] = name
    _remember(machine, _ENTITIES, frame, place, choice)
    return _BODY, frame, place, 0


@compiled
def _succeed(machine: _Machine, frame: int) -> _Next:
    if not _write_goal(machine, _EXIT, frame):
        return _STOP, 0, 0, 0
    parent = whole(machine.frames[frame, _PARENT])
    if parent < 0:
        return _STOP, 0, 1, 0
    _remember(machine, _PROVEN, frame, 0, 0)
    return _BODY, parent, whole(machine.frames[frame, _PLACE]) + 1, 0


@compiled
def _back(machine: _Machine) -> _Next:
    """Take back the newest record; without one, the root goal has failed."""
    state = machine.state
    if state[_RECORDS] == 0:
        return _STOP, 0, 2, 0
    state[_RECORDS] -= 1
    record = machine.records[state[_RECORDS]]
    kind, frame, first, second = whole(record[0]), whole(record[1]), whole(record[2]), whole(record[3])
    state[_FRAMES] = record[4]
    if kind == _CLAUSES:
        return _TRY, frame, first, 0
    if kind == _PROVEN:
        return (_BACK if _write_goal(machine, _REDO, frame) else _STOP), 0, 0, 0
    variable = first if kind == _BOUND else second >> 16
    if not _write(machine, _UNBIND, machine.layout[2] + variable, -1):
        return _STOP, 0, 0, 0
    machine.frames[frame, _BINDINGS + variable] = _NONE
    return (_BACK if kind == _BOUND else _ENUMERATE), frame, first, second + 1


@compiled
def _root(machine: _Machine, theory: _Theory, question: NDArray[np.int16], flip: int) -> int:
    """Prove the question, or its complement: 1 it is proven, 2 it fails, 0 the search is cut."""
    machine.state[_FRAMES], machine.state[_RECORDS] = 1, 0
    machine.frames[0, :_WIDTH] = question
    machine.frames[0, _POLARITY] ^= flip
    machine.frames[0, _PARENT] = -1
    act, frame, first, second = _PROVE, 0, 0, 0
    while act != _STOP:
        if act == _PROVE:
            act, frame, first, second = _prove(machine, frame)
        elif act == _TRY:
            act, frame, first, second = _try(machine, theory, frame, first)
        elif act == _BODY:
            act, frame, first, second = _body(machine, theory, frame, first)
        elif act == _ENUMERATE:
            act, frame, first, second = _enumerate(machine, theory, frame, first, second)
        elif act == _SUCCEED:
            act, frame, first, second = _succeed(machine, frame)
        else:
            act, frame, first, second = _back(machine)
    return first


@compiled
def _search_all(
    given: Given,
    names: Entities,
    name_offsets: Offsets,
    room: Offsets,
    machine: _Machine,
    offsets: Offsets,
    answers: NDArray[np.int8],
) -> None:
    state = machine.state
    for row in range(len(given.questions)):
        rule, end = given.rule_offsets[row], given.rule_offsets[row + 1]
        theory = _Theory(
            given.facts[given.fact_offsets[row] : given.fact_offsets[row + 1]],
            given.heads[rule:end],
            given.bodies,
            given.body_offsets[rule : end + 1],
            names[name_offsets[row] : name_offsets[row + 1]],
        )
        state[_END] = state[_USED] + room[row]
        outcome = _root(machine, theory, given.questions[row], 0)
        answer = _TRUE
        if outcome == 2:
            outcome = _root(machine, theory, given.questions[row], 1)
            answer = _FALSE if outcome == 1 else _UNKNOWN
        answers[row] = _LIMIT if outcome == 0 else answer
        offsets[row + 1] = state[_USED]
