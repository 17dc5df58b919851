"""The verifier of theories: answers by forward closure, traces by replay, from problem and response alone."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from generators.domain import JUDGEMENT, LEVELS, VERDICTS
from generators.prolog import closure
from generators.prolog.alphabet import ANSWERS, FRAME, VARIABLES, Mode, Words
from generators.prolog.theory import ARGUMENTS, POLARITY, PREDICATE, VARIABLE, Theories
from generators.prolog.verification import levels, replay_backward, replay_forward
from generators.words import Codes, Offsets

NOT_ENDED = "the response does not end"
NO_ANSWER = "there is no answer"
BAD_ANSWER = "the answer is not `answer true`, `answer false` or `answer unknown`"
CUT = "the search was cut at its limit"
WRONG = "the answer is {said} where {right} is right"

REASONS = levels.REASONS | replay_backward.REASONS | replay_forward.REASONS

MOST_WORDS = 8
"""Words of a step that a reason shows."""

MALFORMED, WRONG_ANSWER, OPTIMAL = (VERDICTS.index(name) for name in ("malformed", "wrong", "optimal"))


def replay(
    theories: Theories,
    trace: tuple[Codes, Offsets],
    answer: tuple[Codes, Offsets],
    words: Words,
    mode: Mode,
) -> levels.Replayed:
    """Replay the trace on each theory; its level depends on the answer that comes with it."""
    replays = {"backward": replay_backward.replay, "forward": replay_forward.replay}
    return replays[mode](theories, trace, claims(*answer, words), words)


def claims(codes: Codes, offsets: Offsets, words: Words) -> NDArray[np.int8]:
    """The answer of each response as a place in ANSWERS; -1 where it is not `answer` and one of them."""
    begins = np.minimum(offsets[:-1], max(len(codes) - 2, 0))
    if len(codes) < 2:
        return np.full(len(begins), levels.OPEN, np.int8)
    table = np.full(np.iinfo(np.uint16).max + 1, levels.OPEN, np.int8)
    table[words.answers : words.answers + levels.LIMIT] = range(levels.LIMIT)
    table[words.event("limit")] = levels.LIMIT
    answered = (np.diff(offsets) == 2) & (codes[begins] == words.frame + FRAME.index("answer"))
    return np.where(answered, table[codes[begins + 1]], levels.OPEN).astype(np.int8)


def judge(
    theories: Theories,
    trace: tuple[Codes, Offsets],
    answer: tuple[Codes, Offsets],
    words: Words,
    mode: Mode,
    *,
    ended: pl.Series,
    replayable: pl.Series,
) -> pl.DataFrame:
    """The columns of JUDGEMENT; those of the trace are null where it is not replayable.

    An answer is malformed when it is not exactly `answer` with a truth value, or when the response did not
    end; a right one is optimal, and its cost is the number of rule layers under it.
    """
    claimed, right = claims(*answer, words), closure.closures(theories, words)
    verdicts = np.where(claimed == right.answer, OPTIMAL, WRONG_ANSWER)
    verdicts[(claimed < 0) | (claimed == levels.LIMIT) | ~ended.to_numpy()] = MALFORMED
    found = replay(theories, trace, answer, words, mode)
    columns = {
        "verdict": _words(verdicts, VERDICTS),
        "level": _words(found.level, LEVELS),
        "faithful_steps": found.faithful,
        "total_steps": found.total,
        "first_departure": pl.Series(found.departure).replace(-1, None),
        "departure_reason": departures(found, trace[0], words),
        "answer_cost": right.depth,
        "answer_reason": _answer_reasons(verdicts, claimed, right.answer, np.diff(answer[1]), ended),
    }
    said = ("level", "faithful_steps", "total_steps", "first_departure", "departure_reason")
    frame = pl.DataFrame(columns, schema_overrides=_SENTENCES).with_columns(
        pl.when(replayable).then(pl.col(said)),
        pl.when(pl.Series(verdicts == OPTIMAL)).then(pl.col("answer_cost")),
    )
    return frame.select(pl.col(name).cast(kind) for name, kind in JUDGEMENT.items())


_SENTENCES = {"departure_reason": pl.String, "answer_reason": pl.String}


def _words(codes: NDArray[np.generic], names: tuple[str, ...]) -> pl.Series:
    return pl.Series(codes.astype(np.uint8)).cat.to(pl.Enum(names))


def _answer_reasons(
    verdicts: NDArray[np.generic],
    claimed: NDArray[np.int8],
    right: NDArray[np.int8],
    lengths: Offsets,
    ended: pl.Series,
) -> list[str | None]:
    reasons: list[str | None] = [None] * len(claimed)
    for row in np.flatnonzero(verdicts != OPTIMAL):
        if not ended[int(row)]:
            reasons[row] = NOT_ENDED
        elif claimed[row] < 0:
            reasons[row] = BAD_ANSWER if lengths[row] else NO_ANSWER
        elif claimed[row] == levels.LIMIT:
            reasons[row] = CUT
        else:
            reasons[row] = WRONG.format(said=ANSWERS[claimed[row]], right=ANSWERS[right[row]])
    return reasons


def departures(found: levels.Replayed, codes: Codes, words: Words) -> list[str | None]:
    """A sentence for each trace that departs: its step (counted from 0), its words, and what is wrong."""
    alphabet = words.alphabet
    sentences: list[str | None] = [None] * len(found.departure)
    for row in np.flatnonzero(found.departure >= 0):
        begin, end = found.span[row].tolist()
        said = [alphabet[code] if code < len(alphabet) else "?" for code in codes[begin:end].tolist()]
        shown = " ".join(said[:MOST_WORDS]) + (" ..." if len(said) > MOST_WORDS else "")
        literal = _literal(found.context[row].tolist(), words)
        reason = REASONS[int(found.reason[row])].format(words=shown, literal=f"`{literal}`")
        sentences[row] = f"step {found.departure[row]}: {reason}"
    return sentences


def _literal(numbers: list[int], words: Words) -> str:
    """A literal in the stored words."""
    if numbers[PREDICATE] < 0:
        return ""
    predicate = numbers[PREDICATE]
    terms = numbers[ARGUMENTS : ARGUMENTS + words.arities[predicate]]
    names = [VARIABLES[term - VARIABLE] if term >= VARIABLE else words.entity_words[term] for term in terms]
    return " ".join(["-+"[numbers[POLARITY]], words.predicate_words[predicate], *names])
