"""Mazes of the user's own: what is read, what is refused, and how it is drawn."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

from generators.domain import BadProblem
from generators.maze import Maze

TWO = """
S.#
#.G

#####
#S.G#
#####
"""


def rng(seed=0):
    return np.random.default_rng(seed)


def test_several_mazes_of_several_sizes_are_read():
    maze = Maze(width=5, height=5)
    rows = maze.read(TWO)
    assert rows.select("width", "height", "walls").rows() == [(3, 2, 2), (5, 3, 12)]
    assert rows["prompt"][0].to_list() == [
        "start",
        "0",
        "0",
        "goal",
        "2",
        "1",
        "wall",
        "2",
        "0",
        "wall",
        "0",
        "1",
    ]
    solved = maze.solve(rows, rng())
    assert solved["answer"][1].to_list() == ["plan", "1", "1", "plan", "2", "1", "plan", "3", "1"]
    assert maze.check(rows, solved)["level"].to_list() == ["exact", "exact"]
    assert rows.columns == maze.problems(rng(), 1).columns
    assert rows.schema == maze.problems(rng(), 1).schema


def test_a_file_reads_as_its_text(tmp_path):
    path = tmp_path / "maze.txt"
    path.write_bytes(TWO.replace("\n", "  \r\n").encode())
    assert Maze().read(str(path)).equals(Maze().read(TWO))


def test_a_read_problem_has_the_id_of_the_same_drawn_one():
    maze = Maze(width=6, height=6)
    row = maze.problems(rng(), 1)
    picture = maze.view(row.row(0, named=True), "text").replace(" ", "").splitlines()[:6]
    asked = row.columns[: row.columns.index("draws")]
    assert maze.read("\n".join(picture)).select(asked).equals(row.select(asked))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no maze: the text is empty"),
        ("\n \n", "there is no maze: the text is empty"),
        ("...\n..G", "the maze at line 1 has no start (S)"),
        ("S..\n...", "the maze at line 1 has no goal (G)"),
        ("S.\n.G\n\nS.\nGG", "line 5: a second goal (G), the first is in line 5"),
        ("S.G\nS..", "line 2: a second start (S), the first is in line 1"),
        ("S..\n..\n..G", "line 2 has 2 cells, line 1 has 3"),
        ("S.G\n.x.", "line 2, column 2: 'x' is none of # . S G"),
        ("S G\n...", "line 1, column 2: ' ' is none of # . S G"),
        ("\nS#.\n##.\n..G", "the maze at line 2 cannot be solved: there is no way from start to goal"),
        ("S....G\n......", "the maze at line 1 has 6x2 cells, the vocabulary ends at a side of 5"),
        ("mazes/none.txt", "there is no file mazes/none.txt"),
    ],
)
def test_bad_mazes_are_refused_by_line_and_cause(text, message):
    with pytest.raises(BadProblem, match=re.escape(message)):
        Maze(width=5, height=5).read(text)


def test_files_that_are_no_text_are_refused(tmp_path):
    with pytest.raises(BadProblem, match="cannot be read as text"):
        Maze().read(str(tmp_path))
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadProblem, match="cannot be read as text"):
        Maze().read(str(tmp_path / "bytes"))
    with pytest.raises(BadProblem, match="cannot be read as text"):
        Maze().read("a\0b")


def drawn(**response):
    maze = Maze(width=5, height=3)
    row = maze.solve(maze.read("S.#..\n....#\n#..G."), rng()).row(0, named=True)
    return maze, {**row, **response}


def test_the_text_view_shows_walls_search_and_plan():
    maze, row = drawn(
        trace=[
            "create",
            "0",
            "0",
            "c0",
            "c5",
            "close",
            "0",
            "0",
            "c0",
            "c5",
            "create",
            "0",
            "1",
            "c1",
            "c4",
            "create",
            "1",
            "0",
            "c1",
            "c4",
            "close",
            "1",
            "0",
            "c1",
            "c4",
        ],
        answer=[
            "plan",
            "0",
            "0",
            "plan",
            "0",
            "1",
            "plan",
            "1",
            "1",
            "plan",
            "1",
            "2",
            "plan",
            "2",
            "2",
            "plan",
            "3",
            "2",
        ],
    )
    assert maze.view(row, "text").splitlines() == [
        "S o # . .",
        "* * . . #",
        "# * * G .",
        "S start  G goal  # wall  * plan  o closed  + open",
    ]


@pytest.mark.parametrize(
    "words", [None, [], ["plan"], ["close", "1"], ["plan", "9", "9"], ["create", None, "3"]]
)
def test_views_draw_what_is_grammatical(words):
    maze, row = drawn(trace=words, answer=words)
    assert maze.view(row, "text").startswith("S . # . .\n. . . . #\n# . . G .\n")
    ElementTree.fromstring(maze.view(row, "svg"))


def test_a_plan_through_a_wall_is_seen():
    maze, row = drawn(answer=["plan", "0", "0", "plan", "1", "0", "plan", "2", "0"])
    assert "X plan in a wall" in maze.view(row, "text")


def test_columns_of_a_terminal_suffice():
    for side in (20, 40, 60):
        maze = Maze(width=side, height=side, attempts_per_layout=5, walls_to=0.35)
        row = maze.solve(maze.problems(rng(), 1), rng()).row(0, named=True)
        assert max(map(len, maze.view(row, "text").splitlines())) <= 80


def test_the_svg_stands_alone():
    maze, row = drawn()
    picture = maze.view(row, "svg")
    root = ElementTree.fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not re.search(r"\bid=|href|url\(|<style|<script", picture)
    shapes = [element.tag.split("}")[1] for element in root.iter()]
    closed = {
        tuple(row["trace"][at + 1 : at + 3])
        for at in range(0, len(row["trace"]), 5)
        if row["trace"][at] == "close"
    }
    created = row["trace"].count("create")
    assert shapes.count("polyline") == 1
    assert shapes.count("rect") >= 1 + row["walls"] + len(closed) + created - 1


def test_series_of_words_can_be_drawn():
    maze, row = drawn()
    series = {name: pl.Series(row[name]) for name in ("prompt", "trace", "answer")}
    assert maze.view({**row, **series}, "svg") == maze.view(row, "svg")
