"""Commands that are killed: when, who of their processes, and what must be gone afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parents[2]
PATIENCE = 600.0
"""Seconds that a command may take on the busiest machine before it counts as hanging."""
FAREWELL = 30.0
"""Seconds within which every process of a killed command must have ended by itself."""
MARK = "FAULTS_TRIAL"

Victim = Literal["process", "group", "worker"]


class Lost(Exception):
    """What a trial has shown to be lost, in a sentence."""


@dataclass(frozen=True)
class Operation:
    """The `count`-th time that a process does something to a file; empty words stand for any."""

    role: Literal["main", "worker"] = "main"
    operation: str = ""
    path: str = ""
    count: int = 1
    delay: float = 0.0
    """Seconds behind the operation, to die within what it begins."""

    def __str__(self) -> str:
        what = f"{self.operation} {self.path}" if self.path else "operation"
        later = f" + {1000 * self.delay:.0f} ms" if self.delay else ""
        return f"at {what}{f' ({self.count})' if self.count > 1 or not self.path else ''}{later}"


@dataclass(frozen=True)
class Clock:
    """A share of the seconds that the command takes undisturbed."""

    share: float
    whole: float

    def __str__(self) -> str:
        return f"after {self.share:.1%} of the time"


@dataclass(frozen=True)
class Kill:
    """A kill -9 of the process, of its whole group or of one of its workers."""

    victim: Victim
    moment: Operation | Clock

    def __str__(self) -> str:
        return f"{self.victim} {self.moment}"

    def earlier(self) -> Kill:
        """The next one to try where the command had ended before it."""
        if isinstance(self.moment, Clock):
            return replace(self, moment=replace(self.moment, share=self.moment.share / 2))
        if self.moment.delay:
            return replace(self, moment=replace(self.moment, delay=0.0))
        # Of what all workers do together, each does a part.
        assert self.moment.count > 1, f"the moment never came: {self}"
        return replace(self, moment=replace(self.moment, count=self.moment.count // 2))


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    told: str
    """What it wrote to standard error."""
    operations: list[tuple[str, str, str, str]]
    """Role, operation, path and, for a renaming, the former path: of all its processes, in order."""
    seconds: float


class Late(Exception):
    """The command ended before the moment came."""

    def __init__(self, done: Done) -> None:
        super().__init__(done.told)
        self.done = done


def run(words: Sequence[str], folder: Path, kill: Kill | None = None) -> Done:
    """Run `distill` in a folder, and kill it; raises Lost for a hang or a process that stays behind.

    Raises Late where it ended before it was killed.
    """
    log = folder.with_name(f"{folder.name}.log")
    log.unlink(missing_ok=True)
    began = time.monotonic()
    with _begun(words, folder, log, kill) as (process, errors):
        if kill is not None and isinstance(kill.moment, Clock):
            _strike(process, kill.victim, began + kill.moment.share * kill.moment.whole)
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Lost(f"`{' '.join(words[:3])}` does not end") from None
        seconds = time.monotonic() - began
        _require_gone(folder)
    lines = log.read_text().splitlines() if log.exists() else []
    operations = [tuple(line.split("\t")) for line in lines if line.count("\t") == 3]
    done = Done(code, errors.read_text(), operations, seconds)  # type: ignore[arg-type]
    if kill is not None:
        _require_killed(done, kill)
    return done


@contextmanager
def _begun(
    words: Sequence[str], folder: Path, log: Path, kill: Kill | None
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    last = None
    if kill is not None and isinstance(kill.moment, Operation):
        last = {**asdict(kill.moment), "victim": kill.victim}
    watch = {"below": f"{folder.resolve()}/", "log": str(log), "last": last}
    paths = [str(Path(__file__).parent / "hook"), str(ROOT)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "FAULTS_WATCH": json.dumps(watch),
        MARK: str(folder.resolve()),
    }
    errors = folder.with_name(f"{folder.name}.errors")
    with errors.open("wb") as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", *words],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=told,
            start_new_session=True,
        )
        try:
            yield process, errors
        finally:
            for pid in marked(folder):
                _kill(pid)
            process.wait()


def _strike(process: subprocess.Popen[bytes], victim: Victim, at: float) -> None:
    """Kill when the time has come; a worker as soon as there is one."""
    while process.poll() is None:
        if time.monotonic() >= at:
            if victim == "group":
                os.killpg(process.pid, signal.SIGKILL)
                return
            chosen = process.pid if victim == "process" else _worker(process.pid)
            if chosen is not None:
                _kill(chosen)
                return
        time.sleep(0.001)


def _require_killed(done: Done, kill: Kill) -> None:
    if kill.victim != "worker":
        if done.code != -signal.SIGKILL:
            raise Late(done)
        return
    if done.code == 0:
        raise Late(done)
    # The death of a worker is told in a sentence, and ends the command.
    if done.code != 1 or "a worker process died" not in done.told or "Traceback" in done.told:
        raise Lost(f"the death of a worker ended it with {done.code}: {done.told[-500:]}")


def marked(folder: Path) -> list[int]:
    """The processes that have begun for a trial in the folder and are there still."""
    mark = f"{MARK}={folder.resolve()}".encode()
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                words = Path(entry.path, "environ").read_bytes().split(b"\0")
                state = Path(entry.path, "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if mark in words and state not in "ZX":
                found.append(int(entry.name))
    return found


def _require_gone(folder: Path) -> None:
    limit = time.monotonic() + FAREWELL
    while left := marked(folder):
        if time.monotonic() > limit:
            raise Lost(f"a process stays behind: {_line(left[0])}")
        time.sleep(0.02)


def _worker(parent: int) -> int | None:
    """A worker of a pool: a child that Python has spawned for it."""
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    except OSError:
        return None
    return next((int(pid) for pid in children if "spawn_main" in _line(int(pid))), None)


def _line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return ""


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
