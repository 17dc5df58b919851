"""A position as SVG for a page: the board with its arrows, the moves beside it, the log beneath."""

from __future__ import annotations

import re
from html import escape

import chess
import chess.svg

from generators.chess.drawing.scene import Option, Scene
from generators.chess.drawing.text import heading, name, told
from generators.domain import content_hash

BOARD = 360
"""Pixels of the board's side."""
WIDE = 680
PAD = 10
LINE = 17
ABREAST = 4
"""Entries of a log in a line."""
BAR = 70
"""Pixels of a certain win."""

TEACHER, RIGHT, OTHER = "#1f6fb2c0", "#00694fd0", "#c2571ad0"
"""Arrows: the teacher's move; the answer where it is that move, and where it is another one."""

STYLE = """
svg.position { --ground: #ffffff; --ink: #1b1f24; --muted: #66707c; --bar: #9cc7b9;
  --student: #c2571a; --wash: #e6f3ee }
@media (prefers-color-scheme: dark) { svg.position { --ground: #14171b; --ink: #e6e9ed; --muted: #98a3af;
  --bar: #2f6a58; --student: #e08a54; --wash: #17322a } }
.position .told { font: 12px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  fill: var(--ink); white-space: pre; dominant-baseline: central }
.position .muted { fill: var(--muted) }
.position .strong { font-weight: 600 }
.position .end { text-anchor: end }
.position .ground { fill: var(--ground) }
.position .bar { fill: var(--bar) }
.position .student { fill: var(--student) }
.position .wash { fill: var(--wash) }
"""


def svg(drawn: Scene) -> str:
    """A self-contained picture, the same for the same row; several may stand on one page."""
    parts, beneath = [*_options(drawn)], PAD + BOARD + LINE
    log, high = _log(drawn, beneath)
    high += PAD
    title = escape(f"{heading(drawn.board)}: {drawn.answer or 'no answer'}", quote=True)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="position" viewBox="0 0 {WIDE} {high}" '
            f'width="{WIDE}" height="{high}" role="img" aria-label="{title}">',
            f"<title>{title}</title>",
            f"<style>{STYLE}</style>",
            f'<rect width="{WIDE}" height="{high}" class="ground"/>',
            _board(drawn),
            *parts,
            *log,
            "</svg>",
        ]
    )


def _board(drawn: Scene) -> str:
    """The board of python-chess, with names of its parts that no other picture of a page has."""
    board = chess.svg.board(
        drawn.board,
        size=BOARD,
        lastmove=drawn.last,
        check=drawn.board.king(drawn.board.turn) if drawn.board.is_check() else None,
        arrows=list(_arrows(drawn)),
    )
    own = content_hash(board.encode())[:8]
    board = re.sub(r"<desc>.*?</desc>", "", board, flags=re.DOTALL)
    board = re.sub(r'\bid="([^"]+)"', rf'id="\1-{own}"', board)
    board = re.sub(r'href="#([^"]+)"', rf'href="#\1-{own}"', board)
    board = re.sub(r"url\(#([^)]+)\)", rf"url(#\1-{own})", board)
    return board[board.index("<svg") :].replace("<svg", f'<svg x="{PAD}" y="{PAD}"', 1)


def _arrows(drawn: Scene) -> list[chess.svg.Arrow]:
    best, said = drawn.best and drawn.best.uci, drawn.said and drawn.said.uci
    arrows = []
    if best and best != said:
        arrows.append(_arrow(best, TEACHER))
    if said:
        arrows.append(_arrow(said, RIGHT if said == best else OTHER))
    return arrows


def _arrow(uci: str, colour: str) -> chess.svg.Arrow:
    move = chess.Move.from_uci(uci)
    return chess.svg.Arrow(move.from_square, move.to_square, color=colour)


def _options(drawn: Scene) -> list[str]:
    """Whose move it is, the best moves with their labels, the answer and the teacher's move."""
    left, y = BOARD + 3 * PAD, PAD + 10
    parts = [_text(left, y, heading(drawn.board), "strong")]
    for option in drawn.options:
        y += LINE + 3
        if drawn.said and option.uci == drawn.said.uci:
            parts.append(_box(left - 5, y - 10, WIDE - PAD - left + 5, 20, "wash"))
        parts += [
            _text(left, y, option.uci),
            _text(left + 45, y, option.san, "muted"),
            _text(left + 125, y, option.score, "end"),
            *_bars(option, left + 185, y),
        ]
    if len(drawn.options) < drawn.moves:
        y += LINE + 3
        more = f"{drawn.moves - len(drawn.options)}{' more' if drawn.options else ''} legal moves"
        parts.append(_text(left, y, more, "muted"))
    if drawn.options and drawn.options[0].student is not None:
        parts.append(_text(WIDE - PAD, PAD + 10, "teacher above, student below", "muted end"))
    y = PAD + BOARD - 35
    said = told(drawn.said) if drawn.said else _cut(drawn.answer, 30) or "none"
    parts += [_text(left, y, "answer"), _text(left + 60, y, said, "strong")]
    if drawn.best:
        parts += [_text(left, y + 20, "teacher"), _text(left + 60, y + 20, told(drawn.best))]
    return parts


def _bars(option: Option, right: int, y: int) -> list[str]:
    """The teacher's win probability with a bar; under it the student's thinner one, if there is any."""
    win = "" if option.win is None else f"{option.win:.1%}"
    if option.student is None:
        bar = _box(right + 2, y - 5, round(BAR * (option.win or 0.0), 1), 10, "bar")
        return [_text(right - 3, y, win, "muted end"), bar]
    return [
        _text(right - 3, y, win, "muted end"),
        _box(right + 2, y - 6, round(BAR * (option.win or 0.0), 1), 6, "bar"),
        _box(right + 2, y + 1, round(BAR * option.student, 1), 5, "student"),
    ]


def _log(drawn: Scene, top: int) -> tuple[list[str], int]:
    """The log's entries in columns, read down, and where they end."""
    parts, down = [], -(-len(drawn.entries) // ABREAST)
    step = (WIDE - 2 * PAD) // ABREAST
    if drawn.entries or drawn.rest:
        parts.append(_text(PAD, top, "the search: depth, score, best move", "muted"))
        top += LINE
    for at, entry in enumerate(drawn.entries):
        left, y = PAD + at // down * step, top + at % down * LINE
        move = f"{entry.move.uci}{'' if entry.move.san else name(entry.move)}"
        parts += [
            _text(left + 22, y, str(entry.depth), "muted end"),
            _text(left + 85, y, entry.score, "end"),
            _text(left + 95, y, move),
        ]
    end = top + down * LINE if drawn.entries else top - LINE
    if drawn.rest:
        parts.append(_text(PAD, end, f"? {_cut(drawn.rest, 80)}", "muted"))
        end += LINE
    return parts, end


def _cut(words: str, longest: int) -> str:
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


def _text(x: float, y: float, said: str, kind: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{f"told {kind}".strip()}">{escape(said)}</text>'


def _box(x: float, y: float, wide: float, high: float, kind: str) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{wide:g}" height="{high:g}" rx="2" class="{kind}"/>'
