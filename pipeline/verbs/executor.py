"""The options that say where shards are made: `--workers`, `--executor`, `--address`."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from pipeline.errors import Refusal

if TYPE_CHECKING:
    from pipeline.executor import Executor


def add_options(verb: argparse.ArgumentParser) -> None:
    """Declare them for a verb."""
    verb.add_argument("--workers", type=int, default=0, help="worker processes (default: one a core)")
    verb.add_argument(
        "--executor", choices=("local", "ray"), default="local", help="where shards are made (default local)"
    )
    verb.add_argument(
        "--address", metavar="HOST:PORT", help="of the Ray cluster (default auto: the one here)"
    )


def executor(options: argparse.Namespace) -> Executor:
    """What the options ask for; raises Refusal where they do not fit together."""
    from pipeline.executor import Executor

    if options.executor == "local":
        if options.address is not None:
            raise Refusal("--address names a Ray cluster: add --executor ray")
        return Executor(workers(options.workers))
    if options.workers < 0:
        raise Refusal(f"--workers must be 0 (one a core) or more, got {options.workers}")
    return Executor(options.workers, options.address or "auto")


def workers(asked: int) -> int:
    """A number of worker processes on this machine; 0 takes one a core that this process may use."""
    if asked < 0:
        raise Refusal(f"--workers must be 0 (one a core) or more, got {asked}")
    return asked or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else asked
