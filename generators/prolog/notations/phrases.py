"""The English of the notation `natural`: what each stored phrase is in words; imports no compiler.

Phrases of the two notations stand in pairs with the same slots in the same order, so that one table serves
both directions. Slots are written in capitals.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from generators.prolog.alphabet import ANIMALS, ANSWERS, CONCEPTS, RELATIONS, Words

SENTENCES = (
    ("call LITERAL", "show that LITERAL ."),
    ("use FACT", "fact FACT says so ."),
    ("use RULE", "try rule RULE ."),
    ("reuse RULE", "try rule RULE again ."),
    ("bind VARIABLE ENTITY", "let VARIABLE be ENTITY ."),
    ("unbind VARIABLE", "forget VARIABLE ."),
    ("exit LITERAL", "so LITERAL ."),
    ("redo LITERAL", "show in another way that LITERAL ."),
    ("fail LITERAL", "nothing shows that LITERAL ."),
    ("fail", "nothing fits ."),
    ("loop", "that goes in a circle ."),
    ("limit", "that takes too long ."),
    ("obtain LITERAL", "so now LITERAL ."),
    ("known LITERAL", "we know that LITERAL ."),
    ("finish RULE", "done with rule RULE ."),
    ("answer VALUE", "the answer is VALUE ."),
    ("FACT LITERAL", "fact FACT : LITERAL ."),
    ("RULE if BODY then LITERAL", "rule RULE : if BODY then LITERAL ."),
    ("RULE if then LITERAL", "rule RULE : LITERAL ."),
    ("ask LITERAL", "question : is it true that LITERAL ?"),
)
"""Stored and English; the first that fits is taken, so `fail LITERAL` stands before `fail`."""

SEPARATOR = "and"
"""Between the literals of a BODY in English; stored, nothing is."""
ENDS = (".", "?")
"""The last words of English sentences."""

PRONOUNS = (
    ("something", "anything", "it"),
    ("another", "any other", "the other"),
    ("a third", "any third", "the third"),
    ("a fourth", "any fourth", "the fourth"),
    ("a fifth", "any fifth", "the fifth"),
    ("a sixth", "any sixth", "the sixth"),
)
"""Each variable where it is first mentioned in a body, first in a head, and afterwards."""

_LONGER_WORDS = {"impus": "an impus"}


def literal(word: str, arity: int) -> tuple[str, str]:
    """The English of a negative and of a positive literal, with the slots FIRST, SECOND and THIRD."""
    if arity == 0:
        return f"{word} does not hold", f"{word} holds"
    if arity == 1:
        said = _LONGER_WORDS.get(word, f"a {word}") if word in CONCEPTS else word
        return f"FIRST is not {said}", f"FIRST is {said}"
    if word in RELATIONS:
        return f"FIRST does not {word.removesuffix('s')} SECOND", f"FIRST {word} SECOND"
    others = "SECOND" if arity == 2 else "SECOND with THIRD"
    return f"FIRST does not {word} {others}", f"FIRST does {word} {others}"


def entity(word: str) -> str:
    """An entity with the article that animals take."""
    return f"the {word}" if word in ANIMALS else word


@cache
def english(words: Words) -> tuple[str, ...]:
    """The alphabet: words of sentences, numbers, entities, predicates in their forms, answers."""
    said = (word for phrase in _phrases(words) for word in phrase.split())
    return tuple(dict.fromkeys(word for word in said if not word.isupper()))


def _phrases(words: Words) -> Iterator[str]:
    yield from (said for _, said in SENTENCES)
    yield SEPARATOR
    for forms in PRONOUNS:
        yield from forms
    yield from map(str, range(1, max(words.largest_facts, words.largest_rules) + 1))
    yield from map(entity, words.entity_words)
    for word, arity in zip(words.predicate_words, words.arities, strict=True):
        yield from literal(word, arity)
    yield from ANSWERS
