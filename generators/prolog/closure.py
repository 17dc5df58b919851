"""The forward closure of theories, compiled: labels and minimal depths, independent of Prolog.

Literals are derived breadth first. A rule fires on the literal of its body that was derived last, so that
each of its instances fires once (the semi-naive join), and none at a smaller depth than the one before. Known
literals stand in a table with a cell for every ground literal over the names of the theory; the cell of a
literal's complement is its neighbour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.compiled import compiled, whole
from generators.domain import BadProblem
from generators.prolog.alphabet import ARITY, VARIABLES, Words
from generators.prolog.theory import (
    ARGUMENTS,
    NONE,
    POLARITY,
    PREDICATE,
    VARIABLE,
    WIDTH,
    Given,
    Offsets,
    Theories,
)

Numbers = NDArray[np.int32]

TRUE, FALSE, UNKNOWN = 0, 1, 2
"""Places in ANSWERS."""

MOST_STEPS = 10_000_000
"""Of a body joined with known literals, in one theory; a second or two."""


@dataclass(frozen=True)
class Closures:
    """What follows from each theory, one a row."""

    answer: NDArray[np.int8]
    """Of the question, as a place in ANSWERS: true, false or unknown; true if the theory derives both."""
    depth: Numbers
    """The fewest layers of rules that derive the question or its complement, 0 for a stated one; if the
    answer is unknown, those of the deepest literal of the closure."""
    deepest: Numbers
    """Layers of the deepest literal of the closure."""
    contradictory: NDArray[np.bool_]
    """Whether a literal and its complement are derived."""
    derived: Numbers
    """Literals in the closure, the stated ones among them."""


class _Names(NamedTuple):
    """The names of one theory, numbered in the order of their appearance."""

    entity: Numbers
    """The local number of an entity, or -1."""
    entities: Numbers
    predicate: Numbers
    """The local number of a predicate, or -1."""
    predicates: Numbers
    arities: Offsets
    """Of every predicate of the alphabet."""
    bases: Offsets
    """The first cell of each predicate, and the one after the last."""


class _Work(NamedTuple):
    """Arrays that every theory reuses. A *group* is a predicate with a polarity: 2 * its number + 1 or 0."""

    place: Numbers
    """Of each cell: which of the known literals stands in it, or -1."""
    cells: Numbers
    groups: Numbers
    arguments: Numbers
    depths: Numbers
    later: Numbers
    """Of each known literal: the next one of its group, or -1."""
    oldest: Numbers
    newest: Numbers
    """Of each group: its known literals."""
    literals: Numbers
    """Bodies, then heads, as group, arity and arguments; a variable v is -1 - v."""
    uses: Numbers
    """Of each group: a body literal, or -1."""
    more_uses: Numbers
    """Of each body literal: another of its group, or -1."""
    owners: Numbers
    """Of each body literal: its rule."""
    values: Numbers
    masks: Numbers
    tried: Numbers


_GROUP, _TAKES, _FIRST = 0, 1, 2
_FRESH, _SPENT = -2, -3
_POLARITY, _PREDICATE, _ARGUMENTS, _VARIABLE = POLARITY, PREDICATE, ARGUMENTS, VARIABLE
_NONE, _WIDTH, _MOST_STEPS, _TRUE, _FALSE, _UNKNOWN = NONE, WIDTH, MOST_STEPS, TRUE, FALSE, UNKNOWN


def closures(theories: Theories, words: Words) -> Closures:
    """Label, depth and size of the closure of every theory.

    Raises BadProblem for a theory whose rules have too many instances to go through.
    """
    given, names, work = _prepared(theories, words)
    rows = len(theories)
    found = Closures(
        answer=np.zeros(rows, np.int8),
        depth=np.zeros(rows, np.int32),
        deepest=np.zeros(rows, np.int32),
        contradictory=np.zeros(rows, np.bool_),
        derived=np.zeros(rows, np.int32),
    )
    row = _close_all(
        given, names, work, found.answer, found.depth, found.deepest, found.contradictory, found.derived
    )
    if row < rows:
        raise BadProblem(_endless(row))
    return found


def known(theories: Theories, row: int, words: Words) -> dict[tuple[int, ...], int]:
    """The literals of one theory's closure, each with its minimal depth, in the order of derivation."""
    given, names, work = _prepared(theories.part(row, row + 1), words)
    derived, _ = _close(0, given, names, work)
    if derived < 0:
        raise BadProblem(_endless(row))
    literals = np.full((derived, WIDTH), NONE, np.int64)
    groups = work.groups[:derived]
    literals[:, POLARITY] = groups & 1
    literals[:, PREDICATE] = names.predicates[groups >> 1]
    takes = np.array(words.arities)[literals[:, PREDICATE]]
    for at in range(ARITY):
        has = takes > at
        literals[has, ARGUMENTS + at] = names.entities[work.arguments[:derived, at][has]]
    depths = work.depths[:derived].tolist()
    return {tuple(literal): depth for literal, depth in zip(literals.tolist(), depths, strict=True)}


def _endless(row: int) -> str:
    return f"the closure of problem {row} takes more than {MOST_STEPS} steps; use fewer variables or names"


def _prepared(theories: Theories, words: Words) -> tuple[Given, _Names, _Work]:
    """The theories, and arrays that hold the largest of them."""
    entities, predicates = len(words.entity_words), len(words.predicate_words)
    names = _Names(
        np.full(entities, -1, np.int32), np.zeros(entities, np.int32),
        np.full(predicates, -1, np.int32), np.zeros(predicates, np.int32),
        np.array(words.arities, np.int64), np.zeros(predicates + 1, np.int64),
    )  # fmt: skip
    sizes = np.zeros(len(theories), np.int64)
    _measure(theories.given, names, sizes)
    cells = int(sizes.max(initial=0))  # little more than a million, when every name of an alphabet is used
    rules = int(np.diff(theories.rule_offsets).max(initial=0))
    bodies = int(np.diff(theories.body_offsets[theories.rule_offsets]).max(initial=0))
    longest = int(np.diff(theories.body_offsets).max(initial=0))
    return theories.given, names, _room(cells, 2 * predicates, rules, bodies, longest)


def _room(cells: int, groups: int, rules: int, bodies: int, longest: int) -> _Work:
    def empty(*shape: int) -> Numbers:
        return np.full(shape, -1, np.int32)

    return _Work(
        place=empty(cells), cells=empty(cells), groups=empty(cells), arguments=empty(cells, ARITY),
        depths=empty(cells), later=empty(cells), oldest=empty(groups), newest=empty(groups),
        literals=empty(bodies + rules, _FIRST + ARITY), uses=empty(groups), more_uses=empty(bodies),
        owners=empty(bodies), values=empty(len(VARIABLES)),
        masks=empty(longest + 1), tried=empty(longest + 1),
    )  # fmt: skip


@compiled
def _meet(literal: NDArray[np.int16], names: _Names, entities: int, predicates: int) -> tuple[int, int]:
    """Number the names of a literal that are new; gives how many entities and predicates there are."""
    predicate = literal[_PREDICATE]
    if names.predicate[predicate] < 0:
        names.predicate[predicate], names.predicates[predicates] = predicates, predicate
        predicates += 1
    for at in range(names.arities[predicate]):
        entity = literal[_ARGUMENTS + at]
        if entity < _VARIABLE and names.entity[entity] < 0:
            names.entity[entity], names.entities[entities] = entities, entity
            entities += 1
    return entities, predicates


@compiled
def _number(row: int, given: Given, names: _Names) -> tuple[int, int]:
    """Number the names of a theory and lay out its table; gives how many entities and predicates it has."""
    names.entity[:], names.predicate[:] = -1, -1
    entities, predicates = 0, 0
    for fact in range(given.fact_offsets[row], given.fact_offsets[row + 1]):
        entities, predicates = _meet(given.facts[fact], names, entities, predicates)
    first, last = given.rule_offsets[row], given.rule_offsets[row + 1]
    for at in range(given.body_offsets[first], given.body_offsets[last]):
        entities, predicates = _meet(given.bodies[at], names, entities, predicates)
    for rule in range(first, last):
        entities, predicates = _meet(given.heads[rule], names, entities, predicates)
    entities, predicates = _meet(given.questions[row], names, entities, predicates)
    names.bases[0] = 0
    for at in range(predicates):
        names.bases[at + 1] = names.bases[at] + 2 * entities ** names.arities[names.predicates[at]]
    return entities, predicates


@compiled
def _measure(given: Given, names: _Names, sizes: Offsets) -> None:
    """How many cells the table of each theory has."""
    for row in range(len(sizes)):
        _, predicates = _number(row, given, names)
        sizes[row] = names.bases[predicates]


@compiled
def _localize(literal: NDArray[np.int16], names: _Names, out: Numbers) -> None:
    """A literal of a rule in local numbers."""
    predicate = literal[_PREDICATE]
    out[_GROUP] = 2 * names.predicate[predicate] + literal[_POLARITY]
    out[_TAKES] = names.arities[predicate]
    for at in range(out[_TAKES]):
        argument = literal[_ARGUMENTS + at]
        out[_FIRST + at] = _VARIABLE - 1 - argument if argument >= _VARIABLE else names.entity[argument]


@compiled
def _cell(literal: Numbers, entities: int, bases: Offsets, values: Numbers) -> int:
    """The cell of a local literal whose variables have values."""
    place = 0
    for at in range(literal[_TAKES]):
        argument = literal[_FIRST + at]
        place = place * entities + (values[-1 - argument] if argument < 0 else argument)
    return whole(bases[literal[_GROUP] >> 1] + 2 * place + (literal[_GROUP] & 1))


@compiled
def _add(literal: Numbers, cell: int, depth: int, known: int, work: _Work) -> int:
    """Enter a literal under the values of its variables unless it is known; gives how many are known now."""
    if work.place[cell] >= 0:
        return known
    group = literal[_GROUP]
    work.place[cell], work.cells[known], work.groups[known], work.depths[known] = known, cell, group, depth
    for at in range(literal[_TAKES]):
        argument = literal[_FIRST + at]
        work.arguments[known, at] = work.values[-1 - argument] if argument < 0 else argument
    if work.oldest[group] < 0:
        work.oldest[group] = known
    else:
        work.later[work.newest[group]] = known
    work.newest[group], work.later[known] = known, -1
    return known + 1


@compiled
def _conclude(
    head: Numbers, mask: int, entities: int, names: _Names, depth: int, known: int, work: _Work
) -> int:
    """Enter a head; its variables without values (not in `mask`) range over the entities."""
    first, second, third, free = 0, 0, 0, 0
    for at in range(head[_TAKES]):
        variable = -1 - head[_FIRST + at]
        if variable >= 0 and not mask >> variable & 1:
            mask |= 1 << variable
            first, second, third, free = variable, first, second, free + 1
    for number in range(entities**free):
        rest = number
        if free > 0:
            work.values[first] = rest % entities
        if free > 1:
            rest //= entities
            work.values[second] = rest % entities
        if free > 2:
            work.values[third] = rest // entities
        known = _add(head, _cell(head, entities, names.bases, work.values), depth, known, work)
    return known


@compiled
def _unified(literal: Numbers, item: int, mask: int, work: _Work) -> int:
    """The variables that have values once `literal` is the known literal `item`, or -1."""
    for at in range(literal[_TAKES]):
        argument, entity = literal[_FIRST + at], work.arguments[item, at]
        if argument < 0:
            variable = -1 - argument
            if not mask >> variable & 1:
                work.values[variable] = entity
                mask |= 1 << variable
            elif work.values[variable] != entity:
                return -1
        elif argument != entity:
            return -1
    return mask


@compiled
def _ground(literal: Numbers, mask: int) -> bool:
    for at in range(literal[_TAKES]):
        argument = literal[_FIRST + at]
        if argument < 0 and not mask >> (-1 - argument) & 1:
            return False
    return True


@compiled
def _candidate(level: int, at: int, newest: int, entities: int, names: _Names, work: _Work) -> int:
    """The next known literal up to `newest` that body literal `at` can be, or -1; sets the mask after it."""
    literal, mask, tried = work.literals[at], work.masks[level], work.tried[level]
    if tried == _SPENT:
        return -1
    if tried == _FRESH and _ground(literal, mask):
        work.tried[level], work.masks[level + 1] = _SPENT, mask
        item = work.place[_cell(literal, entities, names.bases, work.values)]
        return whole(item) if item <= newest else -1
    item = work.oldest[literal[_GROUP]] if tried == _FRESH else work.later[tried]
    while 0 <= item <= newest:
        after = _unified(literal, item, mask, work)
        if after >= 0:
            work.tried[level], work.masks[level + 1] = item, after
            return whole(item)
        item = work.later[item]
    return -1


@compiled
def _fire(
    pivot: int,
    item: int,
    first: int,
    last: int,
    head: Numbers,
    entities: int,
    names: _Names,
    known: int,
    work: _Work,
) -> tuple[int, int]:
    """Every instance of a rule whose body literal `pivot` is the known literal `item`, and no other is newer.

    A literal after the pivot may be the item too, one before it not, so that no instance fires twice. Gives
    how many literals are known then, and the steps taken.
    """
    mask = _unified(work.literals[pivot], item, 0, work)
    if mask < 0:
        return known, 1
    depth, others, steps, level = work.depths[item] + 1, last - first - 1, 0, 0
    work.masks[0], work.tried[0] = mask, _FRESH
    while level >= 0 and steps < _MOST_STEPS:
        steps += 1
        if level == others:
            known = _conclude(head, work.masks[level], entities, names, depth, known, work)
            level -= 1
            continue
        at = first + level + (first + level >= pivot)
        if _candidate(level, at, item - (at < pivot), entities, names, work) < 0:
            level -= 1
        else:
            level += 1
            work.tried[level] = _FRESH
    return known, steps


@compiled
def _state(row: int, given: Given, names: _Names, entities: int, work: _Work) -> int:
    """Enter the facts of a theory, then the heads of its rules without bodies, and index the others."""
    known, first, last = 0, given.rule_offsets[row], given.rule_offsets[row + 1]
    bodies = given.body_offsets[last] - given.body_offsets[first]
    fact = np.empty(_FIRST + _WIDTH, np.int32)
    for at in range(given.fact_offsets[row], given.fact_offsets[row + 1]):
        _localize(given.facts[at], names, fact)
        known = _add(fact, _cell(fact, entities, names.bases, work.values), 0, known, work)
    for rule in range(first, last):
        head = work.literals[bodies + rule - first]
        _localize(given.heads[rule], names, head)
        if given.body_offsets[rule] == given.body_offsets[rule + 1]:
            known = _conclude(head, 0, entities, names, 1, known, work)
        for place in range(given.body_offsets[rule], given.body_offsets[rule + 1]):
            at = place - given.body_offsets[first]
            _localize(given.bodies[place], names, work.literals[at])
            group = work.literals[at, _GROUP]
            work.owners[at], work.more_uses[at], work.uses[group] = rule, work.uses[group], at
    return known


@compiled
def _close(row: int, given: Given, names: _Names, work: _Work) -> tuple[int, int]:
    """Derive what follows from a theory; gives how many literals (-1: it takes too long), and entities."""
    entities, predicates = _number(row, given, names)
    work.oldest[: 2 * predicates], work.uses[: 2 * predicates] = -1, -1
    known = _state(row, given, names, entities, work)
    start, steps, item = given.rule_offsets[row], 0, 0
    body, bodies = given.body_offsets[start], given.body_offsets[given.rule_offsets[row + 1]]
    while item < known:
        pivot = work.uses[work.groups[item]]
        while pivot >= 0:
            rule = work.owners[pivot]
            first, last = given.body_offsets[rule] - body, given.body_offsets[rule + 1] - body
            head = work.literals[bodies - body + rule - start]
            known, taken = _fire(pivot, item, first, last, head, entities, names, known, work)
            steps += taken
            if steps >= _MOST_STEPS:
                return -1, entities
            pivot = work.more_uses[pivot]
        item += 1
    return known, entities


@compiled
def _close_all(
    given: Given,
    names: _Names,
    work: _Work,
    answers: NDArray[np.int8],
    depths: Numbers,
    deepest: Numbers,
    contradictory: NDArray[np.bool_],
    derived: Numbers,
) -> int:
    """Fill the columns; gives the first row that takes too long, or the number of rows."""
    question = np.empty(_FIRST + _WIDTH, np.int32)
    for row in range(len(given.questions)):
        known, entities = _close(row, given, names, work)
        if known < 0:
            return row
        derived[row], deepest[row] = known, work.depths[known - 1] if known else 0
        _localize(given.questions[row], names, question)
        cell = _cell(question, entities, names.bases, work.values)
        own, other = work.place[cell], work.place[cell ^ 1]
        answers[row] = _TRUE if own >= 0 else (_FALSE if other >= 0 else _UNKNOWN)
        place = max(own, other) if own < 0 else own
        depths[row] = work.depths[place] if place >= 0 else deepest[row]
        contradictory[row] = False
        for item in range(known):
            if work.place[work.cells[item] ^ 1] >= 0:
                contradictory[row] = True
                break
        for item in range(known):
            work.place[work.cells[item]] = -1
    return len(given.questions)
