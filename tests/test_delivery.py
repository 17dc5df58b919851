"""Uploads beside the work: their order, when a shard counts as done, and what a fault leaves."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import count
from pathlib import Path
from threading import Barrier, Event, Lock, Thread
from typing import Any, cast

import pytest

from pipeline.delivery import Unsent, delivered, send
from pipeline.errors import Refusal
from pipeline.store import Store


class Fake:
    """A store that notes what came, in its order."""

    def __init__(self) -> None:
        self.came: list[Path] = []
        self.lock = Lock()

    def put(self, path: Path) -> None:
        with self.lock:
            self.came.append(path)


class Writer:
    """A task with two uploads."""

    def __init__(self, store: Fake) -> None:
        self.store = store

    def __call__(self, shard: int) -> int:
        for name in ("data", "sidecar"):
            send(cast(Store, self.store), Path(f"{name}-{shard}"))
        return shard * shard


def sent(store: Fake, shards: int, task: Any = None) -> Iterator[tuple[int, Any]]:
    unsent = Unsent(task or Writer(store))
    return delivered(cast(Store, store), ((shard, unsent(shard)) for shard in range(shards)))


def test_every_shard_comes_back_with_its_files_in_order() -> None:
    store = Fake()
    for shard, result in sent(store, 30):
        assert result == shard * shard
        assert store.came.index(Path(f"data-{shard}")) < store.came.index(Path(f"sidecar-{shard}"))
    assert len(store.came) == len(set(store.came)) == 60


def test_several_shards_are_under_way_at_once() -> None:
    class Meeting(Fake):
        two = Barrier(2)

        def put(self, path: Path) -> None:
            if path.name.startswith("data"):
                self.two.wait(timeout=30)  # passes only in company
            super().put(path)

    assert len(list(sent(store := Meeting(), 4))) == 4
    assert len(store.came) == 8


def test_work_goes_on_while_a_file_is_on_its_way() -> None:
    class Slow(Fake):
        made = Event()

        def put(self, path: Path) -> None:
            assert self.made.wait(timeout=30)
            super().put(path)

    store = Slow()

    def task(shard: int) -> int:
        if shard == 3:
            store.made.set()
        return Writer(store)(shard)

    assert sorted(dict(sent(store, 4, task))) == [0, 1, 2, 3]


def test_a_fault_of_the_store_ends_the_run_and_nothing_counts_that_did_not_arrive() -> None:
    class Away(Fake):
        def put(self, path: Path) -> None:
            if path.name.endswith("-2"):
                raise Refusal("the store does not answer")
            super().put(path)

    store, counted = Away(), []
    with pytest.raises(Refusal, match="does not answer"):
        counted.extend(shard for shard, _ in sent(store, 6))
    assert 2 not in counted
    assert all(Path(f"sidecar-{shard}") in store.came for shard in counted)


@pytest.mark.parametrize("kind", [Refusal, KeyboardInterrupt])
def test_those_who_make_shards_stop_as_if_the_fault_were_theirs(kind: type[BaseException]) -> None:
    felt: list[type[BaseException]] = []

    def making() -> Generator[tuple[int, tuple[int, list[Path]]]]:
        for shard in count():
            try:
                yield shard, (shard, [])
            except BaseException as fault:
                felt.append(type(fault))
                raise

    store = Fake()
    stream = delivered(cast(Store, store), making())
    next(stream)
    with pytest.raises(kind, match="enough"):
        cast(Any, stream).throw(kind("enough"))
    assert felt == [kind]


def test_whoever_stops_reading_stops_those_who_make_shards() -> None:
    ended: list[bool] = []

    def making() -> Generator[tuple[int, tuple[int, list[Path]]]]:
        try:
            for shard in count():
                yield shard, (shard, [])
        finally:
            ended.append(True)

    making_on = making()
    for _ in (stream := delivered(cast(Store, Fake()), making_on)):
        break
    cast(Any, stream).close()
    assert ended


def test_a_fault_of_a_task_is_not_hidden() -> None:
    def task(shard: int) -> int:
        raise ValueError("no such wall")

    with pytest.raises(ValueError, match="no such wall"):
        list(sent(Fake(), 2, task))


def test_others_send_at_once_while_a_task_keeps_back() -> None:
    store = Fake()

    def task(shard: int) -> int:
        other = Thread(target=send, args=(store, Path("heartbeat")))
        other.start()
        other.join()
        assert store.came == [Path("heartbeat")]
        return Writer(store)(shard)

    assert list(sent(store, 1, task)) == [(0, 0)]
    assert store.came == [Path("heartbeat"), Path("data-0"), Path("sidecar-0")]


def test_outside_of_a_task_files_are_sent_at_once() -> None:
    store = Fake()
    Writer(store)(7)
    assert store.came == [Path("data-7"), Path("sidecar-7")]
