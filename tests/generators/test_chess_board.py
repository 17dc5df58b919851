"""Positions: actions, legal moves, words and back, histories, refusals."""

from __future__ import annotations

import random
from collections.abc import Iterator

import chess
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.chess import alphabet
from generators.chess.alphabet import ACTIONS, NOTATIONS, POSITION_WORDS, SQUARES
from generators.chess.board import fens, rules
from generators.domain import BadProblem, content_hash
from generators.words import codes, words

KIWIPETE = "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1"
ROOK_ENDING = "8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1"
PROMOTIONS = "r3k2r/Pppp1ppp/1b3nbN/nP6/BBP1P3/q4N2/Pp1P2PP/R2Q1RK1 w kq - 0 1"
TALKCHESS = "rnbq1k1r/pp1Pbppp/2p5/8/2B5/8/PPP1NnPP/RNBQK2R w KQ - 1 8"
SYMMETRIC = "r4rk1/1pp1qppp/p1np1n2/2b1p1B1/2B1P1b1/P1NP1N2/1PP1QPPP/R4RK1 w - - 0 10"

PERFT = [
    (chess.STARTING_FEN, (20, 400, 8902, 197281)),
    (KIWIPETE, (48, 2039, 97862)),
    (ROOK_ENDING, (14, 191, 2812, 43238)),
    (PROMOTIONS, (6, 264, 9467)),
    (TALKCHESS, (44, 1486, 62379)),
    (SYMMETRIC, (46, 2079, 89890)),
]
"""Published counts of move sequences (chessprogramming.org, Perft Results)."""


def walk(seed: int, fen: str = chess.STARTING_FEN, longest: int = 120) -> Iterator[chess.Board]:
    """The positions of a random game in which there is a move, each with the game's move stack."""
    draw, board = random.Random(seed), chess.Board(fen)
    while any(board.legal_moves) and len(board.move_stack) < longest:
        yield board
        board.push(draw.choice(list(board.legal_moves)))


def walked(games: int) -> list[chess.Board]:
    starts = [fen for fen, _ in PERFT]
    return [board.copy() for seed in range(games) for board in walk(seed, starts[seed % len(starts)])]


def named(fen: str) -> list[str]:
    """The words of a FEN as the README has them, written out plainly."""
    board, side, castling, passant, half, full = fen.split()
    squares = "".join("." * int(sign) if sign.isdecimal() else sign for sign in board.replace("/", ""))
    clocks = [("half", min(int(half), 999)), ("full", min(int(full), 999))]
    return [
        {"w": "white", "b": "black"}[side],
        *squares,
        *(f"castle-{right}" if right in castling else f"no-castle-{right}" for right in "KQkq"),
        *(("passant-.", "rank-.") if passant == "-" else (f"passant-{passant[0]}", f"rank-{passant[1]}")),
        *(
            f"{name}{unit}-{digit}"
            for name, number in clocks
            for unit, digit in zip((100, 10, 1), f"{number:03}", strict=True)
        ),
    ]


def test_actions_are_those_of_searchless_chess() -> None:
    """Against python-chess's tables of attacks, in the order in which that code walks through them."""
    empty, expected = chess.Board(None), []
    for square in chess.SQUARES:
        for piece in (chess.QUEEN, chess.KNIGHT):
            empty.set_piece_at(square, chess.Piece(piece, chess.WHITE))
            reached = [chess.square_name(target) for target in empty.attacks(square)]
            expected += [chess.square_name(square) + target for target in reached]
            empty.remove_piece_at(square)
    assert list(ACTIONS[: alphabet.PROMOTIONS_AT]) == expected
    assert len(ACTIONS) == len(set(ACTIONS)) == 1968
    assert alphabet.PROMOTIONS_AT == 1792
    assert ACTIONS[:2] == ("a1b1", "a1c1")
    assert ACTIONS[30] == "b1a2"
    assert ACTIONS[1792:1802] == (
        *("a2a1q", "a2a1r", "a2a1b", "a2a1n", "a2b1q", "a2b1r", "a2b1b", "a2b1n"),
        *("b2b1q", "b2b1r"),
    )
    assert ACTIONS[-8:] == (
        *("h7h8q", "h7h8r", "h7h8b", "h7h8n"),
        *("h7g8q", "h7g8r", "h7g8b", "h7g8n"),
    )


def test_actions_and_moves_are_inverse() -> None:
    assert [rules.action(rules.move(action)) for action in range(1968)] == list(range(1968))
    assert [rules.move(action).uci() for action in range(1968)] == list(ACTIONS)
    assert rules.action(chess.Move.from_uci("a1b4")) == -1
    assert rules.action(chess.Move.from_uci("a7c8q")) == -1


def test_alphabets_begin_alike() -> None:
    """Positions and actions have the same places in every notation."""
    for notation in NOTATIONS:
        words = alphabet.alphabet(notation)
        assert words[: len(POSITION_WORDS)] == POSITION_WORDS
        moves = SQUARES if notation in alphabet.SPELLED else ACTIONS
        assert words[alphabet.ACTIONS_AT :][: len(moves)] == moves
        assert len(words) == len(set(words))
    known = alphabet.alphabet("deepening")
    firsts = {
        "white": 0,
        ".": alphabet.MEN_AT,
        "castle-K": alphabet.RIGHTS_AT,
        "passant-a": alphabet.PASSANT_AT,
        "half100-0": alphabet.CLOCKS_AT,
        "a1b1": alphabet.ACTIONS_AT,
        "d1": alphabet.LOG_AT,
        "+0": alphabet.PLUS_AT,
        "-0": alphabet.MINUS_AT,
        ".00": alphabet.HUNDREDTHS_AT,
        "#+1": alphabet.MATES_AT,
        "#-1": alphabet.MATED_AT,
    }
    assert {word: known[at] for word, at in firsts.items()} == {word: word for word in firsts}
    with pytest.raises(BadProblem, match="no notation 'pgn'"):
        alphabet.alphabet("pgn")


def perft(board: chess.Board, depth: int) -> int:
    """Sequences of moves by our own tables."""
    if depth == 1:
        return len(rules.actions(board))
    count = 0
    for action in rules.actions(board):
        board.push(rules.move(action))
        count += perft(board, depth - 1)
        board.pop()
    return count


@pytest.mark.parametrize(("fen", "counts"), PERFT)
def test_legal_moves_are_counted_as_published(fen: str, counts: tuple[int, ...]) -> None:
    board = rules.position(fen)
    assert tuple(perft(board, depth) for depth in range(1, len(counts) + 1)) == counts


def test_words_are_those_of_the_readme_and_come_back() -> None:
    told = [board.fen() for board in walked(36)]
    assert len(told) > 2000
    features = {
        "castling": any(" KQkq " in fen for fen in told),
        "half castling": any(" Kq " in fen or " k " in fen or " Q " in fen for fen in told),
        "en passant": any(fen.split()[3] != "-" for fen in told),
    }
    assert all(features.values()), features
    places = fens.tokens(pl.Series(told))
    assert places.dtype == np.uint16
    assert [[POSITION_WORDS[at] for at in row] for row in places.reshape(-1, 77)] == [*map(named, told)]
    assert fens.fens(places) == told


@pytest.mark.parametrize("square", ["e3", "e6", "a3", "h6"])
def test_the_en_passant_square_is_taken_as_written(square: str) -> None:
    side = "b" if square[1] == "3" else "w"
    fen = f"4k3/8/8/8/8/8/8/4K3 {side} - {square} 12 345"
    assert fens.fens(fens.tokens(pl.Series([fen]))) == [fen]


@given(half=st.integers(0, 10**7), full=st.integers(0, 10**7))
def test_clocks_beyond_999_count_as_999(half: int, full: int) -> None:
    fen = f"4k3/8/8/8/8/8/8/4K3 w - - {half} {full}"
    told = fens.fens(fens.tokens(pl.Series([fen])))[0]
    assert told == f"4k3/8/8/8/8/8/8/4K3 w - - {min(half, 999)} {min(full, 999)}"


def test_slices_and_no_rows_are_read() -> None:
    told = pl.Series([chess.STARTING_FEN, KIWIPETE, ROOK_ENDING])
    assert fens.fens(fens.tokens(told[1:])) == [KIWIPETE, ROOK_ENDING]
    assert fens.fens(fens.tokens(told[:0])) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "e4",
        None,
        "8/8/8/8/8/8/8/8",
        "8/8/8/8/8/8/8 w - - 0 1",
        "9/8/8/8/8/8/8/8 w - - 0 1",
        "8/8/8/8/8/8/8/8/8 w - - 0 1",
        "8/8/8/8/8/8/8/7é w - - 0 1",
        "8/8/8/8/8/8/8/8 x - - 0 1",
        "8/8/8/8/8/8/8/8 w - - 0",
        "8/8/8/8/8/8/8/8 w - - 0 ",
        "8/8/8/8/8/8/8/8 w - - 0 1 2",
        "8/8/8/8/8/8/8/8 w - - 0 x",
        "8/8/8/8/8/8/8/8 w ",
    ],
)
def test_what_is_no_fen_is_named(text: str | None) -> None:
    with pytest.raises(BadProblem, match="row 1 is no FEN"):
        fens.tokens(pl.Series([chess.STARTING_FEN, text]))


@given(st.integers(0, 76), st.integers(0, 0xFFFF))
def test_a_word_out_of_place_states_no_position(place: int, word: int) -> None:
    """A changed word either states another position, which has it, or is refused."""
    stated = fens.tokens(pl.Series([KIWIPETE, SYMMETRIC]))
    stated[77 + place] = word
    try:
        told = fens.fens(stated)
    except BadProblem as refusal:
        assert "prompt 1 states no position" in str(refusal)  # noqa: PT017  (both ends are right)
    else:
        assert (fens.tokens(pl.Series(told)) == stated).all()


def test_prompts_of_all_types_are_stated() -> None:
    stated = words(fens.tokens(pl.Series([KIWIPETE])), np.array([0, 77]), alphabet.alphabet("deepening"))
    for kind in (pl.Enum(alphabet.alphabet("state-value")), pl.String, pl.Categorical):
        assert fens.stated(stated.cast(pl.List(pl.String)).cast(pl.List(kind)), "state-value") == [KIWIPETE]
    for wrong in (stated.list.head(76), stated.list.concat(stated.list.head(1))):
        with pytest.raises(BadProblem, match=r"prompt 0 states no position: it has 7[68] words"):
            fens.stated(wrong, "deepening")


REFUSED = {
    "": "0 fields",
    "startpos": "1 field",
    "8/8/8/8/8/8/8/8 w - - 0 1": "the board is empty",
    "8/8/8/8/8/8/8/K7 w - - 0 1": "black has no king",
    "8/8/8/8/8/8/8/k7 w - - 0 1": "white has no king",
    "kk6/8/8/8/8/8/8/KR6 b - - 0 1": "more than one king",
    "k7/8/1K6/8/8/8/8/1P6 w - - 0 1": "a pawn stands on the first or the last rank",
    "k7/8/PPPPP3/PPPP4/8/8/8/4K3 w - - 0 1": "white has more than eight pawns",
    "k7/8/ppppp3/pppp4/8/8/8/4K3 w - - 0 1": "black has more than eight pawns",
    "k7/8/8/8/8/NNNN4/NNNNNNNN/NNNNNNNK w - - 0 1": "white has more than sixteen men",
    "K7/8/8/8/8/nnnn4/nnnnnnnn/nnnnnnnk w - - 0 1": "black has more than sixteen men",
    "4k3/8/8/8/8/8/4R3/4K3 w - - 0 1": "the side that is not to move is in check",
    "4k3/8/8/8/8/8/8/4K3 w KQ - 0 1": "without king and rook on their squares",
    "4k3/8/8/8/8/8/8/4K2R w K e6 0 1": "en-passant square",
    "4k3/8/8/8/1b5q/3n4/8/r3K3 w - - 0 1": "more men give check",
    "4k3/8/8/8/4P3/8/8/b3K2b b - d3 0 1": "en-passant square",
    "3R4/8/8/3k4/8/8/3R4/4K3 b - - 0 1": "no move can have given this check",
    "7k/5KQ1/8/8/8/8/8/8 b - - 0 1": "checkmate",
    "7k/5K2/6Q1/8/8/8/8/8 b - - 0 1": "stalemate",
    "r3k2r/8/8/8/8/8/8/R3K2R w HAha - 0 1": "Chess960",
    "1r2k1r1/8/8/8/8/8/8/1R2K1R1 w KQkq - 0 1": "Chess960",
    "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR[] w KQkq - 0 1": "crazyhouse",
    "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKB~NR w KQkq - 0 1": "crazyhouse",
    "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR/Qq w KQkq - 0 1": "crazyhouse",
    "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 3+3 0 1": "three-check",
    "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1 +0+0": "three-check",
    "rnbqkbnr/ppppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1": "is no FEN",
    "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR x KQkq - 0 1": "is no FEN",
    "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkx - 0 1": "is no FEN",
    "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq e9 0 1": "is no FEN",
    "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - -1 1": "is no FEN",
    "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0": "5 fields",
    "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1 2 3": "8 fields",
    "1" * 5000 + " w - - 0 1": r"is no FEN",
}


@pytest.mark.parametrize(("fen", "reason"), REFUSED.items())
def test_positions_are_refused_by_name(fen: str, reason: str) -> None:
    with pytest.raises(BadProblem, match=reason) as refusal:
        rules.position(fen)
    assert len(str(refusal.value)) < 250
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("fen", [fen for fen, _ in PERFT])
def test_four_fields_are_a_position(fen: str) -> None:
    four = " ".join(fen.split()[:4])
    assert rules.position(four).fen() == f"{four} 0 1"
    assert rules.position(f"  {fen} ").fen() == fen


def test_positions_of_games_are_accepted() -> None:
    for board in walked(12):
        assert rules.position(board.fen()) == board


def test_clocks_do_not_tell_positions_apart() -> None:
    pawn = "4k3/8/8/8/3pP3/8/8/4K3 b - {} {} {}"
    ids = [rules.problem_id(rules.position(pawn.format(*each))) for each in (("-", 0, 1), ("-", 9, 30))]
    assert ids[0] == ids[1] == content_hash(b"4k3/8/8/8/3pP3/8/8/4K3 b - -")
    assert rules.problem_id(rules.position(pawn.format("e3", 0, 1))) != ids[0]


def test_a_frame_has_the_columns_of_the_readme() -> None:
    boards = walked(8)
    frame = rules.frame(boards, ["one"] * len(boards), rating=[1500] * len(boards))
    assert [*frame.columns] == [
        *("problem_id", "split_key", "prompt", "fen", "game", "ply", "history", "moves", "pieces"),
        *("source_id", "puzzle", "rating", "solution"),
    ]
    kinds = {"ply": pl.UInt16, "history": pl.List(pl.UInt16), "moves": pl.List(pl.UInt16), "pieces": pl.UInt8}
    kinds |= {"rating": pl.UInt16, "solution": pl.UInt16, "puzzle": pl.String, "source_id": pl.String}
    assert {name: frame.schema[name] for name in kinds} == kinds
    assert frame["prompt"].dtype == pl.List(pl.Enum(alphabet.alphabet("deepening")))
    assert frame["fen"].to_list() == [board.fen() for board in boards]
    assert frame["problem_id"].to_list() == [rules.problem_id(board) for board in boards]
    assert frame["split_key"].unique().to_list() == [content_hash(b"one")]
    assert frame["pieces"].to_list() == [len(board.piece_map()) for board in boards]
    assert frame["ply"].to_list() == [board.ply() for board in boards]
    assert frame["rating"].unique().to_list() == [1500]
    assert frame["solution"].null_count() == len(boards)
    legal = [sorted(ACTIONS.index(move.uci()) for move in board.legal_moves) for board in boards]
    assert frame["moves"].to_list() == legal
    assert (codes(frame["prompt"], POSITION_WORDS)[0] == fens.tokens(frame["fen"])).all()
    assert rules.frame([], []).schema == frame.schema
    assert rules.frame(boards[:1], ["one"], [7])["ply"].to_list() == [7]


def shuffling(seed: int) -> Iterator[chess.Board]:
    """A game in which men mostly go back and forth, so that positions recur."""
    draw, board = random.Random(seed), chess.Board([chess.STARTING_FEN, KIWIPETE, ROOK_ENDING][seed % 3])
    while any(board.legal_moves) and len(board.move_stack) < 100:
        moves = [*board.legal_moves]
        if len(board.move_stack) > 1 and draw.random() < 0.7:
            last = board.move_stack[-2]
            back = chess.Move(last.to_square, last.from_square)
            moves = [back] if back in moves else moves
        board.push(draw.choice(moves))
        yield board


@pytest.mark.parametrize("seed", range(9))
def test_histories_have_every_recurrence_and_can_be_taken_back(seed: int) -> None:
    recurred, keys = 0, []
    start = next(shuffling(seed)).copy()
    start.pop()
    keys.append(start.epd())
    for board in shuffling(seed):
        keys.append(board.epd())
        history = rules.history(board)
        told = rules.undone(chess.Board(board.fen()), history)
        assert told == board
        assert told.fen() == board.fen()
        assert [rules.action(move) for move in told.move_stack] == history
        back, within = told.copy(), [told.epd()]
        while back.move_stack:
            back.pop()
            within.append(back.epd())
            assert back.is_valid()
        assert within[::-1] == keys[-len(within) :]
        assert within.count(told.epd()) == keys.count(board.epd())
        for count in (2, 3):
            assert told.is_repetition(count) == board.is_repetition(count)
        assert told.can_claim_threefold_repetition() == board.can_claim_threefold_repetition()
        recurred += keys.count(board.epd()) > 1
    assert recurred > 5


@pytest.mark.parametrize("seed", range(6))
def test_histories_reach_back_to_the_last_move_for_good(seed: int) -> None:
    """The move before a history was a capture, a pawn's, lost a right, or made en passant impossible."""
    for board in walk(seed, KIWIPETE):
        history, earlier = rules.history(board), board.copy()
        for _ in history:
            last = earlier.pop()
            assert not earlier.is_capture(last)
            assert earlier.piece_type_at(last.from_square) != chess.PAWN
            assert earlier.castling_rights == board.castling_rights
        if earlier.move_stack:
            reached, last = earlier.castling_rights, earlier.pop()
            gone = earlier.is_capture(last) or earlier.piece_type_at(last.from_square) == chess.PAWN
            assert gone or earlier.castling_rights != reached or earlier.has_legal_en_passant()


def test_a_position_with_en_passant_cannot_recur() -> None:
    board = chess.Board("4k3/8/8/8/3p4/8/4P3/4K2N w - - 0 1")
    for move in ("e2e4", "e8d7", "h1g3"):
        board.push_uci(move)
    assert [ACTIONS[action] for action in rules.history(board)] == ["h1g3"]
    quiet = chess.Board("4k3/8/8/8/8/8/4P3/4K2N w - - 0 1")
    for move in ("e2e4", "e8d7", "h1g3"):
        quiet.push_uci(move)
    assert [ACTIONS[action] for action in rules.history(quiet)] == ["e8d7", "h1g3"]


@pytest.mark.parametrize("history", [["a2a3"], ["e1e2"], ["e8e7"], ["g1h3", "g8h6"]])
def test_a_history_that_cannot_have_been_is_refused(history: list[str]) -> None:
    board = chess.Board("4k3/4p3/8/8/8/8/4P3/4K3 w - - 4 9")
    with pytest.raises(BadProblem, match="cannot have led there"):
        rules.undone(board, [ACTIONS.index(move) for move in history])
