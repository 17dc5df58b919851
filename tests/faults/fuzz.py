"""Wrong inputs for every command: each must be refused in a sentence, at once, and leave nothing behind."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

from faults.fuzzing import judge
from faults.fuzzing.case import Case
from faults.fuzzing.corpus import Corpus
from faults.fuzzing.process import Ended, Worker, begun, command
from faults.fuzzing.schedule import KINDS, drawn
from faults.fuzzing.worker import HERE, HOME, SCRATCH
from faults.trial import Fault, Scale, Trial

CASES = {"small": 120, "full": 1000}
COMMANDS = {"small": 3, "full": 20}
"""Of these so many are whole commands as well, spread over all of them."""
SIDE_BY_SIDE = os.cpu_count() or 1


def trials(seed: int, scale: Scale, folder: Path) -> Iterator[Trial]:
    """Each case in a process of many; some as commands of their own in addition."""
    corpus = Corpus.make(folder / "corpus")
    every = CASES[scale] // COMMANDS[scale]
    numbers = [(number, False) for number in range(CASES[scale])]
    # One further each time, so that they are of all kinds.
    numbers += [(every // 2 + at * every + at % len(KINDS), True) for at in range(COMMANDS[scale])]
    free: SimpleQueue[Worker] = SimpleQueue()

    def made(number: int, whole: bool) -> Trial:
        worker = free.get()
        try:
            case = drawn(seed, number, corpus)
            return trial(seed, number, case, corpus, folder, None if whole else worker)
        finally:
            free.put(worker)

    with ExitStack() as ends, ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        for _ in range(SIDE_BY_SIDE):
            free.put(ends.enter_context(begun()))
        yield from threads.map(lambda asked: made(*asked), numbers)


def trial(seed: int, number: int, case: Case, corpus: Corpus, folder: Path, worker: Worker | None) -> Trial:
    """One case, within a worker or without one as a command; its folder stays where it is not refused."""
    place = folder / f"{number:04}{'' if worker else '-command'}"
    lost = tried(case, corpus, place, worker)
    if lost == judge.HUNG:  # a busy machine is not the command's fault
        lost = tried(case, corpus, place, worker)
    if lost is None:
        shutil.rmtree(place)
    told = f"{case.kind} {number} (distill {' '.join(case.words)[:120]}): {case.what}"
    again = f"python -m faults.fuzzing --seed {seed} --only {number}{'' if worker else ' --whole'}"
    return Trial(told, lost if lost is None else f"{lost} [{again}]")


def tried(case: Case, corpus: Corpus, folder: Path, worker: Worker | None) -> str | None:
    """What is wrong with how a case has ended."""
    if folder.exists():
        shutil.rmtree(folder)
    case.write(folder / HERE)
    for name in (HOME, SCRATCH):
        (folder / name).mkdir()
    (folder / "in").write_bytes(case.typed)
    watched = (*(folder / name for name in (HERE, HOME, SCRATCH)), corpus.folder)
    before = judge.tree(*watched)
    ended: Ended = command(case, folder) if worker is None else worker.run(case, folder)
    return judge.fault(case, ended, folder, before, judge.tree(*watched))


FAULTS = (Fault("fuzzed inputs", trials),)
