"""Drawn theories: their cells are even, their labels right, and nothing but reasoning tells the answer."""

from __future__ import annotations

from collections import Counter
from functools import cache
from time import perf_counter

import numpy as np
import pytest

from generators import chance
from generators.domain import BadProblem
from generators.prolog.alphabet import (
    ANIMALS,
    ANSWERS,
    CONCEPTS,
    FRIENDS,
    PEOPLE,
    PROPERTIES,
    QUALITIES,
    RELATIONS,
    SPARE_ENTITIES,
    SPARE_PREDICATES,
    Words,
)
from generators.prolog.canonical import theory_hashes
from generators.prolog.closure import closures
from generators.prolog.features import features
from generators.prolog.sampling.sampling import Drawn, Shape, sample
from generators.prolog.theory import VARIABLE

PROOFWRITER, PRONTOQA, INVENTED = (
    Words(vocabulary, 32, 32) for vocabulary in ("proofwriter", "prontoqa", "invented")
)
TRUE, FALSE, UNKNOWN = range(3)
NEGATION, NO_NEGATION = ("AttNeg", "RelNeg"), ("AttNoneg", "RelNoneg")
CHAIN = Shape(PRONTOQA, families=("Chain",), rules=(11, 17))


def state(seed):
    return chance.states(np.random.default_rng(seed), 1)[0]


@cache
def drawn(shape, rows=3600, seed=1) -> Drawn:
    return sample(state(seed), rows, shape)


def rules(one, row):
    """The rules of a theory as pairs of a body and a head."""
    given = one.theories
    for rule in range(given.rule_offsets[row], given.rule_offsets[row + 1]):
        yield (
            given.bodies[given.body_offsets[rule] : given.body_offsets[rule + 1]].tolist(),
            given.heads[rule].tolist(),
        )


def facts(one, row):
    given = one.theories
    return given.facts[given.fact_offsets[row] : given.fact_offsets[row + 1]].tolist()


def entities_of(literals):
    return {number for one in literals for number in one[2:] if 0 <= number < VARIABLE}


SHAPES = {
    "negation": Shape(PROOFWRITER),
    "no negation": Shape(PROOFWRITER, families=NO_NEGATION),
    "invented": Shape(PROOFWRITER, families=(*NEGATION, *NO_NEGATION), invented=0.5),
    "chain": CHAIN,
    "small": Shape(PROOFWRITER, depths=(0, 2), entities=(2, 3), facts=(2, 4), rules=(4, 4)),
    "long bodies": Shape(INVENTED, longest_body=4, second_variable=0.6, variable=1.0, entities=(2, 6)),
    "deep": Shape(INVENTED, families=(*NEGATION, "RelNoneg"), depths=(6, 12), rules=(14, 20)),
    "deep chain": Shape(INVENTED, families=("Chain",), depths=(0, 20), rules=(22, 24)),
    "prontoqa": Shape(PRONTOQA, families=(*NEGATION, "Chain"), rules=(7, 12)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_closure_agrees_with_every_label_and_no_theory_is_contradictory(name):
    shape = SHAPES[name]
    one = drawn(shape, 700 if "deep" in name else 3600)
    found = closures(one.theories, shape.words)
    assert (found.answer == one.answer).all()
    assert (found.depth == one.depth).all()
    assert not found.contradictory.any()
    assert (one.theories.questions[:, 0] == one.polarity).all()
    assert (one.draws == 1 + one.contradictory + one.missed).all()
    chains = np.array([family == "Chain" for family in shape.families])[one.family]
    assert (found.deepest == one.depth)[~chains].all()
    assert (np.diff(one.theories.fact_offsets) == one.facts).all()
    assert (np.diff(one.theories.rule_offsets) == one.rules).all()
    assert (one.rules >= shape.rules[0]).all()
    assert (one.rules <= shape.rules[1]).all()
    assert ((one.facts >= shape.facts[0]) & (one.facts <= shape.facts[1]))[~chains].all()
    assert np.diff(one.theories.body_offsets).min() == 1
    assert np.diff(one.theories.body_offsets).max() <= shape.longest_body


@pytest.mark.parametrize("rows", [72, 73, 1000])
def test_families_and_in_them_answers_depths_and_polarities_are_filled_evenly(rows):
    one = drawn(Shape(PROOFWRITER), rows)
    families = Counter(one.family.tolist())
    assert max(families.values()) - min(families.values()) <= 1
    cells = Counter(
        zip(*(column.tolist() for column in (one.family, one.answer, one.depth, one.polarity)), strict=True)
    )
    assert len(cells) == 72
    assert max(cells.values()) - min(cells.values()) <= 1


def test_the_cells_come_in_no_order_and_remainders_fall_anywhere():
    firsts = Counter()
    for seed in range(200):
        one = sample(state(seed), 5, Shape(PROOFWRITER, depths=(0, 1), rules=(3, 9)))
        firsts.update(one.answer.tolist())
    assert min(firsts.values()) > 270


def test_without_negation_the_answer_decides_the_polarity_and_nothing_is_negative():
    one = drawn(Shape(PROOFWRITER, families=NO_NEGATION))
    assert (one.polarity[one.answer == TRUE] == 1).all()
    assert (one.polarity[one.answer == FALSE] == 0).all()
    assert 0.45 < one.polarity[one.answer == UNKNOWN].mean() < 0.55
    for literals in (one.theories.facts, one.theories.heads, one.theories.bodies):
        assert (literals[:, 0] == 1).all()


@pytest.mark.parametrize("family", ["AttNeg", "RelNeg", "Chain"])
def test_shallow_features_do_not_tell_the_answer(family):
    """A table from the five features to their most frequent answer is at chance on rows it has not seen."""
    shape = CHAIN if family == "Chain" else Shape(PROOFWRITER, families=(family,))
    one = drawn(shape, 12_000, 3)
    seen = features(one.theories)
    deep = one.depth >= 1
    assert not seen[deep][:, :2].any()
    assert seen[deep][:, 2:4].all()
    assert (seen[one.depth == 0][:, 0] == (one.answer[one.depth == 0] == TRUE)).all()
    codes = seen @ (1 << np.arange(5))
    half = np.arange(len(codes)) % 2 == 0
    right = 0
    for code in np.unique(codes[deep]):
        fitted = Counter(one.answer[deep & half & (codes == code)].tolist()).most_common(1)[0][0]
        right += (one.answer[deep & ~half & (codes == code)] == fitted).sum()
    assert right / (deep & ~half).sum() < 1 / len(set(one.answer.tolist())) + 0.03


def standing(one, row):
    """How often the question's predicate and its first entity stand in facts, heads and bodies."""
    predicate, entity = one.theories.questions[row, 1], one.theories.questions[row, 2]
    bodies = [literal for body, _ in rules(one, row) for literal in body]
    heads = [head for _, head in rules(one, row)]
    literals = (facts(one, row), heads, bodies)
    return [
        *(sum(literal[1] == predicate for literal in some) for some in literals),
        *(sum(literal[2] == entity for literal in some) for some in literals),
        len(bodies),
    ]


@pytest.mark.parametrize("family", NEGATION)
def test_counts_of_what_the_question_names_hardly_depend_on_the_answer(family):
    one = drawn(Shape(PROOFWRITER, families=(family,)), 12_000, 3)
    rows = np.flatnonzero(one.depth >= 1)
    counted = np.column_stack([[standing(one, row) for row in rows], one.facts[rows], one.rules[rows]])
    means = np.array([counted[one.answer[rows] == answer].mean(0) for answer in (TRUE, FALSE, UNKNOWN)])
    assert (np.ptp(means, axis=0) < 0.2 * counted.std(0)).all(), means


@pytest.mark.parametrize("family", NEGATION)
def test_either_polarity_of_the_asked_predicate_heads_as_many_rules(family):
    one = drawn(Shape(PROOFWRITER, families=(family,)))
    for row in range(600):
        polarity, predicate = one.theories.questions[row, :2].tolist()
        heads = Counter(head[0] for _, head in rules(one, row) if head[1] == predicate)
        assert heads[polarity] == heads[1 - polarity] >= 1


def test_the_order_of_clauses_tells_nothing():
    """The rule that heads the question's predicate stands anywhere, as does the fact that is asked for."""
    one = drawn(Shape(PROOFWRITER), 12_000, 3)
    places, stated = [], []
    for row in range(3000):
        predicate = one.theories.questions[row, 1]
        heads = [head[1] == predicate for _, head in rules(one, row)]
        places += [at / (len(heads) - 1) for at, head in enumerate(heads) if head]
        if one.depth[row] == 0 and one.answer[row] == TRUE:
            asked = one.theories.questions[row].tolist()
            stated.append(facts(one, row).index(asked) / (one.facts[row] - 1))
    assert abs(np.mean(places) - 0.5) < 0.02
    assert abs(np.mean(stated) - 0.5) < 0.06
    lengths = [[len(body) for body, _ in rules(one, row)] for row in range(3000)]
    assert abs(np.mean([one[0] for one in lengths]) - np.mean([one[-1] for one in lengths])) < 0.05


def test_the_same_stream_gives_the_same_problems():
    shape = SHAPES["invented"]
    one, same, other = (sample(state(seed), 200, shape) for seed in (5, 5, 6))
    for name in ("facts", "heads", "bodies", "questions", "fact_offsets", "rule_offsets", "body_offsets"):
        assert (getattr(one.theories, name) == getattr(same.theories, name)).all()
    assert (one.draws == same.draws).all()
    assert not np.array_equal(one.theories.facts, other.theories.facts)


def test_theories_are_not_the_same_up_to_renaming():
    one = drawn(Shape(PROOFWRITER))
    assert len({*theory_hashes(one.theories, PROOFWRITER)}) > 0.999 * 3600


def words_of(one, words):
    given = one.theories
    literals = np.concatenate([given.facts, given.heads, given.bodies, given.questions])
    entities = {words.entity_words[at] for at in entities_of(literals.tolist())}
    return entities, {words.predicate_words[at] for at in set(literals[:, 1].tolist())}


def test_families_use_the_words_of_their_benchmarks():
    attributes = words_of(drawn(Shape(PROOFWRITER, families=("AttNeg",))), PROOFWRITER)
    assert attributes[0] == {*PEOPLE}
    assert attributes[1] == {*QUALITIES, "white", "smart", "quiet", "furry"}
    related = words_of(drawn(Shape(PROOFWRITER, families=("RelNeg",))), PROOFWRITER)
    assert related == ({*ANIMALS}, {*QUALITIES, *RELATIONS})
    chained = words_of(drawn(CHAIN), PRONTOQA)
    assert chained == ({*FRIENDS}, {*CONCEPTS, *PROPERTIES})
    invented = words_of(drawn(Shape(INVENTED)), INVENTED)
    assert invented[0] == {*SPARE_ENTITIES}
    assert invented[1] <= {word for word, arity in SPARE_PREDICATES if arity in (1, 2)}


def test_a_share_of_problems_has_invented_names_alone():
    one = drawn(Shape(PROOFWRITER, invented=0.25))
    known = len(PROOFWRITER.entity_words) - len(SPARE_ENTITIES)
    spare = []
    for row in range(len(one.theories)):
        numbers = entities_of(facts(one, row))
        assert len({number >= known for number in numbers}) == 1
        spare.append(min(numbers) >= known)
    assert abs(np.mean(spare) - 0.25) < 0.03


def test_relational_theories_have_relations_with_names_and_with_variables():
    one = drawn(Shape(PROOFWRITER, families=("RelNeg",)))
    given = one.theories
    assert 0.65 < (given.facts[:, 3] >= 0).mean() < 0.75
    seconds = given.bodies[:, 3]
    assert (seconds >= VARIABLE).sum() > 500
    assert ((seconds >= 0) & (seconds < VARIABLE)).sum() > 500
    variables = []
    for row in range(600):
        for body, head in rules(one, row):
            used = [number for literal in body for number in literal[2:] if number >= VARIABLE]
            assert {number for number in head if number >= VARIABLE} <= {*used}, (
                "a variable of the head alone"
            )
            assert used[:1] in ([], [VARIABLE]), "x comes first"
            variables.append(len({*used}))
    shares = Counter(variables)
    assert 0.1 < shares[0] / len(variables) < 0.3
    assert 0.03 < shares[2] / len(variables) < 0.2


def test_facts_are_spread_evenly_over_the_entities():
    one = drawn(Shape(PROOFWRITER))
    for row in range(500):
        subjects = Counter(fact[2] for fact in facts(one, row))
        assert len(subjects) == one.entities[row] == 4
        assert max(subjects.values()) - min(subjects.values()) <= 1


def test_a_chain_is_a_linear_ontology_with_an_opposing_sentence_out_of_reach():
    one = drawn(CHAIN)
    assert {*one.answer.tolist()} == {TRUE, FALSE}
    concepts = {PRONTOQA.predicate_words.index(word) for word in CONCEPTS}
    for row in range(400):
        polarity, asked, entity = one.theories.questions[row, :3].tolist()
        stated = facts(one, row)
        assert len(stated) == (2 if one.depth[row] == 0 else 1)
        member = next(fact for fact in stated if fact[1] in concepts)
        assert (member[0], member[2]) == (1, entity)
        above = {}
        for (literal,), head in rules(one, row):
            assert literal[0] == 1
            if head[1] in concepts:
                assert literal[1] not in above
                above[literal[1]] = head[1]
        reached, hops = [member[1]], 1
        while reached[-1] in above:
            reached.append(above[reached[-1]])
        sides = {literal[1]: head[0] for (literal,), head in rules(one, row) if head[1] == asked}
        derived = polarity if one.answer[row] == TRUE else 1 - polarity
        for concept, sign in sides.items():
            assert (sign == derived) == (concept in reached)
            if concept in reached:
                hops = reached.index(concept) + 1
        assert hops == max(one.depth[row], 1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"depths": (0, 20), "rules": (1, 3)},
            "depth 20 in the family AttNeg needs 22 rules, rules end at 3",
        ),
        ({"depths": (3, 2)}, "depths must be a range"),
        ({"facts": (0, 3)}, "facts must be a range from at least 1"),
        ({"families": ("Att",)}, "families must be some of"),
        ({"families": ("Chain",), "answers": ("unknown",)}, "Chain has no unknown questions"),
        ({"variable": 1.2}, "variable must be a share from 0 to 1, got 1.2"),
        ({"answers": ("maybe",)}, "answers must be some of true, false, unknown"),
        ({"families": ("RelNeg",), "entities": (1, 4)}, "relates at least 2 entities"),
    ],
)
def test_impossible_shapes_are_refused_with_the_knobs_named(settings, message):
    with pytest.raises(BadProblem, match=message):
        Shape(PROOFWRITER, **settings)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (
            Shape(PROOFWRITER, families=("AttNeg",), depths=(18, 18), rules=(24, 24)),
            "no theory of the family AttNeg with the answer .* at depth 18 .* rules 24 to 24, 14 words",
        ),
        (
            Shape(PROOFWRITER, families=("AttNeg",), entities=(1, 1), facts=(15, 16)),
            "no theory .* facts 15 to 16",
        ),
        (Shape(PRONTOQA, families=("Chain",), depths=(20, 20), rules=(22, 30)), "needs more words"),
        (Shape(PROOFWRITER, entities=(4, 9)), "entities end at 9, the vocabulary proofwriter has 8"),
    ],
)
def test_a_cell_that_cannot_be_met_is_an_error_and_not_a_hang(shape, message):
    with pytest.raises(BadProblem, match=message):
        sample(state(0), 10, shape)


def test_a_shard_may_be_empty_or_have_one_row():
    assert len(sample(state(0), 0, Shape(PROOFWRITER)).theories) == 0
    assert len(sample(state(0), 1, Shape(PROOFWRITER)).theories) == 1


def test_answers_can_be_fewer():
    one = drawn(Shape(PROOFWRITER, answers=("true", "unknown")))
    assert {ANSWERS[answer] for answer in one.answer} == {"true", "unknown"}


def test_the_speed_is_printed(capsys):
    shape = Shape(PROOFWRITER)
    sample(state(0), 10, shape)
    begin = perf_counter()
    sample(state(1), 5000, shape)
    with capsys.disabled():
        print(f" {5000 / (perf_counter() - begin):,.0f} problems/s drawn")
