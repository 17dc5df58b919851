"""Notations: what is written can be restored, and prompts tell their problem."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.domain import BadProblem
from generators.maze import Maze
from generators.words import word_type


def rng(seed=0):
    return np.random.default_rng(seed)


def solved(maze, rows, seed=0):
    return maze.solve(maze.problems(rng(seed), rows), rng(seed + 1))


sizes = st.integers(2, 9)
mazes = st.builds(
    lambda width, height, more, ties: Maze(
        width=width, height=height, ties=ties, largest_side=more and max(width, height) + more
    ),
    sizes,
    sizes,
    st.integers(0, 3),
    st.sampled_from(["searchformer", "deepest", "random"]),
)


@given(mazes, st.sampled_from(Maze.notations), st.integers(0, 1000))
def test_what_is_written_is_restored_and_recalled(maze, notation, seed):
    rows = solved(maze, 5, seed)
    written = maze.write(rows, notation, rng())
    alphabet = maze.alphabet(notation)
    assert dict(written.schema) == {"prompt": word_type(alphabet), "response": word_type(alphabet)}
    restored = maze.restore(written, notation)
    assert restored["answer"].equals(rows["answer"])
    if notation == "solution":
        assert restored["trace"].null_count() == 5
    else:
        assert restored["trace"].equals(rows["trace"])
    recalled = maze.recall(written["prompt"], notation)
    asked = [
        "problem_id",
        "split_key",
        "prompt",
        "width",
        "height",
        "start_x",
        "start_y",
        "goal_x",
        "goal_y",
        "walls",
    ]
    assert recalled.select(asked).equals(rows.select(asked))
    assert recalled["draws"].null_count() == 5
    assert recalled.columns == maze.problems(rng(), 1).columns


@pytest.mark.parametrize("kind", [pl.List(pl.String), pl.List(pl.Categorical)])
@pytest.mark.parametrize("notation", Maze.notations)
def test_columns_of_strings_and_categories_serve_as_well(notation, kind):
    maze = Maze(width=6, height=6)
    rows = solved(maze, 8)
    written = maze.write(rows, notation, rng())
    read = rows.with_columns(pl.col("prompt", "trace", "answer").cast(kind))
    assert maze.write(read, notation, rng()).equals(written)
    assert maze.check(read, read).equals(maze.check(rows, rows))
    again = maze.restore(written.cast({"response": kind}), notation)
    assert again["answer"].equals(rows["answer"])
    assert maze.recall(written["prompt"].cast(kind), notation)["problem_id"].equals(rows["problem_id"])


def test_rows_without_an_answer_give_prompts():
    maze = Maze(width=5, height=5)
    problems = maze.problems(rng(), 3)
    assert maze.write(problems, "cells", rng()).columns == ["prompt"]


def test_one_problem_reads_so_in_every_notation():
    maze = Maze(width=3, height=2)
    rows = maze.solve(maze.read("S#G\n..."), rng())
    said = {
        name: [" ".join(words) for words in maze.write(rows, name, rng()).row(0)] for name in maze.notations
    }
    trace = (
        "create 0 0 c0 c2 close 0 0 c0 c2 create 0 1 c1 c3 close 0 1 c1 c3 create 1 1 c2 c2 close 1 1 c2 c2 "
        "create 2 1 c3 c1 close 2 1 c3 c1 create 2 0 c4 c0 close 2 0 c4 c0"
    )
    plan = "plan 0 0 plan 0 1 plan 1 1 plan 2 1 plan 2 0"
    assert said["search"] == ["start 0 0 goal 2 0 wall 1 0", f"{trace} {plan}"]
    assert said["solution"] == ["start 0 0 goal 2 0 wall 1 0", plan]
    assert said["cells"][0] == "start 0,0 goal 2,0 wall 1,0"
    assert said["cells"][1].endswith("close 2,0 c4 c0 plan 0,0 plan 0,1 plan 1,1 plan 2,1 plan 2,0")
    assert said["cells"][1].startswith("create 0,0 c0 c2 close 0,0 c0 c2 create 0,1 c1 c3")


def test_alphabets_are_searchformer_s_and_share_the_order_of_their_parts():
    for side, words in ((10, 118), (20, 428), (30, 938)):
        assert len(Maze(width=side, height=side).alphabet("search")) + 2 == words
    maze = Maze(width=3, height=2)
    assert maze.alphabet("search") == (
        *"012", *(f"c{cost}" for cost in range(6)), "start", "goal", "wall", "create", "close", "plan",
    )  # fmt: skip
    assert maze.alphabet("solution") == (*"012", "start", "goal", "wall", "plan")
    assert maze.alphabet("cells")[:4] == ("0,0", "1,0", "2,0", "0,1")


def test_a_vocabulary_can_be_shared_across_sizes():
    wide = Maze(width=4, height=9, largest_side=12)
    assert wide.alphabet("search") == Maze(width=12, height=5, largest_side=12).alphabet("search")
    assert Maze(width=4, height=4, largest_side=12, largest_cost=20).alphabet("search")[12 + 20] == "c20"


def test_what_is_not_grammatical_is_handed_on():
    maze = Maze(width=4, height=4)
    words = ["close", "1", "eos", "2,2", "plan", "1", "create", "plan"]
    frame = pl.DataFrame({"response": [words], "ended": [True]})
    restored = maze.restore(frame, "search").row(0, named=True)
    assert restored["trace"] == ["close", "1", None, None]
    assert restored["answer"] == ["plan", "1", "create", "plan"]
    cells = maze.restore(pl.DataFrame({"response": [["create", "2,1", "1", "plan", "3,3"]]}), "cells").row(
        0, named=True
    )
    assert cells["trace"] == ["create", "2", "1", None]
    assert cells["answer"] == ["plan", "3", "3"]
    bare = maze.restore(pl.DataFrame({"response": [["create", "plan"]]}), "solution").row(0, named=True)
    assert bare["answer"] == ["create", "plan"]


@given(st.lists(st.sampled_from(["create", "plan", "1", "2", "c3", "goal", None]), max_size=9))
def test_rows_that_are_no_grammar_are_written_without_their_strangers(words):
    maze = Maze(width=4, height=4)
    rows = solved(maze, 1).with_columns(answer=pl.Series([words], dtype=word_type(maze.alphabet("search"))))
    for notation in ("cells", "solution"):
        written = maze.write(rows, notation, rng())["response"][0].to_list()
        assert written.count("plan") == words.count("plan")
        assert set(written) <= {*maze.alphabet(notation), None}


@given(st.lists(st.sampled_from(["create", "plan", "1,1", "2", "c3", "eos", "nonsense"]), max_size=12))
def test_coordinates_are_no_cells(words):
    """A response in `cells` that is no grammar there is none after it was restored."""
    maze = Maze(width=4, height=4)
    frame = pl.DataFrame({"response": pl.Series([words], dtype=pl.List(pl.String))})
    restored = maze.restore(frame, "cells").row(0, named=True)
    plain = [word for word in (*restored["trace"], *restored["answer"]) if word != "1"]
    kept = [word if word in maze.alphabet("cells") else None for word in words if word != "1,1"]
    assert plain == kept


@pytest.mark.parametrize(
    "prompt",
    ["", "start 0 0", "start 0 0 goal 1", "goal 0 0 start 1 1", "start 0 0 goal 9 1", "start 0 0 goal 3 1",
     "start 0 0 goal 1 1 wall 1 1", "start 0 0 goal 1 1 wall 1 c0", "start 0 0 goal 1 1 wall wall wall"],
)  # fmt: skip
def test_prompts_that_state_no_maze_are_refused(prompt):
    maze = Maze(width=3, height=3, largest_side=5)
    good = ["start", "0", "0", "goal", "1", "1"]
    prompts = pl.Series([good, prompt.split()], dtype=pl.List(pl.String))
    with pytest.raises(BadProblem, match="prompt 1 does not state a 3x3 maze"):
        maze.recall(prompts, "search")


def test_an_unknown_notation_is_refused_with_the_known_ones():
    with pytest.raises(BadProblem, match="no notation 'prose'; they have: search, solution, cells"):
        Maze().alphabet("prose")


@pytest.mark.parametrize("notation", Maze.notations)
def test_rewards_follow_the_verdict(notation):
    maze = Maze(width=6, height=6)
    written = maze.write(solved(maze, 4), notation, rng())
    prompts = [" ".join(words) for words in written["prompt"]]
    best = [" ".join(words) + " eos" for words in written["response"]]
    assert maze.reward(prompts, best, notation=notation) == [1.0] * 4
    assert maze.reward(prompts, [text.rsplit(" ", 2)[0] for text in best], notation=notation) == [0.0] * 4
    chat = [[{"role": "user", "content": prompt}] for prompt in prompts]
    assert (
        maze.reward(chat, [[{"role": "assistant", "content": text}] for text in best], notation=notation)
        == [1.0] * 4
    )
    cut = [best[0], *(text.removesuffix(" eos") for text in best[1:])]
    assert maze.reward(prompts, cut, notation=notation) == [1.0, 0.0, 0.0, 0.0]


def test_the_rows_are_the_golden_ones(golden):
    """Sampling, teacher, hashes and words of a few rows; a difference means a new version of `generate`."""
    rows = []
    for maze in (
        Maze(width=5, height=5, ties="searchformer"),
        Maze(width=5, height=5, ties="deepest"),
        Maze(width=5, height=5, ties="random"),
        Maze(width=8, height=6, ties="random", attempts_per_layout=3),
    ):
        for row in solved(maze, 2, 20).to_dicts():
            rows.append({"ties": maze.ties, **row})
    text = {name: " ".join(value) for row in rows for name, value in row.items() if isinstance(value, list)}
    assert set(text) == {"prompt", "trace", "answer"}
    for row in rows:
        row.update({name: " ".join(row[name]) for name in text})
        row["choice_bits"] = None if row["choice_bits"] is None else round(row["choice_bits"], 6)
    golden("maze_rows.json", json.dumps(rows, indent=1) + "\n")
