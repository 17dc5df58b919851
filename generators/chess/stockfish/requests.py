"""Searches of one position as the text of UCI commands, all sent at once.

An engine reads on while it searches. `go` and `ucinewgame` wait until the search before them has ended, its
`bestmove` printed, so they may follow at once; `setoption` and `isready` do not wait, and stand behind an
`ucinewgame`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generators.chess.stockfish.engine import Limits

_CLEAR = "ucinewgame\n"
END = f"{_CLEAR}isready\n"
"""What ends a request: the hash is cleared for the next one once the last search is over."""
_PLURAL_END = f"{_CLEAR}setoption name MultiPV value 1\nisready\n"


def labelling(fen: str, moves: Sequence[str], limits: Limits) -> bytes:
    """The root search, then those that label each of `moves`, the legal ones.

    The hash is cleared in between: labels would otherwise be better where the root search was longer, and so
    would depend on `root_nodes`.
    """
    root = f"position fen {fen}\ngo nodes {limits.root_nodes}\n{_CLEAR}"
    if limits.mode == "multipv":
        return (root + _plural(f"fen {fen}", limits.nodes * len(moves), len(moves))).encode()
    between = _CLEAR if limits.clear == "move" else ""
    return (root + _singles(fen, moves, limits.nodes, limits.mode == "child", between) + END).encode()


def singly(fen: str, moves: Sequence[str], nodes: int) -> bytes:
    """A search restricted to each of `moves`, each with a cleared hash."""
    return (_singles(fen, moves, nodes, False, _CLEAR) + END).encode()


def ranking(position: str, nodes: int, lines: int) -> bytes:
    """One search for the best `lines` moves of a position as it stands behind UCI's `position `."""
    if lines == 1:
        return f"position {position}\ngo nodes {nodes}\n{END}".encode()
    return _plural(position, nodes, lines).encode()


def _singles(fen: str, moves: Sequence[str], nodes: int, child: bool, between: str) -> str:
    if child:
        return between.join([f"position fen {fen} moves {move}\ngo nodes {nodes}\n" for move in moves])
    # The position stays what it was; `searchmoves` takes all that follows it, so it comes last.
    return f"position fen {fen}\n" + between.join(
        [f"go nodes {nodes} searchmoves {move}\n" for move in moves]
    )


def _plural(position: str, nodes: int, lines: int) -> str:
    return f"setoption name MultiPV value {lines}\nposition {position}\ngo nodes {nodes}\n{_PLURAL_END}"
