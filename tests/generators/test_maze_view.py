"""Mazes played: steps as the verifier counts them, packed small and read again, frames for a terminal."""

from __future__ import annotations

import json
import shutil
import subprocess
import zlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import generators.maze
from generators.maze import Maze, packing
from pipeline import page

TINY = "S.#\n.#.\n..G"
MAZE = Maze(width=3, height=3)
MAZES = Maze(width=7, height=5)
FOLDER = Path(generators.maze.__file__).parent


def rng(seed=0):
    return np.random.default_rng(seed)


def solved(maze, rows, seed=0):
    return maze.solve(maze.problems(rng(seed), rows), rng(seed + 1))


def tiny(**changes):
    return {**MAZE.solve(MAZE.read(TINY), rng()).row(0, named=True), **changes}


ROWS = solved(MAZES, 40)


def texts(row, maze):
    """The steps of a row as texts, by its cuts."""
    trace = ["?" if word is None else word for word in row["trace"] or []]
    cuts = maze.cuts(row)
    return [" ".join(trace[begin:end]) for begin, end in pairwise([*cuts, len(trace)])]


def unpacked(steps, scene):
    """The same from what the page gets: the rules of `generators.maze.packing`, read once more."""
    width = scene["size"][0]
    goal = divmod(scene["goal"], width)[::-1]
    full, words = iter(steps.get("full", [])), iter(steps.get("words", []))
    created, closed, told = [], None, []
    for code in steps.get("codes", []):
        if code == packing.TEXT:
            told.append(next(words))
            continue
        creates, h = code < packing.FULL, None
        if creates:
            dx, dy = packing.DIRECTIONS[code]
            x, y, g = closed[0] + dx, closed[1] + dy, closed[2] + 1
        elif code == packing.FULL:
            creates, cell, g, h = next(full), next(full), next(full), next(full)
            y, x = divmod(cell, width)
        else:
            x, y, g = created[-1 - (code - packing.CLOSED)]
        h = abs(x - goal[0]) + abs(y - goal[1]) if h is None else h
        told.append(f"{'create' if creates else 'close'} {x} {y} c{g} c{h}")
        if creates:
            created.append((x, y, g))
        else:
            closed = (x, y, g)
    assert next(full, None) is None
    assert next(words, None) is None
    return told


def planned(steps, scene):
    if "plan" not in steps:
        return steps.get("answer", "")
    width = scene["size"][0]
    y, x = divmod(steps["plan"][0], width)
    told = [f"plan {x} {y}"]
    for direction in steps["plan"][1:]:
        dx, dy = packing.DIRECTIONS[direction]
        x, y = x + dx, y + dy
        told.append(f"plan {x} {y}")
    return " ".join(told)


def compare(row, maze):
    steps, scene = maze.play(row), maze.scene(row)
    json.dumps([steps, scene])
    assert unpacked(steps, scene) == texts(row, maze)
    assert planned(steps, scene) == " ".join("?" if word is None else word for word in row["answer"] or [])
    assert steps["count"] == len(maze.cuts(row)) + bool(row["answer"])
    return steps


WORDS = st.sampled_from([*MAZES.alphabet("search"), "create", "close", "plan", "eos", None])


@st.composite
def mutated(draw):
    """A true row, its trace and its answer cut, copied and overwritten at random."""
    row = ROWS.row(draw(st.integers(0, len(ROWS) - 1)), named=True)
    changed = {}
    for column in ("trace", "answer"):
        words = list(row[column])
        for _ in range(draw(st.integers(0, 4))):
            begin = draw(st.integers(0, len(words)))
            end = begin + draw(st.sampled_from([0, 1, 1, 1, 3, 5, 10]))
            words[begin:end] = draw(st.one_of(st.lists(WORDS, max_size=6), st.just(words[:5])))
        changed[column] = words
    return {**row, **changed}


@given(mutated())
def test_steps_begin_where_the_verifier_counts_them_and_can_be_read_again(row):
    words = {name: pl.Series(name, [row[name]], dtype=pl.List(pl.String)) for name in ("trace", "answer")}
    problem = pl.DataFrame([row]).select("prompt", "width", "height")
    judged = MAZES.check(problem, pl.DataFrame(words)).row(0, named=True)
    cuts = MAZES.cuts(row)
    assert len(cuts) == judged["total_steps"]
    compare(row, MAZES)
    if judged["departure_reason"] and "is not a clause" in judged["departure_reason"]:
        step = judged["first_departure"]
        assert MAZES.play(row)["codes"][step] == packing.TEXT
    for step in {0, 1, len(cuts) // 2, len(cuts), len(cuts) + 1}:
        assert all(len(line) <= 80 for line in MAZES.frame(row, step).splitlines())


def test_the_step_that_departs_is_the_one_that_was_changed():
    for row in ROWS.to_dicts():
        cuts = MAZES.cuts(row)
        step = len(cuts) // 2
        row["trace"][cuts[step] + 4] = "c30"
        judged = MAZES.check(pl.DataFrame([row]), pl.DataFrame([row], schema=ROWS.schema)).row(0, named=True)
        assert judged["first_departure"] == step
        steps = compare(row, MAZES)
        assert steps["codes"][step] == packing.FULL
        assert steps["full"][-1] == 30


def test_true_steps_of_large_mazes_take_less_than_a_byte():
    maze = Maze(width=30, height=30)
    rows = solved(maze, 60).to_dicts()
    played = [compare(row, maze) for row in rows]
    count = sum(steps["count"] for steps in played)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = deflate.compress(json.dumps(played, separators=(",", ":")).encode()) + deflate.flush()
    assert len(packed) < count
    assert all(len(steps.get("full", [])) == 4 for steps in played)  # the create of the start alone


@pytest.mark.parametrize(
    ("trace", "cuts"),
    [
        ("", []),
        ("7 plan", [0]),
        ("create", [0]),
        ("c1 c2 create 0 0 c0 c4", [0, 2]),
        ("close close create", [0, 1, 2]),
        ("create 0 0 c0 c4 c4 close 0 0 c0 c4", [0, 6]),
    ],
)
def test_what_is_no_clause_is_a_step_too(trace, cuts):
    row = tiny(trace=trace.split())
    assert MAZE.cuts(row) == cuts
    assert MAZE.play(row)["count"] == len(cuts) + 1
    compare(row, MAZE)


def test_a_row_without_a_trace_has_its_answer_alone():
    for nothing in (None, []):
        steps = MAZE.play(tiny(trace=nothing))
        assert steps == {"count": 1, "plan": [0, 0, 0, 3, 3]}
        assert MAZE.play(tiny(trace=nothing, answer=nothing)) == {"count": 0}
    assert "no steps" in MAZE.frame(tiny(trace=None, answer=None), 0)


def test_words_of_every_type_are_read():
    row = tiny()
    for kind in (pl.List(pl.String), pl.List(pl.Categorical)):
        frame = MAZE.solve(MAZE.read(TINY), rng()).with_columns(
            pl.col("trace", "answer", "prompt").cast(kind)
        )
        assert MAZE.play(frame.row(0, named=True)) == MAZE.play(row)
    series = {name: pl.Series(row[name]) for name in ("trace", "answer", "prompt")}
    assert MAZE.play({**row, **series}) == MAZE.play(row)
    assert MAZE.cuts({**row, **series}) == MAZE.cuts(row)


def test_an_answer_that_jumps_is_handed_on_in_words():
    steps = compare(tiny(answer=["plan", "0", "0", "plan", "2", "2"]), MAZE)
    assert steps["answer"] == "plan 0 0 plan 2 2"
    assert "plan" not in steps
    compare(tiny(answer=["plan", "0", "0", "plan", "0", "c1"]), MAZE)
    compare(tiny(answer=["plan", "0", None]), MAZE)


def test_a_scene_names_the_maze_in_few_numbers():
    scene = MAZE.scene(tiny())
    assert scene == {"size": [3, 3], "start": 0, "goal": 8, "walls": [2, 2]}
    sizeless = {name: each for name, each in tiny().items() if name not in ("width", "height")}
    assert MAZE.scene(sizeless) == scene
    assert MAZE.play(sizeless) == MAZE.play(tiny())
    assert MAZE.frame(sizeless, 5) == MAZE.frame(tiny(), 5)
    wide = Maze(width=9, height=4, largest_side=9)
    drawn = wide.solve(wide.read(TINY), rng()).row(0, named=True)
    assert wide.scene(drawn) == scene


def test_frames_are_pictures_in_text(golden):
    row = tiny(trace=TRACE.split())
    count = MAZE.play(row)["count"]
    golden("maze-frames.txt", "\n\n".join(MAZE.frame(row, step) for step in range(count + 1)) + "\n")
    assert MAZE.frame(row, count + 5) == MAZE.frame(row, count)
    assert MAZE.frame(row, -1) == MAZE.frame(row, 0)


TRACE = """
c1 close create 0 0 c0 c4 close 0 0 c0 c4 create 0 1 c1 c3 create 1 0 c1 c3 close 1 0 c1 c3 create 7 9 c1 c3
create 1 1 c2 c2 close 0 1 c1 c3 create 1 0 c0 c3 close 2 2 c4 c0
"""


def test_no_word_moves_the_cursor_of_a_terminal():
    shown = MAZE.frame(tiny(trace=["create", "\x1b[2J", "\n"] + 900 * ["noise"]), 1)
    assert "\x1b" not in shown
    lines = shown.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 9


def test_difficulties_are_numbers_a_reader_asks_for():
    found = MAZES.difficulties(ROWS)
    assert found.columns == ["cells", "share of walls", "plan length", "detour"]
    assert found["cells"].to_list() == [35] * len(ROWS)
    assert found["plan length"].to_list() == ROWS["cost"].to_list()
    assert found["detour"].min() >= 0
    assert found["share of walls"].is_between(0, 0.5).all()


def test_difficulties_bear_nulls_and_missing_columns():
    hollow = ROWS.with_columns(pl.lit(None, pl.Int32).alias(name) for name in ("cost", "walls"))
    found = MAZES.difficulties(hollow)
    assert found["plan length"].null_count() == found["detour"].null_count() == len(ROWS)
    assert MAZES.difficulties(ROWS.select("problem_id")).columns == ["cells"]
    assert MAZES.difficulties(ROWS.select("problem_id"))["cells"].to_list() == [35] * len(ROWS)
    assert MAZES.difficulties(ROWS.clear()).shape == (0, 4)


STAND_IN = """
class Element {
  constructor() { Object.assign(this, { attributes: {}, children: [], style: { setProperty() {} } }); }
  get firstChild() { return this.children[0] || null; }
  get classList() { return { toggle() {} }; }
  setAttribute(name, value) { this.attributes[name] = String(value); }
  removeAttribute(name) { delete this.attributes[name]; }
  append(...children) { this.children.push(...children); }
  replaceChildren(...children) { this.children = children; }
  addEventListener() {}
}
globalThis.document = { createElementNS: () => new Element() };
"""
PLAY = """
const { scene, steps, mark } = DATA, root = new Element();
const { show, told } = distill.views.maze.open(root, scene, steps, mark);
const marks = (element) => (element.children || []).flatMap(marks).concat(
  / departure$/.test((element.attributes || {}).class) ? [element.attributes["data-step"]] : []);
const counts = root.children[0].children[1], seen = [];
for (let n = 0; n <= steps.count; n++) { show(n); seen.push([told(n), counts.textContent, marks(root)]); }
for (let n = steps.count; n >= 0; n--) { show(n); seen[n].push(counts.textContent === seen[n][1]); }
console.log(JSON.stringify(seen));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node; the browser tests play the page itself")
def test_the_script_reads_what_was_packed():
    kit = Path(page.__file__).parent / "player" / "kit.js"
    row = tiny(trace=TRACE.split())
    data = {"scene": MAZE.scene(row), "steps": MAZE.play(row), "mark": {"step": 5, "reason": "as it is"}}
    script = "\n".join(
        [
            STAND_IN,
            *(path.read_text() for path in (kit, FOLDER / "view.js")),
            f"const DATA = {json.dumps(data)};",
            PLAY,
        ]
    )
    done = subprocess.run(["node", "-"], input=script, capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    assert all(back for *_, back in seen)
    assert [step[0] for step in seen[:4]] == [
        "the maze: start (0, 0), goal (2, 2)",
        "no clause: c1",
        "no clause: close",
        "create (0, 0): g 0, h 4",
    ]
    assert "create (7, 9): g 1, h 3, outside the maze" in [step[0] for step in seen]
    assert seen[-1][0] == "the plan: 4 steps"
    assert [step[2] for step in seen] == [[]] * 6 + [["5"]] * (len(seen) - 6)
    for step, (_, counts, *_) in enumerate(seen):
        assert counts in MAZE.frame(row, step).splitlines()


def test_the_view_stands_beside_the_domain():
    player = MAZE.player()
    assert 'distill.register("maze"' in player.script
    selectors = [line.strip() for line in player.style.splitlines() if line.strip().endswith("{")]
    assert all(line.startswith((".maze", "@media", "@keyframes maze-")) for line in selectors)
    assert "http" not in player.script.replace("http://www.w3.org", "")
    assert "innerHTML" not in player.script
