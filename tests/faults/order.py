"""Workers, order and company: shards made by any number, in any order, side by side, have the same bytes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from faults.command import ended, started
from faults.sameness import difference
from faults.scenes import CHESS, MAZES, THEORIES, Teacher
from faults.trial import Fault, Scale, Trial
from faults.victims import Lost


@dataclass(frozen=True)
class Array:
    """Waves of commands as a scheduler may send them: those of a wave run at the same time."""

    waves: tuple[tuple[tuple[int, ...], ...], ...]
    """For each command of each wave its shards."""
    workers: int

    def __str__(self) -> str:
        told = ["/".join(",".join(map(str, shards)) for shards in wave) for wave in self.waves]
        return f"--shards {' then '.join(told)}, {self.workers} workers each, seal"

    @classmethod
    def drawn(cls, shards: int, rng: np.random.Generator) -> Array:
        """All shards in random order: three commands at once that share some, and one for the rest."""
        order = rng.permutation(shards).tolist()
        cuts = sorted(rng.choice(np.arange(2, shards - 1), 3, replace=False).tolist())
        first, second, third, rest = (order[a:b] for a, b in zip((0, *cuts), (*cuts, shards), strict=True))
        # Two begin with the very same shard.
        wave = (tuple(first), (first[0], *second), (*third, *first[:2]))
        return cls((wave, (tuple(rest),)), int(rng.integers(1, 4)))


def _trials(teacher: Teacher, seed: int, scale: Scale, folder: Path) -> Iterator[Trial]:
    """Each twice, but in the small form; what is compared is made by one worker in one command."""
    rng = np.random.default_rng([seed, *teacher.name.encode()])
    through = "generate" if scale == "small" else "encode"
    whole = folder / "whole"
    _run(whole, (through, *teacher.chosen, "--workers=1"))
    twice = range(1 if scale == "small" else 2)
    for array in [Array.drawn(teacher.shards, rng) for _ in range(1 if scale == "small" else 3)]:
        for _ in twice:
            yield _trial(str(array), partial(_by_scheduler, array, teacher, through), folder / "trial", whole)
    for workers in (2,) if scale == "small" else (1, 2, 3):
        for _ in twice:
            words = (through, *teacher.chosen, f"--workers={workers}")
            yield _trial(
                f"{workers} workers", lambda at, words=words: _run(at, words), folder / "trial", whole
            )


def _trial(what: str, make: Callable[[Path], None], folder: Path, whole: Path) -> Trial:
    try:
        make(folder)
        lost = difference(folder, whole)
    except Lost as loss:
        lost = str(loss)
    shutil.rmtree(folder)
    return Trial(what, lost)


def _by_scheduler(array: Array, teacher: Teacher, through: str, folder: Path) -> None:
    """The shards by the array, sealed; then what follows from them."""
    for wave in array.waves:
        shares = ("--shards=" + ",".join(map(str, shards)) for shards in wave)
        workers = f"--workers={array.workers}"
        _run(folder, *[("generate", *teacher.chosen, workers, share) for share in shares])
    _run(folder, ("seal", *teacher.chosen))
    if through != "generate":
        _run(folder, (through, *teacher.chosen, f"--workers={array.workers}"))


def _run(folder: Path, *commands: Sequence[str]) -> None:
    """Commands in a folder, at the same time; raises Lost where one of them fails."""
    folder.mkdir(exist_ok=True)
    running = [started(words, here=folder) for words in commands]
    for each in [ended(one) for one in running]:
        if each.code != 0:
            raise Lost(f"a command ends with {each.code}: {each.said[-300:]}")


FAULTS = tuple(
    Fault(f"order and company of workers, {teacher.name}", partial(_trials, teacher))
    for teacher in (MAZES, THEORIES, CHESS)
)
"""Nothing dies here: what is tried is that nothing depends on who does the work."""
