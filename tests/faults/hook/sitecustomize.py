"""Python imports this as a victim starts: it notes what the process does to files, and dies where it is told.

On the path of the children of a trial alone. An operation is told just before it is done, so a process that
dies at the renaming of a file leaves its temporary name, and one that dies at the next has renamed it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
from pathlib import Path
from typing import Any

OPERATIONS = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")
OWN = (".running-", ".failed-", "/tensorboard/")
"""What has another name or another moment in every run: notes of processes, and TensorBoard's files."""
NUMBERED = re.compile(r"(?<=\.)\d+(?=\.tmp\b)")
"""Names of temporary files hold the number of their process."""


class Watch:
    """Counts operations below a folder; at the one that was named, kills."""

    def __init__(self, below: str, log: str, last: dict[str, Any] | None) -> None:
        self.below, self.last, self.seen = below, last, 0
        self.log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.role = "worker" if any("spawn_main" in word for word in sys.orig_argv) else "main"

    def __call__(self, event: str, given: tuple[Any, ...]) -> None:
        """Audit hook: `event` by the names of Python's table of audit events."""
        if event == "open":
            writes = isinstance(given[2], int) and given[2] & (os.O_WRONLY | os.O_RDWR)
            told = ("write", given[0], "") if writes else None
        elif event in OPERATIONS:
            target = given[1] if event == "os.rename" else given[0]
            told = (event.removeprefix("os."), target, given[0] if event == "os.rename" else "")
        else:
            told = None
        if told is not None:
            self._note(told[0], self._named(told[1]), self._named(told[2]))

    def _named(self, path: Any) -> str:
        """The path from the folder, without numbers of processes; empty for what is elsewhere."""
        if not isinstance(path, str | bytes | os.PathLike):
            return ""
        full = str(Path.cwd() / os.fsdecode(path))
        inside = full.startswith(self.below) and not any(part in full for part in OWN)
        return NUMBERED.sub("N", full.removeprefix(self.below)) if inside else ""

    def _note(self, operation: str, path: str, source: str) -> None:
        if not path:
            return
        os.write(self.log, f"{self.role}\t{operation}\t{path}\t{source}\n".encode())
        last = self.last
        if last is None or last["role"] != self.role:
            return
        if (last["operation"] or operation, last["path"] or path) == (operation, path):
            self.seen += 1
            if self.seen == last["count"]:
                self._die(last["victim"], last["delay"])

    def _die(self, victim: str, delay: float) -> None:
        if delay:
            threading.Timer(delay, self._die, (victim, 0.0)).start()
        elif victim == "group":
            os.killpg(0, signal.SIGKILL)
        else:
            os.kill(os.getpid(), signal.SIGKILL)


if "FAULTS_WATCH" in os.environ:
    sys.addaudithook(Watch(**json.loads(os.environ["FAULTS_WATCH"])))
