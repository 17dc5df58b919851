"""What a data set says: rows by split and verdict, lengths, what makes problems hard, what was left out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from generators.domain import LEVELS, VERDICTS
from pipeline import schema
from pipeline.artifact import Artifact
from pipeline.files import Json
from pipeline.page import chain, plots, tables
from pipeline.page.difficulty import Bins, bins, columns
from pipeline.page.examples import Allowance, solver
from pipeline.page.origin import Origin
from pipeline.page.parts import (
    Block,
    Cell,
    Example,
    Examples,
    Fold,
    Gallery,
    Pair,
    Section,
    Table,
    Text,
    Tile,
    facts,
)
from pipeline.page.plots import Plot

SAMPLED = 50_000
"""Rows, from the first of each file on, that difficulties are read of."""
BARS = 24
REMARKS = 50
DATA = "data/*.parquet"


@dataclass(frozen=True)
class Collection(Origin):
    """A data set as `generate` or `curate` has left it."""

    @cached_property
    def files(self) -> dict[str, int]:
        """The data files with their rows."""
        names = self.artifact.names(DATA)
        return {name: pq.read_metadata(self.artifact.verified(name)).num_rows for name in names}

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(self.files.values())

    @cached_property
    def light(self) -> pl.DataFrame:
        """What of all rows is counted: a few narrow columns."""
        wanted = ["verdict", "level", "trace_words", *(["split"] if self.stage == "curate" else [])]
        texts = [pl.col(name).cast(pl.String) for name in wanted if name != "trace_words"]
        parts = [
            pl.read_parquet(self.artifact.path(name), columns=wanted, glob=False).with_columns(texts)
            for name in self.files
        ]
        return pl.concat(parts)

    @cached_property
    def sample(self) -> pl.DataFrame:
        """Rows without words, as many of each file as its share of all; all of a small data set."""
        stored = schema.dataset(self.domain) if self.stage == "curate" else schema.traces(self.domain)
        only = [name for name in stored if name not in ("prompt", "trace", "answer")]
        share = min(1.0, SAMPLED / max(self.rows, 1))
        parts = [_first(self.artifact, name, stored, only, share) for name in self.files]
        return pl.concat(parts)

    def first(self, count: int) -> list[dict[str, Any]]:
        """The first rows, whole."""
        stored = schema.dataset(self.domain) if self.stage == "curate" else schema.traces(self.domain)
        name = next(name for name, rows in self.files.items() if rows)
        frame = schema.read(self.artifact.path(name), stored).head(count)
        return list(frame.iter_rows(named=True))


def _first(
    artifact: Artifact, name: str, stored: schema.Columns, only: list[str], share: float
) -> pl.DataFrame:
    frame = schema.read(artifact.path(name), stored, only)
    return frame.head(math.ceil(len(frame) * share))


def section(origin: Collection, anchor: str, folder: Path, count: int, room: Allowance) -> Section:
    """A data set on its own."""
    manifest = origin.artifact.manifest
    remarks = manifest.get("remarks", ())
    hung = len(manifest.get("hung", ()))
    notes = [chain.note(origin)]
    if hung:
        notes.append(f"{hung:,} problems over which the engine hung are left out: it is not reproducible.")
    found = columns(origin.domain, origin.sample)
    cut = {name: bins(found[name], BARS) for name in found.columns}
    hard = [_spread(found[name], each) for name, each in cut.items() if len(each.labels) > 1]
    alike = [f"{name} ({each.labels[0]})" for name, each in cut.items() if len(each.labels) == 1]
    partly = len(origin.sample) < origin.rows
    said = " ".join(
        [
            *([f"Of {len(origin.sample):,} rows, some of each file."] if partly else []),
            *([f"The same in all rows: {', '.join(alike)}."] if alike else []),
        ]
    )
    shown = [
        Example(row["problem_id"], "", [solver(origin.domain, row, room)]) for row in origin.first(count)
    ]
    blocks = [
        Block(
            "rows",
            "Rows",
            [Pair([("", counts(origin)), *left_out(manifest)]), Gallery(_lengths(origin))],
        ),
        Block("difficulty", "What makes problems hard", [Text(said, "caption"), Gallery(hard)]),
        block(origin),
        Block(
            "problems", "Problems", [Text("The first ones of the first file.", "caption"), Examples(shown)]
        ),
        Block(
            "remarks",
            "Remarks",
            [Fold(f"{len(remarks):,} remarks", [_remarks(remarks)], printed=False)] if remarks else [],
        ),
        chain.block(origin, folder),
    ]
    filled = [each for part in blocks if (each := part.filled)]
    return Section(anchor, origin.name, origin.about, origin.stage, notes, tiles(origin), filled)


def tiles(origin: Collection) -> list[Tile]:
    """The figures at the top."""
    words = origin.light["trace_words"].drop_nulls()
    sound = origin.light.filter(verdict="optimal").height / max(len(origin.light), 1)
    made = [
        Tile("rows", f"{origin.rows:,}", note=f"in {len(origin.files)} files"),
        Tile("optimal answers", f"{sound:.1%}", note="by an independent verifier"),
    ]
    if len(words) and words.max():
        note = f"median {_median(words):,.0f}, longest {words.to_numpy().max():,}"
        made.append(Tile("trace words", f"{words.to_numpy().mean():,.1f}", note=note))
    engine = chain.teacher(origin.manifest("generate"))
    return [*made, Tile("teacher", origin.domain.name, note=engine)]


def counts(origin: Collection) -> Table:
    """Rows by split, verdict and trace level."""
    keys = [name for name in ("split", "verdict", "level") if name in origin.light.columns]
    order = {
        "split": ("train", "validation", "test"),
        "verdict": VERDICTS[::-1],
        "level": (*LEVELS[::-1], None),
    }
    found = origin.light.group_by(keys).len().rows(named=True)
    found.sort(key=lambda row: [order[name].index(row[name]) for name in keys])
    rows = [
        [
            *[Cell(row[name] or "not replayed") for name in keys],
            Cell(f"{row['len']:,}"),
            Cell(f"{row['len'] / origin.rows:.1%}"),
        ]
        for row in found
    ]
    names = ["trace" if name == "level" else name for name in keys]
    return Table([*names, "rows", "share"], rows, left=len(keys), caption="rows by split and verdict")


def left_out(manifest: Json) -> list[tuple[str, Table]]:
    """What curation has left out, with the reasons; nothing where it left out none, and for other stages."""
    rows = [[Cell(reason), Cell(f"{count:,}")] for reason, count in manifest.get("rejected", {}).items()]
    return [("Left out", Table(["reason", "rows"], rows, caption="rows that were left out"))] if rows else []


def block(origin: Origin) -> Block:
    """Where the rows went, and what a reader must know of them."""
    curated = origin.manifest("curate")
    known = tables.baselines(curated["baselines"]) if curated is not None else Table((), ())
    pair = [("", each) for each in (_where(origin), known) if each.rows]
    return Block("data", "Data", [Pair(pair)])


def _where(origin: Origin) -> Table:
    made, curated, encoded = (origin.manifest(stage) for stage in ("generate", "curate", "encode"))
    pairs: list[tuple[str, str]] = []
    if made is not None:
        pairs.append(
            ("generated", f"{made['rows']:,} rows, {made['words']:,} words, {made['shards']} shards")
        )
    if curated is not None:
        pairs += [(split, f"{rows:,} rows") for split, rows in curated["rows"].items()]
        pairs += [(f"left out: {reason}", f"{rows:,} rows") for reason, rows in curated["rejected"].items()]
    if encoded is not None:
        pairs.append(("too long for the context", f"{encoded['refused']:,} rows"))
    if curated is not None:
        pairs.append(("problems in two splits", f"{curated['problem_overlap']:,}"))
        pairs.append(("test responses that stand in training", f"{curated['response_overlap']:.2%}"))
    if encoded is not None:
        pairs.append(("tokens", f"{encoded['tokens']:,}; longest row {encoded['longest']:,}"))
    return facts(pairs)


def _median(words: pl.Series) -> float:
    return float(np.median(words.to_numpy()))


def _lengths(origin: Collection) -> list[Plot]:
    """The trace words of all rows, and of each split as lines."""
    words = origin.light["trace_words"].drop_nulls()
    if not len(words) or not words.max():
        return []
    edges = edges_of(words.to_numpy())
    named = {"rows": words.to_numpy()}
    caption = f"Mean {words.to_numpy().mean():,.1f}, median {_median(words):,.0f} words."
    tall = {name: np.histogram(each, edges)[0].tolist() for name, each in named.items()}
    return [plots.counts("Trace lengths", edges, tall, "trace words", caption)]


def edges_of(values: Any) -> list[float]:
    """The edges of a histogram; whole numbers stand in the middle of their bars where those are few."""
    low, high = float(np.min(values)), float(np.max(values))
    if np.all(values == np.rint(values)):
        step = max(1.0, np.ceil((high - low + 1) / BARS))
        return [float(each) for each in np.arange(low - 0.5, high + step, step)]
    return [float(each) for each in np.linspace(low, high if high > low else low + 1, BARS + 1)]


def _spread(column: pl.Series, cut: Bins) -> Plot:
    """How many rows have which difficulty: a bar a value where those are few, else a histogram."""
    title, missing = column.name, column.null_count()
    caption = f"{missing:,} rows have no value." if missing else ""
    numbers = column.cast(pl.Float64) if column.dtype.is_numeric() else None
    if numbers is not None and numbers.n_unique() > BARS:
        known = numbers.filter(numbers.is_finite()).to_numpy()
        edges = edges_of(known)
        tall = {"rows": np.histogram(known, edges)[0].tolist()}
        return plots.counts(title, edges, tall, title, caption)
    held = dict(cut.places.drop_nulls().value_counts().iter_rows())
    return plots.bars(title, {label: held.get(at, 0) for at, label in enumerate(cut.labels)}, "rows", caption)


def _remarks(remarks: Any) -> Table:
    rows = [[Cell(each)] for each in remarks[:REMARKS]]
    more = len(remarks) - REMARKS
    return Table(["remark"], [*rows, *([[Cell(f"and {more:,} more, in the manifest")]] if more > 0 else [])])
