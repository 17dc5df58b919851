"""The words of positions, moves and logs, and the names that knobs use; imports no compiler and no chess."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Literal, get_args

from generators.domain import BadProblem

Mode = Literal["child", "searchmoves", "multipv"]
MODES: tuple[Mode, ...] = get_args(Mode)
"""How the teacher labels moves: the position after each, each alone, or all in one search."""

Clear = Literal["board", "move"]
CLEARS: tuple[Clear, ...] = get_args(Clear)
"""Whether the teacher forgets before each position or before each search."""

LOG_NOTATIONS = ("deepening", "shuffled-deepening")
"""Those whose responses tell the log."""
MOVE_VALUE_NOTATIONS = ("action-value", "mirrored-action-value", "spelled-action-value")
VALUE_NOTATIONS = (*MOVE_VALUE_NOTATIONS, "state-value")
MIRRORED = MOVE_VALUE_NOTATIONS[1:]
"""Those that tell a position as the side to move sees it."""
SPELLED = MOVE_VALUE_NOTATIONS[2:]
"""Those that spell moves, by men and squares."""
NOTATIONS = (*LOG_NOTATIONS, "behavioral-cloning", *VALUE_NOTATIONS)

FILES = "abcdefgh"
SQUARES = tuple(f"{file}{rank}" for rank in range(8, 0, -1) for file in FILES)
"""In FEN order, a8 to h1."""
MEN = ".PNBRQKpnbrqk"
"""What stands on a square; the empty square first."""
SIDES = ("white", "black")
RIGHTS = "KQkq"
LARGEST_NUMBER = 999
"""Clocks beyond it are told as this number."""

LARGEST_DEPTH = 245
"""The deepest search of Stockfish (`MAX_PLY` of its types.h, less one)."""
LARGEST_PAWNS = 327
"""Of a score in 16 bits."""
LARGEST_MATE = 127

MEN_AT = len(SIDES)
"""The place of the first man's word, `.`."""
RIGHTS_AT = MEN_AT + len(MEN)
"""`castle-K`, `no-castle-K`, `castle-Q`, ..."""
PASSANT_AT = RIGHTS_AT + 2 * len(RIGHTS)
"""`passant-a` to `passant-h`, then `passant-.`; behind them `rank-3`, `rank-6`, `rank-.`."""
CLOCKS_AT = PASSANT_AT + len(FILES) + 1 + 3
"""Ten words for each digit: `half100-`, `half10-`, `half1-`, then the same of `full`."""
LONG = 77
"""Words of a position."""

POSITION_WORDS: tuple[str, ...] = (
    *SIDES,
    *MEN,
    *(f"{has}castle-{right}" for right in RIGHTS for has in ("", "no-")),
    *(f"passant-{file}" for file in f"{FILES}."),
    *(f"rank-{rank}" for rank in "36."),
    *(f"{clock}{unit}-{digit}" for clock, unit, digit in product(("half", "full"), (100, 10, 1), range(10))),
)

ACTIONS_AT = SQUARES_AT = len(POSITION_WORDS)
"""The place of the first action in a notation's alphabet, or of the first square where moves are spelled."""


def _queen_targets(file: int, rank: int) -> list[tuple[int, int]]:
    lines = [(0, 1), (1, 0), (1, 1), (1, -1)]
    return [
        (file + step * far, rank + rise * far)
        for step, rise in lines
        for far in range(-7, 8)
        if far and 0 <= file + step * far < 8 and 0 <= rank + rise * far < 8
    ]


def _knight_targets(file: int, rank: int) -> list[tuple[int, int]]:
    jumps = [(1, 2), (2, 1), (2, -1), (1, -2), (-1, -2), (-2, -1), (-2, 1), (-1, 2)]
    reached = [(file + step, rank + rise) for step, rise in jumps]
    return [(x, y) for x, y in reached if 0 <= x < 8 and 0 <= y < 8]


def _actions() -> tuple[str, ...]:
    """As searchless_chess numbers them (`src/utils.py`): 1792 plain moves, then the promotions."""
    moves = []
    for rank, file in product(range(8), range(8)):
        for reached in (_queen_targets(file, rank), _knight_targets(file, rank)):
            ordered = sorted(reached, key=lambda square: (square[1], square[0]))
            moves += [f"{FILES[file]}{rank + 1}{FILES[x]}{y + 1}" for x, y in ordered]
    for (begin, end), file in product(((2, 1), (7, 8)), range(8)):
        for reached_file in (file, file - 1, file + 1):
            if 0 <= reached_file < 8:
                moves += [f"{FILES[file]}{begin}{FILES[reached_file]}{end}{piece}" for piece in "qrbn"]
    return tuple(moves)


ACTIONS: tuple[str, ...] = _actions()
"""Every move in UCI; an action is its place here."""
PROMOTIONS_AT = next(at for at, action in enumerate(ACTIONS) if len(action) == 5)
"""The first action that promotes."""

LOG_AT = ACTIONS_AT + len(ACTIONS)
"""The place of `d1`, the first word of logs."""
PLUS_AT = LOG_AT + LARGEST_DEPTH
"""`+0`."""
MINUS_AT = PLUS_AT + LARGEST_PAWNS + 1
"""`-0`."""
HUNDREDTHS_AT = MINUS_AT + LARGEST_PAWNS + 1
"""`.00`."""
MATES_AT = HUNDREDTHS_AT + 100
"""`#+1`."""
MATED_AT = MATES_AT + LARGEST_MATE
"""`#-1`."""

LOG_WORDS: tuple[str, ...] = (
    *(f"d{depth}" for depth in range(1, LARGEST_DEPTH + 1)),
    *(f"{sign}{pawns}" for sign in "+-" for pawns in range(LARGEST_PAWNS + 1)),
    *(f".{hundredths:02}" for hundredths in range(100)),
    *(f"#{sign}{moves}" for sign in "+-" for moves in range(1, LARGEST_MATE + 1)),
)


@cache
def alphabet(notation: str) -> tuple[str, ...]:
    """Words of positions, actions or squares, and words of logs where responses have them.

    May raise BadProblem.
    """
    if notation not in NOTATIONS:
        raise BadProblem(f"positions have no notation '{notation}'; they have: {', '.join(NOTATIONS)}")
    moves = SQUARES if notation in SPELLED else ACTIONS
    return (*POSITION_WORDS, *moves, *(LOG_WORDS if notation in LOG_NOTATIONS else ()))
