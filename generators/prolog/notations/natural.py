"""The notation `natural`: stored words as English sentences and back, compiled and driven by tables.

`generators.prolog.notations.phrases` pairs the phrases of both sides. Either way a phrase of one side is
found, its slots are read, and the phrase of the other side is written with them.
"""

from __future__ import annotations

import numpy as np

from generators.compiled import compiled, whole
from generators.prolog.alphabet import ARITY, Words
from generators.prolog.notations import bilingual
from generators.prolog.notations.bilingual import Side, Table, sides
from generators.words import UNKNOWN, Codes, Offsets

Rows = tuple[Codes, Offsets]

_UNKNOWN, _ARITY = int(UNKNOWN), ARITY
_END, _LITERAL, _BODY, _FACT = bilingual.END, bilingual.LITERAL, bilingual.BODY, bilingual.FACT
_VALUE, _VARIABLE, _FIRST = bilingual.VALUE, bilingual.VARIABLE, bilingual.FIRST
_REACH = 6
"""Within so many words from its first one a literal names its predicate."""
_IN_BODY, _IN_HEAD, _AGAIN = range(3)
"""Forms of a variable."""


def to_english(rows: Rows, words: Words) -> Rows:
    """Stored prompts or responses as English, `UNKNOWN` for each word that is part of no phrase."""
    return _translated(rows, *sides(words), partial=False)


def from_english(rows: Rows, words: Words) -> Rows:
    """The inverse of `to_english`, for any words.

    A sentence that says nothing becomes one `UNKNOWN`, after its event's word if it begins like an event.
    """
    stored, english = sides(words)
    return _translated(rows, english, stored, partial=True)


def _translated(rows: Rows, own: Side, other: Side, partial: bool) -> Rows:
    codes, offsets = rows
    # At most two words for one that ends a sentence which says nothing.
    longest = max(_growth(own.sentences, other.sentences, 0), _growth(own.literals, other.literals, 1), 2)
    out, places = np.empty(longest * len(codes) + 1, np.uint16), np.zeros_like(offsets)
    found = np.empty(4 * int(np.diff(offsets).max(initial=0)) + 8, np.int64)
    used = _translate(codes, offsets, own, other, partial, found, out, places)
    return out[:used].copy(), places


def _growth(own: Table, other: Table, more: int) -> int:
    """How many words a word can become, literals apart: `more` of them beside a phrase's own."""
    kept = [(side != _END) & (side != _LITERAL) & (side != _BODY) for side in (own, other)]
    longest = kept[1].sum(axis=1) + (other <= _VARIABLE).sum(axis=1) + more  # an argument has up to two words
    return int(np.ceil(longest / kept[0].sum(axis=1)).max())


@compiled
def _argument(side: Side, codes: Codes, at: int, end: int) -> tuple[int, int]:
    """The argument at `at` and the place after it; -1 if there is none."""
    if at >= end:
        return -1, at
    argument, article = whole(side.arguments[codes[at]]), whole(side.articles[codes[at]])
    if argument >= 0 or article < 0 or at + 1 >= end:
        return argument, at + 1
    return whole(side.after[article, codes[at + 1]]), at + 2


@compiled
def _phrase(side: Side, codes: Codes, at: int, end: int, found: Offsets, count: int) -> int:
    """Read the phrase `found[count]` with its arguments; the place after it, or -1."""
    for word in side.literals[found[count]]:
        if word == _END:
            break
        if word <= _FIRST:
            argument, at = _argument(side, codes, at, end)
            if argument < 0:
                return -1
            found[count + 1 + _FIRST - word] = argument
        elif at < end and codes[at] == word:
            at += 1
        else:
            return -1
    return at


@compiled
def _literal(side: Side, codes: Codes, at: int, end: int, found: Offsets, count: int) -> int:
    """Read a literal into `found`: its row of `literals` and its arguments; the place after it, or -1."""
    predicate = whole(-1)
    for place in range(at, min(at + _REACH, end)):
        predicate = whole(side.predicates[codes[place]])
        if predicate >= 0:
            break
    for phrase in range(2 * predicate, 2 * predicate + 2 if predicate >= 0 else 0):
        found[count] = phrase
        after = _phrase(side, codes, at, end, found, count)
        if after >= 0:
            return after
    return -1


@compiled
def _body(side: Side, codes: Codes, at: int, end: int, found: Offsets, count: int) -> int:
    """Read literals into `found` after their number; the place after them, or -1."""
    here, read = _literal(side, codes, at, end, found, count + 1), 0
    after = here
    while here >= 0:
        read += 1
        after = here
        if side.separator >= 0:
            if here >= end or codes[here] != side.separator:
                break
            here += 1
        here = _literal(side, codes, here, end, found, count + 1 + (1 + _ARITY) * read)
    found[count] = read
    return after


@compiled
def _slot(
    side: Side, slot: int, codes: Codes, at: int, end: int, found: Offsets, count: int
) -> tuple[int, int]:
    """Read what fills a slot; gives the place after it, or -1, and the new count of `found`."""
    if slot == _LITERAL:
        return _literal(side, codes, at, end, found, count), count + 1 + _ARITY
    if slot == _BODY:
        at = _body(side, codes, at, end, found, count)
        return at, count + 1 + (1 + _ARITY) * found[count]
    if slot >= _VALUE:
        found[count] = side.numbers[_FACT - slot, codes[at]]
        return at + 1 if found[count] >= 0 else -1, count + 1
    found[count], at = _argument(side, codes, at, end)
    fits = found[count] >= 0 and (found[count] >= side.entities) == (slot == _VARIABLE)
    return at if fits else -1, count + 1


@compiled
def _sentence(side: Side, sentence: int, codes: Codes, at: int, end: int, found: Offsets) -> tuple[int, int]:
    """The place after a sentence, or -1, and how many of its words stood there before its first slot."""
    lead, count, step = 0, 0, 0
    while side.sentences[sentence, step] != _END:
        word = whole(side.sentences[sentence, step])
        if at >= end:
            return -1, lead
        if word >= 0:
            if codes[at] != word:
                return -1, lead
            at += 1
            lead += count == 0
        else:
            at, count = _slot(side, word, codes, at, end, found, count)
            if at < 0:
                return -1, lead
        step += 1
    return at, lead


@compiled
def _say_argument(side: Side, argument: int, form: int, out: Codes, used: int) -> int:
    for word in side.said[argument, form]:
        if word >= 0:
            out[used] = word
            used += 1
    return used


@compiled
def _say_literal(
    side: Side, found: Offsets, count: int, first: int, seen: int, out: Codes, used: int
) -> tuple[int, int]:
    """Write a literal whose variables have the form `first` unless they are `seen`; gives both anew."""
    for word in side.literals[found[count]]:
        if word == _END:
            break
        if word >= 0:
            out[used] = word
            used += 1
            continue
        argument = whole(found[count + 1 + _FIRST - word])
        variable = whole(1) << max(argument - side.entities, 0)
        form = whole(_AGAIN) if seen & variable else whole(first)
        used = _say_argument(side, argument, form, out, used)
        if argument >= side.entities:
            seen |= variable
    return used, seen


@compiled
def _say_slot(
    side: Side, slot: int, found: Offsets, count: int, seen: int, out: Codes, used: int
) -> tuple[int, int, int]:
    """Write what fills a slot; gives the words used, the new count of `found` and of the variables seen."""
    if slot == _LITERAL:
        used, seen = _say_literal(side, found, count, _IN_HEAD, seen, out, used)
        return used, count + 1 + _ARITY, seen
    if slot == _BODY:
        read, count = found[count], count + 1
        for at in range(read):
            if at and side.separator >= 0:
                out[used] = side.separator
                used += 1
            used, seen = _say_literal(side, found, count, _IN_BODY, seen, out, used)
            count += 1 + _ARITY
        return used, count, seen
    if slot >= _VALUE:
        out[used] = side.names[_FACT - slot, found[count]]
        return used + 1, count + 1, seen
    return _say_argument(side, found[count], _AGAIN, out, used), count + 1, seen


@compiled
def _say(side: Side, sentence: int, found: Offsets, out: Codes, used: int) -> int:
    count, seen = whole(0), whole(0)
    for word in side.sentences[sentence]:
        if word == _END:
            break
        if word >= 0:
            out[used] = word
            used += 1
        else:
            used, count, seen = _say_slot(side, whole(word), found, count, seen, out, used)
    return used


@compiled
def _say_start(side: Side, sentence: int, out: Codes, used: int) -> int:
    """Write what stands before the first slot of a sentence, then `UNKNOWN`."""
    if sentence >= 0:
        for word in side.sentences[sentence]:
            if word < 0:
                break
            out[used] = word
            used += 1
    out[used] = _UNKNOWN
    return used + 1


@compiled
def _first_fit(side: Side, codes: Codes, at: int, end: int, found: Offsets) -> tuple[int, int]:
    """The first sentence that fits and the place after it; else the most alike one, or -1, and -1."""
    alike, longest = whole(-1), 0
    for sentence in range(len(side.sentences)):
        first = whole(side.sentences[sentence, 0])
        if first >= 0 and first != codes[at]:
            continue
        stop, lead = _sentence(side, sentence, codes, at, end, found)
        if stop >= 0:
            return sentence, stop
        if lead > longest and side.sentences[sentence, lead] < _END:
            alike, longest = whole(sentence), lead
    return alike, -1


@compiled
def _translate(
    codes: Codes,
    offsets: Offsets,
    own: Side,
    other: Side,
    partial: bool,
    found: Offsets,
    out: Codes,
    places: Offsets,
) -> int:
    used = 0
    for row in range(len(offsets) - 1):
        at, end = whole(offsets[row]), whole(offsets[row + 1])
        while at < end:
            sentence, stop = _first_fit(own, codes, at, end, found)
            if stop >= 0:
                used = _say(other, sentence, found, out, used)
            else:
                used = _say_start(other, sentence if partial else -1, out, used)
                stop = at
                while stop < end and not own.ends[codes[stop]]:
                    stop += 1
                stop = min(stop + 1, end)
            at = stop
        places[row + 1] = used
    return used
