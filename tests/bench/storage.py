"""Bytes of Parquet that a label of a chess move takes: what states it, and all that is kept beside it."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from generators.chess import Chess
from pipeline import schema

ROWS = 1000
STATED = ("fen", "prompt", "moves", "centipawns", "mates")
"""Position, moves and labels; the position stands there twice, as FEN and as words."""


def sizes(path: Path) -> Counter[str]:
    """Compressed bytes of each column of a file."""
    found: Counter[str] = Counter()
    groups = pq.read_metadata(path)
    for at in range(groups.num_row_groups):
        for place in range(groups.num_columns):
            column = groups.row_group(at).column(place)
            found[column.path_in_schema.split(".")[0]] += column.total_compressed_size
    return found


def main() -> None:
    domain = Chess(nodes=100, root_nodes=1000, mode="multipv")
    rng = np.random.default_rng(0)
    rows = domain.solve(domain.problems(rng, ROWS), rng)
    judged = domain.check(rows, rows)
    place = {"seed": pl.lit(0), "shard": pl.lit(0), "row": pl.int_range(len(rows))}
    rows = rows.with_columns(judged["verdict"], judged["level"], **place)
    labels = int(rows["moves"].list.len().sum())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        schema.write(rows, path, schema.traces(domain), {}, domain.compression)
        found = sizes(path)
        whole = path.stat().st_size
    print(f"bytes a label, {labels:,} labels of {ROWS:,} positions in one shard (target: 5.0)")
    for name in STATED:
        print(f"  {name:<60} {found[name] / labels:8.2f}")
    print(f"  {'position, moves, centipawns and mates':<60} {sum(found[n] for n in STATED) / labels:8.2f}")
    print(f"  {'the whole file, with trace, depths, nodes and keys':<60} {whole / labels:8.2f}")


if __name__ == "__main__":
    main()
