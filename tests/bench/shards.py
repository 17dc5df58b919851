"""CPU seconds of a shard of every recipe: what an interruption costs, which is to stay under a minute.

A few rows of each are made, engines included, and held against the rows of a shard; so are the held-out
problems that an examiner labels in one step. CPU seconds, as a busy machine stretches others.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

from faults.census import tree

from pipeline.examination import CHUNK
from pipeline.recipe import RECIPES, Recipe, load
from pipeline.seeds import named_rng
from pipeline.stages.generate import WriteShard, solved_shard

TARGET = 40.0
ROWS = {"maze": 1000, "prolog": 500, "chess": 24}
"""That are made of each domain."""


def seconds() -> float:
    """CPU seconds of this process and its engines so far."""
    ticks = 0
    for pid in tree(os.getpid()):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def shard(recipe: str) -> tuple[Recipe, float]:
    """A recipe, and what a shard of it takes."""
    full = load(recipe)
    rows = ROWS[full.domain.name]
    small = load(recipe, [("generate.shard_rows", str(rows))])
    with tempfile.TemporaryDirectory() as folder:
        task = WriteShard(small, Path(folder), "bench")
        task(0)  # what is compiled and started once
        begun = seconds()
        task(1)
        return full, (seconds() - begun) / rows * full.generate.shard_rows


def chunk(recipe: Recipe) -> float | None:
    """What an examiner takes for the problems of one step; None where the domain has none."""
    examiner = recipe.domain.examiner()
    if examiner is None:
        return None
    problems = solved_shard(load(recipe.name, [("generate.shard_rows", "4")]), 0)[0]
    begun = seconds()
    examiner.solve(problems, named_rng(0, "bench"))
    return (seconds() - begun) / len(problems) * CHUNK


def main() -> None:
    names = sorted(path.stem for path in RECIPES.glob("*.yaml") if path.stem != "demo")
    print(f"CPU seconds of a shard, and of {CHUNK} problems for the examiner (target: {TARGET:.0f})")
    for name in names:
        recipe, taken = shard(name)
        examined = chunk(recipe)
        print(f"  {name:<44} {recipe.generate.shard_rows:6} rows {taken:8.2f}", flush=True)
        if examined is not None:
            print(f"  {'':<44} {'examiner':>11} {examined:8.2f}", flush=True)


if __name__ == "__main__":
    main()
