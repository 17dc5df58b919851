"""The contract of `generators/domain.py`, run over every domain: a new one is tested by an item in a list."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import polars as pl
import pytest
from tiny import Counting

from generators.chess import Chess
from generators.domain import (
    JUDGEMENT,
    BadProblem,
    Domain,
    Hung,
    domain_class,
    problem_columns,
    solution_columns,
)
from generators.maze import Maze
from generators.prolog import Prolog
from pipeline import schema
from pipeline.recipe import domain_fields

THEORY = "big(bob).\nkind(X) :- big(X), -sad(X).\n-sad(bob).\n?- kind(bob).\n"
POSITION = "6k1/5ppp/8/8/8/8/8/R3K3 w Q - 0 1"
DOMAINS: list[tuple[Domain, str]] = [
    (Maze(width=5, height=5), "S..\n.#.\n..G"),
    (Maze(width=7, height=4, ties="searchformer"), "S..\n.#.\n..G"),
    (Maze(width=4, height=6, ties="deepest"), "S..\n.#.\n..G"),
    (Counting(), "3+4\n5+0"),
    (Prolog(depth_to=3), THEORY),
    (Prolog(mode="forward", depth_to=2, invented=0.5, families=("AttNoneg", "RelNoneg")), THEORY),
    (Prolog(vocabulary="prontoqa", families=("Chain",), answers=("true", "false"), depth_from=1), THEORY),
    (Chess(nodes=20, root_nodes=60, game_nodes=20), POSITION),
    (Chess(nodes=20, root_nodes=60, game_nodes=20, mode="multipv", wdl=True), POSITION),
]
ROWS = 40


def item(domain: Domain, own: str) -> Any:
    """A parameter; domains with an engine carry its marker."""
    marks = pytest.mark.engine if isinstance(domain, Prolog | Chess) else ()
    knobs = {key: value for key, value in vars(domain).items() if value != getattr(type(domain), key)}
    return pytest.param(domain, own, marks=marks, id=f"{domain.name} {knobs}")


every_domain = pytest.mark.parametrize(("domain", "own"), [item(*each) for each in DOMAINS])


def rng(name: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(name))


def solved(domain: Domain, rows: int = ROWS) -> pl.DataFrame:
    return domain.solve(domain.problems(rng(1), rows), rng(2))


@every_domain
def test_problems_are_a_function_of_the_generator(domain: Domain, own: str) -> None:
    first, again, other = (domain.problems(rng(seed), ROWS) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)
    assert len(first) == ROWS
    alphabet = domain.alphabet(domain.notations[0])
    for name, kind in problem_columns(alphabet).items():
        assert first[name].dtype == kind, name
    assert first["problem_id"].str.len_chars().unique().to_list() == [32]


@every_domain
def test_the_teacher_solves_all_and_the_verifier_agrees(domain: Domain, own: str) -> None:
    rows = solved(domain)
    for name, kind in {**solution_columns(domain.alphabet(domain.notations[0])), **domain.columns}.items():
        assert rows[name].dtype == kind, name
    judged = domain.check(rows, rows.select("trace", "answer", ended=pl.lit(True)))
    assert dict(judged.schema) == dict(JUDGEMENT)
    assert judged["verdict"].unique().to_list() == ["optimal"]
    assert judged["level"].unique().to_list() == ["exact"]
    assert judged["first_departure"].null_count() == ROWS
    assert (judged["faithful_steps"] == judged["total_steps"]).all()
    assert (judged["answer_cost"] == rows["cost"]).all()
    assert (rows["trace_words"] == rows["trace"].list.len()).all()


@every_domain
def test_an_answer_without_its_end_is_malformed(domain: Domain, own: str) -> None:
    rows = solved(domain, 5)
    judged = domain.check(rows, rows.select("trace", "answer", ended=pl.lit(False)))
    assert judged["verdict"].unique().to_list() == ["malformed"]
    assert judged["answer_reason"].null_count() == 0


@every_domain
def test_a_null_trace_has_no_level(domain: Domain, own: str) -> None:
    rows = solved(domain, 5)
    responses = rows.select(pl.lit(None, pl.List(pl.String)).alias("trace"), "answer", ended=pl.lit(True))
    judged = domain.check(rows, responses)
    assert judged["verdict"].unique().to_list() == ["optimal"]
    assert judged["level"].null_count() == judged["total_steps"].null_count() == 5


@every_domain
def test_every_notation_comes_back(domain: Domain, own: str) -> None:
    rows = solved(domain)
    for notation in domain.notations:
        written = domain.write(rows, notation, rng())
        known = set(domain.alphabet(notation))
        assert set(written["prompt"].explode().cast(pl.String)) <= known
        recalled = domain.recall(written["prompt"], notation)
        assert recalled["problem_id"].to_list() == rows["problem_id"].to_list()
        assert domain.grouped or recalled["split_key"].to_list() == rows["split_key"].to_list()
        if notation in domain.value_notations:
            values = written["values"].explode()
            outer = domain.outer_values
            assert values.is_between(-outer, 1 + outer).all()
            assert (values.is_between(0, 1) | (values == values.round())).all()
            assert (written["values"].list.len() == written["candidates"].list.len()).all()
            continue
        assert set(written["response"].explode().cast(pl.String)) <= known
        responses = written.select("response", ended=pl.lit(True))
        restored = domain.restore(responses, notation)
        text = pl.List(pl.String)
        assert restored["answer"].cast(text).to_list() == rows["answer"].cast(text).to_list()
        if notation in domain.abridged_notations:
            again = domain.write(rows.with_columns(restored.select("trace", "answer")), notation, rng())
            assert again["response"].cast(text).to_list() == written["response"].cast(text).to_list()
        elif restored["trace"].null_count() == 0:
            assert restored["trace"].cast(text).to_list() == rows["trace"].cast(text).to_list()


@every_domain
def test_values_lead_to_optimal_answers(domain: Domain, own: str) -> None:
    rows = solved(domain, 10)
    for notation in domain.value_notations:
        written = domain.write(rows, notation, rng())
        offered = domain.candidates(rows, notation)
        assert offered["row"].is_sorted()
        if offered["candidates"].to_list() != written["candidates"].to_list():
            continue  # what is asked is not what is learned: the domain's own tests see to it
        answers = domain.decide(rows, written["values"], notation)
        assert answers["scores"].list.len().to_list() == written["values"].list.len().to_list()
        none = answers.with_columns(trace=pl.lit(None, pl.List(pl.String)), ended=pl.lit(True))
        assert domain.check(rows, none)["verdict"].unique().to_list() == ["optimal"]


@every_domain
def test_alphabets_are_fixed_and_without_doubles(domain: Domain, own: str) -> None:
    for notation in domain.notations:
        words = domain.alphabet(notation)
        assert words == domain.alphabet(notation)
        assert len(set(words)) == len(words)
        assert not {"pad", "bos", "eos"} & set(words)
        assert not any(word.split() != [word] for word in words)


@every_domain
def test_rows_survive_parquet(domain: Domain, own: str, tmp_path: Any) -> None:
    rows = solved(domain)
    judged = domain.check(rows, rows.select("trace", "answer", ended=pl.lit(True)))
    place = {"seed": pl.lit(0), "shard": pl.lit(0), "row": pl.int_range(ROWS)}
    rows = rows.with_columns(judged["verdict"], judged["level"], **place)
    columns = schema.traces(domain)
    rows = rows.with_columns(pl.col(name).cast(columns[name]) for name in place).select(list(columns))
    path = tmp_path / "rows.parquet"
    schema.write(rows, path, columns, {})
    assert schema.read(path, columns).equals(rows)


@every_domain
def test_own_problems_are_read_and_solved(domain: Domain, own: str) -> None:
    problems = domain.read(own)
    rows = domain.solve(problems, rng())
    judged = domain.check(rows, rows.select("trace", "answer", ended=pl.lit(True)))
    assert judged["verdict"].unique().to_list() == ["optimal"]
    for bad in ("", "?!\n", "no/such/file.txt"):
        with pytest.raises(BadProblem):
            raise_if_empty(domain.read(bad))


def raise_if_empty(rows: pl.DataFrame) -> None:
    if rows.is_empty():
        raise BadProblem("nothing was read")


@every_domain
def test_rewards_are_verdicts(domain: Domain, own: str) -> None:
    rows = solved(domain, 6)
    notation = domain.notations[0]
    written = domain.write(rows, notation, rng())
    prompts = ["bos " + " ".join(words) for words in written["prompt"].to_list()]
    good = [" ".join(words) + " eos" for words in written["response"].to_list()]
    assert domain.reward(prompts, good) == [1.0] * 6
    assert domain.reward(prompts, ["eos"] * 6) == [0.0] * 6
    chat = [[{"role": "user", "content": prompt}] for prompt in prompts]
    assert domain.reward(chat, [[{"role": "assistant", "content": text}] for text in good]) == [1.0] * 6
    assert domain.reward(prompts, good, notation=[notation] * 6, other=[1] * 6) == [1.0] * 6


@every_domain
def test_references_baselines_and_views(domain: Domain, own: str) -> None:
    rows = solved(domain, 6)
    references = domain.references(rows, rng())
    assert (references["reference_words"] > 0).all()
    assert len(references) == 6
    assert set(domain.baselines(rows).columns) == {"measure", "value", "note"}
    row = rows.row(0, named=True)
    assert domain.view(row, "text")
    assert domain.view(row, "svg").lstrip().startswith("<svg")
    assert domain.view({**row, "trace": None, "answer": None}, "text")


@every_domain
def test_a_domain_is_plain_data(domain: Domain, own: str) -> None:
    fields = domain_fields(domain)
    assert type(domain)(**{key: value for key, value in fields.items() if key != "name"}) == domain
    assert type(domain.randomized()) is type(domain)
    assert hash(domain) == hash(type(domain)(**{k: v for k, v in fields.items() if k != "name"}))


def test_domains_are_found_by_name_alone() -> None:
    assert domain_class("maze") is Maze
    assert domain_class("prolog") is Prolog
    assert domain_class("chess") is Chess
    with pytest.raises(BadProblem, match=r"there is no domain 'os\.system'"):
        domain_class("os.system")


def test_a_worker_can_tell_its_parent_what_hung() -> None:
    told = pickle.loads(pickle.dumps(Hung([3, 5], "no reply")))
    assert (told.rows, str(told)) == ((3, 5), "no reply")
