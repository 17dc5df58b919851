"""The two sides of the notation `natural` as tables: how each phrase of `phrases` is said, in codes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.prolog.alphabet import ANSWERS, ARITY, VARIABLES, Words
from generators.prolog.notations import phrases

Table = NDArray[np.int32]

_SLOTS = ("LITERAL", "BODY", "FACT", "RULE", "VALUE", "VARIABLE", "ENTITY", "FIRST", "SECOND", "THIRD")
END, LITERAL, BODY, FACT, RULE, VALUE, VARIABLE, ENTITY, FIRST = range(-1, -10, -1)
"""A phrase is a row of words' codes and of these slots up to END; FIRST is followed by SECOND and THIRD."""
_CODES = 1 << 16
_ARTICLES = 3


class Side(NamedTuple):
    """One notation as tables; those by code have -1 where a code is no such word."""

    sentences: Table
    """A phrase a row, in the order of SENTENCES."""
    literals: Table
    """A phrase a row, twice the predicate plus the polarity."""
    predicates: Table
    """The predicate that a word names."""
    arguments: Table
    """The argument that a word is by itself: an entity, or a variable counted from `entities` on."""
    articles: Table
    """The number of an article."""
    after: Table
    """Shape (articles, codes): the argument that an article and a word are together."""
    said: Table
    """Shape (arguments, 3, 2): the one or two words of an argument in each form."""
    numbers: Table
    """Shape (3, codes): the number of a fact, a rule or an answer that a word is."""
    names: Table
    """Shape (3, numbers): the inverse of `numbers`."""
    ends: NDArray[np.bool_]
    """By code, whether a sentence that is none ends with it."""
    separator: int
    """The word between literals, or -1."""
    entities: int


@cache
def sides(words: Words) -> tuple[Side, Side]:
    """The stored and the English side."""
    variables = [(name,) * 3 for name in VARIABLES]
    stored = _side(
        words,
        words.alphabet,
        sentences=[stored for stored, _ in phrases.SENTENCES],
        literals=[
            " ".join([polarity, word, *_SLOTS[-ARITY:][:arity]])
            for word, arity in zip(words.predicate_words, words.arities, strict=True)
            for polarity in "-+"
        ],
        said=[*((word,) * 3 for word in words.entity_words), *variables],
        names=[
            [f"fact{at}" for at in range(1, words.largest_facts + 1)],
            [f"rule{at}" for at in range(1, words.largest_rules + 1)],
        ],
    )
    english = _side(
        words,
        phrases.english(words),
        sentences=[said for _, said in phrases.SENTENCES],
        literals=[
            said
            for word, arity in zip(words.predicate_words, words.arities, strict=True)
            for said in phrases.literal(word, arity)
        ],
        said=[*((phrases.entity(word),) * 3 for word in words.entity_words), *phrases.PRONOUNS],
        names=[list(map(str, range(1, most + 1))) for most in (words.largest_facts, words.largest_rules)],
        separator=phrases.SEPARATOR,
        ends=phrases.ENDS,
    )
    return stored, english


def _side(
    words: Words,
    alphabet: tuple[str, ...],
    *,
    sentences: Sequence[str],
    literals: Sequence[str],
    said: Sequence[tuple[str, ...]],
    names: list[list[str]],
    separator: str = "",
    ends: tuple[str, ...] = (),
) -> Side:
    code = {word: at for at, word in enumerate(alphabet)}
    alone, articles, after, spoken = _argument_tables(said, code)
    numbers, figures = _number_tables([*names, list(ANSWERS)], code)
    last = [code[word] for word in ends] if ends else list(range(_CODES))
    return Side(
        sentences=_phrase_table(sentences, code),
        literals=_phrase_table(literals, code),
        predicates=_predicate_table(literals, code),
        arguments=alone,
        articles=articles,
        after=after,
        said=spoken,
        numbers=numbers,
        names=figures,
        ends=np.isin(np.arange(_CODES), last),
        separator=code.get(separator, -1),
        entities=len(words.entity_words),
    )


def _phrase_table(said: Sequence[str], code: dict[str, int]) -> Table:
    slots = {name: LITERAL - at for at, name in enumerate(_SLOTS)}
    rows = [[slots[word] if word in slots else code[word] for word in phrase.split()] for phrase in said]
    table = np.full((len(rows), max(map(len, rows)) + 1), END, np.int32)
    for row, words in zip(table, rows, strict=True):
        row[: len(words)] = words
    return table


def _predicate_table(literals: Sequence[str], code: dict[str, int]) -> Table:
    """A predicate is named by the words that stand in its literals alone."""
    table = np.full(_CODES, -1, np.int32)
    namings: dict[str, set[int]] = {}
    for at, phrase in enumerate(literals):
        for word in phrase.split():
            namings.setdefault(word, set()).add(at // 2)
    for word, predicates in namings.items():
        if len(predicates) == 1 and word in code:
            table[code[word]] = predicates.pop()
    return table


def _argument_tables(
    said: Sequence[tuple[str, ...]], code: dict[str, int]
) -> tuple[Table, Table, Table, Table]:
    alone, articles = (np.full(_CODES, -1, np.int32) for _ in range(2))
    after = np.full((_ARTICLES, _CODES), -1, np.int32)
    words = np.full((len(said), 3, 2), -1, np.int32)
    numbers: dict[int, int] = {}
    for argument, forms in enumerate(said):
        for form, phrase in enumerate(forms):
            spoken = [code[word] for word in phrase.split()]
            words[argument, form, : len(spoken)] = spoken
            if len(spoken) == 1:
                alone[spoken[0]] = argument
            else:
                articles[spoken[0]] = numbers.setdefault(spoken[0], len(numbers))
                after[articles[spoken[0]], spoken[1]] = argument
    return alone, articles, after, words


def _number_tables(names: list[list[str]], code: dict[str, int]) -> tuple[Table, Table]:
    numbers = np.full((len(names), _CODES), -1, np.int32)
    words = np.full((len(names), max(map(len, names))), -1, np.int32)
    for kind, known in enumerate(names):
        words[kind, : len(known)] = [code[word] for word in known]
        numbers[kind, words[kind, : len(known)]] = np.arange(len(known))
    return numbers, words
