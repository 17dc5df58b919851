"""Labels a CPU-second through the pipeline's own path, beside the same searches asked for by python-chess.

Both label every legal move by a search of the position after it, behind a search of the position itself, with
the hash cleared before each of these two parts. They take turns, so that a busy machine slows both, and their
scores are compared. Seconds are of CPU, Python's and the engine's apart, so that other work on the machine
does not count. python-chess is its `SimpleEngine`, one `analyse` a search.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time

import chess
import chess.engine
import polars as pl

from generators.chess.alphabet import ACTIONS
from generators.chess.stockfish import pipe
from generators.chess.stockfish.choices import choices
from generators.chess.stockfish.engine import Limits, path
from generators.chess.stockfish.labels import labels

BOARDS = {100: 400, 1000: 200}
PART = 50
TARGETS = {100: 2.5, 1000: 1.6}
ACTION = {move: action for action, move in enumerate(ACTIONS)}
TICK = os.sysconf("SC_CLK_TCK")

_BOUNDS = {"lowerbound", "upperbound"}

Label = tuple[int | None, int | None] | None
"""Centipawns or a mate; None: the last score was a bound, which is no label."""
Cost = tuple[float, float]
"""CPU seconds of Python and of the engine."""


def positions(boards: int) -> list[chess.Board]:
    """Positions of games that the engine plays with 50 nodes a move after eight random ones."""
    draw, games, found = random.Random(0), [chess.Board() for _ in range(60)], list[chess.Board]()
    for ply in range(1_000):
        games = [game if not game.is_game_over() and ply % 80 else chess.Board() for game in games]
        best = choices([f"fen {game.fen()}" for game in games], 50, 1)
        for game, (choice,) in zip(games, best, strict=True):
            move = ACTIONS[choice.action]
            if game.ply() < 8:
                move = draw.choice([each.uci() for each in game.legal_moves])
            elif draw.random() < 0.2:
                found.append(game.copy(stack=False))
            game.push_uci(move)
        if len(found) >= boards:
            break
    return found[:boards]


def frame(boards: list[chess.Board]) -> pl.DataFrame:
    """What `labels` reads of problems."""
    moves = [sorted(ACTION[move.uci()] for move in board.legal_moves) for board in boards]
    return pl.DataFrame({"fen": [board.fen() for board in boards], "moves": moves}).cast(
        {"moves": pl.List(pl.UInt16)}
    )


def engine_seconds(pid: int) -> float:
    """CPU seconds of a process, in steps of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def timed(pid: int, work: Callable[[], list[Label]]) -> tuple[list[Label], Cost]:
    """What `work` gives, and what it cost this process and the engine."""
    ours, engines = process_time(), engine_seconds(pid)
    found = work()
    return found, (process_time() - ours, engine_seconds(pid) - engines)


def through_pipe(problems: pl.DataFrame, limits: Limits) -> list[Label]:
    """The labels of the pipeline, flat."""
    found = labels(problems, limits)
    return list(zip(found["centipawns"].explode(), found["mates"].explode(), strict=True))


def through_python_chess(
    engine: chess.engine.SimpleEngine, boards: list[chess.Board], nodes: int
) -> list[Label]:
    """The labels of `SimpleEngine`, flat."""
    found, limit = list[Label](), chess.engine.Limit(nodes=nodes)
    for board in boards:
        engine.analyse(board, limit, game=object())
        game = object()
        for move in sorted(board.legal_moves, key=lambda move: ACTION[move.uci()]):
            mover = board.turn
            board.push(move)
            told = engine.analyse(board, limit, game=game)
            score = told["score"].pov(mover)
            board.pop()
            found.append(None if _BOUNDS & told.keys() else (score.score(), score.mate()))
    return found


def compare(nodes: int) -> dict[str, float]:
    """Both ways with so many nodes a search."""
    boards = positions(BOARDS[nodes])
    limits = Limits(nodes=nodes, root_nodes=nodes)
    labels(frame(boards[:2]), limits)
    child = pipe.engine(limits.hash, limits.wdl)
    costs, count, compared, same = [[0.0, 0.0], [0.0, 0.0]], 0, 0, 0
    with chess.engine.SimpleEngine.popen_uci(path()) as engine:
        engine.configure({"Threads": 1, "Hash": limits.hash})
        pid = engine.protocol.transport.get_pid()  # type: ignore[union-attr]
        for start in range(0, len(boards), PART):
            part = boards[start : start + PART]
            problems = frame(part)
            one, cost = timed(child.pid or 0, lambda problems=problems: through_pipe(problems, limits))
            two, other = timed(pid, lambda part=part: through_python_chess(engine, part, nodes))
            costs = [
                [a + b for a, b in zip(*pair, strict=True)] for pair in zip(costs, (cost, other), strict=True)
            ]
            count += len(one)
            exact = [pair for pair in zip(one, two, strict=True) if pair[1] is not None]
            compared += len(exact)
            same += sum(a == b for a, b in exact)
    (python, searched), (other_python, other_searched) = costs
    return {
        "labels": count,
        "of them where python-chess's last score is no bound, %": 100 * compared / count,
        "of these with the same score, %": 100 * same / compared,
        "labels a CPU-second": count / (python + searched),
        "labels a CPU-second, python-chess": count / (other_python + other_searched),
        f"ratio (target: {TARGETS[nodes]})": (other_python + other_searched) / (python + searched),
        "microseconds of Python a label": python / count * 1e6,
        "microseconds of Python a label, python-chess": other_python / count * 1e6,
        "Python's part of the CPU time, % (target at 1000 nodes: 10)": 100 * python / (python + searched),
        "Python's part of the CPU time, %, python-chess": 100
        * other_python
        / (other_python + other_searched),
    }


if __name__ == "__main__":
    for nodes in [int(word) for word in sys.argv[1:]] or BOARDS:
        for name, value in compare(nodes).items():
            print(f"{nodes:5} nodes: {name:76} {value:12,.2f}")
