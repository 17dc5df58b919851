"""A* against independent readings of its rules."""

from __future__ import annotations

from collections import Counter
from math import log2

import numpy as np
import polars as pl
import pytest

from generators.domain import BadProblem
from generators.maze import Maze

SIZES = [(2, 2), (2, 7), (5, 5), (10, 10), (13, 6), (7, 12), (20, 20)]

EXAMPLE_PROMPT = "start 0 1 goal 4 0 wall 3 0 wall 1 2 wall 2 2 wall 3 2 wall 4 2 wall 0 4 wall 2 4"
EXAMPLE_TRACE = """
create 0 1 c0 c5 close 0 1 c0 c5 create 0 2 c1 c6 create 0 0 c1 c4 create 1 1 c1 c4
close 0 0 c1 c4 create 1 0 c2 c3 close 1 0 c2 c3 create 2 0 c3 c2 close 2 0 c3 c2 create 2 1 c4 c3
close 1 1 c1 c4 create 2 1 c2 c3 close 2 1 c2 c3 create 3 1 c3 c2 close 3 1 c3 c2
create 4 1 c4 c1 close 4 1 c4 c1 create 4 0 c5 c0 close 4 0 c5 c0
"""
EXAMPLE_PLAN = "plan 0 1 plan 1 1 plan 2 1 plan 3 1 plan 4 1 plan 4 0"


def rng(seed=0):
    return np.random.default_rng(seed)


def solved(maze, rows, seed=0):
    return maze.solve(maze.problems(rng(seed), rows), rng(seed + 1))


def test_the_worked_example_is_written_word_for_word():
    maze = Maze(width=5, height=5, ties="searchformer")
    problem = maze.recall(pl.Series([EXAMPLE_PROMPT.split()]), "search")
    row = maze.solve(problem, rng()).row(0, named=True)
    assert row["prompt"] == EXAMPLE_PROMPT.split()
    assert row["trace"] == EXAMPLE_TRACE.split()
    assert row["answer"] == EXAMPLE_PLAN.split()
    assert (row["cost"], row["trace_words"], row["choice_bits"]) == (5, 100, None)
    judged = maze.check(problem, maze.solve(problem, rng()))
    assert judged.row(0)[:4] == ("optimal", "exact", 20, 20)


@pytest.mark.parametrize("ties", ["searchformer", "deepest"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_traces_are_those_of_a_plain_implementation(reference, width, height, ties):
    rows = solved(Maze(width=width, height=height, ties=ties, attempts_per_layout=5), 60)
    for row in rows.iter_rows(named=True):
        assert (row["trace"], row["answer"]) == reference.astar(reference.grid(row), ties)


@pytest.mark.parametrize("ties", ["searchformer", "deepest", "random"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_plans_are_optimal_and_traces_exact(reference, width, height, ties):
    maze = Maze(width=width, height=height, ties=ties)
    rows = solved(maze, 200)
    assert rows["cost"].to_list() == [reference.grid(row).distance() for row in rows.iter_rows(named=True)]
    judged = maze.check(rows, rows)
    assert set(judged["verdict"]) == {"optimal"}
    assert set(judged["level"]) == {"exact"}
    assert judged["answer_cost"].to_list() == rows["cost"].to_list()
    assert (judged["faithful_steps"] * 5).to_list() == rows["trace_words"].to_list()
    assert rows["trace_words"].to_list() == rows["trace"].list.len().to_list()


def test_no_cost_exceeds_the_plan_by_more_than_one():
    rows = solved(Maze(width=12, height=9), 300)
    for trace, cost in zip(rows["trace"].to_list(), rows["cost"], strict=True):
        assert max(int(word[1:]) for word in trace if word[0] == "c" and word[1:].isdigit()) <= cost + 1


MAZES = ["S.\n.G", "S..\n..G", "S.#\n...\n#.G", "S...\n.##.\n...G", "..S\n.#.\nG.."]


@pytest.mark.parametrize("drawing", MAZES)
def test_probabilities_of_random_ties_are_exact(reference, drawing):
    """All traces that A* can write: `choice_bits` is their probability, and the frequencies follow."""
    runs = 20_000
    maze = Maze(width=4, height=4)
    problem = maze.read(drawing)
    every = list(reference.every_trace(reference.grid(problem.row(0, named=True))))
    chances = {trace: float(chance) for trace, chance in every}
    assert len(chances) == len(every)
    assert sum(chance for _, chance in every) == 1
    rows = maze.solve(problem[[0] * runs], rng(5))
    drawn = Counter(map(tuple, rows["trace"].to_list()))
    bits = dict(zip(map(tuple, rows["trace"].to_list()), rows["choice_bits"], strict=True))
    assert set(drawn) <= set(chances)
    for trace, found in bits.items():
        assert found == pytest.approx(-log2(chances[trace]), abs=1e-9)
    _assert_frequencies(drawn, chances, runs)


def _assert_frequencies(drawn, chances, runs):
    """Traces expected five times or more, and all others together, within five standard deviations."""
    common = {trace: chance for trace, chance in chances.items() if chance * runs >= 5}
    rest = max(0.0, 1 - sum(common.values()))
    counts = [(drawn[trace], chance) for trace, chance in common.items()]
    counts.append((runs - sum(drawn[trace] for trace in common), rest))
    for count, chance in counts:
        assert abs(count - runs * chance) <= 5 * (runs * chance * (1 - chance)) ** 0.5 + 1e-6


def test_only_random_ties_have_choice_bits():
    for ties in ("searchformer", "deepest"):
        assert solved(Maze(width=5, height=5, ties=ties), 5)["choice_bits"].null_count() == 5


def test_the_teacher_does_not_touch_the_problems():
    base = Maze(width=6, height=6)
    problems = [
        Maze(width=6, height=6, ties=ties).problems(rng(), 50)
        for ties in ("searchformer", "deepest", "random")
    ]
    assert problems[0].equals(problems[1])
    assert problems[0].equals(problems[2])
    rows = base.solve(problems[0], rng(3))
    assert rows.select(problems[0].columns).equals(problems[0])


def test_a_row_is_solved_the_same_whatever_follows_it():
    maze = Maze(width=6, height=6)
    problems = maze.problems(rng(), 40)
    assert maze.solve(problems, rng(3)).head(10).equals(maze.solve(problems.head(10), rng(3)))


def test_references_are_means_of_random_runs_and_the_deepest_run():
    maze = Maze(width=8, height=8, ties="searchformer")
    problems = maze.problems(rng(), 50)
    found = maze.references(problems, rng(1))
    many = [maze.randomized().solve(problems, rng(10 + run))["trace_words"].to_numpy() for run in range(64)]
    mean, spread = np.mean(many, axis=0), np.std(many, axis=0)
    away = np.abs(found["reference_words"].to_numpy() - mean)
    assert (away <= 6 * (spread + 1) * (2 / 64) ** 0.5).all()
    deepest = Maze(width=8, height=8, ties="deepest").solve(problems, rng())
    assert found["deepest_words"].to_list() == deepest["trace_words"].to_list()
    assert found["deepest_words"].mean() < found["reference_words"].mean()


def test_an_unsolvable_problem_is_refused_by_name():
    maze = Maze(width=3, height=3)
    walled = ["start", "0", "0", "goal", "2", "2", "wall", "1", "0", "wall", "1", "1", "wall", "1", "2"]
    problems = maze.recall(pl.Series([walled]), "search")
    with pytest.raises(BadProblem, match="problem 0: there is no way from start to goal"):
        maze.solve(problems, rng())


def test_a_problem_of_costs_without_words_is_refused():
    maze = Maze(width=5, height=5, largest_cost=8)
    with pytest.raises(BadProblem, match="a plan of 16 moves needs costs above c8"):
        maze.read("S....\n####.\n.....\n.####\n....G")


def test_a_goal_that_is_the_start_needs_no_move():
    maze = Maze(width=3, height=3)
    problems = maze.recall(pl.Series([["start", "1", "1", "goal", "1", "1"]]), "search")
    rows = maze.solve(problems, rng())
    assert rows["answer"].to_list() == [["plan", "1", "1"]]
    assert maze.check(problems, rows).row(0)[:2] == ("optimal", "exact")


def test_random_numbers_follow_the_published_generator():
    """The first outputs of xoshiro256++ from the state 1, 2, 3, 4, as published with its reference code."""
    from generators.chance import below, draw

    state = np.array([1, 2, 3, 4], np.uint64)
    assert [int(draw(state)) for _ in range(4)] == [41943041, 58720359, 3588806011781223, 3591011842654386]
    counts = np.bincount([below(state, 7) for _ in range(70_000)], minlength=7)
    assert len(counts) == 7
    assert (abs(counts - 10_000) < 500).all()
