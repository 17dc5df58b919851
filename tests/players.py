"""Players for the tests of the play commands: one that takes what it can, and small untrained checkpoints."""

from __future__ import annotations

from pathlib import Path

import chess
import polars as pl
import torch

from generators.chess.alphabet import ACTIONS
from generators.domain import domain_class
from pipeline.play.player import Player
from pipeline.play.scores import Scale
from pipeline.vocabulary import Vocabulary
from trainers import checkpoint
from trainers.config import Model
from trainers.model import build
from trainers.tokens import Tokens

WORTH = {
    chess.PAWN: 0.1,
    chess.KNIGHT: 0.2,
    chess.BISHOP: 0.25,
    chess.ROOK: 0.3,
    chess.QUEEN: 0.4,
}


class Taker:
    """Likes to take the most valuable man; all other moves are worth 1/2, mates nothing more."""

    hash = "taker"

    def decisions(self, problems: pl.DataFrame) -> pl.DataFrame:
        scores = [
            [0.5 + WORTH.get(chess.Board(fen).piece_type_at(to), 0) for to in targets]
            for fen, targets in zip(
                problems["fen"],
                ([chess.parse_square(ACTIONS[at][2:4]) for at in moves] for moves in problems["moves"]),
                strict=True,
            )
        ]
        return pl.DataFrame({"scores": pl.Series(scores, dtype=pl.List(pl.Float32))})


def taker() -> Player:
    return Player(Taker(), "taking", Scale(buckets=64, outer=4))


def untrained(folder: Path, notation: str, domain: str = "chess", **knobs: object) -> Path:
    """A checkpoint with the weights that a model begins with."""
    words = folder / "words"
    words.mkdir(parents=True)
    buckets = 16 if notation.endswith("-value") else 0
    Vocabulary(domain_class(domain)(**knobs), notation, buckets).save(words)
    torch.manual_seed(0)
    model = build(Model(layers=1, width=16, heads=2, context=160), Tokens.read(words))
    checkpoint.save(model, folder / "last", words)
    return folder / "last"
