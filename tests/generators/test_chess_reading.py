"""A user's positions, games and puzzles are read as python-chess reads them; what is wrong is told."""

from __future__ import annotations

import io
from pathlib import Path

import chess
import chess.pgn
import polars as pl
import pyarrow as pa
import pytest

from generators.chess.alphabet import ACTIONS
from generators.chess.board import rules
from generators.chess.reading import games, pgn
from generators.chess.reading.sources import Read, read
from generators.chess.reading.taken import NAMED
from generators.domain import BadProblem

ITALIAN = "r1bqkbnr/pppp1ppp/2n5/4p3/2B1P3/5N2/PPPP1PPP/RNBQK2R b KQkq - 3 3"
ENDING = "8/8/4k3/8/4P3/4K3/8/8 w - - 4 61"
MATED = "rnb1kbnr/pppp1ppp/8/4p3/6Pq/5P2/PPPPP2P/RNBQKBNR w KQkq - 1 3"

IMMORTAL = """\
[Event "London"]
[Site "?"]
[White "Anderssen"]
[Black "Kieseritzky"]
[Result "1-0"]

1.e4 e5 2. f4 exf4 3. Bc4 Qh4+ {a comment (with
[Event "brackets"] and 4. Nf3 over lines} 4. Kf1 b5 $1 (4... d6 5. Nc3 (5. d4 Nf6) 5... Ne7) 5. Bxb5!? Nf6
6. Nf3 Qh6 7. d3 Nh5 ; the rest of this line, even { is a comment
8. Nh4 Qg5 9. Nf5 c6 10. g4 Nf6 11. Rg1! cxb5 12. h4 Qg6 13. h5 Qg5 14. Qf3 Ng8
% 15. an escaped line
15. Bxf4 Qf6 16. Nc3 Bc5 17. Nd5 Qxb2 18. Bd6 Bxg1 19. e5 Qxa1+ 20. Ke2 Na6 21. Nxg7+ Kd8 22. Qf6+!!
Nxf6 23. Be7# 1-0
"""
PROMOTED = """\
[White "?"]
[Black "?"]
[FEN "8/P6k/8/8/8/8/6Kp/8 w - - 0 50"]
[SetUp "1"]

50. a8=N h1=Q+ 51. Kf2 Qh2+ 1/2-1/2
"""
SHORT = "1. d4 d5 2. c4 *\n"
CASTLED = '[Event "x"]\n\n1. e4 e5 2. Nf3 Nc6 3. Bc4 Bc5 4. 0-0 Nf6 5. d3 O-O *\n'
BROKEN = '[White "A"]\n[Black "B"]\n\n1. e4 e5 2. Ke3 Nf6 *\n'
CHESS960 = '[Variant "Chess960"]\n\n1. e4 *\n'

CSV = """\
PuzzleId,FEN,Moves,Rating,RatingDeviation,Popularity,NbPlays,Themes,GameUrl,OpeningTags
00008,r6k/pp2r2p/4Rp1Q/3p4/8/1N1P2R1/PqP2bPP/7K b - - 0 24,f2g3 e6e7 b2b1 b3c1 b1c1 h6c1,1798,77,95,8062,\
crushing hangingPiece,https://lichess.org/787zsVup/black#48,
0000D,5rk1/1p3ppp/pq3b2/8/8/1P1Q1N2/P4PPP/3R2K1 w - - 2 27,d3d6 f8d8 d6d8 f6d8,1501,74,96,30178,\
advantage,https://lichess.org/F8M8OS71#53,
mate1,6k1/5ppp/8/8/8/8/5PPP/3R2K1 b - - 0 1,h7h6 d1d8,,80,1,1,"mate, short",,
"""


def moves_of(text: str) -> list[str]:
    """The main line as python-chess reads it, the oracle of these tests."""
    game = chess.pgn.read_game(io.StringIO(text))
    assert game is not None
    assert not game.errors
    return [move.uci() for move in game.mainline_moves()]


def boards_of(text: str) -> list[str]:
    """The FEN after each half-move, the first position included, mates left out."""
    game = chess.pgn.read_game(io.StringIO(text))
    assert game is not None
    board = game.board()
    fens = [board.fen()]
    for move in game.mainline_moves():
        board.push(move)
        fens.append(board.fen())
    return fens if any(board.legal_moves) else fens[:-1]


@pytest.mark.parametrize("text", [IMMORTAL, PROMOTED, SHORT, CASTLED])
def test_a_game_has_the_moves_that_python_chess_finds(text: str) -> None:
    (game,) = pgn.games(io.StringIO(text))
    assert [move.uci() for move in pgn.played(game).move_stack] == moves_of(text)


def test_all_positions_of_a_game_are_given_but_not_its_mate() -> None:
    problems, remarks = read(IMMORTAL)
    assert problems["fen"].to_list() == boards_of(IMMORTAL)
    assert problems["ply"].to_list() == list(range(45))
    assert problems["game"].n_unique() == problems["split_key"].n_unique() == 1
    assert problems["source_id"].to_list()[41] == "game 1, ply 41"
    assert problems["solution"].null_count() == problems["puzzle"].null_count() == len(problems)
    assert remarks == []


def test_a_game_may_begin_anywhere_and_promote_to_anything() -> None:
    problems = read(PROMOTED).frame
    assert problems["fen"].to_list() == boards_of(PROMOTED)
    assert problems["fen"][1].startswith("N7/")
    assert problems["ply"].to_list() == [0, 1, 2, 3, 4]


def test_history_is_what_can_be_taken_back() -> None:
    problems = read("1. e4 e5 2. Nf3 Nc6 3. Ng1 Nb8 4. Nf3 a6 5. Ng1 *\n").frame
    histories = [[ACTIONS[action] for action in actions] for actions in problems["history"].to_list()]
    assert histories[6] == ["g1f3", "b8c6", "f3g1", "c6b8"]
    assert histories[7] == ["g1f3", "b8c6", "f3g1", "c6b8", "g1f3"]
    assert histories[8] == []
    assert histories[9] == ["f3g1"]


def test_a_few_positions_of_a_game_are_spread_over_it() -> None:
    text = "\n".join([IMMORTAL, CASTLED, SHORT])
    problems = read(text, positions_per_game=4).frame
    assert problems.group_by("game", maintain_order=True).len()["len"].to_list() == [4, 4, 4]
    plies = problems["ply"].to_list()[:4]
    assert [ply * 4 // 45 for ply in plies] == [0, 1, 2, 3], "each quarter of the game has one"
    every = dict(zip(boards_of(IMMORTAL), range(45), strict=True))
    assert [every[fen] for fen in problems["fen"].to_list()[:4]] == plies
    assert read(text, positions_per_game=4).frame.equals(problems)


def test_the_ply_chosen_of_a_stretch_is_even_over_games() -> None:
    counts = [0] * 10
    for key in range(5000):
        (ply,) = games.chosen(str(key), 10, 1)
        counts[ply] += 1
    assert min(counts) > 400, counts  # 500 each, with a deviation of 21


def test_the_same_moves_are_the_same_game_and_others_are_not() -> None:
    keys = [read(text).frame["game"][0] for text in (SHORT, "1. d4 {!} d5 2. c4 1-0\n", "1. d4 d5 *\n")]
    assert keys[0] == keys[1] != keys[2]


def test_broken_games_and_variants_are_left_out_and_named() -> None:
    problems, remarks = read("\n".join([CASTLED, BROKEN, CHESS960, SHORT]))
    assert problems["source_id"].str.extract(r"game (\d+)").unique(maintain_order=True).to_list() == [
        "1",
        "4",
    ]
    assert remarks[0] == "2 of 4 games of the text were left out"
    assert remarks[1].startswith("game 2 (line 5, A against B): ply 3, 'Ke3', is no legal move in ")
    assert remarks[2] == "game 3 (line 10) is a game of Chess960; only standard chess is read"
    assert len(remarks) == 3


def test_no_more_than_a_few_broken_games_are_named() -> None:
    remarks = read("\n".join([SHORT, *[BROKEN] * 30])).remarks
    assert remarks[0] == "30 of 31 games of the text were left out"
    assert len(remarks) == 1 + NAMED


@pytest.mark.parametrize(
    ("moves", "cause"),
    [
        ("1. e4 -- 2. d4", "ply 2, '--', is no move but a pass"),
        ("1. Sf3 d5", "ply 1, 'Sf3', is no legal move in rnbqkbnr"),
        ("1. d4 d5 2. Nf3 Nf6 3. Nd2", "ply 5, 'Nd2', can be played by more than one man"),
        ("1. e4 {no end", "a comment in braces has no end"),
        ("1. e4 (1. d4", "a variation in parentheses has no end"),
        ("1. e4) e5", "a variation in parentheses has no end, or no beginning"),
    ],
)
def test_a_broken_game_alone_is_refused_with_its_place(moves: str, cause: str) -> None:
    with pytest.raises(BadProblem) as refusal:
        read(f'[Event "x"]\n\n{moves}\n')
    assert str(refusal.value).startswith("game 1 (line 1): ")
    assert cause in str(refusal.value)


@pytest.mark.parametrize(
    ("fen", "cause"),
    [
        ("8/8/8/8/8/8/8/8 w - - 0 1", "the board is empty"),
        ("nonsense", "is no FEN"),
        ("bqnb1rkr/pppppppp/8/8/8/8/PPPPPPPP/BQNB1RKR w HFhf - 0 1", "Chess960"),
    ],
)
def test_a_game_from_no_position_is_refused(fen: str, cause: str) -> None:
    with pytest.raises(BadProblem, match=r"^game 1 \(line 1\) begins in no position of chess: ") as refusal:
        read(f'[FEN "{fen}"]\n[SetUp "1"]\n\n*\n')
    assert cause in str(refusal.value)


def test_positions_are_lines_of_fen_and_epd() -> None:
    operations = 'bm Kd4; id "WAC.1"; hmvc 7; fmvn 33;'
    text = f"# mine\n{ITALIAN}\n\n{ENDING}\n{' '.join(ENDING.split()[:4])} {operations}\n"
    problems = read(text).frame
    assert problems["fen"].to_list() == [ITALIAN, ENDING, ENDING.replace("4 61", "7 33")]
    assert problems["source_id"].to_list() == ["the text:2", "the text:4", "WAC.1"]
    assert problems["ply"].to_list() == [5, 120, 64]
    assert problems["game"].to_list() == problems["problem_id"].to_list()
    assert problems["game"][1] == problems["game"][2], "clocks make no other game"


def test_any_move_number_can_be_read() -> None:
    assert read(ENDING.replace("61", "99999")).frame["ply"].to_list() == [65535]


def test_a_single_fen_is_a_source() -> None:
    assert read(ITALIAN).frame["fen"].to_list() == [ITALIAN]
    assert read(" ".join(ITALIAN.split()[:4])).frame["fen"].to_list() == [ITALIAN.replace("3 3", "0 1")]


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("", "the source is empty"),
        (" \n ", "the source is empty"),
        ("nowhere.pgn", "nowhere.pgn is neither a file nor a FEN, EPD or PGN"),
        ("# nothing\n\n", "the text holds no position"),
        (MATED, "the text:1: "),
        (MATED, "checkmate"),
        (ENDING.replace("61", "-1"), "is no FEN"),
        (f"{ITALIAN}\nfoo bar\n", "1 of 2 lines cannot be read; the first: the text:2: 'foo bar' is no FEN"),
        (" ".join([*ENDING.split()[:4], 'bm Qh7; id "x";']), "its operations are none of EPD"),
        (" ".join([*ENDING.split()[:4], "hmvc x;"]), "its operations are none of EPD"),
        ("a\0b\n", "has a character of code 0"),
        ("\x1b[31m w - - 0 1\n", "has a character of code 27"),
        ("PuzzleId,FEN,Rating\n1,2,3\n", "its first line lacks Moves"),
        ("Name,Elo,Moves\n1,2,3\n", "its first line lacks FEN and PuzzleId"),
        (CSV.splitlines()[0] + "\n", "the text holds no puzzle"),
        (
            CSV.replace("f8d8 d6d8", "f8d9 d6d8"),
            "the text:3 (puzzle 0000D): move 2, 'f8d9', is no legal move",
        ),
        (CSV.replace("h7h6 d1d8", "h7h6"), "the text:4 (puzzle mate1): Moves needs the other side's move"),
        (CSV.replace("h7h6 d1d8", "0000 d1d8"), "move 1, '0000', is no move but a pass"),
        (CSV.replace("1798", "strong"), "its Rating 'strong' is no whole number"),
        (CSV.replace("1798", "99999"), "its Rating '99999' is no whole number"),
        (CSV.replace("6k1/5ppp/8/8/8/8/5PPP/3R2K1 b - - 0 1", ""), "its FEN is empty"),
        (CSV.replace("mate1", ""), "it has no PuzzleId"),
        (CSV.replace("mate, short", 'mate" x'), "this is no line of a CSV file"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(source: str, cause: str) -> None:
    with pytest.raises(BadProblem) as refusal:
        read(source)
    assert cause in str(refusal.value)


def test_impossible_numbers_of_positions_are_refused() -> None:
    with pytest.raises(BadProblem, match=r"positions_per_game is 0 .* got -1"):
        read(SHORT, positions_per_game=-1)


def test_each_move_of_a_puzzles_solver_is_a_problem() -> None:
    problems = read(CSV).frame
    assert problems["puzzle"].to_list() == ["00008"] * 3 + ["0000D"] * 2 + ["mate1"]
    assert problems["rating"].to_list() == [1798] * 3 + [1501] * 2 + [None]
    solutions = [ACTIONS[action] for action in problems["solution"].to_list()]
    assert solutions == ["e6e7", "b3c1", "h6c1", "f8d8", "f6d8", "d1d8"]
    assert problems["split_key"].n_unique() == problems["puzzle"].n_unique() == 3
    board = chess.Board("r6k/pp2r2p/4Rp1Q/3p4/8/1N1P2R1/PqP2bPP/7K b - - 0 24")
    for at, move in enumerate(["f2g3", "e6e7", "b2b1", "b3c1", "b1c1", "h6c1"]):
        if at % 2:
            assert problems["fen"][at // 2] == board.fen()
        board.push_uci(move)
    assert problems["history"].to_list()[1] == [rules.action(chess.Move.from_uci("b2b1"))]


def test_a_puzzle_may_tell_its_game_in_place_of_its_position() -> None:
    problems = read("PuzzleId,Rating,PGN,Moves\np,900,1. e4 e5 2. Nf3,b8c6 f1b5\n").frame
    assert problems["fen"].to_list() == [boards_of("1. e4 e5 2. Nf3 Nc6 *\n")[-1]]
    assert ACTIONS[problems["solution"][0]] == "f1b5"


@pytest.mark.parametrize("packing", [None, "zstd", "gzip"])
@pytest.mark.parametrize(
    ("name", "text"),
    [("a.pgn", IMMORTAL), ("b.epd", ITALIAN), ("c.csv", CSV), ("d.txt", CSV), ("e", CASTLED)],
)
def test_files_are_read_as_their_text_is(tmp_path: Path, name: str, text: str, packing: str | None) -> None:
    content = ("\ufeff" + text).encode()
    suffix = {None: "", "zstd": ".zst", "gzip": ".gz"}[packing]
    path = tmp_path / f"{name}{suffix}"
    path.write_bytes(pa.Codec(packing).compress(content, asbytes=True) if packing else content)
    own = pl.exclude("source_id")
    assert (
        read(str(path))
        .frame.select(own)
        .equals(read(text if "\n" in text else f"{text}\n").frame.select(own))
    )


def test_packed_files_may_have_parts_but_must_have_an_end(tmp_path: Path) -> None:
    path = tmp_path / "games.pgn.zst"
    whole = pa.Codec("zstd").compress((CASTLED + "\n").encode(), asbytes=True)
    path.write_bytes(whole + whole)
    assert read(str(path), 1).frame["source_id"].str.head(6).to_list() == ["game 1", "game 2"]
    path.write_bytes(whole + whole[:-9])
    with pytest.raises(BadProblem, match=r"games\.pgn\.zst cannot be read: "):
        read(str(path))


def test_letters_of_old_files_are_no_hindrance(tmp_path: Path) -> None:
    path = tmp_path / "old.pgn"
    path.write_bytes('[White "Süchting"]\n[Black "Duras"]\n\n1. e4 e5 *\n'.encode("latin-1"))
    assert len(read(str(path)).frame) == 3


@pytest.mark.parametrize("text", [f"{SHORT}\n", CASTLED, f"{ITALIAN}\n{ENDING}\n"])
@pytest.mark.parametrize("end", ["\x1a", "\x1a\r\n", "\r\n\x1a\x1a"])
def test_the_end_of_a_file_of_dos_is_no_game_and_no_position(text: str, end: str) -> None:
    found, remarks = read(f"{text}{end}")
    assert found.equals(read(text).frame)
    assert not remarks
    assert len(read(f"{text}{end}{text}").frame) == 2 * len(found)


def test_folders_and_other_things_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadProblem, match="is a folder"):
        read(str(tmp_path))
    (tmp_path / "x.pgn").write_bytes(b"\n \n")
    with pytest.raises(BadProblem, match=r"x\.pgn is empty"):
        read(str(tmp_path / "x.pgn"))
    (tmp_path / "x.fen").write_bytes(b"PK\x03\x04\0\0\0")
    with pytest.raises(BadProblem, match="has a character of code 3"):
        read(str(tmp_path / "x.fen"))


def test_what_is_read_is_a_frame_and_remarks() -> None:
    assert isinstance(read(SHORT), Read)
    assert read(SHORT).frame.schema == read(CSV).frame.schema == read(ITALIAN).frame.schema


@pytest.mark.parametrize("text", ["{" * 300_000, "(" * 300_000, "(" * 150_000 + ")" * 149_999, "1. e4 }"])
def test_what_has_no_end_is_found_in_one_reading(text: str) -> None:
    with pytest.raises(BadProblem, match="no end"):
        pgn.words(text)


def test_variations_within_variations_and_comments_are_left_out() -> None:
    text = "1. e4 { a ( b } (1. d4 (1. c4 { ) }) d5) e5 ; ( not this\n2. Nf3 (2. f4) *"
    assert pgn.words(text) == ["e4", "e5", "Nf3"]
