"""The compiled closure against a closure that is nothing but its definition."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from generators.domain import BadProblem
from generators.prolog.alphabet import ANSWERS, ARITY, Words
from generators.prolog.closure import closures, known
from generators.prolog.theory import NONE, VARIABLE, assembled

WORDS = Words("invented", 200, 200)
BY_ARITY = [[at for at, arity in enumerate(WORDS.arities) if arity == wanted] for wanted in range(ARITY + 1)]
X, Y, Z = VARIABLE, VARIABLE + 1, VARIABLE + 2
ANC, PAR = BY_ARITY[2][:2]
KIND, NICE, BIG = BY_ARITY[1][:3]


def literal(polarity, predicate, *arguments):
    return [polarity, predicate, *arguments, *[NONE] * (ARITY - len(arguments))]


def grounded(given, values):
    return tuple(values.get(number, number) if at > 1 else number for at, number in enumerate(given))


def defined(theory):
    """Literals with their minimal depths, layer by layer over every ground instance of every rule."""
    facts, rules, question = theory
    stated = [*facts, *[one for body, head in rules for one in (*body, head)], question]
    entities = {number for one in stated for number in one[2:] if 0 <= number < VARIABLE}
    instances = []
    for body, head in rules:
        variables = sorted({number for one in (*body, head) for number in one[2:] if number >= VARIABLE})
        for chosen in product(sorted(entities), repeat=len(variables)):
            values = dict(zip(variables, chosen, strict=True))
            instances.append(({grounded(one, values) for one in body}, grounded(head, values)))
    depths = {tuple(fact): 0 for fact in facts}
    while True:
        layer = 1 + max(depths.values(), default=0)
        fresh = {head for body, head in instances if body <= depths.keys()} - depths.keys()
        if not fresh:
            return depths
        depths.update(dict.fromkeys(fresh, layer))


def complement(one):
    return (1 - one[0], *one[1:])


def random_theory(rng, largest_arity=ARITY):
    names = rng.integers(0, len(WORDS.entity_words), size=rng.integers(1, 4)).tolist()
    symbols = [
        (int(rng.choice(BY_ARITY[arity][:2])), arity)
        for arity in rng.integers(0, largest_arity + 1, size=rng.integers(1, 4))
    ]

    def drawn(arguments):
        predicate, arity = symbols[rng.integers(len(symbols))]
        return literal(
            int(rng.random() < 0.6), predicate, *[int(rng.choice(arguments)) for _ in range(arity)]
        )

    def rule():
        arguments = [*names, *range(VARIABLE, VARIABLE + int(rng.integers(0, 4)))]
        return [drawn(arguments) for _ in range(rng.integers(0, 4) if rng.random() < 0.8 else 1)], drawn(
            arguments
        )

    return (
        [drawn(names) for _ in range(rng.integers(0, 6))],
        [rule() for _ in range(rng.integers(0, 5))],
        drawn([*names, int(rng.integers(len(WORDS.entity_words)))]),
    )


def agrees(theories):
    batch = assembled(theories)
    found = closures(batch, WORDS)
    for row, theory in enumerate(theories):
        depths, question = defined(theory), tuple(theory[2])
        assert known(batch, row, WORDS) == depths, theory
        deepest = max(depths.values(), default=0)
        own, other = depths.get(question), depths.get(complement(question))
        answer = "true" if own is not None else "unknown" if other is None else "false"
        depth = {"true": own, "false": other, "unknown": deepest}[answer]
        assert ANSWERS[found.answer[row]] == answer
        assert (found.depth[row], found.deepest[row], found.derived[row]) == (depth, deepest, len(depths))
        assert found.contradictory[row] == any(complement(one) in depths for one in depths)
    return found


@pytest.mark.parametrize("largest_arity", [0, 1, 2, 3])
def test_the_closure_is_the_one_defined(largest_arity):
    rng = np.random.default_rng(largest_arity)
    found = agrees([random_theory(rng, largest_arity) for _ in range(1000)])
    assert set(found.answer) == {0, 1, 2}
    assert 0 < found.contradictory.mean() < 1
    assert found.depth.max() >= 2


def test_two_variable_left_recursion_reaches_the_end_of_a_chain():
    """`anc(a, d)` over four links, which a check for variants of ancestors answers unknown."""
    facts = [literal(1, PAR, at, at + 1) for at in range(4)]
    rules = [
        ([literal(1, PAR, X, Y)], literal(1, ANC, X, Y)),
        ([literal(1, ANC, X, Z), literal(1, PAR, Z, Y)], literal(1, ANC, X, Y)),
    ]
    found = agrees([(facts, rules, literal(1, ANC, 0, 4)), (facts, rules, literal(0, ANC, 0, 3))])
    assert found.answer.tolist() == [0, 1]
    assert found.depth.tolist() == [4, 3]


def test_cycles_end_and_the_shortest_way_gives_the_depth():
    rules = [
        ([literal(1, KIND, X)], literal(1, NICE, X)),
        ([literal(1, NICE, X)], literal(1, BIG, X)),
        ([literal(1, BIG, X)], literal(1, KIND, X)),
        ([literal(1, KIND, X)], literal(1, KIND, X)),
    ]
    found = agrees([([literal(1, BIG, 0)], rules, literal(1, NICE, 0)), ([], rules, literal(1, NICE, 0))])
    assert found.answer.tolist() == [0, 2]
    assert found.depth.tolist() == [2, 0]


def test_contradictions_and_unknowns_are_seen():
    facts = [literal(1, KIND, 0)]
    rules = [([literal(1, KIND, X)], literal(0, NICE, X)), ([], literal(1, NICE, Y))]
    found = agrees([(facts, rules, literal(1, NICE, 0)), (facts, rules[:1], literal(1, NICE, 1))])
    assert found.contradictory.tolist() == [True, False]
    assert [ANSWERS[answer] for answer in found.answer] == ["true", "unknown"]
    assert found.depth.tolist() == [1, 1]


def test_an_entity_of_the_question_alone_is_an_entity():
    rules = [([], literal(1, ANC, X, Y)), ([literal(1, ANC, X, X)], literal(0, KIND, X))]
    found = agrees([([], rules, literal(0, KIND, 7)), ([literal(1, NICE, 3)], rules, literal(1, ANC, 3, 7))])
    assert found.answer.tolist() == [0, 0]
    assert found.derived.tolist() == [2, 7]


def test_a_batch_is_closed_row_by_row():
    rng = np.random.default_rng(9)
    theories = [random_theory(rng) for _ in range(300)]
    together = closures(assembled(theories), WORDS)
    for row in (0, 7, 299):
        alone = closures(assembled(theories[row : row + 1]), WORDS)
        assert (alone.answer[0], alone.depth[0]) == (together.answer[row], together.depth[row])
    part = closures(assembled(theories).part(100, 200), WORDS)
    assert (part.derived == together.derived[100:200]).all()


def test_a_rule_with_too_many_instances_is_refused():
    pairs = [literal(1, PAR, one, two) for one in range(24) for two in range(24)]
    body = [literal(1, PAR, VARIABLE + at, VARIABLE + at + 1) for at in range(5)]
    batch = assembled([(pairs, [(body, literal(1, ANC, X, Y))], literal(1, ANC, 0, 1))])
    with pytest.raises(BadProblem, match="problem 0 takes more than"):
        closures(batch, WORDS)
