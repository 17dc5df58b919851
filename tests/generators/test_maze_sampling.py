"""Which mazes are drawn: the paper's rules, their limits, and settings that are refused."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.domain import BadProblem, problem_columns
from generators.maze import Maze


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(("width", "height"), [(10, 10), (7, 13), (20, 6)])
def test_walls_starts_and_goals_follow_the_paper(reference, width, height):
    maze = Maze(width=width, height=height)
    rows = maze.problems(rng(), 800)
    tenth = width * height // 10
    assert maze.wall_range == (3 * tenth, 5 * tenth)
    assert rows["walls"].is_between(3 * tenth, 5 * tenth).all()
    for row in rows.iter_rows(named=True):
        grid = reference.grid(row)
        assert grid.distance() + 1 >= max(width, height)
        assert not grid.walls & {grid.start, grid.goal}
        assert (row["start_x"], row["start_y"], row["goal_x"], row["goal_y"]) == (*grid.start, *grid.goal)
        assert row["walls"] == len(grid.walls) == (len(row["prompt"]) - 6) // 3
        placed = [
            x + y * width for x, y in zip(*(map(int, row["prompt"][at::3]) for at in (7, 8)), strict=True)
        ]
        assert placed == sorted(placed)


def test_walls_stand_anywhere():
    """No part of the maze is favoured: every cell is a wall about equally often."""
    maze = Maze(width=10, height=10, walls_from=0.0, walls_to=0.2, attempts_per_layout=1)
    rows = maze.problems(rng(), 4000)
    layouts = rows.filter(rows["layouts"] > 0)
    assert layouts["walls"].is_between(0, 20).all()
    share = np.zeros((10, 10))
    for row in rows["prompt"].to_list():
        for x, y in zip(row[7::3], row[8::3], strict=True):
            share[int(y), int(x)] += 1 / len(rows)
    assert abs(share.mean() - rows["walls"].mean() / 100) < 1e-9
    # Not exactly: a wall in a corner cuts off fewer plans than one in the middle.
    assert share.max() - share.min() < 0.05


def test_exactly_as_many_rows_as_asked_with_unique_problems_in_a_layout():
    maze = Maze(width=6, height=6)
    for rows in (1, 7, 333):
        assert len(maze.problems(rng(), rows)) == rows
    drawn = maze.problems(rng(), 2000)
    assert drawn.n_unique("problem_id") == len(drawn)
    assert drawn.n_unique("split_key") < len(drawn)
    assert dict(list(drawn.schema.items())[:3]) == problem_columns(maze.alphabet("search"))
    assert {name: drawn.schema[name] for name in maze.columns} == dict(maze.columns)


def test_draws_are_all_accounted_for():
    drawn = Maze(width=10, height=10, attempts_per_layout=4).problems(rng(), 500)
    lost = drawn.select("unreachable", "too_short", "too_costly", "repeated").sum_horizontal()
    assert (drawn["draws"] == lost + 1).all()
    assert drawn["draws"].sum() <= 4 * drawn["layouts"].sum()
    assert drawn["draws"].sum() > 4 * (drawn["layouts"].sum() - 1)
    assert (drawn["layouts"] > 0).sum() == drawn.n_unique("split_key")


def test_the_skew_to_open_layouts_is_reported():
    maze = Maze(width=10, height=10)
    rows = maze.solve(maze.problems(rng(), 3000), rng(1))
    found = dict(maze.baselines(rows).select("measure", "value").iter_rows())
    assert found["walls_drawn"] == 40
    assert found["walls_problems"] < found["walls_layouts"] < found["walls_drawn"]
    shares = [found[f"{name}_share"] for name in ("accepted", "unreachable", "too_short", "repeated")]
    assert sum(shares) == pytest.approx(1)
    assert 0 < found["direct_share"] < 1
    assert found["cost"] > found["manhattan"]
    own = maze.baselines(maze.read("S.\n.G"))
    assert "accepted_share" not in own["measure"]


@given(st.integers(2, 12), st.integers(2, 12), st.integers(0, 99))
def test_any_size_gives_solvable_problems(width, height, seed):
    maze = Maze(width=width, height=height)
    rows = maze.solve(maze.problems(rng(seed), 3), rng(seed))
    assert set(maze.check(rows, rows)["level"]) == {"exact"}
    assert (rows["cost"] + 1 >= max(width, height)).all()


def test_different_seeds_give_different_problems_and_equal_ones_the_same():
    maze = Maze(width=8, height=8)
    assert maze.problems(rng(1), 50).equals(maze.problems(rng(1), 50))
    ids = set(maze.problems(rng(1), 200)["problem_id"]) & set(maze.problems(rng(2), 200)["problem_id"])
    assert not ids


def test_costs_beyond_the_vocabulary_are_rejected_and_counted():
    maze = Maze(width=8, height=8, largest_cost=9)
    rows = maze.solve(maze.problems(rng(), 300), rng(1))
    assert rows["too_costly"].sum() > 0
    assert rows["cost"].max() <= 9
    for trace in rows["trace"].to_list():
        assert max(int(word[1:]) for word in trace if word[0] == "c" and word[1:].isdigit()) <= 9
    assert set(maze.check(rows, rows)["level"]) == {"exact"}


def test_settings_that_accept_nothing_end_with_their_counts():
    """A plan of 30 states does not fit twelve free cells."""
    maze = Maze(width=30, height=4, walls_from=0.9, walls_to=0.9)
    with pytest.raises(
        BadProblem, match=r"no 30x4 maze with 108 to 108 walls .* 1000000 draws in a row: .* unreachable"
    ):
        maze.problems(rng(), 1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 1}, "at least 2x2 cells, got 1x10"),
        ({"ties": "fifo"}, "ties must be one of searchformer, deepest, random, got 'fifo'"),
        ({"attempts_per_layout": 0}, "attempts_per_layout must be at least 1, got 0"),
        ({"walls_from": 0.6}, "walls_from 0.6 and walls_to 0.5"),
        ({"walls_to": 1.0}, "walls_to 1.0 leaves no two free cells in a maze of 10x10"),
        ({"largest_side": 9}, "largest_side 9 is below the longer side of 10x10"),
        ({"largest_cost": 8}, "largest_cost 8 is below the shortest plan of a 10x10 maze"),
        ({"largest_side": 300}, "has 90306 words at side 300 and largest_cost 89999, more than 65000"),
    ],
)
def test_impossible_settings_are_refused_in_a_sentence(settings, message):
    with pytest.raises(ValueError, match=message):
        Maze(**settings)


def test_measures_are_of_correct_and_of_optimal_responses():
    maze = Maze(width=6, height=6)
    rows = maze.solve(maze.problems(rng(), 40), rng(1))
    rollouts = pl.concat([rows, maze.check(rows, rows)], how="horizontal")
    found = maze.measures(rollouts, "search")
    closes = [trace.count("close") for trace in rows["trace"].to_list()]
    assert found["plan-excess"].to_list() == [0.0] * 40
    assert found["closed-cells"].to_list() == closes
    wrong = rollouts.with_columns(pl.lit(None, pl.Int32).alias("answer_cost"))
    assert maze.measures(wrong, "search").null_count().row(0) == (40, 40)
