"""The compact notation: fewer words for the same trace, in an order that is easy to look up, compiled.

A polarity and its predicate are one word that stands behind its arguments (`bob +kind`), the number of a
clause behind its fact or head (`x +nice rule1 if x +kind .`), and `use` and `bind` are understood: in a trace
the number of a clause alone is its use, a variable with an entity its binding. So what is to be written after
`call bob +kind` stands behind `+kind` in the prompt, where small models learn to look early, as they hardly
do in front of it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from generators.compiled import compiled, whole
from generators.prolog.alphabet import ARITY, FRAME, VARIABLES, Words
from generators.prolog.stated import Layout, layout
from generators.words import UNKNOWN, Codes, Offsets

Rows = tuple[Codes, Offsets]
_Turn = Callable[[Codes, Offsets, Layout, Codes, Offsets], int]

END = "."
"""Behind the body of a rule."""
LEFT_OUT = ("use", "bind")
"""Events without a word of their own."""


def alphabet(words: Words) -> tuple[str, ...]:
    """Entities, signed predicates, then the stored words from `x` on but those left out; `.` for `then`."""
    stored = words.alphabet
    signed = (f"{sign}{word}" for word in words.predicate_words for sign in stored[:2])
    rest = (END if word == "then" else word for word in stored[words.variables :] if word not in LEFT_OUT)
    return (*words.entity_words, *signed, *rest)


def shortened_prompt(prompt: Rows, words: Words) -> Rows:
    """Stored prompts in compact words."""
    return shortened_response(_turned(prompt, words, _numbers_last), words)


def stored_prompt(prompt: Rows, words: Words) -> Rows:
    """The inverse of `shortened_prompt`, for any words."""
    return _turned(_expanded(prompt, words, False), words, _numbers_first)


def shortened_response(response: Rows, words: Words) -> Rows:
    """Stored traces, each with its answer, in compact words."""
    out, offsets = np.empty(len(response[0]), np.uint16), np.zeros_like(response[1])
    left_out = np.array([words.event(name) for name in LEFT_OUT], np.int64)
    used = _spell(*response, layout(words), _arities(words), _places(words), left_out, out, offsets)
    return out[:used], offsets


def stored_response(response: Rows, words: Words) -> Rows:
    """The inverse of `shortened_response`, for any words."""
    return _expanded(response, words, True)


def _places(words: Words) -> Codes:
    """The compact code of each stored word; `UNKNOWN` for what has none."""
    place = {word: at for at, word in enumerate(alphabet(words))}
    place["then"] = place[END]
    return np.array([*(place.get(word, UNKNOWN) for word in words.alphabet), UNKNOWN], np.uint16)


def _arities(words: Words) -> Layout:
    return np.array(words.arities, np.int64)


def _expanded(rows: Rows, words: Words, trace: bool) -> Rows:
    """Each compact word as one or two stored ones; in a trace also what is understood."""
    place = {word: at for at, word in enumerate(words.alphabet)}
    place[END] = place["then"]
    table = np.array([*(place.get(word, UNKNOWN) for word in alphabet(words)), UNKNOWN], np.uint16)
    events = np.array([words.event(name) for name in ("use", "bind", "reuse", "finish", "unbind")], np.int64)
    out, offsets = np.empty(2 * len(rows[0]), np.uint16), np.zeros_like(rows[1])
    used = _expand(*rows, layout(words), _arities(words), table, events, trace, out, offsets)
    return out[:used], offsets


def _turned(rows: Rows, words: Words, turn: _Turn) -> Rows:
    """Clauses with their numbers in front or behind, in stored words."""
    out, offsets = np.empty(2 * len(rows[0]), np.uint16), np.zeros_like(rows[1])
    used = turn(*rows, layout(words), out, offsets)
    return out[:used], offsets


_IF, _THEN, _ASK = (FRAME.index(word) for word in ("if", "then", "ask"))
_ARITY, _VARIABLES = ARITY, len(VARIABLES)


@compiled
def _spell(
    codes: Codes,
    offsets: Offsets,
    layout: Layout,
    arities: Layout,
    table: Codes,
    left_out: Layout,
    out: Codes,
    places: Offsets,
) -> int:
    """Literals with their signed predicate last, all other words by the table, without those left out."""
    used = 0
    entities = layout[1] - layout[0]
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        while at < end:
            code = whole(codes[at])
            following = whole(codes[at + 1]) if at + 1 < end else -1
            if code <= 1 and layout[1] <= following < layout[2]:
                most = min(at + 2 + arities[following - layout[1]], end)
                stop = at + 2
                while (
                    stop < most
                    and layout[0] <= codes[stop] < layout[3]
                    and not (layout[1] <= codes[stop] < layout[2])
                ):
                    stop += 1
                for place in range(at + 2, stop):
                    out[used] = table[min(whole(codes[place]), len(table) - 1)]
                    used += 1
                out[used] = entities + 2 * (following - layout[1]) + code
                used += 1
                at = stop
                continue
            if code not in (left_out[0], left_out[1]):
                out[used] = table[min(code, len(table) - 1)]
                used += 1
            at += 1
        places[row + 1] = used
    return used


@compiled
def _flush(
    waiting: NDArray[np.int64],
    first: int,
    last: int,
    before: int,
    layout: Layout,
    events: Offsets,
    trace: bool,
    out: Codes,
    used: int,
) -> int:
    """Write terms of no literal: in a trace a variable is bound, unless `unbind` stands before it."""
    for at in range(first, last):
        variable = layout[2] <= waiting[at] < layout[2] + _VARIABLES
        if trace and variable and not (at == 0 and before == events[4]):
            out[used] = events[1]
            used += 1
        out[used] = waiting[at]
        used += 1
    return used


@compiled
def _expand(
    codes: Codes,
    offsets: Offsets,
    layout: Layout,
    arities: Layout,
    table: Codes,
    events: Offsets,
    trace: bool,
    out: Codes,
    places: Offsets,
) -> int:
    used = 0
    entities, predicates = layout[1] - layout[0], layout[2] - layout[1]
    waiting = np.empty(len(codes) + 1, np.int64)
    for row in range(len(offsets) - 1):
        before, terms = -1, 0
        for at in range(offsets[row], offsets[row + 1]):
            code = whole(codes[at])
            if entities <= code < entities + 2 * predicates:
                predicate = (code - entities) // 2
                own = min(arities[predicate], terms)
                used = _flush(waiting, 0, terms - own, before, layout, events, trace, out, used)
                out[used], out[used + 1] = (code - entities) % 2, layout[1] + predicate
                used += 2
                for place in range(terms - own, terms):
                    out[used] = waiting[place]
                    used += 1
                before, terms = -1, 0
                continue
            stored = whole(table[min(code, len(table) - 1)])
            if layout[0] <= stored < layout[1] or layout[2] <= stored < layout[2] + _VARIABLES:
                waiting[terms] = stored
                terms += 1
                continue
            used = _flush(waiting, 0, terms, before, layout, events, trace, out, used)
            terms = 0
            if trace and layout[3] <= stored < layout[5] and before not in (events[2], events[3]):
                out[used] = events[0]
                used += 1
            out[used] = stored
            used += 1
            before = stored
        used = _flush(waiting, 0, terms, before, layout, events, trace, out, used)
        places[row + 1] = used
    return used


@compiled
def _copy(codes: Codes, at: int, end: int, out: Codes, used: int) -> int:
    for place in range(at, end):
        out[used] = codes[place]
        used += 1
    return used


@compiled
def _until(codes: Codes, at: int, end: int, layout: Layout) -> int:
    """The place of the next number of a clause, or word of the frame."""
    while at < end and not (layout[3] <= codes[at] < layout[5] or codes[at] >= layout[6]):
        at += 1
    return at


@compiled
def _numbers_last(codes: Codes, offsets: Offsets, layout: Layout, out: Codes, places: Offsets) -> int:
    """`factN FACT` as `FACT factN`, `ruleN if BODY then HEAD` as `HEAD ruleN if BODY then`."""
    used = 0
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        while at < end:
            number = whole(codes[at])
            if not layout[3] <= number < layout[5]:
                out[used] = number
                used += 1
                at += 1
                continue
            head, body, after = at + 1, at + 1, at + 1
            if number >= layout[4] and head < end and codes[head] == layout[6] + _IF:
                body = _until(codes, head + 1, end, layout)
                head = min(body + 1, end)
            stop = _until(codes, head, end, layout)
            used = _copy(codes, head, stop, out, used)
            out[used] = number
            used += 1
            if body > after + 1:
                used = _copy(codes, after, head, out, used)
            at = stop
        places[row + 1] = used
    return used


@compiled
def _numbers_first(codes: Codes, offsets: Offsets, layout: Layout, out: Codes, places: Offsets) -> int:
    """The inverse: `HEAD ruleN` is `ruleN if then HEAD`."""
    used = 0
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        while at < end:
            number = _until(codes, at, end, layout)
            if number == end or not layout[3] <= codes[number] < layout[5]:
                stop = min(number + 1, end)
                used = _copy(codes, at, stop, out, used)
                at = stop
                continue
            out[used] = codes[number]
            used += 1
            after = number + 1
            if codes[number] >= layout[4]:
                out[used] = layout[6] + _IF
                used += 1
                if after < end and codes[after] == layout[6] + _IF:
                    body = _until(codes, after + 1, end, layout)
                    used = _copy(codes, after + 1, body, out, used)
                    after = min(body + 1, end)
                out[used] = layout[6] + _THEN
                used += 1
            used = _copy(codes, at, number, out, used)
            at = after
        places[row + 1] = used
    return used
