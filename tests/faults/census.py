"""What a process and all below it hold at a moment: memory, handles, threads, processes, read from /proc."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Census:
    """Sums over a process and its descendants."""

    memory: float
    """Megabytes that are the processes' own: pages of files, which the kernel may drop, do not count."""
    handles: int
    """Open file descriptors."""
    threads: int
    processes: int
    zombies: int
    """Children that ended and were not waited for; they count as processes too."""


def census(root: int) -> Census:
    """Count now. What ends while it is counted counts as ended."""
    memory = handles = threads = processes = zombies = 0
    for pid in tree(root):
        try:
            status = dict(_fields((PROC / str(pid) / "status").read_text()))
            handles += len(list((PROC / str(pid) / "fd").iterdir()))
        except OSError:
            continue
        processes += 1
        zombies += status["State"].startswith("Z")
        threads += int(status["Threads"])
        memory += sum(_kilobytes(status.get(name, "")) for name in ("RssAnon", "RssShmem", "VmSwap"))
    return Census(memory / 1024, handles, threads, processes, zombies)


def tree(root: int) -> Iterator[int]:
    """A process and its descendants, whichever thread started them."""
    yield root
    for task in (PROC / str(root) / "task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from tree(int(child))


def marked(mark: str) -> list[int]:
    """All processes of this machine that have `mark` in their environment, wherever they were born."""
    found = []
    for place in PROC.glob("[0-9]*/environ"):
        try:
            there = mark.encode() in place.read_bytes()
        except OSError:
            continue
        if there:
            found.append(int(place.parent.name))
    return found


def _fields(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, _, value = line.partition(":")
        yield name, value.strip()


def _kilobytes(value: str) -> int:
    return int(value.split()[0]) if value else 0
