"""Which Parquet files of a place are whole, and how many rows they have: names and sizes tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.artifact import SIDECARS, Artifact
from pipeline.inspect.header import nearest_manifest

ANSWERS = "rollouts.parquet"


@dataclass(frozen=True)
class Files:
    """Parquet files of one schema, in order."""

    paths: tuple[Path, ...]
    rows: Mapping[Path, int] = field(default_factory=dict)
    """What the manifest says of them; empty for files without one."""

    @property
    def name(self) -> str:
        """The first file, and how many others there are."""
        first = self.paths[0]
        more = f" and {len(self.paths) - 1:,} more" if len(self.paths) > 1 else ""
        return f"{first.absolute().parent.name}/{first.name}{more}"

    @property
    def bytes(self) -> int:
        """The size of all of them."""
        return sum(path.stat().st_size for path in self.paths)

    @property
    def splits(self) -> Mapping[str, int]:
        """Rows of each split, as the names of a data set's files tell them; empty where they do not."""
        counts: dict[str, int] = {}
        for path in self.paths:
            split = path.name.partition("-")[0]
            if split not in ("train", "validation", "test") or path not in self.rows:
                return {}
            counts[split] = counts.get(split, 0) + self.rows[path]
        return counts


def files_of(place: Path) -> Files | None:
    """The whole files right in a folder, or the file itself; of an evaluation, its answers.

    A file counts that has the size of its manifest or, without one, of its sidecar; where neither tells of
    it, it counts as it is.
    """
    if place.is_file():
        return Files((place,))
    answers = place / ANSWERS  # the other files of an evaluation have other schemas
    found = [answers] if answers.is_file() else sorted(place.glob("*.parquet"))
    known, unfinished = _entries(place)
    kept: dict[Path, int | None] = {}
    for path in found:
        entry = known.get(path.absolute())
        if (entry is None and not unfinished) or (entry and entry["bytes"] == path.stat().st_size):
            kept[path] = entry["rows"] if entry else None
    rows = {path: count for path, count in kept.items() if count is not None}
    return Files(tuple(kept), rows) if kept else None


def _entries(place: Path) -> tuple[dict[Path, Mapping[str, int]], bool]:
    """Sizes and rows of the files that are known to be whole, and whether the artifact is unfinished."""
    known = nearest_manifest(place, "files")
    if known is not None:
        folder, manifest = known
        files = manifest["files"]
        return {folder.absolute() / name: _sized(entry) for name, entry in files.items()}, False
    for folder in (place.absolute(), *place.absolute().parents[:2]):
        sidecars = folder / SIDECARS
        if sidecars.is_dir():
            names = [path.relative_to(sidecars).as_posix()[:-5] for path in sidecars.rglob("*.json")]
            found = {folder / name: Artifact(folder).written(name) for name in names}
            return {path: _sized(entry) for path, entry in found.items() if entry is not None}, True
    return {}, False


def _sized(entry: Mapping[str, int]) -> Mapping[str, int]:
    return {"bytes": entry["bytes"], "rows": entry.get("rows", -1)}
