"""Theories solved by SWI-Prolog: the trace of a search, its answer and its length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generators.chance import states
from generators.prolog import engine
from generators.prolog.alphabet import Mode, Words
from generators.prolog.replies import decoded
from generators.prolog.requests import requests
from generators.prolog.theory import Theories
from generators.words import Codes, Offsets

_PART = 1_000
"""Theories that are written out at once; the engine works on a part while the next one is written."""


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

    def texts() -> Iterator[bytes]:
        for start in range(0, len(theories), _PART):
            stop = min(start + _PART, len(theories))
            part = None if random is None else random[start:stop]
            data, ends = requests(theories.part(start, stop), words, mode, steps, part)
            text = data.tobytes()
            for at in range(stop - start):
                yield text[ends[at] : ends[at + 1]]

    replies = engine.ask("solve", texts())
    found = decoded(replies, words)
    hung = np.array([reply is None for reply in replies], np.bool_)
    return Solved(found.codes, found.offsets, found.answer, found.events, hung)
