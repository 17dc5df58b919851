"""The compact notation: fewer words for the same trace, compiled.

A polarity and its predicate are one word (`+kind bob`), a rule states its head first, as Prolog does
(`rule1 +nice x if +kind x`), and `use` and `bind` are understood: in a trace the number of a clause alone is
its use, a variable with an entity its binding.
"""

from __future__ import annotations

import numpy as np

from generators.compiled import compiled, whole
from generators.prolog.alphabet import EVENTS, FRAME, VARIABLES, Words
from generators.prolog.stated import Layout, layout
from generators.words import UNKNOWN, Codes, Offsets

Rows = tuple[Codes, Offsets]

LEFT_OUT = ("use", "bind")
"""Events without a word of their own."""


def alphabet(words: Words) -> tuple[str, ...]:
    """Entities, signed predicates, then the stored words from `x` on without those left out."""
    stored = words.alphabet
    signed = (f"{sign}{word}" for word in words.predicate_words for sign in stored[:2])
    rest = (word for word in stored[words.variables :] if word not in (*LEFT_OUT, "then"))
    return (*words.entity_words, *signed, *rest)


def shortened_prompt(prompt: Rows, words: Words) -> Rows:
    """Stored prompts in compact words."""
    return _spelled(_turned(prompt, words, True), words)


def stored_prompt(prompt: Rows, words: Words) -> Rows:
    """The inverse of `shortened_prompt`, for any words."""
    return _turned(_read(prompt, words, False), words, False)


def shortened_response(response: Rows, words: Words) -> Rows:
    """Stored traces, each with its answer, in compact words."""
    return _spelled(response, words)


def stored_response(response: Rows, words: Words) -> Rows:
    """The inverse of `shortened_response`, for any words."""
    return _read(response, words, True)


def _spelled(rows: Rows, words: Words) -> Rows:
    place = {word: at for at, word in enumerate(alphabet(words))}
    table = np.array([*(place.get(word, UNKNOWN) for word in words.alphabet), UNKNOWN], np.uint16)
    out, offsets = np.empty(len(rows[0]), np.uint16), np.zeros_like(rows[1])
    left_out = np.array([words.event(name) for name in LEFT_OUT], np.int64)
    used = _spell(*rows, layout(words), table, left_out, out, offsets)
    return out[:used], offsets


def _read(rows: Rows, words: Words, trace: bool) -> Rows:
    """Each compact word as one or two stored ones; in a trace also what is understood."""
    place = {word: at for at, word in enumerate(words.alphabet)}
    own = alphabet(words)
    table = np.array([*(place.get(word, UNKNOWN) for word in own), UNKNOWN], np.uint16)
    events = np.array([words.event(name) for name in ("use", "bind", "reuse", "finish", "unbind")], np.int64)
    out, offsets = np.empty(2 * len(rows[0]), np.uint16), np.zeros_like(rows[1])
    used = _expand(*rows, layout(words), table, events, trace, out, offsets)
    return out[:used], offsets


def _turned(rows: Rows, words: Words, head_first: bool) -> Rows:
    """Rules with their heads before or behind their bodies."""
    out = np.empty(len(rows[0]) + len(rows[0]) // 2 + 1, np.uint16)
    offsets = np.zeros_like(rows[1])
    turn = _head_first if head_first else _head_last
    used = turn(*rows, layout(words), out, offsets)
    return out[:used], offsets


_IF, _THEN = (FRAME.index(word) for word in ("if", "then"))
_UNKNOWN = int(UNKNOWN)
_VARIABLES, _EVENTS = len(VARIABLES), len(EVENTS)


@compiled
def _spell(
    codes: Codes,
    offsets: Offsets,
    layout: Layout,
    table: Codes,
    left_out: Offsets,
    out: Codes,
    places: Offsets,
) -> int:
    used = 0
    entities = layout[1] - layout[0]
    for row in range(len(offsets) - 1):
        sign = -1
        for at in range(offsets[row], offsets[row + 1]):
            code = whole(codes[at])
            if code <= 1:
                sign = code
            elif sign >= 0 and layout[1] <= code < layout[2]:
                out[used] = entities + 2 * (code - layout[1]) + sign
                used, sign = used + 1, -1
            elif code not in (left_out[0], left_out[1]):
                out[used] = table[min(code, len(table) - 1)]
                used += 1
        places[row + 1] = used
    return used


@compiled
def _expand(
    codes: Codes,
    offsets: Offsets,
    layout: Layout,
    table: Codes,
    events: Offsets,
    trace: bool,
    out: Codes,
    places: Offsets,
) -> int:
    used = 0
    entities, predicates = layout[1] - layout[0], layout[2] - layout[1]
    for row in range(len(offsets) - 1):
        before = -1
        for at in range(offsets[row], offsets[row + 1]):
            code = whole(codes[at])
            if entities <= code < entities + 2 * predicates:
                out[used] = (code - entities) % 2
                out[used + 1] = layout[1] + (code - entities) // 2
                used += 2
                before = -1
                continue
            stored = whole(table[min(code, len(table) - 1)])
            if trace and layout[3] <= stored < layout[5] and before not in (events[2], events[3]):
                out[used] = events[0]
                used += 1
            elif trace and layout[2] <= stored < layout[2] + _VARIABLES and before != events[4]:
                out[used] = events[1]
                used += 1
            out[used] = stored
            used += 1
            before = stored
        places[row + 1] = used
    return used


@compiled
def _is_boundary(code: int, layout: Layout) -> bool:
    """Whether a word begins a clause, or the question."""
    return bool(layout[3] <= code < layout[5] or code >= layout[6])


@compiled
def _until(codes: Codes, at: int, end: int, layout: Layout) -> int:
    """The place of the next word that begins a clause, or that is of the frame."""
    while at < end and not _is_boundary(whole(codes[at]), layout):
        at += 1
    return at


@compiled
def _copy(codes: Codes, at: int, end: int, out: Codes, used: int) -> int:
    for place in range(at, end):
        out[used] = codes[place]
        used += 1
    return used


@compiled
def _head_first(codes: Codes, offsets: Offsets, layout: Layout, out: Codes, places: Offsets) -> int:
    """`ruleN if BODY then HEAD` as `ruleN HEAD if BODY`, without `if` where there is no body."""
    used = 0
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        while at < end:
            if codes[at] == layout[6] + _IF:
                then = _until(codes, at + 1, end, layout)
                if then < end and codes[then] == layout[6] + _THEN:
                    after = _until(codes, then + 1, end, layout)
                    used = _copy(codes, then + 1, after, out, used)
                    if then > at + 1:
                        used = _copy(codes, at, then, out, used)
                    at = after
                    continue
            out[used] = codes[at]
            used += 1
            at += 1
        places[row + 1] = used
    return used


@compiled
def _head_last(codes: Codes, offsets: Offsets, layout: Layout, out: Codes, places: Offsets) -> int:
    """`ruleN HEAD if BODY`, or without `if BODY`, as `ruleN if BODY then HEAD`."""
    used = 0
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        while at < end:
            out[used] = codes[at]
            used += 1
            at += 1
            if not layout[4] <= codes[at - 1] < layout[5]:
                continue
            head = _until(codes, at, end, layout)
            body = head
            if head < end and codes[head] == layout[6] + _IF:
                body = _until(codes, head + 1, end, layout)
            out[used] = layout[6] + _IF
            used = _copy(codes, head + 1, body, out, used + 1)
            out[used] = layout[6] + _THEN
            used = _copy(codes, at, head, out, used + 1)
            at = body
        places[row + 1] = used
    return used
