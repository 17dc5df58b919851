"""Two Ray workers against the local pool of two: the same recipe in turns, wall clock, all of `generate`.

The cluster stands before the clock runs; joining it, starting its workers and leaving it are counted, as the
start of the pool's processes is. The ratio is the median over the turns, as shared machines vary.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path
from time import perf_counter

os.environ.setdefault("OMP_NUM_THREADS", "1")

from pipeline.clusterdemo import cluster, content
from pipeline.recipe import load
from pipeline.stage import Job, Options, make
from pipeline.stages.generate import GENERATE

WORKERS = 2
TURNS = int(os.environ.get("TURNS", "3"))
ROWS = int(os.environ.get("ROWS", "40000"))


def seconds(folder: Path, workers: int, address: str | None) -> tuple[float, Job]:
    """How long generation takes."""
    recipe = load("maze-20x20", [("generate.rows", str(ROWS)), ("generate.shard_rows", "1000")])
    began = perf_counter()
    job = make(Job(GENERATE, recipe, Options(folder, workers, cluster=address)))
    return perf_counter() - began, job


def main() -> None:
    ratios = []
    with cluster(WORKERS) as running:
        for turn in range(TURNS):
            with tempfile.TemporaryDirectory() as folder:
                pool, ours = seconds(Path(folder) / "pool", WORKERS, None)
                ray, theirs = seconds(Path(folder) / "ray", 0, running.address)
                assert content(ours) == content(theirs), "different bytes"
            ratios.append(pool / ray)
            print(f"  turn {turn + 1}: pool {pool:6.1f} s, Ray {ray:6.1f} s, {pool / ray:.2f}")
    print(f"throughput of {WORKERS} Ray workers over the pool of {WORKERS} (target: 0.90)")
    print(f"  {'median':<60} {statistics.median(ratios):8.2f}")


if __name__ == "__main__":
    main()
