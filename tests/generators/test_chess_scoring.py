"""Values of scores, ranks and decisions, by hand and against plain versions and python-chess."""

from __future__ import annotations

import itertools
import math

import chess
import numpy as np
import polars as pl
import pytest

from generators.chess.alphabet import ACTIONS, alphabet
from generators.chess.board import fens, rules
from generators.chess.scoring.children import candidates_of_children, endings
from generators.chess.scoring.decisions import candidates, decide, final_scores, sampled
from generators.chess.scoring.ranks import published_tau, tau_b
from generators.chess.scoring.repetitions import repetitions
from generators.chess.scoring.values import flipped, probability, values, win_probability


@pytest.mark.parametrize(
    ("centipawns", "expected"), [(0, 0.5), (100, 0.59103), (1248, 0.99000), (-1248, 0.01)]
)
def test_win_probability_is_that_of_the_paper(centipawns: int, expected: float) -> None:
    assert win_probability(centipawns) == pytest.approx(expected, abs=1e-4)


def test_win_probability_holds_at_the_edges_of_centipawns() -> None:
    lowest, highest = win_probability([-32768, 32767])
    assert 0 <= lowest < 1e-50
    assert highest == 1


@pytest.mark.parametrize(
    ("mate", "value"),
    [
        (1, 5),
        (2, 4),
        (3, 3),
        (4, 3),
        (5, 2),
        (127, 2),
        (-1, -4),
        (-2, -3),
        (-3, -2),
        (-4, -2),
        (-5, -1),
        (-127, -1),
    ],
)
def test_mates_have_four_ordered_classes(mate: int, value: float) -> None:
    assert values([0], [mate], 4) == [value]


def test_the_fastest_mate_is_the_highest_value_and_the_fastest_loss_the_lowest() -> None:
    mates = [1, 2, 4, 8, 0, 0, 0, -8, -4, -2, -1]
    centipawns = [0, 0, 0, 0, 900, 0, -900, 0, 0, 0, 0]
    ordered = values(centipawns, mates, 4)
    assert ordered.dtype == np.float32
    assert (np.diff(ordered) < 0).all()


def test_more_classes_go_on_doubling_the_distance() -> None:
    distances = np.arange(1, 128)
    expected = [1 + max(6 - math.ceil(math.log2(n)), 1) for n in distances.tolist()]
    assert values(np.zeros(127), distances, 6).tolist() == expected


def test_without_classes_mates_are_one_and_zero() -> None:
    assert values([0, 0, 0], [3, -3, 0], 0).tolist() == [1, 0, 0.5]


def test_the_other_side_has_the_other_class() -> None:
    mine = values([37, 0, 0], [0, 3, -1], 4)
    theirs = values([-37, 0, 0], [0, -3, 1], 4)
    np.testing.assert_allclose(flipped(mine), theirs, rtol=1e-6)


def test_a_mate_is_certain() -> None:
    assert probability(np.asarray([5.0, 1.02, 0.25, -0.01, -4.0])).tolist() == [1, 1, 0.25, 0, 0]


def plain_tau_b(left: np.ndarray, right: np.ndarray) -> float:
    """Tau-b by its definition, over all ordered pairs."""
    pairs = [(i, j) for i in range(len(left)) for j in range(len(left)) if i != j]
    signs = [(np.sign(left[i] - left[j]), np.sign(right[i] - right[j])) for i, j in pairs]
    bottom = math.sqrt(sum(a * a for a, _ in signs) * sum(b * b for _, b in signs))
    return sum(a * b for a, b in signs) / bottom if bottom else math.nan


def ragged(rng: np.random.Generator, rows: int, levels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores and labels with many ties, in rows of 0 to 40."""
    offsets = np.concatenate([[0], np.cumsum(rng.integers(0, 41, rows))])
    scores, labels = (rng.integers(0, levels, offsets[-1]).astype(np.float64) for _ in range(2))
    return scores, labels, offsets


@pytest.mark.parametrize(
    ("scores", "labels", "expected"),
    [
        ([1, 2, 3, 4], [10, 20, 30, 40], 1),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1),
        ([1, 2, 3], [1, 3, 2], 1 / 3),
        # 4 concordant of 6 pairs, one tied on each side: 4 / sqrt(5 * 5)
        ([1, 1, 2, 3], [1, 2, 2, 3], 4 / 5),
        # pairs: one concordant, one tied on the left, one on both: 2 / sqrt(2 * 2)
        ([1, 1, 2], [5, 5, 7], 1),
        # two concordant, none discordant, one tied on the left: 2 / sqrt(2 * 3)
        ([1, 1, 2], [5, 6, 7], 2 / math.sqrt(6)),
        ([1, 1, 1], [1, 2, 3], math.nan),
        ([1], [1], math.nan),
        ([], [], math.nan),
    ],
)
def test_tau_b_by_hand(scores: list[float], labels: list[float], expected: float) -> None:
    offsets = np.asarray([0, len(scores)])
    found = tau_b(np.asarray(scores, np.float64), np.asarray(labels, np.float64), offsets)
    assert found == pytest.approx([expected], nan_ok=True)


@pytest.mark.parametrize("levels", [1, 2, 5, 1000])
def test_tau_b_is_that_of_its_definition(levels: int) -> None:
    scores, labels, offsets = ragged(np.random.default_rng(levels), 40, levels)
    bounds = list(itertools.pairwise(offsets))
    expected = [plain_tau_b(scores[a:b], labels[a:b]) for a, b in bounds]
    assert tau_b(scores, labels, offsets) == pytest.approx(expected, nan_ok=True)


def test_the_published_tau_is_that_of_sorted_indices() -> None:
    scores, labels, offsets = ragged(np.random.default_rng(7), 40, 1000)
    expected = [
        1.0
        if b - a == 1
        else plain_tau_b(np.argsort(scores[a:b], kind="stable"), np.argsort(labels[a:b], kind="stable"))
        for a, b in itertools.pairwise(offsets)
    ]
    assert published_tau(scores, labels, offsets) == pytest.approx(expected, nan_ok=True)


def test_the_published_tau_is_no_tau() -> None:
    # One pair of three is in disorder; the indices sorted by value, 2 0 1 and 0 2 1, disagree on all three.
    labels, scores, offsets = np.asarray([2.0, 3, 1]), np.asarray([1.0, 3, 2]), np.asarray([0, 3])
    assert tau_b(scores, labels, offsets) == pytest.approx([1 / 3])
    assert published_tau(scores, labels, offsets) == pytest.approx([-1])


def test_a_tau_of_lists_of_two_lengths_is_refused() -> None:
    with pytest.raises(ValueError, match="as many scores as labels, got 3 and 2"):
        tau_b(np.zeros(3), np.zeros(2), np.asarray([0, 3]))


def test_both_taus_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    scores, labels, offsets = ragged(np.random.default_rng(3), 60, 6)
    for (a, b), tau, published in zip(
        itertools.pairwise(offsets),
        tau_b(scores, labels, offsets),
        published_tau(scores, labels, offsets),
        strict=True,
    ):
        if b - a > 1:
            assert tau == pytest.approx(stats.kendalltau(scores[a:b], labels[a:b])[0], nan_ok=True)
            sorted_indices = [np.argsort(x[a:b], kind="stable") for x in (scores, labels)]
            assert published == pytest.approx(stats.kendalltau(*sorted_indices)[0])


# Decisions


def rows_of(*boards: chess.Board) -> pl.DataFrame:
    return rules.frame(boards, ["game"] * len(boards))


def played(start: chess.Board, rng: np.random.Generator, moves: int, men: set[int]) -> list[chess.Board]:
    """The positions of a random game in which some kinds of men move, mostly back to where they came from."""
    board, positions = start.copy(), []
    for _ in range(moves):
        legal = [move for move in board.legal_moves if board.piece_type_at(move.from_square) in men]
        if not legal:
            break
        back = [move for move in legal if len(positions) > 1 and undoes(move, board.move_stack[-2])]
        chosen = back if back and rng.random() < 0.8 else legal
        board.push(chosen[rng.integers(len(chosen))])
        positions.append(board.copy())
    return [position for position in positions if any(position.legal_moves)]


def undoes(move: chess.Move, earlier: chess.Move) -> bool:
    return (move.from_square, move.to_square) == (earlier.to_square, earlier.from_square)


def third_times(board: chess.Board) -> list[bool]:
    """By python-chess: which moves, in the order of their actions, make a threefold repetition."""
    found = []
    for action in rules.actions(board):
        board.push(rules.move(action))
        found.append(board.is_repetition(3))
        board.pop()
    return found


STARTS = {
    "knights of the opening": (chess.STARTING_FEN, [], {chess.KNIGHT}),
    "a right to castle is lost on the way": (
        "4k3/8/8/8/8/8/8/R3K2R w KQ - 0 1",
        [],
        {chess.KING, chess.ROOK},
    ),
    "en passant is possible once": (chess.STARTING_FEN, ["e2e4", "a7a6", "e4e5", "d7d5"], {chess.KNIGHT}),
    "en passant is told but not legal": (chess.STARTING_FEN, ["a2a3", "a7a6", "e2e4"], {chess.KNIGHT}),
    "kings": ("8/8/8/4k3/p7/P7/8/K7 w - - 5 60", [], {chess.KING}),
}


@pytest.mark.parametrize("start", STARTS)
def test_third_occurrences_are_those_that_python_chess_sees_in_the_game(start: str) -> None:
    fen, opening, men = STARTS[start]
    board = chess.Board(fen)
    for move in opening:
        board.push_uci(move)
    rng = np.random.default_rng(len(start))
    positions = [position for _ in range(4) for position in played(board, rng, 60, men)]
    expected = [thrice for position in positions for thrice in third_times(position)]
    assert sum(expected) > 20
    assert repetitions(rows_of(*positions)).tolist() == expected


def test_a_repetition_counts_as_a_draw_and_no_earlier() -> None:
    board = chess.Board()
    for move in ["g1f3", "g8f6", "f3g1", "f6g8", "g1f3", "g8f6", "f3g1"]:
        board.push_uci(move)
    once = chess.Board()
    for move in ["g1f3", "g8f6", "f3g1"]:
        once.push_uci(move)
    rows = rows_of(board, once)
    back = [moves.index(ACTIONS.index("f6g8")) for moves in rows["moves"].to_list()]
    losing = pl.Series([[0.2] * len(moves) for moves in rows["moves"]])
    final = final_scores(rows, losing, "action-value", 4).to_list()
    assert final[0][back[0]] == 0.5
    assert sorted(final[0])[-2] == np.float32(0.2)
    assert final[1][back[1]] == np.float32(0.2)
    assert decide(rows, losing, "action-value", 4)["answer"].to_list() == [["f6g8"], ["f6e4"]]
    likely = pl.Series([[-3.0] * len(moves) for moves in rows["moves"]])
    assert final_scores(rows, likely, "behavioral-cloning", 4).to_list() == likely.to_list()


def test_among_equal_scores_the_smaller_action_is_played() -> None:
    rows = rows_of(chess.Board(), chess.Board())
    scores = [[0.3] * 20, [0.3] * 20]
    scores[0][17] = scores[0][4] = 0.7
    scores[1][19] = 0.31
    moves = rows["moves"].to_list()
    for notation in ("action-value", "behavioral-cloning", "deepening"):
        decided = decide(rows, pl.Series(scores), notation, 4)
        assert decided["answer"].to_list() == [[ACTIONS[moves[0][4]]], [ACTIONS[moves[1][19]]]]
        assert decided["scores"].dtype == pl.List(pl.Float32)


def test_impossible_words_have_no_odds_but_break_nothing() -> None:
    scores = pl.Series([[-math.inf] * 19 + [-800.0]])
    assert decide(rows_of(chess.Board()), scores, "behavioral-cloning", 4)["answer"].to_list() == [["h2h4"]]


ENDINGS = {
    "mates and stalemates": "7k/8/5K2/6Q1/8/8/8/8 w - - 0 1",
    "bare kings after a capture": "8/8/8/8/8/2k5/2n5/K7 w - - 0 90",
    "75 moves at the next one": "4k3/8/8/8/8/8/4P3/4K2R w K - 149 120",
    "the mate of the 75th move": "6k1/5ppp/8/8/8/8/8/R3K3 w Q - 149 120",
    "ordinary": "r1bqkbnr/pppp1ppp/2n5/4p3/2B1P3/5Q2/PPPP1PPP/RNB1K1NR w KQkq - 4 4",
}


@pytest.mark.parametrize("name", ENDINGS)
def test_children_that_python_chess_calls_over_need_no_score(name: str) -> None:
    board = chess.Board(ENDINGS[name])
    rows = rows_of(board)
    expected, known = [], []
    for action in rows["moves"][0]:
        board.push(rules.move(action))
        outcome = board.outcome()
        if outcome is None:
            expected.append(board.fen())
        known.append(math.nan if outcome is None else 0.5 if outcome.winner is None else 6.0)
        board.pop()
    assert candidates_of_children(rows).to_list() == [expected]
    assert endings(rows, 4).tolist() == pytest.approx(known, nan_ok=True)
    assert not np.isnan(known).all()


def test_state_values_are_flipped_between_what_is_known() -> None:
    rows = rows_of(chess.Board(ENDINGS["mates and stalemates"]), chess.Board())
    in_play = candidates_of_children(rows)
    scores = pl.Series([[0.75] * len(row) for row in in_play])
    final = final_scores(rows, scores, "state-value", 4).to_list()
    by_move = {ACTIONS[action]: score for action, score in zip(rows["moves"][0], final[0], strict=True)}
    assert by_move["g5g7"] == 6
    assert by_move["g5g6"] == 0.5
    assert by_move["g5a5"] == 0.25
    assert final[1] == [0.25] * 20
    assert decide(rows, scores, "state-value", 4)["answer"].to_list() == [["g5g7"], ["b1a3"]]


def test_a_mate_is_played_before_a_move_to_a_mate() -> None:
    rows = rows_of(chess.Board("7k/8/5K2/6Q1/8/8/8/8 w - - 0 1"))
    # Every other child is said to be mated at its next move, in the lowest class that there is.
    scores = pl.Series([[-4.0] * len(row) for row in candidates_of_children(rows)])
    assert decide(rows, scores, "state-value", 4)["answer"].to_list() == [["g5g7"]]


@pytest.mark.parametrize(("notation", "count"), [("action-value", 19), ("state-value", 21)])
def test_too_few_or_many_scores_are_refused(notation: str, count: int) -> None:
    with pytest.raises(ValueError, match=f"{notation} .* got {count}"):
        final_scores(rows_of(chess.Board()), pl.Series([[0.5] * count]), notation, 4)


@pytest.mark.parametrize("notation", ["action-value", "behavioral-cloning", "deepening"])
def test_the_candidates_of_a_position_are_its_legal_moves(notation: str) -> None:
    rows = rows_of(*map(chess.Board, ENDINGS.values()))
    asked = candidates(rows, notation)
    assert asked["row"].to_list() == list(range(len(rows)))
    assert asked["candidates"].dtype == pl.List(pl.List(pl.Enum(alphabet(notation))))
    assert asked["candidates"].to_list() == [[[ACTIONS[move]] for move in row] for row in rows["moves"]]
    assert fens.stated(asked["prompt"], notation) == rows["fen"].to_list()


def test_the_candidates_of_state_values_are_children_with_one_empty_word_list() -> None:
    over = chess.Board("8/8/8/8/8/2k5/2n5/K7 w - - 149 90")
    rows = rows_of(chess.Board(), over, chess.Board(ENDINGS["mates and stalemates"]))
    asked = candidates(rows, "state-value")
    children = candidates_of_children(rows)
    assert asked["row"].to_list() == [0] * 20 + [2] * len(children[2])
    assert asked["candidates"].to_list() == [[[]]] * len(asked)
    assert fens.stated(asked["prompt"], "state-value") == [*children[0], *children[2]]
    scores = pl.Series([[0.5] * 20, [], [0.5] * len(children[2])], dtype=pl.List(pl.Float32))
    assert (
        decide(rows, scores, "state-value", 4)["scores"].list.len().to_list()
        == rows["moves"].list.len().to_list()
    )


def test_moves_are_drawn_by_the_softmax_of_their_win_probability() -> None:
    scores = np.asarray([0.5, 0.505, 0.49])
    rng = np.random.default_rng(0)
    drawn = np.bincount([sampled(scores, 0.005, rng) for _ in range(20_000)], minlength=3) / 20_000
    odds = np.asarray([1, math.e, math.exp(-2)])
    assert drawn == pytest.approx(odds / odds.sum(), abs=0.015)


def test_drawn_moves_take_all_mates_for_certain_and_log_probabilities_as_they_are() -> None:
    rng = np.random.default_rng(1)
    assert {sampled(np.asarray([5.0, 2.0, 0.2]), 0.005, rng) for _ in range(100)} == {0, 1}
    logs = np.log(np.asarray([0.6, 0.4]))
    drawn = np.mean([sampled(logs, 1.0, rng, logarithmic=True) for _ in range(10_000)])
    assert drawn == pytest.approx(0.4, abs=0.02)
