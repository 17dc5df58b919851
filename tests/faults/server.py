"""An S3 server that breaks for some seconds: while bytes go up, while they come down, and with a machine."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import yaml

from faults.command import PATIENCE, differing, distill, ended, hashes, script, started
from faults.proxy import Mood, Proxy
from faults.sameness import STATE
from faults.trial import Fault, Scale, Trial

MOODS: tuple[Mood, ...] = tuple(mood for mood in get_args(Mood) if mood != "well")
SECONDS = {"small": 2.0, "full": 10.0}
SOURCE = {"curate": "data", "train": "ids"}
"""The folder that a stage reads."""
BIG = 120 << 20
"""Bytes of a file that goes up in several parts, and comes down in several."""

RECIPE: dict[str, Any] = {
    "about": "Small mazes, a small student.",
    "domain": {"name": "maze", "width": 5, "height": 5},
    "generate": {"rows": 300, "shard_rows": 50},
    "curate": {"test": 0.2, "validation": 0.2},
    "encode": {"notation": "cells"},
    "model": {"layers": 1, "width": 32, "heads": 2, "kv_heads": 1, "feedforward": 64, "context": 256},
    "fit": {"steps": 12, "batch_tokens": 1024, "validation_rows": 16, "save_every": 4},
}


@dataclass(frozen=True)
class Bench:
    """A server on loopback behind a proxy, and the same work done without either."""

    folder: Path
    proxy: Proxy
    last: str
    """The stage through which the work goes."""

    @cached_property
    def recipe(self) -> Path:
        """The recipe's file."""
        path = self.folder / "recipe.yaml"
        path.write_text(yaml.safe_dump(RECIPE))
        return path

    @cached_property
    def wanted(self) -> dict[str, str]:
        """The hashes of an undisturbed run on a disk."""
        here = self.folder / "undisturbed"
        done = distill([self.last, f"--recipe={self.recipe}", "--workers=1", f"--artifacts={here}"])
        assert done.code == 0, done.said
        return hashes(here)

    @cached_property
    def traffic(self) -> tuple[int, int]:
        """Bytes of all that goes up, and of what comes down to make the last stage again; a little less."""
        files = [path for path in (self.folder / "undisturbed").rglob("*") if path.is_file()]
        return sum(path.stat().st_size for path in files), sum(
            path.stat().st_size for path in files if path.parent.name == SOURCE[self.last]
        )

    def command(self, bucket: str, machine: str) -> tuple[list[str], dict[str, str]]:
        """Words and environment of the work on a bucket, which is made if need be, by one of the machines."""
        with contextlib.suppress(self.client.exceptions.BucketAlreadyOwnedByYou):
            self.client.create_bucket(Bucket=bucket)
        words = [self.last, f"--recipe={self.recipe}", "--workers=1", f"--artifacts=s3://{bucket}/runs"]
        return words, self.environment(f"{bucket}-{machine}")

    def environment(self, machine: str) -> dict[str, str]:
        """What a machine with a mirror of its own reaches the store by."""
        return {
            "AWS_ENDPOINT_URL": self.proxy.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "DISTILL_CACHE": str(self.folder / machine),
        }

    @cached_property
    def client(self) -> Any:
        """What looks at the server behind the proxy's back."""
        import boto3

        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=f"http://127.0.0.1:{self.proxy.behind}", **keys)

    def forget_last(self, bucket: str) -> None:
        """Take the last stage out of a bucket, so that it is made again from what comes down."""
        for key in self.keys(bucket):
            if key.startswith(f"runs/{self.last}/"):
                self.client.delete_object(Bucket=bucket, Key=key)

    def keys(self, bucket: str) -> list[str]:
        """All that is in a bucket."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [each["Key"] for page in pages for each in page.get("Contents", ())]

    def stored(self, bucket: str) -> dict[str, str]:
        """The hash of every file that a manifest in a bucket names, as it stands there."""
        found = {}
        for key in self.keys(bucket):
            if key.endswith("/manifest.json"):
                folder = key.removesuffix("/manifest.json")
                files = json.loads(self.content(bucket, key))["files"]
                for name in (name for name in files if not name.endswith(STATE)):
                    content = self.content(bucket, f"{folder}/{name}")
                    found[f"{folder}/{name}".removeprefix("runs/")] = hashlib.blake2b(
                        content, digest_size=16
                    ).hexdigest()
        return found

    def content(self, bucket: str, key: str) -> bytes:
        """An object."""
        return bytes(self.client.get_object(Bucket=bucket, Key=key)["Body"].read())

    def lost(self, bucket: str) -> str | None:
        """What of the work is not in a bucket as it should be."""
        try:
            differs = differing(self.wanted, self.stored(bucket))
        except self.client.exceptions.NoSuchKey as error:
            return f"a manifest names what is not there: {error}"
        left = [key for key in self.keys(bucket) if key.endswith(".tmp")]
        return differs or (f"{left[0]} was left" if left else None)


@contextlib.contextmanager
def bench(folder: Path, last: str) -> Iterator[Bench]:
    """A server with its proxy; both are gone afterwards."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        with Proxy(server.get_host_and_port()[1]).running() as proxy:
            yield Bench(folder, proxy, last)
    finally:
        server.stop()


def broken(seed: int, scale: Scale, folder: Path) -> Iterator[Trial]:
    """Every mood while a run's bytes go up, and while those that another machine needs come down."""
    rng = random.Random(f"{seed} server")
    moods = rng.sample(MOODS, 2) if scale == "small" else MOODS
    with bench(folder, "curate" if scale == "small" else "train") as made:
        for at, mood in enumerate(moods):
            for way in ("up",) if scale == "small" and at else ("up", "down"):
                yield _broken(made, f"bucket-{at}", mood, way, rng.random(), SECONDS[scale])


def _broken(made: Bench, bucket: str, mood: Mood, way: str, share: float, seconds: float) -> Trial:
    """The run that goes up into an empty bucket; what goes down is taken from a bucket that is full."""
    proxy = made.proxy
    what = f"{made.last}, the server {mood} for {seconds:g} s at {share:.0%} of the bytes {way}"
    assert made.wanted
    up, down = made.traffic
    if way == "down":
        made.forget_last(bucket)
    felt, words = proxy.broken, made.command(bucket, way)
    moment = proxy.sent + share * up if way == "up" else proxy.received + share * down
    over = proxy.breaks(mood, seconds, lambda: (proxy.sent if way == "up" else proxy.received) >= moment)
    done = distill(*words)
    over.join(seconds + 5)
    if done.code:
        return Trial(what, f"exit code {done.code}: {done.said.strip()[-400:]}")
    if proxy.broken == felt:
        return Trial(what, "nobody noticed that the server broke: no fault was tried")
    return Trial(what, made.lost(bucket))


def killed(seed: int, scale: Scale, folder: Path) -> Iterator[Trial]:
    """kill -9 in mid-upload; another machine goes on."""
    rng = random.Random(f"{seed} server killed")
    with bench(folder, "curate" if scale == "small" else "train") as made:
        for at in range(1 if scale == "small" else 10):
            yield _killed(made, f"killed-{at}", rng.random())


def _killed(made: Bench, bucket: str, share: float) -> Trial:
    what = f"{made.last}, kill -9 at {share:.0%} of the bytes up, gone on with by another machine"
    assert made.wanted
    moment = made.traffic[0] * share + made.proxy.sent
    running = started(*made.command(bucket, "first"))
    deadline = time.monotonic() + PATIENCE
    while made.proxy.sent < moment and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    alive = running.poll() is None
    os.killpg(running.pid, signal.SIGKILL)
    ended(running)
    if not alive:
        return Trial(what, "it had ended before it was to be killed: no fault was tried")
    done = distill(*made.command(bucket, "second"))
    if done.code:
        return Trial(what, f"exit code {done.code}: {done.said.strip()[-400:]}")
    return Trial(what, made.lost(bucket))


PARTS = """
import sys
from pathlib import Path
from pipeline.artifact import Artifact
from pipeline.store import located

artifact = Artifact(located(sys.argv[1]) / "generate" / "big-0")
size = int(sys.argv[2])

def write(path: Path) -> None:
    with path.open("wb") as file:
        for at in range(size >> 20):
            file.write(bytes([at % 251]) * (1 << 20))

if size:
    artifact.folder.mkdir(parents=True, exist_ok=True)
    artifact.publish("data/big.bin", write)
    artifact.seal({})
else:
    artifact.verified("data/big.bin")
"""


def parts(seed: int, scale: Scale, folder: Path) -> Iterator[Trial]:
    """A file that is large enough to go up in several parts, and to come down in several."""
    rng = random.Random(f"{seed} server parts")
    moods = () if scale == "small" else MOODS
    with bench(folder, "curate") as made:
        for mood in moods:
            bucket = f"parts-{MOODS.index(mood)}"
            for way, size in (("up", BIG), ("down", 0)):
                yield _parts(made, bucket, mood, way, size, rng.uniform(0.1, 0.9), SECONDS[scale])


def _parts(made: Bench, bucket: str, mood: Mood, way: str, size: int, share: float, seconds: float) -> Trial:
    proxy = made.proxy
    what = f"a file of {BIG >> 20} MB, the server {mood} for {seconds:g} s at {share:.0%} {way}"
    environment = made.command(bucket, way)[1]
    felt, moment = proxy.broken, share * BIG + (proxy.sent if way == "up" else proxy.received)
    over = proxy.breaks(mood, seconds, lambda: (proxy.sent if way == "up" else proxy.received) >= moment)
    done = script(PARTS, [f"s3://{bucket}/runs", str(size)], environment)
    over.join(seconds + 5)
    if done.code:
        return Trial(what, f"exit code {done.code}: {done.said.strip()[-400:]}")
    if proxy.broken == felt:
        return Trial(what, "nobody noticed that the server broke: no fault was tried")
    stored = made.client.head_object(Bucket=bucket, Key="runs/generate/big-0/data/big.bin")["ContentLength"]
    return Trial(what, None if stored == BIG else f"{stored} of {BIG} bytes are stored")


FAULTS = (
    Fault("S3 server breaks", broken),
    Fault("S3 server breaks, large files", parts),
    Fault("kill -9 in mid-upload", killed),
)
