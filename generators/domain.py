"""The contract between the stages and a domain: what mazes, logic theories and chess positions must offer."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Literal, Self

import numpy as np
import polars as pl

from generators import playback
from generators.words import word_type

VERDICTS = ("malformed", "wrong", "valid", "optimal")
"""What an answer is worth, worst first."""

LEVELS = ("none", "legal", "sound", "exact")
"""How far a trace can be trusted, least first; null where a view cannot be replayed."""

REWARD = {"malformed": 0.0, "wrong": 0.0, "valid": 0.5, "optimal": 1.0}

Form = Literal["text", "svg"]


class BadProblem(ValueError):
    """A user's own problem cannot be read or has no solution; the message names the line and the cause."""


class Hung(BadProblem):
    """The teacher's engine gave no reply to some problems, twice each; `rows` are their places."""

    def __init__(self, rows: Sequence[int], sentence: str) -> None:
        super().__init__(sentence)
        self.rows = tuple(rows)

    def __reduce__(self) -> tuple[type[Hung], tuple[tuple[int, ...], str]]:
        return Hung, (self.rows, str(self))  # workers send it to their parent


@dataclass(frozen=True, kw_only=True)
class Domain(ABC):
    """A family of problems with its teacher and its verifier; the fields of a subclass are its knobs.

    Every method takes and gives polars frames of one row a problem (or a response), in the same order.
    Word columns have the type `List(Enum)` (`generators.words`); readers accept `List(Categorical)` and
    `List(String)` too. All randomness comes from the generator that is handed in.
    """

    source: str = ""
    """A file of the user's own problems to solve in place of drawn ones."""

    name: ClassVar[str]
    columns: ClassVar[Mapping[str, pl.DataType]]
    """The domain's own Parquet columns, from `problems` and `solve` together."""
    taught: ClassVar[tuple[str, ...]] = ()
    """Those of them that `solve` gives; the others belong to the problem, whoever solves it."""
    notations: ClassVar[tuple[str, ...]]
    """The names of its notations; the first one is the form in which traces and answers are stored."""
    value_notations: ClassVar[tuple[str, ...]] = ()
    """Those of them whose examples are candidates with values in place of a response."""
    choice_notations: ClassVar[tuple[str, ...]] = ()
    """Those whose response is one of a row's candidates: it can be sampled, and the candidates be ranked."""
    abridged_notations: ClassVar[tuple[str, ...]] = ()
    """Those that leave steps out for good: what `restore` gives of them is a shorter trace of its own."""
    grouped: ClassVar[bool] = False
    """Whether `split_key` names a group, such as a game, of which a prompt does not tell."""
    files: ClassVar[tuple[str, ...]] = ("source",)
    """The knobs that name files; the content decides, not the name."""
    compression: ClassVar[int] = 1
    """Of its Parquet files, zstd's level: a slow teacher's rows deserve a slow compressor."""
    late: ClassVar[tuple[str, ...]] = ()
    """The knobs that decide nothing about stored rows, only how they are written and judged."""
    example: ClassVar[str] = ""
    """A problem as a user would state it to `read`; `distill conform` reads it."""
    headline: ClassVar[tuple[str, ...]] = ()
    """The own measures that stand in the first table of a report."""

    @abstractmethod
    def alphabet(self, notation: str) -> tuple[str, ...]:
        """Every word that `notation` can use, in a fixed order, without `bos`, `eos` and `pad`."""

    @abstractmethod
    def problems(self, rng: np.random.Generator, rows: int) -> pl.DataFrame:
        """One shard of drawn problems: `problem_id`, `split_key`, `prompt` and own columns."""

    @abstractmethod
    def solve(self, problems: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        """`problems` with `trace`, `answer`, `cost`, `trace_words`, `choice_bits` and own columns added.

        Raises Hung when an engine has died or hung twice over the same problem.
        """

    def admit(self, problems: pl.DataFrame) -> None:
        """Raise BadProblem for a problem of other knobs that these cannot state; its prompt is in texts."""
        strange = set(problems["prompt"].explode().drop_nulls()) - set(self.alphabet(self.notations[0]))
        if strange:
            raise BadProblem(f"a prompt has the word '{min(strange)}', which their alphabet has not")
        self.recall(problems["prompt"], self.notations[0])

    @abstractmethod
    def read(self, source: str) -> pl.DataFrame:
        """Problems from a file's path or from the text itself, as `problems` gives them.

        Raises BadProblem, naming the line and the cause.
        """

    @abstractmethod
    def recall(self, prompts: pl.Series, notation: str) -> pl.DataFrame:
        """The problems that prompts in `notation` state, as `problems` gives them; the inverse of `write`.

        Raises BadProblem for a prompt that states none.
        """

    @abstractmethod
    def write(self, rows: pl.DataFrame, notation: str, rng: np.random.Generator) -> pl.DataFrame:
        """Solved rows as examples: `prompt`, and either `response`, or `candidates` with their `values`.

        `response` is a column of words. `candidates` is a list of word lists (a state value has one empty
        one) and `values` as many numbers in [0, 1], or in the classes of `outer_values` beyond. `rng` serves
        notations that thin traces at random.
        """

    @abstractmethod
    def restore(self, responses: pl.DataFrame, notation: str) -> pl.DataFrame:
        """A model's `response` words (without `eos`) as `trace` and `answer` in the stored form.

        `trace` is null for a notation without one that can be replayed. What is not grammatical is handed
        on word by word, so that `check` can say what is wrong with it. Other columns are kept.
        """

    @abstractmethod
    def check(self, problems: pl.DataFrame, responses: pl.DataFrame) -> pl.DataFrame:
        """Judge `trace` and `answer` (stored form) of `responses`; a false `ended` is malformed.

        Gives the columns of `JUDGEMENT`. The trace is replayed by rules, never compared with the teacher's.
        """

    def measures(self, rollouts: pl.DataFrame, notation: str) -> pl.DataFrame:  # noqa: ARG002
        """The domain's own figures of judged responses beside the common ones, one row a response.

        `rollouts` has the domain's own columns of the problem beside the judgement, and `scores` where the
        notation has candidates. Null where a figure does not apply; `evaluate` gives their means with
        intervals, of Boolean columns as shares.
        """
        return rollouts.select()

    def unfit(self, rows: pl.DataFrame) -> pl.Series:
        """Why a solved row cannot stand in a data set, whatever its verdict; null where it can.

        `rows` have the domain's own columns, but no words.
        """
        return pl.Series("unfit", [None] * len(rows), pl.String)

    def remarks(self, rows: pl.DataFrame) -> list[str]:  # noqa: ARG002
        """A sentence for each solved row of which a user should hear, say of a given label that is wrong."""
        return []

    def baselines(self, rows: pl.DataFrame) -> pl.DataFrame:  # noqa: ARG002
        """What a reader must know of a data set: `measure`, `value`, `note`; it is printed in the card.

        `rows` have the domain's own columns and `split`, but no words.
        """
        return pl.DataFrame(schema={"measure": pl.String, "value": pl.Float64, "note": pl.String})

    def skipped(self, source: str) -> list[str]:  # noqa: ARG002
        """A sentence for each part of a source that `read` cannot read and leaves out."""
        return []

    def examiner(self) -> Self | None:
        """The domain whose teacher labels held-out problems anew before answers are held against them.

        For teachers whose labels are better the longer they search; None where the stored labels are final.
        """
        return None

    def rivals(
        self,
        problems: pl.DataFrame,  # noqa: ARG002
        examined: pl.DataFrame,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> Mapping[str, pl.DataFrame]:
        """Answers of others, by name, that an evaluation judges beside those of a model.

        `answer` and, where they rate candidates, `scores`. `examined` are the problems with the labels of the
        examiner, `problems` with the stored ones.
        """
        return {}

    def tables(self, rollouts: pl.DataFrame, notation: str) -> Mapping[str, pl.DataFrame]:  # noqa: ARG002
        """Figures of judged responses that no mean can tell, by title; `rollouts` as `measures` has them."""
        return {}

    def references(self, problems: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        """The teacher's effort on each problem: `reference_words` (its mean trace length) and own columns."""
        solved = self.solve(problems, rng)
        return solved.select(reference_words=pl.col("trace_words").cast(pl.Float64))

    def repeatable(self) -> bool:
        """Whether the teacher writes the same trace each time it solves a problem."""
        return True

    def randomized(self) -> Self:
        """The domain with a teacher whose runs differ; the teacher arm of a bootstrap draws from it."""
        return self

    @abstractmethod
    def view(self, row: Mapping[str, Any], form: Form) -> str:
        """A problem with its trace and answer (stored form) as text for a terminal or as SVG for a page."""

    def difficulties(self, problems: pl.DataFrame) -> pl.DataFrame:  # noqa: ARG002
        """What makes problems hard, a column each: numbers, or ordered classes (Enum).

        Columns are named as a reader would; a report shows success against each. `problems` have the domain's
        own columns, `cost` and `trace_words`, but no words.
        """
        return pl.DataFrame()

    def cuts(self, row: Mapping[str, Any]) -> list[int]:
        """The places in a row's `trace` at which its steps begin, as `check` counts them."""
        return list(range(len(playback.words(row.get("trace")))))

    def scene(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """What stands still while a row is played, as plain data for `view.js`: a maze, a theory, a board."""
        return {"text": self.view({**row, "trace": None, "answer": None}, "text")}

    def play(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """What happens in a row, as plain data for `view.js`: `count` (see `playback`) and own fields.

        A page may hold hundreds of thousands of steps: lists of small whole numbers, one a step, are best.
        """
        return playback.steps(row, self.cuts(row))

    def frame(self, row: Mapping[str, Any], step: int) -> str:
        """State `step` of a row as text for a terminal of 80 columns; 0 is the problem alone.

        The current step is marked in place, or told in a line of its own.
        """
        cuts = self.cuts(row)
        shown = self.view(playback.state(row, cuts, step), "text")
        told = playback.steps(row, cuts)["words"]
        return f"{shown}\n\n{told[step - 1]}" if 0 < step <= len(told) else shown

    def player(self) -> playback.Player | None:
        """What plays rows on a page: `view.js` and `view.css` beside the module; None shows words."""
        return playback.player(type(self))

    def identity(self) -> Mapping[str, str]:
        """What outside the knobs decides the labels: an engine and its version."""
        return {}

    @property
    def outer_values(self) -> int:
        """Ordered classes beyond each end of [0, 1] that values may take: the numbers 1 + j and -j."""
        return 0

    def candidates(self, rows: pl.DataFrame, notation: str) -> pl.DataFrame:
        """What to score for notations whose answer is chosen: `row`, `prompt` and its `candidates`.

        `row` is the place in `rows`, ascending; a row may have several prompts, or none.
        """
        raise NotImplementedError(f"{self.name} has no notation with candidates")

    def decide(self, rows: pl.DataFrame, scores: pl.Series, notation: str) -> pl.DataFrame:
        """The `answer` (stored form) that lists of scores, one of a candidate, lead to.

        Beside it `scores`, the rating of every choice that the row offers.
        """
        raise NotImplementedError(f"{self.name} has no notation with candidates")

    def reward(self, prompts: list[Any], completions: list[Any], **columns: Any) -> list[float]:
        """The verifier as a reward function of TRL's trainers: 1 for optimal, 0.5 for valid, else 0.

        Prompts and completions are texts of words, or TRL's lists of messages. `notation` may name theirs;
        otherwise it is the first one that has all words of the prompts. A completion is held to end with
        `eos` unless no completion does (tokenizers usually drop it).
        """
        asked = [_text(prompt) for prompt in prompts]
        given = [_text(completion) for completion in completions]
        notation = columns.get("notation") or self._notation_of(asked)
        if isinstance(notation, list):
            notation = notation[0]
        problems = self.recall(pl.Series("prompt", asked, pl.List(pl.String)), notation)
        strict = any("eos" in words for words in given)
        ended = [("eos" in words) or not strict for words in given]
        cut = [words[: words.index("eos")] if "eos" in words else words for words in given]
        frame = pl.DataFrame({"response": pl.Series(cut, dtype=pl.List(pl.String)), "ended": ended})
        verdicts = self.check(problems, self.restore(frame, notation))["verdict"]
        return [REWARD[verdict] for verdict in verdicts.cast(pl.String)]

    def _notation_of(self, prompts: Iterable[list[str]]) -> str:
        used = {word for words in prompts for word in words}
        for notation in self.notations:
            if used <= set(self.alphabet(notation)):
                return notation
        raise BadProblem(f"the prompts have words outside every notation of {self.name}")


JUDGEMENT: Mapping[str, pl.DataType] = {
    "verdict": pl.Enum(VERDICTS),
    "level": pl.Enum(LEVELS),  # null: not replayable
    "faithful_steps": pl.UInt32(),  # steps before the first departure
    "total_steps": pl.UInt32(),
    "first_departure": pl.UInt32(),  # index of the step; null: none
    "departure_reason": pl.String(),
    "answer_cost": pl.Int32(),  # of a valid answer; null otherwise
    "answer_reason": pl.String(),  # null for an optimal answer
}
"""What `Domain.check` gives for each response."""


def problem_columns(alphabet: Sequence[str]) -> dict[str, pl.DataType]:
    """The columns that every domain's `problems` gives."""
    return {"problem_id": pl.String(), "split_key": pl.String(), "prompt": word_type(alphabet)}


def solution_columns(alphabet: Sequence[str]) -> dict[str, pl.DataType]:
    """The columns that every domain's `solve` adds.

    `choice_bits` is -log2 of the probability of the stored trace under the teacher's own random choices,
    before any filtering; null where nothing was random or the trace has another origin.
    """
    return {
        "trace": word_type(alphabet),
        "answer": word_type(alphabet),
        "cost": pl.Int32(),
        "trace_words": pl.Int32(),
        "choice_bits": pl.Float64(),
    }


def content_hash(*parts: bytes) -> str:
    """A 128-bit hash of the parts as 32 hexadecimal digits, the same on every machine."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


DOMAINS = {
    "maze": "generators.maze:Maze",
    "prolog": "generators.prolog:Prolog",
    "chess": "generators.chess:Chess",
}
"""The domains of this project; an installed package adds its own under the entry point `distill.domains`."""


def domain_class(name: str) -> type[Domain]:
    """The domain registered under `name`: looked up in a table or an entry point, never by a user's path.

    Raises BadProblem for an unknown name, and for a domain of an installed package that cannot be used.
    """
    from generators import installed

    target = DOMAINS.get(name)
    if target is not None:
        installed.refuse_clash(name)
        module, _, attribute = target.partition(":")
        own: type[Domain] = getattr(import_module(module), attribute)
        return own
    found = installed.installed(name)
    if found is None:
        known = ", ".join(sorted({*DOMAINS, *installed.names()}))
        raise BadProblem(f"there is no domain '{name}'; there are: {known}")
    return found


def _text(message: Any) -> list[str]:
    """Words of a TRL prompt or completion: a string, or a list of messages whose last one counts."""
    content = message if isinstance(message, str) else message[-1]["content"]
    return [word for word in content.split() if word != "bos"]
