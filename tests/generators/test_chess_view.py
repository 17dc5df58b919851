"""Positions played step by step: steps as `check` counts them, moves and scores side by side, frames."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import chess
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.chess import Chess
from generators.chess.alphabet import ACTIONS, LOG_NOTATIONS, LOG_WORDS, NOTATIONS
from generators.chess.board import rules
from generators.chess.positions.difficulties import OUTLOOKS, PHASES
from generators.chess.scoring import values
from generators.domain import BadProblem

Row = dict[str, Any]

DOMAIN = Chess()
TEXT = pl.List(pl.String)
OPEN = "r1bqk2r/pppp1ppp/2n2n2/2b1p3/2B1P3/2NP1N2/PPP2PPP/R1BQK2R b KQkq - 0 5"
CHECKED = "rnbqk1nr/pppp1ppp/8/4p3/1b1P4/8/PPP1PPPP/RNBQKBNR w KQkq - 1 3"
PROMOTING = "1n2k3/P1P5/8/8/8/8/1p6/2N4K w - - 0 1"
SINGLE = "7k/8/8/8/8/8/1q6/K7 w - - 0 1"
MOST = "R6R/3Q4/1Q4Q1/4Q3/2Q4Q/Q4Q2/pp1Q4/kBNN1KB1 w - - 0 1"
FEW = (OPEN, CHECKED, PROMOTING, SINGLE)
FENS = (chess.STARTING_FEN, *FEW, MOST)
LOG = ["d1", "+0", ".10", "h7h6", "d2", "+0", ".30", "d7d6", "d3", "-1", ".20", "d7d6", "d4", "#+3", "f6g4"]


def labelled(fen: str = OPEN, seed: int = 0, **own: Any) -> Row:
    """A position with drawn labels, ties and mates among them; the teacher's move is one of the best."""
    return {**drawn(fen, seed), **own}


@cache
def drawn(fen: str, seed: int) -> Row:
    draw = random.Random(seed)
    row: Row = rules.frame([rules.position(fen)], ["game"]).row(0, named=True)
    mates = [draw.choice([None] * 8 + [2, -3]) for _ in row["moves"]]
    scores = [None if mate else 10 * draw.randint(-40, 40) for mate in mates]
    row |= {"centipawns": scores, "mates": mates, "best": None, "trace": None, "answer": None}
    row["best"] = ACTIONS.index(DOMAIN.scene(row)["moves"][0])
    return {**row, "root_centipawns": 20, "root_mate": None}


def judged(problem: Row, trace: list[str] | None, answer: list[str] | None) -> Row:
    kinds = {name: kind for name, kind in Chess.columns.items() if name in problem}
    problems = pl.DataFrame([problem], schema_overrides={**kinds, "trace": TEXT, "answer": TEXT})
    told = pl.DataFrame(
        {"trace": [trace], "answer": [answer], "ended": [True]},
        {"trace": TEXT, "answer": TEXT, "ended": bool},
    )
    row: Row = DOMAIN.check(problems, told).row(0, named=True)
    return row


WORDS = st.one_of(
    st.sampled_from(LOG),
    st.sampled_from(["h7h6", "a1a8", "foo", "eos", "?", "white", "d1", "d2", "#-1", "+0", ".05"]),
    st.sampled_from(LOG_WORDS),
)


@st.composite
def traces(draw: Callable[..., Any]) -> list[str]:
    """The log with words put in, taken out, exchanged or cut off."""
    words = list(LOG)
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, max(len(words) - 1, 0)))
        kind = draw(st.sampled_from(["put", "take", "exchange", "cut", "keep"]))
        if kind == "put":
            words.insert(at, draw(WORDS))
        elif kind == "cut":
            words = words[:at]
        elif kind in ("take", "exchange") and words:
            words[at : at + 1] = [draw(WORDS)] if kind == "exchange" else []
    return words


@given(traces(), st.sampled_from([None, ["f6g4"], ["h7h6"], ["foo"], ["h7h6", "d7d6"]]))
def test_steps_are_those_that_check_counts(trace: list[str], answer: list[str] | None) -> None:
    problem = labelled()
    row = {**problem, "trace": trace, "answer": answer}
    found, cuts, steps = judged(problem, trace, answer), DOMAIN.cuts(row), DOMAIN.play(row)
    assert len(cuts) == found["total_steps"]
    assert steps["count"] == len(cuts) + bool(answer)
    assert cuts == sorted(set(cuts))
    assert all(0 <= cut < len(trace) for cut in cuts)
    log = steps["log"]
    assert len(log["moves"]) + bool(log["rest"]) == len(cuts)
    departure = found["first_departure"]
    if departure is not None and departure < len(log["moves"]):
        end = [*cuts, len(trace)][departure + 1]
        assert trace[end - 1] == log["moves"][departure]
        assert found["departure_reason"].startswith(f"step {departure}: ")
    elif departure is not None and trace:
        assert departure == (len(cuts) - 1 if log["rest"] else len(cuts))
    assert (steps["answer"] or {"verdict": "malformed"})["verdict"] == found["verdict"]


@given(st.sampled_from(FEW), st.integers(0, 9), st.integers(0, 10**6))
def test_an_answer_is_worth_what_check_says(fen: str, seed: int, pick: int) -> None:
    problem = labelled(fen, seed)
    said = (
        ACTIONS[problem["moves"][pick % len(problem["moves"])]] if pick % 7 else ACTIONS[pick % len(ACTIONS)]
    )
    answer, found = DOMAIN.play({**problem, "answer": [said]})["answer"], judged(problem, None, [said])
    assert (answer["verdict"], answer["move"]) == (found["verdict"], said)
    assert answer["told"].startswith(said)
    if found["answer_reason"]:
        assert answer["told"] == found["answer_reason"]
    assert answer["told"].endswith("the teacher's move") == (said == ACTIONS[problem["best"]])


@given(st.sampled_from(FEW), st.integers(0, 9), st.sampled_from(NOTATIONS[2:]))
def test_teacher_and_student_step_through_the_same_moves(fen: str, seed: int, notation: str) -> None:
    problem = labelled(fen, seed, notation=notation)
    rng = np.random.default_rng(seed)
    scores = rng.normal(0.5, 0.4, len(problem["moves"])).astype(np.float32)
    response = {**problem, "trace": None, "scores": scores.tolist(), "answer": [ACTIONS[problem["moves"][0]]]}
    scene, own = DOMAIN.scene({**problem, "trace": LOG}), DOMAIN.play(response)
    teacher = DOMAIN.play({**problem, "trace": LOG, "answer": ["h7h6"]})
    assert own["count"] == teacher["count"] == len(problem["moves"]) + 1
    assert own["log"] is teacher["log"] is teacher["student"] is None
    given = dict(zip(problem["moves"], scores, strict=True))
    shares = {move: float(values.probability(score)) for move, score in given.items()}
    if notation == "behavioral-cloning":
        shares = {move: float(np.exp(score) / np.exp(scores).sum()) for move, score in given.items()}
    labels = dict(
        zip(problem["moves"], zip(problem["centipawns"], problem["mates"], strict=True), strict=True)
    )
    order = [ACTIONS.index(uci) for uci in scene["moves"]]
    assert sorted(order) == problem["moves"]
    for at, move in enumerate(order):
        assert own["student"][at] == pytest.approx(1000 * shares[move], abs=0.51)
        centipawns, mate = labels[move]
        win = float(mate > 0) if mate else float(values.win_probability(centipawns))
        assert scene["wins"][at] == pytest.approx(1000 * win, abs=0.51)
    strict = [(np.sign(m) * (1000 - abs(m)) if m else 0, c or 0) for c, m in (labels[move] for move in order)]
    assert strict == sorted(strict, reverse=True)


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_notation_has_steps(notation: str) -> None:
    problem = labelled(notation=notation, trace=LOG, answer=["f6g4"])
    logged = notation in LOG_NOTATIONS
    assert DOMAIN.play(problem)["count"] == (5 if logged else len(problem["moves"]) + 1)
    written = DOMAIN.write(
        pl.DataFrame([problem], schema_overrides={**Chess.columns, "trace": TEXT, "answer": TEXT}).select(
            *(name for name in problem if name in Chess.columns), "prompt", "trace", "answer"
        ),
        notation,
        np.random.default_rng(0),
    )
    if "response" in written.columns:
        own = DOMAIN.restore(written, notation).row(0, named=True)
        steps = DOMAIN.play({**problem, "trace": own["trace"], "answer": own["answer"]})
        assert steps["count"] == DOMAIN.play(problem)["count"]
        assert steps["answer"]["words"] == "f6g4"


def test_a_log_without_an_entry_has_the_answer_alone() -> None:
    row = labelled(trace=[], answer=["h7h6"])
    assert DOMAIN.cuts(row) == []
    assert DOMAIN.play(row)["count"] == 1
    assert DOMAIN.play({**row, "answer": None})["count"] == 0
    assert DOMAIN.play({**row, "notation": "action-value"})["count"] == len(row["moves"]) + 1
    assert DOMAIN.play({**row, "trace": None})["count"] == len(row["moves"]) + 1


@pytest.mark.parametrize("fen", FENS)
def test_a_scene_tells_the_rules_so_that_no_page_needs_them(fen: str) -> None:
    scene, board = DOMAIN.scene(labelled(fen)), chess.Board(fen)
    rows = [scene["board"][at : at + 8] for at in range(0, 64, 8)]
    assert "\n".join(" ".join(row) for row in rows) == str(board)
    assert {board.parse_san(san).uci() for san in scene["sans"]} == set(scene["moves"])
    assert len(scene["moves"]) == board.legal_moves.count()
    assert (scene["check"] is not None) == board.is_check()
    assert scene["heading"].startswith("white" if board.turn else "black")
    assert len(json.dumps(scene)) < 100 * len(scene["moves"]) + 1000


def test_rows_that_tell_little_can_be_played() -> None:
    bare: Row = {"fen": CHECKED}
    scene = DOMAIN.scene(bare)
    assert scene["wins"] == [None] * 5
    assert scene["best"] is None
    assert scene["log"] is None
    assert DOMAIN.play(bare) == {"count": 5, "log": None, "student": None, "rates": "share", "answer": None}
    said = DOMAIN.play({**bare, "answer": ["c2c3"]})["answer"]
    assert said["verdict"] == "valid"
    assert "no labels" in said["told"]
    prompt = rules.frame([rules.position(CHECKED)], ["game"])["prompt"].to_list()[0]
    assert DOMAIN.scene({"prompt": prompt})["moves"] == scene["moves"]
    best = ACTIONS.index("d1d2")
    assert DOMAIN.scene({**bare, "best": best})["moves"][0] == "d1d2"
    for scores in (None, [], [0.5], [float("nan")] * 5):
        assert DOMAIN.play({**labelled(CHECKED), "scores": scores})["student"] is None
    with pytest.raises(BadProblem):
        DOMAIN.scene({"fen": "no position"})


def test_a_mate_and_an_illegal_move_of_a_log_are_told() -> None:
    log = DOMAIN.play(labelled(trace=[*LOG, "d5", "#-2", "a1a8"]))["log"]
    assert log["scores"] == ["+0.10", "+0.30", "-1.20", "#+3", "#-2"]
    assert log["wins"][3:] == [1000, 0]
    assert log["depths"] == [1, 2, 3, 4, 5]
    assert "a1a8" not in DOMAIN.scene(labelled())["moves"]


def test_foreign_words_stay_words() -> None:
    hostile = "</script><img src=x onerror=alert(1)>\x1b[2J"
    row = labelled(puzzle=hostile, source_id=hostile, rating=1500, trace=[hostile], answer=[hostile])
    told = json.dumps([DOMAIN.scene(row), DOMAIN.play(row)], ensure_ascii=False)
    assert "\x1b" not in told
    assert "\x1b" not in DOMAIN.frame(row, 2)
    assert DOMAIN.scene(row)["about"][1] == ["rating", "1500"]
    script = DOMAIN.player()
    assert script is not None
    assert not any(
        word in script.script for word in ("innerHTML", "eval(", "insertAdjacent", "document.write")
    )


def frames(row: Mapping[str, Any]) -> list[str]:
    made = [DOMAIN.frame(row, step) for step in range(DOMAIN.play(row)["count"] + 1)]
    for frame in made:
        assert max(map(len, frame.splitlines())) <= 80
        assert not any(line.endswith(" ") for line in frame.splitlines())
    assert DOMAIN.frame(row, len(made) + 3) == made[-1]
    return made


def test_frames_are_golden(golden: Callable[[str, str], None]) -> None:
    log = frames(labelled(trace=[*LOG, "foo"], answer=["h7h6"]))
    student = labelled(answer=["d7d6"], notation="action-value")
    student["scores"] = [round(0.01 * (at * 37 % 101), 2) for at in range(len(student["moves"]))]
    moves = frames(student)
    bare = frames({"fen": CHECKED})
    shown = [log[0], log[2], log[5], log[6], moves[0], moves[1], moves[20], moves[-1], bare[2]]
    golden("chess-frames.txt", f"\n{'=' * 80}\n".join(shown) + "\n")


@given(st.sampled_from(FEW), st.integers(0, 9), st.booleans(), st.booleans())
def test_the_current_step_is_marked(fen: str, seed: int, logged: bool, answered: bool) -> None:
    answer = ["f6g4"] if answered else None
    row = labelled(fen, seed, trace=LOG if logged else None, answer=answer)
    told = DOMAIN.scene(row)
    steps = DOMAIN.play(row)
    for step in {0, 1, steps["count"] // 2, steps["count"]}:
        marked = [line for line in DOMAIN.frame(row, step).splitlines() if "►" in line]
        if step == 0:
            assert not marked
        elif answered and step == steps["count"]:
            assert marked[-1].startswith("► answer: f6g4")
        elif logged:
            assert f"►  {step} " in marked[0]
            assert marked[-1].startswith(f"► depth {step}: ")
        else:
            assert f"► {told['moves'][step - 1]} " in marked[0]
            assert told["sans"][step - 1] in marked[-1]


def test_difficulties_are_ordered_and_bear_nulls() -> None:
    problems = rules.frame([rules.position(fen) for fen in FENS], ["game"] * 6, [0, 8, 30, None, 90, 2])
    centipawns = pl.Series("root_centipawns", [0, -300, None, None, 30000, -900], pl.Int16)
    mates = pl.Series("root_mate", [None, None, 3, None, None, None], pl.Int8)
    told = DOMAIN.difficulties(problems.with_columns(centipawns, mates))
    assert told["position class"].dtype == pl.Enum(PHASES)
    assert told["position class"].to_list() == [
        "opening", "opening", "middlegame", "endgame", "endgame", "opening",
    ]  # fmt: skip
    assert told["legal moves"].to_list() == [20, 36, 5, 23, 1, 218]
    assert told["side to move"].dtype == pl.Enum(OUTLOOKS)
    assert told["side to move"].to_list() == ["even", "worse", "winning", None, "winning", "losing"]
    assert "puzzle rating" not in told.columns
    rated = problems.with_columns(rating=pl.Series([1200, None, None, None, None, None], dtype=pl.UInt16))
    assert DOMAIN.difficulties(rated)["puzzle rating"].to_list() == [1200, *[None] * 5]
    assert DOMAIN.difficulties(rated)["side to move"].null_count() == 6
    assert DOMAIN.difficulties(problems.clear()).height == 0
    assert DOMAIN.difficulties(pl.DataFrame({"cost": [None, None]})).null_count().row(0) == (2, 2, 2)
