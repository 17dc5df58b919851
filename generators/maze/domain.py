"""The maze domain: grid mazes, A* as their teacher, and a verifier that replays its traces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import polars as pl

from generators.domain import BadProblem, Domain, Form
from generators.maze import drawing, facts, view
from generators.maze.alphabet import HEADS, NOTATIONS, OUTCOMES, TIES, Ties, Words
from generators.words import Codes, Offsets, codes, word_type, words

if TYPE_CHECKING:
    from generators.maze.boards import Boards, Cells

# Methods import what is compiled when they are called: a recipe names this class, and must be read at once.

REFERENCE_RUNS = 64
"""Random runs whose mean trace length is the numerator of ILR, as in Searchformer."""


@dataclass(frozen=True, kw_only=True)
class Maze(Domain):
    """Grid mazes solved by A*; words and sampling as in Searchformer (arXiv 2402.14083, section 3)."""

    width: int = 10
    height: int = 10
    ties: Ties = "random"
    """Among cells of equal f: by (y, x) as Searchformer does, the smallest h first, or a uniform draw."""
    attempts_per_layout: int = 100
    """Draws of a start and a goal on each wall layout; every accepted one is a problem."""
    walls_from: float = 0.3
    """The least share of walls: round(10 * walls_from * (n // 10)) of n cells, as in Searchformer."""
    walls_to: float = 0.5
    """The greatest share of walls, likewise; a layout's count is uniform between the two."""
    largest_side: int = 0
    """The longest side that the vocabulary can write; 0 takes max(width, height)."""
    largest_cost: int = 0
    """The largest cost it can write; 0 takes width * height - 1, or largest_side**2 - 1 if that is set."""

    name: ClassVar[str] = "maze"
    example: ClassVar[str] = "S..\n.#.\n..G"
    notations: ClassVar[tuple[str, ...]] = NOTATIONS
    columns: ClassVar[Mapping[str, pl.DataType]] = {
        **dict.fromkeys(("width", "height", "start_x", "start_y", "goal_x", "goal_y"), pl.UInt16()),
        "walls": pl.Int32(),
        **dict.fromkeys(OUTCOMES, pl.Int32()),
    }
    """Size, start, goal and walls; then what was drawn since the row before (null for problems not drawn)."""

    def __post_init__(self) -> None:
        size = f"{self.width}x{self.height}"
        if min(self.width, self.height) < 2:
            raise ValueError(f"a maze needs at least 2x2 cells, got {size}")
        if self.ties not in TIES:
            raise ValueError(f"ties must be one of {', '.join(TIES)}, got '{self.ties}'")
        if self.attempts_per_layout < 1:
            raise ValueError(f"attempts_per_layout must be at least 1, got {self.attempts_per_layout}")
        if not 0 <= self.walls_from <= self.walls_to <= 1:
            raise ValueError(
                f"walls_from {self.walls_from} and walls_to {self.walls_to} must be shares in ascending order"
            )
        if self.wall_range[1] > self.width * self.height - 2:
            raise ValueError(f"walls_to {self.walls_to} leaves no two free cells in a maze of {size}")
        self._refuse_small_vocabulary(size)

    def _refuse_small_vocabulary(self, size: str) -> None:
        if 0 != self.largest_side < max(self.width, self.height):
            raise ValueError(f"largest_side {self.largest_side} is below the longer side of {size}")
        # A draw needs max(width, height) states, so smaller costs would reject every one.
        if 0 != self.largest_cost < max(self.width, self.height) - 1:
            raise ValueError(f"largest_cost {self.largest_cost} is below the shortest plan of a {size} maze")
        self.alphabet("search")

    @property
    def wall_range(self) -> tuple[int, int]:
        """The fewest and the most walls of a layout, both included."""
        tenth = self.width * self.height // 10
        return round(10 * self.walls_from * tenth), round(10 * self.walls_to * tenth)

    def words(self, notation: str) -> Words:
        """The alphabet of a notation with the places of its parts. Raises BadProblem for an unknown one."""
        if notation not in self.notations:
            raise BadProblem(f"mazes have no notation '{notation}'; they have: {', '.join(self.notations)}")
        side = self.largest_side or max(self.width, self.height)
        cells = self.largest_side**2 if self.largest_side else self.width * self.height
        return Words(notation, side, self.largest_cost or cells - 1)

    def alphabet(self, notation: str) -> tuple[str, ...]:
        """Coordinates (or cells), costs, then the clause heads; `solution` has no costs, create and close."""
        return self.words(notation).alphabet

    def problems(self, rng: np.random.Generator, rows: int) -> pl.DataFrame:
        """Problems of random layouts; raises BadProblem if the settings accept none."""
        from generators import chance
        from generators.maze import layout

        sizes = layout.Sizes(
            self.width, self.height, *self.wall_range, self.attempts_per_layout, self._search.largest_cost
        )
        drawn, counts = layout.sample(chance.states(rng, 1)[0], rows, sizes)
        return self._problems(drawn, counts)

    def solve(self, problems: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        """A* on every problem; raises BadProblem for one without a solution."""
        from generators import chance
        from generators.maze import astar

        stated, search = self._boards(problems), self._search
        paper = astar.Paper(search.costs, search.heads, search.largest_cost)
        try:
            solved = astar.solve(stated, self.ties, chance.states(rng, len(problems)), paper)
        except astar.Unsolvable as cause:
            raise BadProblem(f"problem {cause.row}: {cause}") from None
        cost = np.diff(solved.plan_offsets) // 3 - 1
        bits = pl.Series("choice_bits", solved.bits if self.ties == "random" else [None] * len(problems))
        return problems.with_columns(
            words(solved.trace, solved.trace_offsets, search.alphabet, "trace"),
            words(solved.plan, solved.plan_offsets, search.alphabet, "answer"),
            pl.Series("cost", cost.astype(np.int32)),
            pl.Series("trace_words", np.diff(solved.trace_offsets).astype(np.int32)),
            bits.cast(pl.Float64),
        )

    def read(self, source: str) -> pl.DataFrame:
        """Mazes in ASCII (`generators.maze.reading`), of any size that the vocabulary can write."""
        from generators.maze import astar, reading

        drawn, lines = reading.read(source)
        search = self._search
        for row, line in enumerate(lines):
            width, height = int(drawn.widths[row]), int(drawn.heights[row])
            if max(width, height) > search.side:
                raise BadProblem(
                    f"the maze at line {line} has {width}x{height} cells, the vocabulary ends at a side of "
                    f"{search.side}; raise largest_side"
                )
        paper = astar.Paper(search.costs, search.heads, search.largest_cost)
        try:
            astar.solve(drawn, "deepest", np.zeros((len(drawn), 4), np.uint64), paper)
        except astar.Unsolvable as cause:
            raise BadProblem(f"the maze at line {lines[cause.row]} cannot be solved: {cause}") from None
        return self._problems(drawn)

    def admit(self, problems: pl.DataFrame) -> None:
        """Mazes of any size that the vocabulary can write."""
        side = problems.select(pl.max_horizontal("width", "height").max()).item()
        if side > self._search.side:
            raise BadProblem(
                f"there is a maze with a side of {side}, the vocabulary ends at a side of"
                f" {self._search.side}; raise largest_side"
            )

    def recall(self, prompts: pl.Series, notation: str) -> pl.DataFrame:
        """The problems of prompts, all of the domain's own width and height, which prompts do not tell."""
        return self._problems(self._parsed(self._stored(prompts, notation)))

    def write(
        self,
        rows: pl.DataFrame,
        notation: str,
        rng: np.random.Generator,  # noqa: ARG002  (no trace is thinned)
    ) -> pl.DataFrame:
        """`prompt` and `response`; rows without an `answer` give prompts alone."""
        from generators.splicing import joined

        prompt = self._written(self._codes(rows["prompt"]), notation, "prompt")
        if "answer" not in rows.columns:
            return pl.DataFrame([prompt])
        response = self._codes(rows["answer"])
        if notation != "solution":
            response = joined(self._codes(rows["trace"]), response)
        return pl.DataFrame([prompt, self._written(response, notation, "response")])

    def restore(self, responses: pl.DataFrame, notation: str) -> pl.DataFrame:
        """All before the first `plan` is the trace; a word of no maze becomes a null within its list."""
        from generators.splicing import nullable_words, parted, split_at

        alphabet = self._search.alphabet
        flat, offsets = self._stored(responses["response"], notation)
        if notation == "solution":
            missing = pl.Series("trace", [None] * len(responses), dtype=word_type(alphabet))
            return responses.with_columns(missing, nullable_words(flat, offsets, alphabet, "answer"))
        before = split_at(flat, offsets, self._search.heads + HEADS.index("plan"))
        trace, answer = parted(flat, offsets, before)
        return responses.with_columns(
            nullable_words(*trace, alphabet, "trace"), nullable_words(*answer, alphabet, "answer")
        )

    def check(self, problems: pl.DataFrame, responses: pl.DataFrame) -> pl.DataFrame:
        """Verdicts by `generators.maze.verifier`, trace levels as `generators.maze.replay` defines them."""
        from generators.maze import replay, verifier

        whole = pl.repeat(True, len(responses), dtype=pl.Boolean, eager=True)
        search = self._search
        return verifier.judge(
            self._boards(problems),
            self._codes(responses["trace"]),
            self._codes(responses["answer"]),
            replay.Codebook(search.side, search.costs, search.heads),
            ended=responses["ended"].fill_null(False) if "ended" in responses.columns else whole,
            replayable=responses["trace"].is_not_null(),
        )

    def measures(self, rollouts: pl.DataFrame, notation: str) -> pl.DataFrame:  # noqa: ARG002
        """How much longer than needed correct plans are, and how many cells optimal responses close."""
        return facts.measures(rollouts)

    def baselines(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The skew that many problems of a layout bring, and what is shallow about the problems."""
        return facts.baselines(rows, self.wall_range)

    def references(self, problems: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        """`reference_words`: the mean trace of 64 random runs; `deepest_words`: the trace of `deepest`."""
        from generators import chance
        from generators.maze import astar

        stated = self._boards(problems)
        states = chance.states(rng, len(problems))
        drawn = astar.lengths(stated, "random", states, REFERENCE_RUNS).mean(axis=1)
        deepest = astar.lengths(stated, "deepest", states, 1)[:, 0]
        return pl.DataFrame({"reference_words": drawn, "deepest_words": deepest.astype(np.int32)})

    def repeatable(self) -> bool:
        """Unless ties are random."""
        return self.ties != "random"

    def randomized(self) -> Self:
        """The same mazes under random ties."""
        return replace(self, ties="random")

    def view(self, row: Mapping[str, Any], form: Form) -> str:
        """The maze with its closed and created cells and its plan (`generators.maze.drawing`)."""
        drawn = drawing.picture(row, self.width, self.height)
        return drawing.svg(drawn) if form == "svg" else drawing.text(drawn)

    def difficulties(self, problems: pl.DataFrame) -> pl.DataFrame:
        """Cells, share of walls, plan length and detour."""
        return view.difficulties(problems, self.width, self.height)

    def cuts(self, row: Mapping[str, Any]) -> list[int]:
        """Where clauses begin."""
        return view.cuts(row, self._search)

    def scene(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The maze: size, start, goal and walls."""
        return view.scene(row, self.width, self.height)

    def play(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A number for each clause (`generators.maze.packing`), and the plan."""
        return view.play(row, self._search, self.width, self.height)

    def frame(self, row: Mapping[str, Any], step: int) -> str:
        """The maze after so many steps, the cell of the last one marked."""
        return view.frame(row, step, self._search, self.width, self.height)

    @property
    def _search(self) -> Words:
        return self.words("search")

    def _codes(self, series: pl.Series) -> tuple[Codes, Offsets]:
        return codes(series, self._search.alphabet)

    def _stored(self, series: pl.Series, notation: str) -> tuple[Codes, Offsets]:
        """Words of a notation as codes of the search notation."""
        from generators.maze.notation import from_cells

        if notation != "cells":
            self.alphabet(notation)
            return self._codes(series)
        cells = self.words(notation)
        return from_cells(*codes(series, cells.alphabet), self._search, cells)

    def _written(self, stored: tuple[Codes, Offsets], notation: str, name: str) -> pl.Series:
        """Codes of the search notation as words of a notation."""
        from generators.maze.notation import in_solution, to_cells
        from generators.splicing import nullable_words

        if notation == "cells":
            stored = to_cells(*stored, self._search, self.words(notation))
        elif notation == "solution":
            stored = in_solution(stored[0], self._search, self.words(notation)), stored[1]
        return nullable_words(*stored, self.alphabet(notation), name)

    def _boards(self, problems: pl.DataFrame) -> Boards:
        """What the prompts state, of the sizes in the columns, or of the domain's own without them."""
        if not {"width", "height"} <= set(problems.columns):
            return self._parsed(self._codes(problems["prompt"]))
        widths, heights = (problems[name].cast(pl.Int32).to_numpy() for name in ("width", "height"))
        return self._parsed(self._codes(problems["prompt"]), widths, heights)

    def _parsed(
        self, stored: tuple[Codes, Offsets], widths: Cells | None = None, heights: Cells | None = None
    ) -> Boards:
        from generators.maze import boards

        flat, offsets = stored
        wide = np.full(len(offsets) - 1, self.width, np.int32) if widths is None else widths
        high = np.full(len(offsets) - 1, self.height, np.int32) if heights is None else heights
        return boards.parse(flat, offsets, wide, high, self._search.side, self._search.heads)

    def _problems(self, stated: Boards, counts: Cells | None = None) -> pl.DataFrame:
        from generators.maze import boards

        search = self._search
        ids, keys = boards.hashes(stated)
        own: dict[str, Any] = {**stated.columns(), "walls": boards.wall_counts(stated)}
        for at, outcome in enumerate(OUTCOMES):
            own[outcome] = [None] * len(stated) if counts is None else counts[:, at]
        prompt = words(*boards.prompts(stated, search.heads), search.alphabet, "prompt")
        frame = pl.DataFrame({"problem_id": ids, "split_key": keys}, schema_overrides=_KEYS)
        columns = [pl.Series(name, own[name], dtype=kind) for name, kind in self.columns.items()]
        return frame.with_columns(prompt, *columns)


_KEYS = {"problem_id": pl.String, "split_key": pl.String}
