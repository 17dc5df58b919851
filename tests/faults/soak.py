"""Generation that goes on and on: memory must stay flat, handles and processes what they were.

A child process makes shard after shard as `generate` does and counts after each what it and its engines hold.
Its allocators are told to give back at once what is free, so that what is counted is what is kept: otherwise
some twenty megabytes come and go, and hide a leak of as much.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from faults.census import Census, census, marked
from faults.trend import Trend, trend
from faults.trial import Fault, Scale, Trial
from pipeline.artifact import Artifact
from pipeline.executor import Executor
from pipeline.recipe import Recipe, load
from pipeline.stages.generate import WriteShard, shard_name

SECONDS: dict[Scale, float] = {"small": 15.0, "full": 600.0}
"""From the first shard on: what is loaded and compiled before it does not count."""
MEGABYTES_AN_HOUR: dict[Scale, float] = {"small": 900.0, "full": 20.0}
"""How much the trend may reach. Engines fill their tables for minutes: seconds cannot tell that from a leak
of less than a quarter of a megabyte a second, which still is less than fifty bytes a row of a maze."""
WARM_UP = 1 / 3
"""The share of the run in which memory may grow."""
LEAST = 16
"""Shards that a run has, however slow the machine."""
COLLECTED = 16
"""Shards after which cycles are collected. The encoder of `json` leaves 31 objects a shard, a kilobyte, and
Python lets them lie until they are a quarter of all that it holds: until then it looks like a leak."""
PATIENCE = 1800.0
"""Seconds after which a run that should have ended has hung."""
MARK = "DISTILL_SOAK"
FRUGAL = {
    "_RJEM_MALLOC_CONF": "dirty_decay_ms:0,muzzy_decay_ms:0",  # polars
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_TRIM_THRESHOLD_": "100000",
    "MALLOC_MMAP_THRESHOLD_": "100000",
}
"""The environment in which allocators keep nothing back."""

Task = Callable[[int], Any]


@dataclass(frozen=True)
class Soak:
    """A task, called with 0, 1, 2 ... for some seconds, in a folder of its own."""

    task: Task
    folder: Path
    seconds: float

    def __call__(self) -> Iterator[tuple[float, Census]]:
        """Seconds since the first shard, and what is held, after each shard."""
        artifact, begun, done = Artifact(self.folder), 0.0, 0
        for shard, _ in Executor(workers=1).over(self.task, range(10**5), artifact):
            artifact.discard(shard_name(shard))  # a disk has an end
            begun, done = begun or time.monotonic(), done + 1
            if done % COLLECTED == 0:
                gc.collect()
            passed = time.monotonic() - begun
            yield passed, census(os.getpid())
            if passed > self.seconds and done > LEAST:
                return


@dataclass(frozen=True)
class Pools:
    """Shards in pools of processes that come and go, as stages follow each other."""

    task: Task
    folder: Path

    def __call__(self, at: int) -> None:
        """Two shards by two workers."""
        for _ in Executor(workers=2).over(self.task, (2 * at, 2 * at + 1), Artifact(self.folder)):
            pass


@dataclass(frozen=True)
class Rollouts:
    """A small model answers the same problems again and again, as rounds of a bootstrap do."""

    recipe: Recipe
    folder: Path

    @cached_property
    def asked(self) -> tuple[Any, Any]:
        """A student that has learned nothing, and its problems."""
        from pipeline.rollouts import Student
        from pipeline.stages.encode import vocabulary_of
        from pipeline.stages.generate import solved_shard
        from trainers.model import build
        from trainers.tokens import Tokens

        vocabulary_of(self.recipe).save(self.folder)
        build(self.recipe.model, Tokens.read(self.folder)).save_pretrained(self.folder)
        return Student(self.folder), solved_shard(self.recipe, 0)[0]

    def __call__(self, at: int) -> None:
        """Sample and judge."""
        student, problems = self.asked
        student.answer(problems, 4, self.recipe.evaluate.sampling, at)


def shards(recipe: str, **fields: str) -> Callable[[Path], Task]:
    """The task of `generate` for a recipe of ours with other fields."""
    changes = [(name.replace("__", "."), value) for name, value in fields.items()]
    return lambda folder: WriteShard(load(recipe, changes), folder, "soak")


def pools(folder: Path) -> Task:
    """Small mazes in pools."""
    return Pools(shards("maze-demo", generate__shard_rows="500")(folder), folder)


def rollouts(folder: Path) -> Task:
    """Answers to small mazes."""
    return Rollouts(load("maze-demo", [("generate.shard_rows", "8")]), folder)


def soaked(what: str, task: Callable[[Path], Task], seed: int, scale: Scale, folder: Path) -> Iterator[Trial]:
    """One run; what it kept is lost. Problems are the recipe's own: the seed has nothing to decide."""
    del seed
    place, temporary = folder / what, folder / f"{what} tmp"
    place.mkdir(parents=True)
    temporary.mkdir()
    soak = Soak(task(place), place, SECONDS[scale])
    samples, faults = _run(soak, temporary)
    if samples:
        held = _flat([each for each in samples if each[0] >= samples[-1][0] * WARM_UP])
        what = (
            f"{what}: {len(samples)} shards in {samples[-1][0]:.0f} s, {samples[-1][1].memory:.0f} MB, {held}"
        )
        faults += [
            *_grown(samples),
            *([] if held.high <= MEGABYTES_AN_HOUR[scale] else [f"memory grows: {held}"]),
        ]
    left = [path.name for path in (*temporary.iterdir(), *place.rglob(".*.tmp"))]
    faults += [f"left behind: {', '.join(sorted(left))}"] if left else []
    yield Trial(what, "; ".join(faults) or None)


@dataclass(frozen=True)
class Growth(Trend):
    """Of memory, in megabytes an hour."""

    def __str__(self) -> str:
        return f"{self.slope:+.1f} MB/hour ({self.low:+.1f} to {self.high:+.1f})"


def _flat(samples: list[tuple[float, Census]]) -> Growth:
    found = trend([seconds for seconds, _ in samples], [held.memory for _, held in samples])
    return Growth(*(3600 * slope for slope in asdict(found).values()))


def _grown(samples: list[tuple[float, Census]]) -> Iterator[str]:
    """What there is more of at the end than after the first shards."""
    before, after = samples[LEAST // 8][1], samples[-1][1]
    for name in ("handles", "threads", "processes", "zombies"):
        was, now = getattr(before, name), getattr(after, name)
        if now > was:
            yield f"{name} {was} -> {now}"


def _run(soak: Soak, temporary: Path) -> tuple[list[tuple[float, Census]], list[str]]:
    """The samples of a child process, and what was wrong with how it ended."""
    mark = f"{MARK}={soak.folder}"
    tests = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    own = {"TMPDIR": str(temporary), "OMP_NUM_THREADS": "1", "PYTHONPATH": tests, MARK: str(soak.folder)}
    own["TORCHINDUCTOR_CACHE_DIR"] = str(soak.folder / "inductor")  # torch keeps it on purpose
    # Files rather than pipes: whatever a child leaves running would hold a pipe open.
    told, wrong = (temporary.with_name(f"{temporary.name} {name}") for name in ("told", "wrong"))
    faults = []
    with told.open("wb") as out, wrong.open("wb") as err:
        try:
            subprocess.run(
                [sys.executable, "-m", "faults.soak"],
                input=pickle.dumps(soak),
                stdout=out,
                stderr=err,
                env={**os.environ, **FRUGAL, **own},
                timeout=soak.seconds + PATIENCE,
                check=True,
            )
        except subprocess.TimeoutExpired:
            faults.append("hung")
        except subprocess.CalledProcessError as fault:
            faults.append(f"ended with {fault.returncode}: {wrong.read_text()[-2000:]}")
    if left := marked(mark):
        faults.append(f"processes left behind: {left}")
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    lines = map(json.loads, told.read_text().splitlines())
    return [(seconds, Census(**held)) for seconds, held in lines], faults


FAULTS: tuple[Fault, ...] = tuple(
    Fault(f"soak, {what}", partial(soaked, what, task))
    for what, task in {
        "mazes": shards("maze-10x10", generate__shard_rows="1000"),
        "theories backward": shards("proofwriter-d5", generate__shard_rows="200"),
        "theories forward": shards("proofwriter-d5", generate__shard_rows="200", domain__mode="forward"),
        "chess": shards("chess-demo", generate__shard_rows="10"),
        "rollouts": rollouts,
        "pools": pools,
    }.items()
)


def main() -> None:
    """The child: a soak comes in, a line for each shard goes out."""
    soak = pickle.loads(sys.stdin.buffer.read())
    for seconds, held in soak():
        print(json.dumps([round(seconds, 3), asdict(held)]), flush=True)


if __name__ == "__main__":
    main()
