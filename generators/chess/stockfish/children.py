"""The positions that moves lead to, as FENs, compiled: labelling them asks for thirty of each position."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from generators.chess.alphabet import ACTIONS
from generators.compiled import compiled, whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from generators.chess.stockfish.replies import Bytes

_MOST_BYTES = 110
"""Of a FEN: 71 of squares, 18 between, and two clocks of up to ten digits."""

_EMPTY, _SLASH, _DASH, _SPACE, _NEWLINE = (ord(mark) for mark in "./- \n")
_WHITE, _BLACK, _PAWN, _KING, _ROOK = (ord(mark) for mark in "wbpkr")
_RIGHTS = tuple(ord(right) for right in "KQkq")
_RIGHTS_AT = (7, 0, 63, 56)
"""The squares of the rooks that castle; h1, a1, h8, a8."""
_KINGS_AT = (4, 4, 60, 60)
_LOWER = 0x20
"""The bit that makes a letter a small one, and a man black."""


class Moves(NamedTuple):
    """By action: the squares from 0 (a1) to 63 (h8), and what a pawn becomes (0: nothing)."""

    begins: NDArray[np.uint8]
    ends: NDArray[np.uint8]
    becomes: NDArray[np.uint8]


def children(fen: str, moves: NDArray[np.uint16]) -> list[str]:
    """The FEN behind each of the legal `moves`; a pawn's double step is told if a pawn stands beside it."""
    out = np.empty((_MOST_BYTES + 1) * len(moves), np.uint8)
    used = _children(np.frombuffer(fen.encode(), np.uint8), moves, _moves(), out)
    return out[:used].tobytes().decode().split("\n")[:-1]


@cache
def _moves() -> Moves:
    pairs = [[ord(move[at]) - ord("a") + 8 * (int(move[at + 1]) - 1) for move in ACTIONS] for at in (0, 2)]
    becomes = [ord(move[4]) if len(move) == 5 else 0 for move in ACTIONS]
    return Moves(*(np.array(column, np.uint8) for column in (*pairs, becomes)))


@compiled
def _squares(fen: Bytes, board: Bytes) -> int:
    """Read what stands on each square; the place after the field."""
    board[:] = _EMPTY
    at, square = 0, 56
    while fen[at] != _SPACE:
        mark = whole(fen[at])
        if mark == _SLASH:
            square -= 16
        elif 49 <= mark <= 56:
            square += mark - 48
        else:
            board[square] = mark
            square += 1
        at += 1
    return at


@compiled
def _number(fen: Bytes, at: int) -> tuple[int, int]:
    number = 0
    while at < len(fen) and fen[at] != _SPACE:
        number = 10 * number + whole(fen[at]) - 48
        at += 1
    return number, at


@compiled
def _put_number(out: Bytes, used: int, number: int) -> int:
    size = 1
    while 10**size <= number:
        size += 1
    for place in range(size):
        out[used + size - 1 - place] = 48 + number % 10
        number //= 10
    return used + size


@compiled
def _put_squares(out: Bytes, used: int, board: Bytes) -> int:
    for rank in range(7, -1, -1):
        empty = 0
        for square in range(8 * rank, 8 * rank + 8):
            if board[square] == _EMPTY:
                empty += 1
                continue
            if empty:
                out[used] = 48 + empty
                used += 1
            out[used] = board[square]
            used, empty = used + 1, 0
        if empty:
            out[used] = 48 + empty
            used += 1
        out[used] = _SLASH
        used += 1
    # Behind the last rank stands a space.
    out[used - 1] = _SPACE
    return used


@compiled
def _moved(board: Bytes, begin: int, end: int, becomes: int) -> tuple[bool, int]:
    """Make a move: whether it was a capture or a pawn's, and the square that a pawn passed (-1: none)."""
    man = whole(board[begin])
    kind, colour, taken = man | _LOWER, man & _LOWER, board[end] != _EMPTY
    board[begin] = _EMPTY
    if kind == _KING and abs(end - begin) == 2:
        rook = begin + 3 if end > begin else begin - 4
        board[(begin + end) // 2] = board[rook]
        board[rook] = _EMPTY
    if kind == _PAWN and (end - begin) % 8 and not taken:
        board[begin // 8 * 8 + end % 8] = _EMPTY
    # The letters of a pawn's promotions are small.
    board[end] = becomes & ~_LOWER | colour if becomes else man
    passed = -1
    if kind == _PAWN and abs(end - begin) == 16:
        enemy = _PAWN & ~_LOWER | (_LOWER ^ colour)
        left, right = end % 8 > 0 and board[end - 1] == enemy, end % 8 < 7 and board[end + 1] == enemy
        passed = (begin + end) // 2 if left or right else -1
    return taken or kind == _PAWN, passed


@compiled
def _put_rights(out: Bytes, used: int, rights: int, begin: int, end: int) -> int:
    """Write the rights to castle (bits in the order KQkq) that a move leaves."""
    first = used
    for right in range(4):
        lost = begin in (_KINGS_AT[right], _RIGHTS_AT[right]) or end == _RIGHTS_AT[right]
        if rights >> right & 1 and not lost:
            out[used] = _RIGHTS[right]
            used += 1
    if used == first:
        out[used] = _DASH
        used += 1
    return used


@compiled
def _put_passed(out: Bytes, used: int, passed: int) -> int:
    if passed < 0:
        out[used] = _DASH
        return used + 1
    out[used], out[used + 1] = 97 + passed % 8, 49 + passed // 8
    return used + 2


@compiled
def _fields(fen: Bytes, at: int) -> tuple[bool, int, int, int]:
    """Whether White is to move, the rights to castle as bits, and both clocks, from the second field on."""
    white, rights = fen[at + 1] == _WHITE, 0
    at += 3
    while fen[at] != _SPACE:
        for right in range(4):
            rights |= (fen[at] == _RIGHTS[right]) << right
        at += 1
    at += 1
    while fen[at] != _SPACE:
        at += 1
    half, at = _number(fen, at + 1)
    full, at = _number(fen, at + 1)
    return white, rights, half, full


@compiled
def _children(fen: Bytes, actions: NDArray[np.uint16], moves: Moves, out: Bytes) -> int:
    """Write a line for each move: how much of `out` is used."""
    parent, board, used = np.empty(64, np.uint8), np.empty(64, np.uint8), 0
    white, rights, half, full = _fields(fen, _squares(fen, parent))
    for action in actions:
        begin, end = whole(moves.begins[action]), whole(moves.ends[action])
        board[:] = parent
        fresh, passed = _moved(board, begin, end, whole(moves.becomes[action]))
        used = _put_squares(out, used, board)
        out[used], out[used + 1] = _BLACK if white else _WHITE, _SPACE
        used = _put_rights(out, used + 2, rights, begin, end)
        out[used] = _SPACE
        used = _put_passed(out, used + 1, passed)
        out[used] = _SPACE
        used = _put_number(out, used + 1, 0 if fresh else half + 1)
        out[used] = _SPACE
        used = _put_number(out, used + 1, full if white else full + 1)
        out[used] = _NEWLINE
        used += 1
    return used
