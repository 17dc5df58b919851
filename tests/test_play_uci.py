"""The UCI engine: what a chess program sends, in any order, gets the answers that the protocol asks for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from threading import Event

import chess
import chess.engine
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from players import Taker, taker, untrained

from generators.chess.alphabet import NOTATIONS, VALUE_NOTATIONS
from generators.chess.scoring.values import values, win_probability
from pipeline.cli import main
from pipeline.errors import Refusal
from pipeline.play.options import Settings
from pipeline.play.player import Player
from pipeline.play.scores import MOST_CENTIPAWNS, Scale
from pipeline.play.uci import Engine

MATE = "position fen rnb1kbnr/pppp1ppp/8/4p3/6Pq/5P2/PPPPP2P/RNBQKBNR w KQkq - 1 3"
STALEMATE = "position fen 7k/5Q2/6K1/8/8/8/8/8 b - - 0 1"
QUEEN_HANGS = "position fen 4k3/8/8/q3p3/8/2N5/8/R3K3 w - - 0 1"
PLAIN = Settings()


def dialogue(*lines: str, options: Settings = PLAIN, player: Player | None = None) -> list[str]:
    """All that the engine says to these lines, the last of which is the end of the input."""
    said: list[str] = []
    Engine(player or taker(), options, said.append, lambda error: None).serve(lines)
    return said


def moves(said: list[str]) -> list[str]:
    return [line.split()[1] for line in said if line.startswith("bestmove")]


def remarks(said: list[str]) -> list[str]:
    return [line for line in said if line.startswith("info string")]


def test_uci_names_the_engine_and_its_options_with_the_defaults_of_the_command_line() -> None:
    said = dialogue("uci", options=Settings(temperature=0.005, opening_moves=7))
    assert said[0].startswith("id name distill")
    assert said[1].startswith("id author ")
    assert said[-1] == "uciok"
    assert "option name Temperature type string default 0.005" in said
    assert "option name OpeningMoves type spin default 7 min 0 max 1000" in said
    assert "option name Threads type spin default 1 min 1 max 512" in said


def test_the_best_move_is_played_and_what_the_student_thinks_of_it_is_told() -> None:
    said = dialogue(QUEEN_HANGS, "go wtime 1000 btime 1000 movestogo 4")
    assert moves(said) == ["a1a5"]
    (info,) = [line for line in said if line.startswith("info")]
    # Win probability 0.9 is ln 9 / 0.00368208 = 596.7 centipawns.
    legal = chess.Board(QUEEN_HANGS.removeprefix("position fen ")).legal_moves.count()
    wanted = rf"info depth 1 seldepth 1 multipv 1 score cp 597 nodes {legal} nps \d+ time \d+ pv a1a5"
    assert re.fullmatch(wanted, info)


def test_several_moves_are_told_the_best_first() -> None:
    said = dialogue(QUEEN_HANGS, "setoption name MultiPV value 3", "go depth 4")
    told = [(line.split()[6], line.split()[-1]) for line in said if line.startswith("info depth")]
    assert told[0] == ("1", "a1a5")
    assert [place for place, _ in told] == ["1", "2", "3"]
    assert moves(said) == ["a1a5"]


def test_searchmoves_leaves_the_named_moves_alone() -> None:
    said = dialogue(QUEEN_HANGS, "go searchmoves a1b1 c3b5 nodes 10", "go searchmoves a1a9")
    assert moves(said)[0] in ("a1b1", "c3b5")
    assert moves(said)[1] == "a1a5"
    assert "no legal move" in remarks(said)[0]


def test_moves_are_played_from_the_position() -> None:
    assert moves(dialogue("position startpos moves e2e4 d7d5", "go")) == ["e4d5"]
    assert moves(dialogue(QUEEN_HANGS + " moves a1a4 a5a4", "go")) == ["c3a4"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("position", "needs `startpos`"),
        ("position fen", "needs `startpos`"),
        ("position elsewhere", "needs `startpos`"),
        ("position fen 8/8/8/8/8/8/8/8 w - - 0 1", "empty"),
        ("position fen nonsense", "no FEN"),
        (
            "position fen 4k3/8/8/8/8/8/8/4K2Q b - - 0 1 moves e8e7 h1h8 e7d6 h8h8",
            "move 4, 'h8h8', is not legal",
        ),
        ("position startpos moves e2e4 e2e4", "move 2, 'e2e4', is not legal"),
        ("position startpos moves 0000", "move 1, '0000', is not legal"),
        ("position startpos moves e2e4 e7e5 zz", "move 3, 'zz', is not legal"),
    ],
)
def test_an_illegal_position_is_remarked_on_and_the_old_one_stays(line: str, why: str) -> None:
    said = dialogue(QUEEN_HANGS, line, "go")
    assert why in remarks(said)[0]
    assert "position is unchanged" in remarks(said)[0]
    assert moves(said) == ["a1a5"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("setoption", "needs a name"),
        ("setoption name", "no option ''"),
        ("setoption name Contempt value 3", "no option 'Contempt'"),
        ("setoption name MultiPV value many", "cannot be 'many'"),
        ("setoption name MultiPV value 0", "from 1 to 500, got 0"),
        ("setoption name Temperature value nan", "cannot be 'nan'"),
        ("setoption name Temperature value -1", "cannot be '-1'"),
        ("setoption name Threads", "cannot be ''"),
    ],
)
def test_an_option_that_cannot_be_is_remarked_on_and_ignored(line: str, why: str) -> None:
    said = dialogue(line, QUEEN_HANGS, "go")
    assert why in remarks(said)[0]
    assert moves(said) == ["a1a5"]


def test_names_of_options_may_be_in_any_case_and_ponder_is_accepted() -> None:
    said = dialogue("setoption name multipv value 2", "setoption name Ponder value true", "go")
    assert not remarks(said)
    assert sum(line.startswith("info depth") for line in said) == 2


def test_a_finished_game_has_no_move() -> None:
    assert dialogue(MATE, "go") == ["info depth 0 score mate 0", "bestmove (none)"]
    assert dialogue(STALEMATE, "go") == ["info depth 0 score cp 0", "bestmove (none)"]


@pytest.mark.parametrize(
    ("go", "early", "release"),
    [
        ("infinite", "ponderhit", "stop"),
        ("ponder wtime 9", "isready", "ponderhit"),
        ("ponder", "debug on", "stop"),
    ],
)
def test_a_move_is_held_back_until_it_may_be_told(go: str, early: str, release: str) -> None:
    said: list[str] = []
    told = Event()

    def write(line: str) -> None:
        said.append(line)
        if line.startswith("info"):
            told.set()

    def lines() -> Iterator[str]:
        yield f"go {go}"
        assert told.wait(60)
        yield early
        yield "isready"
        assert "readyok" in said
        assert not moves(said)
        yield release

    Engine(taker(), Settings(), write, lambda error: None).serve(lines())
    assert len(moves(said)) == 1


class Slow(Taker):
    """Answers when it is let go."""

    def __init__(self) -> None:
        self.gate = Event()
        self.gate.set()

    def decisions(self, problems: pl.DataFrame) -> pl.DataFrame:
        assert self.gate.wait(60)
        return super().decisions(problems)


def test_commands_are_answered_during_a_search() -> None:
    rater, said = Slow(), []

    def lines() -> Iterator[str]:
        yield "isready"
        rater.gate.clear()
        yield "go"
        yield "isready"
        yield "uci"
        assert said[-1] == "uciok"
        assert said.count("readyok") == 2
        assert not moves(said)
        yield "stop"
        rater.gate.set()

    Engine(Player(rater, "slow", Scale(64, 4)), Settings(), said.append, lambda error: None).serve(lines())
    assert len(moves(said)) == 1


def test_a_second_search_waits_for_the_first_and_releases_it() -> None:
    said = dialogue(QUEEN_HANGS, "go infinite", "position startpos moves e2e4 d7d5", "go")
    assert moves(said) == ["a1a5", "e4d5"]


@pytest.mark.parametrize("end", [[], ["quit", "go"]])
def test_at_the_end_a_search_under_way_gives_its_move(end: list[str]) -> None:
    assert moves(dialogue(QUEEN_HANGS, "go", *end)) == ["a1a5"]
    assert moves(dialogue(QUEEN_HANGS, "go infinite", *end)) == ["a1a5"]


def test_what_is_not_known_is_passed_over() -> None:
    assert dialogue("xyzzy", "", "   ", "register later", "debug on", "stop", "ponderhit", "joho quit") == []
    assert dialogue("\t joho  isready\r") == ["readyok"]


class Broken(Taker):
    def __init__(self, score: float) -> None:
        self.score = score

    def decisions(self, problems: pl.DataFrame) -> pl.DataFrame:
        scores = [[self.score] * len(moves) for moves in problems["moves"]]
        return pl.DataFrame({"scores": pl.Series(scores, dtype=pl.List(pl.Float32))})


def test_a_student_whose_scores_are_no_numbers_is_told_and_plays_nothing() -> None:
    faults: list[BaseException] = []
    said: list[str] = []
    engine = Engine(Player(Broken(float("nan")), "nan", Scale(64, 4)), Settings(), said.append, faults.append)
    with pytest.raises(Refusal, match="diverged"):
        engine.serve(["position startpos", "go"])
    assert isinstance(faults[0], Refusal)
    assert not moves(said)


def test_moves_of_no_probability_are_legal_all_the_same() -> None:
    player = Player(Broken(float("-inf")), "none", Scale())
    said = dialogue("setoption name Temperature value 1", "go", player=player)
    assert chess.Move.from_uci(moves(said)[0]) in chess.Board().legal_moves


def test_a_temperature_draws_in_the_opening_alone_and_by_the_seed() -> None:
    warm = Settings(temperature=10.0, opening_moves=2)
    games = ["position startpos", "go", "ucinewgame"] * 30
    late = ["position fen 4k3/8/8/q3p3/8/2N5/8/R3K3 w - - 0 3", "go", "ucinewgame"] * 5
    first = moves(dialogue(*games, *late, options=warm))
    assert moves(dialogue(*games, *late, options=warm)) == first
    assert len(set(first[:30])) > 5
    assert set(first[30:]) == {"a1a5"}
    other = ["setoption name Seed value 1", *games]
    assert moves(dialogue(*other, options=warm)) != first[:30]
    assert len(set(moves(dialogue(*games)))) == 1


COMMANDS = (
    "uci",
    "isready",
    "ucinewgame",
    "setoption",
    "position",
    "go",
    "stop",
    "ponderhit",
    "debug",
    "register",
)
WORDS = (
    "name",
    "value",
    "MultiPV",
    "Temperature",
    "3",
    "startpos",
    "fen",
    "moves",
    "e2e4",
    "e7e5",
    "e1g1",
    "é",
)
MORE = (
    "infinite",
    "ponder",
    "searchmoves",
    "nodes",
    "8/8/8/8/8/8/8/8",
    "4k3/8/8/8/8/8/8/4K2R",
    "w",
    "K",
    "-",
    "-1",
)


@settings(max_examples=60)
@given(st.lists(st.lists(st.sampled_from((*COMMANDS, *WORDS, *MORE)), max_size=8).map(" ".join), max_size=8))
def test_no_words_in_any_order_break_the_engine(lines: list[str]) -> None:
    said = dialogue(*lines)
    obeyed = [next((word for word in line.split() if word in COMMANDS), "") for line in lines]
    assert len(moves(said)) == obeyed.count("go")
    assert said.count("readyok") == obeyed.count("isready")
    assert said.count("uciok") == obeyed.count("uci")


@pytest.mark.parametrize("score", [-400, -1, 0, 35, 1200])
def test_centipawns_are_those_of_the_win_probability(score: int) -> None:
    assert Scale(64, 4).uci(float(win_probability(score))) == f"score cp {score}"


def test_a_certain_score_has_bounded_centipawns() -> None:
    assert Scale(64, 0).uci(1.0) == f"score cp {MOST_CENTIPAWNS}"
    assert Scale(64, 0).uci(0.0) == f"score cp {-MOST_CENTIPAWNS}"


@pytest.mark.parametrize(("mate", "told"), [(1, 1), (2, 2), (3, 3), (4, 3), (5, 5), (8, 5), (30, 5)])
def test_a_mate_is_told_by_the_nearest_of_its_class(mate: int, told: int) -> None:
    buckets, classes = 64, 4
    for sign in (1, -1):
        value = float(values([0], [sign * mate], classes)[0])
        # A model's score of a class is the midpoint of the bucket that continues the grid.
        score = 1 + (value - 1.5) / buckets if sign > 0 else (value + 0.5) / buckets
        assert Scale(buckets, classes).uci(score) == f"score mate {sign * told}"
        later = told + 1 if sign > 0 else told
        assert Scale(buckets, classes, later=True).uci(score) == f"score mate {sign * later}"


def test_a_mate_on_the_board_and_a_policy() -> None:
    assert Scale(64, 4, later=True).uci(6.0) == "score mate 1"
    assert Scale().uci(-0.3) == ""


@pytest.fixture(scope="module")
def students(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: untrained(tmp_path_factory.mktemp(name), name) for name in NOTATIONS}


@pytest.mark.parametrize("notation", NOTATIONS)
def test_students_of_every_notation_rate_the_legal_moves(students: dict[str, Path], notation: str) -> None:
    board = chess.Board()
    for name in ("g1f3", "g8f6", "f3g1", "f6g8", "g1f3", "g8f6", "f3g1"):
        board.push_uci(name)
    player = Player.of(students[notation])
    rated = player.rated(board)
    assert {each.move for each in rated} == set(board.legal_moves)
    assert rated == Player.of(students[notation]).rated(board)
    assert all(a.score >= b.score for a, b in pairwise(rated))
    back = next(each for each in rated if each.move.uci() == "f6g8")
    assert (back.score == 0.5) == (notation in VALUE_NOTATIONS)  # the third time: a draw


def test_python_chess_plays_with_the_engine(students: dict[str, Path]) -> None:
    command = [sys.executable, "-m", "pipeline", "uci", "--checkpoint", str(students["action-value"])]
    rng = np.random.default_rng(3)
    with chess.engine.SimpleEngine.popen_uci(command, timeout=120) as engine:
        assert {"Temperature", "OpeningMoves", "Threads", "Seed", "MultiPV", "Ponder"} == set(engine.options)
        engine.configure({"Temperature": "0.5", "Threads": 1})
        board = chess.Board()
        while board.ply() < 12:
            if board.turn == chess.WHITE:
                board.push(engine.play(board, chess.engine.Limit(nodes=1), game="one").move)
            else:
                board.push(list(board.legal_moves)[int(rng.integers(board.legal_moves.count()))])
        lines = engine.analyse(board, chess.engine.Limit(depth=1), multipv=3)
        assert len({line["pv"][0] for line in lines}) == 3
        assert lines[0]["score"].relative >= lines[1]["score"].relative
        with engine.analysis(board) as analysis:
            assert analysis.get()["multipv"] == 1
            analysis.stop()
            assert analysis.wait().move in board.legal_moves
        engine.ping()
        engine.quit()
        assert engine.protocol.returncode.result() == 0


def test_only_uci_is_on_the_standard_output(students: dict[str, Path]) -> None:
    """Also at a board without history, in a command line that ends with the input, on broken bytes."""
    command = [sys.executable, "-m", "pipeline", "uci", "--checkpoint", str(students["state-value"])]
    asked = b"uci\nisready\n\xff\xfe\nposition fen 6k1/5ppp/8/8/8/8/8/R5K1 w - - 0 1\ngo movetime 1"
    done = subprocess.run(command, input=asked, capture_output=True, check=False)
    assert done.returncode == 0
    lines = done.stdout.decode().splitlines()
    assert {line.split()[0] for line in lines} <= {"id", "option", "uciok", "readyok", "info", "bestmove"}
    assert lines[-2].startswith("info depth 1 seldepth 1 multipv 1 score mate 1 ")
    assert lines[-1] == "bestmove a1a8"
    assert not done.stderr


def test_a_chess_program_that_is_gone_ends_the_engine(students: dict[str, Path]) -> None:
    command = [sys.executable, "-m", "pipeline", "uci", "--checkpoint", str(students["action-value"])]
    reading, writing = os.pipe()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=writing, stderr=subprocess.PIPE) as engine:
        os.close(writing)
        os.close(reading)
        _, said = engine.communicate(b"uci\n", timeout=120)
        assert engine.returncode == 1
    assert b"Traceback" not in said


def test_what_cannot_play_is_refused_in_a_sentence(
    students: dict[str, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    maze = untrained(tmp_path / "maze", "cells", "maze", width=5, height=5)
    assert main(["uci", "--checkpoint", str(maze)]) == 1
    assert main(["uci", "--checkpoint", str(tmp_path / "nowhere")]) == 1
    assert main(["uci", "--checkpoint", str(students["action-value"]), "--temperature", "warm"]) == 1
    said = capfd.readouterr()
    assert said.out == ""
    mazes, nowhere, warm = said.err.splitlines()
    assert mazes.endswith("answers maze and plays no chess: name one that does")
    assert "is not a checkpoint" in nowhere
    assert warm == "distill: option Temperature cannot be 'warm'"
