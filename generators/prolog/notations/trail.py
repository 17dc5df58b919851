"""Traces without what backtracking undoes: `unbind` left out and put back, and the branches that were kept.

What is undone follows from a trace alone. The *trail* of a row holds what can still be undone, in the order
in which it was done: goals that were taken up (or forward: rules), clauses, bindings and exits. A *frame* is
the entry of a goal that is not proven yet; its own entries lie above it, those of its proven goals apart.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from generators.compiled import compiled, whole
from generators.prolog.alphabet import EVENTS, VARIABLES, Mode, Words
from generators.words import Codes, Offsets

Actions = NDArray[np.int64]
"""What each code does to the trail: one of the numbers below, NO_EVENT for what is no event's word."""
Trail = NDArray[np.int64]
"""Entries in rows: a variable's code or one of the kinds below, then LINK, PLACE, STOP and LENGTH."""

NO_EVENT, PLAIN, OPENS, CLAUSE, BINDS, UNBINDS, EXITS, REDOES, CLOSES, NEW, CUT = range(-1, 10)

_BACKWARD = {
    "call": OPENS,
    "use": CLAUSE,
    "bind": BINDS,
    "unbind": UNBINDS,
    "exit": EXITS,
    "redo": REDOES,
    "fail": CLOSES,
    "limit": CUT,
}
_FORWARD = {
    "use": OPENS,
    "reuse": OPENS,
    "bind": BINDS,
    "unbind": UNBINDS,
    "finish": CLOSES,
    "obtain": NEW,
    "limit": CUT,
}

_KIND, _LINK, _PLACE, _STOP, _LENGTH = range(5)
_OPENED, _EXITED, _TRIED = -1, -2, -3
_NO_EVENT, _PLAIN, _OPENS, _CLAUSE, _BINDS, _UNBINDS = NO_EVENT, PLAIN, OPENS, CLAUSE, BINDS, UNBINDS
_EXITS, _REDOES, _CLOSES, _NEW, _CUT = EXITS, REDOES, CLOSES, NEW, CUT


def without_unbind(trace: tuple[Codes, Offsets], words: Words, mode: Mode) -> tuple[Codes, Offsets]:
    """The trace without its `unbind` events, but for those right before `limit`.

    Where a search was cut among them is not to be seen from the other events.
    """
    codes, offsets = trace
    out, places = np.empty_like(codes), np.zeros_like(offsets)
    variables = np.array([words.variables, words.variables + len(VARIABLES)], np.int64)
    used = _drop(codes, offsets, _actions(words, mode), variables, out, places)
    return out[:used].copy(), places


def with_unbind(trace: tuple[Codes, Offsets], words: Words, mode: Mode) -> tuple[Codes, Offsets]:
    """The inverse of `without_unbind` for every trace of the teacher; any other words are kept as well."""
    codes, offsets = trace
    # A binding has three words and is undone at most once, by two.
    out, places = np.empty(2 * len(codes), np.uint16), np.zeros_like(offsets)
    used = _insert(
        codes, offsets, _actions(words, mode), words.event("unbind"), _empty_trail(offsets), out, places
    )
    return out[:used].copy(), places


def without_fail(trace: tuple[Codes, Offsets], words: Words, mode: Mode) -> tuple[Codes, Offsets]:
    """Backward the proof that was found, forward the runs and branches that obtain something."""
    codes, offsets = trace
    out, places = np.empty_like(codes), np.zeros_like(offsets)
    kernel = _proof if mode == "backward" else _gains
    used = kernel(codes, offsets, _actions(words, mode), _empty_trail(offsets), out, places)
    return out[:used].copy(), places


def _actions(words: Words, mode: Mode) -> Actions:
    known = _BACKWARD if mode == "backward" else _FORWARD
    actions = np.full(1 << 16, NO_EVENT, np.int64)
    actions[words.events : words.events + len(EVENTS)] = [known.get(name, PLAIN) for name in EVENTS]
    return actions


def _empty_trail(offsets: Offsets) -> Trail:
    """Room for the row of most words."""
    return np.zeros((int(np.diff(offsets).max(initial=0)) + 1, 5), np.int64)


@compiled
def _event_end(codes: Codes, at: int, end: int, actions: Actions) -> int:
    """The place of the next event's word after `at`."""
    at += 1
    while at < end and actions[codes[at]] == _NO_EVENT:
        at += 1
    return at


@compiled
def _copy(codes: Codes, at: int, stop: int, out: Codes, used: int) -> int:
    for place in range(at, stop):
        out[used] = codes[place]
        used += 1
    return used


@compiled
def _same(codes: Codes, one: int, one_stop: int, two: int, two_stop: int) -> bool:
    while one < one_stop and two < two_stop and codes[one] == codes[two]:
        one += 1
        two += 1
    return one == one_stop and two == two_stop


@compiled
def _target(trail: Trail, top: int, frame: int, action: int, codes: Codes, at: int, stop: int) -> int:
    """The oldest entry that an event undoes, or -1: a binding, an exit, the clause or the frame itself."""
    if action == _CLOSES:
        return frame
    if action == _CLAUSE:
        return frame + 1 if frame >= 0 and frame + 1 < top else -1
    if action not in (_REDOES, _BINDS, _UNBINDS):
        return -1
    entry = top - 1
    while entry > frame:
        kind = trail[entry, _KIND]
        if action == _REDOES:
            place, end = trail[entry, _PLACE], trail[entry, _STOP]
            if kind == _EXITED and _same(codes, place + 1, end, at + 1, stop):
                return entry
        elif at + 1 < stop and kind == codes[at + 1]:
            return entry
        entry = (trail[entry, _LINK] if kind == _EXITED else entry) - 1
    return -1


@compiled
def _undone(
    trail: Trail, top: int, frame: int, target: int, action: int, unbind: int, out: Codes, used: int
) -> int:
    """Write `unbind` for the bindings of a frame from the newest to the target, newest first."""
    entry = top - 1
    while entry > frame and entry >= target:
        kind = trail[entry, _KIND]
        if kind >= 0 and not (entry == target and action == _UNBINDS):
            out[used], out[used + 1] = unbind, kind
            used += 2
        entry = (trail[entry, _LINK] if kind == _EXITED else entry) - 1
    return used


@compiled
def _push(
    trail: Trail, top: int, frame: int, action: int, codes: Codes, at: int, stop: int, length: int
) -> tuple[int, int]:
    """Add the entry of an event, if it has one; gives the new top and frame."""
    kind = whole(0)
    if action == _OPENS:
        kind = whole(_OPENED)
    elif action == _CLAUSE:
        kind = whole(_TRIED)
    elif action == _EXITS and frame >= 0:
        kind = whole(_EXITED)
    elif action == _BINDS and at + 1 < stop:
        kind = whole(codes[at + 1])
    if kind == 0:
        return top, frame
    trail[top, _KIND], trail[top, _LINK], trail[top, _PLACE] = kind, frame, at
    trail[top, _STOP], trail[top, _LENGTH] = stop, length
    if kind == _OPENED:
        frame = top
    elif kind == _EXITED:
        frame = trail[frame, _LINK]
    return top + 1, frame


@compiled
def _drop(
    codes: Codes, offsets: Offsets, actions: Actions, variables: Offsets, out: Codes, places: Offsets
) -> int:
    used = 0
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        while at < end:
            stop = at
            while stop + 1 < end and actions[codes[stop]] == _UNBINDS:
                if not variables[0] <= codes[stop + 1] < variables[1]:
                    break
                stop += 2
            if stop == at or (stop < end and actions[codes[stop]] == _CUT):
                stop = max(stop, at + 1)
                used = _copy(codes, at, stop, out, used)
            at = stop
        places[row + 1] = used
    return used


@compiled
def _insert(
    codes: Codes, offsets: Offsets, actions: Actions, unbind: int, trail: Trail, out: Codes, places: Offsets
) -> int:
    used = 0
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        top, frame = whole(0), whole(-1)
        while at < end:
            action, stop = actions[codes[at]], _event_end(codes, at, end, actions)
            target = _target(trail, top, frame, action, codes, at, stop)
            if target >= 0:
                used = _undone(trail, top, frame, target, action, unbind, out, used)
                if action in (_REDOES, _CLOSES):
                    frame = trail[target, _LINK]
                top = target
            top, frame = _push(trail, top, frame, action, codes, at, stop, used)
            used = _copy(codes, at, stop, out, used)
            at = stop
        places[row + 1] = used
    return used


@compiled
def _proof(
    codes: Codes, offsets: Offsets, actions: Actions, trail: Trail, out: Codes, places: Offsets
) -> int:
    """What is undone is taken out of what was written: at the end only the proof stands there."""
    used = 0
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        top, frame = whole(0), whole(-1)
        while at < end and actions[codes[at]] != _CUT:
            action, stop = actions[codes[at]], _event_end(codes, at, end, actions)
            target = _target(trail, top, frame, action, codes, at, stop)
            if target >= 0:
                used = trail[target, _LENGTH]
                if action in (_REDOES, _CLOSES):
                    frame = trail[target, _LINK]
                top = target
            after, frame = _push(trail, top, frame, action, codes, at, stop, used)
            if after > top:
                used = _copy(codes, at, stop, out, used)
            top, at = after, stop
        if at < end or frame >= 0:
            used = places[row]
        places[row + 1] = used
    return used


@compiled
def _gains(
    codes: Codes, offsets: Offsets, actions: Actions, trail: Trail, out: Codes, places: Offsets
) -> int:
    """What was opened or bound is taken out when it is closed or unbound and has obtained nothing."""
    used = 0
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        top, frame = whole(0), whole(-1)
        while at < end and actions[codes[at]] != _CUT:
            action, stop = actions[codes[at]], _event_end(codes, at, end, actions)
            ends = action in (_UNBINDS, _CLOSES)
            target = _target(trail, top, frame, action, codes, at, stop) if ends else whole(-1)
            if target >= 0:
                # An entry's STOP is of no other use here: -1 says that something was obtained above it.
                kept = trail[target, _STOP] < 0
                used = _copy(codes, at, stop, out, used) if kept else trail[target, _LENGTH]
                frame = trail[target, _LINK]
                top = target
            elif action == _NEW:
                trail[:top, _STOP] = -1
                used = _copy(codes, at, stop, out, used)
            after, frame = _push(trail, top, frame, action, codes, at, stop, used)
            if after > top:
                used = _copy(codes, at, stop, out, used)
            top, at = after, stop
        if at < end:
            used = places[row]
        places[row + 1] = used
    return used
