"""What `solver.pl` answers, turned into the codes of stored traces, compiled; its head gives the grammar."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.compiled import compiled, whole
from generators.prolog.alphabet import ANSWERS, EVENTS, Words
from generators.prolog.requests import FIRST, Bytes, Characters, characters
from generators.words import Codes, Offsets

LETTERS = {
    "call": "c", "use": "u", "reuse": "U", "bind": "b", "unbind": "n", "exit": "x", "redo": "r", "fail": "f",
    "loop": "l", "obtain": "o", "known": "k", "finish": "e", "limit": "m",
}  # fmt: skip
"""The letter of each event."""

assert tuple(sorted(LETTERS)) == tuple(sorted(EVENTS))

_FIRST, _ANSWERS = FIRST, len(ANSWERS)


class Replies(NamedTuple):
    """Traces as flat codes with their offsets, the index of each answer in ANSWERS (-1: none), and events."""

    codes: Codes
    offsets: Offsets
    answers: NDArray[np.int8]
    events: NDArray[np.int32]


def decoded(replies: list[bytes | None], words: Words) -> Replies:
    """The trace and answer of each reply; an empty trace and -1 for None.

    Raises RuntimeError for the first that reports an error or is not whole.
    """
    rows = len(replies)
    data = np.frombuffer(b"".join(reply or b"" for reply in replies), np.uint8)
    ends = np.zeros(rows + 1, np.int64)
    np.cumsum([len(reply or b"") for reply in replies], out=ends[1:])
    offsets = np.zeros(rows + 1, np.int64)
    answers, events = np.full(rows, -1, np.int8), np.zeros(rows, np.int32)
    # A key, two words, takes two bytes or more; all other characters are one word.
    codes = np.empty(len(data), np.uint16)
    letters = np.full(128, -1, np.int64)
    for name, letter in LETTERS.items():
        letters[ord(letter)] = words.event(name)
    bad = _decode(
        data, ends, letters, characters(words), words.predicates, len(words.predicate_words), codes, offsets,
        answers, events,
    )  # fmt: skip
    if bad < rows:
        told = (replies[bad] or b"").decode(errors="replace")
        raise RuntimeError(f"the solver could not solve problem {bad}: {_reason(told)}")
    return Replies(codes[: offsets[-1]], offsets, answers, events)


def _reason(told: str) -> str:
    _, found, reason = told.rpartition("\nerror ")
    return reason.strip() if found else f"its reply is broken: {told[-80:]!r}"


@compiled
def _number(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """A number in decimals and the place after it; -1 if there is none."""
    number, begin = 0, at
    while at < end and 48 <= data[at] <= 57:
        number = 10 * number + whole(data[at]) - 48
        at += 1
    return (number if at > begin else -1), at


@compiled
def _trailer(data: Bytes, at: int, end: int, events: int) -> int:
    """The answer in the last line, or -1 if it is no such line or does not confirm the number of events."""
    answer, at = _number(data, at, end)
    if answer < 0 or answer >= _ANSWERS or at >= end or data[at] != 32:
        return -1
    count, at = _number(data, at + 1, end)
    return answer if count == events and at == end - 1 and data[at] == 10 else -1


@compiled
def _decode(
    data: Bytes,
    ends: Offsets,
    letters: NDArray[np.int64],
    first: Characters,
    predicates: int,
    predicate_count: int,
    codes: Codes,
    offsets: Offsets,
    answers: NDArray[np.int8],
    events: NDArray[np.int32],
) -> int:
    """Fill the arrays; gives the first row that is not as it should be, or the number of rows."""
    used = 0
    for row in range(len(ends) - 1):
        at, end = ends[row], ends[row + 1]
        count = 0
        while at < end and data[at] != 10:
            byte = whole(data[at])
            if byte < 0x80:
                if letters[byte] < 0:
                    return row
                codes[used] = letters[byte]
                used, at, count = used + 1, at + 1, count + 1
                continue
            if byte < 0xE0:
                character = (byte & 0x1F) << 6 | whole(data[at + 1]) & 0x3F
                at += 2
            else:
                character = (
                    (byte & 0x0F) << 12 | (whole(data[at + 1]) & 0x3F) << 6 | whole(data[at + 2]) & 0x3F
                )
                at += 3
            if character >= first.keys:
                key = character - first.keys
                if key >= 2 * predicate_count:
                    return row
                codes[used], codes[used + 1] = key & 1, predicates + (key >> 1)
                used += 2
            else:
                codes[used] = character - _FIRST
                used += 1
        if at < end:
            answers[row] = _trailer(data, at + 1, end, count)
            if answers[row] < 0:
                return row
        elif end > ends[row]:
            return row
        events[row] = count
        offsets[row + 1] = used
    return len(ends) - 1
