"""A trained student at the board: what it thinks of every legal move, and the one that it plays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import chess
import numpy as np
import polars as pl

from generators.chess.board import rules
from generators.chess.scoring.children import endings
from generators.chess.scoring.decisions import sampled
from pipeline.errors import Refusal
from pipeline.play.scores import Scale
from pipeline.rollouts import Student

GAME = "play"
"""The key of the games that are played here; no data set is made of them."""


class Rater(Protocol):
    """Whatever scores the legal moves of positions: `pipeline.rollouts.Student` is one."""

    @property
    def hash(self) -> str:
        """Of what decides the scores."""

    def decisions(self, problems: pl.DataFrame) -> pl.DataFrame:
        """`scores`: a list a row, one of each legal move in the order of `moves`; higher is better."""


@dataclass(frozen=True)
class Rated:
    """A legal move and the student's score of it."""

    move: chess.Move
    score: float


@dataclass(frozen=True)
class Player:
    """A student that plays, and how to read its scores."""

    rater: Rater
    notation: str
    scale: Scale

    @classmethod
    def of(cls, checkpoint: Path) -> Player:
        """The student of a checkpoint; its weights are loaded with its first move.

        Raises Refusal where the folder holds no checkpoint, or one of another domain.
        """
        student = Student(checkpoint)
        vocabulary = student.vocabulary
        if vocabulary.domain.name != "chess":
            raise Refusal(
                f"{checkpoint} answers {vocabulary.domain.name} and plays no chess: name one that does"
            )
        notation = vocabulary.notation
        return cls(student, notation, Scale(vocabulary.buckets, vocabulary.outer, notation == "state-value"))

    @property
    def name(self) -> str:
        """Which student it is, exactly."""
        return f"{self.notation} {self.rater.hash}"

    def warm_up(self) -> None:
        """Load the weights and compile what is compiled at the first move."""
        self.rated(chess.Board())

    def rated(self, board: chess.Board) -> list[Rated]:
        """The legal moves of a position that has some, the best first; among equals the smaller action.

        Where scores are values, a move that ends the game has the value that the rules give it: a mate stands
        above all, a stalemate is a draw. Raises Refusal for a student whose scores are no numbers.
        """
        problem = rules.frame([board], [GAME])
        scores = self.rater.decisions(problem)["scores"][0].to_list()
        actions = problem["moves"][0].to_list()
        if any(map(math.isnan, scores)):
            raise Refusal(f"the student {self.name} gives scores that are no numbers: its training diverged")
        if self.scale.buckets:
            known = endings(problem, self.scale.outer).tolist()
            scores = [score if math.isnan(end) else end for score, end in zip(scores, known, strict=True)]
        rated = [Rated(rules.move(at), score) for at, score in zip(actions, scores, strict=True)]
        return sorted(rated, key=lambda each: -each.score)

    def drawn(self, rated: Sequence[Rated], temperature: float, rng: np.random.Generator) -> Rated:
        """One of the moves, best first, by the softmax of what they are worth over the temperature.

        At temperature 0 the best one. The agents of arXiv 2402.04494 played with 0.005.
        """
        if temperature == 0 or math.isinf(rated[0].score):
            return rated[0]
        scores = np.array([each.score for each in rated])
        return rated[sampled(scores, temperature, rng, logarithmic=not self.scale.buckets)]

    def move(self, board: chess.Board, game: object, rng: np.random.Generator) -> chess.Move:  # noqa: ARG002
        """The best move; a side of a match has no chance in it."""
        return self.rated(board)[0].move

    def close(self) -> None:
        """Nothing runs for it."""


def use_threads(threads: int) -> None:
    """Let torch use so many threads in this thread's calls: a sum depends on their number."""
    import torch

    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
