"""Backward traces replayed event by event by rules, compiled; the rules are the README's 'Levels of a trace'.

A goal that exits has a proof: a fact, or a rule whose body literals have all exited under the bindings it has
now. So whatever order a trace takes, and whatever it leaves out, an answer that follows from legal steps is
right. Exited goals keep their state, for `redo` goes back into them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.compiled import compiled, whole
from generators.prolog.alphabet import VARIABLES, Words
from generators.prolog.entities import Entities, entities
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
from generators.prolog.verification import events, levels, search_backward
from generators.words import Codes

REASONS = {
    10: "`{words}` comes while no goal is open",
    11: "`{words}` is neither the question nor its complement",
    12: "`{words}` comes while no rule is in use for {literal}",
    13: "`{words}` is not due; {literal} is",
    14: "`{words}` comes after the whole body",
    15: "`{words}` names a clause that is not stated",
    16: "`{words}` uses a fact that is not the goal {literal}",
    17: "`{words}` uses a rule whose head does not unify with the goal {literal}",
    18: "`{words}` names a variable that is not in the rule",
    19: "`{words}` names a variable that is bound",
    20: "`{words}` names a variable that is not bound",
    21: "`{words}` names an entity that is not in the problem",
    22: "`{words}` binds a variable of the head against the goal {literal}",
    23: "`{words}` is not the goal; {literal} is",
    24: "`{words}` comes before the goal is proven",
    25: "`{words}` comes while nothing is proven for {literal}",
    26: "`{words}` is not the literal proven last; {literal} is",
    27: "`{words}` comes while the goal {literal} is none of its ancestors",
    28: "`{words}` follows a loop, which fails",
}
"""How a backward trace can depart; `{words}` are the event's, and {literal} is the context."""

(
    NO_GOAL, NOT_ASKED, NO_RULE, NOT_DUE, BODY_DONE, NO_CLAUSE, OTHER_FACT, OTHER_HEAD, NOT_IN_RULE, BOUND,
    NOT_BOUND, NO_ENTITY, OTHER_BINDING, OTHER_GOAL, NOT_PROVEN, NOTHING_PROVEN, OTHER_PROVEN, NO_LOOP,
    AFTER_LOOP,
) = REASONS  # fmt: skip

Table = NDArray[np.int32]


def replay(
    theories: Theories, trace: tuple[Codes, Offsets], claimed: NDArray[np.int8], words: Words
) -> levels.Replayed:
    """Replay the trace on each theory; `claimed` is the answer that comes with it, as a place in ANSWERS."""
    read = events.events(trace, words, "backward")
    names, name_offsets = entities(theories)
    longest = int(np.diff(read.offsets).max(initial=0)) + 1
    found = levels.blank(len(theories))
    _replay_all(
        theories.given,
        names,
        name_offsets,
        read.steps,
        read.offsets,
        np.empty((longest, _FRAME), np.int32),
        np.zeros(3, np.int64),
        found,
    )
    searched = search_backward.search(theories, words, np.diff(trace[1]))
    return levels.graded(found, read, trace, searched, claimed)


_CALL, _USE, _BIND, _UNBIND = events.CALL, events.USE, events.BIND, events.UNBIND
_EXIT, _REDO, _FAIL, _LIMIT_REACHED = events.EXIT, events.REDO, events.FAIL, events.LIMIT
_TRUE, _FALSE, _LIMIT, _OPEN = levels.TRUE, levels.FALSE, levels.LIMIT, levels.OPEN
_AFTER_END, _NO_EVENT = levels.AFTER_END, levels.NO_EVENT
_NONE, _VARIABLE = NONE, VARIABLE
_WIDTH, _POLARITY, _PREDICATE, _ARGUMENTS = WIDTH, POLARITY, PREDICATE, ARGUMENTS

# Columns of a frame: the goal, its parent's frame, the child proven last, the sibling proven before it, the
# clause in use (a rule, _FACT or NONE), how many body literals are proven, whether it has been left (1: by
# `exit`, 2: by `loop`), and the bindings.
_PARENT, _LAST, _PREVIOUS, _CLAUSE, _DONE, _LEFT, _BINDINGS = range(WIDTH, WIDTH + 7)
_FRAME = _BINDINGS + len(VARIABLES)
_FACT = -2
_EXITED, _LOOPED = 1, 2

_CURRENT, _FRAMES, _OUTCOME = range(3)


class _Theory(NamedTuple):
    facts: Literals
    heads: Literals
    bodies: Literals
    body_offsets: Offsets
    entities: Entities
    question: NDArray[np.int16]


class _Proof(NamedTuple):
    frames: Table
    state: Offsets
    context: NDArray[np.int16]


@compiled
def _is(frame: NDArray[np.int32], said: NDArray[np.int16]) -> bool:
    """Whether this is the goal of a frame."""
    for at in range(_WIDTH):  # noqa: SIM110 - a generator cannot be compiled
        if frame[at] != said[at]:
            return False
    return True


@compiled
def _fault(reason: int, proof: _Proof, frame: int) -> int:
    """The reason, with the goal of a frame as its context."""
    for at in range(_WIDTH):
        proof.context[at] = proof.frames[frame, at]
    return reason


@compiled
def _open(proof: _Proof, said: NDArray[np.int16], parent: int) -> None:
    number = proof.state[_FRAMES]
    frame = proof.frames[number]
    for at in range(_WIDTH):
        frame[at] = said[at]
    frame[_PARENT], frame[_LAST], frame[_PREVIOUS] = parent, _NONE, _NONE
    frame[_CLAUSE], frame[_DONE], frame[_LEFT] = _NONE, 0, 0
    proof.state[_CURRENT], proof.state[_FRAMES] = number, number + 1


@compiled
def _call_root(theory: _Theory, proof: _Proof, said: NDArray[np.int16]) -> int:
    for at in range(_PREDICATE, _WIDTH):
        if said[at] != theory.question[at]:
            return NOT_ASKED
    _open(proof, said, _NONE)
    return 0


@compiled
def _body_length(theory: _Theory, rule: int) -> int:
    return whole(theory.body_offsets[rule + 1] - theory.body_offsets[rule])


@compiled
def _call(theory: _Theory, proof: _Proof, said: NDArray[np.int16]) -> int:
    """A new goal: the next literal of the body, with all its variables bound."""
    current = proof.state[_CURRENT]
    frame = proof.frames[current]
    rule, place = frame[_CLAUSE], frame[_DONE]
    if rule < 0:
        return _fault(NO_RULE, proof, current)
    if place == _body_length(theory, rule):
        return BODY_DONE
    due, same = theory.bodies[theory.body_offsets[rule] + place], True
    for at in range(_WIDTH):
        value = whole(due[at])
        if at >= _ARGUMENTS and value >= _VARIABLE and frame[_BINDINGS + value - _VARIABLE] != _NONE:
            value = whole(frame[_BINDINGS + value - _VARIABLE])
        proof.context[at] = value
        same = same and value == said[at]
    if not same:
        return NOT_DUE
    _open(proof, said, current)
    return 0


@compiled
def _unifies(head: NDArray[np.int16], goal: NDArray[np.int32]) -> bool:
    if head[_POLARITY] != goal[_POLARITY] or head[_PREDICATE] != goal[_PREDICATE]:
        return False
    for at in range(_ARGUMENTS, _WIDTH):
        if head[at] < _VARIABLE and head[at] != goal[at]:
            return False
        for earlier in range(_ARGUMENTS, at):
            if head[at] >= _VARIABLE and head[earlier] == head[at] and goal[earlier] != goal[at]:
                return False
    return True


@compiled
def _use(theory: _Theory, proof: _Proof, said: NDArray[np.int16]) -> int:
    """Start over with another clause for the goal."""
    current, rule, fact = proof.state[_CURRENT], said[0], said[1]
    frame = proof.frames[current]
    if rule >= len(theory.heads) or fact >= len(theory.facts):
        return NO_CLAUSE
    if fact >= 0 and not _is(frame, theory.facts[fact]):
        return _fault(OTHER_FACT, proof, current)
    if rule >= 0 and not _unifies(theory.heads[rule], frame):
        return _fault(OTHER_HEAD, proof, current)
    frame[_CLAUSE] = rule if rule >= 0 else _FACT
    frame[_LAST], frame[_DONE], frame[_LEFT] = _NONE, 0, 0
    frame[_BINDINGS:] = _NONE
    return 0


@compiled
def _place(literal: NDArray[np.int16], variable: int) -> int:
    """Where a variable stands in a literal, or -1."""
    for at in range(_ARGUMENTS, _WIDTH):
        if literal[at] == _VARIABLE + variable:
            return at
    return -1


@compiled
def _first_literal(theory: _Theory, rule: int, variable: int) -> int:
    """The first literal of a body that has the variable; the body's length if none has."""
    length = _body_length(theory, rule)
    for place in range(length):
        if _place(theory.bodies[theory.body_offsets[rule] + place], variable) >= 0:
            return place
    return length


@compiled
def _bind(theory: _Theory, proof: _Proof, variable: int, entity: int) -> int:
    current = proof.state[_CURRENT]
    frame = proof.frames[current]
    rule = whole(frame[_CLAUSE])
    if rule < 0:
        return _fault(NO_RULE, proof, current)
    if frame[_BINDINGS + variable] != _NONE:
        return BOUND
    in_head = _place(theory.heads[rule], variable)
    if in_head >= 0 and frame[in_head] != entity:
        return _fault(OTHER_BINDING, proof, current)
    if in_head < 0 and _first_literal(theory, rule, variable) == _body_length(theory, rule):
        return NOT_IN_RULE
    for name in theory.entities:
        if name == entity:
            frame[_BINDINGS + variable] = entity
            return 0
    return NO_ENTITY


@compiled
def _unbind(theory: _Theory, proof: _Proof, variable: int) -> int:
    """Free a variable; what was proven with it, and after that, is due again."""
    current = proof.state[_CURRENT]
    frame = proof.frames[current]
    rule = whole(frame[_CLAUSE])
    if rule < 0:
        return _fault(NO_RULE, proof, current)
    if frame[_BINDINGS + variable] == _NONE:
        return NOT_BOUND
    frame[_BINDINGS + variable] = _NONE
    kept = _first_literal(theory, rule, variable)
    while frame[_DONE] > kept:
        frame[_LAST] = proof.frames[frame[_LAST], _PREVIOUS]
        frame[_DONE] -= 1
    return 0


@compiled
def _exit(theory: _Theory, proof: _Proof, said: NDArray[np.int16]) -> int:
    current = proof.state[_CURRENT]
    frame = proof.frames[current]
    rule, parent = whole(frame[_CLAUSE]), whole(frame[_PARENT])
    if not _is(frame, said):
        return _fault(OTHER_GOAL, proof, current)
    # A goal that was left by `exit` and taken up again by `redo` needs another proof.
    if rule == _NONE or frame[_LEFT] != 0 or (rule >= 0 and frame[_DONE] < _body_length(theory, rule)):
        return NOT_PROVEN
    frame[_LEFT] = _EXITED
    proof.state[_CURRENT] = parent
    if parent < 0:
        proof.state[_OUTCOME] = _TRUE if said[_POLARITY] == theory.question[_POLARITY] else _FALSE
        return 0
    frame[_PREVIOUS] = proof.frames[parent, _LAST]
    proof.frames[parent, _LAST] = current
    proof.frames[parent, _DONE] += 1
    proof.frames[parent, _LEFT] = 0
    return 0


@compiled
def _redo(proof: _Proof, said: NDArray[np.int16]) -> int:
    current = proof.state[_CURRENT]
    frame = proof.frames[current]
    last = whole(frame[_LAST])
    if frame[_CLAUSE] < 0 or last < 0:
        return _fault(NOTHING_PROVEN, proof, current)
    if not _is(proof.frames[last], said):
        return _fault(OTHER_PROVEN, proof, last)
    frame[_LAST] = proof.frames[last, _PREVIOUS]
    frame[_DONE] -= 1
    proof.state[_CURRENT] = last
    return 0


@compiled
def _fail(proof: _Proof, said: NDArray[np.int16]) -> int:
    """Give the goal up; that nothing is left to try for it is no claim that a proof rests on."""
    current = proof.state[_CURRENT]
    if not _is(proof.frames[current], said):
        return _fault(OTHER_GOAL, proof, current)
    proof.state[_CURRENT] = proof.frames[current, _PARENT]
    return 0


@compiled
def _loop(proof: _Proof) -> int:
    frames, current = proof.frames, proof.state[_CURRENT]
    above = frames[current, _PARENT]
    while above >= 0:
        same = True
        for at in range(_WIDTH):
            same = same and frames[above, at] == frames[current, at]
        if same:
            frames[current, _LEFT] = _LOOPED
            return 0
        above = frames[above, _PARENT]
    return _fault(NO_LOOP, proof, current)


@compiled
def _step(theory: _Theory, proof: _Proof, kind: int, said: NDArray[np.int16]) -> int:
    """Carry out a step; gives 0, or the reason why it is not legal."""
    current = proof.state[_CURRENT]
    if kind < 0:
        return _NO_EVENT
    if proof.state[_OUTCOME] != _OPEN:
        return _AFTER_END
    if kind == _LIMIT_REACHED:
        proof.state[_OUTCOME] = _LIMIT
        return 0
    if current < 0:
        return _call_root(theory, proof, said) if kind == _CALL else NO_GOAL
    if kind == _FAIL:
        return _fail(proof, said)
    return AFTER_LOOP if proof.frames[current, _LEFT] == _LOOPED else _go_on(theory, proof, kind, said)


@compiled
def _go_on(theory: _Theory, proof: _Proof, kind: int, said: NDArray[np.int16]) -> int:
    """A step within a goal that is open."""
    if kind == _CALL:
        return _call(theory, proof, said)
    if kind == _USE:
        return _use(theory, proof, said)
    if kind == _BIND:
        return _bind(theory, proof, whole(said[0]), whole(said[1]))
    if kind == _UNBIND:
        return _unbind(theory, proof, whole(said[0]))
    if kind == _EXIT:
        return _exit(theory, proof, said)
    if kind == _REDO:
        return _redo(proof, said)
    return _loop(proof)


@compiled
def _replay_all(
    given: Given,
    names: Entities,
    name_offsets: Offsets,
    steps: events.Steps,
    step_offsets: Offsets,
    frames: Table,
    state: Offsets,
    found: levels.Found,
) -> None:
    for row in range(len(given.questions)):
        rule, end = given.rule_offsets[row], given.rule_offsets[row + 1]
        theory = _Theory(
            given.facts[given.fact_offsets[row] : given.fact_offsets[row + 1]],
            given.heads[rule:end],
            given.bodies,
            given.body_offsets[rule : end + 1],
            names[name_offsets[row] : name_offsets[row + 1]],
            given.questions[row],
        )
        proof = _Proof(frames, state, found.contexts[row])
        state[_CURRENT], state[_FRAMES], state[_OUTCOME] = _NONE, 0, _OPEN
        for at in range(step_offsets[row], step_offsets[row + 1]):
            reason = _step(theory, proof, whole(steps[at, 0]), steps[at, 1:])
            if reason:
                found.departures[row], found.reasons[row] = at - step_offsets[row], reason
                break
        found.outcomes[row] = state[_OUTCOME]
