"""Checkpoints answer problems: piece by piece, wherever there is a device, then one file in one order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from generators.domain import Domain
from pipeline import schema
from pipeline.artifact import Artifact
from pipeline.console import bar
from pipeline.executor import Executor
from pipeline.recipe import Evaluate
from pipeline.rollouts import GREEDY, Student, greedily, stored_hashes
from pipeline.seeds import named_seed
from pipeline.store import store_of

ROLLOUTS = "rollouts.parquet"
PIECE = 256
"""Problems of a piece where several processes share them: what an interruption can cost each."""
ALONE = 1024
"""The same of one process: the last responses of a piece leave slots idle, so larger ones are faster."""
ADDED = ("checkpoint", "arm", "round", "teacher_words", "reference_words", "exact_match", "seen_in_training")
"""Columns that are known once all answers of a checkpoint are there."""


@dataclass(frozen=True)
class Entrant:
    """A checkpoint under judgement."""

    arm: str
    round: int
    folder: Path

    def fetched(self) -> Path:
        """Its folder on this machine; from a store it comes with its hashes checked."""
        if store_of(self.folder) is None:
            return self.folder
        return Artifact(self.folder.parent).verified_folder(self.folder.name)

    @property
    def label(self) -> str:
        """How tables call it."""
        return f"{self.arm} {self.round}" if self.round else self.arm

    @property
    def about(self) -> dict[str, str | int]:
        """What a row of a table says of it."""
        return {"label": self.label, "arm": self.arm, "round": self.round}


@dataclass(frozen=True)
class Piece:
    """Some of the problems, for one of the checkpoints."""

    entrant: int
    first: int
    last: int
    """One more than the number of its last problem."""

    @property
    def name(self) -> str:
        """The file of its answers."""
        return f"parts/rollouts-{self.entrant:03d}-{self.first:06d}-{self.last:06d}.parquet"

    @classmethod
    def of(cls, name: str) -> Piece:
        """The piece whose answers a file holds."""
        entrant, first, last = name.removesuffix(".parquet").split("-")[1:]
        return cls(int(entrant), int(first), int(last))


def answered(
    artifact: Artifact,
    entrants: Sequence[Entrant],
    problems: pl.DataFrame,
    references: pl.DataFrame,
    asked: Evaluate,
    seed: int,
    executor: Executor,
) -> None:
    """Write rollouts.parquet: every checkpoint's answers, its greedy ones first, in the order of problems.

    The order, and on a CPU every byte, is the same wherever the pieces are made, and however they are cut.
    """
    if artifact.written(ROLLOUTS) is None:
        several = executor.several()
        size = PIECE if several else ALONE
        done = pieces(artifact)
        missing = [piece for at in range(len(entrants)) for piece in lacking(done, at, len(problems), size)]
        task = Answering(artifact.folder, tuple(entrants), problems, asked, seed, tuple(missing), not several)
        with bar("answer", len(done) + len(missing), len(done)) if several else nullcontext(_nothing) as on:
            for _ in executor.over(task, range(len(missing)), artifact, gpus=1):
                on()
        _combine(artifact, entrants, problems, references)
    artifact.discard(*[piece.name for piece in pieces(artifact)])


def _nothing() -> None:
    """There is nothing to advance: each piece shows its own responses."""


def pieces(artifact: Artifact) -> list[Piece]:
    """The pieces that are complete, in order."""
    found = [Piece.of(name) for name in artifact.complete("parts/rollouts-*.parquet")]
    return sorted(found, key=lambda piece: (piece.entrant, piece.first))


def lacking(done: Sequence[Piece], entrant: int, problems: int, size: int) -> Iterator[Piece]:
    """What is missing of a checkpoint's answers, in pieces of up to `size` problems."""
    first = 0
    for border in (
        *[piece for piece in done if piece.entrant == entrant],
        Piece(entrant, problems, problems),
    ):
        for at in range(first, border.first, size):
            yield Piece(entrant, at, min(at + size, border.first))
        first = border.last


@dataclass(frozen=True)
class Answering:
    """The answers to a piece, greedy and sampled, in a file of their own until all are there."""

    folder: Path
    entrants: tuple[Entrant, ...]
    problems: pl.DataFrame
    asked: Evaluate
    seed: int
    pieces: tuple[Piece, ...]
    shown: bool
    """Whether this process alone answers, and shows how far it is."""

    @cached_property
    def held(self) -> dict[int, Student]:
        """The checkpoint that was loaded for the last piece, for the next one."""
        return {}

    def student(self, entrant: int) -> Student:
        """A checkpoint, loaded once for pieces that follow each other."""
        if entrant not in self.held:
            self.held.clear()
            self.held[entrant] = Student(self.entrants[entrant].fetched())
        return self.held[entrant]

    def __call__(self, at: int) -> None:
        """Answer the piece of that number."""
        piece, asked = self.pieces[at], self.asked
        student = self.student(piece.entrant)
        problems = self.problems[piece.first : piece.last]
        limit = len(self.problems) if asked.sampled_problems is None else asked.sampled_problems
        sampled = problems.head(max(0, limit - piece.first))
        drawn = asked.samples if student.samples and len(sampled) else 0
        count = len(problems) + len(sampled) * drawn
        title = f"answer {self.entrants[piece.entrant].label}"
        with bar(title, count) if self.shown else nullcontext(None) as advance:
            key = named_seed(self.seed, "evaluate")
            parts = [student.answer(problems, 1, greedily(asked.sampling), key, advance)]
            if drawn:
                parts.append(student.answer(sampled, drawn, asked.sampling, key, advance))
        rows = pl.concat(parts, how="vertical_relaxed").with_columns(pl.col("problem") + piece.first)
        columns = part_columns(self.entrants)
        Artifact(self.folder).publish(
            piece.name, lambda path: schema.write(rows, path, columns, {}), rows=len(rows)
        )


def part_columns(entrants: Sequence[Entrant]) -> dict[str, pl.DataType]:
    """The columns of a piece: those of rollouts, as far as they are known, and the problem's number."""
    every = schema.rollouts(words_of(entrants))
    return {"problem": pl.Int64(), **{name: every[name] for name in every if name not in ADDED}}


def _combine(
    artifact: Artifact, entrants: Sequence[Entrant], problems: pl.DataFrame, references: pl.DataFrame
) -> None:
    """One file of all answers in place of the pieces."""
    columns, parts = schema.rollouts(words_of(entrants)), part_columns(entrants)
    frames = []
    for at, entrant in enumerate(entrants):
        names = [piece.name for piece in pieces(artifact) if piece.entrant == at]
        answers = pl.concat([schema.read(artifact.verified_part(name), parts) for name in names])
        greedy = pl.col("sample") == GREEDY
        answers = pl.concat([answers.filter(greedy), answers.filter(~greedy)])
        frames.append(_about(answers, entrant, problems, references).select(list(columns)))
    frame = pl.concat(frames, how="vertical_relaxed")
    artifact.publish(ROLLOUTS, lambda path: schema.write(frame, path, columns, {}), rows=len(frame))


def _about(
    answers: pl.DataFrame, entrant: Entrant, problems: pl.DataFrame, references: pl.DataFrame
) -> pl.DataFrame:
    """Answers beside what is known of their problems, and of the checkpoint."""
    student = Student(entrant.fetched())
    place = answers["problem"].to_numpy()
    return answers.with_columns(
        checkpoint=pl.lit(student.hash),
        arm=pl.lit(entrant.arm),
        round=pl.lit(entrant.round, pl.Int32),
        teacher_words=problems["trace_words"][place],
        reference_words=references["reference_words"][place],
        exact_match=_exact_match(problems, answers, student.vocabulary.domain),
        seen_in_training=_seen(problems, answers)[place],
    )


def words_of(entrants: Sequence[Entrant]) -> tuple[str, ...]:
    """The words of all checkpoints, in their notations and in the stored form, each once."""
    words: dict[str, None] = {}
    for entrant in entrants:
        vocabulary = Student(entrant.folder).vocabulary
        stored = vocabulary.domain.alphabet(vocabulary.domain.notations[0])
        words |= dict.fromkeys((*vocabulary.words, *stored))
    return tuple(words)


def _exact_match(problems: pl.DataFrame, answers: pl.DataFrame, domain: Domain) -> pl.Series:
    """Whether a whole response is the stored one; null where the teacher's own runs differ.

    In a notation without a trace the response is the answer alone.
    """
    if not domain.repeatable():
        return pl.Series("exact_match", [None] * len(answers), pl.Boolean)
    stored = problems[answers["problem"].to_numpy()].select("trace", "answer")
    if answers["trace"].null_count() == len(answers):
        stored = stored.with_columns(trace=pl.lit(None, pl.List(pl.String)))
    same = [
        ours == theirs
        for ours, theirs in zip(stored_hashes(answers, domain), stored_hashes(stored, domain), strict=True)
    ]
    return pl.Series("exact_match", same) & answers["ended"]


def _seen(problems: pl.DataFrame, answers: pl.DataFrame) -> pl.Series:
    """Whether the stored response stands in training; null where it is not what the model was to write."""
    told = "seen_in_training" in problems.columns and answers["trace"].null_count() < len(answers)
    if told:
        return problems["seen_in_training"]
    return pl.Series("seen_in_training", [None] * len(problems), pl.Boolean)
