"""Positions one a line: FEN, or EPD with operations behind its four fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import chess

from generators.chess.board import rules
from generators.chess.reading.entry import Entry, Stated
from generators.chess.reading.texts import DOS_END
from generators.domain import BadProblem


def entries(title: str, lines: Iterable[str]) -> Iterator[Entry]:
    """One position for each line that is not blank and no comment (`#`), or why there is none.

    Its game is unknown, so each position is a game of its own. The operation `id` names an EPD's.
    """
    for number, line in enumerate(lines, start=1):
        text = line.strip().strip(DOS_END)
        if not text or text.startswith("#"):
            continue
        place = f"{title}:{number}"
        try:
            yield [_stated(place, text)]
        except BadProblem as cause:
            yield BadProblem(f"{place}: {cause}")


def _stated(place: str, text: str) -> Stated:
    fields = text.split()
    if len(fields) < 4:
        raise BadProblem(
            f"'{_short(text)}' is no FEN: it has {len(fields)} fields; give all 6, or the first 4"
        )
    if len(fields) == 6 and all(clock.lstrip("+-").isdigit() for clock in fields[4:]):
        board, name = rules.position(text), place
    else:
        board, name = _of_epd(text, place)
    return Stated(board=board, game=rules.problem_id(board), ply=board.ply(), source_id=name)


def _of_epd(text: str, place: str) -> tuple[chess.Board, str]:
    """The position with the clocks of `hmvc` and `fmvn` (0 and 1 without), and the name that `id` gives."""
    fields = text.rstrip("; ").split(None, 4)
    rules.position(" ".join([*fields[:4], "0", "1"]))
    try:
        board, operations = chess.Board.from_epd(text)
    except (ValueError, TypeError) as cause:
        raise BadProblem(f"its operations are none of EPD: {cause}") from None
    name = operations.get("id")
    return rules.position(board.fen()), name if isinstance(name, str) and name else place


def _short(text: str) -> str:
    return text if len(text) < 60 else f"{text[:57]}..."
