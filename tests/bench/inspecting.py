"""Seconds of `distill inspect` on 10 million rows: in a thousand files as `curate` writes them, and in one.

Each call is a process of its own, start of Python included; the first one, which may find nothing in the
system's memory, is not counted. The rows are drawn from one shard of small mazes, with ids of their own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from generators.maze import Maze
from pipeline import schema
from pipeline.artifact import Artifact
from pipeline.identity import response_hashes

ROWS = 10_000_000
FILE_ROWS = 10_000
TARGET = 2.0
SPLITS = {"train": 0.9, "validation": 0.05, "test": 0.05}


def rows(maze: Maze, count: int) -> pl.DataFrame:
    """One shard of solved and judged mazes, as `curate` has them."""
    rng = np.random.default_rng(0)
    solved = maze.solve(maze.problems(rng, count), rng)
    return solved.with_columns(
        maze.check(solved, solved).select("verdict", "level"),
        seed=pl.lit(0, pl.Int64),
        shard=pl.lit(0, pl.Int32),
        row=pl.int_range(count, dtype=pl.Int32),
        response_hash=pl.Series(response_hashes(solved, maze.alphabet(maze.notations[0]))),
    )


def files(base: pl.DataFrame, total: int) -> Iterator[tuple[str, pl.DataFrame]]:
    """Names and rows of the files of a data set."""
    rng = np.random.default_rng(1)
    for split, share in SPLITS.items():
        count = max(round(total * share) // FILE_ROWS, 1)
        for at in range(count):
            picked = base[rng.integers(0, len(base), FILE_ROWS)]
            ids = rng.bytes(16 * len(picked)).hex()
            seen = pl.Series(rng.random(len(picked)) < 0.2)
            yield (
                f"data/{split}-{at:05d}-of-{count:05d}.parquet",
                picked.with_columns(
                    problem_id=pl.Series([ids[32 * i : 32 * i + 32] for i in range(len(picked))]),
                    split=pl.lit(split, pl.Enum(list(SPLITS))),
                    seen_in_training=pl.lit(None, pl.Boolean) if split == "train" else seen,
                ),
            )


def build(folder: Path, total: int) -> Artifact:
    """A finished data set of `curate` with so many rows."""
    maze = Maze(width=4, height=4)
    artifact, columns = Artifact(folder), schema.dataset(maze)
    counts = dict.fromkeys(SPLITS, 0)
    for name, frame in files(rows(maze, FILE_ROWS), total):
        artifact.publish(
            name,
            lambda path, frame=frame: schema.write(frame, path, columns, {}),  # type: ignore[misc]
            rows=len(frame),
        )
        counts[name.split("/")[1].split("-")[0]] += len(frame)
    artifact.seal(
        {
            "stage": "curate",
            "version": 1,
            "recipe": "bench",
            "fingerprint": folder.name.rpartition("-")[2],
            "domain": {"name": "maze", **asdict(maze)},
            "settings": {},
            "inputs": [],
            "rows": counts,
        }
    )
    return artifact


def join(artifact: Artifact, path: Path) -> None:
    """The rows of a data set in one file, a row group of each of its files."""
    names = artifact.names("data/*.parquet")
    kind = pq.read_schema(artifact.folder / names[0])
    with pq.ParquetWriter(path, kind, compression="zstd", compression_level=1) as writer:
        for name in names:
            writer.write_table(pq.read_table(artifact.folder / name, schema=kind))


def seconds(*words: str) -> float:
    """The faster of two calls of `distill inspect`, after one that is not counted."""
    command = [sys.executable, "-m", "pipeline", "inspect", *words]
    taken = []
    for _ in range(3):
        begun = perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        taken.append(perf_counter() - begun)
    return min(taken[1:])


def main(total: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        artifact = build(Path(folder) / "curate" / "maze-bench", total)
        whole = Path(folder) / "whole.parquet"
        join(artifact, whole)
        some = pl.scan_parquet(artifact.folder / artifact.names("data/test-*")[-1]).select("problem_id")
        row = str(some.tail(1).collect().item())
        place = str(artifact.folder)
        print(f"seconds of distill inspect, {total:,} rows (target: {TARGET} for the first two)")
        for name, words in {
            "a data set of many files": (place,),
            "one file of many row groups": (str(whole),),
            "--row": (place, "--row", row[:12]),
            "--where": (place, "--where", "cost > 8 AND split = 'test'"),
        }.items():
            print(f"  {name:<60} {seconds(*words):8.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
