"""`generate` into a store against the local disk: the same recipe in turns, wall clock, the same bytes.

The store is a real S3 API on loopback, moto's server in a process of its own. It is in Python and keeps all
in memory: what a store costs this machine, not what one in the next room does.
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
from pipeline.recipe import load
from pipeline.stage import Job, Options, make
from pipeline.stages.generate import GENERATE
from pipeline.store import located

BUCKET = "bench"
TURNS = int(os.environ.get("TURNS", "3"))
ROWS = int(os.environ.get("ROWS", "40000"))
WORKERS = int(os.environ.get("WORKERS", "2"))
TARGET = 0.8
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


def seconds(artifacts: Path) -> tuple[float, Job]:
    """How long generation takes, worker processes and sealing included."""
    recipe = load("maze-20x20", [("generate.rows", str(ROWS)), ("generate.shard_rows", "1000")])
    begun = perf_counter()
    job = make(Job(GENERATE, recipe, Options(artifacts, WORKERS)))
    return perf_counter() - begun, job


def content(artifact: Artifact) -> dict[str, str]:
    """Hashes of the shards."""
    files = artifact.manifest["files"]
    return {name: entry["blake2b"] for name, entry in files.items() if name.startswith("data/")}


def main() -> None:
    ratios = []
    with server(), tempfile.TemporaryDirectory() as folder:
        os.environ["DISTILL_CACHE"] = f"{folder}/cache"
        seconds(Path(folder) / "warm")  # what is compiled once
        for turn in range(TURNS):
            local, ours = seconds(Path(folder) / f"local-{turn}")
            stored, theirs = seconds(located(f"s3://{BUCKET}/turn-{turn}"))
            assert content(ours.artifact) == content(theirs.artifact), "different bytes"
            ratios.append(local / stored)
            print(f"  turn {turn + 1}: disk {local:6.1f} s, store {stored:6.1f} s, {local / stored:.2f}")
    print(f"throughput into S3 on loopback over the local disk, {WORKERS} workers (target: {TARGET})")
    print(f"  {'median':<60} {statistics.median(ratios):8.2f}")


if __name__ == "__main__":
    main()
