"""Domains that look at one problem at a time: five methods on lists of words in place of frames."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import polars as pl

from generators import playback
from generators.domain import JUDGEMENT, BadProblem, Domain, Form, content_hash, solution_columns
from generators.words import word_type

TEXTS = pl.List(pl.String)
Texts = Sequence[str]


class Worth(NamedTuple):
    """What an answer is worth (`VERDICTS`), its cost where it is valid, and why it is not optimal."""

    verdict: str
    cost: int | None = None
    reason: str | None = None


class Replay(NamedTuple):
    """How far a trace can be trusted (`LEVELS`), and the first step that departs from the rules, with why."""

    level: str
    departure: int | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Rowwise(Domain):
    """A domain whose methods take and give the words of one problem; a compiled one works on columns.

    Notations: `search` writes the trace and then the answer, which begins with the word `mark`; `solution`
    writes the answer alone. Two problems are the same when their prompts are.
    """

    mark: ClassVar[str]
    """The word with which every answer begins, and no step of a trace."""
    columns: ClassVar[Mapping[str, pl.DataType]] = {}
    notations: ClassVar[tuple[str, ...]] = ("search", "solution")

    @abstractmethod
    def words(self) -> tuple[str, ...]:
        """All words of prompts, traces and answers, `mark` among them."""

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Texts:
        """The prompt of a problem drawn at random."""

    @abstractmethod
    def parse(self, line: str) -> Texts:
        """The prompt of a line of the user's own. Raises ValueError with what is wrong with it."""

    @abstractmethod
    def search(self, prompt: Texts, rng: np.random.Generator) -> tuple[Texts, Texts, int]:
        """The teacher: trace, answer and optimal cost. Raises ValueError where there is no answer."""

    @abstractmethod
    def worth(self, prompt: Texts, answer: Texts) -> Worth:
        """The verifier of answers."""

    @abstractmethod
    def replay(self, prompt: Texts, steps: Sequence[Texts], answer: Texts) -> Replay:
        """The verifier of traces, by rules, step by step. Nothing departs from an exact trace."""

    def cuts(self, row: Mapping[str, Any]) -> list[int]:
        """The places at which steps begin; by default every word is one."""
        return list(range(len(playback.words(row.get("trace")))))

    def alphabet(self, notation: str) -> tuple[str, ...]:
        """The same words for every notation."""
        if notation not in self.notations:
            raise BadProblem(f"{self.name} has no notation '{notation}'; it has: {', '.join(self.notations)}")
        return self.words()

    def problems(self, rng: np.random.Generator, rows: int) -> pl.DataFrame:
        """Drawn one after the other."""
        return self._stated([self.draw(rng) for _ in range(rows)])

    def read(self, source: str) -> pl.DataFrame:
        """A problem a line, of a file or of the text itself; blank lines do not count."""
        path = Path(source)
        try:
            text = path.read_text("utf-8") if "\n" not in source and path.is_file() else source
        except (OSError, ValueError) as cause:
            raise BadProblem(f"{source} cannot be read as text: {cause}") from None
        prompts = []
        for number, line in enumerate(text.splitlines(), 1):
            try:
                prompts += [self.parse(line.strip())] if line.strip() else []
            except ValueError as cause:
                raise BadProblem(f"line {number}: {cause}") from None
        if not prompts:
            raise BadProblem("there is no problem: the text is empty")
        return self._stated(prompts)

    def recall(self, prompts: pl.Series, notation: str) -> pl.DataFrame:  # noqa: ARG002
        """A prompt is the problem."""
        return self._stated(_texts(prompts))

    def solve(self, problems: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        """One after the other."""
        solved = []
        for number, prompt in enumerate(_texts(problems["prompt"])):
            try:
                solved.append(self.search(prompt, rng))
            except ValueError as cause:
                raise BadProblem(f"problem {number} ({' '.join(prompt)}): {cause}") from None
        found: dict[str, list[Any]] = {
            "trace": [trace for trace, _, _ in solved],
            "answer": [answer for _, answer, _ in solved],
            "cost": [cost for _, _, cost in solved],
            "trace_words": [len(trace) for trace, _, _ in solved],
            "choice_bits": [None] * len(solved),
        }
        kinds = solution_columns(self.words())
        return problems.with_columns(pl.Series(name, found[name]).cast(kind) for name, kind in kinds.items())

    def write(
        self,
        rows: pl.DataFrame,
        notation: str,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> pl.DataFrame:
        """`prompt` and `response`; rows without an `answer` give prompts alone."""
        if "answer" not in rows.columns:
            return rows.select("prompt")
        told = "answer" if notation == "solution" else pl.concat_list("trace", "answer")
        return rows.select("prompt", response=told)

    def restore(self, responses: pl.DataFrame, notation: str) -> pl.DataFrame:
        """All before the first `mark` is the trace."""
        traces, answers = [], []
        for words in _texts(responses["response"]):
            at = [*words, self.mark].index(self.mark)
            traces.append(None if notation == "solution" else words[:at])
            answers.append(words if notation == "solution" else words[at:])
        return responses.with_columns(
            trace=pl.Series(traces, dtype=TEXTS), answer=pl.Series(answers, dtype=TEXTS)
        )

    def check(self, problems: pl.DataFrame, responses: pl.DataFrame) -> pl.DataFrame:
        """`worth` and `replay` of every row."""
        ended = (
            responses["ended"].fill_null(False) if "ended" in responses.columns else [True] * len(responses)
        )
        rows = zip(
            _texts(problems["prompt"]),
            responses["trace"].is_null(),
            _texts(responses["trace"]),
            _texts(responses["answer"]),
            ended,
            strict=True,
        )
        return pl.DataFrame([self._judged(*row) for row in rows], schema=dict(JUDGEMENT), orient="row")

    def view(self, row: Mapping[str, Any], form: Form) -> str:
        """The words themselves, a line for each part."""
        lines = [" ".join(playback.words(row.get(part))) for part in ("prompt", "trace", "answer")]
        text = "\n".join(line for line in lines if line)
        if form == "text":
            return text
        spans = "".join(f'<tspan x="0" dy="1.4em">{escape(line)}</tspan>' for line in text.split("\n"))
        width, height = 8 * max(map(len, text.split("\n"))), 24 * len(lines)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
            f'<text font-family="monospace" font-size="13" fill="currentColor">{spans}</text></svg>'
        )

    def _judged(
        self, prompt: Texts, traceless: bool, trace: Texts, answer: Texts, ended: bool
    ) -> tuple[Any, ...]:
        worth = self.worth(prompt, answer) if ended else Worth("malformed", None, "the response has no end")
        if traceless:
            return worth.verdict, None, None, None, None, None, worth.cost, worth.reason
        cuts = self.cuts({"prompt": prompt, "trace": trace, "answer": answer})
        steps = [trace[begin:end] for begin, end in pairwise([*cuts, len(trace)])]
        told = self.replay(prompt, steps, answer)
        good = len(steps) if told.departure is None else told.departure
        parts = (told.level, good, len(steps), told.departure, told.reason)
        return worth.verdict, *parts, worth.cost, worth.reason

    def _stated(self, prompts: Sequence[Texts]) -> pl.DataFrame:
        keys = [content_hash(self.name.encode(), " ".join(prompt).encode()) for prompt in prompts]
        told = pl.Series("prompt", [list(prompt) for prompt in prompts], dtype=TEXTS)
        frame = pl.DataFrame(
            {"problem_id": keys, "split_key": keys}, {"problem_id": pl.String, "split_key": pl.String}
        )
        try:
            return frame.with_columns(told.cast(word_type(self.words())))
        except pl.exceptions.PolarsError:
            known = set(self.words())
            strange = next(word for prompt in prompts for word in prompt if word not in known)
            raise BadProblem(f"'{strange}' is no word of {self.name}") from None


def _texts(column: pl.Series) -> list[list[str]]:
    """Words as lists; `?` for what no alphabet has, nothing for null."""
    return [playback.words(cell) for cell in column.cast(TEXTS).to_list()]
