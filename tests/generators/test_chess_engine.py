"""Stockfish over a plain pipe: its labels, logs and choices, beside python-chess; what they depend on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import chess
import chess.engine
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from generators.chess.alphabet import ACTIONS
from generators.chess.stockfish import pipe
from generators.chess.stockfish.choices import Choice, choices
from generators.chess.stockfish.columns import COLUMNS
from generators.chess.stockfish.engine import Limits, identity, path
from generators.chess.stockfish.labels import labels

pytestmark = pytest.mark.engine
ROOT = Path(__file__).parents[2]
ACTION = {move: action for action, move in enumerate(ACTIONS)}
MODES = ("child", "searchmoves", "multipv")

MATE_IN_ONE = "6k1/5ppp/8/8/8/8/5PPP/R5K1 w - - 0 1"
MATE_IN_TWO = "7k/8/8/8/8/8/R7/1R5K w - - 0 1"
STALEMATES_OR_MATES = "7k/8/5K2/6Q1/8/8/8/8 w - - 0 1"
TO_BE_MATED = "k7/8/1K6/8/8/8/8/7R b - - 0 1"
FENS = (
    chess.STARTING_FEN,
    "r3k2r/1ppb1pp1/p1np1n1p/2b1p1q1/2B1P3/2NP1N1P/PPPB1PP1/R2Q1RK1 w kq - 0 1",
    "r1bqkbnr/3pp1pp/p1p5/2p2P2/7P/5P2/PPPP2P1/RNBQK1NR w KQkq - 0 7",
    "rnb1k2r/pppp1ppp/5n2/4p3/1bB1P2q/2N2N2/PPPP1PPP/R1BQ1RK1 b kq - 7 5",
    "8/5k2/8/3pP3/8/5K2/8/8 w - d6 0 50",
    "8/P6k/8/8/8/8/p6K/8 b - - 3 60",
    MATE_IN_ONE,
    MATE_IN_TWO,
    STALEMATES_OR_MATES,
    TO_BE_MATED,
)


def legal(fen: str) -> list[int]:
    return sorted(ACTION[move.uci()] for move in chess.Board(fen).legal_moves)


def frame(fens: Sequence[str], moves: Sequence[Sequence[int]] | None = None) -> pl.DataFrame:
    lists = [legal(fen) for fen in fens] if moves is None else moves
    return pl.DataFrame(
        {"problem_id": [f"p{row}" for row in range(len(fens))], "fen": list(fens), "moves": lists},
        schema={"problem_id": pl.String, "fen": pl.String, "moves": pl.List(pl.UInt16)},
    )


def by_move(row: dict[str, Any], fen: str, column: str) -> dict[str, Any]:
    return dict(zip((ACTIONS[move] for move in legal(fen)), row[column], strict=True))


# Labels and python-chess's own engine layer.

Info = dict[str, Any]


class Oracle:
    """The same searches through python-chess, line by line; scores and bounds are read anew."""

    def __init__(self, opened: Sequence[chess.engine.SimpleEngine], limits: Limits) -> None:
        self.engines, self.limits, self.game = opened, limits, object()

    def infos(self, board: chess.Board, nodes: int, **how: Any) -> tuple[list[Info], chess.Move | None]:
        """Lines with a score; wins and draws by another engine, as python-chess misses bounds there."""
        found, limit = list[list[Info]](), chess.engine.Limit(nodes=nodes)
        for started in self.engines:
            with started.analysis(board, limit, game=self.game, **how) as analysis:
                found.append([dict(info) for info in analysis if "score" in info])
                best = analysis.wait().move
        return [{**other, **plain} for plain, other in zip(*found, strict=True)], best

    @staticmethod
    def exact(infos: list[Info]) -> Info:
        return ([info for info in infos if not info.keys() & {"lowerbound", "upperbound"}] or infos)[-1]

    @staticmethod
    def finished(infos: list[Info], nodes: int) -> list[Info]:
        """Without what was printed as the search was stopped: the last line of each rank."""
        if infos[-1]["nodes"] < nodes:
            return infos
        first = max(at for at, info in enumerate(infos) if info.get("multipv", 1) == 1)
        return infos[:first]

    def labels(self, board: chess.Board) -> dict[str, tuple[Any, ...]]:
        """(centipawns, mate, depth, nodes, wins, draws) of each move."""
        self.game = object()
        moves = sorted(board.legal_moves, key=lambda move: ACTION[move.uci()])
        if self.limits.mode == "multipv":
            return self.together(board, moves)
        return {move.uci(): self.single(board, move) for move in moves}

    def single(self, board: chess.Board, move: chess.Move) -> tuple[Any, ...]:
        nodes, child = self.limits.nodes, board.copy(stack=False)
        if self.limits.clear == "move":
            self.game = object()
        if self.limits.mode == "searchmoves":
            infos, _ = self.infos(board, nodes, root_moves=[move])
            return self.label(infos, self.exact(infos), board.turn, 1)
        child.push(move)
        child.clear_stack()
        infos, _ = self.infos(child, nodes)
        if child.is_checkmate():
            return (None, 1, 0, 0, 1000, 0)
        if child.is_stalemate():
            return (0, None, 0, 0, 0, 1000)
        found = self.label(infos, self.exact(infos), board.turn, 1)
        # python-chess, too, tells the other side's loss as the number of its moves: one less than ours.
        return (found[0], found[1] + 1, *found[2:]) if (found[1] or 0) > 0 else found

    def together(self, board: chess.Board, moves: list[chess.Move]) -> dict[str, tuple[Any, ...]]:
        infos, _ = self.infos(board, self.limits.nodes * len(moves), multipv=len(moves))
        return {
            move.uci(): self.label(
                infos, self.exact([info for info in infos if info["pv"][0] == move]), board.turn, len(moves)
            )
            for move in moves
        }

    def label(self, infos: list[Info], info: Info, mover: chess.Color, moves: int) -> tuple[Any, ...]:
        score, wdl = info["score"].pov(mover), info.get("wdl")
        before = self.finished(infos, self.limits.nodes * moves)
        depth = max((one["depth"] for one in before if one.get("multipv", 1) == moves), default=0)
        counted = wdl.pov(mover) if wdl else None
        return (
            score.score(), score.mate(), depth, infos[-1]["nodes"] // moves,
            *((counted.wins, counted.draws) if counted else (None, None)),
        )  # fmt: skip

    def log(self, board: chess.Board) -> tuple[list[tuple[Any, ...]], str]:
        self.game = object()
        infos, best = self.infos(board, self.limits.root_nodes)
        entries = {
            info["depth"]: self.entry(info, board.turn)
            for info in self.finished(infos, self.limits.root_nodes)
            if not info.keys() & {"lowerbound", "upperbound"}
        }
        assert best
        if not entries or entries[max(entries)][-1] != best.uci():
            entries[infos[-1]["depth"]] = self.entry(infos[-1], board.turn)
        return [entries[depth] for depth in sorted(entries)], best.uci()

    @staticmethod
    def entry(info: Info, mover: chess.Color) -> tuple[Any, ...]:
        score = info["score"].pov(mover)
        return (info["depth"], score.score(), score.mate(), info["pv"][0].uci())


@pytest.fixture
def opened() -> Iterator[list[chess.engine.SimpleEngine]]:
    start = chess.engine.SimpleEngine.popen_uci
    with start(path()) as plain, start(path()) as telling:
        for started in (plain, telling):
            started.configure({"Threads": 1, "Hash": 1})
        telling.configure({"UCI_ShowWDL": True})
        yield [plain, telling]


@pytest.mark.parametrize("nodes", [30, 400])
@pytest.mark.parametrize(
    ("mode", "clear"),
    [("child", "board"), ("child", "move"), ("searchmoves", "board"), ("searchmoves", "move"),
     ("multipv", "board")],
)  # fmt: skip
def test_labels_are_those_that_python_chess_reads(
    opened: list[chess.engine.SimpleEngine], mode: Any, clear: Any, nodes: int
) -> None:
    limits = Limits(nodes=nodes, root_nodes=50, mode=mode, clear=clear, wdl=True)
    oracle = Oracle(opened, limits)
    found = labels(frame(FENS), limits)
    for fen, row in zip(FENS, found.iter_rows(named=True), strict=True):
        names = ("centipawns", "mates", "depths", "nodes", "wins", "draws")
        ours = list(zip(*(row[name] for name in names), strict=True))
        assert dict(zip((ACTIONS[move] for move in legal(fen)), ours, strict=True)) == oracle.labels(
            chess.Board(fen)
        )


@pytest.mark.parametrize("root_nodes", [1, 700, 5_000])
def test_the_log_tells_completed_depths_and_ends_in_the_move_played(
    opened: list[chess.engine.SimpleEngine], root_nodes: int
) -> None:
    limits = Limits(nodes=1, root_nodes=root_nodes)
    oracle = Oracle(opened, limits)
    found = labels(frame(FENS), limits)
    for fen, row in zip(FENS, found.iter_rows(named=True), strict=True):
        moves = [ACTIONS[move] for move in row["log_moves"]]
        log = list(zip(row["log_depths"], row["log_centipawns"], row["log_mates"], moves, strict=True))
        assert (log, ACTIONS[row["best"]]) == oracle.log(chess.Board(fen))
        assert moves[-1] == ACTIONS[row["best"]]
        assert row["log_depths"] == sorted(set(row["log_depths"]))


@pytest.mark.parametrize("mode", MODES)
def test_mates_and_stalemates_are_told_as_the_side_to_move_sees_them(mode: Any) -> None:
    fens = (MATE_IN_ONE, MATE_IN_TWO, STALEMATES_OR_MATES, TO_BE_MATED)
    found = labels(frame(fens), Limits(nodes=3_000, mode=mode))
    one, two, three, four = found.iter_rows(named=True)
    assert by_move(one, fens[0], "mates")["a1a8"] == 1
    assert by_move(one, fens[0], "centipawns")["a1a8"] is None
    assert (one["root_mate"], one["root_centipawns"], ACTIONS[one["best"]]) == (1, None, "a1a8")
    # A ladder: one rook takes the seventh rank, the other one mates on the eighth.
    assert {by_move(two, fens[1], "mates")[move] for move in ("a2a7", "b1b7")} == {2}
    assert two["root_mate"] == 2
    mates, centipawns = by_move(three, fens[2], "mates"), by_move(three, fens[2], "centipawns")
    assert mates["g5g7"] == 1
    assert (mates["g5g6"], centipawns["g5g6"]) == (None, 0)
    # The king has one move, and the rook mates behind it.
    assert (four["mates"], four["centipawns"], four["root_mate"]) == ([-1], [None], -1)


# What labels depend on.

WAYS: tuple[dict[str, Any], ...] = (
    {"mode": "child"}, {"mode": "child", "clear": "move"}, {"mode": "searchmoves"},
    {"mode": "searchmoves", "clear": "move"}, {"mode": "multipv"},
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("nodes", [25, 200])
def test_order_and_company_do_not_change_a_label(way: dict[str, Any], nodes: int) -> None:
    limits = Limits(nodes=nodes, root_nodes=200, **way)
    found = labels(frame(FENS), limits)
    backwards = list(range(len(FENS)))[::-1]
    assert_frame_equal(labels(frame(FENS[::-1]), limits)[backwards], found)
    assert_frame_equal(labels(frame(FENS[3:5]), limits), found[3:5])


def test_small_searches_repeat_however_often_they_are_piped() -> None:
    # Many of them end within the time in which the next commands are read.
    limits = Limits(nodes=25, root_nodes=25)
    found = labels(frame([chess.STARTING_FEN] * 300), limits)
    assert len(found.unique()) == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_killed_engine_changes_no_label(way: dict[str, Any]) -> None:
    limits, fens = Limits(nodes=300, root_nodes=1_000, **way), FENS * 3
    found = labels(frame(fens), limits)
    first = pipe.engine(1, False).pid
    assert first
    threading.Timer(0.05, os.kill, (first, signal.SIGKILL)).start()
    assert_frame_equal(labels(frame(fens), limits), found)
    assert pipe.engine(1, False).pid != first


PROCESS = """
import sys
import polars as pl
from generators.chess.stockfish.engine import Limits
from generators.chess.stockfish.labels import labels
problems, limits = pl.read_parquet(sys.argv[1]), Limits(nodes=200, root_nodes=500, mode=sys.argv[2])
labels(problems, limits).write_parquet(sys.argv[3])
"""


@pytest.mark.parametrize("mode", MODES)
def test_two_processes_at_once_write_the_same_bytes(tmp_path: Path, mode: Any) -> None:
    frame(FENS).write_parquet(tmp_path / "problems")
    words = [sys.executable, "-c", PROCESS, str(tmp_path / "problems"), mode]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    written = [tmp_path / name for name in ("one", "two")]
    started = [subprocess.Popen([*words, str(file)], env=environment) for file in written]
    assert [process.wait(120) for process in started] == [0, 0]
    assert written[0].read_bytes() == written[1].read_bytes()
    ours = labels(frame(FENS), Limits(nodes=200, root_nodes=500, mode=mode))
    assert_frame_equal(pl.read_parquet(written[0]), ours)


@pytest.mark.parametrize("way", WAYS)
def test_labels_do_not_depend_on_the_root_search(way: dict[str, Any]) -> None:
    one, two = (labels(frame(FENS), Limits(nodes=100, root_nodes=nodes, **way)) for nodes in (1, 3_000))
    names = ["centipawns", "mates", "depths", "nodes"]
    assert_frame_equal(one.select(names), two.select(names))
    assert not one["root_depth"].equals(two["root_depth"])


@pytest.mark.parametrize("mode", ["child", "searchmoves"])
def test_with_the_hash_cleared_a_label_depends_on_its_move_alone(mode: Any) -> None:
    limits = Limits(nodes=200, root_nodes=1, mode=mode, clear="move")
    fen = FENS[1]
    alone = labels(frame([fen] * len(legal(fen)), [[move] for move in legal(fen)]), limits)
    (together,) = labels(frame([fen]), limits).iter_rows(named=True)
    for name in ("centipawns", "mates", "depths", "nodes"):
        assert alone[name].explode().to_list() == together[name]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wdl", [False, True])
def test_columns_have_their_types(mode: Any, wdl: bool) -> None:
    limits = Limits(nodes=20, root_nodes=50, mode=mode, wdl=wdl)
    found = labels(frame(FENS), limits)
    assert dict(found.schema) == COLUMNS == dict(labels(frame([]), limits).schema)
    assert found["wins"].null_count() == found["draws"].null_count() == (0 if wdl else len(FENS))
    counts = [len(legal(fen)) for fen in FENS]
    for name in ("centipawns", "mates", "depths", "nodes", *(("wins", "draws") if wdl else ())):
        assert found[name].list.len().to_list() == counts
    either = found.select(pl.col("centipawns", "mates").explode().is_null())
    assert (either["centipawns"] != either["mates"]).all()


# Choices.


def test_choices_are_the_lines_of_the_last_ranking(opened: list[chess.engine.SimpleEngine]) -> None:
    positions = [f"fen {fen}" for fen in FENS]
    found = choices(positions, 500, 3)
    for fen, few in zip(FENS, found, strict=True):
        board = chess.Board(fen)
        told = opened[0].analyse(board, chess.engine.Limit(nodes=500), multipv=3, game=object())
        told = told[: board.legal_moves.count()]
        assert [ACTIONS[choice.action] for choice in few] == [info["pv"][0].uci() for info in told]
        for choice, info in zip(few, told, strict=True):
            if not info.keys() & {"lowerbound", "upperbound"}:
                score = info["score"].relative
                assert (choice.centipawns, choice.mate) == (score.score(), score.mate())


@pytest.mark.parametrize("lines", [1, 4])
def test_a_choice_depends_on_its_position_alone(lines: int) -> None:
    played = f"fen {chess.STARTING_FEN} moves e2e4 e7e5 g1f3 b8c6 f1b5 a7a6 b5a4 g8f6"
    positions = [*(f"fen {fen}" for fen in FENS), played] * 3
    found = choices(positions, 60, lines)
    assert found == choices(positions[::-1], 60, lines)[::-1]
    assert found[: len(FENS) + 1] == found[len(FENS) + 1 : 2 * len(FENS) + 2]
    assert choices([played], 60, lines) == [found[len(FENS)]]


def test_there_are_no_more_choices_than_legal_moves() -> None:
    over = f"fen {MATE_IN_ONE} moves a1a8"
    found = choices([f"fen {TO_BE_MATED}", over, f"fen {MATE_IN_ONE}"], 5_000, 500)
    assert [len(few) for few in found] == [1, 0, len(legal(MATE_IN_ONE))]
    assert found[0] == [Choice(ACTION["a8b8"], None, -1)]
    assert found[2][0] == Choice(ACTION["a1a8"], None, 1)
    assert choices([], 100, 4) == []


def test_the_engine_and_its_net_have_names() -> None:
    told = identity()
    assert set(told) == {"engine", "net"}
    assert told["engine"].startswith("Stockfish")
    assert told["net"].endswith(".nnue")
