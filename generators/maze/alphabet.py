"""The alphabets of mazes, and the other names that their knobs and columns use; imports no compiler."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from generators.domain import BadProblem

Ties = Literal["searchformer", "deepest", "random"]

TIES: tuple[Ties, ...] = get_args(Ties)

OUTCOMES = ("draws", "layouts", "unreachable", "too_short", "too_costly", "repeated")
"""What is counted between two accepted problems; `draws` has all draws of a start and a goal in it."""

HEADS = ("start", "goal", "wall", "create", "close", "plan")

NOTATIONS = ("search", "solution", "cells")

MOST_WORDS = 65_000
"""Words are stored as 16-bit numbers."""


@dataclass(frozen=True)
class Words:
    """The alphabet of a notation: coordinates or cells, then costs, then clause heads."""

    notation: str
    side: int
    largest_cost: int

    @property
    def places(self) -> int:
        """How many words name a coordinate, or a cell."""
        return self.side**2 if self.notation == "cells" else self.side

    @property
    def costs(self) -> int:
        """The code of `c0`."""
        return self.places

    @property
    def heads(self) -> int:
        """The code of `start`, before the other HEADS; the solution notation has other codes."""
        return self.places + self.largest_cost + 1

    @property
    def alphabet(self) -> tuple[str, ...]:
        """All words in the order of their codes; raises BadProblem when there are too many."""
        return _alphabet(self)


@cache
def _alphabet(words: Words) -> tuple[str, ...]:
    size = words.heads + len(HEADS)
    if size > MOST_WORDS:
        raise BadProblem(
            f"the notation {words.notation} has {size} words at side {words.side} and largest_cost "
            f"{words.largest_cost}, more than {MOST_WORDS}"
        )
    if words.notation == "cells":
        places = [f"{x},{y}" for y in range(words.side) for x in range(words.side)]
    else:
        places = [str(at) for at in range(words.side)]
    if words.notation == "solution":
        return (*places, "start", "goal", "wall", "plan")
    return (*places, *(f"c{cost}" for cost in range(words.largest_cost + 1)), *HEADS)
