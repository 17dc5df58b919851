"""Seconds of `distill status` on an artifact of 10,000 shards, half-way and finished.

Each call is a process of its own, start of Python included; the first one, which may find nothing in the
system's memory, is not counted. The shards are made up: nothing of them is read.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from pipeline.artifact import SIDECARS, Artifact
from pipeline.heartbeat import Heartbeat

SHARDS = 10_000
TARGET = 1.0


def shard(artifact: Artifact, at: int) -> None:
    """A made-up shard with its sidecar, as `publish` leaves them."""
    name = f"data/part-{at:05d}.parquet"
    (artifact.folder / name).write_bytes(b"made up")
    sidecar = artifact.folder / SIDECARS / f"{name}.json"
    sidecar.write_text('{\n "bytes": 7,\n "blake2b": "0",\n "rows": 1000,\n "words": 150000\n}\n')


def seconds(folder: Path) -> float:
    """The faster of four calls, after one that is not counted."""
    taken = []
    for _ in range(5):
        begun = perf_counter()
        subprocess.run([sys.executable, "-m", "pipeline", "status", str(folder)], check=True, stdout=-3)
        taken.append(perf_counter() - begun)
    return min(taken[1:])


def main(shards: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        artifact = Artifact(Path(place) / "generate" / "maze-bench")
        for folder in ("data", f"{SIDECARS}/data"):
            (artifact.folder / folder).mkdir(parents=True)
        print(f"seconds of distill status, {shards:,} shards (target: {TARGET})")
        with Heartbeat(artifact, "generate", "bench", size=shards):
            for at in range(shards - 1):
                shard(artifact, at)
            print(f"  {'while a process is at work':<60} {seconds(artifact.folder):8.2f}")
        shard(artifact, shards - 1)
        print(f"  {'nobody at work':<60} {seconds(artifact.folder):8.2f}")
        artifact.seal({"stage": "generate", "summary": "made up", "seconds": 1.0})
        print(f"  {'finished, every size looked at':<60} {seconds(artifact.folder):8.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SHARDS)
