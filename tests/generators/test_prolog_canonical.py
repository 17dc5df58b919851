"""Hashes of theories against isomorphism by trying every renaming."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from generators.prolog.alphabet import ARITY, Words
from generators.prolog.canonical import problem_ids, theory_hashes
from generators.prolog.theory import NONE, VARIABLE, assembled

WORDS = Words("invented", 30, 30)
BY_ARITY = [[at for at, arity in enumerate(WORDS.arities) if arity == wanted] for wanted in range(ARITY + 1)]
X, Y = VARIABLE, VARIABLE + 1
KIND, NICE, BIG = BY_ARITY[1][:3]
LIKES, SEES = BY_ARITY[2][:2]
NAMES = (0, 1, 2)


def literal(polarity, predicate, *arguments):
    return [polarity, predicate, *arguments, *[NONE] * (ARITY - len(arguments))]


def renamed(one, names):
    return [one[0], names[one[1], "predicate"], *(names.get(number, number) for number in one[2:])]


def random_theory(rng, clauses=3, names=NAMES, unary=(KIND, NICE, BIG), binary=(LIKES, SEES)):
    def drawn(arguments):
        if rng.random() < 0.6:
            return literal(int(rng.random() < 0.7), int(rng.choice(unary)), int(rng.choice(arguments)))
        both = (int(one) for one in rng.choice(arguments, 2))
        return literal(int(rng.random() < 0.7), int(rng.choice(binary)), *both)

    facts = [drawn(names) for _ in range(rng.integers(1, clauses + 1))]
    rules = [
        ([drawn([X, Y, names[0]]) for _ in range(rng.integers(0, 3))], drawn([X, Y, names[-1]]))
        for _ in range(rng.integers(1, clauses + 1))
    ]
    return facts, rules, drawn(names)


def with_names(theory, names):
    facts, rules, question = theory
    return (
        [renamed(fact, names) for fact in facts],
        [([renamed(one, names) for one in body], renamed(head, names)) for body, head in rules],
        renamed(question, names),
    )


def random_renaming(rng):
    """Other entities, predicates of the same arity and variables; facts, rules and bodies shuffled."""
    names = dict(enumerate(rng.permutation(len(WORDS.entity_words)).tolist()))
    for predicates in BY_ARITY:
        for old, new in zip(predicates, rng.permutation(predicates).tolist(), strict=True):
            names[old, "predicate"] = new

    def shuffled(items):
        return [items[at] for at in rng.permutation(len(items))]

    def rename(theory):
        facts, rules, question = with_names(theory, names)
        other = dict(zip(range(VARIABLE, VARIABLE + 6), rng.permutation(6) + VARIABLE, strict=True))
        swapped = [
            (
                shuffled([[int(other.get(number, number)) for number in one] for one in body]),
                [int(other.get(number, number)) for number in head],
            )
            for body, head in rules
        ]
        return shuffled(facts), shuffled(swapped), question

    return rename


def canonical(theory):
    """The least form of a theory over all renamings and orders."""

    def clause(body, head):
        forms = []
        for first, second in ((X, Y), (Y, X)):
            other = {X: first, Y: second}
            literals = [tuple(other.get(number, number) for number in one) for one in (*body, head)]
            forms.append((sorted(literals[:-1]), literals[-1]))
        return min(forms)

    forms = []
    for entities, unary, binary in product(
        permutations(NAMES), permutations((KIND, NICE, BIG)), permutations((LIKES, SEES))
    ):
        names = dict(enumerate(entities))
        for old, new in zip((KIND, NICE, BIG, LIKES, SEES), (*unary, *binary), strict=True):
            names[old, "predicate"] = new
        facts, rules, _ = with_names(theory, names)
        forms.append((sorted(map(tuple, facts)), sorted(clause(*rule) for rule in rules)))
    return repr(min(forms))


def hashes(theories):
    return theory_hashes(assembled(theories), WORDS)


def test_renamed_and_shuffled_theories_collide():
    rng = np.random.default_rng(0)
    theories = [random_theory(rng, clauses=8) for _ in range(2000)]
    others = [random_renaming(rng)(theory) for theory in theories]
    assert hashes(theories) == hashes(others)
    assert problem_ids(assembled(theories), WORDS) != problem_ids(assembled(others), WORDS)


def test_hashes_are_equal_just_for_theories_that_are_the_same_up_to_renaming():
    """Of tiny theories, so that many are, and every renaming can be tried."""
    rng = np.random.default_rng(1)
    theories = [random_theory(rng, clauses=1) for _ in range(600)]
    theories += [random_theory(rng, clauses=2) for _ in range(300)]
    forms = {}
    for theory, digest in zip(theories, hashes(theories), strict=True):
        forms.setdefault(canonical(theory), set()).add(digest)
    assert all(len(digests) == 1 for digests in forms.values())
    assert len({digest for digests in forms.values() for digest in digests}) == len(forms)
    assert len(forms) < 800


def test_a_changed_literal_changes_the_hash():
    rng = np.random.default_rng(2)
    theories = [random_theory(rng, clauses=8) for _ in range(3000)]
    changed = []
    for facts, rules, question in theories:
        at = int(rng.integers(len(facts)))
        flipped = [[1 - fact[0], *fact[1:]] if place == at else fact for place, fact in enumerate(facts)]
        changed.append((flipped, rules, question))
    # One side has one more positive fact, so no two are the same up to renaming.
    assert not any(one == two for one, two in zip(hashes(theories), hashes(changed), strict=True))
    assert len({*hashes(theories)}) > 2900


def test_long_chains_that_differ_far_from_their_ends_are_told_apart():
    def chain(odd):
        steps = [([literal(1, at, X)], literal(int(at != odd), at + 1, X)) for at in BY_ARITY[1][:20]]
        return [literal(1, BY_ARITY[1][0], 0)], steps, literal(1, BY_ARITY[1][0], 0)

    assert len({*hashes([chain(odd) for odd in BY_ARITY[1][:20]])}) == 20


def test_the_question_is_left_out_of_the_theory_hash_but_not_of_the_problem_id():
    facts, rules, _ = random_theory(np.random.default_rng(3))
    asked = [(facts, rules, literal(polarity, KIND, 0)) for polarity in (0, 1)]
    assert len({*hashes(asked)}) == 1
    assert len({*problem_ids(assembled(asked), WORDS)}) == 2


def test_problem_ids_do_not_depend_on_how_many_clauses_there_are_numbers_for():
    theories = assembled([random_theory(np.random.default_rng(4)) for _ in range(20)])
    assert problem_ids(theories, WORDS) == problem_ids(theories, Words("invented", 99, 99))
    assert problem_ids(theories, WORDS) != problem_ids(theories, Words("proofwriter", 30, 30))
    alone = [problem_ids(theories.part(row, row + 1), WORDS)[0] for row in range(20)]
    assert alone == problem_ids(theories, WORDS)
    assert all(len(digest) == 32 for digest in alone)


@pytest.mark.parametrize("moved", ["fact", "rule", "body"])
def test_problem_ids_tell_where_a_literal_stands(moved):
    one, two = literal(1, KIND, 0), literal(1, NICE, 0)
    stated = {
        "fact": ([one], [([], two)], one),
        "rule": ([], [([], one), ([], two)], one),
        "body": ([], [([one], two)], one),
    }
    ids = problem_ids(assembled(list(stated.values())), WORDS)
    assert ids.count(ids[list(stated).index(moved)]) == 1


def test_hashes_stay_what_they_are():
    """They name the split of a theory, so they must not change with a release, a machine or a compiler."""
    theory = ([literal(1, KIND, 0)], [([literal(1, KIND, X)], literal(0, LIKES, X, 1))], literal(1, NICE, 0))
    assert hashes([theory]) == ["901d80e50390f3640e9c17c43ee154b5"]
    assert problem_ids(assembled([theory]), WORDS) == ["759d39e27bbc646374b02c9e7547b57a"]
