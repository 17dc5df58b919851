"""Theories and questions in English: the sentences of ProofWriter, RuleTaker and PrOntoQA.

Facts; `If ... [and ...] then ...`; `[All] A[, A] people are A`; `Every X is [not] [a] Y`, `Xs are Ys`,
`No X is Y`, `Everything that is A and B is C`. A conclusion with `and`, or a condition with `or`, gives
several rules.
"""

from __future__ import annotations

import re
from dataclasses import replace

from generators.domain import BadProblem
from generators.prolog.reading.grammar import Clauses
from generators.prolog.reading.lexicon import (
    ARTICLES,
    AUXILIARIES,
    BEINGS,
    EVERY,
    EVERYONE,
    NO_ONE,
    PARTS,
    RELATIVE,
    SOME,
    SUBJECTS,
    Lexicon,
    Outside,
    Tokens,
    name,
    parts,
    sentences,
    tokens,
)
from generators.prolog.reading.morphology import is_third_person, singular
from generators.prolog.reading.naming import Literal, Problem, Rule

Body = tuple[Literal, ...]
_ABOUT_ALL = EVERY | ARTICLES | EVERYONE
_PLURAL_VERBS = ("are", "do")


def problem(title: str, context: str, question: str, given: str | None = None) -> Problem:
    """A problem from its sentences. Raises BadProblem, quoting the sentence that cannot be read."""
    asked = statement_of(question)
    stated = sentences(context)
    lexicon = Lexicon.of([*stated, asked])
    facts: list[Literal] = []
    rules: list[Rule] = []
    for sentence in stated:
        new_facts, new_rules = _read(sentence, lexicon)
        facts += new_facts
        rules += new_rules
    found, about_all = _read(asked, lexicon)
    if about_all or len(found) != 1:
        raise BadProblem(f"the question '{asked}' is not about one literal")
    return Problem(title, facts, _parted(facts, rules, found[0]), found[0], given)


def statement_of(question: str) -> str:
    """The statement that a question is about: its last sentence, if possible one that does not ask."""
    asked = sentences(question)
    if not asked:
        raise BadProblem("the question is empty")
    said = [sentence for sentence in asked if not sentence.endswith("?")] or [asked[-1].rstrip("? ")]
    return re.sub(r"^true or false:\s*", "", said[-1], flags=re.IGNORECASE).strip("\"'“”")


def _read(sentence: str, lexicon: Lexicon) -> tuple[list[Literal], list[Rule]]:
    try:
        words = tokens(sentence)
        clauses = Clauses(lexicon)
        if words[0] == "if":
            return [], _conditional(clauses, words[1:])
        verb = _verb_of_kind(words)
        if verb:
            return [], _general(clauses, words[:verb], words[verb:])
        facts = clauses.read(words)
        # 'Someone is kind' leaves open who it is; 'is not red and kind' how far the 'not' reaches.
        if clauses.mentions.variables or clauses.doubtful:
            raise Outside
    except Outside:
        raise BadProblem(f"sentence '{sentence}' is outside the grammar") from None
    return facts, []


def _conditional(clauses: Clauses, words: Tokens) -> list[Rule]:
    if words.count("then") != 1:
        raise Outside
    at = words.index("then")
    stated = clauses.read(words[:at])
    body = (*clauses.mentions.conditions, *stated)
    clauses.last, clauses.doubtful = None, False
    clauses.mentions.conditions.clear()
    heads = clauses.read(words[at + 1 :])
    if not stated or clauses.mentions.conditions or clauses.doubtful:
        raise Outside
    return [(body, head) for head in heads]


def _verb_of_kind(words: Tokens) -> int:
    """Where the verb of a sentence about all of a kind begins; 0 in a sentence about somebody."""
    first = words[0]
    verbs = [at for at, word in enumerate(words) if word in AUXILIARIES]
    beings = next((at for at, word in enumerate(words) if word in ("people", "things")), 0)
    if first == "the" or first in SUBJECTS or (first in SOME and first not in EVERYONE):
        return 0
    if RELATIVE & set(words):
        return _verb_behind_relative(words, verbs)
    if verbs:
        about_all = first in _ABOUT_ALL or words[verbs[0]] in _PLURAL_VERBS or (beings == verbs[0] - 1 > 0)
        return verbs[0] if about_all else 0
    if beings or first in EVERYONE or first in ("all", "no"):
        return beings + 1 if beings else 2 - (first in EVERYONE)
    if first not in _ABOUT_ALL:
        return 0
    return next((at for at in range(2, len(words)) if is_third_person(words[at])), 0)


def _verb_behind_relative(words: Tokens, verbs: list[int]) -> int:
    """The last verb: `Everything that is red is big`. Not so in `Bob, who is red, is big`."""
    at = next(at for at, word in enumerate(words) if word in RELATIVE)
    if not verbs or verbs[-1] <= at + 1 or words[at - 1] == "," or words[verbs[-1] - 1] == ",":
        return 0
    about_all = words[0] in _ABOUT_ALL or words[verbs[-1]] in _PLURAL_VERBS
    return verbs[-1] if about_all else 0


def _general(clauses: Clauses, kind: Tokens, said: Tokens) -> list[Rule]:
    """The rules of a sentence about all of a kind."""
    if not said:
        raise Outside
    everything = clauses.mentions.variable("")
    plural = said[0] in _PLURAL_VERBS or (said[0] not in AUXILIARIES and not is_third_person(said[0]))
    denied = kind[0] in ("no", *NO_ONE)
    bodies = _kind(clauses, kind[1:] if kind[0] in _ABOUT_ALL else kind, plural, everything)
    clauses.doubtful = False
    heads = clauses.follow(everything, plural, said)
    if clauses.doubtful or any(head.arguments[0] != everything for head in heads) or (denied and heads[1:]):
        raise Outside
    if len(clauses.mentions.variables) > 1:
        raise Outside
    if denied:
        heads = [replace(heads[0], positive=not heads[0].positive)]
    return [(body, head) for body in bodies for head in heads]


def _kind(clauses: Clauses, words: Tokens, plural: bool, everything: int) -> list[Body]:
    """What holds of all that are meant, in one body for each way of being meant."""
    at = next((at for at, word in enumerate(words) if word in RELATIVE), len(words))
    noun = _noun(clauses.lexicon, words[:at], plural or words[at - 1 : at] == ("things",), everything)
    further = words[at + 1 :]
    if not further:
        return [noun]
    if "or" not in further:
        return [(*noun, *clauses.follow(everything, plural, further))]
    if "and" in further:
        raise Outside
    verb = further[:1]
    ways = parts(further[1:], ("or", ","))
    return [(*noun, *clauses.follow(everything, plural, (*verb, *way))) for way in ways]


def _noun(lexicon: Lexicon, words: Tokens, plural: bool, everything: int) -> Body:
    """What a noun with its adjectives says: of `red, cold things`, red and cold."""
    pieces = parts(words, PARTS)
    qualities: list[Tokens] = []
    if words and words[-1] in BEINGS:
        qualities.extend((word,) for piece in pieces for word in piece if word not in BEINGS)
    elif pieces:
        last = pieces[-1]
        if plural:
            one = singular(last[-1], lexicon.nouns)
            if one is None:
                raise Outside
            last = (*last[:-1], one)
        qualities = [*pieces[:-1], last]
        if any(len(quality) > 1 for quality in qualities[:-1]):
            raise Outside
    return tuple(Literal(True, name(quality), (everything,)) for quality in qualities)


def _parted(facts: list[Literal], rules: list[Rule], question: Literal) -> list[Rule]:
    """The rules with `red wumpus` as `red` and `wumpus` in bodies, where nothing is ever said to be one.

    `natural number` remains one noun in a text in which something is a natural number.
    """
    asserted = {literal.predicate for literal in (*facts, question, *(head for _, head in rules))}
    met = asserted | {literal.predicate for body, _ in rules for literal in body}

    def pieces(literal: Literal) -> Body:
        words = literal.predicate.split(" ")
        known = len(literal.arguments) == 1 and literal.predicate not in asserted and met.issuperset(words)
        return tuple(replace(literal, predicate=word) for word in words) if known else (literal,)

    return [(tuple(piece for literal in body for piece in pieces(literal)), head) for body, head in rules]
