"""The first of several processes, and its hold on the others: training together, shards shared out."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import pickle
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline import fellow
from pipeline.artifact import Artifact
from pipeline.errors import Refusal
from pipeline.fellow import Fault, Joint, Order, Shared
from pipeline.launch import rendezvous
from pipeline.site import marked
from trainers.config import BadSettings, Fit
from trainers.place import Place

if TYPE_CHECKING:
    from pipeline.executor import Task

POLL = 0.1
"""Seconds between two looks at how far the others are."""
SILENT = 90.0
"""Seconds without a sign of life after which a process of another launcher counts as dead."""
GRACE = 20.0
"""Seconds that a step has to notice the death of another process by itself, before the command is ended."""
WORD = 3.0
"""Seconds that a failing process has to say why."""

Made = TypeVar("Made")


class Crew:
    """The other processes of a command; they carry out orders, one after the other."""

    def __init__(self, place: Place, store: Any, processes: Sequence[BaseProcess] = ()) -> None:
        self.place, self.store, self.processes = place, store, processes
        self.others = range(1, place.size)
        self.given = 0
        self._beats: dict[int, tuple[int, float]] = {}

    def together(self, artifact: Artifact, theirs: Callable[[], Any], ours: Callable[[], Made]) -> Made:
        """Make a call at once with all others, which make `theirs`; raises Refusal where one of them dies.

        BadSettings is what all of them have met; after any other error they are of no use any more.
        """
        from trainers import ranks

        with marked(artifact) as site:
            number = self._give(Joint(site, theirs))
            try:
                with self._watched(number):
                    ranks.join(self.store, self.place)
                    return ours()
            except BadSettings:
                raise
            except BaseException as error:
                fault = self._word(number) if isinstance(error, OSError | RuntimeError) else None
                disband()
                if fault is not None:
                    raise fault from None
                if isinstance(error, RuntimeError) and "gloo" in str(error):
                    raise Refusal(_died("another process", "its node may have gone")) from None
                raise

    def over(self, task: Task, shards: Iterable[int], artifact: Artifact) -> Iterator[tuple[int, Any]]:
        """Run `task(shard)` for every shard, here and in the others; gives (shard, result) as they end."""
        todo = tuple(shards)
        if not todo:
            return
        with marked(artifact) as site:
            order = Shared(site, task, todo)
            number = self._give(order)
            left = len(todo)
            seen = dict.fromkeys(self.others, 0)
            try:
                while left:
                    mine = order.take(self.store, number)
                    ended = [] if mine is None else [(mine, task(mine))]
                    ended += self._ended(number, seen)
                    left -= len(ended)
                    yield from ended
                    if mine is None and not ended:
                        self._refuse_dead(number)
                        time.sleep(POLL)
            finally:
                with suppress(RuntimeError):
                    order.stop(self.store, number)
        artifact.refresh()  # others have written into it

    def _ended(self, number: int, seen: dict[int, int]) -> list[tuple[int, Any]]:
        """What the others have finished since the last look; raises what stopped one of them."""
        found: list[tuple[int, Any]] = []
        for rank in self.others:
            while self.store.check([key := fellow.result_key(number, rank, seen[rank])]):
                ended = pickle.loads(self.store.get(key))
                self.store.delete_key(key)
                seen[rank] += 1
                if isinstance(ended, Fault):
                    raise _raised(ended, rank)
                found.append(ended)
        return found

    def _give(self, order: Order | None) -> int:
        number, packed = self.given, pickle.dumps(order)
        self.store.set(fellow.order_key(number), packed)
        self.given += 1
        return number

    def _refuse_dead(self, number: int) -> None:
        fault = self._fault(number, self.store)
        if fault is not None:
            disband()
            raise fault

    def _word(self, number: int) -> Exception | None:
        """Why another process has failed, which may take it a moment to say."""
        until = time.monotonic() + WORD
        while time.monotonic() < until:
            fault = self._fault(number, self.store)
            if fault is not None:
                return fault
            time.sleep(POLL)
        return None

    def _fault(self, number: int, store: Any) -> Exception | None:
        """What has become of a process that cannot go on; None while all can."""
        for rank in self.others:
            if store.check([key := fellow.fault_key(number, rank)]):
                return _raised(pickle.loads(store.get(key)), rank)
        for rank, process in zip(self.others, self.processes, strict=False):
            if process.exitcode is not None:
                how = f"signal {-process.exitcode}" if process.exitcode < 0 else f"code {process.exitcode}"
                return Refusal(_died(f"the process of rank {rank}", f"it ended with {how}"))
        silent = [] if self.processes else [rank for rank in self.others if self._silent(rank, store)]
        if silent:
            return Refusal(_died(f"the process of rank {silent[0]}", f"it was silent for {SILENT:.0f} s"))
        return None

    def _silent(self, rank: int, store: Any) -> bool:
        beat, now = store.add(fellow.beat_key(rank), 0), time.monotonic()
        if rank not in self._beats or self._beats[rank][0] != beat:
            self._beats[rank] = (beat, now)
        return now - self._beats[rank][1] > SILENT

    @contextmanager
    def _watched(self, number: int) -> Iterator[None]:
        """Gloo notices a death by itself; NCCL would wait, so then the command is ended from beside it."""
        over, store = Event(), self.store.clone()

        def watch() -> None:
            while not over.wait(1.0):
                with suppress(RuntimeError):
                    fault = self._fault(number, store)
                    if fault is not None and not over.wait(GRACE):
                        print(f"distill: {fault}", file=sys.stderr, flush=True)
                        os._exit(1)

        thread = Thread(target=watch, name="crew", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def dismiss(self) -> None:
        """Let the others end: those of a launcher by themselves, those that were started here at once."""
        with suppress(RuntimeError):
            self._give(None)
            until = time.monotonic() + WORD
            while not self.processes and time.monotonic() < until:
                if all(self.store.check([fellow.bye_key(rank)]) for rank in self.others):
                    break
                time.sleep(POLL)
        for process in self.processes:
            process.kill()
            process.join()


_AT_HAND: list[Crew] = []
"""The crew that this process leads, if there is one."""
_LAUNCHED: list[Place] = []
"""The place that torchrun or srun has given to this process, if they have started it."""


def lead(place: Place) -> None:
    """Lead the processes that were started together with this one, until the program ends."""
    fellow.hush()
    _LAUNCHED.append(place)
    _AT_HAND.append(Crew(place, rendezvous(place)))
    atexit.register(disband)


def crew_of(fit: Fit) -> Crew | None:
    """The processes that the settings ask for, started unless they run; None where this one is enough."""
    place = place_of(fit)
    if _AT_HAND and _AT_HAND[0].place != place:
        disband()
    if place.size == 1:
        return None
    if not _AT_HAND:
        if _LAUNCHED:
            raise Refusal("the other processes have ended; run the same command again")
        _AT_HAND.append(_started(place))
    return _AT_HAND[0]


def size_of(fit: Fit) -> int:
    """How many processes the settings, or a launcher, put to work; whether they can be had is not asked."""
    return _LAUNCHED[0].size if _LAUNCHED else (fit.devices or 1) * (fit.nodes or 1)


def place_of(fit: Fit) -> Place:
    """The first process's place among those that the settings ask for; Refusal where they cannot be had."""
    if _LAUNCHED:
        place = _LAUNCHED[0]
        if fit.devices not in (None, place.local_size) or fit.nodes not in (None, place.nodes):
            raise Refusal(
                f"fit.devices is {_said(fit.devices)} and fit.nodes {_said(fit.nodes)}, but"
                f" {place.local_size} processes were started on each of {place.nodes} nodes:"
                " start as many, or leave both fields out"
            )
        return place
    if fit.nodes not in (None, 1):
        raise Refusal(
            f"fit.nodes is {fit.nodes}, but this process was started alone:"
            " torchrun or srun start processes on several nodes (pipeline/README.md)"
        )
    devices = fit.devices or 1
    if devices > 1:
        _refuse_missing_gpus(devices)
    return Place(0, devices, 0, devices)


def _said(number: int | None) -> str:
    return "null" if number is None else str(number)


def _refuse_missing_gpus(devices: int) -> None:
    import torch

    there = torch.cuda.device_count() if torch.cuda.is_available() else devices  # a CPU takes any number
    if devices > there:
        raise Refusal(f"fit.devices is {devices}, but this machine shows {there} GPUs: set it to {there}")


def disband() -> None:
    """Let the crew go, if there is one, and leave its group."""
    if not _AT_HAND:
        return
    crew = _AT_HAND.pop()
    crew.dismiss()
    from trainers import ranks

    ranks.leave()


def _started(place: Place) -> Crew:
    """Processes on this machine, which only hear what comes from it."""
    fellow.hush()
    from torch._C._distributed_c10d import TCPStore

    from trainers.device import share_cores

    if "lo" in (name for _, name in socket.if_nameindex()):
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    share_cores(place.size)
    listening = socket.create_server(("127.0.0.1", 0))
    port: int = listening.getsockname()[1]
    store = TCPStore(
        "127.0.0.1", port, is_master=True, wait_for_workers=False, master_listen_fd=listening.detach()
    )
    context = multiprocessing.get_context("spawn")
    places = [Place(rank, place.size, rank, place.size) for rank in range(1, place.size)]
    processes = [
        context.Process(target=fellow.spawned, args=(each, port), daemon=True, name=f"rank {each.rank}")
        for each in places
    ]
    for process in processes:
        process.start()
    atexit.register(disband)
    return Crew(place, store, processes)


def _died(who: str, how: str) -> str:
    return f"{who} has died ({how}); what is finished is kept, run the same command again"


def _raised(fault: Fault, rank: int) -> Exception:
    """Another process's fault, as if it had been met here."""
    if fault.sentence is not None:
        return Refusal(f"the process of rank {rank} on {fault.host}: {fault.sentence}")
    return RuntimeError(f"the process of rank {rank} on {fault.host} has failed:\n{fault.trace}")
