"""Measures, calibration and puzzles by hand; rivals."""

from __future__ import annotations

import itertools
import math
from typing import Any

import chess
import numpy as np
import polars as pl
import pytest

from generators.chess.alphabet import ACTIONS
from generators.chess.board import rules
from generators.chess.scoring.calibration import reliability
from generators.chess.scoring.measures import measures
from generators.chess.scoring.puzzles import puzzles, solved, wilson
from generators.chess.scoring.rivals import random_mover, rivals, teacher
from generators.chess.stockfish.engine import Limits
from generators.chess.stockfish.labels import labels

TYPES = {
    "moves": pl.List(pl.UInt16),
    "centipawns": pl.List(pl.Int16),
    "mates": pl.List(pl.Int8),
    "answer": pl.List(pl.String),
    "scores": pl.List(pl.Float32),
}


def response(
    labels: list[int | str], answer: list[Any] | int | None, scores: list[float] | None = None
) -> dict[str, Any]:
    """A position of as many moves as labels, which are centipawns or `#2`; the answer is a move's place."""
    moves = list(range(10, 10 + 3 * len(labels), 3))
    told = [ACTIONS[moves[answer]]] if isinstance(answer, int) else answer
    return {
        "moves": moves,
        "centipawns": [None if isinstance(label, str) else label for label in labels],
        "mates": [int(label[1:]) if isinstance(label, str) else None for label in labels],
        "answer": told,
        "scores": scores,
    }


def frame(*responses: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(responses, schema=TYPES)


def of_one(labels: list[int | str], answer: Any, scores: list[float] | None = None) -> dict[str, Any]:
    return measures(frame(response(labels, answer, scores)), True).row(0, named=True)


def win(centipawns: float) -> float:
    return 1 / (1 + math.exp(-0.00368208 * centipawns))


@pytest.mark.parametrize(
    ("labels", "answer", "accurate", "strictly", "regret"),
    [
        ([10, 50, -20], 1, True, True, 0),
        ([10, 50, -20], 0, False, False, win(50) - win(10)),
        ([50, 50, -20], 1, True, True, 0),
        (["#3", "#1", 30], 0, True, False, 0),
        (["#3", "#1", 30], 1, True, True, 0),
        (["#3", "#1", 30], 2, False, False, 1 - win(30)),
        (["#-3", "#-1"], 1, True, False, 0),
        (["#-3", "#-1"], 0, True, True, 0),
        (["#-3", -32000], 0, False, False, win(-32000)),
        (["#9", 32000], 1, False, False, 1 - win(32000)),
        (["#-2", -300], 0, False, False, win(-300)),
        ([0], 0, True, True, 0),
    ],
)
def test_an_answer_is_worth_its_label(
    labels: list[int | str], answer: int, accurate: bool, strictly: bool, regret: float
) -> None:
    found = of_one(labels, answer)
    assert (found["action accuracy"], found["strict accuracy"], found["legal"]) == (accurate, strictly, True)
    assert found["regret"] == pytest.approx(regret)


@pytest.mark.parametrize(
    "answer", [None, [], ["h7h8q"], ["castle"], [ACTIONS[10], ACTIONS[13]], [None], [ACTIONS[11]]]
)
def test_what_is_no_legal_move_is_never_right_and_has_no_regret(answer: list[str] | None) -> None:
    found = of_one([10, 20, 30], answer)
    assert (found["action accuracy"], found["strict accuracy"], found["legal"]) == (False, False, False)
    assert found["regret"] is None


def test_answers_may_come_in_every_type_of_words() -> None:
    given = frame(response([10, 20], 1), response([10, 20], 0))
    expected = measures(given, True)
    for words in (pl.Enum(ACTIONS), pl.Enum(("white", *ACTIONS[::-1])), pl.Categorical):
        assert measures(given.with_columns(pl.col("answer").cast(pl.List(words))), True).equals(expected)


def test_what_has_no_scores_has_no_figures_of_scores() -> None:
    found = measures(frame(response([10, 20], 1), response([10, 20], 1, [0.1, 0.2])), True)
    for name in ("Kendall's tau-b", "published tau", "value error", "value bias"):
        assert found[name].is_null().to_list() == [True, False]
    without = measures(frame(response([10, 20], 1)).drop("scores"), True)
    assert without["legal"].to_list() == [True]
    assert without["value error"].to_list() == [None]


def test_tau_takes_mates_by_distance_and_ties_of_labels_and_scores() -> None:
    # Of the ten pairs the scores tie one (first two), the labels one (last two), and disagree on #1 with 700.
    found = of_one(["#1", "#2", 700, 30, 30], 0, [0.9, 0.9, 0.95, 0.2, 0.1])
    assert found["Kendall's tau-b"] == pytest.approx((6 - 2) / math.sqrt(9 * 9))
    # In the published statistic both mates are 1; its sorted indices:
    left, right = [4, 3, 0, 1, 2], [3, 4, 2, 0, 1]
    signs = [
        (left[i] - left[j]) * (right[i] - right[j]) for i, j in itertools.combinations(range(len(left)), 2)
    ]
    assert found["published tau"] == pytest.approx(float(np.sign(signs).sum()) / 10)


def test_tau_is_null_where_labels_or_scores_are_all_alike() -> None:
    assert of_one([5, 5], 0, [0.1, 0.2])["Kendall's tau-b"] is None
    assert of_one([5, 6], 0, [0.2, 0.2])["Kendall's tau-b"] is None
    assert of_one([5], 0, [0.2])["Kendall's tau-b"] is None
    assert of_one([5], 0, [0.2])["published tau"] == 1


def test_errors_of_values_are_in_win_probability_with_mates_certain() -> None:
    found = of_one([0, "#2", "#-1", 100], 0, [0.6, 4.2, 0.1, 0.5])
    errors = [0.1, 0.0, 0.1, 0.5 - win(100)]
    assert found["value error"] == pytest.approx(np.mean(np.abs(errors)), rel=1e-6)
    assert found["value bias"] == pytest.approx(np.mean(errors), rel=1e-6)


def test_log_probabilities_have_an_order_but_no_error() -> None:
    found = measures(frame(response([10, 20, 30], 2, [-3.0, -math.inf, -0.1])), False).row(0, named=True)
    assert found["Kendall's tau-b"] == pytest.approx(1 / 3)
    assert found["value error"] is None
    assert found["value bias"] is None


def test_rows_do_not_touch_each_other() -> None:
    rng = np.random.default_rng(5)
    many = []
    for count in rng.integers(1, 30, 60).tolist():
        labels = [
            f"#{m}" if m else int(c)
            for m, c in zip(rng.choice([0, 0, 0, 1, -2], count), rng.integers(-900, 900, count), strict=True)
        ]
        scores = rng.random(count).tolist() if rng.random() < 0.8 else None
        many.append(response(labels, int(rng.integers(count)) if rng.random() < 0.9 else ["e1e1"], scores))
    whole = measures(frame(*many), True)
    assert whole.equals(pl.concat([measures(frame(one), True) for one in many]))


def test_a_row_without_labels_has_no_measures_beside_one_that_has() -> None:
    rollouts = frame(response([1, 2], 0, [0.1, 0.2]), response([1, 2], 1, [0.1, 0.2]))
    partly = rollouts.with_columns(
        pl.when(pl.int_range(2) == 1).then(pl.col(name)).alias(name) for name in ("centipawns", "mates")
    )
    found = measures(partly, True)
    assert all(value is None for value in found.row(0))
    assert found[1].equals(measures(rollouts, True)[1])
    assert reliability(partly).equals(reliability(rollouts[1:]))


def test_without_labels_there_are_no_measures() -> None:
    rollouts = frame(response([1, 2], 0))
    assert measures(rollouts.drop("mates"), True).columns == []
    assert len(measures(rollouts.clear(), True)) == 0


# Calibration


def test_reliability_counts_the_moves_of_every_bin_once() -> None:
    rollouts = frame(
        response([0, 0, "#1"], 0, [0.05, 0.999, 3.3]),
        response([0, 0], 0, [0.1, 0.19]),
        response([0], 0, None),
    )
    found = reliability(rollouts)
    assert found["bin"].to_list() == ["0.0-0.1", "0.1-0.2", "0.9-1.0", "all"]
    assert found["moves"].to_list() == [1, 2, 2, 5]
    assert found["predicted"].to_list() == pytest.approx([0.05, 0.145, 0.9995, 2.339 / 5], rel=1e-5)
    assert found["actual"].to_list() == pytest.approx([0.5, 0.5, 0.75, 0.6])
    gaps = [0.45, 0.355, 0.2495]
    assert found["gap"].to_list() == pytest.approx(
        [*gaps, (gaps[0] + 2 * gaps[1] + 2 * gaps[2]) / 5], rel=1e-5
    )


def test_perfect_values_have_no_gap() -> None:
    centipawns = np.random.default_rng(2).integers(-1500, 1500, 200).tolist()
    found = reliability(frame(response(centipawns, 0, [win(each) for each in centipawns])))
    assert len(found) == 11
    assert found["gap"].max() < 1e-6


def test_reliability_of_nothing_is_an_empty_table() -> None:
    rollouts = frame(response([0], 0))
    assert reliability(rollouts).is_empty()
    assert reliability(rollouts.drop("scores")).equals(reliability(rollouts))


# Puzzles


def puzzle(name: str, rating: int | None, *positions: tuple[str, str, str]) -> pl.DataFrame:
    """Positions of a puzzle as FEN, solution and answer."""
    boards = [chess.Board(fen) for fen, _, _ in positions]
    count = len(positions)
    rows = rules.frame(
        boards,
        [name] * count,
        list(range(1, 2 * count, 2)),
        puzzle=[name] * count,
        rating=[rating] * count,
        solution=[ACTIONS.index(solution) for _, solution, _ in positions],
    )
    return rows.with_columns(answer=pl.Series([[answer] for _, _, answer in positions]))


START = chess.STARTING_FEN
BACK_RANK = "6k1/5ppp/8/8/8/8/5PPP/RR4K1 w - - 0 1"  # a1a8 and b1b8 both mate
CASES = {
    "solved in two": (True, [(START, "e2e4", "e2e4"), (BACK_RANK, "a1a8", "a1a8")]),
    "another mate": (True, [(START, "e2e4", "e2e4"), (BACK_RANK, "a1a8", "b1b8")]),
    "a mate before the solution's end": (True, [(BACK_RANK, "a1a8", "b1b8"), (START, "e2e4", "d2d4")]),
    "another first move": (False, [(START, "e2e4", "d2d4"), (BACK_RANK, "a1a8", "a1a8")]),
    "a mate too late": (False, [(START, "e2e4", "d2d4"), (BACK_RANK, "a1a8", "b1b8")]),
    "another last move": (False, [(START, "e2e4", "e2e4"), (BACK_RANK, "a1a8", "a1a7")]),
    "an illegal move": (False, [(BACK_RANK, "a1a8", "a1b8")]),
    "no move": (False, [(BACK_RANK, "a1a8", "white")]),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("backwards", [False, True])
def test_a_puzzle_is_solved_by_the_rule_of_searchless_chess(case: str, backwards: bool) -> None:
    expected, positions = CASES[case]
    rows = puzzle("p", 1500, *positions)
    found = solved(rows.reverse() if backwards else rows)
    assert found.to_dict(as_series=False) == {"puzzle": ["p"], "rating": [1500], "solved": [expected]}


def test_puzzles_are_told_by_rating() -> None:
    right, wrong = (START, "e2e4", "e2e4"), (START, "e2e4", "d2d4")
    rows = [
        puzzle("a", 1399, right),
        puzzle("b", 1400, wrong),
        puzzle("c", 1599, right, right),
        puzzle("d", 399, right),
        puzzle("e", None, right, wrong),
        puzzle("f", 2867, wrong).with_columns(puzzle=pl.lit(None, pl.String)),
    ]
    found = puzzles(pl.concat(rows))
    assert found["rating"].to_list() == ["200-399", "1200-1399", "1400-1599", "unrated", "all"]
    assert found["puzzles"].to_list() == [1, 1, 2, 1, 5]
    assert found["solved"].to_list() == [1, 1, 1, 0, 3]
    assert found["share"].to_list() == [1, 1, 0.5, 0, 0.6]
    assert (found["low"].to_list()[-1], found["high"].to_list()[-1]) == wilson(3, 5)


def test_without_puzzles_the_table_is_empty() -> None:
    rows = puzzle("f", 2867, (START, "e2e4", "d2d4")).with_columns(puzzle=pl.lit(None, pl.String))
    assert puzzles(rows).is_empty()


@pytest.mark.parametrize(
    ("solutions", "tried", "low", "high"),
    # Newcombe 1998, table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_are_the_published_ones_of_wilson(
    solutions: int, tried: int, low: float, high: float
) -> None:
    assert wilson(solutions, tried) == pytest.approx((low, high), abs=5e-5)
    assert wilson(tried - solutions, tried) == pytest.approx((1 - high, 1 - low), abs=5e-5)


# Rivals


def labelled(nodes: int, *games: str) -> pl.DataFrame:
    boards = []
    for game in games:
        board = chess.Board()
        for move in game.split():
            board.push_san(move)
        boards.append(board)
    problems = rules.frame(boards, list(games))
    limits = Limits(nodes=nodes, root_nodes=nodes)
    return pl.concat([problems, labels(problems, limits).select("centipawns", "mates")], how="horizontal")


GAMES = ("e4 e5 Nf3 Nc6", "f3 e5 g4", "d4 d5 c4 e6 Nc3 Nf6", "e4 e5 Bc4 Nc6 Qh5 Nf6")


@pytest.mark.engine
def test_rivals_answer_every_problem_and_rate_its_moves() -> None:
    taught, examined = labelled(50, *GAMES), labelled(2000, *GAMES)
    found = rivals(taught, examined, np.random.default_rng(0), 200)
    assert list(found) == ["random mover", "Stockfish, 200 nodes", "teacher"]
    for name, answers in found.items():
        judged = measures(pl.concat([examined, answers], how="horizontal"), True)
        assert judged["legal"].all()
        if name == "random mover":
            continue
        # Both mates in one stand there.
        assert judged["strict accuracy"].to_list()[1::2] == [True, True]
        assert [words[0] for words in answers["answer"].to_list()][1::2] == ["d8h4", "h5f7"]
    for name in ("random mover", "teacher"):
        assert found[name]["scores"].list.len().to_list() == taught["moves"].list.len().to_list()
    assert "scores" not in found["Stockfish, 200 nodes"].columns


@pytest.mark.engine
def test_the_teacher_is_no_rival_where_its_labels_are_the_measure() -> None:
    taught = labelled(10, *GAMES)
    assert "teacher" not in rivals(taught, taught, np.random.default_rng(0), 10)


def test_the_teacher_is_perfect_by_its_own_labels() -> None:
    told: list[list[int | str]] = [[5, "#3", "#1", "#2", "#-1"], ["#-1", "#-4", "#-127"], [30, -30, 30]]
    taught = frame(*(response(row, None) for row in told)).drop("answer", "scores")
    answers = teacher(taught)
    assert answers["answer"].to_list() == [[ACTIONS[16]], [ACTIONS[16]], [ACTIONS[10]]]
    judged = measures(pl.concat([taught, answers], how="horizontal"), True)
    assert judged["strict accuracy"].all()
    assert judged["Kendall's tau-b"].to_list() == pytest.approx([1] * len(told))
    assert max(judged["value error"]) < 1e-6


def test_the_random_mover_is_uniform_and_the_same_for_the_same_generator() -> None:
    asked = pl.concat([frame(response([0] * 20, None)).select("moves")] * 4000)
    found = random_mover(asked, np.random.default_rng(4))
    assert found.equals(random_mover(asked, np.random.default_rng(4)))
    counts = found["answer"].list.first().value_counts()["count"]
    assert len(counts) == 20
    assert 140 < counts.min() <= counts.max() < 260
