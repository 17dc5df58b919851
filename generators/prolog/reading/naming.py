"""Problems with their own names, and the words of the closed vocabulary that stand for those names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from generators.domain import BadProblem
from generators.prolog.alphabet import ARITY, SPARE_ENTITIES, SPARE_PREDICATES, VARIABLES, Words
from generators.prolog.reading.morphology import third_person
from generators.prolog.theory import NONE, VARIABLE, Clause

Key = TypeVar("Key")

Signature = tuple[str, int]
"""The name of a predicate and its number of arguments; predicates that differ in either are two."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal in the problem's own names; a number among its arguments is a variable of its rule."""

    positive: bool
    predicate: str
    arguments: tuple[str | int, ...]

    @property
    def signature(self) -> Signature:
        """Its predicate."""
        return self.predicate, len(self.arguments)


Rule = tuple[tuple[Literal, ...], Literal]
"""A body and a head."""


@dataclass(frozen=True)
class Problem:
    """A theory with its question as its author wrote it."""

    name: str
    """The record's id, or the file with the line."""
    facts: Sequence[Literal]
    rules: Sequence[Rule]
    question: Literal
    given: str | None
    """The label that came with it."""

    def literals(self) -> Iterable[Literal]:
        """All its literals: facts, rules (body before head), question."""
        yield from self.facts
        for body, head in self.rules:
            yield from body
            yield head
        yield self.question


Plain = tuple[list[list[int]], list[Clause], list[int]]
"""A theory as `generators.prolog.theory.assembled` takes it."""


@dataclass(frozen=True)
class Names:
    """The choice of words for names.

    A name that is a word of the vocabulary in the same role keeps it. The others get the first free words in
    the order of their appearance: the vocabulary's own words before the spare ones, or only spare ones when
    `invented` (as in training data with invented names) until they are used up.
    """

    words: Words
    invented: bool

    def numbered(self, problem: Problem) -> tuple[Plain, list[str]]:
        """The problem in numbers, and `word=name` for every name that differs from its word.

        Raises BadProblem for more names than words, more clauses than numbers, too many variables.
        """
        self._refuse_long(problem)
        literals = list(problem.literals())
        names = dict.fromkeys(name for each in literals for name in each.arguments if isinstance(name, str))
        entities = self._entities(list(names))
        predicates = self._predicates(list(dict.fromkeys(literal.signature for literal in literals)))

        def plain(literal: Literal) -> list[int]:
            arguments = [
                entities[name] if isinstance(name, str) else VARIABLE + name for name in literal.arguments
            ]
            rest = [NONE] * (ARITY - len(arguments))
            return [int(literal.positive), predicates[literal.signature], *arguments, *rest]

        facts = [plain(fact) for fact in problem.facts]
        rules = [([plain(literal) for literal in body], plain(head)) for body, head in problem.rules]
        stand_ins = [
            *((self.words.entity_words[number], name) for name, number in entities.items()),
            *((self.words.predicate_words[number], name) for (name, _), number in predicates.items()),
        ]
        shown = [f"{word}={name}" for word, name in stand_ins if word != folded(name)]
        return (facts, rules, plain(problem.question)), shown

    def _entities(self, names: list[str]) -> dict[str, int]:
        words = self.words.entity_words
        spare = len(words) - len(SPARE_ENTITIES)
        known = {word: number for number, word in enumerate(words)}
        free = self._in_turn(range(spare), range(spare, len(words)))
        return _assigned(names, {name: known.get(folded(name)) for name in names}, free, "names")

    def _predicates(self, signatures: list[Signature]) -> dict[Signature, int]:
        given = list(zip(self.words.predicate_words, self.words.arities, strict=True))
        spare = len(given) - len(SPARE_PREDICATES)
        known = {signature: number for number, signature in enumerate(given)}
        found: dict[Signature, int] = {}
        for arity in sorted({arity for _, arity in signatures}):
            own = [number for number in range(spare) if given[number][1] == arity]
            spares = [number for number in range(spare, len(given)) if given[number][1] == arity]
            asked = [signature for signature in signatures if signature[1] == arity]
            kept = {signature: _word_of(signature, known) for signature in asked}
            plural = "" if arity == 1 else "s"
            noun = f"predicates of {arity} argument{plural}"
            found |= _assigned(asked, kept, self._in_turn(own, spares), noun)
        return {signature: found[signature] for signature in signatures}

    def _in_turn(self, own: Iterable[int], spare: Iterable[int]) -> list[int]:
        return [*spare, *own] if self.invented else [*own, *spare]

    def _refuse_long(self, problem: Problem) -> None:
        for count, most, noun in (
            (len(problem.facts), self.words.largest_facts, "facts"),
            (len(problem.rules), self.words.largest_rules, "rules"),
        ):
            if count > most:
                raise BadProblem(
                    f"it has {count} {noun}, the vocabulary ends at {most}; raise largest_{noun}"
                )
        for number, (body, head) in enumerate(problem.rules, start=1):
            used = {name for literal in (*body, head) for name in literal.arguments if isinstance(name, int)}
            if len(used) > len(VARIABLES):
                raise BadProblem(
                    f"rule {number} has {len(used)} variables, the vocabulary has {len(VARIABLES)} "
                    f"({', '.join(VARIABLES)})"
                )


def folded(name: str) -> str:
    """A name as the vocabulary writes it: `Bald Eagle` and `bald_eagle` as `bald-eagle`."""
    return "-".join(name.casefold().replace("_", " ").split())


def _word_of(signature: Signature, known: dict[Signature, int]) -> int | None:
    """The number of the predicate of that name: `like` of two arguments is the vocabulary's `likes`."""
    name, arity = folded(signature[0]), signature[1]
    return known.get((name, arity), known.get((third_person(name), arity)) if arity == 2 else None)


def _assigned(names: list[Key], kept: dict[Key, int | None], free: list[int], noun: str) -> dict[Key, int]:
    """A number for each name: its own one where it is the first to have it, otherwise the next free one."""
    found: dict[Key, int] = {}
    taken: set[int] = set()
    for name in names:
        number = kept[name]
        if number is not None and number not in taken:
            found[name] = number
            taken.add(number)
    left = iter([number for number in free if number not in taken])
    for name in names:
        if name not in found:
            number = next(left, None)
            if number is None:
                raise BadProblem(f"it has {len(names)} {noun}, the vocabulary has words for {len(free)}")
            found[name] = number
    return {name: found[name] for name in names}
