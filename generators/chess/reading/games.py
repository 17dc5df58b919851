"""Positions out of games in PGN, spread over each game by its hash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import chess

from generators.chess.reading import pgn
from generators.chess.reading.entry import Entry, Stated
from generators.domain import BadProblem, content_hash


def entries(lines: Iterable[str], positions_per_game: int) -> Iterator[Entry]:
    """For each game the positions chosen of it (0: all), or why there are none."""
    for game in pgn.games(lines):
        try:
            yield _stated(game, positions_per_game)
        except BadProblem as cause:
            yield cause


def _stated(game: pgn.Game, positions_per_game: int) -> list[Stated]:
    board = pgn.played(game)
    key = pgn.key(board)
    last = len(board.move_stack) - (not any(board.generate_legal_moves()))
    if last < 0:
        raise BadProblem(f"{game.place} has no move and none can be played")
    plies = chosen(key, last + 1, positions_per_game)
    return [
        Stated(board=at, game=key, ply=ply, source_id=f"game {game.number}, ply {ply}")
        for ply, at in zip(plies, boards(board, plies), strict=True)
    ]


def chosen(key: str, plies: int, wanted: int) -> list[int]:
    """`wanted` (0: all) of `plies` half-moves in ascending order: of as many equal stretches one each.

    Which one of its stretch, the hash of the game's key and the stretch's number say.
    """
    if not wanted or plies <= wanted:
        return list(range(plies))
    found = []
    for stretch in range(wanted):
        low, high = stretch * plies // wanted, (stretch + 1) * plies // wanted
        found.append(low + int(content_hash(key.encode(), b"%d" % stretch), 16) % (high - low))
    return found


def boards(board: chess.Board, plies: Sequence[int]) -> list[chess.Board]:
    """Copies of the board as it was after so many of its moves (ascending).

    They keep the moves that can be taken back. The board itself goes back to the first of them.
    """
    found = []
    for ply in reversed(plies):
        while len(board.move_stack) > ply:
            board.pop()
        found.append(board.copy(stack=board.halfmove_clock))
    return found[::-1]
