"""How a function runs over shards: here, or in worker processes. It does not know what it runs."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

Task = Callable[[int], Any]


def over_shards(task: Task, shards: Iterable[int], workers: int) -> Iterator[tuple[int, Any]]:
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
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
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
