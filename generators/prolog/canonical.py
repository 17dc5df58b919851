"""Hashes of theories: one that renaming and reordering leave as it is, and one of a problem as it is stated.

The first is colour refinement (1-dimensional Weisfeiler and Leman). Every entity, predicate and variable has
a colour; a round mixes into it the multiset of its occurrences: the clause in colours, the literal, the place
in it. Theories that are the same up to renaming always collide. Different ones that refinement cannot tell
apart do too, which is harmless where hashes keep equal theories out of two splits.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.compiled import compiled
from generators.domain import content_hash
from generators.prolog.alphabet import ARITY, VARIABLES, Words
from generators.prolog.theory import (
    ARGUMENTS,
    POLARITY,
    PREDICATE,
    VARIABLE,
    WIDTH,
    Given,
    Offsets,
    Theories,
)

ROUNDS = 4
"""The fewest rounds; then more, as long as they tell more names apart."""

Hashes = NDArray[np.uint64]
Numbers = NDArray[np.int32]

_POLARITY, _PREDICATE, _ARGUMENTS, _ARITY, _VARIABLE = POLARITY, PREDICATE, ARGUMENTS, ARITY, VARIABLE
_VARIABLES, _ROUNDS, _WIDTH = len(VARIABLES), ROUNDS, WIDTH

_FACT, _BODY, _HEAD, _RULE = (np.uint64(role) for role in (1, 2, 3, 4))
_ENTITY, _SYMBOL, _PLACEHOLDER = (np.uint64(kind) for kind in (5, 6, 7))
_ODD = np.uint64(0x9E3779B97F4A7C15)
_SEEDS = (np.uint64(0x243F6A8885A308D3), np.uint64(0x13198A2E03707344))

_BODY_NEXT, _HEAD_NEXT, _QUESTION_NEXT = -4, -3, -2
"""Marks in the canonical form of a problem; no number of a literal is as small."""


class _Work(NamedTuple):
    """Arrays that every theory reuses.

    The names of a theory are numbered: entities and predicates as they appear, then each rule's variables.
    """

    entity: Numbers
    predicate: Numbers
    """The number of a name in this theory, or -1."""
    kinds: Hashes
    """The first colour of each name."""
    colours: Hashes
    occurrences: Hashes
    """The sum over what was seen of each name in this round."""


def theory_hashes(theories: Theories, words: Words) -> list[str]:
    """A hash of every theory without its question, as 32 hexadecimal digits.

    It stays the same when entities, predicates and the variables of a rule are renamed, and when facts, rules
    and the literals of a body are put in another order; repeated clauses count.
    """
    entities, predicates = len(words.entity_words), len(words.predicate_words)
    rules = int(np.diff(theories.rule_offsets).max(initial=0))
    names = entities + predicates + rules * len(VARIABLES)
    work = _Work(
        np.zeros(entities, np.int32), np.zeros(predicates, np.int32),
        *(np.zeros(names, np.uint64) for _ in range(3)),
    )  # fmt: skip
    hashes = np.zeros((len(theories), len(_SEEDS)), np.uint64)
    _hash_all(theories.given, work, hashes)
    digits = hashes.astype(">u8").tobytes().hex()
    return [digits[at : at + 32] for at in range(0, len(digits), 32)]


def problem_ids(theories: Theories, words: Words) -> list[str]:
    """A hash of every theory with its question as they are stated, as 32 hexadecimal digits.

    It covers names, order and variables, and the vocabulary whose numbers they are, but not how many clauses
    the alphabet has numbers for.
    """
    literals = len(theories.facts) + len(theories.heads) + len(theories.bodies) + len(theories)
    room = literals * WIDTH + 2 * len(theories.heads) + len(theories)
    out, offsets = np.empty(room, np.int16), np.zeros(len(theories) + 1, np.int64)
    _state_all(theories.given, out, offsets)
    stated, places = out.astype("<i2").tobytes(), (2 * offsets).tolist()
    vocabulary = words.vocabulary.encode()
    return [content_hash(vocabulary, stated[start:stop]) for start, stop in pairwise(places)]


@compiled
def _mixed(number: np.uint64) -> np.uint64:
    """The finalizer of SplitMix64."""
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.uint64 = number ^ (number >> np.uint64(31))
    return mixed


@compiled
def _meet(literal: NDArray[np.int16], seed: np.uint64, names: int, work: _Work) -> int:
    """Number the names of a literal that are new; gives how many names there are."""
    predicate, arity = literal[_PREDICATE], 0
    for at in range(_ARITY):
        argument = literal[_ARGUMENTS + at]
        if argument >= 0:
            arity += 1
        if 0 <= argument < _VARIABLE and work.entity[argument] < 0:
            work.entity[argument] = names
            work.kinds[names] = _mixed(seed + _ENTITY)
            names += 1
    if work.predicate[predicate] < 0:
        work.predicate[predicate] = names
        work.kinds[names] = _mixed(seed + _SYMBOL + (np.uint64(arity) << np.uint64(8)))
        names += 1
    return names


@compiled
def _number(row: int, given: Given, seed: np.uint64, work: _Work) -> tuple[int, int]:
    """Number the names of a theory; gives how many there are without the variables, and with them."""
    work.entity[:], work.predicate[:], names = -1, -1, 0
    for fact in range(given.fact_offsets[row], given.fact_offsets[row + 1]):
        names = _meet(given.facts[fact], seed, names, work)
    first, last = given.rule_offsets[row], given.rule_offsets[row + 1]
    for at in range(given.body_offsets[first], given.body_offsets[last]):
        names = _meet(given.bodies[at], seed, names, work)
    for rule in range(first, last):
        names = _meet(given.heads[rule], seed, names, work)
    everything = names + _VARIABLES * (last - first)
    work.kinds[names:everything] = _mixed(seed + _PLACEHOLDER)
    return names, everything


@compiled
def _name(literal: NDArray[np.int16], at: int, variables: int, work: _Work) -> int:
    """The number of the name at a place of a literal, 0 for its predicate, or -1."""
    if at == 0:
        return int(work.predicate[literal[_PREDICATE]])
    argument = literal[_ARGUMENTS + at - 1]
    if argument < 0:
        return -1
    return variables + argument - _VARIABLE if argument >= _VARIABLE else int(work.entity[argument])


@compiled
def _literal(
    literal: NDArray[np.int16], role: np.uint64, seed: np.uint64, variables: int, work: _Work
) -> np.uint64:
    """The hash of a literal in colours."""
    digest = _mixed(seed + role + (np.uint64(literal[_POLARITY]) << np.uint64(8)))
    for at in range(1 + _ARITY):
        name = _name(literal, at, variables, work)
        if name >= 0:
            digest = _mixed(digest * _ODD + work.colours[name])
    return digest


@compiled
def _spread(
    literal: NDArray[np.int16], digest: np.uint64, clause: np.uint64, variables: int, work: _Work
) -> None:
    """Tell each name of a literal where it was seen."""
    seen = digest * _ODD + clause
    for at in range(1 + _ARITY):
        name = _name(literal, at, variables, work)
        if name >= 0:
            work.occurrences[name] += _mixed(seen + np.uint64(at))


@compiled
def _facts(row: int, given: Given, seed: np.uint64, work: _Work) -> np.uint64:
    total = np.uint64(0)
    for fact in range(given.fact_offsets[row], given.fact_offsets[row + 1]):
        digest = _literal(given.facts[fact], _FACT, seed, 0, work)
        total += _mixed(digest)
        _spread(given.facts[fact], digest, seed, 0, work)
    return total


@compiled
def _rules(row: int, given: Given, names: int, seed: np.uint64, work: _Work) -> np.uint64:
    total = np.uint64(0)
    for rule in range(given.rule_offsets[row], given.rule_offsets[row + 1]):
        variables = names + _VARIABLES * (rule - given.rule_offsets[row])
        head = _literal(given.heads[rule], _HEAD, seed, variables, work)
        clause = _mixed(head + _RULE)
        for at in range(given.body_offsets[rule], given.body_offsets[rule + 1]):
            clause += _mixed(_literal(given.bodies[at], _BODY, seed, variables, work))
        clause = _mixed(clause)
        total += _mixed(clause + _RULE)
        _spread(given.heads[rule], head, clause, variables, work)
        for at in range(given.body_offsets[rule], given.body_offsets[rule + 1]):
            digest = _literal(given.bodies[at], _BODY, seed, variables, work)
            _spread(given.bodies[at], digest, clause, variables, work)
    return total


@compiled
def _distinct(colours: Hashes, names: int) -> int:
    """How many colours the first `names` names have."""
    count = 0
    for one in range(names):
        new = True
        for other in range(one):
            if colours[one] == colours[other]:
                new = False
                break
        count += new
    return count


@compiled
def _hash(row: int, given: Given, seed: np.uint64, work: _Work) -> np.uint64:
    names, everything = _number(row, given, seed, work)
    work.colours[:everything] = work.kinds[:everything]
    rounds, distinct, before = 0, 0, -1
    total = np.uint64(0)
    # Further rounds can only split colours, so once none is split they would tell nothing new.
    while rounds < _ROUNDS or distinct > before:
        work.occurrences[:everything] = np.uint64(0)
        total = _mixed(_facts(row, given, seed, work))
        total = _mixed(total * _ODD + _rules(row, given, names, seed, work))
        for name in range(everything):
            work.colours[name] = _mixed(work.colours[name] * _ODD + work.occurrences[name])
        rounds, before, distinct = rounds + 1, distinct, _distinct(work.colours, names)
    return total


@compiled
def _hash_all(given: Given, work: _Work, hashes: Hashes) -> None:
    for row in range(len(hashes)):
        for lane, seed in enumerate(_SEEDS):
            hashes[row, lane] = _hash(row, given, seed, work)


@compiled
def _state(literal: NDArray[np.int16], out: NDArray[np.int16], used: int) -> int:
    out[used : used + _WIDTH] = literal
    return used + _WIDTH


@compiled
def _state_all(given: Given, out: NDArray[np.int16], offsets: Offsets) -> None:
    """Write each problem as facts, rules and the question, with marks between bodies, heads and rules."""
    used = 0
    for row in range(len(given.questions)):
        for fact in range(given.fact_offsets[row], given.fact_offsets[row + 1]):
            used = _state(given.facts[fact], out, used)
        for rule in range(given.rule_offsets[row], given.rule_offsets[row + 1]):
            out[used] = _BODY_NEXT
            used += 1
            for at in range(given.body_offsets[rule], given.body_offsets[rule + 1]):
                used = _state(given.bodies[at], out, used)
            out[used] = _HEAD_NEXT
            used = _state(given.heads[rule], out, used + 1)
        out[used] = _QUESTION_NEXT
        used = _state(given.questions[row], out, used + 1)
        offsets[row + 1] = used
