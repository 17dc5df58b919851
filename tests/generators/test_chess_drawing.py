"""Positions as text of 80 columns and as pictures that can stand on one page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import chess
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.chess.alphabet import ACTIONS, LOG_WORDS
from generators.chess.board import rules
from generators.chess.drawing.view import view
from generators.domain import BadProblem

ENDGAME = "8/P5k1/8/8/8/8/2r5/K6R w - - 12 60"


def position(fen: str = chess.STARTING_FEN, **own: Any) -> dict[str, Any]:
    return {**rules.frame([rules.position(fen)], ["game"]).row(0, named=True), **own}


def labelled(fen: str = chess.STARTING_FEN, **own: Any) -> dict[str, Any]:
    """Every move with its own score; the last is a mate, the first leads to one."""
    row = position(fen)
    moves = len(row["moves"])
    row |= {"centipawns": [None, *range(1, moves - 1), None], "mates": [-2, *[None] * (moves - 2), 3]}
    return {**row, "best": row["moves"][-1], **own}


def said(row: Mapping[str, Any]) -> str:
    text = view(row, "text")
    assert max(map(len, text.splitlines())) <= 80
    assert not any(line.endswith(" ") for line in text.splitlines())
    return text


def parsed(row: Mapping[str, Any]) -> ElementTree.Element:
    """A picture that begins as an embedded one must, and is well-formed."""
    picture = view(row, "svg")
    assert picture.startswith("<svg")
    return ElementTree.fromstring(picture)


def drawn(row: Mapping[str, Any]) -> str:
    return "\n".join(text for text in parsed(row).itertext())


@pytest.mark.parametrize("fen", [chess.STARTING_FEN, ENDGAME])
def test_every_man_stands_on_its_square(fen: str) -> None:
    lines = said(position(fen)).splitlines()
    ranks = [line.split()[:9] for line in lines if re.match(r" [1-8] ", line)]
    assert [rank[0] for rank in ranks] == [*"87654321"]
    assert "\n".join(" ".join(rank[1:]) for rank in ranks) == str(chess.Board(fen))
    assert "   a b c d e f g h" in lines
    side = "white" if chess.Board(fen).turn else "black"
    assert lines[0].startswith(f"{side} to move (move {chess.Board(fen).fullmove_number})")


def test_the_best_moves_come_first_and_ten_at_most() -> None:
    row = labelled()
    for told in (said(row), drawn(row)):
        found = [at for move in row["moves"] for at in [told.find(ACTIONS[move])] if at >= 0]
        assert len(found) == 10
        places = [told.find(ACTIONS[row["moves"][at]]) for at in (-1, *range(-2, -11, -1))]
        assert places == sorted(places)
        assert "#+3" in told
        assert "100.0%" in told
        assert "+0.18" in told
        assert "10 more legal moves" in told


@pytest.mark.parametrize(
    ("centipawns", "win"), [(0, "50.0%"), (100, "59.1%"), (-300, "24.9%"), (30000, "100.0%")]
)
def test_win_probabilities_are_those_of_the_readme(centipawns: int, win: str) -> None:
    row = position()
    moves = len(row["moves"])
    row |= {"centipawns": [centipawns] * moves, "mates": [None] * moves}
    assert win in said(row)
    assert win in drawn(row)


def test_the_answer_stands_beside_the_teachers_move() -> None:
    row = labelled(answer=["e2e4"])
    text = said(row)
    assert re.search(r"^answer  e2e4  e4  \+0\.\d\d  5\d\.\d%$", text, re.MULTILINE)
    best = ACTIONS[row["best"]]
    assert re.search(rf"^teacher {best}  \w+  #\+3  100\.0%$", text, re.MULTILINE)
    assert len(colours(row)) == 2
    assert len(colours(row | {"answer": [best]})) == 1
    assert len(colours(row | {"answer": None})) == 1
    assert colours(row | {"answer": [best]}) != colours(row | {"answer": None})
    assert colours(row | {"answer": None, "best": None}) == set()


def colours(row: Mapping[str, Any]) -> set[str | None]:
    return {
        part.get("fill") for part in parsed(row).iter() if part.get("class") == "arrow" and part.get("fill")
    }


def test_the_log_is_a_table() -> None:
    trace = ["d1", "+0", ".35", "e2e4", "d2", "-12", ".05", "d2d4", "d3", "#-2", "g1f3", "d4", "#+11", "e2e5"]
    row = position(trace=trace, answer=["e2e4"])
    for entry in (r"1 +\+0\.35 +e2e4", r"2 +-12\.05 +d2d4", r"3 +#-2 +g1f3", r"4 +#\+11 +e2e5 *!"):
        assert re.search(entry, said(row)), entry
    told = drawn(row)
    assert all(part in told for part in ("-12.05", "#-2", "#+11", "e2e5  (illegal)"))


def test_what_is_not_grammatical_is_shown_as_it_stands() -> None:
    trace = ["d1", "+0", ".35", "e2e4", None, "bos", "<script>", "d2"]
    row = position(trace=trace, answer=["e2e4", "white"])
    text = said(row)
    assert "? ? bos <script> d2" in text
    assert "answer  e2e4 white  (not one move)" in text
    assert "<script>" not in view(row, "svg")
    assert "? ? bos <script> d2" in drawn(row)


def test_illegal_answers_are_named() -> None:
    row = labelled(answer=["a1a8"])
    assert "answer  a1a8  (illegal)" in said(row)
    assert "a1a8  (illegal)" in drawn(row)


@pytest.mark.parametrize(
    "missing", ["trace", "answer", "centipawns", "mates", "best", "history", "moves", "fen"]
)
@pytest.mark.parametrize("absent", [False, True])
def test_what_is_null_or_absent_is_left_out(missing: str, absent: bool) -> None:
    trace, answer = ["d1", "+0", ".35", "e2e4"], ["e2e4"]
    row = labelled(trace=trace, answer=answer) | {missing: None}
    if absent:
        del row[missing]
    text, told = said(row), drawn(row)
    assert ("log" in text) == ("+0.35" in told) == (missing != "trace")
    assert ("answer  none" in text) == (missing == "answer")
    assert ("teacher" in text) == ("teacher" in told) == (missing != "best")
    unlabelled = missing in ("centipawns", "mates", "moves")
    assert ("\n" + "20 legal moves" in told) == unlabelled


def test_a_prompt_alone_is_enough() -> None:
    row = position(ENDGAME)
    assert said({"prompt": row["prompt"]}) == said(row)
    assert view({"prompt": row["prompt"]}, "svg") == view(row, "svg")
    with pytest.raises(BadProblem, match="states no position"):
        view({"prompt": row["prompt"][:-1]}, "text")
    with pytest.raises(BadProblem, match="states no position"):
        view({"prompt": [*row["prompt"][:-1], None]}, "svg")


def test_pictures_share_no_names_on_a_page() -> None:
    rows = [labelled(), labelled(ENDGAME), labelled(answer=["e2e4"]), position(CHECK)]
    named: set[str] = set()
    for row in rows:
        picture = view(row, "svg")
        own = re.findall(r'\bid="([^"]+)"', picture)
        used = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', picture)
        assert own
        assert len(own) == len(set(own))
        assert {one or two for one, two in used} <= set(own)
        assert not named & set(own)
        named |= set(own)
        assert view(row, "svg") == picture
    assert any(name.startswith("check_gradient") for name in named)


CHECK = "4k3/8/8/8/8/8/4r3/4K3 w - - 0 1"


def test_the_move_that_led_here_is_marked() -> None:
    board = chess.Board()
    board.push_uci("g1f3")
    row = rules.frame([board], ["game"]).row(0, named=True)
    assert "lastmove" in view(row, "svg")
    assert "lastmove" not in view(position(), "svg")


@pytest.mark.parametrize("entries", [1, 3, 4, 5, 245])
def test_logs_of_any_length_fit(entries: int) -> None:
    trace = [word for depth in range(1, entries + 1) for word in (f"d{depth}", "-327", ".67", "e2e4")]
    row = labelled(trace=trace, answer=["e2e4"])
    assert len(re.findall(r"-327\.67", said(row))) == entries
    tree = parsed(row)
    _, _, wide, high = map(float, tree.attrib["viewBox"].split())
    places = [
        (float(part.attrib["x"]), float(part.attrib["y"])) for part in tree if part.tag.endswith("text")
    ]
    assert all(0 < x < wide and 0 < y < high for x, y in places)
    assert len(places) == len(set(places))


words = st.lists(st.sampled_from([*LOG_WORDS[::40], *ACTIONS[::60], "white", "\x00", "&", None]), max_size=30)


@given(trace=words, answer=words)
def test_whatever_a_model_writes_is_drawn(trace: list[str | None], answer: list[str | None]) -> None:
    row = labelled(ENDGAME, trace=trace, answer=answer)
    said(row)
    parsed(row)


def test_a_students_ratings_stand_beside_the_teachers() -> None:
    board = chess.Board("6k1/5ppp/8/8/8/8/8/R3K3 w Q - 0 1")
    moves = rules.actions(board)
    row = {
        "fen": board.fen(),
        "moves": moves,
        "centipawns": [100] * len(moves),
        "mates": [None] * len(moves),
        "notation": "action-value",
        "scores": [1.02 if ACTIONS[move] == "a1a7" else 0.25 for move in moves],
    }
    first = next(line for line in view(row, "text").splitlines() if "a1a7" in line)
    assert "59.1%" in first
    assert "100.0%" in first
    assert "student" in view(row, "svg")
    cloned = {**row, "notation": "behavioral-cloning", "scores": [float(-at) for at in range(len(moves))]}
    top = next(line for line in view(cloned, "text").splitlines() if ACTIONS[moves[0]] in line)
    assert "63.2%" in top
