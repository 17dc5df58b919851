"""`generate` on two Ray workers, and into a store, against the local pool of two: in turns, the same bytes.

The recipe is `maze-20x20` with its own shards, and fewer rows; `ROWS=556000` takes all. The Ray cluster and
the store stand before the clock runs; joining them, starting workers, sealing and leaving are counted, as the
start of the pool's processes is. The store is a real S3 API on loopback, moto's server in a process of its
own on the same cores: it is in Python and keeps all in memory, so it is what a store costs this machine, not
what one in the next room does. The ratios are medians over the turns, as shared machines vary.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

os.environ.setdefault("OMP_NUM_THREADS", "1")

from pipeline.artifact import Artifact
from pipeline.clusterdemo import cluster
from pipeline.recipe import load
from pipeline.stage import Job, Options, make
from pipeline.stages.generate import GENERATE
from pipeline.store import located

BUCKET = "bench"
WORKERS = 2
TURNS = int(os.environ.get("TURNS", "3"))
ROWS = int(os.environ.get("ROWS", "160000"))
TARGETS = {"Ray": 0.9, "S3": 0.8}
SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def server() -> Iterator[None]:
    """A store with an empty bucket, named by the environment as a user would name it."""
    import boto3

    running = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a line for every request
        text=True,
    )
    assert running.stdout is not None
    port = int(running.stdout.readline())
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    try:
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield
    finally:
        running.kill()
        running.communicate()


def seconds(options: Options) -> tuple[float, Artifact]:
    """How long generation takes, from its first line to its last."""
    recipe = load("maze-20x20", [("generate.rows", str(ROWS))])
    begun = perf_counter()
    job = make(Job(GENERATE, recipe, options))
    return perf_counter() - begun, job.artifact


def content(artifact: Artifact) -> dict[str, str]:
    """Hashes of the shards."""
    files = artifact.manifest["files"]
    return {name: entry["blake2b"] for name, entry in files.items() if name.startswith("data/")}


def main() -> None:
    ratios: dict[str, list[float]] = {place: [] for place in TARGETS}
    with cluster(WORKERS) as running, server(), tempfile.TemporaryDirectory() as folder:
        os.environ["DISTILL_CACHE"] = f"{folder}/cache"
        seconds(Options(Path(folder) / "warm", WORKERS))  # what is compiled once
        for turn in range(TURNS):
            local, ours = seconds(Options(Path(folder) / f"local-{turn}", WORKERS))
            for place, options in (
                ("Ray", Options(Path(folder) / f"ray-{turn}", cluster=running.address)),
                ("S3", Options(located(f"s3://{BUCKET}/turn-{turn}"), WORKERS)),
            ):
                there, theirs = seconds(options)
                assert content(ours) == content(theirs), "different bytes"
                ratios[place].append(local / there)
                told = f"local {local:6.1f} s, {place:<3} {there:6.1f} s: {local / there:.2f}"
                print(f"  turn {turn + 1}: {told}", flush=True)
    print(f"throughput over the local pool of {WORKERS} and the local disk")
    for place, target in TARGETS.items():
        what = f"{WORKERS} Ray workers" if place == "Ray" else "S3 on loopback"
        print(f"  {f'{what} (target: {target:.2f})':<60} {statistics.median(ratios[place]):8.2f}")


if __name__ == "__main__":
    main()
