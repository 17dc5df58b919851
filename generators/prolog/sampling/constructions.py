"""ProofWriter's theories, compiled: rules added one by one until the question has its depth.

Every theory has random facts, spread evenly over its entities. Then, layer by layer, a rule is added whose
body is derived at the depth reached so far, so that the theory gets one deeper; then rules that head the
question's predicate with either polarity but do not reach the question; then others that change neither depth
nor answer. A rule that makes the theory contradictory is undone. At the end all is shuffled.

So that nothing but reasoning tells the answer: the theory is as deep as its cell says, whatever the answer;
the question is about what the deepest literal is about, and asks for that literal, for its complement, or for
another predicate of the same arity of which nothing follows; in Neg families the predicate of the question
has as many rules with its own polarity as with the other one; and the polarity of the cell is reached by
turning that predicate round in the whole theory, which changes no label.

One file, since kernels that are cached may not call those of other domain files (`generators.compiled`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.chance import State, below
from generators.compiled import compiled, whole
from generators.prolog.alphabet import Family
from generators.prolog.sampling.cells import FALSE, UNKNOWN, Cells, Pool, Shape
from generators.prolog.sampling.drafts import Drafts
from generators.prolog.theory import ARGUMENTS, POLARITY, PREDICATE, VARIABLE

Numbers = NDArray[np.int64]

PATIENCE = 4000
"""Theories given up for one row, after which its cell is held to be impossible."""

_TRIES = 12
"""Draws of a rule or a literal before a theory is given up."""
_REDRAWN = 40
"""Theories of one size that are tried before its numbers are drawn anew."""

_POLARITY, _PREDICATE, _ARGUMENTS, _VARIABLE = POLARITY, PREDICATE, ARGUMENTS, VARIABLE
_FALSE, _UNKNOWN, _PATIENCE = FALSE, UNKNOWN, PATIENCE

_X, _Y = 100, 101
"""Arguments that are variables; entities are numbered from 0."""

_GROUP, _ONE, _TWO = 0, 1, 2
"""Columns of a local literal: 2 * its predicate + its polarity, and its arguments; 0 for no second one."""

_CONTRADICTORY = -1
_NO_QUESTION = -2
"""A group of no predicate."""


# A kernel is compiled anew for every constant that it is called with, so those that matter come as variables.


class _Knobs(NamedTuple):
    """A shape in numbers; shares are out of 2**16."""

    entities: tuple[int, int]
    facts: tuple[int, int]
    rules: tuple[int, int]
    longest_body: int
    always: int
    variable: int
    second_variable: int
    relation: int
    negative: int
    negation: bool
    related: bool


class _Size(NamedTuple):
    """Numbers of one theory."""

    entities: int
    attributes: int
    predicates: int
    """Attributes come first, then relations."""
    facts: int
    rules: int
    depth: int


class _Work(NamedTuple):
    """Arrays that every theory reuses."""

    facts: Numbers
    heads: Numbers
    bodies: Numbers
    lengths: Numbers
    variables: Numbers
    """How many each rule has."""
    levels: Numbers
    """Shape (2, groups, entities, entities): depths of literals, -1 where not derived."""
    known: Numbers
    """Shape (2, literals, 3): what is derived, in the order of depths."""
    now: Numbers
    asked: Numbers
    """The question as a local literal."""
    order: Numbers
    entities: Numbers
    """The words of local entities come first; likewise below."""
    attributes: Numbers
    relations: Numbers


_SIDE, _RULES, _KNOWN, _LAST, _CLASHES, _LIKE = 0, 1, 2, 4, 6, 7
"""Of `now`: which of the two closures holds, rules so far; of either closure how many literals it has and
where its deepest layer begins; theories so far that contradicted themselves; how many rules must head the
question's predicate in either polarity."""


def construct(
    state: State, rows: Numbers, cells: Cells, family: Family, shape: Shape, pool: Pool, drafts: Drafts
) -> int:
    """Write the problems `rows`; gives how many could be written before patience ran out."""
    knobs = _Knobs(
        entities=(shape.entities[0], min(shape.entities[1], len(pool.entities))),
        facts=shape.facts,
        rules=shape.rules,
        longest_body=shape.longest_body,
        always=_share(1),
        variable=_share(shape.variable),
        second_variable=_share(shape.second_variable),
        relation=_share(shape.relation),
        negative=_share(shape.negative),
        negation=family.endswith("Neg"),
        related=family.startswith("Rel"),
    )
    return _construct_all(state, rows, cells, knobs, _room(knobs, pool), drafts)


def _share(share: float) -> int:
    return round(share * 2**16)


def _room(knobs: _Knobs, pool: Pool) -> _Work:
    def zeros(*shape: int) -> Numbers:
        return np.zeros(shape, np.int64)

    entities, rules = knobs.entities[1], knobs.rules[1]
    predicates = len(pool.attributes) + len(pool.relations)
    literals = predicates * entities * entities
    return _Work(
        facts=zeros(knobs.facts[1], 3), heads=zeros(rules, 3), bodies=zeros(rules, knobs.longest_body, 3),
        lengths=zeros(rules), variables=zeros(rules), levels=zeros(2, 2 * predicates, entities, entities),
        known=zeros(2, literals + 1, 3), now=zeros(8), asked=zeros(3),
        order=zeros(max(knobs.facts[1], rules)),
        entities=pool.entities.copy(), attributes=pool.attributes.copy(), relations=pool.relations.copy(),
    )  # fmt: skip


@compiled
def _chance(state: State, share: int) -> bool:
    return below(state, 1 << 16) < share


@compiled
def _copy(source: Numbers, target: Numbers) -> None:
    target[_GROUP], target[_ONE], target[_TWO] = source[_GROUP], source[_ONE], source[_TWO]


@compiled
def _same(one: Numbers, two: Numbers) -> bool:
    return bool(one[_GROUP] == two[_GROUP] and one[_ONE] == two[_ONE] and one[_TWO] == two[_TWO])


@compiled
def _mentions(literal: Numbers, entity: int, size: _Size) -> bool:
    return bool(
        literal[_ONE] == entity or (literal[_GROUP] >= 2 * size.attributes and literal[_TWO] == entity)
    )


@compiled
def _enter(side: int, group: int, one: int, two: int, depth: int, number: int, work: _Work) -> int:
    """Enter a literal in a closure unless it is known; gives how many are, or _CONTRADICTORY."""
    levels = work.levels[side]
    if levels[group, one, two] >= 0:
        return number
    if levels[group ^ 1, one, two] >= 0:
        return _CONTRADICTORY
    levels[group, one, two] = depth
    known = work.known[side, number]
    known[_GROUP], known[_ONE], known[_TWO] = group, one, two
    return number + 1


@compiled
def _value(argument: int, x: int, y: int) -> int:
    if argument == _X:
        return x
    return y if argument == _Y else argument


@compiled
def _fire(side: int, rule: int, depth: int, number: int, size: _Size, work: _Work) -> int:
    """Enter the heads of a rule whose bodies are derived at less than `depth`."""
    levels, head = work.levels[side], work.heads[rule]
    for x in range(size.entities if work.variables[rule] > 0 else 1):
        for y in range(size.entities if work.variables[rule] > 1 else 1):
            holds = True
            for at in range(work.lengths[rule]):
                body = work.bodies[rule, at]
                level = levels[body[_GROUP], _value(body[_ONE], x, y), _value(body[_TWO], x, y)]
                if level < 0 or level >= depth:
                    holds = False
                    break
            if holds:
                one, two = _value(head[_ONE], x, y), _value(head[_TWO], x, y)
                number = _enter(side, head[_GROUP], one, two, depth, number, work)
                if number < 0:
                    return number
    return number


@compiled
def _close(side: int, rules: int, deepest: int, size: _Size, work: _Work) -> int:
    """Close the facts under the first rules; gives the depth, at most `deepest` + 1, or _CONTRADICTORY."""
    work.levels[side, : 2 * size.predicates, : size.entities, : size.entities] = -1
    number, depth, first = 0, 0, 0
    for at in range(size.facts):
        fact = work.facts[at]
        number = _enter(side, fact[_GROUP], fact[_ONE], fact[_TWO], 0, number, work)
    while True:
        before = number
        for rule in range(rules):
            number = _fire(side, rule, depth + 1, number, size, work)
            if number < 0:
                work.now[_CLASHES] += 1
                return number
        if number == before:
            break
        depth, first = depth + 1, before
        if depth > deepest:
            break
    work.now[_KNOWN + side], work.now[_LAST + side] = number, first
    return depth


@compiled
def _holds(deepest: int, asked: int, size: _Size, work: _Work) -> bool:
    """Whether the theory with the rule proposed is consistent, `deepest` deep, and right about the question.

    `asked` is the question's depth, -1 if it must not be derived, or -2 as long as there is none. If all
    holds, the rule is kept.
    """
    rules, side = work.now[_RULES], 1 - work.now[_SIDE]
    if _close(side, rules + 1, deepest, size, work) != deepest:
        return False
    if asked > -2:
        group, one, two = work.asked[_GROUP], work.asked[_ONE], work.asked[_TWO]
        levels = work.levels[side]
        if levels[group, one, two] != asked or levels[group ^ 1, one, two] >= 0:
            return False
    work.now[_RULES], work.now[_SIDE] = rules + 1, side
    return True


@compiled
def _other(state: State, entity: int, size: _Size) -> int:
    """Another entity than this one."""
    drawn = below(state, size.entities - 1)
    return drawn + (drawn >= entity)


@compiled
def _literal(state: State, subject: int, knobs: _Knobs, size: _Size, out: Numbers) -> None:
    """A random literal about an entity."""
    related = knobs.related and _chance(state, knobs.relation)
    if related:
        predicate = size.attributes + below(state, size.predicates - size.attributes)
    else:
        predicate = below(state, size.attributes)
    negative = knobs.negation and _chance(state, knobs.negative)
    out[_GROUP], out[_ONE] = 2 * predicate + (0 if negative else 1), subject
    out[_TWO] = _other(state, subject, size) if related else 0


@compiled
def _level(literal: Numbers, work: _Work) -> int:
    """The depth of a literal in the closure that holds, or -1."""
    return int(work.levels[work.now[_SIDE], literal[_GROUP], literal[_ONE], literal[_TWO]])


@compiled
def _undecided(literal: Numbers, work: _Work) -> bool:
    """Whether neither a literal nor its complement is derived."""
    levels = work.levels[work.now[_SIDE]]
    group, one, two = literal[_GROUP], literal[_ONE], literal[_TWO]
    return bool(levels[group, one, two] < 0 and levels[group ^ 1, one, two] < 0)


@compiled
def _facts(state: State, knobs: _Knobs, size: _Size, work: _Work) -> bool:
    """Draw the facts, as many about each entity; none stands with its complement or twice."""
    first = below(state, size.entities)
    work.levels[0, : 2 * size.predicates, : size.entities, : size.entities] = -1
    number = 0
    for at in range(size.facts):
        for _ in range(_TRIES):
            fact = work.facts[at]
            _literal(state, (first + at) % size.entities, knobs, size, fact)
            entered = _enter(0, fact[_GROUP], fact[_ONE], fact[_TWO], 0, number, work)
            if entered > number:
                number = entered
                break
        if number == at:
            return False
    work.now[_SIDE], work.now[_RULES] = 0, 0
    _close(whole(0), whole(0), whole(0), size, work)
    return True


@compiled
def _has(rule: int, length: int, literal: Numbers, work: _Work) -> bool:
    """Whether a body has a literal, or its complement."""
    for at in range(length):
        body = work.bodies[rule, at]
        one_atom = body[_GROUP] >> 1 == literal[_GROUP] >> 1
        if one_atom and body[_ONE] == literal[_ONE] and body[_TWO] == literal[_TWO]:
            return True
    return False


@compiled
def _derived(state: State, focus: int, rule: int, length: int, size: _Size, work: _Work) -> bool:
    """Make a derived literal that mentions an entity the next one of a body, if there is one left.

    It has not the question's predicate, once there is one.
    """
    side, found = work.now[_SIDE], 0
    for at in range(work.now[_KNOWN + side]):
        known = work.known[side, at]
        if known[_GROUP] >> 1 == work.asked[_GROUP] >> 1:
            continue  # more is derived of the predicate of a question that is not unknown
        if _mentions(known, focus, size) and not _has(rule, length, known, work):
            found += 1
            if below(state, found) == 0:
                _copy(known, work.bodies[rule, length])
    return found > 0


@compiled
def _drawn(state: State, focus: int, rule: int, length: int, knobs: _Knobs, size: _Size, work: _Work) -> bool:
    """Make a random literal that mentions an entity the next one of a body."""
    literal = work.bodies[rule, length]
    for _ in range(_TRIES):
        _literal(state, focus, knobs, size, literal)
        if literal[_GROUP] >= 2 * size.attributes and below(state, 4) == 0:
            literal[_ONE], literal[_TWO] = literal[_TWO], literal[_ONE]
        if not _has(rule, length, literal, work):
            return True
    return False


@compiled
def _replace(literal: Numbers, entity: int, variable: int, size: _Size) -> None:
    if literal[_ONE] == entity:
        literal[_ONE] = variable
    if literal[_GROUP] >= 2 * size.attributes and literal[_TWO] == entity:
        literal[_TWO] = variable


@compiled
def _generalize(state: State, focus: int, knobs: _Knobs, size: _Size, work: _Work) -> None:
    """Put variables for the focus of the rule proposed, and perhaps for another entity of its body."""
    rule = work.now[_RULES]
    work.variables[rule] = 0
    if not _chance(state, knobs.variable):
        return
    work.variables[rule] = 1
    second = -1
    if knobs.related and _chance(state, knobs.second_variable):
        for at in range(work.lengths[rule]):
            body = work.bodies[rule, at]
            if body[_GROUP] >= 2 * size.attributes:
                second = body[_TWO] if body[_ONE] == focus else body[_ONE]
    for at in range(work.lengths[rule]):
        _replace(work.bodies[rule, at], focus, _X, size)
        if second >= 0:
            _replace(work.bodies[rule, at], second, _Y, size)
    _replace(work.heads[rule], focus, _X, size)
    if second >= 0:
        _replace(work.heads[rule], second, _Y, size)
        work.variables[rule] = 2


@compiled
def _repeated(work: _Work) -> bool:
    """Whether the rule proposed is there already."""
    rule = work.now[_RULES]
    for other in range(rule):
        same = work.lengths[other] == work.lengths[rule] and _same(work.heads[other], work.heads[rule])
        for at in range(work.lengths[rule]):
            same = same and (
                _same(work.bodies[other, at], work.bodies[rule, at])
                or _same(work.bodies[other, work.lengths[rule] - 1 - at], work.bodies[rule, at])
            )
        if same:
            return True
    return False


@compiled
def _head(state: State, focus: int, length: int, knobs: _Knobs, size: _Size, work: _Work) -> bool:
    """Draw an undecided head about an entity for the rule proposed; objects are often those of the body."""
    rule = work.now[_RULES]
    head = work.heads[rule]
    for _ in range(_TRIES):
        _literal(state, focus, knobs, size, head)
        body = work.bodies[rule, below(state, length)]
        if head[_GROUP] >= 2 * size.attributes and body[_GROUP] >= 2 * size.attributes and below(state, 2):
            head[_TWO] = body[_TWO] if body[_ONE] == focus else body[_ONE]
        if _undecided(head, work) and not _has(rule, length, head, work):
            return True
    return False


@compiled
def _fill(
    state: State, focus: int, length: int, derived: int, knobs: _Knobs, size: _Size, work: _Work
) -> None:
    """Fill up the body of the rule proposed to a random length; `derived` is a share of its literals."""
    rule = work.now[_RULES]
    wanted = 1 + below(state, knobs.longest_body)
    while length < wanted:
        if _chance(state, derived):
            more = _derived(state, focus, rule, length, size, work)
        else:
            more = _drawn(state, focus, rule, length, knobs, size, work)
        if not more:
            break
        length += 1
    work.lengths[rule] = length


@compiled
def _deepen(state: State, depth: int, fair: bool, knobs: _Knobs, size: _Size, work: _Work) -> bool:
    """Add a rule that derives something at `depth` from one less, of either sign alike if `fair`."""
    for _ in range(_TRIES):
        side, rule = work.now[_SIDE], work.now[_RULES]
        last = work.now[_LAST + side]
        source = work.known[side, last + below(state, work.now[_KNOWN + side] - last)]
        _copy(source, work.bodies[rule, 0])
        focus = source[_ONE]
        if source[_GROUP] >= 2 * size.attributes and below(state, 3) == 0:
            focus = source[_TWO]
        _fill(state, focus, whole(1), knobs.always, knobs, size, work)
        if not _head(state, focus, work.lengths[rule], knobs, size, work):
            continue
        if fair:
            work.heads[rule, _GROUP] ^= below(state, 2)
        _generalize(state, focus, knobs, size, work)
        if _holds(depth, -2, size, work):
            return True
    return False


@compiled
def _heads(group: int, work: _Work) -> int:
    number = 0
    for rule in range(work.now[_RULES]):
        number += work.heads[rule, _GROUP] == group
    return number


@compiled
def _most_heads(work: _Work) -> int:
    """How many rules head the question's predicate in that polarity which has more of them, at least 1."""
    return max(_heads(work.asked[_GROUP], work), _heads(work.asked[_GROUP] ^ 1, work), 1)


@compiled
def _ask(state: State, answer: int, negation: bool, size: _Size, work: _Work) -> bool:
    """Choose the question: a literal of the deepest layer, or an undecided one in its place."""
    side = work.now[_SIDE]
    last = work.now[_LAST + side]
    _copy(work.known[side, last + below(state, work.now[_KNOWN + side] - last)], work.asked)
    work.now[_LIKE] = _most_heads(work)
    if answer != _UNKNOWN:
        return True
    relation = work.asked[_GROUP] >= 2 * size.attributes
    first = size.attributes if relation else 0
    number = size.predicates - size.attributes if relation else size.attributes
    for _ in range(_TRIES):
        work.asked[_GROUP] = 2 * (first + below(state, number)) + (below(state, 2) if negation else 1)
        if _undecided(work.asked, work):
            work.now[_LIKE] = max(work.now[_LIKE], _most_heads(work))
            return True
    return False


@compiled
def _missing(literal: Numbers, group: int, size: _Size, work: _Work) -> bool:
    """Whether a literal of this group about the same is not derived, nor of the question's predicate."""
    related = literal[_GROUP] >= 2 * size.attributes
    if group >> 1 == work.asked[_GROUP] >> 1 or related != (group >= 2 * size.attributes):
        return False
    return bool(work.levels[work.now[_SIDE], group, literal[_ONE], literal[_TWO]] < 0)


@compiled
def _promising(state: State, literal: Numbers, heads: bool, size: _Size, work: _Work) -> int:
    """A group of rules' heads (or of facts) of which no literal about the same is derived, or -1."""
    clauses, number = (work.heads, work.now[_RULES]) if heads else (work.facts, size.facts)
    group, found = -1, 0
    for at in range(number):
        if _missing(literal, clauses[at, _GROUP], size, work):
            found += 1
            if below(state, found) == 0:
                group = clauses[at, _GROUP]
    return group


@compiled
def _block(state: State, focus: int, heads: bool, knobs: _Knobs, size: _Size, work: _Work) -> bool:
    """Begin the body of the rule proposed with a literal that is not derived, though others like it may be.

    It looks like those of rules that do fire: it has a group of `heads`, or otherwise one of facts.
    """
    literal = work.bodies[work.now[_RULES], 0]
    for _ in range(_TRIES):
        _literal(state, focus, knobs, size, literal)
        group = _promising(state, literal, heads, size, work)
        if group >= 0:
            literal[_GROUP] = group
            return True
    return _missing(literal, literal[_GROUP], size, work)


@compiled
def _mislead(state: State, group: int, asked: int, knobs: _Knobs, size: _Size, work: _Work) -> bool:
    """Add a rule that heads the question's predicate, in this group, but does not reach the question."""
    focus = work.asked[_ONE]
    for _ in range(2 * _TRIES):
        rule = work.now[_RULES]
        _copy(work.asked, work.heads[rule])
        work.heads[rule, _GROUP] = group
        if not _block(state, focus, size.depth > 1, knobs, size, work):
            continue
        _fill(state, focus, whole(1), knobs.always, knobs, size, work)
        if _has(rule, work.lengths[rule], work.asked, work):
            continue
        _generalize(state, focus, knobs, size, work)
        if not _repeated(work) and _holds(size.depth, asked, size, work):
            return True
    return False


@compiled
def _fewest(depth: int, negation: bool) -> int:
    """`fewest_rules`, compiled."""
    return depth + (2 if negation else 1)


@compiled
def _support(state: State, asked: int, knobs: _Knobs, size: _Size, work: _Work) -> bool:
    """Add a rule that would lead on, were its own body derived, for those that mislead to rest on.

    In a shallow theory they rest on facts; in a tight one there is no room.
    """
    focus = work.asked[_ONE]
    if size.depth < 2 or size.rules == _fewest(size.depth, knobs.negation):
        return True
    for _ in range(2 * _TRIES):
        rule = work.now[_RULES]
        if not _block(state, focus, knobs.always < 0, knobs, size, work):
            continue
        _fill(state, focus, whole(1), knobs.always, knobs, size, work)
        if not _head(state, focus, work.lengths[rule], knobs, size, work):
            continue
        if work.heads[rule, _GROUP] >> 1 == work.asked[_GROUP] >> 1:
            continue
        _generalize(state, focus, knobs, size, work)
        if not _repeated(work) and _holds(size.depth, asked, size, work):
            return True
    return False


@compiled
def _balance(state: State, asked: int, knobs: _Knobs, size: _Size, work: _Work) -> bool:
    """Give the question's predicate as many rules of either polarity, at least one, and sometimes more."""
    own = work.asked[_GROUP]
    wanted = work.now[_LIKE]
    if below(state, 4) == 0 and size.rules - work.now[_RULES] >= 2 * wanted + 2:
        wanted += 1
    for turn in range(2):
        group = own ^ turn
        if turn == 1 and not knobs.negation:
            break
        while _heads(group, work) < wanted:
            if work.now[_RULES] == size.rules or not _mislead(state, group, asked, knobs, size, work):
                return False
    return True


@compiled
def _distract(state: State, asked: int, knobs: _Knobs, size: _Size, work: _Work) -> bool:
    """Add a rule that has nothing to do with the question's predicate."""
    for _ in range(3 * _TRIES):
        rule, focus = work.now[_RULES], below(state, size.entities)
        _fill(state, focus, whole(0), knobs.always >> 1, knobs, size, work)
        if work.lengths[rule] == 0 or not _head(state, focus, work.lengths[rule], knobs, size, work):
            continue
        if work.heads[rule, _GROUP] >> 1 == work.asked[_GROUP] >> 1:
            continue
        _generalize(state, focus, knobs, size, work)
        if not _repeated(work) and _holds(size.depth, asked, size, work):
            return True
    return False


@compiled
def _theory(state: State, answer: int, knobs: _Knobs, size: _Size, work: _Work) -> bool:
    """Try to construct one theory with its question."""
    work.asked[_GROUP], work.now[_LIKE] = _NO_QUESTION, 0
    if not _facts(state, knobs, size, work):
        return False
    for depth in range(1, size.depth + 1):
        # The predicate of the question is turned round later, so both signs must be as frequent before.
        fair = knobs.negation and depth == size.depth and answer != _UNKNOWN
        if not _deepen(state, depth, fair, knobs, size, work):
            return False
    if not _ask(state, answer, knobs.negation, size, work):
        return False
    asked = -1 if answer == _UNKNOWN else size.depth
    if not (_support(state, asked, knobs, size, work) and _balance(state, asked, knobs, size, work)):
        return False
    while work.now[_RULES] < size.rules:
        if not _distract(state, asked, knobs, size, work):
            return False
    return True


@compiled
def _sized(state: State, depth: int, knobs: _Knobs, work: _Work) -> _Size:
    """Draw the numbers of a theory; a deep one, and one of many facts, needs more predicates."""
    entities = knobs.entities[0] + below(state, knobs.entities[1] - knobs.entities[0] + 1)
    facts = knobs.facts[0] + below(state, knobs.facts[1] - knobs.facts[0] + 1)
    fewest = max(knobs.rules[0], _fewest(depth, knobs.negation))
    rules = fewest + below(state, knobs.rules[1] - fewest + 1)
    deep = depth - 5 if depth > 5 else 0
    if knobs.related:
        attributes = min(4 + below(state, 3) + deep, len(work.attributes))
        relations = min(3 + below(state, 2) + deep // 2, len(work.relations))
    else:
        stated = (facts + entities - 1) // entities
        attributes = min(max(6, stated + depth + 2) + below(state, 3), len(work.attributes))
        relations = 0
    return _Size(entities, attributes, attributes + relations, facts, rules, depth)


@compiled
def _turn(work: _Work, size: _Size, rules: int) -> None:
    """Change the polarity of the question's predicate in the whole theory; no label changes."""
    predicate = work.asked[_GROUP] >> 1
    for at in range(size.facts):
        work.facts[at, _GROUP] ^= work.facts[at, _GROUP] >> 1 == predicate
    for rule in range(rules):
        work.heads[rule, _GROUP] ^= work.heads[rule, _GROUP] >> 1 == predicate
        for at in range(work.lengths[rule]):
            work.bodies[rule, at, _GROUP] ^= work.bodies[rule, at, _GROUP] >> 1 == predicate
    work.asked[_GROUP] ^= 1


@compiled
def _shuffle(state: State, items: Numbers, number: int) -> None:
    """Put a random choice of the items in the first `number` places, in a random order."""
    for at in range(number):
        other = at + below(state, len(items) - at)
        items[at], items[other] = items[other], items[at]


@compiled
def _name(argument: int, swapped: bool, work: _Work) -> int:
    if argument >= _X:
        return _VARIABLE + (argument - _X) ^ swapped
    return int(work.entities[argument])


@compiled
def _write(literal: Numbers, swapped: bool, size: _Size, work: _Work, out: NDArray[np.int16]) -> None:
    """A local literal in words; `swapped` is whether the second variable stands first in its rule."""
    group = literal[_GROUP]
    predicate = group >> 1
    out[_POLARITY] = group & 1
    out[_ARGUMENTS] = _name(literal[_ONE], swapped, work)
    if predicate < size.attributes:
        out[_PREDICATE] = work.attributes[predicate]
    else:
        out[_PREDICATE] = work.relations[predicate - size.attributes]
        out[_ARGUMENTS + 1] = _name(literal[_TWO], swapped, work)


@compiled
def _write_rule(state: State, rule: int, row: int, at: int, size: _Size, work: _Work, drafts: Drafts) -> None:
    length = work.lengths[rule]
    drafts.lengths[row, at] = length
    bodies = work.bodies[rule]
    for place in range(length - 1, 0, -1):
        other = below(state, place + 1)
        for column in range(3):
            bodies[place, column], bodies[other, column] = bodies[other, column], bodies[place, column]
    swapped = False
    for place in range(length):
        two = bodies[place, _TWO] if bodies[place, _GROUP] >= 2 * size.attributes else 0
        if bodies[place, _ONE] >= _X or two >= _X:
            swapped = bool((bodies[place, _ONE] if bodies[place, _ONE] >= _X else two) == _Y)
            break
    for place in range(length):
        _write(bodies[place], swapped, size, work, drafts.bodies[row, at, place])
    _write(work.heads[rule], swapped, size, work, drafts.heads[row, at])


@compiled
def _write_all(state: State, row: int, size: _Size, work: _Work, drafts: Drafts) -> None:
    """Give names to a theory and write its facts and rules in a random order."""
    _shuffle(state, work.entities, size.entities)
    _shuffle(state, work.attributes, size.attributes)
    _shuffle(state, work.relations, size.predicates - size.attributes)
    order, rules = work.order, work.now[_RULES]
    for number, facts in ((size.facts, True), (rules, False)):
        for at in range(number):
            order[at] = at
        _shuffle(state, order[:number], number)
        for at in range(number):
            if facts:
                _write(work.facts[order[at]], False, size, work, drafts.facts[row, at])
            else:
                _write_rule(state, order[at], row, at, size, work, drafts)
    drafts.fact_numbers[row], drafts.rule_numbers[row] = size.facts, rules
    _write(work.asked, False, size, work, drafts.questions[row])


@compiled
def _construct_all(
    state: State, rows: Numbers, cells: Cells, knobs: _Knobs, work: _Work, drafts: Drafts
) -> int:
    for done, row in enumerate(rows):
        answer, depth = whole(cells.answer[row]), whole(cells.depth[row])
        polarity = whole(cells.polarity[row])
        size, missed, found = _sized(state, depth, knobs, work), 0, False
        work.now[_CLASHES] = 0
        while not found and missed < _PATIENCE:
            if missed % _REDRAWN == _REDRAWN - 1:
                size = _sized(state, depth, knobs, work)
            found = _theory(state, answer, knobs, size, work)
            missed += not found
        if not found:
            return done
        derived = 1 - polarity if answer == _FALSE else polarity
        if knobs.negation and work.asked[_GROUP] & 1 != derived:
            _turn(work, size, work.now[_RULES])
        _write_all(state, row, size, work, drafts)
        drafts.questions[row, _POLARITY] = polarity
        drafts.entities[row] = size.entities
        drafts.missed[row], drafts.contradictory[row] = missed, work.now[_CLASHES]
    return len(rows)
