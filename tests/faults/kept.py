"""What a killed command had finished: a command that goes on from there must not make it again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from fractions import Fraction
from pathlib import Path

from faults.victims import Done, Lost

SHARDS = (
    *("generate/*/data/*.parquet", "curate/*/data/*.parquet", "curate/*/rejected/*.parquet"),
    *("bootstrap/*/data/*.parquet", "evaluate/*/parts/*.parquet", "evaluate/*/rollouts.parquet"),
)
"""What counts as soon as its sidecar does; whatever else a stage writes counts with its manifest."""
ENCODED = "encode/*/ids/*.npy"
"""The arrays of a file count once the last of them does."""


@dataclass(frozen=True)
class Kept:
    """The finished files of a folder, by their names, and the saved step of each training under way."""

    folder: Path
    files: dict[str, tuple[int, int]]
    """Inode and time of the last change."""
    saved: dict[str, Fraction]
    """As a share of all its steps."""

    @classmethod
    def within(cls, folder: Path) -> Kept:
        """What is finished by now."""
        files = {name: _stamp(folder / name) for name in {*_shards(folder), *_parts(folder)}}
        return cls(folder, files, dict(_states(folder)))

    def require(self, done: Done, undisturbed: Done) -> None:
        """Raise Lost where the command that followed has made something again."""
        for _, operation, path, _ in done.operations:
            if operation == "rename" and path in self.files:
                raise Lost(f"{path} was finished and is made again")
        for name, before in self.files.items():
            if (self.folder / name).exists() and _stamp(self.folder / name) != before:
                raise Lost(f"{name} was finished and is written again")
        for run, share in self.saved.items():
            whole = _saves(undisturbed, run)
            left = whole - int(whole * share)
            again = _saves(done, run)
            if again > left or (again < left and done.code == 0):
                raise Lost(f"{run} had {left} of {whole} saves before it, and made {again}")


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


def _shards(folder: Path) -> Iterator[str]:
    """Shards and their sidecars."""
    for sidecar in folder.glob("artifacts/*/**/.written/**/*.json"):
        artifact = next(parent for parent in sidecar.parents if parent.name == ".written").parent
        data = artifact / sidecar.relative_to(artifact / ".written").as_posix().removesuffix(".json")
        name = data.relative_to(folder / "artifacts").as_posix()
        last = sidecar.with_name(f"{data.name.partition('.')[0]}.keys.npy.json")
        counts = any(fnmatch(name, pattern) for pattern in SHARDS)
        if (counts or (fnmatch(name, ENCODED) and last.is_file())) and _whole(data, sidecar):
            yield from (f"artifacts/{name}", sidecar.relative_to(folder).as_posix())


def _whole(data: Path, sidecar: Path) -> bool:
    size: int = json.loads(sidecar.read_text())["bytes"]
    return data.is_file() and data.stat().st_size == size


def _parts(folder: Path) -> Iterator[str]:
    """All of what has a manifest: artifacts, and the parts of a round."""
    for manifest in folder.glob("artifacts/**/manifest.json"):
        for path in manifest.parent.rglob("*"):
            if path.is_file():
                yield path.relative_to(folder).as_posix()


def _states(folder: Path) -> Iterator[tuple[str, Fraction]]:
    """Trainings and how far their saved states are."""
    import torch

    for settings in folder.glob("artifacts/**/run.json"):
        steps = json.loads(settings.read_text())["fit"]["steps"]
        # Between the two renamings of a save the former state has another name.
        places = (settings.parent / "last", settings.parent / ".last.previous")
        state = next((place / "state.ckpt" for place in places if (place / "state.ckpt").is_file()), None)
        done = torch.load(state, weights_only=True)["global_step"] if state else 0
        yield settings.parent.relative_to(folder).as_posix(), Fraction(done, steps)


def _saves(done: Done, run: str) -> int:
    """How often a command has published a state of a training."""
    return sum(
        operation == "rename" and path == f"{run}/last" and source == f"{run}/.last.partial"
        for _, operation, path, source in done.operations
    )
