"""Solved positions as examples in each notation, responses back in the stored form, prompts as problems."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from generators.chess import alphabet
from generators.chess.board import fens, rules
from generators.chess.notations import logs
from generators.chess.scoring import ragged, values
from generators.splicing import joined, nullable_words
from generators.words import Codes, Offsets, codes, word_type


def write(rows: pl.DataFrame, notation: str, rng: np.random.Generator, mate_classes: int = 4) -> pl.DataFrame:
    """`prompt`, and `response` or `candidates` with `values`; without labels or an `answer` there are none.

    `rng` shuffles the entries of logs.
    """
    known = alphabet.alphabet(notation)
    prompt = nullable_words(*codes(rows["prompt"], logs.STORED), known, "prompt")
    if notation in alphabet.VALUE_NOTATIONS:
        told = _moves(rows, mate_classes) if notation == "action-value" else _states(rows, mate_classes)
        return pl.DataFrame([prompt, *told])
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


def _moves(rows: pl.DataFrame, classes: int) -> list[pl.Series]:
    """Every legal move as one word, with its value where there are labels."""
    offsets = ragged.row_offsets(rows["moves"])
    moves = ragged.flat(rows["moves"], np.uint16) + np.uint16(alphabet.ACTIONS_AT)
    each = np.arange(len(moves) + 1, dtype=np.int64)
    candidates = _candidates(moves, each, offsets, "action-value")
    if "centipawns" not in rows.columns:
        return [candidates]
    centipawns, mates = (ragged.flat(rows[name], np.int64) for name in ("centipawns", "mates"))
    return [candidates, ragged.lists(values.values(centipawns, mates, classes), offsets, "values")]


def _states(rows: pl.DataFrame, classes: int) -> list[pl.Series]:
    """One candidate without words, with the value of the root search where there is one."""
    each = np.arange(len(rows) + 1, dtype=np.int64)
    candidates = _candidates(np.zeros(0, np.uint16), np.zeros_like(each), each, "state-value")
    if "root_centipawns" not in rows.columns:
        return [candidates]
    centipawns, mate = (rows[f"root_{name}"].fill_null(0).to_numpy() for name in ("centipawns", "mate"))
    return [candidates, ragged.lists(values.values(centipawns, mate, classes), each, "values")]


def _candidates(moves: Codes, words: Offsets, rows: Offsets, notation: str) -> pl.Series:
    """Candidates `moves[words[i] : words[i + 1]]`, of each row those from `rows[j]` up to `rows[j + 1]`."""
    lists = pa.LargeListArray.from_arrays(pa.array(words), pa.array(moves))
    nested = pl.from_arrow(pa.LargeListArray.from_arrays(pa.array(rows), lists))
    kind = pl.Enum(alphabet.alphabet(notation))
    return pl.Series("candidates", nested).list.eval(pl.element().list.eval(pl.element().cat.to(kind)))
