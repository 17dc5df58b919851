"""The forward search of this package's README, compiled: a reference that owes nothing to Prolog.

Runs of rules nest, and each goes through its body with a stack of records: the newest record is resumed when
what came after it is done. A bound on words bounds all memory and time.
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
    """Search forward; a trace of more than `room[row]` words is cut there, and its answer is `limit`."""
    names, name_offsets = entities(theories)
    runs = int(room.max(initial=0)) // 2 + 2
    facts = int(np.diff(theories.fact_offsets).max(initial=0))
    depth = int(np.diff(theories.body_offsets).max(initial=0)) + _VARIABLES + 3
    machine = _Machine(
        np.empty(int(room.sum()), np.uint16),
        np.empty((runs, _RUN), np.int32),
        np.empty((runs * depth, _RECORD), np.int32),
        np.empty((facts + runs + 1, WIDTH), np.int16),
        np.zeros(5, np.int64),
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


_USE, _REUSE, _BIND, _UNBIND = events.USE, events.REUSE, events.BIND, events.UNBIND
_OBTAIN, _FOUND, _FAIL, _FINISH = events.OBTAIN, events.KNOWN, events.FAIL, events.FINISH
_TRUE, _FALSE, _UNKNOWN, _LIMIT = range(len(ANSWERS))
_NONE, _VARIABLE, _VARIABLES = NONE, VARIABLE, len(VARIABLES)
_WIDTH, _POLARITY, _PREDICATE, _ARGUMENTS = WIDTH, POLARITY, PREDICATE, ARGUMENTS

# Columns of a run: its rule, the body literal that has one given candidate (or NONE), this one, bindings.
_RULE, _PIN, _PINNED, _BINDINGS = range(4)
_RUN = _BINDINGS + _VARIABLES

# Columns of a record: its kind, where it stands (a place in the body, a variable, a rule), its next choice
# and the end of its choices, what was found so far, and the variables bound by the last choice as bits. All
# but the agenda's belong to the newest run, as the runs after it are finished when they are resumed.
_WHAT, _WHERE, _CHOICE, _LAST, _ANY, _BITS = range(6)
_RECORD = 6
_RULES, _LITERAL, _HEAD, _AGENDA, _END_OF_RUN = range(5)

_USED, _END, _RUNS, _RECORDS, _KNOWN = range(5)

_RESUME, _ADVANCE, _STOP, _DONE = range(4)


class _Machine(NamedTuple):
    out: Codes
    runs: Table
    records: Table
    known: Literals
    state: Offsets
    layout: Offsets
    arities: Offsets


class _Theory(NamedTuple):
    heads: Literals
    bodies: Literals
    body_offsets: Offsets
    entities: Entities


_Next = tuple[int, int]
"""What to do, and the place in the body to go on from."""


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
def _write_literal(machine: _Machine, kind: int, literal: NDArray[np.int16]) -> bool:
    state, out = machine.state, machine.out
    at, arity = state[_USED], machine.arities[literal[_PREDICATE]]
    if at + 3 + arity > state[_END]:
        return False
    out[at] = machine.layout[5] + kind
    out[at + 1] = literal[_POLARITY]
    out[at + 2] = machine.layout[1] + literal[_PREDICATE]
    for place in range(arity):
        out[at + 3 + place] = machine.layout[0] + literal[_ARGUMENTS + place]
    state[_USED] = at + 3 + arity
    return True


@compiled
def _push(machine: _Machine, what: int, where: int, choice: int, last: int) -> None:
    state = machine.state
    record = machine.records[state[_RECORDS]]
    record[_WHAT], record[_WHERE], record[_CHOICE], record[_LAST] = what, where, choice, last
    record[_ANY], record[_BITS] = 0, 0
    state[_RECORDS] += 1


@compiled
def _match(pattern: NDArray[np.int16], literal: NDArray[np.int16], bindings: NDArray[np.int32]) -> int:
    """Bind what unifies pattern and literal; gives the new bindings as bits, or -1 with none left."""
    if pattern[_POLARITY] != literal[_POLARITY] or pattern[_PREDICATE] != literal[_PREDICATE]:
        return -1
    bits = 0
    for at in range(_ARGUMENTS, _WIDTH):
        wanted = whole(pattern[at])
        variable = wanted - _VARIABLE
        if variable >= 0 and bindings[variable] == _NONE:
            bindings[variable] = literal[at]
            bits |= 1 << variable
            continue
        if variable >= 0:
            wanted = whole(bindings[variable])
        if wanted != literal[at]:
            _free(bindings, bits)
            return -1
    return bits


@compiled
def _free(bindings: NDArray[np.int32], bits: int) -> None:
    for variable in range(_VARIABLES):
        if (bits >> variable) & 1:
            bindings[variable] = _NONE


@compiled
def _find(known: Literals, count: int, literal: NDArray[np.int16]) -> int:
    for place in range(count):
        same = True
        for at in range(_WIDTH):
            same = same and known[place, at] == literal[at]
        if same:
            return place
    return -1


@compiled
def _write_binds(machine: _Machine, pattern: NDArray[np.int16], bits: int) -> bool:
    """`bind` for each of these variables, in the order of their first occurrence."""
    bindings = machine.runs[machine.state[_RUNS] - 1, _BINDINGS:]
    for at in range(_ARGUMENTS, _WIDTH):
        variable = whole(pattern[at]) - _VARIABLE
        if variable < 0 or not (bits >> variable) & 1:
            continue
        bits &= ~(1 << variable)
        if not _write(machine, _BIND, machine.layout[2] + variable, machine.layout[0] + bindings[variable]):
            return False
    return True


@compiled
def _write_unbinds(machine: _Machine, pattern: NDArray[np.int16], bits: int) -> bool:
    """Free these variables, the last bound first, with an `unbind` for each."""
    _free(machine.runs[machine.state[_RUNS] - 1, _BINDINGS:], bits)
    for back in range(_WIDTH - _ARGUMENTS):
        at = _WIDTH - 1 - back
        variable = whole(pattern[at]) - _VARIABLE
        for earlier in range(_ARGUMENTS, at):
            if pattern[earlier] == pattern[at]:
                variable = -1
        if variable < 0 or not (bits >> variable) & 1:
            continue
        if not _write(machine, _UNBIND, machine.layout[2] + variable, -1):
            return False
    return True


@compiled
def _start(machine: _Machine, kind: int, rule: int, pin: int, pinned: int) -> _Next:
    """Start a run of a rule, by `use` or `reuse`."""
    if not _write(machine, kind, machine.layout[4] + rule, -1):
        return _STOP, 0
    run = machine.runs[machine.state[_RUNS]]
    run[_RULE], run[_PIN], run[_PINNED] = rule, pin, pinned
    run[_BINDINGS:] = _NONE
    machine.state[_RUNS] += 1
    _push(machine, _END_OF_RUN, 0, 0, 0)
    return _ADVANCE, 0


@compiled
def _advance(machine: _Machine, theory: _Theory, place: int) -> _Next:
    """Go on in the newest run with the body literal at `place`, or with the head."""
    run = machine.runs[machine.state[_RUNS] - 1]
    if place < theory.body_offsets[run[_RULE] + 1] - theory.body_offsets[run[_RULE]]:
        pinned = run[_PIN] == place
        first = whole(run[_PINNED]) if pinned else 0
        _push(machine, _LITERAL, place, first, first + 1 if pinned else machine.state[_KNOWN])
        return _RESUME, 0
    return _conclude(machine, theory.heads[run[_RULE]], run[_BINDINGS:])


@compiled
def _conclude(machine: _Machine, head: NDArray[np.int16], bindings: NDArray[np.int32]) -> _Next:
    """Enumerate the next free variable of the head, or note the literal that it has become."""
    count = machine.state[_KNOWN]
    drawn = machine.known[count]
    for at in range(_WIDTH):
        value = whole(head[at])
        if at >= _ARGUMENTS and value >= _VARIABLE:
            bound = whole(bindings[value - _VARIABLE])
            if bound == _NONE:
                _push(machine, _HEAD, value - _VARIABLE, 0, 0)
                return _RESUME, 0
            value = bound
        drawn[at] = value
    if _find(machine.known, count, drawn) >= 0:
        return (_RESUME if _write_literal(machine, _FOUND, drawn) else _STOP), 0
    if not _write_literal(machine, _OBTAIN, drawn):
        return _STOP, 0
    machine.state[_KNOWN] += 1
    _push(machine, _AGENDA, 0, 0, count)
    return _RESUME, 0


@compiled
def _resume_literal(machine: _Machine, theory: _Theory, record: NDArray[np.int32]) -> _Next:
    """Take the next candidate of a body literal."""
    run = machine.runs[machine.state[_RUNS] - 1]
    pattern = theory.bodies[theory.body_offsets[run[_RULE]] + record[_WHERE]]
    if not _write_unbinds(machine, pattern, whole(record[_BITS])):
        return _STOP, 0
    for candidate in range(record[_CHOICE], record[_LAST]):
        bits = _match(pattern, machine.known[candidate], run[_BINDINGS:])
        if bits >= 0:
            record[_CHOICE], record[_ANY], record[_BITS] = candidate + 1, 1, bits
            return (_ADVANCE if _write_binds(machine, pattern, bits) else _STOP), whole(record[_WHERE]) + 1
    machine.state[_RECORDS] -= 1
    if record[_ANY] == 0 and not _write(machine, _FAIL, -1, -1):
        return _STOP, 0
    return _RESUME, 0


@compiled
def _resume_head(machine: _Machine, theory: _Theory, record: NDArray[np.int32]) -> _Next:
    """Bind a variable of the head to the next entity."""
    run = machine.runs[machine.state[_RUNS] - 1]
    variable, choice = whole(record[_WHERE]), whole(record[_CHOICE])
    if record[_BITS] and not _write(machine, _UNBIND, machine.layout[2] + variable, -1):
        return _STOP, 0
    run[_BINDINGS + variable] = _NONE
    if choice == len(theory.entities):
        machine.state[_RECORDS] -= 1
        return _RESUME, 0
    record[_CHOICE], record[_BITS] = choice + 1, 1
    name = whole(theory.entities[choice])
    run[_BINDINGS + variable] = name
    if not _write(machine, _BIND, machine.layout[2] + variable, machine.layout[0] + name):
        return _STOP, 0
    # The body is behind; what is left of the head comes next.
    return _ADVANCE, theory.body_offsets[run[_RULE] + 1] - theory.body_offsets[run[_RULE]]


@compiled
def _resume_agenda(machine: _Machine, theory: _Theory, record: NDArray[np.int32]) -> _Next:
    """Fire the next rule that has been used and has a literal for what was obtained."""
    used, new = machine.records[0, _WHERE], machine.known[record[_LAST]]
    scratch = machine.runs[machine.state[_RUNS], _BINDINGS:]
    rule, place = whole(record[_WHERE]), whole(record[_CHOICE])
    while rule < used:
        begin = theory.body_offsets[rule]
        while begin + place < theory.body_offsets[rule + 1]:
            scratch[:] = _NONE
            place += 1
            if _match(theory.bodies[begin + place - 1], new, scratch) >= 0:
                record[_WHERE], record[_CHOICE] = rule, place
                return _start(machine, _REUSE, rule, place - 1, whole(record[_LAST]))
        rule, place = rule + 1, 0
    machine.state[_RECORDS] -= 1
    return _RESUME, 0


@compiled
def _resume_end(machine: _Machine) -> _Next:
    machine.state[_RECORDS] -= 1
    machine.state[_RUNS] -= 1
    rule = whole(machine.runs[machine.state[_RUNS], _RULE])
    return (_RESUME if _write(machine, _FINISH, machine.layout[4] + rule, -1) else _STOP), 0


@compiled
def _resume(machine: _Machine, theory: _Theory) -> _Next:
    """Resume the newest record."""
    record = machine.records[machine.state[_RECORDS] - 1]
    if record[_WHAT] == _LITERAL:
        return _resume_literal(machine, theory, record)
    if record[_WHAT] == _HEAD:
        return _resume_head(machine, theory, record)
    if record[_WHAT] == _AGENDA:
        return _resume_agenda(machine, theory, record)
    if record[_WHAT] == _END_OF_RUN:
        return _resume_end(machine)
    rule = whole(record[_WHERE])
    if rule == len(theory.heads):
        return _DONE, 0
    record[_WHERE] = rule + 1
    return _start(machine, _USE, rule, _NONE, _NONE)


@compiled
def _close(machine: _Machine, theory: _Theory, facts: Literals) -> bool:
    """Run all rules to the fixpoint; gives False where the room ended before."""
    state = machine.state
    state[_RUNS], state[_RECORDS], state[_KNOWN] = 0, 0, 0
    for fact in facts:
        if _find(machine.known, state[_KNOWN], fact) < 0:
            machine.known[state[_KNOWN]] = fact
            state[_KNOWN] += 1
    _push(machine, _RULES, 0, 0, 0)
    act, place = _RESUME, 0
    while act in (_RESUME, _ADVANCE):
        if act == _RESUME:
            act, place = _resume(machine, theory)
        else:
            act, place = _advance(machine, theory, place)
    return act == _DONE


@compiled
def _look_up(machine: _Machine, question: NDArray[np.int16]) -> int:
    count = machine.state[_KNOWN]
    asked = machine.known[count]
    asked[:] = question
    if _find(machine.known, count, asked) >= 0:
        return _TRUE
    asked[_POLARITY] ^= 1
    return _FALSE if _find(machine.known, count, asked) >= 0 else _UNKNOWN


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
            given.heads[rule:end],
            given.bodies,
            given.body_offsets[rule : end + 1],
            names[name_offsets[row] : name_offsets[row + 1]],
        )
        state[_END] = state[_USED] + room[row]
        closed = _close(machine, theory, given.facts[given.fact_offsets[row] : given.fact_offsets[row + 1]])
        answers[row] = _look_up(machine, given.questions[row]) if closed else _LIMIT
        offsets[row + 1] = state[_USED]
