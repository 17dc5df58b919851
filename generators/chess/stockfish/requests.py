"""Searches of one position as the text of UCI commands, all sent at once.

An engine reads on while it searches. `go` and `ucinewgame` wait until the search before them has ended,
its `bestmove` printed, so they may follow at once. The others do not wait: `setoption` and `isready` stand
behind an `ucinewgame`. So does a `position` with `moves`, as Stockfish 15.1 (`Position::do_move`) counts each
of these as a node of the search that is running, which would be cut short by chance. A bare FEN does no harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from generators.chess.alphabet import ACTIONS
from generators.chess.stockfish.children import children

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from generators.chess.stockfish.engine import Limits

_CLEAR = "ucinewgame\n"
END = f"{_CLEAR}isready\n"
"""What ends a request: the hash is cleared for the next one once the last search is over."""
_PLURAL_END = f"{_CLEAR}setoption name MultiPV value 1\nisready\n"


def labelling(fen: str, moves: NDArray[np.uint16], limits: Limits) -> bytes:
    """The root search, then those that label each of `moves`, the legal ones.

    The hash is cleared in between: labels would otherwise be better where the root search was longer, and so
    would depend on `root_nodes`.
    """
    root = f"position fen {fen}\ngo nodes {limits.root_nodes}\n{_CLEAR}"
    if limits.mode == "multipv":
        return (root + _plural(f"fen {fen}", limits.nodes * len(moves), len(moves))).encode()
    between = _CLEAR if limits.clear == "move" else ""
    if limits.mode == "child":
        go = f"\ngo nodes {limits.nodes}\n"
        return (
            root + between.join([f"position fen {child}{go}" for child in children(fen, moves)]) + END
        ).encode()
    return (root + _restricted(fen, moves, limits.nodes, between) + END).encode()


def singly(fen: str, moves: NDArray[np.uint16], nodes: int) -> bytes:
    """A search restricted to each of `moves`, each with a cleared hash."""
    return (_restricted(fen, moves, nodes, _CLEAR) + END).encode()


def ranking(position: str, nodes: int, lines: int) -> bytes:
    """One search for the best `lines` moves of a position as it stands behind UCI's `position `."""
    if lines == 1:
        return f"position {position}\ngo nodes {nodes}\n{END}".encode()
    return _plural(position, nodes, lines).encode()


def _restricted(fen: str, moves: NDArray[np.uint16], nodes: int, between: str) -> str:
    # `searchmoves` takes all words that follow, so it comes last.
    searches = [f"go nodes {nodes} searchmoves {ACTIONS[move]}\n" for move in moves.tolist()]
    return f"position fen {fen}\n" + between.join(searches)


def _plural(position: str, nodes: int, lines: int) -> str:
    return f"setoption name MultiPV value {lines}\nposition {position}\ngo nodes {nodes}\n{_PLURAL_END}"
