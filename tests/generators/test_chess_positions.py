"""Drawn positions come from openings by legal play, and depend on their generator alone."""

from __future__ import annotations

import csv
from dataclasses import replace
from importlib import resources
from pathlib import Path

import chess
import chess.pgn
import numpy as np
import polars as pl
import pytest

from generators.chess.board import rules
from generators.chess.positions import openings, options
from generators.chess.positions.openings import Opening, book
from generators.chess.positions.selfplay import Game, Play, chosen, drawn
from generators.chess.positions.statistics import statistics
from generators.chess.stockfish.choices import Choice
from generators.domain import BadProblem

QUICK = Play(game_nodes=20, game_lines=3, longest_game=40)
FOOLS = ("f2f3", "e7e5", "g2g4")


def rng(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_catalogue_is_lines_of_legal_moves_each_once() -> None:
    lines = book()
    assert len(lines) == len(set(lines)) > 4000
    mates = 0
    for opening in lines:
        assert opening.start == chess.STARTING_FEN
        assert openings.SHORTEST <= len(opening.moves) <= openings.LONGEST
        board = chess.Board()
        for move in opening.moves:
            board.push_uci(move)
        mates += not any(board.legal_moves)
    assert mates == 1, "the fool's mate"


def test_the_catalogue_is_that_of_the_package_file() -> None:
    with (resources.files("ocn") / "data" / "ocn-1.csv").open(encoding="utf-8") as file:
        listed = {tuple(row["moves_uci"].split()) for row in csv.DictReader(file)}
    assert {opening.moves for opening in book()} == {line for line in listed if 4 <= len(line) <= 16}


GAMES = """\
[Event "long"]

1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 4. Ba4 Nf6 5. O-O Be7 6. Re1 b5 7. Bb3 d6 8. c3 O-O 9. h3 Nb8 10. d4 Nbd7 *

[Event "too short"]

1. e4 e5 *

[Event "broken"]

1. Ke2 e5 2. e4 e6 *

[Event "an ending"]
[FEN "8/8/4k3/8/4P3/4K3/8/8 w - - 4 61"]
[SetUp "1"]

61. Kd4 Kd6 *
"""


def test_games_of_a_user_open_others(tmp_path: Path) -> None:
    path = tmp_path / "book.pgn"
    path.write_text(GAMES)
    long, ending = book(str(path))
    ruy = ["e2e4", "e7e5", "g1f3", "b8c6", "f1b5", "a7a6", "b5a4", "g8f6", "e1g1"]
    shared = min(len(ruy), len(long.moves))
    assert list(long.moves[:shared]) == ruy[:shared]
    assert openings.SHORTEST <= len(long.moves) <= openings.LONGEST
    assert ending == Opening("8/8/4k3/8/4P3/4K3/8/8 w - - 4 61", ("e3d4", "e6d6"))
    path.write_text(f"{chess.STARTING_FEN}\n8/8/4k3/8/4P3/4K3/8/8 w - -\n")
    assert [opening.moves for opening in book(str(path.rename(tmp_path / "book.epd")))] == [(), ()]


@pytest.mark.parametrize(
    ("name", "text", "cause"),
    [
        ("short.pgn", "1. e4 e5 *\n", "has no game of 4 half-moves or more"),
        ("table.csv", "PuzzleId,FEN,Moves\n", "is a table; openings are games in PGN"),
        ("bad.epd", "8/8/8/8/8/8/8/8 w - -\n", "bad.epd:1: "),
        ("none.pgn", None, "is neither a file"),
    ],
)
def test_files_without_openings_are_refused(tmp_path: Path, name: str, text: str | None, cause: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(BadProblem) as refusal:
        book(str(tmp_path / name))
    assert cause in str(refusal.value)


@pytest.mark.parametrize(
    ("knobs", "cause"),
    [
        ({"game_nodes": 0}, "game_nodes must be at least 1, got 0"),
        ({"game_lines": 0}, "game_lines must be at least 1, got 0"),
        ({"positions_per_game": 0}, "positions_per_game must be at least 1, got 0"),
        ({"resign": -5}, "resign must be at least 1, got -5"),
        ({"temperature": -0.1}, "temperature must be 0 or more and finite, got -0.1"),
        ({"temperature": float("nan")}, "temperature must be 0 or more and finite, got nan"),
        ({"longest_game": 16}, "longest_game must be more than the 16 half-moves of an opening, got 16"),
    ],
)
def test_impossible_knobs_are_refused(knobs: dict[str, float], cause: str) -> None:
    with pytest.raises(ValueError, match="must be") as refusal:
        replace(Play(), **knobs)  # type: ignore[arg-type]
    assert str(refusal.value) == cause


EQUAL, WORSE, LOST = Choice(0, 0, None), Choice(1, -300, None), Choice(2, None, -3)


def test_cold_players_choose_the_best_and_warm_ones_by_win_probability() -> None:
    found = [EQUAL, WORSE, LOST]
    luck = (np.arange(10_000) + 0.5) / 10_000
    assert {chosen(found, one, 0) for one in luck.tolist()} == {0}
    counts = np.bincount([chosen(found, one, 0.5) for one in luck.tolist()], minlength=3) / len(luck)
    wins = np.array([0.5, 1 / (1 + np.exp(0.00368208 * 300)), 0.0])
    expected = np.exp(wins / 0.5) / np.exp(wins / 0.5).sum()
    assert np.abs(counts - expected).max() < 2e-4


def at_end(moves: tuple[str, ...], start: str = chess.STARTING_FEN) -> Game:
    return Game(Opening(start, moves))


def best(game: Game, move: str, centipawns: int) -> list[Choice]:
    return [Choice(rules.action(chess.Move.from_uci(move)), centipawns, None)]


def test_a_game_ends_when_it_is_decided_at_two_half_moves_in_a_row() -> None:
    game, play = at_end(()), Play(resign=500)
    for move, centipawns in (("e2e4", 600), ("e7e5", 0), ("g1f3", 499), ("b8c6", -500)):
        game.advance(best(game, move, centipawns), 0.0, play)
        assert not game.over
    game.advance(best(game, "f1b5", 500), 0.0, play)
    assert game.over
    assert not game.finished
    assert list(game.plies) == [0, 1, 2, 3, 4]


def test_a_mated_game_ends_before_its_mate() -> None:
    game, play = at_end(FOOLS), Play()
    game.advance([Choice(best(game, "d8h4", 0)[0].action, None, 1)], 0.0, play)
    game.advance([], 0.0, play)
    assert game.over
    assert game.board.is_checkmate()
    assert list(game.plies) == [3]


def test_a_third_repetition_and_dead_material_end_a_game() -> None:
    game, play = at_end(()), Play()
    for move in ("g1f3", "g8f6", "f3g1", "f6g8") * 2:
        assert not game.over
        game.advance(best(game, move, 0), 0.0, play)
    assert game.finished
    assert list(game.plies) == list(range(8))
    game = at_end((), "8/8/4k3/8/8/4K3/4p3/8 w - - 0 1")
    game.advance(best(game, "e3e2", 0), 0.0, play)
    assert game.finished
    assert list(game.plies) == [0]


def test_a_game_ends_when_it_is_long_and_50_moves_without_progress_are_a_draw() -> None:
    game = at_end(("e2e4", "e7e5"))
    game.advance(best(game, "g1f3", 0), 0.0, Play(longest_game=3, openings="x"))
    assert not game.over
    game.advance(best(game, "b8c6", 0), 0.0, Play(longest_game=3, openings="x"))
    assert game.over
    assert list(game.plies) == [2, 3]
    game = at_end((), "8/8/4k3/8/8/4K3/4R3/8 w - - 99 90")
    game.advance(best(game, "e2e1", 0), 0.0, Play())
    assert game.finished


@pytest.mark.engine
def test_the_rows_depend_on_the_generator_alone() -> None:
    first, again, other = (drawn(rng(seed), 30, QUICK) for seed in (7, 7, 8))
    assert first.equals(again)
    assert not set(first["problem_id"]) & set(other["problem_id"])


@pytest.mark.engine
@pytest.mark.parametrize("rows", [1, 7, 50])
def test_there_are_as_many_rows_as_asked_for_and_none_twice(rows: int) -> None:
    problems = drawn(rng(), rows, QUICK)
    assert len(problems) == rows
    assert problems["fen"].str.replace(r" \d+ \d+$", "").n_unique() == rows
    assert problems.group_by("game").len()["len"].max() <= QUICK.positions_per_game  # type: ignore[operator]


@pytest.mark.engine
def test_rows_are_positions_behind_an_opening_with_a_move() -> None:
    problems = drawn(rng(), 60, QUICK)
    for fen, ply in problems.select("fen", "ply").iter_rows():
        board = chess.Board(fen)
        assert board.is_valid()
        assert any(board.legal_moves)
        assert board.ply() == ply
        assert openings.SHORTEST <= ply <= QUICK.longest_game
    assert problems["source_id"].null_count() == len(problems)


@pytest.mark.engine
def test_the_moves_of_many_positions_are_legal_and_always_the_same() -> None:
    positions = []
    for opening in book()[::50]:
        board = chess.Board()
        for move in opening.moves:
            board.push_uci(move)
        positions.append(board.fen())
    together = options.options(positions, 100, 4)
    for _ in range(5):  # what is sent while a search is running must not count as its nodes
        assert together == options.options(positions, 100, 4)
    for position, best in zip(positions, together, strict=True):
        found = [option.action for option in best]
        assert 1 <= len(found) == len(set(found)) <= 4
        assert set(found) <= set(rules.actions(chess.Board(position)))


@pytest.mark.engine
def test_a_finished_position_has_no_moves_and_a_forced_one_has_one() -> None:
    mated = "rnb1kbnr/pppp1ppp/8/4p3/6Pq/5P2/PPPPP2P/RNBQKBNR w KQkq - 1 3"
    forced = "k7/8/1K6/8/8/8/8/1Q6 b - - 0 1"
    found = options.options([mated, forced], 50, 3)
    assert found[0] == []
    assert len(found[1]) == len(list(chess.Board(forced).legal_moves))


@pytest.mark.engine
def test_openings_that_lead_nowhere_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.epd"
    path.write_text("8/8/8/8/8/5k2/7p/5K1N b - -\n")
    play = replace(QUICK, openings=str(path), longest_game=1, temperature=0)
    with pytest.raises(BadProblem, match=r"one\.epd led to 2 different positions and to no more, but 9 "):
        drawn(rng(), 9, play)


def test_statistics_are_what_a_hand_counts() -> None:
    rows = pl.DataFrame(
        {
            "fen": [
                "8/8/4k3/8/4P3/4K3/8/8 w - - 4 61",
                "8/8/4k3/8/4P3/4K3/8/8 w - - 5 70",
                "8/8/8/4k3/4P3/4K3/8/8 w - - 5 62",
                "7k/8/5KQ1/8/8/8/8/8 w - - 0 1",
            ],
            "pieces": [3, 3, 3, 4],
            "moves": [[1, 2], [1, 2, 3], [1], [1, 2]],
            "mates": [[None, 2], [None, None, None], [None], [1, -4]],
            "root_centipawns": [100, 300, -900, None],
            "root_mate": [None, None, None, 1],
        }
    )
    found = {measure: value for measure, value, _ in statistics(rows)}
    assert found == {
        "pieces": 3.25,
        "legal moves": 2.0,
        "decided": 0.5,
        "balanced": 0.25,  # 100 centipawns are 0.59; 300 are 0.75
        "mates": 0.375,
        "unique": 0.75,
    }
    assert statistics(rows)[0][2].endswith("24.0 in real play")
    assert statistics(rows.head(0)) == []


@pytest.mark.engine
def test_games_begin_with_openings_and_go_on_to_the_middle() -> None:
    problems = drawn(rng(), 200, replace(QUICK, longest_game=90))
    assert 18 < problems["pieces"].to_numpy().mean() < 28
    assert problems["ply"].to_numpy().mean() > 25
