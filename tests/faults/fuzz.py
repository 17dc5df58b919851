"""Wrong inputs for every command: each must be refused in a sentence, at once, and leave nothing behind."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from faults.fuzzing import judge, worker
from faults.fuzzing.case import Case
from faults.fuzzing.corpus import Corpus
from faults.fuzzing.pool import Ended, Pool, command, pool
from faults.fuzzing.schedule import drawn
from faults.trial import Fault, Scale, Trial

CASES = {"small": 120, "full": 1000}
COMMANDS = {"small": 3, "full": 20}
"""Of these so many are whole commands as well, spread over all of them."""


def trials(seed: int, scale: Scale, folder: Path) -> Iterator[Trial]:
    """Each case in a process of many; some as commands of their own in addition."""
    corpus = Corpus.make(folder / "corpus")
    every = CASES[scale] // COMMANDS[scale]
    with pool() as workers:
        for number in range(CASES[scale]):
            case = drawn(seed, number, corpus)
            yield trial(seed, number, case, corpus, folder, workers)
            if number % every == every // 2:
                yield trial(seed, number, case, corpus, folder, None)


def trial(seed: int, number: int, case: Case, corpus: Corpus, folder: Path, workers: Pool | None) -> Trial:
    """One case, within a worker or without one as a command; its folder stays where it is not refused."""
    place = folder / f"{number:04}{'' if workers else '-command'}"
    lost = tried(case, corpus, place, workers)
    if lost == judge.HUNG:  # a busy machine is not the command's fault
        lost = tried(case, corpus, place, workers)
    if lost is None:
        shutil.rmtree(place)
    told = f"{case.kind} {number} (distill {' '.join(case.words)[:120]}): {case.what}"
    again = f"python -m faults.fuzzing --seed {seed} --only {number}"
    return Trial(told, lost if lost is None else f"{lost} [{again}]")


def tried(case: Case, corpus: Corpus, folder: Path, workers: Pool | None) -> str | None:
    """What is wrong with how a case has ended."""
    if folder.exists():
        shutil.rmtree(folder)
    case.write(folder / worker.HERE)
    for name in (worker.HOME, worker.SCRATCH):
        (folder / name).mkdir()
    (folder / "in").write_bytes(case.typed)
    watched = (*(folder / name for name in (worker.HERE, worker.HOME, worker.SCRATCH)), corpus.folder)
    before = judge.tree(*watched)
    ended: Ended = command(case, folder) if workers is None else workers.run(case, folder)
    return judge.fault(case, ended, folder, before, judge.tree(*watched))


FAULTS = (Fault("fuzzed inputs", trials),)
