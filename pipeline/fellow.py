"""The processes beside the first: they wait for its orders, and carry them out on devices of their own.

Orders stand under numbers in a store of torch that the first process opens. Nothing else listens to it but
processes that one user has started as one command, so what stands there is pickled.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from multiprocessing import connection, parent_process
from threading import Thread
from typing import TYPE_CHECKING, Any

from pipeline.console import LOG
from pipeline.errors import Refusal, told
from pipeline.launch import rendezvous
from pipeline.site import Site
from trainers.config import BadSettings
from trainers.place import Place

if TYPE_CHECKING:
    from pipeline.executor import Task

POLL = 0.05
"""Seconds between two looks for an order."""
BEAT = 5.0
"""Seconds between two signs of life."""


@dataclass(frozen=True)
class Fault:
    """What went wrong with an order."""

    host: str
    sentence: str | None
    """For the user; None for a fault of ours."""
    trace: str

    @classmethod
    def of(cls, error: BaseException) -> Fault:
        """An error, in words that travel."""
        sentence = told(error) if isinstance(error, Exception) else None
        return cls(socket.gethostname(), sentence, "".join(traceback.format_exception(error)))


@dataclass(frozen=True)
class Joint:
    """A call that all processes make at once, joined in one group of torch."""

    site: Site
    call: Callable[[], Any]

    def carry_out(self, store: Any, place: Place, number: int) -> None:
        """Make the call; an error that is not that of all processes ends this one, or others would wait."""
        from trainers import ranks

        try:
            refuse_unfit(self.site)
            ranks.join(store, place)
            self.call()
        except BadSettings:
            return  # the first process has met it too, and tells it
        except BaseException as error:
            store.set(fault_key(number, place.rank), pickle.dumps(Fault.of(error)))
            raise SystemExit(1) from None


@dataclass(frozen=True)
class Shared:
    """Shards of a task, each of which is made by whichever process is free."""

    site: Site
    task: Task
    shards: tuple[int, ...]

    def carry_out(self, store: Any, place: Place, number: int) -> None:
        """Take one shard after the other and tell how each ended."""
        for at in count():
            taken = self.take(store, number)
            if taken is None:
                return
            try:
                refuse_unfit(self.site)
                ended: tuple[int, Any] | Fault = (taken, self.task(taken))
            except Exception as error:
                ended = Fault.of(error)
            store.set(result_key(number, place.rank, at), pickle.dumps(ended))

    def take(self, store: Any, number: int) -> int | None:
        """The next shard that nobody has taken; None where there is none."""
        at = store.add(f"{number}/taken", 1) - 1
        return self.shards[at] if at < len(self.shards) else None

    def stop(self, store: Any, number: int) -> None:
        """Let nobody take another one."""
        store.add(f"{number}/taken", len(self.shards))


Order = Joint | Shared


def order_key(number: int) -> str:
    """Where an order stands."""
    return f"{number}/order"


def result_key(number: int, rank: int, at: int) -> str:
    """Where a process says how its shard number `at` of an order has ended."""
    return f"{number}/ended/{rank}/{at}"


def fault_key(number: int, rank: int) -> str:
    """Where a process says that it cannot go on."""
    return f"{number}/fault/{rank}"


def beat_key(rank: int) -> str:
    """What a process counts up while it lives."""
    return f"beat/{rank}"


def bye_key(rank: int) -> str:
    """Where a process says that it leaves as it was told to."""
    return f"bye/{rank}"


def refuse_unfit(site: Site) -> None:
    """Take the first process's place on this node; raises Refusal where that cannot be."""
    unfit = site.taken_once()
    if unfit:
        raise Refusal(f"the node {socket.gethostname()} {unfit}")


def serve(store: Any, place: Place) -> int:
    """Carry out orders until there are no more; gives the exit code of the process."""
    from torch.distributed import DistError

    from trainers.device import share_cores

    os.environ["LOCAL_RANK"] = str(place.local_rank)
    share_cores(place.local_size)
    LOG.file = open(os.devnull, "w")  # noqa: SIM115, PTH123 - for good; the first process speaks for all
    Thread(target=_beat, args=(store.clone(), place), daemon=True).start()
    try:
        for number in count():
            order = _awaited(store, number)
            if order is None:
                store.set(bye_key(place.rank), b"")
                return 0
            order.carry_out(store, place, number)
    except DistError:
        return 1  # the first process has gone, and its store with it
    raise AssertionError("orders do not end by themselves")


def _awaited(store: Any, number: int) -> Order | None:
    while not store.check([order_key(number)]):
        time.sleep(POLL)
    order: Order | None = pickle.loads(store.get(order_key(number)))
    return order


def _beat(store: Any, place: Place) -> None:
    while True:
        try:
            store.add(beat_key(place.rank), 1)
        except RuntimeError:
            return
        time.sleep(BEAT)


def follow(place: Place) -> int:
    """The life of a process that torchrun or srun has started beside the first one."""
    hush()
    return serve(rendezvous(place), place)


def hush() -> None:
    """Keep torch from telling at length that a process has gone, which one sentence says better."""
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")


def spawned(place: Place, port: int) -> None:
    """The life of a process that the first one has started on its own machine, and that ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the first process ends the others
    Thread(target=_end_with_parent, daemon=True).start()
    from torch._C._distributed_c10d import TCPStore

    store = TCPStore("127.0.0.1", port, is_master=False, wait_for_workers=False)
    sys.exit(serve(store, place))


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)
