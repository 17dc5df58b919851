"""Uploads beside the work: what a shard wrote goes into the store while the next ones are being made.

Workers of this machine write into the mirror alone; the process that reads their results sends the files, a
shard's in their order, several shards at once. A shard counts as done when its last file has arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from pipeline.store import Store

AT_ONCE = 8
"""Shards that are sent at a time: a store takes tens of milliseconds to answer, of which few are our work."""

_KEPT: ContextVar[list[Path] | None] = ContextVar("kept", default=None)


@dataclass(frozen=True)
class Unsent:
    """A task that leaves its uploads to who asked for it; gives its result and the files, in their order."""

    task: Callable[[int], Any]

    def __call__(self, shard: int) -> tuple[Any, list[Path]]:
        """Run the task, keeping back what it would send."""
        kept: list[Path] = []
        token = _KEPT.set(kept)
        try:
            return self.task(shard), kept
        finally:
            _KEPT.reset(token)


def send(store: Store, path: Path) -> None:
    """Upload a file of the mirror now, or, in a task that is `Unsent`, when its shard is done."""
    kept = _KEPT.get()
    if kept is None:
        store.put(path)
    else:
        kept.append(path)


def delivered(
    store: Store, results: Generator[tuple[int, tuple[Any, list[Path]]]]
) -> Iterator[tuple[int, Any]]:
    """Send what tasks that were `Unsent` left; gives (shard, result) once its files are in the store.

    The first fault of an upload ends the run; what is on its way then is not waited for.
    """
    todo: SimpleQueue[tuple[int, Any, list[Path]] | None] = SimpleQueue()
    arrived: SimpleQueue[tuple[int, Any, BaseException | None]] = SimpleQueue()
    # Threads of a pool would hold the process up to the last attempt, were the store gone.
    for _ in range(AT_ONCE):
        Thread(target=_sender, args=(store, todo, arrived), name="delivery", daemon=True).start()
    under_way = 0
    try:
        for shard, (result, paths) in results:
            todo.put((shard, result, paths))
            under_way += 1
            while (came := _next(arrived, wait=False)) is not None:
                under_way -= 1
                yield came
        while under_way:
            came = _next(arrived, wait=True)
            assert came is not None
            under_way -= 1
            yield came
    except BaseException as fault:
        # Those who make the shards stop as they would have, had the fault been theirs.
        with suppress(type(fault)):
            results.throw(fault)
        raise
    finally:
        while _dropped(todo):
            pass
        for _ in range(AT_ONCE):
            todo.put(None)


def _sender(store: Store, todo: SimpleQueue[Any], arrived: SimpleQueue[Any]) -> None:
    while (each := todo.get()) is not None:
        shard, result, paths = each
        try:
            for path in paths:
                store.put(path)
        except BaseException as fault:
            arrived.put((shard, result, fault))
        else:
            arrived.put((shard, result, None))


def _next(arrived: SimpleQueue[Any], wait: bool) -> tuple[int, Any] | None:
    try:
        shard, result, fault = arrived.get(block=wait)
    except Empty:
        return None
    if fault is not None:
        raise fault
    return shard, result


def _dropped(todo: SimpleQueue[Any]) -> bool:
    try:
        todo.get_nowait()
    except Empty:
        return False
    return True
