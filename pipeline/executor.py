"""How a function runs over shards: in processes, on devices, on a cluster. It does not know what it runs."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from threading import Thread
from typing import Any

from pipeline.artifact import Artifact
from pipeline.crew import crew_of, place_of
from pipeline.delivery import Unsent, delivered
from trainers.config import Fit

Task = Callable[[int], Any]


@dataclass(frozen=True)
class Executor:
    """Where tasks run, and how many at a time."""

    workers: int = 0
    """Tasks at a time; 0 takes one a core, of this machine or of the cluster."""
    cluster: str | None = None
    """The address of a Ray cluster, `auto` for the one at hand; None for this machine."""
    devices: Fit | None = None
    """The run whose devices take part, a process for each; None for processes of this machine."""

    def for_models(self, fit: Fit) -> Executor:
        """Where rollouts are made: on the cluster, or on the devices of a training run."""
        return Executor(workers=1, devices=fit) if self.cluster is None else self

    def several(self) -> bool:
        """Whether tasks run elsewhere than in this process, which then tells of all of them."""
        if self.cluster is not None or self.workers != 1:
            return True
        return self.devices is not None and place_of(self.devices).size > 1

    def over(
        self, task: Task, shards: Iterable[int], artifact: Artifact, gpus: int = 0
    ) -> Iterator[tuple[int, Any]]:
        """Run `task(shard)` for every shard; gives (shard, result) as they end, in any order.

        The task writes into the artifact; on a cluster it keeps a log there for each shard, and takes `gpus`.
        """
        crew = None if self.devices is None else crew_of(self.devices)
        if crew is not None:
            yield from crew.over(task, shards, artifact)
        elif self.cluster is not None:
            from pipeline.cluster import over_nodes

            yield from over_nodes(task, shards, self.cluster, self.workers, artifact, gpus)
        elif artifact.store is not None:
            yield from delivered(artifact.store, over_shards(Unsent(task), shards, self.workers))
        else:
            yield from over_shards(task, shards, self.workers)


HERE = Executor(workers=1)
"""This process alone."""


def over_shards(task: Task, shards: Iterable[int], workers: int) -> Generator[tuple[int, Any]]:
    """Run `task(shard)` for every shard; gives (shard, result) as they end, in any order.

    `task` must be picklable where there are several workers. An error ends the run: what is not yet begun
    is not begun, and finished shards stand.
    """
    todo = list(shards)
    workers = min(workers or os.cpu_count() or 1, len(todo))
    if workers <= 1:
        for shard in todo:
            yield shard, task(shard)
        return
    # Threads of numba and polars do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_serve) as pool:
        running = {pool.submit(task, shard): shard for shard in todo}
        try:
            for done in as_completed(running):
                yield running[done], done.result()
        except KeyboardInterrupt:
            # The pool would wait for what its workers are at; their shards are begun anew the next time.
            for worker in multiprocessing.active_children():
                worker.kill()
            raise
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _serve() -> None:
    """Make a worker ready: its parent ends it, by Ctrl-C, which reaches the worker too, or by dying."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_outlive_no, name="parent", daemon=True).start()


def _outlive_no() -> None:
    """A pool's worker would wait for tasks for ever, and hold the task in hand against the next run."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
