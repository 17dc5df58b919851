"""The verifier's reasons as sentences."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from generators.maze import verifier
from generators.maze.boards import Cells

ANSWERS = {
    verifier.NOT_ENDED: "the response does not end",
    verifier.BAD_TRACE: "step {0} of the trace is not a clause",
    verifier.NO_PLAN: "there is no plan",
    verifier.BAD_CLAUSE: "clause {0} of the plan is not `plan X Y`",
    verifier.OUTSIDE: "clause {0} of the plan names {1} {2}, which is outside the maze",
    verifier.BAD_START: "the plan begins at {1} {2}, which is not the start",
    verifier.JUMP: "clause {0} of the plan jumps to {1} {2}",
    verifier.INTO_WALL: "clause {0} of the plan enters the wall at {1} {2}",
    verifier.BAD_GOAL: "the plan ends at {1} {2}, which is not the goal",
    verifier.DETOUR: "the plan has {0} moves where {1} are enough",
}

TRACES = {
    verifier.EMPTY: "the trace is empty",
    verifier.NO_CLAUSE: "step {step} is not a clause `create X Y cG cH` or `close X Y cG cH`",
    verifier.NO_START: "step {step} does not create the start with g 0",
    verifier.OFF_GRID: "step {step} names {0} {1}, which is outside the maze",
    verifier.WALL: "step {step} creates the wall at {0} {1}",
    verifier.NOTHING_CLOSED: "step {step} creates {0} {1} before any cell was closed",
    verifier.NO_NEIGHBOUR: "step {step} creates {0} {1}, no neighbour of the cell closed last",
    verifier.BAD_G: "step {step} gives {0} {1} a wrong g instead of {2}",
    verifier.BAD_H: "step {step} gives {0} {1} a wrong h instead of {2}",
    verifier.NOT_OPEN: "step {step} closes {0} {1}, which is not open",
    verifier.AFTER_GOAL: "step {step} follows the close of the goal",
    verifier.NO_GAIN: "step {step} creates {0} {1} again, which already had g {2}",
    verifier.NOT_LEAST: "step {step} closes {0} {1} while an open cell has f {2}, which is less",
    verifier.FORGOTTEN: "step {step} closes a cell before the neighbour {0} {1} of the last one is created",
    verifier.UNFINISHED: "the trace stops at step {step}, before the goal is closed",
    verifier.OTHER_PLAN: "the plan is not the chain of parents in the trace",
}


def answers(found: Cells) -> pl.Series:
    """A sentence for each row of `Judged.answer_reasons`, null where there is no reason."""
    return _sentences(ANSWERS, found, np.zeros(len(found), np.int32))


def traces(found: Cells, departures: NDArray[np.int32]) -> pl.Series:
    """A sentence for each row of `Judged.trace_reasons`, null where there is no reason."""
    return _sentences(TRACES, found, departures)


def _sentences(texts: dict[int, str], found: Cells, steps: Cells) -> pl.Series:
    sentences: list[str | None] = [None] * len(found)
    for row in np.flatnonzero(found[:, 0]):
        reason, *numbers = found[row].tolist()
        sentences[row] = texts[reason].format(*numbers, step=int(steps[row]))
    return pl.Series(sentences, dtype=pl.String)
