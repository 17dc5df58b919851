"""The chess domain: positions, Stockfish as their teacher, four kinds of students."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import polars as pl

from generators.chess.alphabet import NOTATIONS, VALUE_NOTATIONS, Clear, Mode, alphabet
from generators.domain import Domain, Form

if TYPE_CHECKING:
    from generators.chess.positions.selfplay import Play
    from generators.chess.stockfish.engine import Limits

CREDIT = "the catalogue of ocn-chess, (c) Club d'Escacs Figueres, CC BY 4.0"

# Methods import python-chess, what is compiled, and the engine, when they are called.


@dataclass(frozen=True, kw_only=True)
class Chess(Domain):
    """Positions labelled by Stockfish; `generators/chess/README.md` defines columns, words and verdicts.

    After "Grandmaster-Level Chess Without Search" (arXiv 2402.04494).
    """

    nodes: int = 1000
    """Nodes that the teacher searches for each label (in `multipv` for each move of the one search)."""
    mode: Mode = "child"
    """Label moves by searching the position after each, by `searchmoves`, or all in one `multipv` search."""
    root_nodes: int = 10_000
    """Nodes of the search of the position itself: its log is the trace, its move the answer."""
    clear: Clear = "board"
    """When the teacher forgets what it has searched: before each position, or before each search."""
    hash: int = 1
    """Megabytes of the teacher's hash table; a small one is cleared faster."""
    wdl: bool = False
    """Whether the teacher tells wins and draws of each move too."""
    openings: str = ""
    """A file of PGN, FEN or EPD that begins drawn games; empty takes the built-in catalogue of openings."""
    game_nodes: int = 100
    """Nodes of a move in the games from which positions are drawn."""
    game_lines: int = 4
    """Moves among which a player chooses."""
    game_temperature: float = 0.07
    """Of the choice: the softmax of win probability over this; 0 takes the best."""
    resign: int = 850
    """Centipawns at which a game ends as decided."""
    longest_game: int = 90
    """Half-moves."""
    positions_per_game: int = 4
    """Positions taken of each game, drawn or a user's; 0 takes all of a user's."""
    mate_classes: int = 4
    """Ordered classes of mates beyond the values 0 and 1."""
    examination: int = 10
    """Held-out positions are labelled again with so many times the nodes; 0 keeps the stored labels."""
    shallow_nodes: int = 100
    """Nodes of the shallow Stockfish beside which students are judged."""

    name: ClassVar[str] = "chess"
    example: ClassVar[str] = "6k1/5ppp/8/8/8/8/8/R3K3 w Q - 0 1"
    notations: ClassVar[tuple[str, ...]] = NOTATIONS
    value_notations: ClassVar[tuple[str, ...]] = VALUE_NOTATIONS
    choice_notations: ClassVar[tuple[str, ...]] = ("behavioral-cloning",)
    grouped: ClassVar[bool] = True
    compression: ClassVar[int] = 13
    files: ClassVar[tuple[str, ...]] = ("source", "openings")
    late: ClassVar[tuple[str, ...]] = ("mate_classes", "examination", "shallow_nodes")
    headline: ClassVar[tuple[str, ...]] = ("action accuracy", "Kendall's tau-b", "regret", "legal")
    columns: ClassVar[Mapping[str, pl.DataType]] = {
        "fen": pl.String(),
        "game": pl.String(),
        "ply": pl.UInt16(),
        "history": pl.List(pl.UInt16()),
        "moves": pl.List(pl.UInt16()),
        "pieces": pl.UInt8(),
        "source_id": pl.String(),
        "puzzle": pl.String(),
        "rating": pl.UInt16(),
        "solution": pl.UInt16(),
        "centipawns": pl.List(pl.Int16()),
        "mates": pl.List(pl.Int8()),
        "wins": pl.List(pl.UInt16()),
        "draws": pl.List(pl.UInt16()),
        "depths": pl.List(pl.UInt8()),
        "nodes": pl.List(pl.UInt32()),
        "best": pl.UInt16(),
        "root_centipawns": pl.Int16(),
        "root_mate": pl.Int8(),
        "root_depth": pl.UInt8(),
        "root_nodes": pl.UInt32(),
    }
    taught: ClassVar[tuple[str, ...]] = tuple(columns)[tuple(columns).index("centipawns") :]

    def __post_init__(self) -> None:
        for name, least in (
            ("positions_per_game", 0 if self.source else 1),
            ("mate_classes", 0),
            ("examination", 0),
            ("shallow_nodes", 1),
        ):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if self.mate_classes > 16:
            raise ValueError(f"mate_classes must be at most 16, got {self.mate_classes}")
        _ = self._limits, self._play  # they refuse what is impossible

    def alphabet(self, notation: str) -> tuple[str, ...]:
        """Words of positions, the 1968 actions, and of logs where the notation tells them."""
        return alphabet(notation)

    def problems(self, rng: np.random.Generator, rows: int) -> pl.DataFrame:
        """Positions of games that the engine plays against itself. May raise BadProblem."""
        from generators.chess.positions import selfplay

        return selfplay.drawn(rng, rows, self._play)

    def solve(
        self,
        problems: pl.DataFrame,
        rng: np.random.Generator,  # noqa: ARG002  (nothing is random)
    ) -> pl.DataFrame:
        """Stockfish on every position and every move of it. Raises Hung."""
        from generators.chess.notations import logs
        from generators.chess.stockfish.labels import labels

        labelled = labels(problems, self._limits)
        trace = logs.words(labelled)
        kept = labelled.select(name for name in labelled.columns if name in self.columns)
        return problems.with_columns(
            *kept,
            trace,
            logs.answers(labelled["best"]),
            trace_words=trace.list.len().cast(pl.Int32),
            cost=pl.lit(None, pl.Int32),
            choice_bits=pl.lit(None, pl.Float64),
        )

    def read(self, source: str) -> pl.DataFrame:
        """FEN, EPD, PGN and Lichess's puzzles, each perhaps compressed (`generators.chess.reading`)."""
        from generators.chess.reading import sources

        return sources.read(source, self.positions_per_game).frame

    def skipped(self, source: str) -> list[str]:
        """Broken games of a PGN."""
        from generators.chess.reading import sources

        return list(sources.read(source, self.positions_per_game).remarks)

    def recall(self, prompts: pl.Series, notation: str) -> pl.DataFrame:
        """The positions of prompts; a prompt tells neither the game nor what came before."""
        from generators.chess.notations import examples

        return examples.recalled(prompts, notation)

    def write(self, rows: pl.DataFrame, notation: str, rng: np.random.Generator) -> pl.DataFrame:
        """A response for each position, or a candidate and its value for each move."""
        from generators.chess.notations import examples

        return examples.write(rows, notation, rng, self.mate_classes)

    def restore(self, responses: pl.DataFrame, notation: str) -> pl.DataFrame:
        """The log's entries by depth, and the move."""
        from generators.chess.notations import examples

        return examples.restore(responses, notation)

    def check(self, problems: pl.DataFrame, responses: pl.DataFrame) -> pl.DataFrame:
        """Moves by their labels, logs by the rules; positions without labels are labelled first."""
        from generators.chess.notations import replay

        if "centipawns" not in problems.columns:
            problems = self.solve(problems, np.random.default_rng(0))
        return replay.check(problems, responses)

    @property
    def outer_values(self) -> int:
        """The classes of mates."""
        return self.mate_classes

    def candidates(self, rows: pl.DataFrame, notation: str) -> pl.DataFrame:
        """The legal moves of a position; for state values its children, each a prompt of its own."""
        from generators.chess.scoring import decisions

        return decisions.candidates(rows, notation)

    def decide(self, rows: pl.DataFrame, scores: pl.Series, notation: str) -> pl.DataFrame:
        """The best rated move; `scores` of all legal moves, repetitions as draws."""
        from generators.chess.scoring import decisions

        return decisions.decide(rows, scores, notation, self.mate_classes)

    def measures(self, rollouts: pl.DataFrame, notation: str) -> pl.DataFrame:
        """Accuracies, tau, regret, errors of the values."""
        from generators.chess.scoring import measures

        return measures.measures(rollouts, notation in VALUE_NOTATIONS)

    def tables(self, rollouts: pl.DataFrame, notation: str) -> Mapping[str, pl.DataFrame]:
        """Reliability of the values, and puzzles by rating."""
        from generators.chess.scoring import calibration, puzzles

        made = {}
        if notation in VALUE_NOTATIONS and "scores" in rollouts.columns and rollouts["scores"].count():
            made["Calibration of win probabilities"] = calibration.reliability(rollouts)
        if "puzzle" in rollouts.columns and rollouts["puzzle"].count():
            made["Puzzles solved"] = puzzles.puzzles(rollouts)
        return made

    def rivals(
        self, problems: pl.DataFrame, examined: pl.DataFrame, rng: np.random.Generator
    ) -> Mapping[str, pl.DataFrame]:
        """A random mover, a shallow Stockfish, and the teacher at its own budget, the ceiling of students."""
        from generators.chess.scoring import rivals

        return rivals.rivals(problems, examined, rng, self.shallow_nodes)

    def references(self, problems: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:  # noqa: ARG002
        """The stored log: the search of a position is always the same."""
        return problems.select(reference_words=pl.col("trace_words").cast(pl.Float64))

    def baselines(self, rows: pl.DataFrame) -> pl.DataFrame:
        """What the positions are like, beside those of real play."""
        from generators.chess.positions import statistics

        facts: list[tuple[str, float | None, str]] = list(statistics.statistics(rows))
        if not self.source and not self.openings:
            facts.append(("openings", None, CREDIT))
        schema = {"measure": pl.String, "value": pl.Float64, "note": pl.String}
        return pl.DataFrame(facts, schema=schema, orient="row")

    def examiner(self) -> Self | None:
        """The same teacher with more nodes, which forgets before each search."""
        if not self.examination:
            return None
        more = self.examination
        # One search of all moves cannot forget between them.
        mode: Mode = "child" if self.mode == "multipv" else self.mode
        return replace(
            self, nodes=more * self.nodes, root_nodes=more * self.root_nodes, mode=mode, clear="move"
        )

    def identity(self) -> Mapping[str, str]:
        """The engine and its net. Raises BadProblem where there is none."""
        from generators.chess.stockfish import engine

        return engine.identity()

    def view(self, row: Mapping[str, Any], form: Form) -> str:
        """The board, the moves with their labels, the log and the answer (`generators.chess.drawing`)."""
        from generators.chess.drawing import view as drawing

        return drawing.view(row, form)

    def difficulties(self, problems: pl.DataFrame) -> pl.DataFrame:
        """The class of position, the legal moves, how decided it is, the rating of puzzles."""
        from generators.chess.positions import difficulties

        return difficulties.difficulties(problems)

    def cuts(self, row: Mapping[str, Any]) -> list[int]:
        """Where the entries of the log begin."""
        from generators.chess.drawing import playing

        return playing.cuts(row)

    def scene(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The board, and its legal moves with the teacher's labels."""
        from generators.chess.drawing import playing

        return playing.scene(row)

    def play(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The log, or the legal moves as a student rates them, and the answer."""
        from generators.chess.drawing import playing

        return playing.play(row)

    def frame(self, row: Mapping[str, Any], step: int) -> str:
        """The text view with the current entry or move marked."""
        from generators.chess.drawing import frames

        return frames.frame(row, step)

    @property
    def _limits(self) -> Limits:
        from generators.chess.stockfish.engine import Limits

        return Limits(
            nodes=self.nodes,
            root_nodes=self.root_nodes,
            mode=self.mode,
            clear=self.clear,
            hash=self.hash,
            wdl=self.wdl,
        )

    @property
    def _play(self) -> Play:
        from generators.chess.positions.selfplay import Play

        return Play(
            openings=self.openings,
            game_nodes=self.game_nodes,
            game_lines=self.game_lines,
            temperature=self.game_temperature,
            resign=self.resign,
            longest_game=self.longest_game,
            positions_per_game=max(self.positions_per_game, 1),
        )
