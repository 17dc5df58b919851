"""Shards on a Ray cluster: tasks with retries, a bounded number under way. Imported only when asked for."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import pickle
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pipeline.artifact import Artifact
from pipeline.console import say
from pipeline.errors import Refusal
from pipeline.site import LOGS, Outcome, Site, log_name, marked, run_shard

if TYPE_CHECKING:
    from pipeline.executor import Task

RETRIES = 10
"""How often a shard is begun again after its worker or node has died."""
AHEAD = 2
"""Shards under way for each core: one at work, one waiting, so that no worker waits for the driver."""
PATIENCE = 10.0
"""Seconds to wait for a cluster to answer."""
BEAT = 1.0
"""Seconds after which the cluster is looked at, if no shard has ended meanwhile."""
GONE = 15.0
"""Seconds without an answer after which a head counts as gone: one that is begun again takes less."""
PROBED = 60.0
"""Seconds that nodes have to say whether they are fit; later ones say it with their first shard."""

ALIVE = "/ray.rpc.NodeInfoGcsService/CheckAlive"
"""The call by which a cluster says that it is there."""


def over_nodes(
    task: Task, shards: Iterable[int], address: str, workers: int, artifact: Artifact, gpus: int
) -> Iterator[tuple[int, Any]]:
    """Run `task(shard)` on the nodes of a cluster; gives (shard, result) as they end, in any order.

    A shard whose worker or node dies is begun again elsewhere. An error, or the end of the loop that reads
    the results, cancels what is under way; finished shards stand.
    """
    todo = list(shards)
    if not todo:
        return
    with joined(address) as ray, marked(artifact) as site:
        _probe(ray, site)
        yield from _results(ray, Pulse(ray), site, task, todo, workers, gpus, artifact)
    artifact.refresh()  # other machines have written into it


def _results(
    ray: Any,
    pulse: Pulse,
    site: Site,
    task: Task,
    todo: list[int],
    workers: int,
    gpus: int,
    artifact: Artifact,
) -> Iterator[tuple[int, Any]]:
    gpus = min(gpus, int(ray.cluster_resources().get("GPU", 0)))
    placed = {"num_cpus": 1, "num_gpus": gpus, "max_retries": RETRIES, "scheduling_strategy": "SPREAD"}
    run = ray.remote(**placed)(_on_node)
    shared = site, [ray.put(task)]  # in a list, so that a worker reads it once and not for every shard
    rest = iter(todo)
    running: dict[Any, int] = {}
    room = workers or AHEAD
    try:
        while True:
            if pulse.feel() and not workers:
                room = pulse.room(gpus)
            for shard in islice(rest, max(0, room - len(running))):
                running[run.remote(*shared, shard)] = shard
            if not running:
                return
            done, _ = ray.wait(list(running), timeout=BEAT)
            for each in done:
                shard = running.pop(each)
                yield shard, _result(ray, pulse, each, shard, artifact)
    except Gone:
        running.clear()
        raise
    finally:
        for each in running:
            ray.cancel(each, force=True)


class Gone(Refusal):
    """The cluster has gone in the middle of a run."""


class Pulse:
    """Whether the cluster is still there: Ray would wait for a minute, then end this process by itself."""

    def __init__(self, ray: Any) -> None:
        self._address: str = ray.get_runtime_context().gcs_address
        self._raylet: str = ray._private.worker.global_worker.node.raylet_socket_name
        self._answered = time.monotonic()
        self._ray, self._room, self._counted = ray, AHEAD, float("-inf")

    def room(self, gpus: int) -> int:
        """How many shards may be under way; nodes come and go. Only to be asked of a head that answers."""
        if time.monotonic() - self._counted > PATIENCE:
            self._counted = time.monotonic()
            resources = self._ray.cluster_resources()
            self._room = AHEAD * max(1, int(resources.get("GPU" if gpus else "CPU", 0)))
        return self._room

    def feel(self) -> bool:
        """Whether the head answers; raises Gone where it has not for long, or where this node has died."""
        if not _listens(socket.AF_UNIX, self._raylet):
            self._stopped("the node of this machine has died")
        if _answers(self._address):
            self._answered = time.monotonic()
            return True
        if time.monotonic() - self._answered > GONE:
            self._stopped("its head does not answer any more")
        return False

    def _stopped(self, why: str) -> NoReturn:
        raise Gone(
            f"the Ray cluster at {self._address} is gone ({why}); what is finished is kept:"
            " run the same command again, with another cluster or without --executor ray"
        )


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    return _listens(socket.AF_INET6 if ":" in host else socket.AF_INET, (host.strip("[]"), int(port)))


def _listens(family: socket.AddressFamily, place: Any) -> bool:
    try:
        with socket.socket(family) as knock:
            knock.settimeout(BEAT)
            knock.connect(place)
    except OSError:
        return False
    return True


_TASKS: dict[str, Task] = {}
"""In a worker: the task of the run at hand, by the run's token, with whatever it has loaded."""


def _on_node(site: Site, held: list[Any], shard: int) -> Outcome:
    """A task of Ray: one shard in the driver's place. Ray runs one task at a time in a worker process."""
    import ray

    def task(shard: int) -> Any:
        if site.token not in _TASKS:
            _TASKS.clear()
            _TASKS[site.token] = ray.get(held[0])
        return _TASKS[site.token](shard)

    address: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]  # Ray's
    return run_shard(site, task, shard, _named(address, ray.get_runtime_context().get_node_id()))


def _result(ray: Any, pulse: Pulse, done: Any, shard: int, artifact: Artifact) -> Any:
    """What the task gave; raises Refusal with the shard, the node and the log for one that failed."""
    log = f"{artifact.place}/{LOGS}/{log_name(shard)}"
    try:
        outcome: Outcome = ray.get(done)
    except ray.exceptions.RayError as error:
        pulse.feel()
        if isinstance(error, ray.exceptions.WorkerCrashedError | ray.exceptions.OutOfMemoryError):
            cause = f"its worker died {RETRIES + 1} times, perhaps for want of memory"
        else:
            cause = _line(error)
        where = _last_node(artifact.folder / LOGS / log_name(shard))
        raise Refusal(f"shard {shard} failed{where}: {cause}; its log: {log}") from None
    if outcome.unfit is not None:
        raise Refusal(f"the node {outcome.node} {outcome.unfit}")
    if outcome.fault is not None:
        raise Refusal(f"shard {shard} failed on the node {outcome.node}: {outcome.fault}; its log: {log}")
    return outcome.result


@contextlib.contextmanager
def joined(address: str) -> Iterator[Any]:
    """The library, as a driver of the cluster at that address, and quiet; left again at the end."""
    ray = library()
    if _LEFT:
        raise Gone(_LEFT[0])
    if ray.is_initialized():
        yield ray
        return
    place = _place(address)
    try:
        ray.init(address=place, log_to_driver=False, logging_level=logging.CRITICAL, configure_logging=True)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise Refusal(_refused(place, error)) from None
    ray._private.worker.print_to_stdstream = lambda *_, **__: None  # what dies is told in our own words
    try:
        yield ray
    except Gone as gone:
        # Of what is not there one cannot take leave: Ray would wait for a minute, or bring the process down.
        _LEFT.append(str(gone))
        atexit.unregister(ray._private.worker.shutdown)
        atexit.register(_end)
        raise
    except BaseException:
        ray.shutdown()
        raise
    ray.shutdown()


_LEFT: list[str] = []
"""What was said when a cluster had gone: this process cannot join another one."""


def _end() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(1)


def library() -> Any:
    """Ray, told to be quiet; raises Refusal where it is not installed."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")
    try:
        import ray
    except ImportError:
        raise Refusal(
            "--executor ray needs Ray: pip install 'search-trace-distillation[ray]', here and on every node"
        ) from None
    return ray


def _place(address: str) -> str:
    """HOST:PORT of a cluster that answers; raises Refusal where none does: Ray would wait for minutes."""
    if address == "auto":
        from ray._private.services import canonicalize_bootstrap_address_or_die

        try:
            address = canonicalize_bootstrap_address_or_die("auto")
        except ConnectionError as error:
            several = "multiple" in str(error)
            found = "several Ray clusters run here" if several else "there is no Ray cluster on this machine"
            raise Refusal(
                f"{found}: start one with `ray start --head`, or name it with --address HOST:PORT"
            ) from None
    else:
        os.environ.pop("RAY_ADDRESS", None)  # Ray would prefer it to what was asked for
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "/" in host:
        raise Refusal(f"--address takes auto or HOST:PORT, as in 10.0.0.1:6379, got '{address}'")
    fault = _silent(address)
    if fault:
        raise Refusal(f"there is no Ray cluster at {address}: {fault}")
    return address


def _silent(address: str) -> str | None:
    """Why there is no Ray at that address, or None where it answers."""
    if os.environ.get("RAY_USE_TLS", "0") not in ("", "0"):
        return None  # it would not answer a call without certificates
    import grpc

    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            channel.unary_unary(ALIVE)(b"", timeout=PATIENCE)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNAUTHENTICATED:
                return None
            if error.code() is grpc.StatusCode.UNAVAILABLE and not _answers(address):
                return "nothing answers there"
            return "what is there does not answer as Ray does"
    return None


def _refused(address: str, error: Exception) -> str:
    """A sentence about a cluster that answers and yet does not take this process."""
    cause = error.__cause__ or error
    text = " ".join(str(cause).split())
    if "Version mismatch" in text:
        return f"the cluster at {address} has another Python or Ray ({text.partition('mismatch: ')[2]})"
    if "node info" in text or "raylet" in text.lower():
        return (
            f"this machine is no node of the cluster at {address}:"
            f" run the command on one, or `ray start --address={address}` here first"
        )
    return f"the Ray cluster at {address} cannot be joined: {text}"


def _probe(ray: Any, site: Site) -> None:
    """Ask every node at once whether it can take the driver's place; raises Refusal for one that cannot."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    packed = pickle.dumps(site)

    def fitness() -> str | None:  # travels by value: the node may not have this project
        try:
            return pickle.loads(packed).taken()  # type: ignore[no-any-return]  # from the driver itself
        except (ImportError, AttributeError) as error:
            return f"has another version of this project, or none ({error}): install the same on every node"

    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    if not nodes:
        say("", "[yellow]the cluster has no core to offer yet; waiting for one (Ctrl-C stops)[/yellow]")
    asked = {}
    for node in nodes:
        affinity = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ask = ray.remote(num_cpus=0, max_retries=0, scheduling_strategy=affinity)(fitness)
        asked[ask.remote()] = _named(node["NodeManagerAddress"], node["NodeID"])
    answered, _ = ray.wait(list(asked), num_returns=len(asked), timeout=PROBED) if asked else ([], [])
    for each in answered:
        with contextlib.suppress(ray.exceptions.RayError):  # it has died: Ray leaves it out by itself
            unfit = ray.get(each)
            if unfit:
                raise Refusal(f"the node {asked[each]} {unfit}")


def _named(address: str, node: str) -> str:
    return f"{address} ({node[:8]})"


def _last_node(log: Path) -> str:
    """Where a shard was last begun, as its log has it: ` on the node ...`, or nothing."""
    try:
        begun = [line for line in log.read_text(errors="replace").splitlines() if " on " in line]
        return f" on the node {begun[-1].partition(' on ')[2].rpartition(', process')[0]}"
    except (OSError, IndexError):
        return ""


def _line(error: Exception) -> str:
    """The last line of an error of Ray, which says what happened."""
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__
