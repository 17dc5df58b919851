"""How this process was started: by itself, or as one of several by torchrun or srun."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from pipeline import folders
from pipeline.errors import Refusal
from trainers.place import Place

PATIENCE = timedelta(minutes=5)
"""How long processes that were started together wait until the last of them has come."""

TOGETHER = (*folders.STAGES, "sweep")
"""The verbs that several processes carry out as one; of any other verb each is a command of its own."""


def launched(words: Sequence[str], environment: Mapping[str, str] = os.environ) -> Place | None:
    """This process's place among those that are to carry out a command as one; None for one by itself.

    Tasks that make shards (`--shards`) are commands of their own, however many a scheduler starts at once.
    """
    verb = next((word for word in words if not word.startswith("-")), None)
    if verb not in TOGETHER or any(word.partition("=")[0] == "--shards" for word in words):
        return None
    if int(environment.get("WORLD_SIZE", "1")) > 1:
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
        missing = [name for name in (*names, "MASTER_ADDR", "MASTER_PORT") if name not in environment]
        if missing:
            raise Refusal(f"WORLD_SIZE is set, {missing[0]} is not: start several processes through torchrun")
        return _even(*(int(environment[name]) for name in names))
    # Of a step that srun has started, not of a batch script, which is one process whatever it may start.
    size = int(environment.get("SLURM_STEP_NUM_TASKS", "1"))
    if size > 1 and "SLURM_PROCID" in environment:
        nodes = int(environment.get("SLURM_STEP_NUM_NODES", "1"))
        rank, local = int(environment["SLURM_PROCID"]), int(environment["SLURM_LOCALID"])
        return _even(rank, size, local, size // nodes if size % nodes == 0 else 0)
    return None


def _even(rank: int, size: int, local_rank: int, local_size: int) -> Place:
    if not local_size or size % local_size:
        raise Refusal(f"{size} processes do not come out even: start the same number on every node")
    return Place(rank, size, local_rank, local_size)


def rendezvous(place: Place) -> Any:
    """The store of torch in which processes that were started together find each other."""
    from torch.distributed import DistError
    from torch.distributed.rendezvous import rendezvous as meet

    host, port = _address()
    url = f"tcp://{host}:{port}?rank={place.rank}&world_size={place.size}"
    try:
        store, _, _ = next(meet(url, timeout=PATIENCE))
    except DistError as fault:
        raise Refusal(_told(place, host, port, " ".join(str(fault).split()))) from None
    return store


def _address() -> tuple[str, int]:
    """Where the first process listens: what torchrun says, or the first node of Slurm's list."""
    if "MASTER_ADDR" in os.environ and "MASTER_PORT" in os.environ:
        return os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    from lightning.fabric.plugins.environments.slurm import SLURMEnvironment

    nodes = os.environ.get("SLURM_STEP_NODELIST", "127.0.0.1")
    host = os.environ.get("MASTER_ADDR") or SLURMEnvironment.resolve_root_node_address(nodes)
    # A port of the job's own, as Lightning chooses it; its environment would refuse `--ntasks`.
    port = os.environ.get("MASTER_PORT") or 15000 + int(os.environ.get("SLURM_JOB_ID", "0")[-4:])
    return host, int(port)


def _told(place: Place, host: str, port: int, fault: str) -> str:
    if "in use" in fault:
        return (
            f"the port {port} of {host} is taken: set MASTER_PORT to a free one, the same for all processes"
        )
    if place.rank == 0:
        return f"not all of {place.size} processes came within {PATIENCE.seconds} s: {fault}"
    return (
        f"the process of rank {place.rank} cannot reach the first one at {host}:{port}"
        f" within {PATIENCE.seconds} s: {fault}"
    )
