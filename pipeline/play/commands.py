"""What the words behind UCI's `position` and `go` say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import chess

from generators.chess.board import rules
from generators.domain import BadProblem

LIMITS = ("wtime", "btime", "winc", "binc", "movestogo", "depth", "nodes", "mate", "movetime")
"""Parameters of `go` that mean nothing to a student: it needs one pass."""

PARAMETERS = frozenset(("searchmoves", "ponder", "infinite", *LIMITS))


@dataclass(frozen=True)
class Go:
    """What `go` asks for: a search of some moves alone, whose answer may have to be held back."""

    only: tuple[str, ...] = ()
    infinite: bool = False
    ponder: bool = False


def go(words: Sequence[str]) -> Go:
    """The parameters of `go`; unknown ones and all numbers are passed over."""
    only: list[str] = []
    parameter = ""
    for word in words:
        if word in PARAMETERS:
            parameter = word
        elif parameter == "searchmoves":
            only.append(word)
    return Go(tuple(only), "infinite" in words, "ponder" in words)


def position(words: Sequence[str]) -> chess.Board:
    """The board of `startpos moves e2e4 ...` or `fen F moves ...`; raises BadProblem."""
    at = words.index("moves") if "moves" in words else len(words)
    match words[:at]:
        case ["startpos"]:
            board = chess.Board()
        case ["fen", *fields] if fields:
            board = _board(" ".join(fields))
        case _:
            raise BadProblem("position needs `startpos` or `fen` and a FEN, and may have `moves` behind it")
    for number, word in enumerate(words[at + 1 :], 1):
        board.push(legal(board, word, number))
    return board


def _board(fen: str) -> chess.Board:
    """Any legal position, a finished one too, of which no problem can be made."""
    try:
        board = chess.Board(fen)
    except ValueError:
        return rules.position(fen)
    return board if board.is_valid() else rules.position(fen)


def legal(board: chess.Board, word: str, number: int) -> chess.Move:
    """The legal move that a word names; raises BadProblem."""
    try:
        move = board.parse_uci(word.lower())
    except ValueError:
        move = chess.Move.null()
    if not move:
        raise BadProblem(f"move {number}, '{word}', is not legal in {board.fen()}")
    return move
