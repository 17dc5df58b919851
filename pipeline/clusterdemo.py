"""`make cluster-demo`: a Ray cluster of several nodes on this machine makes the bytes of a local run."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.cluster import library
from pipeline.console import OUT, say, table
from pipeline.errors import told
from pipeline.recipe import load
from pipeline.site import LOGS
from pipeline.stage import Job, Options, make
from pipeline.stages.generate import GENERATE

STORE = 100 * 1024**2
"""Bytes of a node's object store: shards go to disk, results are small."""


@contextmanager
def cluster(nodes: int) -> Iterator[Any]:
    """A Ray cluster of so many nodes of one core on this machine; it is stopped whatever happens."""
    library()
    from ray.cluster_utils import Cluster

    made = Cluster()
    try:
        for at in range(nodes):
            head = {"include_dashboard": False} if at == 0 else {}
            made.add_node(num_cpus=1, object_store_memory=STORE, **head)
        yield made
    finally:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would leave nodes behind
        made.shutdown()  # type: ignore[no-untyped-call]  # Ray's
        signal.signal(signal.SIGINT, before)


def made(recipe: str, rows: int, options: Options) -> tuple[Job, float]:
    """Generation finished for a recipe with so many rows, and the seconds it took."""
    asked = load(recipe, [("generate.rows", str(rows)), ("generate.shard_rows", str(max(1, rows // 12)))])
    began = time.monotonic()
    return make(Job(GENERATE, asked, options)), time.monotonic() - began


def content(job: Job) -> dict[str, bytes]:
    """The bytes of every file of an artifact that its manifest names."""
    return {name: (job.artifact.folder / name).read_bytes() for name in job.artifact.manifest["files"]}


def shards_of_nodes(job: Job) -> Counter[str]:
    """How many shards each node made, as the logs of the shards have it."""
    found: Counter[str] = Counter()
    for log in (job.artifact.folder / LOGS).glob("*.log"):
        begun = re.findall(r" on (.+), process ", log.read_text())
        found.update(begun[-1:])
    return found


def demonstrate(recipe: str, rows: int, nodes: int, folder: Path) -> bool:
    """Generate here and on a cluster, compare the bytes, print a table; gives whether they are equal."""
    say("local", f"{recipe}, {rows:,} rows, {nodes} worker processes")
    local, here = made(recipe, rows, Options(folder / "local", nodes))
    say("cluster", f"the same on a Ray cluster of {nodes} nodes of one core, on this machine")
    with cluster(nodes) as running:
        away, there = made(recipe, rows, Options(folder / "cluster", 0, cluster=running.address))
    ours, theirs = content(local), content(away)
    equal = sum(theirs.get(name) == content for name, content in ours.items())
    rows_ = [
        ("local", len(ours), sum(map(len, ours.values())), f"{here:.1f}", "–"),
        ("cluster", len(theirs), sum(map(len, theirs.values())), f"{there:.1f}", f"{equal} of {len(ours)}"),
    ]
    OUT.print(table("", ("run", "files", "bytes", "seconds", "files of the same bytes"), rows_))
    nodes_ = sorted(shards_of_nodes(away).items())
    OUT.print(table("", ("node", "shards"), nodes_))
    return ours == theirs


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration; gives 0 where every byte is the same."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.clusterdemo", description=__doc__)
    parser.add_argument("--recipe", default="maze-demo", help="a recipe's name or YAML file")
    parser.add_argument("--rows", type=int, default=3000, help="rows to generate (default 3000)")
    parser.add_argument("--nodes", type=int, default=3, help="nodes of the cluster (default 3)")
    options = parser.parse_args(arguments)
    if min(options.rows, options.nodes) < 1:
        parser.error("--rows and --nodes must be at least 1")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # `finally` stops the cluster
    try:
        with tempfile.TemporaryDirectory() as folder:
            same = demonstrate(options.recipe, options.rows, options.nodes, Path(folder))
    except KeyboardInterrupt:
        print("stopped, and the cluster with it", file=sys.stderr)
        return 130
    except Exception as error:
        sentence = told(error)
        if sentence is None or os.environ.get("DISTILL_TRACEBACK"):
            raise
        print(f"cluster-demo: {sentence}", file=sys.stderr)
        return 1
    print("the same bytes" if same else "DIFFERENT BYTES")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
