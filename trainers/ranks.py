"""Processes that train together: this one's place among them, and what all of them must know or agree about.

Each has a device of its own and joins one process group of torch; the first of them, rank 0, alone reads and
writes the run's folder.
"""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from torch._C._distributed_c10d import PrefixStore, Store

from trainers.config import BadSettings, Fit, refuse_few_rows
from trainers.device import own
from trainers.place import Place

PATIENCE = timedelta(hours=2)
"""How long one waits for the others in a step: for uploads and compilers; a death is noticed at once."""

Made = TypeVar("Made")


def join(store: Store, place: Place) -> None:
    """Join the group of all processes that meet in `store`, unless it is joined.

    BadSettings where two of them would share a GPU.
    """
    if dist.is_initialized():
        return
    os.environ["LOCAL_RANK"], os.environ["LOCAL_WORLD_SIZE"] = str(place.local_rank), str(place.local_size)
    if own().type == "cuda":
        torch.cuda.set_device(own())
    # Objects and orders go over gloo whatever the tensors of training take.
    backend = "cpu:gloo,cuda:nccl" if own().type == "cuda" else "gloo"
    group = PrefixStore("group", store)
    dist.init_process_group(backend, store=group, rank=place.rank, world_size=place.size, timeout=PATIENCE)
    refuse_shared_gpus()


def leave() -> None:
    """Leave the group, if this process is in one."""
    if dist.is_initialized():
        dist.destroy_process_group()
    for name in ("LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        os.environ.pop(name, None)


def here() -> Place:
    """This process's place in the group that it has joined; the only one of one where there is none."""
    if not dist.is_initialized():
        return Place()
    local = (int(os.environ.get(name, default)) for name, default in LOCAL.items())
    return Place(dist.get_rank(), dist.get_world_size(), *local)


LOCAL = {"LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": 1}


def told(thing: Made) -> Made:
    """What the first process hands in, in all of them."""
    if not dist.is_initialized():
        return thing
    held: list[Any] = [thing]
    dist.broadcast_object_list(held, src=0)
    return held[0]  # type: ignore[no-any-return]  # its own, or an equal one


def agreed(make: Callable[[], Made]) -> Made:
    """What `make` gives, once every process has made its own; where one of them cannot, all raise.

    Otherwise the others would wait for the one that has given up.
    """
    if not dist.is_initialized():
        return make()
    made: Made | None = None
    fault: Exception | None = None
    try:
        made = make()
    except Exception as error:
        fault = error
    faults: list[str | None] = [None] * dist.get_world_size()
    dist.all_gather_object(faults, None if fault is None else str(fault) or type(fault).__name__)
    if fault is not None:
        raise fault
    for rank, sentence in enumerate(faults):
        if sentence is not None:
            raise BadSettings(f"the process of rank {rank} cannot train: {sentence}")
    return made  # type: ignore[return-value]  # made without a fault


def refuse_shared_gpus() -> None:
    """BadSettings where two processes have the same GPU, which NCCL would only hang over."""
    device = own()
    if device.type != "cuda":
        return
    mine = (socket.gethostname(), str(torch.cuda.get_device_properties(device).uuid))
    cards: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(cards, mine)
    (card, ranks), *_ = Counter(cards).most_common(1)
    if ranks > 1:
        raise BadSettings(
            f"{ranks} processes on {card[0]} share one GPU: start as many on each node as it has GPUs"
        )


def refuse_other_size(fit: Fit, place: Place) -> None:
    """BadSettings where the settings name another number of devices than there are processes."""
    if fit.devices not in (None, place.local_size) or fit.nodes not in (None, place.nodes):
        raise BadSettings(
            f"fit.devices {fit.devices} and fit.nodes {fit.nodes} do not match the processes that train:"
            f" {place.local_size} on each of {place.nodes} nodes"
        )
    refuse_few_rows(fit, place.size)


class Environment(ClusterEnvironment):
    """What Lightning asks about processes that run already: it starts none, under Slurm neither."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place

    @property
    def creates_processes_externally(self) -> bool:
        """They are there."""
        return True

    @property
    def main_address(self) -> str:
        """Nobody asks: the group is joined before."""
        return "127.0.0.1"

    @property
    def main_port(self) -> int:
        """As little."""
        return 0

    @staticmethod
    def detect() -> bool:
        """It is chosen, not found."""
        return False

    def world_size(self) -> int:
        """Processes on all nodes."""
        return self.place.size

    def set_world_size(self, size: int) -> None:
        """It is given."""

    def global_rank(self) -> int:
        """The process among all of them."""
        return self.place.rank

    def set_global_rank(self, rank: int) -> None:
        """It is given."""

    def local_rank(self) -> int:
        """The process among those of its node."""
        return self.place.local_rank

    def node_rank(self) -> int:
        """The node."""
        return self.place.node


class FirstReads(TorchCheckpointIO):
    """A state is read by the first process and handed to the others, whose nodes may not have its file."""

    def load_checkpoint(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        """The state, in every process."""
        first = here().rank == 0
        return told(super().load_checkpoint(*arguments, **options) if first else {})
