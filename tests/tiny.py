"""A domain small enough to see through: counting from a to a + b, in words, candidates and state values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl

from generators.domain import JUDGEMENT, BadProblem, Domain, Form, content_hash, word_type

NUMBERS = 40


@dataclass(frozen=True, kw_only=True)
class Counting(Domain):
    """`add a b`: the trace counts `at a at a+1 ...`, the answer is `sum a+b`."""

    largest: int = 9

    name: ClassVar[str] = "counting"
    example: ClassVar[str] = "3+4\n5+0"
    columns: ClassVar[Mapping[str, pl.DataType]] = {"a": pl.Int32(), "b": pl.Int32()}
    notations: ClassVar[tuple[str, ...]] = ("steps", "action-value", "state-value")
    value_notations: ClassVar[tuple[str, ...]] = ("action-value", "state-value")

    def __post_init__(self) -> None:
        if not 1 <= self.largest < NUMBERS // 2:
            raise ValueError(f"counting.largest must be from 1 to {NUMBERS // 2 - 1}, got {self.largest}")

    def alphabet(self, notation: str) -> tuple[str, ...]:
        return ("add", "at", "sum", *map(str, range(NUMBERS)))

    def problems(self, rng: np.random.Generator, rows: int) -> pl.DataFrame:
        pairs = rng.integers(0, self.largest + 1, (rows, 2))
        return self._frame(pairs.tolist())

    def solve(self, problems: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        kind = word_type(self.alphabet("steps"))
        rows = list(problems.select("a", "b").iter_rows())
        traces = [[word for at in range(a, a + b + 1) for word in ("at", str(at))] for a, b in rows]
        return problems.with_columns(
            trace=pl.Series(traces, dtype=kind),
            answer=pl.Series([["sum", str(a + b)] for a, b in rows], dtype=kind),
            cost=pl.col("b").cast(pl.Int32),
            trace_words=pl.Series([len(trace) for trace in traces], dtype=pl.Int32),
            choice_bits=pl.lit(None, pl.Float64),
        )

    def read(self, source: str) -> pl.DataFrame:
        path = Path(source)
        lines = (path.read_text() if path.is_file() else source).splitlines()
        pairs = []
        for number, line in enumerate(lines, 1):
            words = line.split("+")
            if len(words) != 2 or not all(word.strip().isdigit() for word in words):
                raise BadProblem(f"line {number}: '{line}' is not a sum such as 3+4")
            pairs.append([int(word) for word in words])
        return self._frame(pairs)

    def recall(self, prompts: pl.Series, notation: str) -> pl.DataFrame:
        pairs = []
        for words in prompts.to_list():
            if len(words) != 3 or words[0] != "add":
                raise BadProblem(f"'{' '.join(words)}' states no sum")
            pairs.append([int(words[1]), int(words[2])])
        return self._frame(pairs)

    def write(self, rows: pl.DataFrame, notation: str, rng: np.random.Generator) -> pl.DataFrame:
        if notation == "steps":
            return rows.select("prompt", response=pl.concat_list("trace", "answer"))
        offered = self.candidates(rows, notation).drop("row")
        totals = [a + b for a, b in rows.select("a", "b").iter_rows()]
        if notation == "state-value":
            values = [[total / NUMBERS] for total in totals]
        else:
            values = [[1 - abs(guess - total) / NUMBERS for guess in range(NUMBERS)] for total in totals]
        return offered.with_columns(values=pl.Series(values, dtype=pl.List(pl.Float32)))

    def candidates(self, rows: pl.DataFrame, notation: str) -> pl.DataFrame:
        options = [[]] if notation == "state-value" else [[str(guess)] for guess in range(NUMBERS)]
        kind = pl.List(word_type(self.alphabet(notation)))
        return rows.select(
            "prompt",
            row=pl.int_range(len(rows), dtype=pl.Int64),
            candidates=pl.Series([options] * len(rows), dtype=kind),
        )

    def decide(self, rows: pl.DataFrame, scores: pl.Series, notation: str) -> pl.DataFrame:
        one = notation == "state-value"
        best = [round(row[0] * NUMBERS) if one else int(np.argmax(row)) for row in scores.to_list()]
        answers = pl.Series([["sum", str(at)] for at in best], dtype=pl.List(pl.String))
        return pl.DataFrame({"answer": answers, "scores": scores.cast(pl.List(pl.Float32))})

    def restore(self, responses: pl.DataFrame, notation: str) -> pl.DataFrame:
        traces, answers = [], []
        for words in responses["response"].cast(pl.List(pl.String)).to_list():
            at = words.index("sum") if "sum" in words else len(words)
            traces.append(words[:at])
            answers.append(words[at:])
        kind = pl.List(pl.String)
        return responses.with_columns(
            trace=pl.Series(traces, dtype=kind), answer=pl.Series(answers, dtype=kind)
        )

    def check(self, problems: pl.DataFrame, responses: pl.DataFrame) -> pl.DataFrame:
        kind = pl.List(pl.String)
        rows = zip(
            problems.select("a", "b").iter_rows(),
            responses["trace"].cast(kind),
            responses["answer"].cast(kind),
            responses["ended"],
            strict=True,
        )
        return pl.DataFrame([_judged(*row) for row in rows], schema=dict(JUDGEMENT), orient="row")

    def cuts(self, row: Mapping[str, Any]) -> list[int]:
        return list(range(0, len(row["trace"] or []), 2))

    def difficulties(self, problems: pl.DataFrame) -> pl.DataFrame:
        reach = pl.Enum(("short", "long"))
        return problems.select(
            pl.col("a").alias("first number"),
            pl.when(pl.col("b") < 5)
            .then(pl.lit("short"))
            .otherwise(pl.lit("long"))
            .cast(reach)
            .alias("reach"),
        )

    def view(self, row: Mapping[str, Any], form: Form) -> str:
        words = [*row["prompt"], *(row["trace"] or []), *(row["answer"] or [])]
        text = " ".join(map(str, words))
        return (
            text if form == "text" else f"<svg xmlns='http://www.w3.org/2000/svg'><text>{text}</text></svg>"
        )

    def _frame(self, pairs: list[list[int]]) -> pl.DataFrame:
        keys = [content_hash(b"counting", bytes(pair)) for pair in pairs]
        return pl.DataFrame(
            {
                "problem_id": pl.Series(keys, dtype=pl.String),
                "split_key": pl.Series(keys, dtype=pl.String),
                "prompt": pl.Series(
                    [["add", str(a), str(b)] for a, b in pairs], dtype=word_type(self.alphabet("steps"))
                ),
                "a": pl.Series([a for a, _ in pairs], dtype=pl.Int32),
                "b": pl.Series([b for _, b in pairs], dtype=pl.Int32),
            }
        )


def _judged(problem: tuple[int, int], trace: Any, answer: Any, ended: bool) -> tuple[Any, ...]:
    a, b = problem
    whole = len(answer) == 2 and answer[0] == "sum" and answer[1].isdigit() and ended
    verdict = ("optimal" if int(answer[1]) == a + b else "wrong") if whole else "malformed"
    level, good, total, departure = None, None, None, None
    if trace is not None:
        wanted = [word for at in range(a, a + b + 1) for word in ("at", str(at))]
        steps = [tuple(trace[i : i + 2]) for i in range(0, len(trace), 2)]
        right = [tuple(wanted[i : i + 2]) for i in range(0, len(wanted), 2)]
        good = next((i for i, step in enumerate(steps) if i >= len(right) or step != right[i]), len(steps))
        departure = good if good < len(steps) or len(steps) < len(right) else None
        level = (
            "exact"
            if departure is None and verdict == "optimal"
            else "legal"
            if good == len(steps)
            else "none"
        )
        total = len(steps)
    reason = None if verdict == "optimal" else "the sum is wrong" if whole else "there is no sum"
    why = None if departure is None else "not the next number"
    return verdict, level, good, total, departure, why, b if verdict == "optimal" else None, reason
