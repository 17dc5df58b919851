"""Which FENs are refused, and why: malformed, illegal, finished, or of another game than standard chess."""

from __future__ import annotations

from collections.abc import Sequence

import chess

from generators.domain import BadProblem

_FAULTS = {
    chess.STATUS_EMPTY: "the board is empty",
    chess.STATUS_NO_WHITE_KING: "white has no king",
    chess.STATUS_NO_BLACK_KING: "black has no king",
    chess.STATUS_TOO_MANY_KINGS: "a side has more than one king",
    chess.STATUS_PAWNS_ON_BACKRANK: "a pawn stands on the first or the last rank",
    chess.STATUS_TOO_MANY_WHITE_PAWNS: "white has more than eight pawns",
    chess.STATUS_TOO_MANY_BLACK_PAWNS: "black has more than eight pawns",
    chess.STATUS_TOO_MANY_WHITE_PIECES: "white has more than sixteen men",
    chess.STATUS_TOO_MANY_BLACK_PIECES: "black has more than sixteen men",
    chess.STATUS_OPPOSITE_CHECK: "the side that is not to move is in check",
    chess.STATUS_BAD_CASTLING_RIGHTS: "there is a right to castle without king and rook on their squares",
    chess.STATUS_INVALID_EP_SQUARE: "no pawn can have passed the en-passant square",
    chess.STATUS_TOO_MANY_CHECKERS: "more men give check than can at once",
    chess.STATUS_IMPOSSIBLE_CHECK: "no move can have given this check",
}
"""Why a position is illegal, what is named first before the rest."""


def accepted(fen: str) -> chess.Board:
    """The board of a FEN of six fields, or of four (clocks 0 and 1).

    Raises BadProblem for what is malformed, illegal or finished, for variants and for Chess960.
    """
    fields = fen.split()
    if len(fields) == 4:
        fields += ["0", "1"]
    _refuse_variants(fen, fields)
    try:
        board = chess.Board(" ".join(fields))
    except ValueError as cause:
        raise BadProblem(f"'{_shown(fen)}' is no FEN: {str(cause).split(':')[0]}") from None
    status = board.status()
    for fault, sentence in _FAULTS.items():
        if status & fault:
            if fault == chess.STATUS_BAD_CASTLING_RIGHTS and _chess960(fields):
                raise BadProblem(
                    f"'{_shown(fen)}' has castling rights of Chess960; only standard chess is read"
                )
            raise BadProblem(f"'{_shown(fen)}' is illegal: {sentence}")
    if not any(board.generate_legal_moves()):
        end = "checkmate" if board.is_check() else "stalemate"
        raise BadProblem(f"'{_shown(fen)}' is {end}: there is no move to find")
    return board


def _refuse_variants(fen: str, fields: Sequence[str]) -> None:
    if fields and ("[" in fields[0] or "~" in fields[0] or fields[0].count("/") == 8):
        raise BadProblem(f"'{_shown(fen)}' is a position of crazyhouse; only standard chess is read")
    if len(fields) == 7 and "+" in fen:
        raise BadProblem(f"'{_shown(fen)}' is a position of three-check; only standard chess is read")
    if len(fields) != 6:
        raise BadProblem(
            f"'{_shown(fen)}' is no FEN: it has {len(fields)} fields; give all 6, or the first 4"
        )
    if fields[2].lower().strip("kq") and not fields[2].lower().strip("kqabcdefgh"):
        raise BadProblem(f"'{_shown(fen)}' has castling rights of Chess960; only standard chess is read")


def _chess960(fields: Sequence[str]) -> bool:
    """Whether the rights to castle are sound once king and rook may stand elsewhere."""
    wide = chess.Board(" ".join(fields), chess960=True)
    return not wide.status() & chess.STATUS_BAD_CASTLING_RIGHTS


def _shown(fen: str) -> str:
    return fen if len(fen) <= 100 else f"{fen[:97]}..."
