"""Theories solved by SWI-Prolog: the trace of a search, its answer and its length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from generators.chance import states
from generators.prolog.alphabet import Mode, Words
from generators.prolog.swi import engine
from generators.prolog.swi.replies import decoded
from generators.prolog.swi.requests import requests
from generators.prolog.theory import Theories
from generators.words import Codes, Offsets

_PART = 1_024
"""Theories that are written out at once; the engine works on a part while the next one is written."""
_TOGETHER = 8
"""Theories that the engine gets in one call: crossing over to it costs as much as a small search."""


@dataclass(frozen=True)
class Solved:
    """One search a row: the trace is `codes[offsets[i]:offsets[i + 1]]` in the stored alphabet."""

    codes: Codes
    offsets: Offsets
    answer: NDArray[np.int8]
    """The index in ANSWERS; -1 where `hung`."""
    events: NDArray[np.int32]
    hung: NDArray[np.bool_]
    """Where the engine hung or died twice; such a row has an empty trace."""

    def __len__(self) -> int:
        return len(self.answer)


def solve(
    theories: Theories, words: Words, mode: Mode, steps: int, order: np.random.Generator | None = None
) -> Solved:
    """Search for the answer of each theory's question, in at most `steps` events.

    With `order` the facts and the rules of each theory are tried in a random order; they keep their numbers,
    and entities their order. Raises NoProlog, and RuntimeError for a reply that is not an answer.
    """
    random = None if order is None else states(order, len(theories))
    texts: list[bytes] = []

    def groups() -> Iterator[bytes]:
        for start in range(0, len(theories), _PART):
            stop = min(start + _PART, len(theories))
            part = None if random is None else random[start:stop]
            data, ends = requests(theories.part(start, stop), words, mode, steps, part)
            text, places = data.tobytes(), ends[:-1:_TOGETHER].tolist()
            for begin, end in pairwise([*places, len(text)]):
                # A line's end parts requests; after the last it would be one more.
                texts.append(text[begin : end - 1])
                yield texts[-1]

    replies = engine.ask("solve", groups())
    data, hung = _alone(texts, replies)
    found = decoded(data, hung, words)
    return Solved(found.codes, found.offsets, found.answer, found.events, hung)


def _alone(texts: list[bytes], replies: list[bytes | None]) -> tuple[bytes, NDArray[np.bool_]]:
    """All replies as one text, and which rows have none: groups without a reply are asked one by one."""
    hung: list[bool] = []
    for at, text in enumerate(texts):
        if replies[at] is not None:
            hung += [False] * (text.count(b"\n") + 1)
            continue
        lines = text.split(b"\n")
        again = engine.ask("solve", lines) if len(lines) > 1 else [None]
        replies[at] = b"".join(one for one in again if one is not None)
        hung += [one is None for one in again]
    return b"".join(reply or b"" for reply in replies), np.array(hung, np.bool_)
