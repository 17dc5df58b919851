"""`distill` as a user runs it: a process of its own, what it said, and what it left."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from faults.sameness import STATE
from pipeline.artifact import MANIFEST, Artifact
from pipeline.cli import main

ROOT = Path(__file__).parents[2]
PATIENCE = 240.0
"""Seconds after which a command counts as hung; the machine may be busy."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    said: str
    """Standard error."""

    @property
    def fault(self) -> str | None:
        """What is wrong with how a fault was told, or None: it takes a sentence and an exit code."""
        if self.code == HUNG:
            return "it hung"
        if "Traceback" in self.said:
            return f"a traceback: {self.said.strip().splitlines()[-1]}"
        if self.code != 1:
            return f"exit code {self.code}: {self.said.strip()[-300:]}"
        return None if "distill: " in self.said else f"no sentence: {self.said.strip()[-300:]}"

    @property
    def sentence(self) -> str:
        """What it told the user in the end."""
        return self.said[self.said.rfind("distill: ") :].strip()


HUNG = -1000
"""The exit code of a command that had to be killed."""


def started(
    words: Sequence[str], environment: Mapping[str, str] | None = None, here: Path | None = None
) -> subprocess.Popen[str]:
    """The command under way in a folder, the leader of a process group of its own."""
    return _started(["-m", "pipeline", *words], environment, here)


def _started(
    words: Sequence[str], environment: Mapping[str, str] | None, here: Path | None = None
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **(environment or {})},
        cwd=here,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ended(running: subprocess.Popen[str], patience: float = PATIENCE) -> Ended:
    """Wait for a command; one that takes too long is killed with all its processes."""
    try:
        _, said = running.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        _, said = running.communicate()
        return Ended(HUNG, said)
    return Ended(running.returncode, said)


def distill(
    words: Sequence[str], environment: Mapping[str, str] | None = None, here: Path | None = None
) -> Ended:
    """Run a command in a folder, to its end."""
    return ended(started(words, environment, here))


def inside(words: Sequence[str], here: Path) -> tuple[Ended, str]:
    """Run a command in this process, which saves its start; gives what it printed, too."""
    out, said = io.StringIO(), io.StringIO()
    with contextlib.chdir(here), contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
        try:
            code = main(words)
        except SystemExit as error:
            code = int(error.code or 0)
        except Exception:
            said.write(traceback.format_exc())
            code = 1
    return Ended(code, said.getvalue()), out.getvalue()


def script(text: str, words: Sequence[str], environment: Mapping[str, str] | None = None) -> Ended:
    """Run a few lines of Python to their end."""
    return ended(_started(["-c", text, *words], environment))


def hashes(artifacts: Path) -> dict[str, str]:
    """Every file that the manifests of a tree name, the rounds' own too, by its path, with its hash.

    The state of a training is left out: it holds how long that took. Raises Damaged where a file is not what
    its manifest says.
    """
    found = {}
    for manifest in sorted(artifacts.rglob(MANIFEST)):
        artifact = Artifact(manifest.parent)
        folder = manifest.parent.relative_to(artifacts)
        for name, entry in artifact.manifest["files"].items():
            artifact.verified(name)
            if not name.endswith(STATE):
                found[f"{folder}/{name}"] = entry["blake2b"]
    return found


def differing(wanted: Mapping[str, str], found: Mapping[str, str]) -> str | None:
    """A sentence about the first file that is not as wanted; None where all are."""
    for name in sorted({*wanted, *found}):
        if wanted.get(name) != found.get(name):
            return f"{name} {'is missing' if name not in found else 'differs'}"
    return None
