"""kill -9 at any moment: the same command ends with the bytes of an undisturbed run, and repeats little."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from faults.kept import Kept
from faults.sameness import difference
from faults.scenes import CHESS, MAZES, THEORIES, Scene, Teacher, Undisturbed
from faults.trial import Fault, Scale, Trial
from faults.victims import Clock, Done, Kill, Late, Lost, Operation, Victim, run

STAGES = ("generate", "curate", "encode", "train", "bootstrap", "evaluate", "report")


@dataclass(frozen=True)
class Plan:
    """A trial to be drawn: in which scene, who dies, by the clock or at a file, and how often again."""

    scene: str
    victim: Victim
    by: Literal["clock", "file"]
    again: int = 0
    """Kills of the commands that go on from the first one."""


FULL = (
    Plan("generate", "worker", "file"),
    Plan("generate", "group", "clock", again=1),
    Plan("curate", "process", "file"),
    Plan("curate", "worker", "clock"),
    Plan("encode", "process", "clock"),
    Plan("encode", "worker", "file"),
    Plan("train", "process", "file", again=2),
    Plan("train", "group", "file"),
    Plan("train", "process", "clock"),
    Plan("bootstrap", "process", "file", again=1),
    Plan("bootstrap", "group", "file"),
    Plan("bootstrap", "process", "clock", again=2),
    Plan("evaluate", "process", "file"),
    Plan("evaluate", "group", "clock"),
    Plan("report", "process", "file"),
)
"""Of each teacher."""
WITHOUT_ROUNDS = tuple(plan for plan in FULL if plan.scene != "bootstrap")
BESIDE = (
    Plan("shards", "process", "file"),
    Plan("seal", "process", "file"),
    Plan("sweep", "group", "clock"),
    Plan("export", "process", "file"),
    Plan("asked", "process", "file"),
    Plan("page", "process", "file"),
    Plan("results", "process", "file"),
)
MATCHES = (Plan("match", "process", "clock"),)
SMALL = {
    MAZES.name: (
        Plan("generate", "group", "file"),
        Plan("encode", "worker", "file"),
        Plan("train", "process", "file", again=1),
    ),
    THEORIES.name: (Plan("generate", "worker", "file"), Plan("generate", "process", "file")),
    CHESS.name: (Plan("generate", "process", "clock"),),
}


def _scenes(teacher: Teacher) -> tuple[Scene, ...]:
    """The stages of a teacher, and the other commands that write files."""
    stages = teacher.stages(*[name for name in STAGES if name != "bootstrap" or teacher is not CHESS])
    checkpoint = ("--checkpoint", "artifacts/train/*/last")
    return (
        *stages,
        Scene("shards", ("generate", *teacher.chosen, "--workers", "2", "--shards", "0-9")),
        Scene("rest", ("generate", *teacher.chosen, "--workers", "2", "--shards", "10-13"), "shards"),
        Scene("seal", ("seal", *teacher.chosen), "rest"),
        Scene("sweep", ("sweep", *teacher.chosen, "--workers=2", "--seed=0,1", "--through=encode")),
        Scene("export", ("export", *checkpoint, "--to", "models/exported"), "train"),
        Scene(
            "asked",
            ("evaluate", *checkpoint, "--on", "artifacts/curate/*", "--evaluate.problems=6",
             "--evaluate.samples=2", "--artifacts", "artifacts"),
            "train",
        ),
        Scene("page", ("report", "artifacts/train/*", "--to", "pages/page.html"), "train"),
        Scene(
            "results",
            ("results", "artifacts/evaluate/*", "--to", "runs.parquet", "--over-seeds", "means.parquet"),
            "evaluate",
        ),
        Scene("match", ("match", *checkpoint, "--against=random", "--games=4", "--pgn=match.pgn"), "train"),
    )  # fmt: skip


def _trials(
    teacher: Teacher, plans: tuple[Plan, ...], seed: int, scale: Scale, folder: Path
) -> Iterator[Trial]:
    undisturbed = Undisturbed(folder / "undisturbed", _scenes(teacher))
    rng = np.random.default_rng([seed, *teacher.name.encode()])
    chosen = SMALL[teacher.name] if scale == "small" else plans
    for number, plan in enumerate(chosen):
        done = undisturbed.done(plan.scene)
        kills = [_drawn(plan, done, rng)]
        for _ in range(plan.again):
            kills.append(Kill("process", Operation(count=int(rng.integers(1, 8)))))
        at = folder / f"trial-{number}"
        yield _trial(undisturbed, plan.scene, kills, at)
        shutil.rmtree(at, ignore_errors=True)


def _drawn(plan: Plan, done: Done, rng: np.random.Generator) -> Kill:
    """A moment of the undisturbed command, uniform in time or over the kinds of what it does to files."""
    if plan.by == "clock":
        return Kill(plan.victim, Clock(round(float(rng.uniform(0, 1)), 3), done.seconds))
    role: Literal["main", "worker"] = "worker" if plan.victim == "worker" else "main"
    told = [(operation, path) for who, operation, path, _ in done.operations if who == role]
    if role == "worker":  # two workers do the same in another order every time
        told.sort()
    kinds: dict[tuple[str, str], list[Operation]] = {}
    for at, (operation, path) in enumerate(told):
        each = Operation(role, operation, path, told[: at + 1].count((operation, path)))
        kinds.setdefault((operation, re.sub(r"\d+", "0", path)), []).append(each)
    chosen = list(kinds.values())[rng.integers(len(kinds))]
    moment = chosen[rng.integers(len(chosen))]
    if role == "main" and rng.random() < 1 / 3:
        moment = replace(moment, delay=round(float(rng.uniform(0, 0.02)), 4))
    return Kill(plan.victim, moment)


def _trial(undisturbed: Undisturbed, scene: str, kills: list[Kill], folder: Path) -> Trial:
    happened, lost = list(kills), None
    try:
        words, happened[0] = _killed(undisturbed, scene, kills[0], folder)
        again = _gone_on(words, folder, kills[1:], undisturbed.done(scene))
        happened[1:] = kills[1 : again + 1]
        lost = difference(folder, undisturbed.end(scene))
    except Lost as loss:
        lost = str(loss)
    return Trial(f"{scene}: {', then '.join(map(str, happened))}", lost)


def _killed(undisturbed: Undisturbed, scene: str, kill: Kill, folder: Path) -> tuple[tuple[str, ...], Kill]:
    """Begin the scene and kill it; on a machine that was faster this time, a little earlier."""
    while True:
        words = undisturbed.begin(scene, folder)
        try:
            run(words, folder, kill)
            return words, kill
        except Late:
            shutil.rmtree(folder)
            kill = kill.earlier()


def _gone_on(words: tuple[str, ...], folder: Path, kills: list[Kill], undisturbed: Done) -> int:
    """Run the same command until it ends, killed again on the way; gives how often it was."""
    for again, kill in enumerate((*kills, None)):
        kept = Kept.within(folder)
        try:
            done = run(words, folder, kill)
        except Late as late:  # there was less left to do
            done = late.done
        kept.require(done, undisturbed)
        if done.code == 0:
            return again
    raise Lost(f"the same command ends with {done.code}: {done.told[-500:]}")


FAULTS = (
    Fault("kill -9, mazes", partial(_trials, MAZES, (*FULL, *BESIDE))),
    Fault("kill -9, theories", partial(_trials, THEORIES, FULL)),
    Fault("kill -9, chess", partial(_trials, CHESS, (*WITHOUT_ROUNDS, *MATCHES))),
)
