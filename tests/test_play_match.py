"""Matches: fair openings, games by the rules, a record that survives any kill, an honest Elo difference."""

from __future__ import annotations

import math
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import chess
import chess.pgn
import numpy as np
import pytest
from players import taker, untrained

from generators.chess.positions.openings import Opening, book
from generators.domain import BadProblem
from pipeline.cli import main
from pipeline.errors import Refusal
from pipeline.play import openings
from pipeline.play.elo import QUANTILE, deficit, difference, elo
from pipeline.play.games import MOST_PLIES, ended, play
from pipeline.play.match import Match, results, shares
from pipeline.play.opponents import Chance, Died, Stockfish
from pipeline.play.record import Finished, Record

# Kings and a rook shortly before the fifty-move draw, and a mate in one for either side that takes.
SHORT = tuple(
    Opening(fen, ())
    for fen in (
        "8/8/4k3/8/8/3K4/8/R7 w - - 96 100",
        "7k/8/8/1r6/8/8/3K4/8 b - - 95 90",
        "8/8/8/3k4/8/8/p7/KQ6 b - - 90 80",
        "8/4k3/8/8/3K4/8/8/2R5 w - - 97 100",
    )
)


def short_match(seed: int = 0) -> Match:
    return Match(taker(), Chance(), SHORT, openings.chosen(SHORT, 4, seed), seed)


def games_of(path: Path) -> Iterator[chess.pgn.Game]:
    with path.open() as file:
        while (game := chess.pgn.read_game(file)) is not None:
            assert not game.errors
            yield game


# Elo


def test_no_difference_is_nothing_and_its_interval_is_symmetric() -> None:
    found = elo([0.5] * 8 + [0, 1])
    assert found.value == 0
    assert found.low == pytest.approx(-found.high)


def test_the_elo_difference_of_known_scores() -> None:
    # Published conversions: 64 % is +100, 76 % is +200 (FIDE handbook, table 8.1.2, to the nearest percent).
    assert elo([0.64] * 5).value == pytest.approx(100, abs=1)
    assert elo([0.76] * 5).value == pytest.approx(200, abs=1)
    assert elo([0.25, 0.75, 0, 0, 1]).value == pytest.approx(-400 * math.log10(0.6 / 0.4))


@pytest.mark.parametrize("pairs", [1, 5, 40])
def test_a_clean_sweep_has_one_bound(pairs: int) -> None:
    """n wins have the likelihood s ** n, which is 1 at best: the bound is where 2 n ln s is -QUANTILE."""
    bound = difference(math.exp(-QUANTILE / (2 * pairs)))
    won, lost = elo([1.0] * pairs), elo([0.0] * pairs)
    assert (won.value, won.high) == (math.inf, math.inf)
    assert won.low == pytest.approx(bound)
    assert (lost.value, lost.low) == (-math.inf, -math.inf)
    assert lost.high == pytest.approx(-bound)
    assert str(won) == f"above {bound:+.0f}"
    assert str(lost) == f"below {-bound:+.0f}"


def test_draws_alone_are_bounded_on_both_sides() -> None:
    """The mean s above 1/2 is likeliest with wins of weight 2 s - 1: the n draws have (2 - 2 s) ** n."""
    found = elo([0.5] * 10)
    assert found.high == pytest.approx(difference(1 - math.exp(-QUANTILE / 20) / 2))
    assert str(found) == "+0 (-61 to +61)"


def test_wins_and_losses_have_the_binomial_interval() -> None:
    def lacking(s: float) -> float:
        return 2 * (30 * math.log(0.6 / s) + 20 * math.log(0.4 / (1 - s)))

    found = elo([1.0] * 30 + [0.0] * 20)
    for end in (found.low, found.high):
        assert lacking(1 / (1 + 10 ** (-end / 400))) == pytest.approx(QUANTILE, abs=1e-6)
    assert found.low < found.value < found.high


@pytest.mark.parametrize("counts", [(3, 4, 5), (0, 4, 5), (3, 0, 5), (7, 1, 0), (0, 6, 0)])
@pytest.mark.parametrize("mean", [0.2, 0.45, 0.7])
def test_the_profile_likelihood_is_that_of_a_search_over_all_distributions(
    counts: tuple[int, int, int], mean: float
) -> None:
    """Three scores and a mean leave one freedom, the weight of 1/2."""
    lost, drawn, won = counts
    best = -math.inf
    for weight in np.linspace(0, 2 * min(mean, 1 - mean), 20_001):
        chances = (1 - mean - weight / 2, weight, mean - weight / 2)
        if all(p > 0 or not n for p, n in zip(chances, counts, strict=True)):
            parts = zip(counts, chances, strict=True)
            best = max(best, sum(n * math.log(p) for n, p in parts if n))
    free = sum(n * math.log(n / sum(counts)) for n in counts if n)
    scores = [0.0] * lost + [0.5] * drawn + [1.0] * won
    assert deficit(scores, mean) == pytest.approx(2 * (free - best), abs=1e-4)


def test_no_games_tell_nothing() -> None:
    assert str(elo([])) == "unknown"


# Games


class Scripted:
    name = "scripted"

    def __init__(self, *moves: str) -> None:
        self.moves = iter(moves)

    def move(self, board: chess.Board, game: object, rng: np.random.Generator) -> chess.Move:
        return board.parse_san(next(self.moves))

    def close(self) -> None:
        pass


def played(board: chess.Board, white: list[str], black: list[str]) -> tuple[str, str, int]:
    movers = {chess.WHITE: Scripted(*white), chess.BLACK: Scripted(*black)}
    rngs = {side: np.random.default_rng(0) for side in movers}
    game = play(board, movers, rngs)
    return game.result, game.ending, len(game.board.move_stack)


def test_games_end_by_the_rules() -> None:
    start = chess.Board()
    assert played(start.copy(), ["f3", "g4"], ["e5", "Qh4"]) == ("0-1", "checkmate", 4)
    shuffling = (["Nf3", "Ng1"] * 9, ["Nf6", "Ng8"] * 9)
    assert played(start.copy(), *shuffling) == ("1/2-1/2", "threefold repetition", 8)
    stale = chess.Board("7k/8/8/8/8/8/Q7/K7 w - - 0 1")
    assert played(stale, ["Qf7"], []) == ("1/2-1/2", "stalemate", 1)
    bare = chess.Board("7k/8/8/8/8/8/1q6/K7 w - - 0 1")
    assert played(bare, ["Kxb2"], []) == ("1/2-1/2", "insufficient material", 1)
    late = chess.Board("7k/8/8/8/8/8/Q7/K7 w - - 99 80")
    assert played(late.copy(), ["Qb2"], []) == ("1/2-1/2", "fifty moves", 1)
    mate = chess.Board("7k/8/6K1/8/8/8/1Q6/8 w - - 99 80")
    assert played(mate, ["Qb8"], []) == ("1-0", "checkmate", 1), "a mate comes before the claim"


def test_a_game_has_a_longest_length() -> None:
    board = chess.Board()
    rng = np.random.default_rng(8)
    for _ in range(MOST_PLIES):
        assert ended(board) is None
        quiet = [move for move in board.legal_moves if not _ends(board, move)]
        board.push(quiet[int(rng.integers(len(quiet)))])
        board.halfmove_clock = 0
    assert ended(board) == ("1/2-1/2", f"{MOST_PLIES} plies")


def _ends(board: chess.Board, move: chess.Move) -> bool:
    board.push(move)
    over = ended(board) is not None and len(board.move_stack) < MOST_PLIES
    board.pop()
    return over


# Openings


PGN = """[Event "a"]

1. e4 e5 2. Nf3 *

[Event "b"]

1. d4 d5 *

[Event "the same position as the first"]

1. Nf3 e5 2. e4 *

[Event "over"]

1. f3 e5 2. g4 Qh4# 0-1

[Event "from a position"]
[FEN "4k3/8/8/8/8/8/4P3/4K3 w - - 0 1"]
[SetUp "1"]

1. e4 *
"""


def test_the_lines_of_a_file_are_played_to_their_end_and_must_differ(tmp_path: Path) -> None:
    file = tmp_path / "lines.pgn"
    file.write_text(PGN)
    lines = openings.lines(str(file))
    assert [len(line.moves) for line in lines] == [3, 2, 3, 4, 1]
    chosen = openings.chosen(lines, 3, 0)
    assert len({openings.begun(line).epd() for line in chosen}) == 3
    with pytest.raises(Refusal, match=r"there are 3 different openings, enough for --games 6, not for 8"):
        openings.chosen(lines, 4, 0)


def test_a_line_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "lines.pgn"
    file.write_text('[Event "a"]\n\n1. e4 e5 2. Ke3 *\n')
    with pytest.raises(BadProblem, match=r"game 1 .*'Ke3'"):
        openings.lines(str(file))


def test_broken_games_are_left_out_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lines.pgn"
    file.write_text(f'{PGN}\n[Event "b"]\n[White "[bold]"]\n[Black "B"]\n\n1. e4 e5 2. Ke3 *\n')
    lines = openings.lines(str(file))
    assert [len(line.moves) for line in lines] == [3, 2, 3, 4, 1]
    said = capsys.readouterr().err
    assert "1 of 6 games of lines.pgn were left out" in said
    assert "[bold] against B): ply 3, 'Ke3', is no legal move" in said


def test_more_games_begin_with_the_openings_of_fewer() -> None:
    assert openings.lines("") == book()
    many = openings.chosen(book(), 12, 5)
    assert openings.chosen(book(), 4, 5) == many[:4]
    assert openings.chosen(book(), 4, 6) != many[:4]


# The record


def test_every_opening_is_played_with_both_colours(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "match.pgn"
    results(short_match(), 8, path)
    games = list(games_of(path))
    assert len(games) == 8
    for first, second in zip(games[::2], games[1::2], strict=True):
        assert first.headers["FEN"] == second.headers["FEN"]
        assert first.headers["White"] == second.headers["Black"] == first.headers["Student"]
        assert first.headers["Black"] == second.headers["White"] == first.headers["Opponent"]
    assert len({game.headers["FEN"] for game in games}) == 4


def test_a_game_is_recorded_whole(tmp_path: Path) -> None:
    path = tmp_path / "match.pgn"
    found = results(short_match(seed=3), 2, path)
    for number, (game, kept) in enumerate(zip(games_of(path), found, strict=True), 1):
        headers = game.headers
        assert {name: headers[name] for name in ("Round", "Seed", "Student", "Opponent", "Event")} == {
            "Round": str(number),
            "Seed": "3",
            "Student": "taking taker",
            "Opponent": "random",
            "Event": "distill match",
        }
        end = game.end().board()
        assert ended(end) == (kept.result, kept.ending)
        assert headers["Result"] == kept.result
        assert headers["PlyCount"] == str(len(end.move_stack))


def test_the_same_seed_plays_the_same_games(tmp_path: Path) -> None:
    written = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        results(short_match(seed), 8, tmp_path / name)
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1] != written[2]
    assert results(short_match(), 8, None) == results(short_match(), 8, tmp_path / "a")


def test_a_match_that_is_killed_anywhere_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    whole = tmp_path / "whole.pgn"
    wanted = results(short_match(), 6, whole)
    text = whole.read_bytes()
    cut = tmp_path / "cut.pgn"
    for place in {*range(0, len(text), 97), *range(len(text) - 12, len(text)), *range(14)}:
        cut.write_bytes(text[:place])
        assert results(short_match(), 6, cut) == wanted
        assert cut.read_bytes() == text, f"cut at {place}"


def test_games_that_are_kept_are_not_played_again(tmp_path: Path) -> None:
    path = tmp_path / "match.pgn"
    first = results(short_match(), 4, path)
    idle = Match(Scripted(), Scripted(), SHORT, openings.chosen(SHORT, 4, 0), 0)
    with pytest.raises(Refusal, match="Student"):
        results(idle, 4, path)
    before = path.read_bytes()
    assert results(short_match(), 4, path) == first
    assert results(short_match(), 2, path) == first[:2]
    assert path.read_bytes() == before
    assert results(short_match(), 8, path)[:4] == first


FOREIGN = {
    "another seed": (
        lambda text: text.replace('[Seed "0"]', '[Seed "1"]'),
        "has Seed '1', this match has '0'",
    ),
    "another order": (lambda text: text.replace('[Round "1"]', '[Round "2"]'), "has Round '2'"),
    "no header": (lambda text: text.replace('[Opponent "random"]\n', ""), "has Opponent none"),
    "a move less": (lambda text: text.replace('[PlyCount "', '[PlyCount "1'), "its header PlyCount"),
    "no result": (
        lambda text: text.replace("1/2-1/2", "*").replace("0-1", "*").replace("1-0", "*"),
        "result '\\*'",
    ),
    "a user's games": (lambda text: PGN, "cannot be continued"),
    "a game without an end": (lambda text: '[Event "mine"]\n\n1. e4 e5', "more than games of this match"),
    "words": (lambda text: "To do: buy milk\n", "more than games of this match"),
    "words behind": (lambda text: text + "well played\n", "more than games of this match"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_something_else_is_refused_and_left_alone(name: str, tmp_path: Path) -> None:
    path = tmp_path / "match.pgn"
    results(short_match(), 2, path)
    change, why = FOREIGN[name]
    path.write_text(change(path.read_text()))
    before = path.read_bytes()
    with pytest.raises(Refusal, match=why):
        results(short_match(), 4, path)
    assert path.read_bytes() == before


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "match.pgn"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Refusal, match="no text"):
        Record(path, short_match().identity()).finished()


def test_a_record_that_cannot_be_written_is_refused_before_the_first_game(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, why in ((tmp_path, "Is a directory"), (tmp_path / "file" / "match.pgn", "File exists")):
        with pytest.raises(Refusal, match=rf"cannot be written \({why}\): name another --pgn"):
            Record(path, short_match().identity()).finished()


def test_points_are_the_student_s() -> None:
    results = ["1-0", "1-0", "0-1", "0-1", "1/2-1/2", "1/2-1/2"]
    assert shares([Finished(result, "") for result in results]) == [1, 0, 0, 1, 0.5, 0.5]


# Engines that die


class Mortal(Chance):
    """Dies at the named calls."""

    def __init__(self, *deaths: int) -> None:
        super().__init__()
        object.__setattr__(self, "calls", iter(range(10**6)))
        object.__setattr__(self, "deaths", deaths)

    def move(self, board: chess.Board, game: object, rng: np.random.Generator) -> chess.Move:
        if next(self.calls) in self.deaths:
            raise Died("killed")
        return super().move(board, game, rng)


def test_a_game_in_which_an_engine_dies_is_played_again(tmp_path: Path) -> None:
    wanted, mortal = tmp_path / "wanted.pgn", tmp_path / "mortal.pgn"
    results(short_match(), 4, wanted)
    book = openings.chosen(SHORT, 4, 0)
    results(Match(taker(), Mortal(1, 7), SHORT, book, 0), 4, mortal)
    assert mortal.read_bytes() == wanted.read_bytes()


def test_two_deaths_in_a_game_end_the_match_and_keep_what_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "match.pgn"
    chosen = openings.chosen(SHORT, 4, 0)
    with pytest.raises(Refusal, match=r"game 3 was given up.*died in it twice \(killed\)"):
        results(Match(taker(), Mortal(*range(4, 100)), SHORT, chosen, 0), 4, path)
    assert [game.headers["Round"] for game in games_of(path)] == ["1", "2"]
    assert len(results(short_match(), 4, path)) == 4


LINES = (
    Opening(chess.STARTING_FEN, ("e2e4", "e7e5", "g1f3", "b8c6")),
    Opening(chess.STARTING_FEN, ("d2d4", "g8f6")),
)


class Killed(Stockfish):
    """Stockfish whose process ends at its fifth move of the first game."""

    moves = 0

    def move(self, board: chess.Board, game: object, rng: np.random.Generator) -> chess.Move:
        self.moves += 1
        if self.moves == 5:
            os.kill(self._engine.transport.get_pid(), signal.SIGKILL)
        return super().move(board, game, rng)


@pytest.mark.engine
def test_matches_with_stockfish_repeat_also_when_it_is_killed(tmp_path: Path) -> None:
    written = []
    for at, kind in enumerate((Stockfish, Stockfish, Killed)):
        opponent = kind(nodes=60)
        results(Match(taker(), opponent, LINES, LINES, 0), 2, path := tmp_path / str(at))
        opponent.close()
        written.append(path.read_bytes())
    assert written[0] == written[1] == written[2]
    first = next(games_of(tmp_path / "0"))
    assert first.headers["Opponent"].startswith("Stockfish")
    assert first.headers["Opponent"].endswith(" 60 nodes")
    assert first.headers["Result"] == "0-1"


@pytest.mark.engine
def test_a_game_against_stockfish_does_not_depend_on_the_games_before_it() -> None:
    opponent = Stockfish(nodes=200)
    match = Match(taker(), opponent, LINES, LINES, 0)
    try:
        after = [match.game(number).board for number in (1, 2, 3)]
        fresh = match.game(3).board
    finally:
        opponent.close()
    assert fresh.move_stack == after[2].move_stack


SILENT = """#!/bin/sh
while read -r line; do
  case "$line" in
    uci) echo "id name Silent"; echo "option name Threads type spin default 1 min 1 max 1"
         echo "option name Hash type spin default 16 min 1 max 16"; echo uciok ;;
    isready) echo readyok ;;
    quit) exit 0 ;;
  esac
done
"""


def test_an_engine_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "silent"
    script.write_text(SILENT)
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("STOCKFISH_PATH", str(script))
    opponent = Stockfish(nodes=1, patience=0.5)
    assert opponent.name == "Silent 1 nodes"
    with pytest.raises(Refusal, match=r"died in it twice .*no answer"):
        Match(taker(), opponent, LINES, LINES, 0).game(1)
    opponent.close()


# The command


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained(tmp_path_factory.mktemp("student"), "action-value")


def test_the_command_plays_shows_and_goes_on(
    student: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines, pgn = tmp_path / "lines.fen", tmp_path / "out.pgn"
    lines.write_text("".join(f"{line.start}\n" for line in SHORT))
    words = ["match", "--checkpoint", str(student), "--against", "random"]
    words += ["--openings", str(lines), "--pgn", str(pgn)]
    assert main([*words, "--games", "4"]) == 0
    first = pgn.read_bytes()
    capsys.readouterr()
    assert main([*words, "--games", "8"]) == 0
    said = capsys.readouterr()
    assert "4 games are in" in said.err
    assert pgn.read_bytes().startswith(first)
    assert len(list(games_of(pgn))) == 8
    assert "student has" in said.out
    assert "Elo" in said.out
    assert "4 pairs of games" in said.out
    both = next(line for line in said.out.splitlines() if line.startswith((" both", "both")))
    games, won, drawn, lost = map(int, both.split()[1:5])
    assert games == 8 == won + drawn + lost
    assert main([*words, "--games", "8", "--seed", "1"]) == 1
    assert "Name another --pgn" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--against", "random", "--games", "3"], "--games must be even"),
        (["--against", "random", "--games", "0"], "--games must be even"),
        (["--against", "nobody"], "stockfish, random or the folder of a checkpoint; there is no nobody"),
        (["--against", "stockfish", "--nodes", "0"], "--nodes must be 1 or more"),
        (["--against", "random", "--openings", "nowhere.pgn"], "nowhere.pgn"),
        (["--against", "random", "--games", "100000"], "different openings, enough for --games"),
        (["--against", "."], "is not a checkpoint"),
    ],
)
def test_what_cannot_be_played_is_refused_in_a_sentence(
    student: Path, words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["match", "--checkpoint", str(student), *words]) == 1
    said = capsys.readouterr().err
    assert why in said
    assert said.count("\n") == 1


def test_students_play_one_another(student: Path, tmp_path: Path) -> None:
    other = untrained(tmp_path / "other", "behavioral-cloning")
    lines, pgn = tmp_path / "lines.fen", tmp_path / "out.pgn"
    lines.write_text(f"{SHORT[0].start}\n")
    words = ["--games", "2", "--openings", str(lines), "--pgn", str(pgn)]
    assert main(["match", "--checkpoint", str(student), "--against", str(other), *words]) == 0
    names = [(game.headers["White"].split()[0], game.headers["Black"].split()[0]) for game in games_of(pgn)]
    assert names == [("action-value", "behavioral-cloning"), ("behavioral-cloning", "action-value")]
