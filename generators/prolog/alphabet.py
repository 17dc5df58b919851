"""The closed alphabets of logic theories, and the names that knobs and columns use; imports no compiler."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from generators.domain import BadProblem

Mode = Literal["backward", "forward"]
MODES: tuple[Mode, ...] = get_args(Mode)

Vocabulary = Literal["proofwriter", "prontoqa", "invented"]
VOCABULARIES: tuple[Vocabulary, ...] = get_args(Vocabulary)

Family = Literal["AttNeg", "AttNoneg", "RelNeg", "RelNoneg", "Chain"]
FAMILIES: tuple[Family, ...] = get_args(Family)
"""ProofWriter's four, and PrOntoQA's linear ontology."""

NOTATIONS = ("symbolic", "compact", "without-unbind", "without-fail", "natural", "solution")

ANSWERS = ("true", "false", "unknown", "limit")
"""Open-world answers; `limit` is none: the search was cut, and the row is refused with that reason."""

FEATURES = ("stated", "complement stated", "own-polarity head", "other-polarity head", "negated")
"""A fact is the question or its complement; a rule's head has its predicate with its polarity or with the
other one, whatever its arguments; the question is negative."""

COUNTS = (
    *("facts", "rules", "body literals", "facts of the entity", "facts of the predicate"),
    *("heads of the predicate", "bodies of the predicate", "negative clauses"),
)
"""Of the theory, and of it what shares the question's first entity (any place) or its predicate."""

FEATURE_COLUMNS = ("stated", "complement_stated", "own_head", "other_head")
"""The columns of FEATURES; `polarity` is that of the last one."""
COUNT_COLUMNS = (
    *("facts", "rules", "body_literals", "entity_facts", "predicate_facts"),
    *("predicate_heads", "predicate_bodies", "negative_clauses"),
)
"""The columns of COUNTS."""

ARITY = 3
"""The most arguments of a predicate."""

VARIABLES = ("x", "y", "z", "u", "v", "w")

BACKWARD = ("call", "use", "bind", "unbind", "exit", "redo", "fail", "loop", "limit")
FORWARD = ("use", "reuse", "bind", "unbind", "obtain", "known", "fail", "finish", "limit")
EVENTS = tuple(dict.fromkeys((*BACKWARD, *FORWARD)))

PEOPLE = ("anne", "bob", "charlie", "dave", "erin", "fiona", "gary", "harry")
ANIMALS = ("cat", "dog", "bald-eagle", "rabbit", "mouse", "tiger", "lion", "bear", "squirrel", "cow")
QUALITIES = ("red", "blue", "green", "kind", "nice", "big", "cold", "young", "round", "rough")
MORE_QUALITIES = ("white", "smart", "quiet", "furry")
RELATIONS = ("likes", "chases", "eats", "sees", "visits", "needs")

FRIENDS = ("alex", "fae", "max", "polly", "rex", "sally", "sam", "stella", "wren")
CONCEPTS = (
    *("wumpus", "yumpus", "zumpus", "dumpus", "rompus", "numpus", "tumpus", "vumpus", "impus", "jompus"),
    *("gorpus", "shumpus", "lempus", "sterpus", "grimpus", "lorpus", "brimpus"),
)
PROPERTIES = (
    *("blue", "red", "brown", "orange", "small", "large", "metallic", "wooden", "luminous", "liquid"),
    *("transparent", "opaque", "nervous", "happy", "feisty", "shy", "bright", "dull", "sweet", "sour"),
    *("spicy", "bitter", "floral", "fruity", "earthy", "hot", "cold", "temperate", "kind", "mean", "angry"),
    *("amenable", "aggressive", "melodic", "muffled", "discordant", "loud", "slow", "moderate", "fast"),
    *("windy", "sunny", "overcast", "rainy", "snowy"),
)

SPARE_ENTITIES = tuple(f"name{at}" for at in range(1, 25))
SPARE_PREDICATES = (
    *((f"claim{at}", 0) for at in range(1, 9)),
    *((f"trait{at}", 1) for at in range(1, 33)),
    *((f"link{at}", 2) for at in range(1, 17)),
    *((f"triple{at}", 3) for at in range(1, 9)),
)
"""The words that stand for names outside a vocabulary: a user's own ones, and those of `invented`."""

OWN_WORDS = {
    "proofwriter": (
        (*PEOPLE, *ANIMALS),
        (*((word, 1) for word in (*QUALITIES, *MORE_QUALITIES)), *((word, 2) for word in RELATIONS)),
    ),
    "prontoqa": (FRIENDS, tuple((word, 1) for word in (*CONCEPTS, *PROPERTIES))),
    "invented": ((), ()),
}
"""Entities and predicates of each vocabulary (ProofWriter's are RuleTaker's), before the spare ones."""

FRAME = ("if", "then", "ask", "answer")


@dataclass(frozen=True)
class Words:
    """The stored alphabet: `-` and `+`, entities, predicates, variables, numbers of clauses, events, frame.

    The code of a polarity is its truth value; codes of entities, predicates and variables are their numbers
    in a `Theories` plus the properties of that name.
    """

    vocabulary: Vocabulary
    largest_facts: int
    largest_rules: int

    @property
    def entity_words(self) -> tuple[str, ...]:
        """Every entity word; an entity's number is its place here."""
        return (*OWN_WORDS[self.vocabulary][0], *SPARE_ENTITIES)

    @property
    def predicate_words(self) -> tuple[str, ...]:
        """Every predicate word; a predicate's number is its place here."""
        return tuple(word for word, _ in self._predicates)

    @property
    def arities(self) -> tuple[int, ...]:
        """How many arguments each predicate takes."""
        return tuple(arity for _, arity in self._predicates)

    @property
    def _predicates(self) -> tuple[tuple[str, int], ...]:
        return (*OWN_WORDS[self.vocabulary][1], *SPARE_PREDICATES)

    @property
    def entities(self) -> int:
        """The code of the first entity."""
        return 2

    @property
    def predicates(self) -> int:
        """The code of the first predicate."""
        return self.entities + len(self.entity_words)

    @property
    def variables(self) -> int:
        """The code of `x`."""
        return self.predicates + len(self.predicate_words)

    @property
    def facts(self) -> int:
        """The code of `fact1`."""
        return self.variables + len(VARIABLES)

    @property
    def rules(self) -> int:
        """The code of `rule1`."""
        return self.facts + self.largest_facts

    @property
    def events(self) -> int:
        """The code of the first of EVENTS."""
        return self.rules + self.largest_rules

    @property
    def frame(self) -> int:
        """The code of the first of FRAME."""
        return self.events + len(EVENTS)

    @property
    def answers(self) -> int:
        """The code of `true`; `limit` of ANSWERS is the event's word."""
        return self.frame + len(FRAME)

    def event(self, name: str) -> int:
        """The code of an event's word."""
        return self.events + EVENTS.index(name)

    @property
    def alphabet(self) -> tuple[str, ...]:
        """All words in the order of their codes."""
        return _alphabet(self)


@cache
def _alphabet(words: Words) -> tuple[str, ...]:
    if min(words.largest_facts, words.largest_rules) < 1:
        raise BadProblem("largest_facts and largest_rules must be at least 1")
    return (
        *("-", "+"),
        *words.entity_words,
        *words.predicate_words,
        *VARIABLES,
        *(f"fact{at}" for at in range(1, words.largest_facts + 1)),
        *(f"rule{at}" for at in range(1, words.largest_rules + 1)),
        *EVENTS,
        *FRAME,
        *ANSWERS[:-1],
    )
