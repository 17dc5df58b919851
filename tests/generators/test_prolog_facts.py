"""What is said about sets of questions: features, audits, their bound, and accuracies of responses."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from generators.prolog import audit, facts, features
from generators.prolog.alphabet import COUNT_COLUMNS, FEATURE_COLUMNS
from generators.prolog.theory import NONE, VARIABLE, assembled

LABELS = ("true", "false", "unknown")


def literal(rng, ground):
    arity = int(rng.integers(0, 3))
    terms = [
        int(rng.integers(0, 3)) + VARIABLE * int(not ground and rng.random() < 0.5) for _ in range(arity)
    ]
    return [int(rng.integers(0, 2)), 10 * arity + int(rng.integers(0, 2)), *terms, *[NONE] * (3 - arity)]


def random_theory(rng):
    rules = [
        ([literal(rng, False) for _ in range(rng.integers(0, 3))], literal(rng, False))
        for _ in range(rng.integers(0, 5))
    ]
    return [literal(rng, True) for _ in range(rng.integers(0, 7))], rules, literal(rng, True)


def seen_naively(theory):
    given, rules, question = theory
    heads = {(head[0], head[1]) for _, head in rules}
    other = [1 - question[0], *question[1:]]
    return [
        question in given,
        other in given,
        (question[0], question[1]) in heads,
        (other[0], other[1]) in heads,
        question[0] == 0,
    ]


def counted_naively(theory):
    given, rules, question = theory
    bodies = [one for body, _ in rules for one in body]
    named = [one for one in given if question[2] != NONE and question[2] in one[2:]]
    return [
        len(given),
        len(rules),
        len(bodies),
        len(named),
        sum(one[1] == question[1] for one in given),
        sum(head[1] == question[1] for _, head in rules),
        sum(one[1] == question[1] for one in bodies),
        sum(one[0] == 0 for one in [*given, *[head for _, head in rules]]),
    ]


def test_features_and_counts_are_what_a_naive_reading_finds():
    rng = np.random.default_rng(1)
    drawn = [random_theory(rng) for _ in range(800)]
    theories = assembled(drawn)
    expected = np.array([seen_naively(theory) for theory in drawn])
    assert np.array_equal(features.features(theories), expected)
    assert expected.any(0).all()
    counted = np.array([counted_naively(theory) for theory in drawn])
    assert np.array_equal(features.counts(theories), counted)


def told(label, depth, family="AttNeg", **columns):
    count = len(label)
    return pl.DataFrame(
        {
            "split_key": [f"{at:x}" for at in range(count)],
            "label": label,
            "depth": depth,
            "family": [family] * count if isinstance(family, str) else family,
            **columns,
        }
    )


def described(rows, theories):
    """Rows with the columns that the domain keeps of each question."""
    seen, counted = features.features(theories), features.counts(theories)
    return rows.with_columns(
        pl.Series("polarity", theories.questions[:, 0].astype(np.uint8)),
        *(pl.Series(name, seen[:, at], pl.Boolean) for at, name in enumerate(FEATURE_COLUMNS)),
        *(pl.Series(name, counted[:, at], pl.UInt16) for at, name in enumerate(COUNT_COLUMNS)),
    )


def found(rows, theories):
    made = facts.baselines(described(rows, theories))
    return {name: (value, note) for name, value, note in made.iter_rows()}


def questions(polarity, count, head=(1,)):
    """Theories in which rules derive the question's predicate with each polarity of `head`."""
    rules = [([[1, 1, 0, NONE, NONE]], [sign, 0, VARIABLE, NONE, NONE]) for sign in head]
    return [([[1, 1, 0, NONE, NONE]], rules, [polarity(at), 0, 0, NONE, NONE]) for at in range(count)]


def test_audits_are_near_chance_where_answers_are_independent_of_the_surface():
    rng = np.random.default_rng(2)
    theories = assembled([random_theory(rng) for _ in range(6_000)])
    rows = told(rng.choice(LABELS, 6_000).tolist(), rng.integers(1, 4, 6_000).tolist())
    said = found(rows, theories)
    for name in ("majority", "polarity_only", "shallow_table", "shallow_regression", "shallow_table_deep"):
        assert said[name][0] == pytest.approx(1 / 3, abs=0.03), name
    assert said["shallow_bound"][0] == pytest.approx(1 / 3, abs=0.03)


def test_a_leak_is_found_by_every_audit_that_can_see_it_but_not_forgiven_by_the_bound():
    rng = np.random.default_rng(3)
    drawn = [random_theory(rng) for _ in range(6_000)]
    leaky = ["false" if theory[2][0] == 0 else "true" for theory in drawn]
    said = found(told(leaky, [2] * len(drawn)), assembled(drawn))
    for name in ("polarity_only_deep", "shallow_table_deep", "shallow_regression_deep"):
        assert said[name][0] > 0.99, name
    assert said["shallow_bound_deep"][0] == pytest.approx(0.5, abs=0.06)
    assert said["shallow_excess_deep"][0] == said["shallow_table_deep"][0] - said["shallow_bound_deep"][0]


def test_stated_questions_and_families_without_negation_raise_the_bound():
    count = 900
    label = [LABELS[at % 3] for at in range(count)]
    # Nothing negative is asserted: true questions are positive, false ones negated, unknown ones both.
    sign = [1 if one == "true" else 0 if one == "false" else at % 2 for at, one in enumerate(label)]
    deep = questions(lambda at: sign[at], count)
    said = found(told(label, [1] * count, "AttNoneg"), assembled(deep))
    assert said["shallow_bound"][0] == pytest.approx(2 / 3, abs=0.01)
    # The same questions where negations are asserted: the design could have balanced polarity.
    both = questions(lambda at: sign[at], count, head=(0, 1))
    said = found(told(label, [1] * count, "AttNeg"), assembled(both))
    assert said["shallow_bound"][0] == pytest.approx(1 / 3, abs=0.01)
    assert said["shallow_table"][0] == pytest.approx(2 / 3, abs=0.05)
    # At depth 0 the fact that is the question, or its complement, gives the answer away.
    stated = [
        (
            [*given, [1, 0, 0, NONE, NONE]] if one != "unknown" else given,
            rules,
            [int(one != "false"), *question[1:]],
        )
        for (given, rules, question), one in zip(both, label, strict=True)
    ]
    said = found(told(label, [0] * count), assembled(stated))
    assert said["shallow_bound"][0] == said["shallow_table"][0] == 1
    assert "shallow_bound_deep" not in said


def test_the_bound_is_bayes_accuracy_when_all_is_forced():
    rng = np.random.default_rng(4)
    cell, answers = rng.integers(0, 8, 500), rng.integers(0, 3, 500)
    kinds = np.zeros(500, np.int64)
    best = sum(np.bincount(answers[cell == at]).max() for at in range(8)) / 500
    assert audit.bound(cell, cell, answers, kinds) == pytest.approx(best)
    nothing = np.zeros(500, np.int64)
    assert audit.bound(cell, nothing, answers, kinds) == pytest.approx(np.bincount(answers).max() / 500)


def test_audits_are_scored_on_the_test_split_alone_and_deep_ones_on_all_rows():
    count = 300
    label = [LABELS[at % 2] for at in range(count)]
    split = ["test" if at >= 200 else "train" for at in range(count)]
    swapped = [1 - at % 2 if at < 200 else at % 2 for at in range(count)]
    said = found(
        told(label, [1] * count, split=split), assembled(questions(lambda at: swapped[at], count, (0, 1)))
    )
    assert said["polarity_only"][0] == 0
    assert "fitted on train, scored on test (100 rows)" in said["polarity_only"][1]
    assert said["polarity_only_deep"][0] == pytest.approx(2 / 3)
    assert "cross-fitted" in said["polarity_only_deep"][1]
    assert "(300 rows)" in said["polarity_only_deep"][1]


def test_cross_fitting_scores_each_row_by_what_was_fitted_without_it():
    rng = np.random.default_rng(5)
    answers, first = rng.integers(0, 2, 400), rng.random(400) < 0.4
    halves = audit.Halves(first, ~first)
    own = np.arange(400)  # a table of cells of one row knows nothing of the other half but its majority
    right = [answers[~half] == np.bincount(answers[half]).argmax() for half in (first, ~first)]
    both = (halves, halves.swapped())
    assert audit.table(own, answers, both) == pytest.approx(np.concatenate(right).mean())
    assert audit.table(answers, answers, both) == 1
    assert audit.regression(np.eye(2)[answers], answers, both) == 1
    assert audit.table(own, answers, [halves.within(first)]) is None


def test_questions_of_a_theory_stand_in_the_same_half():
    # Two theories that fall in different halves, each with an answer of its own that the other cannot tell.
    count, keys = 400, ("1", "2")
    rows = told([LABELS[at % 2] for at in range(count)], [1] * count)
    rows = rows.with_columns(pl.Series("split_key", [keys[at % 2] for at in range(count)]))
    said = found(rows, assembled(questions(lambda at: at % 2, count)))
    assert said["polarity_only_deep"][0] == 0
    assert "(400 rows)" in said["polarity_only_deep"][1]


def test_draws_cells_and_labels_that_disagree_are_counted():
    label = ["true", "true", "false", "unknown"]
    rows = told(
        label,
        [0, 1, 1, 1],
        draws=[2, 3, None, 5],
        contradictory=[1, 2, None, 2],
        missed=[0, 0, None, 1],
        given=["true", "false", None, "unknown"],
        source_id=["a", "b", "c", "d"],
    )
    said = found(rows, assembled(questions(lambda at: 1, 4)))
    assert said["contradictory_share"][0] == 0.5
    assert said["missed_share"][0] == 0.1
    assert said["share of true at depth 1"][0] == 0.25
    assert said["given_labels"][0] == 3
    assert said["given_labels_wrong"][0] == 1
    assert "b (given false, derived true)" in said["given_labels_wrong"][1]


@pytest.mark.parametrize("label", [[], ["limit"], ["true"]])
def test_few_rows_are_no_fault(label):
    rows = told(pl.Series(label, dtype=pl.String).to_list(), [1] * len(label))
    rows = rows.with_columns(
        pl.col("label", "family", "split_key").cast(pl.String), pl.col("depth").cast(pl.Int32)
    )
    rows = described(rows, assembled(questions(lambda at: 1, len(label))))
    assert facts.baselines(rows).columns == ["measure", "value", "note"]
    assert facts.baselines(rows.drop("label")).is_empty()


def test_accuracy_is_told_by_depth_and_by_answer():
    rollouts = pl.DataFrame(
        {
            "verdict": ["optimal", "wrong", "optimal", "malformed"],
            "depth": [0, 1, 3, None],
            "label": ["true", "true", "unknown", "unknown"],
        }
    )
    made = facts.measures(rollouts)
    assert made["accuracy at depth 0"].to_list() == [1, None, None, None]
    assert made["accuracy at depth 1 and more"].to_list() == [None, 0, 1, None]
    assert made["accuracy of true"].to_list() == [1, 0, None, None]
    assert made["accuracy of unknown"].to_list() == [None, None, 1, 0]
    assert "accuracy of false" not in made.columns


@pytest.mark.parametrize("known", [[], ["depth"], ["label"]])
def test_responses_to_rows_without_depth_or_label_have_no_accuracies(known):
    rollouts = pl.DataFrame({"verdict": ["optimal"], "depth": [1], "label": ["true"]})
    assert facts.measures(rollouts.select("verdict", *known)).is_empty()
