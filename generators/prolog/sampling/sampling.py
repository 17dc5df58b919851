"""Problems drawn at random, evenly over families, answers, depths and polarities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generators.chance import State
from generators.domain import BadProblem
from generators.prolog.alphabet import ANSWERS, Family
from generators.prolog.sampling import chains, constructions
from generators.prolog.sampling.cells import Cells, Shape, plan
from generators.prolog.sampling.drafts import Drafts, blank, theories
from generators.prolog.theory import Theories

__all__ = ["Drawn", "Shape", "sample"]

Numbers = NDArray[np.int32]


@dataclass(frozen=True)
class Drawn:
    """Problems with what they were drawn to be, one a row, and what was tried for each."""

    theories: Theories
    family: NDArray[np.int8]
    """A place in the shape's families."""
    answer: NDArray[np.int8]
    """A place in ANSWERS: true, false or unknown."""
    depth: Numbers
    """The minimal depth of the question or its complement; of an unknown one, of the deepest literal."""
    polarity: NDArray[np.int8]
    """Of the question: 1 positive, 0 negated."""
    facts: Numbers
    rules: Numbers
    entities: Numbers
    draws: Numbers
    """Theories tried for the row: the one accepted, those that contradicted themselves, those that missed."""
    contradictory: Numbers
    missed: Numbers
    """Theories given up, as no further rule led to their cell."""


def sample(state: State, rows: int, shape: Shape) -> Drawn:
    """`rows` problems from one stream (`generators.chance.State`), the same for the same stream and shape.

    Raises BadProblem for a cell that a very long time of drawing did not meet.
    """
    cells = plan(state, rows, shape)
    attributed = any(family != "Chain" for family in shape.families)
    room = max(shape.facts[1], 2) if attributed else 2
    drafts = blank(rows, room, shape.rules[1], shape.longest_body)
    for place, family in enumerate(shape.families):
        for invented in (False, True):
            own = np.flatnonzero((cells.family == place) & (cells.invented == invented))
            if len(own):
                _construct(state, own, cells, family, invented, shape, drafts)
    tried = drafts.contradictory + drafts.missed
    return Drawn(
        theories=theories(drafts),
        family=cells.family,
        answer=cells.answer,
        depth=cells.depth,
        polarity=cells.polarity,
        facts=drafts.fact_numbers,
        rules=drafts.rule_numbers,
        entities=drafts.entities,
        draws=tried + np.int32(1),
        contradictory=drafts.contradictory,
        missed=drafts.missed,
    )


def _construct(
    state: State,
    rows: NDArray[np.int64],
    cells: Cells,
    family: Family,
    invented: bool,
    shape: Shape,
    drafts: Drafts,
) -> None:
    words = shape.names(family, invented)
    if shape.entities[1] > len(words.entities):
        raise BadProblem(
            f"entities end at {shape.entities[1]}, the vocabulary {shape.words.vocabulary} has "
            f"{len(words.entities)} of them for the family {family}"
        )
    if family == "Chain":
        done = chains.construct(state, rows, cells, words, shape.rules, drafts)
        if done < len(rows):
            raise BadProblem(
                f"a chain of depth {cells.depth[rows[done]]} with rules {_range(shape.rules)} needs more "
                f"words for concepts and properties than the vocabulary {shape.words.vocabulary} has"
            )
        return
    done = constructions.construct(state, rows, cells, family, shape, words, drafts)
    if done < len(rows):
        row = rows[done]
        raise BadProblem(
            f"no theory of the family {family} with the answer {ANSWERS[cells.answer[row]]} at depth "
            f"{cells.depth[row]} was found in {constructions.PATIENCE} draws: entities "
            f"{_range(shape.entities)}, facts {_range(shape.facts)}, rules {_range(shape.rules)}, "
            f"{len(words.attributes)} words for attributes"
        )


def _range(ends: tuple[int, int]) -> str:
    return f"{ends[0]} to {ends[1]}"
