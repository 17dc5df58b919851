"""Small tasks for executors: each takes its time, then publishes a file whose content its number decides."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from pipeline.artifact import Artifact
from pipeline.errors import Refusal
from pipeline.files import write_text


def part(shard: int) -> str:
    return f"data/part-{shard:05d}.txt"


@dataclass(frozen=True)
class Sleeper:
    """Sleeps, then writes; says by a file who is at it, so that a test can kill it."""

    folder: Path
    seconds: float = 0.3

    def __call__(self, shard: int) -> int:
        (self.folder / "at-work").mkdir(exist_ok=True)
        note = self.folder / "at-work" / f"{shard}-{os.getpid()}"
        note.write_text(str(os.getpid()))
        time.sleep(self.seconds)
        text = "".join(f"{shard} {line}\n" for line in range(1000))
        Artifact(self.folder).publish(part(shard), lambda path: write_text(path, text))
        note.unlink()
        return shard * shard


@dataclass(frozen=True)
class Killer:
    """In the process `leader` kills another that is at work, once, then writes; elsewhere it never ends."""

    folder: Path
    leader: int

    def __call__(self, shard: int) -> None:
        note = self.folder / "at-work"
        if os.getpid() != self.leader:
            note.write_text(str(os.getpid()))
            time.sleep(3600)
        killed = self.folder / "killed"
        while not killed.exists():
            if note.is_file() and note.read_text():
                os.kill(int(note.read_text()), signal.SIGKILL)
                killed.write_text("")
            time.sleep(0.05)
        Artifact(self.folder).publish(part(shard), lambda path: write_text(path, str(shard)))


@dataclass(frozen=True)
class Failing:
    """Remarks on every shard; refuses one of them."""

    refused: int

    def __call__(self, shard: int) -> int:
        print(f"a remark on {shard}", file=sys.stderr)
        if shard == self.refused:
            raise Refusal("the teacher is ill")
        return shard
