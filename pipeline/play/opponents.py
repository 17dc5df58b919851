"""Who a student can be matched against beside another student: Stockfish, and chance."""

from __future__ import annotations

from dataclasses import dataclass

import chess
import chess.engine
import numpy as np

from generators.chess.stockfish import engine as stockfish

HASH = 16
"""Megabytes."""
PATIENCE = 60.0
"""Seconds."""
NODES_PER_SECOND = 10_000
"""A search that takes longer than twice PATIENCE and its nodes at this speed is held to hang."""


class Died(Exception):
    """An engine ended, hung or talked nonsense in the middle of a game."""


@dataclass(frozen=True)
class Chance:
    """Plays any legal move."""

    name: str = "random"

    def move(self, board: chess.Board, game: object, rng: np.random.Generator) -> chess.Move:  # noqa: ARG002
        """One of the legal moves, all equally likely."""
        moves = sorted(board.legal_moves, key=chess.Move.uci)
        return moves[int(rng.integers(len(moves)))]

    def close(self) -> None:
        """Nothing runs for it."""


class Stockfish:
    """Stockfish on fixed nodes and one thread, its hash cleared before each game, so that games repeat.

    It is started when it has to move and, after it died, once more.
    """

    def __init__(self, nodes: int, patience: float = PATIENCE) -> None:
        self.name = " ".join(stockfish.identity().values()) + f" {nodes} nodes"
        # A limit in time too, because without one python-chess would wait for a hung engine for ever; it is
        # so long that it never decides a move.
        self._limit = chess.engine.Limit(nodes=nodes, time=patience + nodes / NODES_PER_SECOND)
        self._patience = patience
        self._engine: chess.engine.SimpleEngine | None = None

    def move(self, board: chess.Board, game: object, rng: np.random.Generator) -> chess.Move:  # noqa: ARG002
        """Its best move; raises Died."""
        try:
            if self._engine is None:
                # A group of its own: Ctrl-C is for us, who then end it.
                self._engine = chess.engine.SimpleEngine.popen_uci(
                    stockfish.path(), setpgrp=True, timeout=self._patience
                )
                self._engine.configure({"Threads": 1, "Hash": HASH})
            move = self._engine.play(board, self._limit, game=game).move
        except (chess.engine.EngineError, TimeoutError, OSError) as fault:
            self.close()
            raise Died(f"{self.name}: {str(fault) or 'no answer'}") from fault
        if move is None:
            self.close()
            raise Died(f"{self.name} gave no move in {board.fen()}")
        return move

    def close(self) -> None:
        """End the process."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
