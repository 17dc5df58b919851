"""PrOntoQA's theories, compiled: one entity, a linear ontology, and what opposes the conclusion out of reach.

After arXiv 2210.01240: every concept belongs to the next one, concepts have properties (some negated), and
the one fact is a membership. A second ontology, whose concepts the entity never reaches, gives the property
that is asked about with the other sign, so that a reader has to follow the hops. At depth 0 the property is
stated.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.chance import State, below
from generators.compiled import compiled
from generators.prolog.sampling.cells import FALSE, Cells, Pool
from generators.prolog.sampling.drafts import Drafts
from generators.prolog.theory import ARGUMENTS, POLARITY, PREDICATE, VARIABLE

Numbers = NDArray[np.int64]

_POLARITY, _PREDICATE, _ARGUMENTS, _VARIABLE, _FALSE = POLARITY, PREDICATE, ARGUMENTS, VARIABLE, FALSE

_CONCEPTS, _PROPERTIES, _MAIN, _SIDE, _RULES = range(5)
"""Of `used`: concepts and properties that have names, concepts of both ontologies, rules."""


class _Work(NamedTuple):
    """Arrays that every theory reuses."""

    concepts: Numbers
    """Shuffled words; the first ones are used."""
    properties: Numbers
    main: Numbers
    """The concepts that the entity reaches, in their order."""
    side: Numbers
    """Those that it does not."""
    used: Numbers


def construct(
    state: State, rows: Numbers, cells: Cells, pool: Pool, rules: tuple[int, int], drafts: Drafts
) -> int:
    """Write the problems `rows`; gives how many could be written before the words ran out."""
    words, separate = len(pool.attributes), len(pool.relations)
    # With one pool for both, a deep chain takes more than half of it for its concepts.
    deepest = int(cells.depth[rows].max(initial=0))
    concepts = words if separate else min(words, max(words // 2, deepest + 3))
    everything = np.concatenate([pool.attributes, pool.relations])
    work = _Work(
        everything[:concepts].copy(), everything[concepts:].copy(),
        np.zeros(words, np.int64), np.zeros(words, np.int64), np.zeros(5, np.int64),
    )  # fmt: skip
    return _construct_all(state, rows, cells, pool.entities, rules, not separate, work, drafts)


@compiled
def _shuffle(state: State, items: Numbers) -> None:
    for at in range(len(items) - 1, 0, -1):
        other = below(state, at + 1)
        items[at], items[other] = items[other], items[at]


@compiled
def _deal(state: State, one_pool: bool, work: _Work) -> None:
    """Shuffle the words; those of one pool may become concepts or properties."""
    concepts, properties = work.concepts, work.properties
    if one_pool and len(properties):
        for at in range(len(concepts)):
            other = below(state, len(concepts) + len(properties) - at)
            if other < len(concepts) - at:
                concepts[at], concepts[at + other] = concepts[at + other], concepts[at]
            else:
                other -= len(concepts) - at
                concepts[at], properties[other] = properties[other], concepts[at]
    _shuffle(state, concepts)
    _shuffle(state, properties)


@compiled
def _concept(work: _Work, members: Numbers, which: int) -> bool:
    """Give an ontology one more concept, if there is a word for it."""
    used = work.used
    if used[_CONCEPTS] == len(work.concepts):
        return False
    members[used[which]] = work.concepts[used[_CONCEPTS]]
    used[_CONCEPTS] += 1
    used[which] += 1
    return True


@compiled
def _property(work: _Work) -> int:
    """The word of a new property, or -1."""
    if work.used[_PROPERTIES] == len(work.properties):
        return -1
    work.used[_PROPERTIES] += 1
    return int(work.properties[work.used[_PROPERTIES] - 1])


@compiled
def _rule(body: int, sign: int, head: int, row: int, work: _Work, drafts: Drafts) -> None:
    at = work.used[_RULES]
    work.used[_RULES] += 1
    drafts.lengths[row, at] = 1
    literal = drafts.bodies[row, at, 0]
    literal[_POLARITY], literal[_PREDICATE], literal[_ARGUMENTS] = 1, body, _VARIABLE
    literal = drafts.heads[row, at]
    literal[_POLARITY], literal[_PREDICATE], literal[_ARGUMENTS] = sign, head, _VARIABLE


@compiled
def _climb(members: Numbers, which: int, row: int, work: _Work, drafts: Drafts) -> bool:
    """One more concept at the end of an ontology, with the rule that leads to it."""
    if not _concept(work, members, which):
        return False
    last = work.used[which] - 1
    _rule(members[last - 1], 1, members[last], row, work, drafts)
    return True


@compiled
def _extra(state: State, row: int, work: _Work, drafts: Drafts) -> bool:
    """A rule more: an ontology goes on, or a concept has a property more, whichever has a word left."""
    first = below(state, 4)
    for turn in range(4):
        kind = (first + turn) % 4
        members, which = (work.main, _MAIN) if kind & 1 else (work.side, _SIDE)
        if kind < 2:
            if _climb(members, which, row, work, drafts):
                return True
            continue
        about = members[below(state, work.used[which])]
        word = _property(work)
        if word >= 0:
            _rule(about, below(state, 2), word, row, work, drafts)
            return True
    return False


@compiled
def _fact(sign: int, predicate: int, entity: int, row: int, drafts: Drafts) -> None:
    fact = drafts.facts[row, drafts.fact_numbers[row]]
    fact[_POLARITY], fact[_PREDICATE], fact[_ARGUMENTS] = sign, predicate, entity
    drafts.fact_numbers[row] += 1


@compiled
def _swap(one: NDArray[np.int16], two: NDArray[np.int16]) -> None:
    for at in range(len(one)):
        one[at], two[at] = two[at], one[at]


@compiled
def _shuffle_clauses(state: State, row: int, rules: int, drafts: Drafts) -> None:
    for at in range(rules - 1, 0, -1):
        other = below(state, at + 1)
        _swap(drafts.heads[row, at], drafts.heads[row, other])
        _swap(drafts.bodies[row, at, 0], drafts.bodies[row, other, 0])
    if drafts.fact_numbers[row] == 2 and below(state, 2):
        _swap(drafts.facts[row, 0], drafts.facts[row, 1])


@compiled
def _construct(
    state: State, row: int, depth: int, derived: int, rules: int, entity: int, work: _Work, drafts: Drafts
) -> int:
    """One theory with a property that is derived with the sign `derived`; gives its word, or -1."""
    work.used[:] = 0
    drafts.fact_numbers[row] = 0
    asked = _property(work)
    reached = _concept(work, work.main, _MAIN) and _concept(work, work.side, _SIDE)
    for _ in range(depth - 1):
        reached = reached and _climb(work.main, _MAIN, row, work, drafts)
    if asked < 0 or not reached:
        return -1
    _fact(1, work.main[0], entity, row, drafts)
    if depth == 0:
        _fact(derived, asked, entity, row, drafts)
    else:
        _rule(work.main[depth - 1], derived, asked, row, work, drafts)
    # The other way to the property has as many hops as the first one, as far as there are rules for them.
    for _ in range(min(depth - 1, rules - work.used[_RULES] - 1)):
        if not _climb(work.side, _SIDE, row, work, drafts):
            break
    _rule(work.side[work.used[_SIDE] - 1], 1 - derived, asked, row, work, drafts)
    while work.used[_RULES] < rules:
        if not _extra(state, row, work, drafts):
            return -1
    _shuffle_clauses(state, row, rules, drafts)
    return asked


@compiled
def _construct_all(
    state: State,
    rows: Numbers,
    cells: Cells,
    entities: Numbers,
    rules: tuple[int, int],
    one_pool: bool,
    work: _Work,
    drafts: Drafts,
) -> int:
    for done, row in enumerate(rows):
        depth, polarity = cells.depth[row], cells.polarity[row]
        derived = 1 - polarity if cells.answer[row] == _FALSE else polarity
        fewest = max(rules[0], depth + 1)
        number = fewest + below(state, rules[1] - fewest + 1)
        entity = entities[below(state, len(entities))]
        _deal(state, one_pool, work)
        asked = _construct(state, row, depth, derived, number, entity, work, drafts)
        if asked < 0:
            return done
        drafts.rule_numbers[row], drafts.entities[row] = number, 1
        question = drafts.questions[row]
        question[_POLARITY], question[_PREDICATE], question[_ARGUMENTS] = polarity, asked, entity
    return len(rows)
