"""What a player may choose from in many games at once: the best moves of their positions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from generators.chess.stockfish import lines as told
from generators.chess.stockfish import pipe, replies, requests
from generators.chess.stockfish.choices import Choice
from generators.domain import Hung

TOGETHER = 64
"""Positions of a request. To forget takes Stockfish longer than to search 100 nodes, so it does so once for
all of them; what is found then depends on the request, if not on a position alone."""
HASH = 1
"""Megabytes."""

_COLUMNS = (replies.ACTION, replies.KIND, replies.SCORE)


def options(positions: Sequence[str], nodes: int, lines: int) -> list[list[Choice]]:
    """The best `lines` moves of each position, best first; none where no move is legal.

    Positions are FENs; moves behind them would be made while the search before is running, and count as its
    nodes. All that is found depends on the whole list, and on nothing else. Raises NoStockfish, and Hung.
    """
    parts = [positions[at : at + TOGETHER] for at in range(0, len(positions), TOGETHER)]
    answers = pipe.ask((_request(part, nodes, lines) for part in parts), TOGETHER * nodes, HASH)
    if None in answers:
        bad = answers.index(None)
        raise Hung(
            range(bad * TOGETHER, bad * TOGETHER + len(parts[bad])),
            f"Stockfish gave no reply to {len(parts[bad])} positions of games it plays, twice;"
            " try again, or set STOCKFISH_PATH to another one",
        )
    return list(_choices([answer or b"" for answer in answers], len(positions)))


def _request(positions: Sequence[str], nodes: int, lines: int) -> bytes:
    searches = "".join([f"position fen {position}\ngo nodes {nodes}\n" for position in positions])
    # Options are set when nothing is searched: at the start, and behind the `ucinewgame` of the end.
    forgotten = requests.END.replace("isready", "setoption name MultiPV value 1\nisready")
    return f"setoption name MultiPV value {lines}\n{searches}{forgotten}".encode()


def _choices(answers: list[bytes], positions: int) -> Iterator[list[Choice]]:
    found = replies.printed(answers)
    places, offsets = told.ranked(found)
    if len(offsets) != positions + 1:
        raise RuntimeError(f"Stockfish searched {len(offsets) - 1} of {positions} positions")
    flat = [
        Choice(action, score, None) if kind == replies.CENTIPAWNS else Choice(action, None, score)
        for action, kind, score in found.lines[places][:, _COLUMNS].tolist()
    ]
    for begin, end in pairwise(offsets.tolist()):
        yield flat[begin:end]
