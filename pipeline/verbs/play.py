"""`distill uci` and `distill match`: a chess student at the board."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pipeline.verbs.declared import checkpoint, declare, without_fields


def add(verbs: Any) -> None:
    """Declare the verbs."""
    about = "play chess: a checkpoint as an engine for chess programs"
    uci = declare(verbs, "uci", about, without_fields(_uci))
    uci.add_argument("--checkpoint", required=True, type=checkpoint, help="folder of a trained model")
    uci.add_argument("--temperature", default="0", help="of its choice in the opening (default 0: the best)")
    uci.add_argument("--opening-moves", default="5", help="full moves with that temperature (default 5)")
    about = "let a checkpoint play chess against another player"
    match = declare(verbs, "match", about, without_fields(_match))
    match.add_argument("--checkpoint", required=True, type=checkpoint, help="folder of a trained model")
    match.add_argument("--against", required=True, help="stockfish, random or the folder of a checkpoint")
    match.add_argument("--nodes", type=int, default=100, help="of Stockfish for each move (default 100)")
    match.add_argument("--games", type=int, default=20, help="half of them with white (default 20)")
    match.add_argument("--openings", default="", help="PGN file of opening lines (default: a catalogue)")
    match.add_argument("--pgn", type=Path, help="file that keeps the games; a stopped match goes on from it")
    match.add_argument("--seed", type=int, default=0, help="decides openings and chance (default 0)")


def _uci(options: argparse.Namespace) -> None:
    from pipeline.play.serving import serve

    serve(options.checkpoint, {"Temperature": options.temperature, "OpeningMoves": options.opening_moves})


def _match(options: argparse.Namespace) -> None:
    from pipeline.play.match import match

    lines, pgn = options.openings, options.pgn
    match(options.checkpoint, options.against, options.nodes, options.games, lines, pgn, options.seed)
