"""The verifier of mazes: plans by `answers`, traces by `replay`, from maze and response alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from generators.domain import JUDGEMENT, LEVELS, VERDICTS
from generators.maze import answers, replay
from generators.maze.boards import Boards, Cells
from generators.words import Codes, Offsets

NOT_ENDED = "the response does not end"
BAD_TRACE = "step {step} of the trace is not a clause"


def judge(
    boards: Boards,
    trace: tuple[Codes, Offsets],
    plan: tuple[Codes, Offsets],
    codebook: replay.Codebook,
    *,
    ended: pl.Series,
    replayable: pl.Series,
) -> pl.DataFrame:
    """The columns of JUDGEMENT; those of the trace are null where it is not replayable.

    An answer is malformed when a clause of the plan, or of the trace, is none, when the plan names a cell
    outside the maze, or when the response did not end.
    """
    verdicts, moves, plan_findings = answers.judge(boards, *plan, codebook.side, codebook.heads + 5)
    found = replay.replay(boards, trace, plan, codebook)
    reasons = _sentences(answers.REASONS, plan_findings)
    for row in np.flatnonzero(found.malformed >= 0):
        reasons[row] = BAD_TRACE.format(step=found.malformed[row])
    for row in np.flatnonzero(~ended.to_numpy()):
        reasons[row] = NOT_ENDED
    verdicts[(found.malformed >= 0) | ~ended.to_numpy()] = answers.MALFORMED
    faithful = np.where(found.departures >= 0, found.departures, found.steps)
    columns = {
        "verdict": _words(verdicts, VERDICTS),
        "level": _words(found.levels, LEVELS),
        "faithful_steps": faithful,
        "total_steps": found.steps,
        "first_departure": pl.Series(found.departures).replace(-1, None),
        "departure_reason": _sentences(replay.REASONS, found.findings, found.departures),
        "answer_cost": moves,
        "answer_reason": reasons,
    }
    said = ("level", "faithful_steps", "total_steps", "first_departure", "departure_reason")
    frame = pl.DataFrame(columns, schema_overrides=_SENTENCES).with_columns(
        pl.when(replayable).then(pl.col(said)),
        pl.when(pl.Series(verdicts >= answers.VALID)).then(pl.col("answer_cost")),
    )
    return frame.select(pl.col(name).cast(kind) for name, kind in JUDGEMENT.items())


_SENTENCES = {"departure_reason": pl.String, "answer_reason": pl.String}


def _words(codes: NDArray[np.uint8], names: tuple[str, ...]) -> pl.Series:
    return pl.Series(codes).cat.to(pl.Enum(names))


def _sentences(texts: Mapping[int, str], findings: Cells, steps: Cells | None = None) -> list[str | None]:
    sentences: list[str | None] = [None] * len(findings)
    for row in np.flatnonzero(findings[:, 0]):
        reason, *numbers = findings[row].tolist()
        sentences[row] = texts[reason].format(*numbers, step=0 if steps is None else steps[row])
    return sentences
