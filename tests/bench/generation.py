"""Words and rows per second of `generate` in one process: draw, solve, verify, hash, write Parquet.

Mazes with random ties, 10 attempts a layout; theories as ProofWriter's, depths 0 to 5. All words of prompt,
trace and answer are counted, and the peak memory of a long run, which must not grow with the number of rows.
Each case runs in a process of its own; a first shard, not counted, loads the compiled code.
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

Knobs = dict[str, object]

MAZE: Knobs = {"name": "maze", "ties": "random", "attempts_per_layout": 10}
PROLOG: Knobs = {"name": "prolog", "depth_from": 0, "depth_to": 5}
CASES: dict[str, tuple[Knobs, int, int]] = {
    "10x10": ({**MAZE, "width": 10, "height": 10}, 30_000, 5_000),
    "20x20": ({**MAZE, "width": 20, "height": 20}, 8_000, 2_000),
    "30x30": ({**MAZE, "width": 30, "height": 30}, 8_000, 2_000),
    "30x30, long": ({**MAZE, "width": 30, "height": 30}, 100_000, 2_000),
    "prolog backward": (PROLOG, 30_000, 5_000),
    "prolog forward": ({**PROLOG, "mode": "forward"}, 10_000, 2_500),
    "prolog backward, long": (PROLOG, 100_000, 5_000),
}
"""Name -> knobs, rows, rows of a shard."""


def recipe(case: str) -> Recipe:
    """The recipe that is measured."""
    domain, rows, shard_rows = CASES[case]
    return build({"name": "bench", "domain": domain, "generate": {"rows": rows, "shard_rows": shard_rows}})


def measure(case: str) -> dict[str, float]:
    """Words/s by the wall clock and by this process's CPU, rows/s, and the peak memory of it in GB."""
    made = recipe(case)
    with tempfile.TemporaryDirectory() as folder:
        task = WriteShard(made, Path(folder), "bench")
        task(made.generate.shards)
        wall, cpu = perf_counter(), process_time()
        for shard in range(made.generate.shards):
            task(shard)
        wall, cpu = perf_counter() - wall, process_time() - cpu
        entries = [Artifact(Path(folder)).written(shard_name(shard)) for shard in range(made.generate.shards)]
    words = sum(entry["words"] for entry in entries if entry)
    return {
        "words/s": words / wall,
        "words per CPU second": words / cpu,
        "rows/s": made.generate.rows / wall,
        "peak GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def compare() -> dict[str, float]:
    """Each case in a process of its own, so that one does not warm another's memory."""
    found: dict[str, float] = {}
    for case in CASES:
        told = subprocess.run([sys.executable, __file__, case], capture_output=True, text=True, check=True)
        for line in told.stdout.splitlines():
            name, value = line.rsplit("\t", 1)
            found[f"generate {case}: {name}"] = float(value)
    return found


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in CASES:
        for name, value in measure(sys.argv[1]).items():
            print(f"{name}\t{value}")
    else:
        for name, value in compare().items():
            print(f"{name:66} {value:16,.2f}")
