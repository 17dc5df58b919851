"""The openings of a match: lines of a book, in an order of the seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import chess
from rich.markup import escape

from generators.chess.positions.openings import Opening, book
from generators.chess.reading import pgn, texts
from generators.chess.reading.taken import Taken
from generators.domain import BadProblem, content_hash
from pipeline.console import say
from pipeline.errors import Refusal
from pipeline.play.games import ended
from pipeline.seeds import named_rng

LONGEST = 16
"""Half-moves that are taken of a game in a user's file."""


def lines(source: str) -> tuple[Opening, ...]:
    """The catalogue of openings, or for a file its games, up to LONGEST half-moves, or positions.

    A user's lines are played to their end, where the book of the data sets cuts them at random. Games that
    cannot be read are left out and named. Raises BadProblem where none is left.
    """
    if not source:
        return book()
    with texts.opened(source) as (title, kind, text):
        if kind == "games":
            taken = Taken(title, "games")
            found = tuple(taken.good(_openings(text)))
            for remark in taken.remarks():
                say("openings", f"[yellow]{escape(remark)}[/yellow]")
            return found
    return book(source)


def _openings(text: Iterable[str]) -> Iterator[Opening | BadProblem]:
    for game in pgn.games(text):
        try:
            board = pgn.played(game, LONGEST)
        except BadProblem as cause:
            yield cause
        else:
            yield Opening(board.root().fen(), tuple(map(str, board.move_stack)))


def begun(opening: Opening) -> chess.Board:
    """The board behind an opening, with its moves."""
    board = chess.Board(opening.start)
    for move in opening.moves:
        board.push_uci(move)
    return board


def chosen(openings: Sequence[Opening], number: int, seed: int) -> list[Opening]:
    """So many of them in random order: those that leave a game to play and lead to different positions.

    Those of a smaller number are the first ones of a larger. Raises Refusal where there are too few.
    """
    order = (openings[at] for at in named_rng(seed, "match", "openings").permutation(len(openings)))
    found = [opening for opening, _ in zip(_different(order), range(number), strict=False)]
    if len(found) < number:
        raise Refusal(
            f"there are {len(found)} different openings, enough for --games {2 * len(found)},"
            f" not for {2 * number}"
        )
    return found


def _different(openings: Iterator[Opening]) -> Iterator[Opening]:
    seen: set[str] = set()
    for opening in openings:
        board = begun(opening)
        if board.epd() not in seen and ended(board) is None:
            seen.add(board.epd())
            yield opening


def identity(openings: Sequence[Opening]) -> str:
    """A hash of all lines."""
    return content_hash(*(" ".join((opening.start, *opening.moves)).encode() for opening in openings))
