"""Puzzles in the CSV of Lichess, each of the solver's moves a position of its own.

Columns `PuzzleId`, `FEN`, `Moves` and, if known, `Rating`; others are passed over. The FEN is the position
before the other side's move, with which `Moves` begins. `PGN` in place of `FEN` is the game up to there, the
form of ChessBench's puzzles (arXiv 2402.04494).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping

import chess

from generators.chess.board import rules
from generators.chess.reading import pgn
from generators.chess.reading.entry import Entry, Stated
from generators.domain import BadProblem, content_hash

LONGEST = 65535
"""Ratings are stored in 16 bits."""


def entries(title: str, lines: Iterable[str]) -> Iterator[Entry]:
    """For each puzzle the positions in which its solver has to move, or why there are none.

    Raises BadProblem where the first line lacks a column that is needed.
    """
    table = csv.DictReader(lines, strict=True)
    try:
        _check_columns(title, table.fieldnames or ())
        for row in table:
            place = f"{title}:{table.line_num} (puzzle {(row['PuzzleId'] or '')[:40]})"
            try:
                yield _stated(row)
            except BadProblem as cause:
                yield BadProblem(f"{place}: {cause}")
    except csv.Error as cause:
        raise BadProblem(f"{title}:{table.line_num}: this is no line of a CSV file: {cause}") from None


def _check_columns(title: str, columns: Iterable[str]) -> None:
    have = set(columns)
    needed = {"PuzzleId", "Moves", "FEN" if "PGN" not in have else "PGN"}
    if needed - have:
        raise BadProblem(
            f"{title} is no CSV of puzzles: its first line lacks {' and '.join(sorted(needed - have))}; "
            "Lichess's columns are PuzzleId, FEN, Moves, Rating, ..."
        )


def _stated(row: Mapping[str, str | None]) -> list[Stated]:
    name = (row["PuzzleId"] or "").strip()
    if not name:
        raise BadProblem("it has no PuzzleId")
    moves = (row["Moves"] or "").split()
    if len(moves) < 2:
        raise BadProblem("Moves needs the other side's move and the solver's, such as 'e2e4 e7e5'")
    board = _board(row)
    rating = _rating(row.get("Rating"))
    found = []
    for place, text in enumerate(moves):
        move = _move(board, text, place)
        if place % 2:
            found.append(
                Stated(
                    board=board.copy(),
                    game=content_hash(b"puzzle", name.encode()),
                    ply=board.ply(),
                    source_id=name,
                    puzzle=name,
                    rating=rating,
                    solution=rules.action(move),
                )
            )
        board.push(move)
    return found


def _board(row: Mapping[str, str | None]) -> chess.Board:
    fen = (row.get("FEN") or "").strip()
    if fen:
        return rules.position(fen)
    text = (row.get("PGN") or "").strip()
    if not text:
        raise BadProblem("its FEN is empty")
    game = next(pgn.games(text.splitlines(keepends=True)), None)
    if game is None:
        raise BadProblem("its PGN holds no game")
    return pgn.played(game)


def _move(board: chess.Board, text: str, place: int) -> chess.Move:
    try:
        move = board.parse_uci(text)
    except ValueError:
        raise BadProblem(f"move {place + 1}, '{text[:20]}', is no legal move in {board.fen()}") from None
    if not move:
        raise BadProblem(f"move {place + 1}, '{text}', is no move but a pass")
    return move


def _rating(text: str | None) -> int | None:
    if text is None or not text.strip():
        return None
    if not text.strip().isdecimal() or len(text.strip()) > 9 or int(text) > LONGEST:
        raise BadProblem(f"its Rating '{text[:20]}' is no whole number from 0 to {LONGEST}")
    return int(text)
