"""A small disk of its own, which can be filled, emptied and made read-only."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PAGE = 4096


@dataclass(frozen=True)
class Disk:
    """A tmpfs."""

    folder: Path

    @property
    def used(self) -> tuple[int, int]:
        """Bytes and inodes."""
        stat = os.statvfs(self.folder)
        return (stat.f_blocks - stat.f_bfree) * stat.f_frsize, stat.f_files - stat.f_ffree

    def room(self, bytes_: int | None = None, inodes: int | None = None) -> None:
        """Leave room for so much beyond what is used; None leaves plenty."""
        have, files = self.used
        # A size of 0 would be no limit.
        size = 1 << 30 if bytes_ is None else max(PAGE, have + -(-bytes_ // PAGE) * PAGE)
        _mount(
            "-o",
            f"remount,size={size},nr_inodes={1 << 20 if inodes is None else files + inodes}",
            self.folder,
        )

    def read_only(self, frozen: bool) -> None:
        """Refuse to be written, or not any more."""
        _mount("-o", f"remount,{'ro' if frozen else 'rw'}", self.folder)


@contextlib.contextmanager
def disk(folder: Path) -> Iterator[Disk]:
    """A disk at a folder, which is made; gone afterwards."""
    folder.mkdir(parents=True)
    _mount("-t", "tmpfs", "-o", f"size={1 << 30},nr_inodes={1 << 20}", "tmpfs", folder)
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@cache
def refused() -> str:
    """Why no disk can be mounted here; empty where it can."""
    import tempfile

    with tempfile.TemporaryDirectory() as above:
        try:
            with disk(Path(above) / "disk") as made:
                made.room(PAGE)
        except (OSError, subprocess.CalledProcessError) as error:
            return f"no disk can be mounted here: {error}"
    return ""


def _mount(*words: str | Path) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True)
