"""Positions as the side to move sees them: for Black ranks and colours are exchanged. Its own inverse."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from generators.chess.alphabet import ACTIONS, LONG, MEN, POSITION_WORDS, RIGHTS, SIDES, SQUARES
from generators.words import Codes


def _word(word: str) -> str:
    """What a word of a position is on the other side of the board."""
    if word in MEN:
        return word.swapcase()
    if "castle-" in word:
        return f"{word[:-1]}{word[-1].swapcase()}"
    return {"rank-3": "rank-6", "rank-6": "rank-3"}.get(word, word)


def _square(square: str) -> str:
    return f"{square[0]}{9 - int(square[1])}"


def _table(names: tuple[str, ...], others: list[str]) -> Codes:
    place = {name: at for at, name in enumerate(names)}
    return np.array([place[name] for name in others], np.uint16)


_WORDS = _table(POSITION_WORDS, [_word(word) for word in POSITION_WORDS])
_ACTIONS = _table(ACTIONS, [_square(move[:2]) + _square(move[2:4]) + move[4:] for move in ACTIONS])
_CASTLING = 1 + len(SQUARES)
_FROM = np.arange(LONG)
"""Which word of a row comes to each place."""
_FROM[1:_CASTLING] = 1 + np.arange(len(SQUARES)).reshape(8, 8)[::-1].ravel()
_FROM[_CASTLING : _CASTLING + len(RIGHTS)] = _CASTLING + np.array([2, 3, 0, 1])


def black(positions: Codes) -> NDArray[np.bool_]:
    """Whether Black is to move in each of the positions, 77 words a row, flat."""
    return np.asarray(positions[::LONG] == SIDES.index("black"))


def positions(told: Codes) -> Codes:
    """Positions in words, 77 a row, flat: mirrored where Black is to move; foreign words stay as they are."""
    rows = told.reshape(-1, LONG).copy()
    turned = black(told)
    seen = rows[turned][:, _FROM]
    known = seen < len(_WORDS)
    seen[known] = _WORDS[seen[known]]
    seen[:, 0] = rows[turned][:, 0]
    rows[turned] = seen
    return rows.ravel()


def actions(moves: Codes, turned: NDArray[np.bool_]) -> Codes:
    """Actions, mirrored where `turned`."""
    return np.where(turned, _ACTIONS[moves], moves).astype(np.uint16)
