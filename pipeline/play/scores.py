"""What a student's score of a move means to a chess program: centipawns, or moves to mate."""

from __future__ import annotations

import math
from dataclasses import dataclass

STEEPNESS = 0.00368208
"""Per centipawn; the same number as in `generators.chess.scoring.values`, which loads numpy for arrays."""

MOST_CENTIPAWNS = 10_000
"""Bounds what stands so near to 0 or 1 that its logarithm says nothing."""


@dataclass(frozen=True)
class Scale:
    """How a student's scores are made: over `buckets` of the win probability, with `outer` classes of mates.

    No buckets: its scores are logarithms of probabilities, which tell nothing about who is winning.
    """

    buckets: int = 0
    outer: int = 0
    later: bool = False
    """Whether a move has the flipped value of the position behind it, so that its mates count from there."""

    def uci(self, score: float) -> str:
        """The score as UCI's `info` has it (`score cp 35`, `score mate -2`); empty where there is none.

        Class j beyond 1 has the score 1 + (j - 0.5) / buckets and beyond 0 -(j - 0.5) / buckets; a mate
        on the board stands beyond all. Several distances share a class: the nearest of them is named.
        """
        if not self.buckets or math.isinf(score):
            return ""
        if score >= 2 + self.outer:
            return "score mate 1"
        if 0 <= score <= 1 or not self.outer:
            return f"score cp {centipawns(score)}"
        beyond = math.ceil((score - 1 if score > 1 else -score) * self.buckets)
        mate = nearest_mate(min(beyond, self.outer), self.outer)
        return f"score mate {mate + self.later if score > 1 else -mate}"


def centipawns(probability: float) -> int:
    """The inverse of Lichess's win probability, within MOST_CENTIPAWNS on both sides."""
    if not 0 < probability < 1:
        return -MOST_CENTIPAWNS if probability <= 0 else MOST_CENTIPAWNS
    found = round(math.log(probability / (1 - probability)) / STEEPNESS)
    return max(-MOST_CENTIPAWNS, min(found, MOST_CENTIPAWNS))


def nearest_mate(mate_class: int, classes: int) -> int:
    """The fewest moves to mate in a class: 1 in the last one, then 2, 3, 5, 9 and so on."""
    doublings = classes - mate_class
    return 1 if doublings == 0 else 2 ** (doublings - 1) + 1
