"""Engines, workers, nodes and heads of clusters that die in the middle of a shard."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from faults.census import marked, tree
from faults.command import PATIENCE, Ended, differing, distill, ended, hashes, started
from faults.trial import Fault, Scale, Trial
from pipeline.site import LOGS

MARK = "FAULTS_DEATHS"
"""The variable by which all processes of a trial are known, wherever they were born."""
FAREWELL = 15.0
"""Seconds within which what belonged to a command must have ended."""
MINUTE = 60.0
"""Seconds within which a command must have noticed that its cluster is gone."""

DOMAINS: dict[str, dict[str, Any]] = {
    "maze": {"name": "maze", "width": 14, "height": 14, "attempts_per_layout": 2},
    "prolog": {"name": "prolog"},
    "chess": {"name": "chess", "nodes": 60, "root_nodes": 300, "game_nodes": 50, "longest_game": 100},
}
ROWS = {"maze": (4000, 200), "prolog": (1000, 50), "chess": (60, 5)}
"""Rows, and rows of a shard: some tens of shards that take about a second each."""
ENGINES = {"prolog": "swi/child.py", "chess": "stockfish"}
"""What stands in the command line of the engine's process."""

Blow = Literal["kill", "stop", "kill twice"]
Victim = Literal["worker", "node", "raylet"]


@dataclass(frozen=True)
class Work:
    """Generation with one of the teachers, in a folder of its own."""

    teacher: str
    folder: Path
    shards: int

    @property
    def recipe(self) -> Path:
        """The recipe's file."""
        path = self.folder / f"{self.teacher}.yaml"
        _, size = ROWS[self.teacher]
        fields = {"rows": self.shards * size, "shard_rows": size}
        tree_ = {"about": "Deaths.", "domain": DOMAINS[self.teacher], "generate": fields}
        path.write_text(yaml.safe_dump(tree_))
        return path

    def words(self, artifacts: Path, *more: str) -> list[str]:
        """The command."""
        return ["generate", f"--recipe={self.recipe}", f"--artifacts={artifacts}", *more]

    def wanted(self) -> dict[str, str]:
        """The hashes of an undisturbed run on this machine."""
        here = self.folder / f"undisturbed-{self.teacher}"
        if not here.exists():
            done = distill(self.words(here, "--workers=1"))
            assert done.code == 0, done.said
        return hashes(here)


def engines(seed: int, scale: Scale, folder: Path) -> Iterator[Trial]:
    """The engine's process is killed, once and twice, or stopped: another one takes its place."""
    rng = random.Random(f"{seed} engines")
    blows: tuple[Blow, ...] = ("kill",) if scale == "small" else ("kill", "kill twice", "stop", "kill")
    for teacher in ENGINES:
        work = Work(teacher, folder, 3 if scale == "small" else 12)
        for at, blow in enumerate(blows):
            for workers in (1,) if scale == "small" else (1, 2):
                yield _struck(
                    work, folder / f"{teacher}-{at}-{workers}", blow, workers, rng.uniform(0.0, 0.4)
                )


def _struck(work: Work, artifacts: Path, blow: Blow, workers: int, delay: float) -> Trial:
    when = f"{1000 * delay:.0f} ms after it began"
    what = f"{work.teacher} with {workers} workers, {blow} the engine {when}"
    wanted = work.wanted()
    mark = uuid.uuid4().hex
    running = started(work.words(artifacts, f"--workers={workers}"), {MARK: mark})
    first = _engine(running, work.teacher, set())
    if first is None:
        return Trial(what, f"it ended before its engine began: {ended(running)}")
    time.sleep(delay)
    _strike(first, blow)
    if blow == "kill twice":
        second = _engine(running, work.teacher, {first})
        if second is not None:
            _strike(second, blow)
    done = ended(running)
    if blow == "kill twice" and done.fault is None:
        done = distill(
            work.words(artifacts)
        )  # both met the same problem, or the start: no third one is tried
    return Trial(what, _lost(done, wanted, artifacts) or _left(mark))


def _engine(running: subprocess.Popen[str], teacher: str, known: set[int]) -> int | None:
    """The process of an engine below a command that is under way; None where it ends without another one."""
    deadline = time.monotonic() + PATIENCE
    while running.poll() is None and time.monotonic() < deadline:
        for pid in tree(running.pid):
            if pid not in known and pid != running.pid and ENGINES[teacher] in _command_line(pid):
                time.sleep(0.2)  # one that is only asked for its version is gone by then
                if ENGINES[teacher] in _command_line(pid):
                    return pid
        time.sleep(0.005)
    return None


def _command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


def _strike(pid: int, blow: Blow) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP if blow == "stop" else signal.SIGKILL)


def _lost(done: Ended, wanted: dict[str, str], artifacts: Path) -> str | None:
    if done.code:
        return f"exit code {done.code}: {done.said.strip()[-300:]}"
    return differing(wanted, hashes(artifacts))


def _left(mark: str) -> str | None:
    """What is left of the processes that carry a mark."""
    deadline = time.monotonic() + FAREWELL
    while (left := marked(f"{MARK}={mark}")) and time.monotonic() < deadline:
        time.sleep(0.1)
    return f"a process is left: {_command_line(left[0])[:100]}" if left else None


def nodes(seed: int, scale: Scale, folder: Path) -> Iterator[Trial]:
    """A worker, a node or the raylet of a node dies while shards are under way: others make them."""
    rng = random.Random(f"{seed} nodes")
    victims: tuple[Victim, ...] = ("worker",) if scale == "small" else ("worker", "node", "raylet")
    with _cluster() as made:
        for teacher in ("maze",) if scale == "small" else DOMAINS:
            work = Work(teacher, folder, 6 if scale == "small" else 20)
            for victim in victims:
                yield _bereft(work, folder / f"{teacher}-{victim}", made, victim, rng)
                while len(made.list_all_nodes()) < 3:
                    made.add_node(num_cpus=1)


def _bereft(work: Work, artifacts: Path, made: Any, victim: Victim, rng: random.Random) -> Trial:
    what = f"{work.teacher} on Ray, kill -9 of a {victim} in mid-shard"
    wanted = work.wanted()
    mark = uuid.uuid4().hex
    running = started(work.words(artifacts, "--executor=ray", f"--address={made.address}"), {MARK: mark})
    at_work = _at_work(running, artifacts, () if victim == "worker" else (made.head_node.node_id[:8],), rng)
    if at_work is None:
        return Trial(what, f"no shard was under way there: {ended(running)}")
    pid, node = at_work
    if victim == "worker":
        os.kill(pid, signal.SIGKILL)
    else:
        (lost,) = [each for each in made.list_all_nodes() if each.node_id.startswith(node)]
        if victim == "raylet":
            os.kill(lost.all_processes["raylet"][0].process.pid, signal.SIGKILL)
        made.remove_node(lost, allow_graceful=False)
    return Trial(what, _lost(ended(running), wanted, artifacts) or _left(mark))


def _at_work(
    running: subprocess.Popen[str], artifacts: Path, spared: tuple[str, ...], rng: random.Random
) -> tuple[int, str] | None:
    """Process and node of a shard that is under way, as its log has it; None where the command ends first."""
    deadline = time.monotonic() + PATIENCE
    while running.poll() is None and time.monotonic() < deadline:
        found = []
        for log in sorted(artifacts.glob(f"generate/*/{LOGS}/*.log")):
            begun = re.findall(r" on \S+ \((\w+)\), process (\d+)\n", log.read_text())
            if begun and " done in " not in log.read_text() and begun[-1][0] not in spared:
                found.append((int(begun[-1][1]), begun[-1][0]))
        if found:
            return rng.choice(found)
        time.sleep(0.02)
    return None


def heads(seed: int, scale: Scale, folder: Path) -> Iterator[Trial]:
    """The head of the cluster, or this machine's node, dies: a sentence, and the command goes on without."""
    rng = random.Random(f"{seed} heads")
    for teacher in ("maze",) if scale == "small" else DOMAINS:
        for process in ("gcs_server",) if scale == "small" else ("gcs_server", "raylet"):
            work = Work(teacher, folder, 100)
            yield _beheaded(work, folder / f"{teacher}-{process}", process, rng, again=scale == "full")


def _beheaded(work: Work, artifacts: Path, process: str, rng: random.Random, again: bool) -> Trial:
    what = f"{work.teacher} on Ray, kill -9 of the head's {process} in mid-shard"
    mark = uuid.uuid4().hex
    with _cluster() as made:
        words = work.words(artifacts, "--executor=ray", f"--address={made.address}")
        running = started(words, {MARK: mark})
        if _at_work(running, artifacts, (), rng) is None:
            return Trial(what, f"no shard was under way: {ended(running)}")
        os.kill(made.head_node.all_processes[process][0].process.pid, signal.SIGKILL)
        began = time.monotonic()
        done = ended(running)
        seconds = time.monotonic() - began
    if done.code == 0:  # what was left could be done before anybody missed the head
        return Trial(what, _lost(done, work.wanted(), artifacts) or _left(mark))
    lost = done.fault or (None if "is gone" in done.sentence else f"it said something else: {done.sentence}")
    if seconds > MINUTE:
        lost = lost or f"it took {seconds:.0f} s to notice"
    if done.said.count("\n") > 4:
        lost = lost or f"there is noise beside the sentence: {done.said[:300]}"
    if not again:
        return Trial(what, lost or _left(mark))
    finished = {path: path.stat().st_mtime_ns for path in artifacts.glob("generate/*/data/*.parquet")}
    mended = distill(work.words(artifacts))
    for path, before in finished.items():
        if path.stat().st_mtime_ns != before:
            lost = lost or f"{path.name} was finished, and was made again"
    return Trial(what, lost or _lost(mended, work.wanted(), artifacts) or _left(mark))


@contextlib.contextmanager
def _cluster() -> Iterator[Any]:
    """Three nodes of one core whose workers find this project; what outlives its head is ended too."""
    from faults.command import ROOT
    from pipeline.clusterdemo import cluster

    mark = uuid.uuid4().hex
    told = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "RAY_health_check_period_ms": "500", MARK: mark}
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    try:
        with cluster(3) as made:
            yield made
    finally:
        for pid in marked(f"{MARK}={mark}"):
            if pid != os.getpid():
                _strike(pid, "kill")
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


FAULTS = (
    Fault("engines die or hang", engines),
    Fault("Ray workers and nodes die", nodes),
    Fault("Ray heads die", heads),
)
