"""Positions drawn from games that Stockfish plays against itself, begun with opening lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import chess
import numpy as np
import polars as pl

from generators.chess.board import rules
from generators.chess.positions import openings
from generators.chess.positions.openings import Opening
from generators.chess.positions.options import options
from generators.chess.reading import games, pgn
from generators.chess.scoring.values import STEEPNESS
from generators.chess.stockfish.choices import Choice
from generators.domain import BadProblem

TOGETHER = 512
"""Games in play at a time."""
SPARE = 1.1
"""Games begun for each that is needed: short ones, and positions met twice, use it up."""
BARREN = 3
"""Rounds of games without a new position after which there is no hope of one."""


@dataclass(frozen=True, kw_only=True)
class Play:
    """How games are played and what is taken of them."""

    openings: str = ""
    """A file of games or positions to begin with; empty: the catalogue of openings."""
    game_nodes: int = 100
    """Nodes of a move's search."""
    game_lines: int = 4
    """Moves among which a player chooses."""
    temperature: float = 0.07
    """Of the choice: the softmax of win probability over this; 0 takes the best."""
    resign: int = 850
    """Centipawns at which a game ends as decided, if seen at two half-moves in a row."""
    longest_game: int = 90
    """Half-moves, with those of its opening."""
    positions_per_game: int = 4

    def __post_init__(self) -> None:
        for name in ("game_nodes", "game_lines", "resign", "longest_game", "positions_per_game"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.temperature < math.inf:
            raise ValueError(f"temperature must be 0 or more and finite, got {self.temperature}")
        if self.longest_game <= openings.LONGEST and not self.openings:
            raise ValueError(
                f"longest_game must be more than the {openings.LONGEST} half-moves of an opening,"
                f" got {self.longest_game}"
            )


def drawn(rng: np.random.Generator, rows: int, play: Play) -> pl.DataFrame:
    """`rows` positions, no two alike in pieces, side, castling and en passant: `rules.frame`'s columns.

    Each game begins with a line drawn evenly; of its positions from the end of that line on
    `positions_per_game` are drawn evenly. Raises BadProblem for openings that do not lead to so many.
    """
    book = openings.book(play.openings)
    found = rules.frame([], [])
    barren = 0
    while len(found) < rows:
        wanted = math.ceil(SPARE * (rows - len(found)) / play.positions_per_game)
        begun = [Game(book[at]) for at in rng.integers(len(book), size=min(wanted, TOGETHER))]
        _play(begun, rng, play)
        more = pl.concat([found, _frame(begun, rng, play.positions_per_game)])
        more = more.unique("problem_id", keep="first", maintain_order=True)
        barren = barren + 1 if len(more) == len(found) else 0
        if barren == BARREN:
            raise BadProblem(
                f"{play.openings or 'the openings'} led to {len(found)} different positions and to no more,"
                f" but {rows} are asked for; give more openings, or raise longest_game or temperature"
            )
        found = more
    return found.head(rows)


class Game:
    """A game in play: its board, the plies of its opening, and whether and how it has ended."""

    def __init__(self, opening: Opening) -> None:
        self.board = chess.Board(opening.start)
        for move in opening.moves:
            self.board.push_uci(move)
        self.opening = len(opening.moves)
        self.finished = _drawn(self.board)
        """By the rules: its last position is no problem."""
        self.over = self.finished
        self._decided = 0

    def advance(self, best: Sequence[Choice], luck: float, play: Play) -> None:
        """Play one of the best moves, or end the game: there is none, it is decided, or long enough."""
        if not best:
            self.over = self.finished = True
            return
        decided = best[0].mate is not None or abs(best[0].centipawns or 0) >= play.resign
        self._decided = self._decided + 1 if decided else 0
        if self._decided == 2 or len(self.board.move_stack) >= play.longest_game:
            self.over = True
            return
        self.board.push(rules.move(chosen(best, luck, play.temperature)))
        self.over = self.finished = _drawn(self.board)

    @property
    def plies(self) -> range:
        """The half-moves after which its board was a problem: from the end of its opening on."""
        return range(self.opening, len(self.board.move_stack) + (not self.finished))


def chosen(options: Sequence[Choice], luck: float, temperature: float) -> int:
    """The action that `luck`, even in [0, 1), falls on: softmax of win probability over the temperature."""
    if not temperature or len(options) == 1:
        return options[0].action
    chances = [_win_probability(option) for option in options]
    best = max(chances)
    weights = [math.exp((chance - best) / temperature) for chance in chances]
    left = luck * sum(weights)
    for option, weight in zip(options, weights, strict=True):
        left -= weight
        if left < 0:
            return option.action
    return options[0].action


def _win_probability(option: Choice) -> float:
    if option.mate is not None:
        return float(option.mate > 0)
    return 1 / (1 + math.exp(-STEEPNESS * (option.centipawns or 0)))


def _drawn(board: chess.Board) -> bool:
    """A draw by rule: dead material, 50 moves without progress, a third repetition."""
    return (
        board.is_insufficient_material()
        or board.halfmove_clock >= 100
        or (board.halfmove_clock >= 8 and board.is_repetition(3))
    )


def _play(begun: Sequence[Game], rng: np.random.Generator, play: Play) -> None:
    """Play all games to their ends, a half-move of each at a time."""
    while alive := [game for game in begun if not game.over]:
        found = options([game.board.fen() for game in alive], play.game_nodes, play.game_lines)
        luck = rng.random(len(alive)).tolist()
        for game, best, fell in zip(alive, found, luck, strict=True):
            game.advance(best, fell, play)


def _frame(played: Sequence[Game], rng: np.random.Generator, positions_per_game: int) -> pl.DataFrame:
    """Positions of each game, drawn evenly, in the order in which they were played."""
    boards, keys, plies = list[chess.Board](), list[str](), list[int]()
    for game in played:
        wanted = min(positions_per_game, len(game.plies))
        drawn = (
            np.sort(rng.choice(np.asarray(game.plies, np.int64), wanted, replace=False)).tolist()
            if wanted
            else []
        )
        keys.extend([pgn.key(game.board)] * wanted)
        boards.extend(games.boards(game.board, drawn))
        plies.extend(drawn)
    return rules.frame(boards, keys, plies)
