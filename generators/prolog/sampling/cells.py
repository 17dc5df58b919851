"""What problems are asked for: the knobs of drawn theories, and the cells that a shard fills evenly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.chance import State, below
from generators.compiled import compiled
from generators.domain import BadProblem
from generators.prolog.alphabet import (
    ANIMALS,
    ANSWERS,
    CONCEPTS,
    FAMILIES,
    PEOPLE,
    QUALITIES,
    RELATIONS,
    SPARE_ENTITIES,
    SPARE_PREDICATES,
    Family,
    Words,
)

Numbers = NDArray[np.int64]

TRUE, FALSE, UNKNOWN = 0, 1, 2
"""Places in ANSWERS."""


@dataclass(frozen=True)
class Shape:
    """The knobs of drawn problems; ranges are (from, to), both included.

    With Neg families the polarity of a question tells nothing of its answer. Without negation it does:
    nothing negative can be derived, so a true question is positive and a false one negated; unknown ones
    are either. `Chain` has the answers true and false alone.
    """

    words: Words
    families: tuple[Family, ...] = ("AttNeg", "RelNeg")
    answers: tuple[str, ...] = ANSWERS[:-1]
    depths: tuple[int, int] = (0, 5)
    entities: tuple[int, int] = (4, 4)
    """Of attribute and relation families; a chain is about one."""
    facts: tuple[int, int] = (7, 16)
    """Of attribute and relation families; a chain has its one membership (and at depth 0 what is asked)."""
    rules: tuple[int, int] = (5, 9)
    longest_body: int = 2
    """Bodies have from one literal up to this many."""
    invented: float = 0.0
    """The share of problems with spare words for names; all of them in the vocabulary `invented`."""
    variable: float = 0.8
    """The share of rules about a variable in place of an entity (RuleTaker)."""
    second_variable: float = 0.15
    """Of those of relation families, the share that has two."""
    relation: float = 0.7
    """Relations among the literals of relation families; the rest are attributes (RuleTaker)."""
    negative: float = 0.3
    """Negative literals of Neg families, but for the question's predicate: half of its are."""
    pool: int = 0
    """Names come from the first so many words of each role; 0 takes all."""

    def names(self, family: Family, invented: bool) -> Pool:
        """Where the names of a family come from."""
        return Pool(*(words[: self.pool or None] for words in pool(self.words, family, invented)))

    def __post_init__(self) -> None:
        for noun, least, (low, high) in (
            ("depths", 0, self.depths),
            ("entities", 1, self.entities),
            ("facts", 1, self.facts),
            ("rules", 1, self.rules),
        ):
            if not least <= low <= high:
                raise BadProblem(f"{noun} must be a range from at least {least}, got {low} to {high}")
        for noun, given, options in (
            ("families", self.families, FAMILIES),
            ("answers", self.answers, ANSWERS[:-1]),
        ):
            if not given or not set(given) <= set(options):
                raise BadProblem(f"{noun} must be some of {', '.join(options)}, got {given}")
        if self.longest_body < 1:
            raise BadProblem(f"longest_body must be at least 1, got {self.longest_body}")
        for noun in ("invented", "variable", "second_variable", "relation", "negative"):
            if not 0 <= getattr(self, noun) <= 1:
                raise BadProblem(f"{noun} must be a share from 0 to 1, got {getattr(self, noun)}")
        self._refuse_impossible_families()

    def _refuse_impossible_families(self) -> None:
        if "Chain" in self.families and self.answers == ("unknown",):
            raise BadProblem("the family Chain has no unknown questions; add true or false to the answers")
        for family in self.families:
            # Depths come rule by rule, and the question's predicate needs rules that lead nowhere.
            needed = fewest_rules(family, self.depths[1])
            if needed > self.rules[1]:
                raise BadProblem(
                    f"a question of depth {self.depths[1]} in the family {family} needs {needed} rules, "
                    f"rules end at {self.rules[1]}"
                )
            if family.startswith("Rel") and self.entities[0] < 2:
                raise BadProblem(f"the family {family} relates at least 2 entities, entities begin at 1")


def fewest_rules(family: Family, depth: int) -> int:
    """The rules without which its predicate's heads would betray the answer of a question of that depth."""
    return depth + (2 if family.endswith("Neg") else 1)


class Cells(NamedTuple):
    """What each row must be."""

    family: NDArray[np.int8]
    """A place in the shape's families."""
    answer: NDArray[np.int8]
    """A place in ANSWERS."""
    depth: NDArray[np.int32]
    polarity: NDArray[np.int8]
    """Of the question: 1 or 0."""
    invented: NDArray[np.bool_]
    """Whether its names are spare words."""


class Pool(NamedTuple):
    """The numbers of the words that a family draws its names from."""

    entities: Numbers
    attributes: Numbers
    """A chain's concepts."""
    relations: Numbers
    """A chain's properties, if they are words of their own."""


def plan(state: State, rows: int, shape: Shape) -> Cells:
    """Rows that fill every family, and in it every answer, depth and polarity, evenly and in a random order.

    Which cells get one row more than others, when `rows` is no multiple, is drawn.
    """
    family = _dealt(state, rows, len(shape.families))
    cells = np.zeros((rows, 3), np.int64)
    for at, name in enumerate(shape.families):
        own = np.flatnonzero(family == at)
        table = np.array(_cells(name, shape), np.int64)
        cells[own] = table[_dealt(state, len(own), len(table))]
    threshold = round(shape.invented * 2**32)
    drawn = np.zeros(rows, np.int64)
    _draw_all(state, drawn)
    invented = (drawn < threshold) | (shape.words.vocabulary == "invented")
    return Cells(
        family.astype(np.int8),
        cells[:, 0].astype(np.int8),
        cells[:, 1].astype(np.int32),
        cells[:, 2].astype(np.int8),
        invented,
    )


def pool(words: Words, family: Family, invented: bool) -> Pool:
    """Where the names of a family come from: the vocabulary's own words, or the spare ones."""
    spare = invented or words.vocabulary == "invented"
    predicates = list(zip(words.predicate_words, words.arities, strict=True))
    own = predicates[: -len(SPARE_PREDICATES)]
    entities = _entities(words, family, spare)
    if family == "Chain":
        if spare or words.vocabulary != "prontoqa":
            return Pool(entities, _places(predicates, SPARE_PREDICATES, 1), np.zeros(0, np.int64))
        rest = [pair for pair in own if pair[0] not in CONCEPTS]
        return Pool(
            entities, _places(predicates, [(word, 1) for word in CONCEPTS], 1), _places(predicates, rest, 1)
        )
    chosen = SPARE_PREDICATES if spare else tuple(own)
    if not spare and words.vocabulary == "proofwriter" and family.startswith("Rel"):
        chosen = (*((word, 1) for word in QUALITIES), *((word, 2) for word in RELATIONS))
    # PrOntoQA has no relations of its own.
    related = chosen if any(arity == 2 for _, arity in chosen) else SPARE_PREDICATES
    return Pool(entities, _places(predicates, chosen, 1), _places(predicates, related, 2))


def _entities(words: Words, family: Family, spare: bool) -> Numbers:
    everything = words.entity_words
    own = everything[: -len(SPARE_ENTITIES)]
    if words.vocabulary == "proofwriter":
        own = ANIMALS if family.startswith("Rel") else PEOPLE
    chosen = SPARE_ENTITIES if spare else own
    return np.array([everything.index(word) for word in chosen], np.int64)


def _places(
    predicates: list[tuple[str, int]], chosen: list[tuple[str, int]] | tuple[tuple[str, int], ...], arity: int
) -> Numbers:
    return np.array([predicates.index(pair) for pair in chosen if pair[1] == arity], np.int64)


def _cells(family: Family, shape: Shape) -> list[tuple[int, int, int]]:
    """Answer, depth and polarity of each cell; without negation the answer decides the polarity."""
    forced = {TRUE: 1, FALSE: 0} if family.endswith("Noneg") else {}
    answers = [ANSWERS.index(answer) for answer in shape.answers]
    if family == "Chain":
        answers = [answer for answer in answers if answer != UNKNOWN]
    return [
        (answer, depth, forced.get(answer, polarity))
        for answer in answers
        for depth in range(shape.depths[0], shape.depths[1] + 1)
        for polarity in (0, 1)
    ]


def _dealt(state: State, rows: int, kinds: int) -> Numbers:
    """A kind for each row, as evenly as can be, in a random order."""
    order = np.arange(kinds)
    _shuffle(state, order)
    dealt = order[np.arange(rows) % kinds]
    _shuffle(state, dealt)
    return dealt


@compiled
def _shuffle(state: State, items: Numbers) -> None:
    for at in range(len(items) - 1, 0, -1):
        other = below(state, at + 1)
        items[at], items[other] = items[other], items[at]


@compiled
def _draw_all(state: State, drawn: Numbers) -> None:
    for row in range(len(drawn)):
        drawn[row] = below(state, 2**32 - 1)
