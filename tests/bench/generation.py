"""Words per second of `generate` in one process, with everything: draw, solve, verify, hash, write Parquet.

Random ties, 10 attempts a layout, all words of prompt, trace and answer counted; and the peak memory of a
long run, which must not grow with the number of rows. Each size runs in a process of its own; a first
shard, not counted, loads the compiled code.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

from pipeline.artifact import Artifact
from pipeline.recipe import Recipe, build
from pipeline.stages.generate import WriteShard, shard_name

SIZES = {10: (30_000, 5_000), 20: (8_000, 2_000), 30: (8_000, 2_000)}
"""Side -> rows, rows of a shard."""
MEMORY_ROWS = 100_000


def recipe(side: int, rows: int, shard_rows: int) -> Recipe:
    """The recipe that is measured."""
    domain = {"name": "maze", "width": side, "height": side, "ties": "random", "attempts_per_layout": 10}
    return build({"name": "bench", "domain": domain, "generate": {"rows": rows, "shard_rows": shard_rows}})


def measure(side: int, rows: int, shard_rows: int) -> dict[str, float]:
    """Words/s by the wall clock and by the CPU's, and the peak memory of this process in GB."""
    made = recipe(side, rows, shard_rows)
    with tempfile.TemporaryDirectory() as folder:
        task = WriteShard(made, Path(folder), "bench")
        task(made.generate.shards)
        wall, cpu = perf_counter(), process_time()
        for shard in range(made.generate.shards):
            task(shard)
        wall, cpu = perf_counter() - wall, process_time() - cpu
        entries = [Artifact(Path(folder)).written(shard_name(shard)) for shard in range(made.generate.shards)]
    words = sum(entry["words"] for entry in entries if entry)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {
        "words/s": words / wall,
        "words per CPU second": words / cpu,
        "rows/s": rows / wall,
        "peak GB": peak,
    }


def compare() -> dict[str, float]:
    """Each size in a process of its own, so that one does not warm another's memory."""
    found: dict[str, float] = {}
    for side, (rows, shard_rows) in SIZES.items():
        for name, value in _apart(side, rows, shard_rows).items():
            found[f"generate {side}x{side}: {name}"] = value
    memory = _apart(30, MEMORY_ROWS, 2_000)["peak GB"]
    found[f"generate 30x30: peak GB at {MEMORY_ROWS:,} rows"] = memory
    return found


def _apart(side: int, rows: int, shard_rows: int) -> dict[str, float]:
    words = [sys.executable, __file__, str(side), str(rows), str(shard_rows)]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    lines = [line.rsplit("\t", 1) for line in told.splitlines()]
    return {name: float(value) for name, value in lines}


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].isdigit():
        for name, value in measure(*map(int, sys.argv[1:])).items():
            print(f"{name}\t{value}")
    else:
        for name, value in compare().items():
            print(f"{name:66} {value:16,.2f}")
