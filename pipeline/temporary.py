"""Names of files while they are written: they say whose they are, so that those of the dead can go."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

from pipeline.machine import host


def temporary(path: Path) -> Path:
    """Where this process writes a file before it renames it; no other process takes the same name."""
    return path.with_name(f".{path.name}.{_mark()}.{os.getpid()}.tmp")


def is_temporary(path: Path) -> bool:
    """Whether a file is half-written, or was when its process died."""
    return path.name.startswith(".") and path.name.endswith(".tmp")


def orphaned(path: Path) -> bool:
    """Whether the process of this machine that was to rename the file has gone."""
    *_, mark, pid, _ = ("", "", *path.name.split("."))
    return mark == _mark() and pid.isdigit() and not Path(f"/proc/{pid}").exists()


@cache
def _mark() -> str:
    """This machine in eight letters: on a shared disk, others have processes of the same number."""
    return hashlib.blake2b(host().encode(), digest_size=4).hexdigest()
