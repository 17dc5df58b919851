"""The rows of a data set, listed and to play: a few of each file, so that a large one opens as quickly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from pipeline import lineage
from pipeline.artifact import MANIFEST, Artifact
from pipeline.page.traces.listing import Listing, listed
from pipeline.seeds import SPLITS

FILES = 8
"""Files of a split that are opened."""


@dataclass(frozen=True)
class File:
    """A data file: where it is, of which split (of `generate` none), and of which round of which arm."""

    artifact: Artifact
    name: str
    split: str | None
    arm: str | None


def of_data(name: str, artifact: Artifact, rows: int, playable: int) -> Listing:
    """Up to `rows` rows, of which `playable` can be played: the splits and their files take turns."""
    domain = lineage.domain_of(_owner(artifact))
    groups = [_spread(list(group)) for _, group in groupby(files(artifact), lambda each: each.split)]
    parts = [_beginning(each, -(-rows // len(groups) // len(group))) for group in groups for each in group]
    if not parts:
        none = pl.DataFrame({"place": [], "problem_id": [], "key": []})
        return Listing(name, "data", domain, None, listed(none), none, none)
    by_turn = pl.concat(parts, how="diagonal_relaxed").sort("turn", maintain_order=True)
    turn = pl.int_range(pl.len()).over("file_split")
    mixed = by_turn.sort(turn, maintain_order=True).head(rows)
    chosen = mixed.with_row_index("place").with_columns(key="place")
    whose = pl.col("origin").cast(pl.String) if "origin" in chosen.columns else pl.lit("teacher")
    made = listed(
        chosen,
        by=pl.when(pl.col("arm").is_null()).then(whose).otherwise(pl.format("{}, {}'s trace", "arm", whose)),
        split=pl.col("file_split"),
        words=pl.col("trace_words"),
    )
    kept = chosen.head(playable)
    return Listing(name, "data", domain, None, made, kept.select("key", "place"), kept.drop("place"))


def files(artifact: Artifact) -> list[File]:
    """The data files of an artifact, split by split; of a whole bootstrap those of all its rounds."""
    found = []
    rounds = sorted(each.parent for each in artifact.folder.glob(f"*/round-*/data/{MANIFEST}"))
    for folder in (artifact.folder, *rounds):
        part = Artifact(folder)
        arm = f"{part.manifest['arm']} {part.manifest['round']}" if "arm" in part.manifest else None
        for name in part.names("data/*.parquet"):
            split = Path(name).name.split("-")[0]
            found.append(File(part, name, split if split in SPLITS else None, arm))
    return sorted(found, key=lambda each: SPLITS.index(each.split) if each.split else -1)


def _owner(artifact: Artifact) -> Artifact:
    """The artifact that names a domain: the data of a bootstrap's round stand within one."""
    for folder in (artifact.folder, *artifact.folder.resolve().parents):
        if (folder / MANIFEST).is_file() and "domain" in Artifact(folder).manifest:
            return Artifact(folder)
    return artifact


def _spread(group: Sequence[File]) -> list[File]:
    """At most FILES of them, evenly."""
    count = min(FILES, len(group))
    return [group[at * len(group) // count] for at in range(count)]


def _beginning(each: File, rows: int) -> pl.DataFrame:
    """The first rows of a file, of which no more is decoded than they need."""
    batches = pq.ParquetFile(each.artifact.verified(each.name)).iter_batches(batch_size=max(rows, 1))
    batch = next(batches, None)
    frame = pl.DataFrame() if batch is None else pl.DataFrame(pl.from_arrow(batch))
    return frame.head(rows).with_columns(
        file_split=pl.lit(each.split, pl.String),
        arm=pl.lit(each.arm, pl.String),
        turn=pl.int_range(pl.len()),
    )
