"""The verifier: true traces pass, everything else is caught and named."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.domain import JUDGEMENT
from generators.maze import Maze

START = "create 0 0 c0 c4"
DRAWING = """
S.#
.#.
..G
"""
# The one way is down the left side and along the bottom; every other cell is a wall or cannot be reached.
TRACE = """
create 0 0 c0 c4 close 0 0 c0 c4 create 0 1 c1 c3 create 1 0 c1 c3 close 1 0 c1 c3 close 0 1 c1 c3
create 0 2 c2 c2 close 0 2 c2 c2 create 1 2 c3 c1 close 1 2 c3 c1 create 2 2 c4 c0 close 2 2 c4 c0
"""
PLAN = "plan 0 0 plan 0 1 plan 0 2 plan 1 2 plan 2 2"
OPEN = "S..\n...\n..G"


def rng(seed=0):
    return np.random.default_rng(seed)


MAZE = Maze(width=3, height=3)


def judge(trace, plan, drawing=DRAWING, maze=MAZE, **more):
    traces = pl.Series("trace", [None if trace is None else trace.split()], dtype=pl.List(pl.String))
    plans = pl.Series("answer", [None if plan is None else plan.split()], dtype=pl.List(pl.String))
    responses = pl.DataFrame([traces, plans]).with_columns(
        **{name: pl.lit(value) for name, value in more.items()}
    )
    judged = maze.check(maze.read(drawing), responses)
    assert dict(judged.schema) == dict(JUDGEMENT)
    return judged.row(0, named=True)


def test_a_true_response_is_exact_and_optimal():
    assert judge(TRACE, PLAN) == {
        "verdict": "optimal",
        "level": "exact",
        "faithful_steps": 12,
        "total_steps": 12,
        "first_departure": None,
        "departure_reason": None,
        "answer_cost": 4,
        "answer_reason": None,
    }


@pytest.mark.parametrize(
    ("plan", "verdict", "reason"),
    [
        ("", "malformed", "there is no plan"),
        (None, "malformed", "there is no plan"),
        ("plan 0 0 plan 0", "malformed", "clause 1 of the plan is not `plan X Y`"),
        ("plan 0 0 goal 0 1", "malformed", "clause 1 of the plan is not `plan X Y`"),
        ("plan 0 0 0 1", "malformed", "clause 1 of the plan is not `plan X Y`"),
        ("plan 0 c0", "malformed", "clause 0 of the plan is not `plan X Y`"),
        ("plan 0 7", "malformed", "clause 0 of the plan is not `plan X Y`"),
        ("plan 0 0 plan 0 1 eos", "malformed", "clause 2 of the plan is not `plan X Y`"),
        ("plan 0 1 plan 0 2 plan 1 2 plan 2 2", "wrong", "the plan begins at 0 1, which is not the start"),
        ("plan 0 0 plan 0 2", "wrong", "clause 1 of the plan jumps to 0 2"),
        ("plan 0 0 plan 0 0", "wrong", "clause 1 of the plan jumps to 0 0"),
        ("plan 0 0 plan 1 0 plan 1 1", "wrong", "clause 2 of the plan enters the wall at 1 1"),
        ("plan 0 0 plan 0 1 plan 0 2", "wrong", "the plan ends at 0 2, which is not the goal"),
        (f"plan 0 0 plan 1 0 {PLAN}", "valid", "the plan has 6 moves where 4 are enough"),
        (f"{PLAN} plan 1 2 plan 2 2", "valid", "the plan has 6 moves where 4 are enough"),
    ],
)
def test_answers_are_named_for_what_is_wrong(plan, verdict, reason):
    judged = judge(TRACE, plan)
    assert (judged["verdict"], judged["answer_reason"]) == (verdict, reason)
    assert judged["answer_cost"] == (6 if verdict == "valid" else None)
    # The trace itself is what A* does; only the plan departs from it, after the last step.
    assert (judged["level"], judged["first_departure"], judged["faithful_steps"]) == ("legal", 12, 12)
    assert judged["departure_reason"] == "the plan is not the chain of parents in the trace"


def test_a_plan_outside_a_small_maze_is_malformed():
    wide = Maze(width=3, height=3, largest_side=9)
    judged = judge(TRACE, "plan 0 0 plan 0 3", maze=wide)
    assert judged["answer_reason"] == "clause 1 of the plan names 0 3, which is outside the maze"
    judged = judge(f"{START} close 0 0 c0 c4 create 0 8 c1 c3", PLAN, maze=wide)
    assert judged["departure_reason"] == "step 2 names 0 8, which is outside the maze"
    assert (judged["verdict"], judged["level"]) == ("optimal", "none")


def replaced(number, clause):
    words = TRACE.split()
    words[5 * number : 5 * number + 5] = clause.split()
    return " ".join(words)


@pytest.mark.parametrize(
    ("trace", "step", "reason"),
    [
        ("", 0, "the trace is empty"),
        (replaced(0, "close 0 0 c0 c4"), 0, "step 0 does not create the start with g 0"),
        (replaced(0, "create 0 0 c1 c4"), 0, "step 0 does not create the start with g 0"),
        (replaced(0, "create 0 1 c0 c3"), 0, "step 0 does not create the start with g 0"),
        (replaced(0, "create 0 0 c0 c3"), 0, "step 0 gives 0 0 a wrong h; 4 is right"),
        (f"{START} create 0 1 c1 c3", 1, "step 1 creates 0 1 before any cell was closed"),
        (replaced(6, "create 1 1 c2 c2"), 6, "step 6 creates the wall at 1 1"),
        (replaced(6, "create 1 2 c2 c1"), 6, "step 6 creates 1 2, no neighbour of the cell closed last"),
        (replaced(6, "create 0 2 c3 c2"), 6, "step 6 gives 0 2 a wrong g; 2 is right"),
        (replaced(5, "close 0 1 c2 c3"), 5, "step 5 gives 0 1 a wrong g; 1 is right"),
        (replaced(5, "close 0 2 c2 c2"), 5, "step 5 closes 0 2, which is not open"),
        (replaced(5, "close 1 0 c1 c3"), 5, "step 5 closes 1 0, which is not open"),
        (replaced(5, "close 0 1 c1 c2"), 5, "step 5 gives 0 1 a wrong h; 3 is right"),
    ],
)
def test_illegal_steps_are_named(trace, step, reason):
    judged = judge(trace, PLAN)
    assert (judged["level"], judged["first_departure"], judged["faithful_steps"]) == ("none", step, step)
    assert judged["departure_reason"] == reason
    assert judged["verdict"] == "optimal"


@pytest.mark.parametrize(
    ("clause", "steps"),
    [
        ("close 0 1 c1", 12),
        ("close 0 1 c1 c3 c3", 12),
        ("close c1 c3 0 1", 12),
        ("plan 0 1 c1 c3", 11),
        ("close 0 1 1 c3", 12),
        ("close nought 1 c1 c3", 12),
        ("close 0 1 close 0 1 c1 c3", 13),
    ],
)
def test_a_trace_that_is_no_grammar_makes_the_response_malformed(clause, steps):
    judged = judge(replaced(5, clause), PLAN)
    first = 4 if clause.startswith("plan") else 5
    assert (judged["verdict"], judged["level"], judged["total_steps"]) == ("malformed", "none", steps)
    assert judged["answer_reason"] == f"step {first} of the trace is not a clause"
    assert judged["first_departure"] == first
    assert judged["departure_reason"].startswith(f"step {first} is not a clause `create X Y cG cH`")


SMALL = """
create 0 0 c0 c4 close 0 0 c0 c4 create 1 0 c1 c3 create 0 1 c1 c3
close 1 0 c1 c3 create 2 0 c2 c2 create 1 1 c2 c2 close 2 0 c2 c2 create 2 1 c3 c1
close 2 1 c3 c1 create 2 2 c4 c0 close 2 2 c4 c0
"""
SMALL_PLAN = "plan 0 0 plan 1 0 plan 2 0 plan 2 1 plan 2 2"


def small(old="", new=""):
    assert " ".join(old.split()) in " ".join(SMALL.split())
    return " ".join(SMALL.split()).replace(old, new)


@pytest.mark.parametrize(
    ("trace", "level", "step", "reason"),
    [
        (small(), "exact", None, None),
        (
            small("create 2 0 c2 c2 ", "create 2 0 c2 c2 create 0 0 c2 c4 "),
            "sound",
            6,
            "step 6 creates 0 0 again, which already had g 0",
        ),
        (
            small("create 2 0 c2 c2 ", "create 2 0 c2 c2 create 2 0 c2 c2 "),
            "sound",
            6,
            "step 6 creates 2 0 again, which already had g 2",
        ),
        (
            small("create 1 1 c2 c2 ", ""),
            "sound",
            6,
            "step 6 closes a cell before the neighbour 1 1 of the last one is created",
        ),
        (small() + " close 1 1 c2 c2", "sound", 12, "step 12 follows the close of the goal"),
        (small(" close 2 2 c4 c0", ""), "legal", 11, "the trace stops at step 11, before the goal is closed"),
        (START, "legal", 1, "the trace stops at step 1, before the goal is closed"),
    ],
)
def test_legal_and_sound_are_told_apart(trace, level, step, reason):
    judged = judge(trace, SMALL_PLAN, OPEN)
    assert (judged["level"], judged["first_departure"], judged["departure_reason"]) == (level, step, reason)
    assert judged["faithful_steps"] == (judged["total_steps"] if step is None else step)


def test_a_close_that_is_not_of_the_least_f_is_sound_but_not_exact():
    drawing = ".S.G"
    trace = """create 1 0 c0 c2 close 1 0 c0 c2 create 0 0 c1 c3 create 2 0 c1 c1 close 0 0 c1 c3
    close 2 0 c1 c1 create 3 0 c2 c0 close 3 0 c2 c0"""
    judged = judge(trace, "plan 1 0 plan 2 0 plan 3 0", f"{drawing}\n####", Maze(width=4, height=4))
    assert (judged["level"], judged["verdict"], judged["first_departure"]) == ("sound", "optimal", 4)
    assert judged["departure_reason"] == "step 4 closes 0 0 while an open cell has f 2, which is less"


def test_a_response_that_does_not_end_is_malformed_but_its_trace_is_replayed():
    judged = judge(TRACE, PLAN, ended=False)
    assert (judged["verdict"], judged["level"]) == ("malformed", "exact")
    assert judged["answer_reason"] == "the response does not end"


def test_a_missing_trace_is_not_judged():
    judged = judge(None, PLAN)
    assert judged["verdict"] == "optimal"
    assert all(judged[name] is None for name in ("level", "faithful_steps", "total_steps", "first_departure"))
    assert judged["departure_reason"] is None


def test_the_solver_s_columns_are_not_believed():
    maze = Maze(width=6, height=6)
    rows = maze.solve(maze.problems(rng(), 30), rng(1))
    lies = rows.with_columns(
        cost=pl.lit(1), trace=pl.col("trace").shift(1), answer=pl.col("answer").shift(1), goal_x=pl.lit(0)
    )
    assert maze.check(lies, rows).equals(maze.check(rows, rows))
    assert set(maze.check(rows, lies)["level"].drop_nulls()) == {"none"}


def changed_by_one_word(response, alphabet):
    """Every response that differs in one word."""
    for at, old in enumerate(response):
        for new in alphabet:
            if new != old:
                yield [*response[:at], new, *response[at + 1 :]]


@pytest.mark.parametrize("notation", ["search", "cells"])
@pytest.mark.parametrize("size", [(3, 3), (4, 3), (5, 4)])
def test_a_change_of_any_one_word_is_caught(reference, size, notation):
    """Exhaustively, for some mazes.

    One thing may happen: the new word closes another cell of the same f, g and h, and neither cell has a
    neighbour left to create. Then the changed response is again what A* writes, with its ties broken in
    another way, and rightly called exact; the plain reading of the rules must say so as well.
    """
    maze = Maze(width=size[0], height=size[1], ties="random", walls_from=0.1)
    rows = maze.solve(maze.problems(rng(7), 6), rng(8))
    written = maze.write(rows, notation, rng())["response"]
    alphabet = (*maze.alphabet(notation), "eos", "nonsense")
    for at, row in enumerate(rows.iter_rows(named=True)):
        spoilt = list(changed_by_one_word(written[at].to_list(), alphabet))
        frame = pl.DataFrame({"response": pl.Series(spoilt, dtype=pl.List(pl.String))})
        restored = maze.restore(frame, notation)
        judged = maze.check(rows[[at] * len(spoilt)], restored)
        for missed in judged.with_row_index().filter(level="exact", verdict="optimal")["index"]:
            trace, plan = restored["trace"][missed].to_list(), restored["answer"][missed].to_list()
            clauses = {place // 5 for place, word in enumerate(trace) if word != row["trace"][place]}
            assert [trace[5 * clause] for clause in clauses] == ["close"]
            assert reference.is_astar(reference.grid(row), trace, plan)


@given(seed=st.integers(0, 10**6), data=st.data())
def test_exact_is_what_the_plain_rules_call_astar(reference, seed, data):
    """Traces with clauses dropped, doubled, swapped or changed: the two readings agree on every one."""
    maze = Maze(width=5, height=4, walls_from=0.1)
    rows = maze.solve(maze.problems(rng(seed), 1), rng(seed + 1))
    row = rows.row(0, named=True)
    clauses = [row["trace"][at : at + 5] for at in range(0, len(row["trace"]), 5)]
    place = st.integers(0, len(clauses) - 1)
    for _ in range(data.draw(st.integers(1, 2))):
        one, two = data.draw(place) % len(clauses), data.draw(place) % len(clauses)
        match data.draw(st.sampled_from(["swap", "drop", "double"])):
            case "swap":
                clauses[one], clauses[two] = clauses[two], clauses[one]
            case "drop" if len(clauses) > 1:
                del clauses[one]
            case _:
                clauses.insert(two, clauses[one])
    trace = [word for clause in clauses for word in clause]
    judged = maze.check(rows, pl.DataFrame({"trace": [trace], "answer": [row["answer"]]})).row(0, named=True)
    assert (judged["level"] == "exact") == reference.is_astar(reference.grid(row), trace, row["answer"])
    assert judged["verdict"] == "optimal"
    assert (judged["first_departure"] is None) == (judged["level"] == "exact")


WORDS = st.sampled_from([*Maze(width=4, height=4).alphabet("search"), "eos", "bos", "pad", "what", "3,2", ""])


@given(st.lists(WORDS, max_size=40), st.lists(WORDS, max_size=20), st.booleans())
def test_no_garbage_crashes_the_check(trace, plan, ended):
    maze = Maze(width=4, height=4)
    responses = pl.DataFrame(
        {"trace": [trace], "answer": [plan], "ended": [ended]},
        schema={"trace": pl.List(pl.String), "answer": pl.List(pl.String), "ended": pl.Boolean},
    )
    judged = maze.check(maze.problems(rng(), 1), responses).row(0, named=True)
    assert judged["level"] in ("none", "legal")
    assert judged["faithful_steps"] <= judged["total_steps"]
    assert judged["answer_reason"] is not None


@given(st.lists(WORDS, max_size=40), st.sampled_from(["search", "cells", "solution"]))
def test_no_response_crashes_restore(words, notation):
    maze = Maze(width=4, height=4)
    frame = pl.DataFrame(
        {"response": [words], "kept": [1]}, schema_overrides={"response": pl.List(pl.String)}
    )
    restored = maze.restore(frame, notation)
    assert restored["kept"].to_list() == [1]
    assert maze.check(maze.problems(rng(), 1), restored)["verdict"].to_list() in (["malformed"], ["wrong"])
