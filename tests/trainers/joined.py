"""Processes that train together, as a launcher would start them: one test process each, over gloo."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

from trainers.config import Fit, Model


def train(
    rank: int, size: int, store: Path, ids: Path, out: Path, model: Model, fit: Fit, dies: bool
) -> None:
    """The life of one of them; the one that `dies` does so when the first state has been saved."""
    from torch.distributed import FileStore

    from trainers import ranks
    from trainers.fit import fit as run
    from trainers.place import Place

    def saved() -> None:
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)

    ranks.join(FileStore(str(store), size), Place(rank, size, rank, size))
    done = run(ids=ids, out=out, model=model, fit=fit, progress=False, saved=saved)
    if rank == 0:
        (out / "told.json").write_text(json.dumps(done))
    ranks.leave()


def together(
    size: int, ids: Path, out: Path, model: Model, fit: Fit, *, dies: bool = False
) -> list[int | None]:
    """Train with `size` processes; gives their exit codes."""
    out.mkdir(parents=True, exist_ok=True)
    store = out / f"store-{size}"
    context = multiprocessing.get_context("spawn")
    arguments: list[tuple[Any, ...]] = [
        (rank, size, store, ids, out, model, fit, dies and rank == 0) for rank in range(size)
    ]
    processes = [context.Process(target=train, args=each) for each in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)
        process.kill()
        process.join()
    return [process.exitcode for process in processes]
