"""Disks that fill up, have no inode left or are read-only, in every stage; and files that are damaged."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from faults.command import Ended, distill, inside
from faults.damage import damaged
from faults.mount import PAGE, Disk, disk
from faults.sameness import difference
from faults.trial import Fault, Scale, Trial
from faults.whole import before, command, stages, whole

SMALL = ("generate", "curate")
"""The stages of the reduced form: those that take a second."""


def full(seed: int, scale: Scale, folder: Path) -> Iterator[Trial]:
    """The disk is full at a moment of a stage; then there is room."""
    rng = random.Random(f"{seed} full")
    for stage in SMALL if scale == "small" else stages(scale):
        for part in (rng.random(),) if scale == "small" else (0.0, rng.uniform(0, 0.5), rng.uniform(0.5, 1)):
            room = int(part * 0.9 * _sizes(scale, stage)[0])
            what = f"{stage}, the disk has room for {room // PAGE} pages"
            yield _tried(scale, stage, folder, what, lambda made, room=room: made.room(bytes_=room))


def inodes(seed: int, scale: Scale, folder: Path) -> Iterator[Trial]:
    """No inode is left at a moment of a stage; then there are some."""
    rng = random.Random(f"{seed} inodes")
    for stage in SMALL[:1] if scale == "small" else stages(scale):
        room = 1 + int(rng.random() * 0.7 * _sizes(scale, stage)[1])
        what = f"{stage}, the disk has room for {room} files"
        yield _tried(scale, stage, folder, what, lambda made, room=room: made.room(inodes=room))


def frozen(seed: int, scale: Scale, folder: Path) -> Iterator[Trial]:
    """The folder of artifacts is read-only; then it is not. `seed` decides nothing."""
    for stage in SMALL[1:] if scale == "small" else stages(scale):
        what = f"{stage}, the artifacts are read-only"
        yield _tried(scale, stage, folder, what, lambda made: made.read_only(True), "Read-only file system")


def _sizes(scale: Scale, stage: str) -> tuple[int, int]:
    """Bytes of what a stage leaves, in pages, and how many files and folders."""
    left = [*(whole(scale)[1] / "artifacts" / stage).rglob("*")]
    return sum(-(-path.stat().st_size // PAGE) * PAGE for path in left if path.is_file()), len(left)


def _tried(
    scale: Scale,
    stage: str,
    folder: Path,
    what: str,
    harm: Callable[[Disk], None],
    said: str = "disk is full",
) -> Trial:
    """A stage on a disk with what it needs: harmed it says so, then it ends with the undisturbed bytes."""
    recipe, wanted = whole(scale)
    with disk(folder / "disk") as made:
        there, words = made.folder, command(stage, recipe)
        for each in before(scale, stage):
            shutil.copytree(wanted / "artifacts" / each, there / "artifacts" / each)
        harm(made)
        harmed = _run(scale, words, there)
        fault = _untold(harmed, said) or _left(there / "artifacts" / stage)
        made.read_only(False)
        made.room()
        mended = _run(scale, words, there)
        if fault is None and mended.code:
            fault = f"it did not go on: {mended.said.strip()[-300:]}"
        fault = fault or difference(there / "artifacts" / stage, wanted / "artifacts" / stage)
    (folder / "disk").rmdir()
    return Trial(what, fault)


def _run(scale: Scale, words: list[str], here: Path) -> Ended:
    return inside(words, here)[0] if scale == "small" else distill(words, here=here)


def _untold(harmed: Ended, said: str) -> str | None:
    if harmed.fault is None and said not in harmed.sentence:
        return f"it said something else: {harmed.sentence}"
    return harmed.fault


def _left(folder: Path) -> str | None:
    """What should not be there after a command that did not get through."""
    manifest = next(folder.glob("*/manifest.json"), None)
    return f"{manifest} calls it finished" if manifest else None


FAULTS = (
    Fault("disk full", full),
    Fault("no inode left", inodes),
    Fault("artifacts read-only", frozen),
    Fault("damaged files", damaged),
)
