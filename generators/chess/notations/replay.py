"""Judges responses: the move by the labels of all, the log by the rules and by the teacher's own log."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from generators.chess import ragged
from generators.chess.alphabet import ACTIONS
from generators.chess.notations import answers, logs
from generators.chess.notations.logs import Entries, Rows
from generators.compiled import compiled
from generators.domain import JUDGEMENT, LEVELS, VERDICTS
from generators.words import Offsets, codes

Numbers = NDArray[np.int64]

NONE, LEGAL, SOUND, EXACT = range(len(LEVELS))

REASONS = {
    1: "the log is empty",
    2: "`{words}` is no entry of a log",
    3: "its depth is not above the one before",
    4: "{move} is no legal move",
    5: "the answer is not the log's last move, {last}",
}
EMPTY, NO_ENTRY, NOT_DEEPER, ILLEGAL, OTHER_MOVE = REASONS

MOST_WORDS = 8
"""Words that a reason shows."""


class Replayed(NamedTuple):
    """What is found of each log."""

    levels: NDArray[np.uint8]
    total: Numbers
    """Entries, and one more where words are left behind them."""
    departures: Numbers
    """The first step that is not legal; the step after the last where the answer does not follow; else -1."""
    reasons: NDArray[np.uint8]


def check(problems: pl.DataFrame, responses: pl.DataFrame) -> pl.DataFrame:
    """The columns of JUDGEMENT; those of the trace are null where there is none.

    `problems` has `moves`, and as far as they are known `centipawns`, `mates`, `best` and the teacher's
    `trace`, without which no log is exact.
    """
    whole = np.ones(len(responses), np.bool_)
    ended = responses["ended"].fill_null(False).to_numpy() if "ended" in responses.columns else whole
    log, answer = (codes(responses[name], logs.STORED) for name in ("trace", "answer"))
    verdicts, reasons = answers.judge(problems, answer, ended)
    told, claimed = logs.entries(*log), answers.claims(answer)
    found = replay(problems, log, told, claimed)
    columns = {
        "verdict": _words(verdicts, VERDICTS),
        "level": _words(found.levels, LEVELS),
        "faithful_steps": np.where(found.departures >= 0, found.departures, found.total),
        "total_steps": found.total,
        "first_departure": pl.Series(found.departures).replace(-1, None),
        "departure_reason": pl.Series(_sentences(found, log, told), dtype=pl.String),
        "answer_cost": pl.Series([None] * len(responses), dtype=pl.Int32),
        "answer_reason": pl.Series(reasons, dtype=pl.String),
    }
    said = ("level", "faithful_steps", "total_steps", "first_departure", "departure_reason")
    frame = pl.DataFrame(columns).with_columns(pl.when(responses["trace"].is_not_null()).then(pl.col(said)))
    return frame.select(pl.col(name).cast(kind) for name, kind in JUDGEMENT.items())


def replay(problems: pl.DataFrame, log: Rows, told: Entries, claimed: Numbers) -> Replayed:
    """Hold logs against the rules, against the moves claimed with them (-1: none), and the teacher's logs."""
    moves, offsets = ragged.flat(problems["moves"], np.int64), ragged.row_offsets(problems["moves"])
    departures, total, last = (np.full(len(claimed), -1, np.int64) for _ in range(3))
    reasons = np.zeros(len(claimed), np.uint8)
    _replay(log[1], told, moves, offsets, departures, reasons, total, last)
    legal, follows = departures < 0, (claimed >= 0) & (last == claimed)
    same = (legal | (reasons == EMPTY)) & _repeated(problems, log) & (claimed == answers.best(problems))
    late = legal & ~follows & (claimed >= 0)
    return Replayed(
        np.select([same, legal & follows, legal], [EXACT, SOUND, LEGAL], NONE).astype(np.uint8),
        total,
        np.where(same, -1, np.where(late, total, departures)),
        np.where(same, 0, np.where(late, OTHER_MOVE, reasons)).astype(np.uint8),
    )


def _repeated(problems: pl.DataFrame, log: Rows) -> NDArray[np.bool_]:
    """Whether each log is the teacher's, word by word."""
    if "trace" not in problems.columns:
        return np.zeros(len(problems), np.bool_)
    known, theirs = problems["trace"].is_not_null(), codes(problems["trace"], logs.STORED)
    return (known & (ragged.lists(*log) == ragged.lists(*theirs))).to_numpy()


def _sentences(found: Replayed, log: Rows, told: Entries) -> list[str | None]:
    """Of each departure its step, counted from 0, its words, and what is wrong."""
    sentences: list[str | None] = [None] * len(found.levels)
    for row in np.flatnonzero(found.departures >= 0):
        first, end = told.offsets[row : row + 2]
        entry = first + found.departures[row]
        begin = told.begins[entry] if entry < end else told.ends[end - 1] if end > first else log[1][row]
        stop = told.ends[entry] if entry < end else log[1][row + 1]
        shown = [logs.STORED[code] if code < len(logs.STORED) else "?" for code in log[0][begin:stop]]
        sentence = REASONS[int(found.reasons[row])].format(
            words=" ".join(shown[:MOST_WORDS]) + (" ..." if len(shown) > MOST_WORDS else ""),
            move=shown[-1] if shown else "",
            last=ACTIONS[told.moves[end - 1]] if end > first else "",
        )
        sentences[row] = f"step {found.departures[row]}: {sentence}"
    return sentences


def _words(codes: NDArray[np.uint8], names: tuple[str, ...]) -> pl.Series:
    return pl.Series(codes).cat.to(pl.Enum(names))


@compiled
def _replay(
    words: Offsets,
    told: Entries,
    moves: Numbers,
    offsets: Offsets,
    departures: Numbers,
    reasons: NDArray[np.uint8],
    total: Numbers,
    last: Numbers,
) -> None:
    """Fills the last four: the first illegal step with its reason, the steps, the last entry's move."""
    for row in range(len(departures)):
        first, end = told.offsets[row], told.offsets[row + 1]
        reason, entry, depth = 0, first, 0
        while entry < end and reason == 0:
            reason = _fault(
                told.depths[entry], depth, told.moves[entry], moves[offsets[row] : offsets[row + 1]]
            )
            depth = told.depths[entry]
            entry += 1
        step = entry - 1 - first
        read = told.ends[end - 1] if end > first else words[row]
        if reason == 0 and read < words[row + 1]:
            step, reason = end - first, NO_ENTRY
        elif reason == 0 and end == first:
            step, reason = 0, EMPTY
        if reason != 0:
            departures[row], reasons[row] = step, reason
        total[row] = end - first + (1 if read < words[row + 1] else 0)
        last[row] = told.moves[end - 1] if end > first else -1


@compiled
def _fault(depth: int, before: int, move: int, legal: Numbers) -> int:
    """Why an entry is not legal, or 0."""
    if depth <= before:
        return NOT_DEEPER
    for each in legal:
        if each == move:
            return 0
    return ILLEGAL
