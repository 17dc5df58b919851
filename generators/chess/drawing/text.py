"""A position as text for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from textwrap import wrap

import chess

from generators.chess.drawing.scene import Entry, Option, Scene

COLUMNS = 80
BAR = 14
"""Characters of a certain win."""
LEFT = 22
"""Columns of the board."""
ABREAST = 3
"""Entries of a log in a line."""
MARK, BLANK = "► ", "  "
"""Before the step that is played, and before all else."""


def text(drawn: Scene) -> str:
    """The board (white's men in capitals) beside the best moves, under them the log and the answer."""
    lines = [heading(drawn.board), ""]
    beside = zip_longest(_board(drawn.board), _options(drawn), fillvalue="")
    lines += [f"{left:{LEFT - len(MARK)}}{right}".rstrip() for left, right in beside]
    if drawn.entries or drawn.rest:
        marked = any(not each.move.san for each in drawn.entries)
        lines += ["", "log (!: illegal)" if marked else "log", *_log(drawn.entries)]
        lines += (
            wrap(f"? {drawn.rest}", COLUMNS, initial_indent="  ", subsequent_indent="    ")
            if drawn.rest
            else []
        )
    answer = f"{drawn.answer or 'none'}{_worth(drawn)}" if drawn.asked else "not yet"
    lines += ["", *wrap(f"answer  {answer}", COLUMNS, subsequent_indent=" " * 8)]
    if drawn.best:
        lines.append(f"teacher {told(drawn.best)}")
    return "\n".join(lines)


def heading(board: chess.Board) -> str:
    """Whose move it is, and when."""
    side = "white" if board.turn else "black"
    check = ", in check" if board.is_check() else ""
    return f"{side} to move{check} (move {board.fullmove_number})"


def told(option: Option) -> str:
    """A move, its name on this board, and its label."""
    worth = f"  {option.score}  {option.win:.1%}" if option.win is not None else ""
    return f"{option.uci}{name(option)}{worth}"


def name(option: Option) -> str:
    """What a player would call the move."""
    return f"  {option.san}" if option.san else "  (illegal)"


def _worth(drawn: Scene) -> str:
    return (
        told(drawn.said)[len(drawn.said.uci) :] if drawn.said else "  (not one move)" if drawn.answer else ""
    )


def _board(board: chess.Board) -> list[str]:
    ranks = str(board).splitlines()
    return [*(f" {8 - at} {rank}" for at, rank in enumerate(ranks)), "", "   a b c d e f g h"]


def _options(drawn: Scene) -> Iterable[str]:
    if drawn.options and drawn.options[0].student is not None:
        yield f"{BLANK}{'':5} {'':8} {'teacher':>16} {'student':>8}"
    for option in drawn.options:
        win = "" if option.win is None else f"{option.win:.1%}"
        own = option.win or 0.0 if option.student is None else option.student
        said = "" if option.student is None else f"{option.student:>9.1%}"
        mark = MARK if option.now else BLANK
        bar = "#" * round(BAR * own)
        yield f"{mark}{option.uci:5} {option.san:8} {option.score:>8} {win:>7}{said}  {bar}"
    if len(drawn.options) < drawn.moves:
        yield f"{BLANK}{drawn.moves - len(drawn.options)}{' more' if drawn.options else ''} legal moves"


def _log(entries: Sequence[Entry]) -> Iterable[str]:
    """Entries in columns, read down."""
    down = -(-len(entries) // ABREAST)
    for at in range(down):
        line = entries[at::down]
        cells = (f"{_entry(each):25}" for each in line)
        yield f"{BLANK}{''.join(cells)}".rstrip()


def _entry(entry: Entry) -> str:
    mark = MARK[0] if entry.now else " "
    return f"{mark}{entry.depth:>3} {entry.score:>8}  {entry.move.uci:5}{'' if entry.move.san else '!'}"
