"""Forward traces replayed event by event by rules, compiled; the rules are the README's 'Levels of a trace'.

What is known is the facts and what was obtained, and a literal is obtained from known ones alone. So whatever
rules a trace uses, and whatever it leaves out, an answer that follows from legal steps is right.
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
from generators.prolog.verification import events, levels, search_forward
from generators.words import Codes

REASONS = {
    40: "`{words}` comes while no rule is in use",
    41: "`{words}` comes before the rule in use is finished",
    42: "`{words}` names a rule that is not stated",
    43: "`{words}` does not follow an `obtain`",
    44: "`{words}` fires a rule without a literal for {literal}",
    45: "`{words}` finishes another rule than the one in use",
    46: "`{words}` names a variable that is not in the rule",
    47: "`{words}` names a variable that is bound",
    48: "`{words}` names a variable that is not bound",
    49: "`{words}` names an entity that is not in the problem",
    50: "`{words}` is no variable of {literal}, which is to be matched first",
    51: "`{words}` makes {literal} something that is not known",
    52: "`{words}` is not the head of the rule under its bindings, {literal}",
    53: "`{words}` comes while {literal} is not known",
    54: "`{words}` is not new",
    55: "`{words}` is not known yet",
}
"""How a forward trace can depart; `{words}` are the event's, and {literal} is the context."""

(
    NO_RUN, NOT_FINISHED, NO_RULE, NOTHING_OBTAINED, NO_LITERAL, OTHER_RULE, NOT_IN_RULE, BOUND, NOT_BOUND,
    NO_ENTITY, OTHER_VARIABLE, NO_MATCH, OTHER_HEAD, BODY_UNKNOWN, NOT_NEW, NOT_KNOWN,
) = REASONS  # fmt: skip

Table = NDArray[np.int32]


def replay(
    theories: Theories, trace: tuple[Codes, Offsets], claimed: NDArray[np.int8], words: Words
) -> levels.Replayed:
    """Replay the trace on each theory; `claimed` is the answer that comes with it, as a place in ANSWERS."""
    read = events.events(trace, words, "forward")
    names, name_offsets = entities(theories)
    longest = int(np.diff(read.offsets).max(initial=0)) + 1
    facts = int(np.diff(theories.fact_offsets).max(initial=0))
    found = levels.blank(len(theories))
    _replay_all(
        theories.given,
        names,
        name_offsets,
        read.steps,
        read.offsets,
        np.empty((longest, _RUN), np.int32),
        np.empty((facts + longest, WIDTH), np.int16),
        np.zeros(3, np.int64),
        found,
    )
    searched = search_forward.search(theories, words, np.diff(trace[1]))
    return levels.graded(found, read, trace, searched, claimed)


_USE, _REUSE, _BIND, _UNBIND = events.USE, events.REUSE, events.BIND, events.UNBIND
_OBTAIN, _FOUND, _FAIL, _FINISH = events.OBTAIN, events.KNOWN, events.FAIL, events.FINISH
_LIMIT_REACHED = events.LIMIT
_TRUE, _FALSE, _LIMIT, _OPEN = levels.TRUE, levels.FALSE, levels.LIMIT, levels.OPEN
_AFTER_END, _NO_EVENT = levels.AFTER_END, levels.NO_EVENT
_NONE, _VARIABLE = NONE, VARIABLE
_WIDTH, _POLARITY, _PREDICATE, _ARGUMENTS = WIDTH, POLARITY, PREDICATE, ARGUMENTS

# Columns of a run: its rule, which known literal it has just obtained (or NONE), its bindings.
_RULE, _OBTAINED, _BINDINGS = range(3)
_RUN = _BINDINGS + len(VARIABLES)

_RUNS, _KNOWN, _CUT = range(3)


class _Theory(NamedTuple):
    heads: Literals
    bodies: Literals
    body_offsets: Offsets
    entities: Entities


class _Runs(NamedTuple):
    runs: Table
    known: Literals
    state: Offsets
    context: NDArray[np.int16]


@compiled
def _find(runs: _Runs, literal: NDArray[np.int16]) -> int:
    """The place of a literal among those known, or -1."""
    for place in range(runs.state[_KNOWN]):
        same = True
        for at in range(_WIDTH):
            same = same and runs.known[place, at] == literal[at]
        if same:
            return place
    return -1


@compiled
def _add(runs: _Runs, literal: NDArray[np.int16]) -> None:
    runs.known[runs.state[_KNOWN]] = literal
    runs.state[_KNOWN] += 1


@compiled
def _unifies(pattern: NDArray[np.int16], literal: NDArray[np.int16]) -> bool:
    if pattern[_POLARITY] != literal[_POLARITY] or pattern[_PREDICATE] != literal[_PREDICATE]:
        return False
    for at in range(_ARGUMENTS, _WIDTH):
        if pattern[at] < _VARIABLE and pattern[at] != literal[at]:
            return False
        for earlier in range(_ARGUMENTS, at):
            if (
                pattern[at] >= _VARIABLE
                and pattern[earlier] == pattern[at]
                and literal[earlier] != literal[at]
            ):
                return False
    return True


@compiled
def _apply(pattern: NDArray[np.int16], run: NDArray[np.int32], out: NDArray[np.int16]) -> bool:
    """Write a literal under the bindings of a run; gives whether it is ground."""
    ground = True
    for at in range(_WIDTH):
        value = whole(pattern[at])
        if at >= _ARGUMENTS and value >= _VARIABLE:
            bound = whole(run[_BINDINGS + value - _VARIABLE])
            ground = ground and bound != _NONE
            value = bound if bound != _NONE else value
        out[at] = value
    return ground


@compiled
def _reached(theory: _Theory, runs: _Runs, run: NDArray[np.int32]) -> int:
    """The first body literal that is not a known literal yet, -1 if all are; it is the context then."""
    begin, end = theory.body_offsets[run[_RULE]], theory.body_offsets[run[_RULE] + 1]
    for place in range(begin, end):
        if not _apply(theory.bodies[place], run, runs.context) or _find(runs, runs.context) < 0:
            return whole(place)
    return -1


@compiled
def _has(literal: NDArray[np.int16], variable: int) -> bool:
    for at in range(_ARGUMENTS, _WIDTH):  # noqa: SIM110 - a generator cannot be compiled
        if literal[at] == _VARIABLE + variable:
            return True
    return False


@compiled
def _start(theory: _Theory, runs: _Runs, rule: int) -> int:
    """A run that nothing is bound in yet."""
    if rule >= len(theory.heads):
        return NO_RULE
    run = runs.runs[runs.state[_RUNS]]
    run[_RULE] = rule
    run[_OBTAINED:] = _NONE
    runs.state[_RUNS] += 1
    return 0


@compiled
def _reuse(theory: _Theory, runs: _Runs, run: NDArray[np.int32], rule: int) -> int:
    """Fire a rule with what the newest run has just obtained."""
    if run[_OBTAINED] < 0:
        return NOTHING_OBTAINED
    if rule >= len(theory.heads):
        return NO_RULE
    new = runs.known[run[_OBTAINED]]
    for place in range(theory.body_offsets[rule], theory.body_offsets[rule + 1]):
        if _unifies(theory.bodies[place], new):
            return _start(theory, runs, rule)
    runs.context[:] = new
    return NO_LITERAL


@compiled
def _in_rule(theory: _Theory, rule: int, variable: int) -> bool:
    for place in range(theory.body_offsets[rule], theory.body_offsets[rule + 1]):
        if _has(theory.bodies[place], variable):
            return True
    return _has(theory.heads[rule], variable)


@compiled
def _bind(theory: _Theory, runs: _Runs, run: NDArray[np.int32], variable: int, entity: int) -> int:
    """Bind a variable of the literal that is reached so that a known one matches, or one left in the head."""
    if not _in_rule(theory, whole(run[_RULE]), variable):
        return NOT_IN_RULE
    if run[_BINDINGS + variable] != _NONE:
        return BOUND
    stands = False
    for name in theory.entities:
        stands = stands or name == entity
    if not stands:
        return NO_ENTITY
    place = _reached(theory, runs, run)
    if place >= 0 and not _has(theory.bodies[place], variable):
        return OTHER_VARIABLE
    run[_BINDINGS + variable] = entity
    run[_OBTAINED] = _NONE
    return NO_MATCH if place >= 0 and not _matches(theory, runs, run, place) else 0


@compiled
def _matches(theory: _Theory, runs: _Runs, run: NDArray[np.int32], place: int) -> bool:
    _apply(theory.bodies[place], run, runs.context)
    for at in range(runs.state[_KNOWN]):  # noqa: SIM110 - a generator cannot be compiled
        if _unifies(runs.context, runs.known[at]):
            return True
    return False


@compiled
def _unbind(run: NDArray[np.int32], variable: int) -> int:
    if run[_BINDINGS + variable] == _NONE:
        return NOT_BOUND
    run[_BINDINGS + variable] = _NONE
    run[_OBTAINED] = _NONE
    return 0


@compiled
def _conclude(
    theory: _Theory, runs: _Runs, run: NDArray[np.int32], kind: int, said: NDArray[np.int16]
) -> int:
    """The head, with all literals of the body known: as something new, or as something known."""
    if _reached(theory, runs, run) >= 0:
        return BODY_UNKNOWN
    _apply(theory.heads[run[_RULE]], run, runs.context)
    for at in range(_WIDTH):
        if runs.context[at] != said[at]:
            return OTHER_HEAD
    place = _find(runs, said)
    run[_OBTAINED] = _NONE
    if kind == _FOUND:
        return 0 if place >= 0 else NOT_KNOWN
    if place >= 0:
        return NOT_NEW
    run[_OBTAINED] = runs.state[_KNOWN]
    _add(runs, said)
    return 0


@compiled
def _step(theory: _Theory, runs: _Runs, kind: int, said: NDArray[np.int16]) -> int:
    """Carry out a step; gives 0, or the reason why it is not legal."""
    if kind < 0:
        return _NO_EVENT
    if runs.state[_CUT]:
        return _AFTER_END
    if kind == _LIMIT_REACHED:
        runs.state[_CUT] = 1
        return 0
    if kind == _USE:
        return NOT_FINISHED if runs.state[_RUNS] else _start(theory, runs, whole(said[0]))
    if runs.state[_RUNS] == 0:
        return NO_RUN
    return _go_on(theory, runs, runs.runs[runs.state[_RUNS] - 1], kind, said)


@compiled
def _go_on(theory: _Theory, runs: _Runs, run: NDArray[np.int32], kind: int, said: NDArray[np.int16]) -> int:
    """A step within the newest run."""
    if kind == _REUSE:
        return _reuse(theory, runs, run, whole(said[0]))
    if kind == _BIND:
        return _bind(theory, runs, run, whole(said[0]), whole(said[1]))
    if kind == _UNBIND:
        return _unbind(run, whole(said[0]))
    if kind == _FAIL:
        # A branch may be given up at any time: nothing rests on it.
        run[_OBTAINED] = _NONE
        return 0
    if kind == _FINISH:
        if run[_RULE] != said[0]:
            return OTHER_RULE
        runs.state[_RUNS] -= 1
        return 0
    return _conclude(theory, runs, run, kind, said)


@compiled
def _outcome(runs: _Runs, question: NDArray[np.int16]) -> int:
    """The answer that the known literals give, once all rules are finished."""
    if runs.state[_CUT]:
        return _LIMIT
    if runs.state[_RUNS]:
        return _OPEN
    if _find(runs, question) >= 0:
        return _TRUE
    complement = question.copy()
    complement[_POLARITY] ^= 1
    return _FALSE if _find(runs, complement) >= 0 else _OPEN


@compiled
def _replay_all(
    given: Given,
    names: Entities,
    name_offsets: Offsets,
    steps: events.Steps,
    step_offsets: Offsets,
    table: Table,
    known: Literals,
    state: Offsets,
    found: levels.Found,
) -> None:
    for row in range(len(given.questions)):
        rule, end = given.rule_offsets[row], given.rule_offsets[row + 1]
        theory = _Theory(
            given.heads[rule:end],
            given.bodies,
            given.body_offsets[rule : end + 1],
            names[name_offsets[row] : name_offsets[row + 1]],
        )
        runs = _Runs(table, known, state, found.contexts[row])
        state[_RUNS], state[_KNOWN], state[_CUT] = 0, 0, 0
        for fact in range(given.fact_offsets[row], given.fact_offsets[row + 1]):
            _add(runs, given.facts[fact])
        for at in range(step_offsets[row], step_offsets[row + 1]):
            reason = _step(theory, runs, whole(steps[at, 0]), steps[at, 1:])
            if reason:
                found.departures[row], found.reasons[row] = at - step_offsets[row], reason
                break
        found.outcomes[row] = _outcome(runs, given.questions[row])
