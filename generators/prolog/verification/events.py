"""Traces as events: words cut into steps, each read as one row of numbers, compiled.

A *step* begins at every word of EVENTS and ends before the next one; words before the first of them are a
step too. A step that is not exactly one event of the mode's grammar has the kind NO_EVENT.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.compiled import compiled, whole
from generators.prolog.alphabet import BACKWARD, EVENTS, FORWARD, Mode, Words
from generators.prolog.stated import layout
from generators.prolog.theory import ARGUMENTS, NONE, POLARITY, PREDICATE, WIDTH
from generators.words import Codes, Offsets

NO_EVENT = -1
CALL, USE, BIND, UNBIND, EXIT, REDO, FAIL, LOOP, LIMIT, REUSE, OBTAIN, KNOWN, FINISH = range(len(EVENTS))

Steps = NDArray[np.int16]
"""Shape (steps, 1 + WIDTH): the kind, then what follows it.

A literal; or RULE and FACT, one of them NONE; or the number of a variable and perhaps of an entity.
"""

KIND, RULE, FACT, VARIABLE, ENTITY = 0, 1, 2, 1, 2

_ABSENT, _BARE, _LITERAL, _CLAUSE, _ONLY_RULE, _PAIR, _SINGLE = range(7)
_FORMS = {
    "backward": {"call": _LITERAL, "use": _CLAUSE, "bind": _PAIR, "unbind": _SINGLE, "exit": _LITERAL}
    | {"redo": _LITERAL, "fail": _LITERAL, "loop": _BARE, "limit": _BARE},
    "forward": {"use": _ONLY_RULE, "reuse": _ONLY_RULE, "bind": _PAIR, "unbind": _SINGLE, "obtain": _LITERAL}
    | {"known": _LITERAL, "fail": _BARE, "finish": _ONLY_RULE, "limit": _BARE},
}
"""What follows the word of an event."""

assert tuple(_FORMS["backward"]) == BACKWARD
assert tuple(_FORMS["forward"]) == FORWARD


class Events(NamedTuple):
    """The steps of a trace are `steps[offsets[row] : offsets[row + 1]]`; `places` is where each begins."""

    steps: Steps
    offsets: Offsets
    places: Offsets


def events(trace: tuple[Codes, Offsets], words: Words, mode: Mode) -> Events:
    """Cut every trace into its steps."""
    codes, offsets = trace
    steps = np.empty((len(codes), 1 + WIDTH), np.int16)
    step_offsets, places = np.zeros_like(offsets), np.empty(len(codes), np.int64)
    forms = np.array([_FORMS[mode].get(name, _ABSENT) for name in EVENTS], np.int64)
    arities = np.array(words.arities, np.int64)
    used = _split(codes, offsets, layout(words), arities, forms, steps, step_offsets, places)
    return Events(steps[:used], step_offsets, places[:used])


_NO_EVENT, _NONE, _WIDTH = NO_EVENT, NONE, WIDTH
_POLARITY, _PREDICATE, _ARGUMENTS = POLARITY, PREDICATE, ARGUMENTS


@compiled
def _split(
    codes: Codes,
    offsets: Offsets,
    layout: Offsets,
    arities: Offsets,
    forms: Offsets,
    steps: Steps,
    step_offsets: Offsets,
    places: Offsets,
) -> int:
    used = 0
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        while at < end:
            stop = at + 1
            while stop < end and not layout[5] <= codes[stop] < layout[6]:
                stop += 1
            steps[used] = _NONE
            kind = whole(codes[at]) - layout[5]
            form = forms[kind] if 0 <= kind < len(forms) else _ABSENT
            grammatical = _read(codes[at + 1 : stop], form, layout, arities, steps[used, 1:])
            steps[used, 0] = kind if grammatical else _NO_EVENT
            places[used] = at
            used, at = used + 1, stop
        step_offsets[row + 1] = used
    return used


@compiled
def _read(said: Codes, form: int, layout: Offsets, arities: Offsets, step: Steps) -> bool:
    """Read what follows the word of an event; gives whether it is what its form wants."""
    if form == _BARE:
        return len(said) == 0
    if form == _LITERAL:
        return _read_literal(said, layout, arities, step)
    if form in (_CLAUSE, _ONLY_RULE):
        return _read_clause(said, form, layout, step)
    if form in (_PAIR, _SINGLE):
        return _read_variable(said, form, layout, step)
    return False


@compiled
def _read_literal(said: Codes, layout: Offsets, arities: Offsets, literal: Steps) -> bool:
    if len(said) < 2 or said[0] > 1 or not layout[1] <= said[1] < layout[2]:
        return False
    literal[_POLARITY] = said[0]
    literal[_PREDICATE] = said[1] - layout[1]
    if len(said) != 2 + arities[literal[_PREDICATE]]:
        return False
    for place in range(2, len(said)):
        if not layout[0] <= said[place] < layout[1]:
            return False
        literal[_ARGUMENTS + place - 2] = said[place] - layout[0]
    return True


@compiled
def _read_clause(said: Codes, form: int, layout: Offsets, step: Steps) -> bool:
    if len(said) != 1:
        return False
    if layout[4] <= said[0] < layout[5]:
        step[0] = said[0] - layout[4]
        return True
    if form == _CLAUSE and layout[3] <= said[0] < layout[4]:
        step[1] = said[0] - layout[3]
        return True
    return False


@compiled
def _read_variable(said: Codes, form: int, layout: Offsets, step: Steps) -> bool:
    if len(said) != (2 if form == _PAIR else 1) or not layout[2] <= said[0] < layout[2] + layout[7]:
        return False
    step[0] = said[0] - layout[2]
    if form == _PAIR:
        if not layout[0] <= said[1] < layout[1]:
            return False
        step[1] = said[1] - layout[0]
    return True
