"""What `solver.pl` answers, turned into the codes of stored traces, compiled; its head gives the grammar."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.compiled import compiled, whole
from generators.prolog.alphabet import ANSWERS, EVENTS, Words
from generators.prolog.swi.requests import FIRST, Bytes, characters
from generators.words import Codes, Offsets

LETTERS = {
    "call": "c", "use": "u", "reuse": "U", "bind": "b", "unbind": "n", "exit": "x", "redo": "r", "fail": "f",
    "loop": "l", "obtain": "o", "known": "k", "finish": "e", "limit": "m",
}  # fmt: skip
"""The letter of each event."""

assert tuple(sorted(LETTERS)) == tuple(sorted(EVENTS))

_FIRST, _ANSWERS = FIRST, len(ANSWERS)
_SPACE, _NEWLINE = ord(" "), ord("\n")


Answers = NDArray[np.int8]
Counts = NDArray[np.int32]
Places = NDArray[np.int64]


class Replies(NamedTuple):
    """Traces as flat codes with their offsets, the index of each answer in ANSWERS (-1: none), and events."""

    codes: Codes
    offsets: Offsets
    answer: Answers
    events: Counts


class Book(NamedTuple):
    """The character of the first key, and the code of the first predicate."""

    keys: int
    predicates: int


def decoded(data: bytes, hung: NDArray[np.bool_], words: Words) -> Replies:
    """The traces and answers in `data`, one for each row but the hung ones, which get none.

    Raises RuntimeError for the first that reports an error or is not whole.
    """
    rows = len(hung)
    # A key, which is two words, takes two bytes or more; every other character is one word.
    found = Replies(
        np.empty(len(data), np.uint16), np.zeros(rows + 1, np.int64), np.full(rows, -1, np.int8),
        np.zeros(rows, np.int32),
    )  # fmt: skip
    # No event has the code 0, so that one stands for a character that is no letter of an event.
    letters = np.zeros(128, np.int64)
    for name, letter in LETTERS.items():
        letters[ord(letter)] = words.event(name)
    book = Book(characters(words).keys, words.predicates)
    row, at = _decode(np.frombuffer(data, np.uint8), hung, letters, book, *found)
    if row < rows or at < len(data):
        raise RuntimeError(f"the solver could not solve problem {row}: {_reason(data[at:])}")
    codes = found.codes[: found.offsets[-1]]
    # Solver and parent have the alphabet from the same place: a word beyond it means a broken reply.
    if codes.max(initial=0) >= len(words.alphabet):
        raise RuntimeError("the solver wrote a word that is not in the alphabet")
    return found._replace(codes=codes)


def _reason(reply: bytes) -> str:
    lines = reply.decode(errors="replace").split("\n")
    if len(lines) > 1 and lines[1].startswith("error "):
        return lines[1].removeprefix("error ")
    return f"its reply is broken: {'/'.join(lines)[:80]!r}"


@compiled
def _number(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """A number in decimals and the place after it; -1 if there is none."""
    number, begin = 0, at
    while at < end and 48 <= data[at] <= 57:
        number = 10 * number + whole(data[at]) - 48
        at += 1
    return (number if at > begin else -1), at


@compiled
def _trailer(data: Bytes, at: int, end: int, events: int) -> tuple[int, int]:
    """The answer in the last line of a reply, and the place after it.

    The answer is -1 if this is no such line, or does not confirm the number of events.
    """
    answer, at = _number(data, at, end)
    if answer < 0 or answer >= _ANSWERS or at >= end or data[at] != _SPACE:
        return -1, at
    count, at = _number(data, at + 1, end)
    return (answer if count == events and at < end and data[at] == _NEWLINE else -1), at + 1


@compiled
def _character(data: Bytes, at: int) -> tuple[int, int]:
    """A character of two or three bytes of UTF-8, and the place after it."""
    byte = whole(data[at])
    if byte < 0xE0:
        return (byte & 0x1F) << 6 | whole(data[at + 1]) & 0x3F, at + 2
    return (byte & 0x0F) << 12 | (whole(data[at + 1]) & 0x3F) << 6 | whole(data[at + 2]) & 0x3F, at + 3


@compiled
def _words(
    data: Bytes, at: int, end: int, letters: Places, book: Book, codes: Codes, used: int
) -> tuple[int, int, int]:
    """Read words up to the end of the line: the place after them (-1: unreadable), codes used, and events."""
    events = 0
    while at < end and data[at] != _NEWLINE:
        if data[at] < 0x80:
            codes[used] = letters[data[at]]
            if letters[data[at]] == 0:
                return -1, used, events
            used, at, events = used + 1, at + 1, events + 1
            continue
        character, at = _character(data, at)
        if character < book.keys:
            codes[used] = character - _FIRST
            used += 1
        else:
            key = character - book.keys
            codes[used], codes[used + 1] = key & 1, book.predicates + (key >> 1)
            used += 2
    return at, used, events


@compiled
def _decode(
    data: Bytes,
    hung: NDArray[np.bool_],
    letters: Places,
    book: Book,
    codes: Codes,
    offsets: Offsets,
    answers: Answers,
    counts: Counts,
) -> tuple[int, int]:
    """Fill the arrays; gives the first row that is not as it should be and its place, or the ends."""
    used, begin = 0, 0
    for row in range(len(hung)):
        if not hung[row]:
            at, used, counts[row] = _words(data, begin, len(data), letters, book, codes, used)
            answers[row], at = _trailer(data, at + 1, len(data), counts[row]) if at >= 0 else (-1, at)
            if answers[row] < 0:
                return row, begin
            begin = at
        offsets[row + 1] = used
    return len(hung), begin
