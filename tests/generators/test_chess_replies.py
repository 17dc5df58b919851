"""The text that goes to Stockfish and comes from it: positions behind moves, and lines of every kind."""

from __future__ import annotations

import random

import chess
import numpy as np
import pytest

from generators.chess.alphabet import ACTIONS
from generators.chess.stockfish import lines, requests
from generators.chess.stockfish.children import children
from generators.chess.stockfish.engine import Limits
from generators.chess.stockfish.replies import (
    ACTION,
    BOUND,
    CENTIPAWNS,
    DEPTH,
    DRAWS,
    KIND,
    MATE,
    NODES,
    NONE,
    RANK,
    SCORE,
    WINS,
    Printed,
    printed,
)

PLACE = {move: action for action, move in enumerate(ACTIONS)}
MORE = (
    "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1",
    "r3k2r/8/8/8/8/8/8/R3K2R b KQkq - 99 9999",
    "n1n5/PPPk4/8/8/8/8/4Kppp/5N1N b - - 0 1",
    "8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1",
    "8/8/8/1Pp5/8/8/8/K6k w - c6 0 2",
)  # fmt: skip


def actions(board: chess.Board) -> list[int]:
    return sorted(PLACE[move.uci()] for move in board.legal_moves)


def assert_children(board: chess.Board) -> None:
    moves = actions(board)
    found = children(board.fen(), np.array(moves, np.uint16))
    for move, fen in zip(moves, found, strict=True):
        child = board.copy(stack=False)
        child.push_uci(ACTIONS[move])
        assert fen == child.fen(en_passant="xfen")


def test_children_are_those_of_python_chess() -> None:
    draw = random.Random(5)
    for fen in MORE:
        assert_children(chess.Board(fen))
    for _ in range(15):
        board = chess.Board(draw.choice([chess.STARTING_FEN, *MORE]))
        while not board.is_game_over() and board.ply() < 20_000 and len(board.move_stack) < 80:
            assert_children(board)
            board.push_uci(ACTIONS[draw.choice(actions(board))])


def read(*replies: str) -> Printed:
    return printed([reply.encode() for reply in replies])


def told(found: Printed, at: int) -> dict[int, int]:
    return dict(enumerate(found.lines[at].tolist()))


def test_a_line_is_read_whatever_stands_around_its_score() -> None:
    found = read(
        "info depth 7 seldepth 9 multipv 2 score cp -31 wdl 12 981 7 upperbound nodes 1234 nps 5 hashfull 0"
        " tbhits 0 time 2 pv e7e8q d2d4\n"
        "info score mate -3 depth 12 nodes 9\n"
        "bestmove e7e8q ponder d2d4\n"
    )
    assert found.best.tolist() == [PLACE["e7e8q"]]
    assert found.line_offsets.tolist() == [0, 2]
    assert told(found, 0) == {
        DEPTH: 7, RANK: 2, KIND: CENTIPAWNS, SCORE: -31, BOUND: 1, WINS: 12, DRAWS: 981, NODES: 1234,
        ACTION: PLACE["e7e8q"],
    }  # fmt: skip
    assert told(found, 1) == {
        DEPTH: 12, RANK: 1, KIND: MATE, SCORE: -3, BOUND: 0, WINS: NONE, DRAWS: NONE, NODES: 9, ACTION: NONE,
    }  # fmt: skip


PASSED_OVER = (
    "info string depth 9 score cp 99 nodes 3 pv e2e4",
    "info depth 3 currmove e2e4 currmovenumber 1",
    "info depth 3 score cp",
    "info depth 3 score cp twelve nodes 5",
    "info depth three score cp 12",
    "info depth 3 score pawns 12",
    "info depth 3 score cp 99999999999999999999",
    "info depth 3 score cp -",
    "info score cp 12 nodes 4",
    "information depth 3 score cp 12",
    "Info depth 3 score cp 12",
    "depth 3 score cp 12",
    "",
    "   ",
    "\x00\xff",
    "id name Stockfish",
)


@pytest.mark.parametrize("line", PASSED_OVER)
def test_lines_that_tell_no_score_are_passed_over(line: str) -> None:
    good = "info depth 1 score cp 5 nodes 20 pv e2e4"
    found = read(f"{line}\n{good}\n{line}\nbestmove e2e4\n{line}\n")
    assert len(found.lines) == len(found.best) == 1
    assert told(found, 0)[SCORE] == 5


def test_carriage_returns_and_blanks_do_no_harm() -> None:
    found = read("  info  depth 2\tscore cp 7  pv e2e4 \r\nbestmove e2e4\r\n")
    assert (found.best.tolist(), told(found, 0)[SCORE]) == ([PLACE["e2e4"]], 7)


@pytest.mark.parametrize("word", ["(none)", "0000", "e2e9", "e2e4x", "e2e5e", "", "e7e8k", "a1a1"])
def test_what_is_no_move_is_none(word: str) -> None:
    assert read(f"info depth 0 score mate 0\nbestmove {word}\n").best.tolist() == [NONE]


def test_every_action_is_read() -> None:
    found = read("".join(f"bestmove {action}\n" for action in ACTIONS))
    assert found.best.tolist() == list(range(len(ACTIONS)))


def test_requests_keep_their_searches_apart() -> None:
    line = "info depth {} score cp 1 pv e2e4\n"
    found = read(
        line.format(1) + "bestmove e2e4\n" + line.format(2),  # which does not end
        "",
        line.format(3) + line.format(4) + "bestmove e2e4\nbestmove d2d4",  # which is cut off
        line.format(5) + "bestmove d2d4\n" + "bestmove e2e4\n",
    )
    assert found.search_offsets.tolist() == [0, 1, 1, 2, 4]
    assert found.lines[:, DEPTH].tolist() == [1, 3, 4, 5]
    assert found.line_offsets.tolist() == [0, 1, 3, 4, 4]
    assert found.best.tolist() == [PLACE[move] for move in ("e2e4", "e2e4", "d2d4", "e2e4")]
    assert read().search_offsets.tolist() == [0]


def test_no_bytes_break_the_reader() -> None:
    draw = random.Random(1)
    words = ["info", "depth", "score", "cp", "mate", "7", "-3", "pv", "e2e4", "\n", "bestmove", "wdl",
             "nodes", "multipv", "string", "lowerbound", "\xff"]  # fmt: skip
    for _ in range(300):
        replies = [" ".join(draw.choices(words, k=draw.randrange(40))) for _ in range(3)]
        found = read(*replies)
        assert len(found.lines) == found.line_offsets[-1]
        assert (
            found.search_offsets[-1] == len(found.best) <= sum(reply.count("bestmove") for reply in replies)
        )
        noise = [draw.randbytes(60) for _ in range(3)]
        assert len(printed(noise).search_offsets) == 4


# Which lines count.


def info(depth: int, score: int, move: str, nodes: int = 5, rank: int = 1, flag: str = "") -> str:
    return f"info depth {depth} multipv {rank} score cp {score} {flag} nodes {nodes} pv {move}\n"


def test_the_last_exact_line_counts_and_else_the_last_bound() -> None:
    found = read(
        info(1, 1, "e2e4") + info(2, 2, "e2e4") + info(3, 3, "e2e4", flag="lowerbound") + "bestmove e2e4\n"
        + info(1, 1, "e2e4", flag="upperbound") + info(2, 2, "e2e4", flag="lowerbound") + "bestmove e2e4\n"
        + "bestmove e2e4\n"
    )  # fmt: skip
    assert lines.last(found).tolist() == [1, 4, -1]


def test_a_bound_of_a_move_counts_by_its_last_exact_line_at_any_rank() -> None:
    found = read(
        info(1, 50, "e2e4", rank=1) + info(1, 40, "d2d4", rank=2) + info(1, 30, "a2a3", rank=3)
        + info(2, 60, "d2d4", rank=1, flag="lowerbound") + info(2, 45, "e2e4", rank=2)
        + info(1, 30, "a2a3", rank=3, flag="upperbound")
        + "bestmove d2d4\n"
    )  # fmt: skip
    moves = [PLACE[move] for move in ("a2a3", "d2d4", "e2e4", "h2h4")]
    places = lines.last_of_moves(found, np.zeros(1, np.int64), np.array(moves, np.uint16), np.array([0, 4]))
    assert places.tolist() == [2, 1, 4, -1]
    ranked, offsets = lines.ranked(found)
    assert (ranked.tolist(), offsets.tolist()) == ([1, 4, 2], [0, 3])


def effort(found: Printed, nodes: int) -> tuple[lines.Efforts, list[int]]:
    efforts = lines.efforts(found, np.full(len(found.best), nodes))
    places, _ = lines.deepening(found, np.arange(len(found.best)), efforts.ends)
    return efforts, places.tolist()


def test_a_stopped_search_has_completed_the_depths_before_its_last_line() -> None:
    begin = info(1, 1, "e2e4", 20) + info(2, 2, "e2e4", 60)
    stopped, log = effort(read(begin + info(3, 2, "e2e4", 100) + "bestmove e2e4\n"), 100)
    assert (stopped.depths.tolist(), stopped.nodes.tolist(), log) == ([2], [100], [0, 1])
    ended, log = effort(read(begin + info(3, 2, "e2e4", 99) + "bestmove e2e4\n"), 100)
    assert (ended.depths.tolist(), ended.nodes.tolist(), log) == ([3], [99], [0, 1, 2])
    none, log = effort(read("bestmove e2e4\n"), 100)
    assert (none.depths.tolist(), none.nodes.tolist(), log) == ([0], [0], [])


def test_another_move_found_in_the_depth_that_was_stopped_ends_the_log() -> None:
    begin = info(1, 1, "e2e4", 20) + info(2, 2, "e2e4", 60)
    for flag in ("", "lowerbound"):
        found, log = effort(read(begin + info(3, 9, "d2d4", 100, flag=flag) + "bestmove d2d4\n"), 100)
        assert (found.depths.tolist(), log) == ([2], [0, 1, 2])
    # Depths rise: a second line of a depth stands for the first one.
    _, log = effort(read(begin + info(2, 9, "d2d4", 100) + "bestmove d2d4\n"), 100)
    assert log == [0, 2]
    # Stopped in its first depth, a search has still found a move.
    _, log = effort(read(info(1, 9, "d2d4", 100) + "bestmove d2d4\n"), 100)
    assert log == [0]


def test_bounds_and_depths_half_done_are_no_completed_depths() -> None:
    half = info(2, 5, "e2e4", 60, 1) + info(1, 4, "d2d4", 60, 2)
    whole = info(1, 5, "e2e4", 30, 1) + info(1, 4, "d2d4", 30, 2)
    found, _ = effort(read(whole + half + half + "bestmove e2e4\n"), 100)
    assert found.depths.tolist() == [1]
    found, _ = effort(
        read(whole + info(2, 5, "e2e4", 100, 1) + info(2, 4, "d2d4", 100, 2) + "bestmove e2e4\n"), 100
    )
    assert found.depths.tolist() == [1]
    found, log = effort(
        read(info(1, 5, "e2e4") + info(2, 9, "e2e4", flag="lowerbound") + "bestmove e2e4\n"), 100
    )
    assert (found.depths.tolist(), log) == ([1], [0])


def test_the_text_of_a_request_clears_where_it_must() -> None:
    fen, moves = chess.STARTING_FEN, np.array([PLACE["e2e4"], PLACE["d2d4"]], np.uint16)
    after = "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1"
    text = requests.labelling(fen, moves, Limits(nodes=7, root_nodes=9)).decode().split("\n")
    assert text[:5] == [
        f"position fen {fen}",
        "go nodes 9",
        "ucinewgame",
        f"position fen {after}",
        "go nodes 7",
    ]
    assert text[7:] == ["ucinewgame", "isready", ""]
    for clear, count in (("board", 2), ("move", 3)):
        for mode in ("child", "searchmoves"):
            limits = Limits(nodes=7, root_nodes=9, mode=mode, clear=clear)
            assert requests.labelling(fen, moves, limits).count(b"ucinewgame\n") == count
    together = requests.labelling(fen, moves, Limits(nodes=7, root_nodes=9, mode="multipv")).decode()
    assert together.split("\n")[3:] == [
        "setoption name MultiPV value 2", f"position fen {fen}", "go nodes 14", "ucinewgame",
        "setoption name MultiPV value 1", "isready", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"nodes": 0}, "nodes must be from 1 to 10000000, got 0"),
        ({"root_nodes": -1}, "root_nodes must be from 1"),
        ({"nodes": 10**9}, "got 1000000000"),
        ({"hash": 0}, "hash must be from 1"),
        ({"mode": "all"}, "mode must be one of child, searchmoves, multipv, got 'all'"),
        ({"clear": "never"}, "clear must be one of board, move, got 'never'"),
        ({"mode": "multipv", "clear": "move"}, "searches all moves at once, so clear cannot be 'move'"),
    ],
)
def test_impossible_limits_are_refused_in_a_sentence(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Limits(**wrong)  # type: ignore[arg-type]
