"""Literals, rules and whole prompts as objects with names, for the eye; compiled code has `stated`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from generators.domain import BadProblem
from generators.prolog.alphabet import VARIABLES, Words

Names = Mapping[str, str]
"""What stands for a word on display; a word that is not in it stands for itself."""


@dataclass(frozen=True)
class Literal:
    """A literal in stored words; its arguments are entities or variables."""

    positive: bool
    predicate: str
    arguments: tuple[str, ...]

    def complement(self) -> Literal:
        """The same with the other polarity."""
        return Literal(not self.positive, self.predicate, self.arguments)

    def under(self, bindings: Mapping[str, str]) -> Literal:
        """The literal with its bound variables replaced."""
        bound = tuple(bindings.get(term, term) for term in self.arguments)
        return Literal(self.positive, self.predicate, bound)

    def shown(self, names: Names) -> str:
        """As people write it: `-chases(bob, anne)`."""
        terms = ", ".join(names.get(term, term) for term in self.arguments)
        sign = "" if self.positive else "-"
        return f"{sign}{names.get(self.predicate, self.predicate)}" + (f"({terms})" if terms else "")


@dataclass(frozen=True)
class Rule:
    """A body, perhaps empty, and a head."""

    body: tuple[Literal, ...]
    head: Literal

    def shown(self, names: Names) -> str:
        """As people write it: `kind(x), rough(x) -> red(x)`; lines may break between literals alone."""
        body = [_whole(part, names) for part in self.body]
        return f"{', '.join(body)}{' ' if body else ''}->\xa0{_whole(self.head, names)}"


@dataclass(frozen=True)
class Statement:
    """What a prompt states: facts and rules under their words (`fact1`, `rule1`), and the question."""

    facts: Mapping[str, Literal]
    rules: Mapping[str, Rule]
    question: Literal


@dataclass(frozen=True)
class Grammar:
    """What the words of an alphabet may stand for."""

    arities: Mapping[str, int]
    terms: frozenset[str]
    facts: frozenset[str]
    rules: frozenset[str]

    def literal(self, words: Sequence[str | None], at: int) -> tuple[Literal, int] | None:
        """The literal at `at` and the place behind it; None where there is none."""
        if len(words) < at + 2 or words[at] not in ("+", "-"):
            return None
        predicate = words[at + 1]
        if predicate is None or predicate not in self.arities:
            return None
        end = at + 2 + self.arities[predicate]
        terms = tuple(term for term in words[at + 2 : end] if term in self.terms and term is not None)
        if len(terms) < self.arities[predicate]:
            return None
        return Literal(words[at] == "+", predicate, terms), end


@cache
def grammar(words: Words) -> Grammar:
    """The grammar of an alphabet."""
    return Grammar(
        arities=dict(zip(words.predicate_words, words.arities, strict=True)),
        terms=frozenset((*words.entity_words, *VARIABLES)),
        facts=frozenset(words.alphabet[words.facts : words.rules]),
        rules=frozenset(words.alphabet[words.rules : words.events]),
    )


def statement(prompt: Sequence[str | None], words: Words) -> Statement:
    """The theory and question of a prompt. Raises BadProblem for one that states none."""
    known = grammar(words)
    facts: dict[str, Literal] = {}
    rules: dict[str, Rule] = {}
    at = 0
    while at < len(prompt):
        word = prompt[at]
        if word in known.facts:
            literal, at = _due(known, prompt, at + 1)
            facts[str(word)] = literal
        elif word in known.rules:
            rule, at = _rule(known, prompt, at + 1)
            rules[str(word)] = rule
        elif word == "ask":
            question, at = _due(known, prompt, at + 1)
            return Statement(facts, rules, question)
        else:
            raise _unread(prompt, at)
    raise BadProblem("the prompt asks no question")


def _whole(literal: Literal, names: Names) -> str:
    return literal.shown(names).replace(" ", "\xa0")


def _rule(known: Grammar, prompt: Sequence[str | None], at: int) -> tuple[Rule, int]:
    if at >= len(prompt) or prompt[at] != "if":
        raise _unread(prompt, at)
    body: list[Literal] = []
    at += 1
    while at < len(prompt) and prompt[at] != "then":
        literal, at = _due(known, prompt, at)
        body.append(literal)
    head, at = _due(known, prompt, at + 1)
    return Rule(tuple(body), head), at


def _due(known: Grammar, prompt: Sequence[str | None], at: int) -> tuple[Literal, int]:
    read = known.literal(prompt, at)
    if read is None:
        raise _unread(prompt, at)
    return read


def _unread(prompt: Sequence[str | None], at: int) -> BadProblem:
    near = " ".join(str(word) for word in prompt[at : at + 5]) or "the end"
    return BadProblem(f"the prompt states no theory with a question: word {at} begins '{near}'")
