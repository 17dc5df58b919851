"""Cases at work in a process that may die or hang over them, and commands of their own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from time import monotonic

from faults.fuzzing import worker
from faults.fuzzing.case import Case

SECONDS = 10.0
"""Within which a command must have ended; those in which it waited for a processor do not count."""
STARTING = 60.0
"""More for a command of its own: until it has begun Python and imported what it needs, on a busy machine."""
PRELOADED = ["faults.fuzzing.preloaded"]


@dataclass(frozen=True)
class Ended:
    """How a command has ended."""

    code: int | None
    """None where it had to be stopped; negative is a signal."""
    out: str
    err: str
    growth: int = 0
    """Bytes by which the memory in use has grown at the most."""


@dataclass
class Worker:
    """A process that runs cases, begun anew where one has ended it."""

    _process: ForkServerProcess | None = None
    _requests: Connection | None = field(default=None, repr=False)

    def run(self, case: Case, folder: Path) -> Ended:
        """Run a case that stands in its folder within the worker."""
        process, requests = self._begun()
        requests.send((list(case.words), folder))
        code, growth = None, 0
        if _within(process.pid or 0, SECONDS, requests.poll):
            try:
                code, growth = requests.recv()
            except EOFError:  # it died
                process.join()
                code = process.exitcode
        if code is None or not process.is_alive():
            self.stop()
        return Ended(code, *_printed(folder), growth)

    def _begun(self) -> tuple[ForkServerProcess, Connection]:
        if self._process is None or self._requests is None:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(PRELOADED)
            self._requests, theirs = context.Pipe()
            self._process = context.Process(target=worker.serve, args=(theirs,))
            self._process.start()
            theirs.close()
            assert self._requests.recv() == worker.READY
        return self._process, self._requests

    def stop(self) -> None:
        """End the worker and whatever its cases have started."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid or 0, signal.SIGKILL)
            self._process.kill()
            self._process.join()
            self._process = self._requests = None


@contextmanager
def begun() -> Iterator[Worker]:
    """A worker that ends with the block."""
    made = Worker()
    try:
        yield made
    finally:
        made.stop()


def command(case: Case, folder: Path) -> Ended:
    """Run a case as a command of its own."""
    program = Path(sys.executable).with_name("distill")
    environment = {**os.environ, **worker.places(folder)}
    with (
        (folder / "in").open("rb") as typed,
        (folder / "out").open("wb") as out,
        (folder / "err").open("wb") as err,
    ):
        process = subprocess.Popen(
            [program, *case.words],
            cwd=folder / worker.HERE,
            env=environment,
            stdin=typed,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        within = _within(process.pid, SECONDS + STARTING, lambda seconds: _over(process, seconds))
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
    return Ended(code if within else None, *_printed(folder))


def _within(process: int, most: float, done: Callable[[float], bool]) -> bool:
    """Whether it is done in time; `done` waits for some seconds at most."""
    begun, idle = monotonic(), _queued(process)
    while not done(0.2):
        if monotonic() - begun - (_queued(process) - idle) > most:
            return False
    return True


def _over(process: subprocess.Popen[bytes], seconds: float) -> bool:
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    return process.returncode is not None


def _queued(process: int) -> float:
    """Seconds in which a process was ready to run and had no processor."""
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


def _printed(folder: Path) -> tuple[str, str]:
    out, err = ((folder / name).read_text(errors="replace") for name in ("out", "err"))
    return out, err
