"""The best moves of positions, for playing: each found by one search with a cleared hash."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from generators.chess.stockfish import pipe, requests, scores
from generators.chess.stockfish.lines import ranked
from generators.chess.stockfish.replies import CENTIPAWNS, printed
from generators.domain import Hung

if TYPE_CHECKING:
    from collections.abc import Sequence

_HASH = 1


class Choice(NamedTuple):
    """A move and its score as the side to move sees it: hundredths of a pawn, or the distance of the mate."""

    action: int
    centipawns: int | None
    mate: int | None


def choices(positions: Sequence[str], nodes: int, lines: int) -> list[list[Choice]]:
    """The best `lines` moves of each position, best first, by one search of `nodes` nodes.

    A position is what stands behind UCI's `position `: `fen F` or `fen F moves a b c`. The order is the
    engine's; scores may be out of order, as a search that is stopped has searched some moves deeper than
    others. There are fewer moves where there are fewer legal ones or too few nodes to come to them, and none
    where the game is over. Raises NoStockfish, and Hung for the positions over which the engine died or hung
    twice.
    """
    texts = [requests.ranking(position, nodes, lines) for position in positions]
    answers = pipe.ask(texts, nodes, _HASH)
    hung = [row for row, answer in enumerate(answers) if answer is None]
    if hung:
        raise Hung(
            hung,
            f"Stockfish gave no reply to position `{positions[hung[0]]}`, twice ({len(hung)} positions);"
            " try again, or set STOCKFISH_PATH to another one",
        )
    return _ranked([answer or b"" for answer in answers], positions)


def _ranked(answers: list[bytes], positions: Sequence[str]) -> list[list[Choice]]:
    found = printed(answers)
    for row in np.flatnonzero(np.diff(found.search_offsets) != 1).tolist():
        raise RuntimeError(f"Stockfish's reply to `{positions[row]}` has no move")
    places, offsets = ranked(found)
    values = scores.of_lines(found, places)
    flat = [
        Choice(action, score, None) if kind == CENTIPAWNS else Choice(action, None, score)
        for action, kind, score in zip(
            values.moves.tolist(), values.kind.tolist(), values.score.tolist(), strict=True
        )
    ]
    return [flat[begin:end] for begin, end in pairwise(offsets.tolist())]
