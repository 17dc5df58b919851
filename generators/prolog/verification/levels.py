"""How far replayed traces can be trusted: by their first illegal step, and by the search itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.compiled import compiled
from generators.domain import LEVELS
from generators.prolog.alphabet import ANSWERS
from generators.prolog.theory import WIDTH, Literals, Offsets
from generators.prolog.verification.events import Events
from generators.words import Codes

NONE, LEGAL, SOUND, EXACT = range(len(LEVELS))
TRUE, FALSE, UNKNOWN, LIMIT = range(len(ANSWERS))
OPEN = -1
"""No answer: nothing was claimed, or the steps of a trace lead to none."""

REASONS = {
    1: "the trace is empty",
    2: "`{words}` is no event",
    3: "`{words}` follows the end of the search",
    4: "the trace ends before the search does",
    5: "the trace leads to another answer",
    6: "unknown follows only from the whole search, and this one leaves something out",
}
"""How any trace can depart."""

EMPTY, NO_EVENT, AFTER_END, UNFINISHED, OTHER_ANSWER, NOT_EXHAUSTED = REASONS


class Searched(NamedTuple):
    """The search's own traces `codes[offsets[row] : offsets[row + 1]]`, and answers as places in ANSWERS."""

    codes: Codes
    offsets: Offsets
    answers: NDArray[np.int8]


class Found(NamedTuple):
    """What a replay finds of each trace."""

    departures: Offsets
    """The first step that is not legal, or -1."""
    reasons: NDArray[np.uint8]
    contexts: Literals
    """The literal that the reason's sentence names, if it names one."""
    outcomes: NDArray[np.int8]
    """The answer that the steps lead to, as a place in ANSWERS, or OPEN."""


@dataclass(frozen=True)
class Replayed:
    """One trace a row; the answer that is claimed with it counts."""

    level: NDArray[np.uint8]
    """Places in LEVELS."""
    total: NDArray[np.uint32]
    """Steps of the trace."""
    faithful: NDArray[np.uint32]
    """Steps before the first departure."""
    departure: Offsets
    """The first step that is not legal; the step after the last where the answer does not follow; else -1."""
    reason: NDArray[np.uint8]
    """Of the departure, or 0."""
    context: Literals
    """What the reason's sentence calls {literal}."""
    span: Offsets
    """Shape (rows, 2): where the words of the departing step begin and end in the codes."""


def blank(rows: int) -> Found:
    """Findings to fill in."""
    return Found(
        np.full(rows, -1, np.int64),
        np.zeros(rows, np.uint8),
        np.full((rows, WIDTH), -1, np.int16),
        np.full(rows, OPEN, np.int8),
    )


def graded(
    found: Found,
    read: Events,
    trace: tuple[Codes, Offsets],
    searched: Searched,
    claimed: NDArray[np.int8],
) -> Replayed:
    """The level of each trace with its claimed answer.

    A step that is not legal leaves none. True and false follow from what the steps prove, unknown only from
    the whole search.
    """
    rows = len(claimed)
    repeated = np.zeros(rows, np.bool_)
    _compare(*trace, searched.codes, searched.offsets, repeated)
    legal, answered = found.departures < 0, (claimed >= TRUE) & (claimed <= UNKNOWN)
    exact = legal & answered & repeated & (searched.answers == claimed)
    sound = exact | (legal & ((claimed == TRUE) | (claimed == FALSE)) & (found.outcomes == claimed))
    total = np.diff(read.offsets)
    # An empty trace says nothing, unless nothing is left to say.
    empty = (total == 0) & ~sound
    level = np.select([exact, sound, legal & ~empty], [EXACT, SOUND, LEGAL], NONE)
    ended = np.select(
        [empty, claimed == UNKNOWN, found.outcomes == OPEN], [EMPTY, NOT_EXHAUSTED, UNFINISHED], OTHER_ANSWER
    )
    late = legal & ~sound & (answered | empty)
    departure = np.where(late, total, found.departures)
    return Replayed(
        level=level.astype(np.uint8),
        total=total.astype(np.uint32),
        faithful=np.where(departure >= 0, departure, total).astype(np.uint32),
        departure=departure,
        reason=np.where(late, ended, found.reasons).astype(np.uint8),
        context=found.contexts,
        span=_span(read, trace[1], departure),
    )


def _span(read: Events, offsets: Offsets, departure: Offsets) -> Offsets:
    """Where each departing step begins and ends; both the end of the trace for one after the last."""
    places = np.append(read.places, offsets[-1])
    steps = read.offsets[:-1] + departure
    ends = [np.minimum(places[np.clip(steps + more, 0, len(places) - 1)], offsets[1:]) for more in (0, 1)]
    late = (departure < 0) | (steps >= read.offsets[1:])
    return np.where(late[:, None], offsets[1:, None], np.stack(ends, axis=1))


@compiled
def _compare(
    codes: Codes, offsets: Offsets, others: Codes, other_offsets: Offsets, same: NDArray[np.bool_]
) -> None:
    for row in range(len(same)):
        begin, other, length = offsets[row], other_offsets[row], offsets[row + 1] - offsets[row]
        same[row] = other_offsets[row + 1] - other == length
        for at in range(length if same[row] else 0):
            if codes[begin + at] != others[other + at]:
                same[row] = False
                break
