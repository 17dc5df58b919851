"""Lines from which games begin: a catalogue of openings, or those of a user's own file.

The catalogue is OCN-1 by Club d'Escacs Figueres (CC BY 4.0), in the package `ocn-chess`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import chess

from generators.chess.reading import pgn, positions, texts
from generators.domain import BadProblem

SHORTEST, LONGEST = 4, 16
"""Half-moves of a line from the usual first position."""


class Opening(NamedTuple):
    """A first position, as a FEN, and the moves in UCI that are played from there."""

    start: str
    moves: tuple[str, ...]


def book(source: str = "") -> tuple[Opening, ...]:
    """The lines of the catalogue, or of a file: each once, in their order.

    Of each game in PGN its first half-moves, as many as the hash of the game says; one from a position of its
    own may be shorter. Each FEN or EPD is a line without moves. Games that cannot be read are passed over.
    Raises BadProblem for a file without lines.
    """
    if not source:
        return _catalogue()
    path = Path(source)
    stamp = path.stat().st_mtime_ns if path.is_file() else 0
    return _of_file(source, stamp)


@lru_cache(maxsize=1)
def _catalogue() -> tuple[Opening, ...]:
    from ocn import Catalog

    lines = (row.moves_uci for row in Catalog.load() if SHORTEST <= len(row.moves_uci) <= LONGEST)
    return tuple(Opening(chess.STARTING_FEN, line) for line in dict.fromkeys(lines))


@lru_cache(maxsize=1)
def _of_file(source: str, stamp: int) -> tuple[Opening, ...]:  # noqa: ARG001  (a file that changes is read again)
    with texts.opened(source) as (title, kind, lines):
        if kind == "puzzles":
            raise BadProblem(f"{title} is a table; openings are games in PGN, or positions as FEN or EPD")
        found = _of_games(lines) if kind == "games" else _of_positions(title, lines)
        lines_of_file = tuple(dict.fromkeys(found))
    if not lines_of_file:
        raise BadProblem(f"{title} has no game of {SHORTEST} half-moves or more that could open others")
    return lines_of_file


def _of_games(lines: Iterable[str]) -> Iterator[Opening]:
    for game in pgn.games(lines):
        with suppress(BadProblem):
            board = pgn.played(game, longest=LONGEST)
            moves = tuple(move.uci() for move in board.move_stack)
            start = board.root().fen()
            if start != chess.STARTING_FEN:
                yield Opening(start, moves)
            elif len(moves) >= SHORTEST:
                length = SHORTEST + int(pgn.key(board), 16) % (len(moves) - SHORTEST + 1)
                yield Opening(start, moves[:length])


def _of_positions(title: str, lines: Iterable[str]) -> Iterator[Opening]:
    for entry in positions.entries(title, lines):
        if isinstance(entry, BadProblem):
            raise entry
        yield from (Opening(stated.board.fen(), ()) for stated in entry)
