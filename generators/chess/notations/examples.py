"""Solved positions as examples in each notation, responses back in the stored form, prompts as problems."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from generators.chess import alphabet, ragged
from generators.chess.board import fens, rules
from generators.chess.notations import logs, offers
from generators.chess.scoring import values
from generators.splicing import joined, nullable_words
from generators.words import codes, word_type


def write(rows: pl.DataFrame, notation: str, rng: np.random.Generator, mate_classes: int = 4) -> pl.DataFrame:
    """`prompt`, and `response` or `candidates` with `values`; without labels or an `answer` there are none.

    `rng` shuffles the entries of logs.
    """
    known = alphabet.alphabet(notation)
    if notation in alphabet.VALUE_NOTATIONS:
        return _rated(rows, notation, mate_classes)
    prompt = nullable_words(*codes(rows["prompt"], logs.STORED), known, "prompt")
    if "answer" not in rows.columns:
        return pl.DataFrame([prompt])
    response = codes(rows["answer"], logs.STORED)
    if notation in alphabet.LOG_NOTATIONS:
        log = codes(rows["trace"], logs.STORED)
        response = joined(logs.shuffled(log, rng) if notation == "shuffled-deepening" else log, response)
    return pl.DataFrame([prompt, nullable_words(*response, known, "response")])


def restore(responses: pl.DataFrame, notation: str) -> pl.DataFrame:
    """`trace` and `answer` of responses; shuffled entries come by depth, up to the first word of none.

    All behind the last action that follows a score is the answer; a word of no position becomes a null
    within its list.
    """
    told = codes(responses["response"], alphabet.alphabet(notation))
    if notation not in alphabet.LOG_NOTATIONS:
        missing = pl.Series("trace", [None] * len(responses), word_type(logs.STORED))
        return responses.with_columns(missing, nullable_words(*told, logs.STORED, "answer"))
    log, answer = logs.parts(told)
    if notation == "shuffled-deepening":
        log = logs.by_depth(log)
    return responses.with_columns(
        nullable_words(*log, logs.STORED, "trace"), nullable_words(*answer, logs.STORED, "answer")
    )


def recalled(prompts: pl.Series, notation: str) -> pl.DataFrame:
    """The problems of prompts, each a game of its own. Raises BadProblem for a prompt that states none."""
    boards = [rules.position(fen) for fen in fens.stated(prompts, notation)]
    return rules.frame(boards, [rules.problem_id(board) for board in boards])


def _rated(rows: pl.DataFrame, notation: str, classes: int) -> pl.DataFrame:
    """Every legal move, or the position itself, as a candidate; with its value where there are labels."""
    positions, _ = codes(rows["prompt"], logs.STORED)
    told = [offers.prompts(positions, notation)]
    if notation in alphabet.MOVE_VALUE_NOTATIONS:
        told.append(offers.moves(rows, positions, notation))
        names, offsets = ("centipawns", "mates"), ragged.row_offsets(rows["moves"])
    else:
        told.append(offers.nothing(len(rows), notation))
        names, offsets = ("root_centipawns", "root_mate"), np.arange(len(rows) + 1, dtype=np.int64)
    if names[0] in rows.columns:
        centipawns, mates = (_numbers(rows[name]) for name in names)
        told.append(ragged.lists(values.values(centipawns, mates, classes), offsets, "values"))
    return pl.DataFrame(told)


def _numbers(column: pl.Series) -> NDArray[np.int64]:
    """All numbers of a column of numbers or of lists; 0 for a null."""
    if column.dtype == pl.List:
        return ragged.flat(column, np.int64)
    return np.asarray(column.fill_null(0).to_numpy(), np.int64)
