"""Files that are not as the manifest above them says: all sizes are looked at, and hashes up to a limit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.artifact import MANIFEST, Artifact
from pipeline.errors import Damaged
from pipeline.inspect.header import nearest_manifest

HASHED = 64 * 1024**2
"""Bytes that are read to check hashes, of small files first: a look takes no longer for a large data set."""


def resized(place: Path) -> list[str]:
    """A sentence for each file at or below a place that has gone or has another size."""
    return [
        f"{name} is missing or was changed after it was made"
        for artifact, name, entry in _named(place)
        if not (artifact.folder / name).is_file() or (artifact.folder / name).stat().st_size != entry["bytes"]
    ]


def changed(place: Path) -> Iterator[str]:
    """A sentence for each file of the right size whose hash is another one, as far as hashes are checked."""
    left = HASHED
    for artifact, name, entry in sorted(_named(place), key=lambda each: each[2]["bytes"]):
        left -= entry["bytes"]
        path = artifact.folder / name
        if left < 0 or not path.is_file() or path.stat().st_size != entry["bytes"]:
            continue
        try:
            artifact.verified(name)
        except Damaged as fault:
            yield str(fault)


def _named(place: Path) -> list[tuple[Artifact, str, dict[str, int]]]:
    """What the manifests above and below a place name at or below it: a bootstrap's rounds have their own."""
    found = nearest_manifest(place, "files")
    if found is None:
        return []
    inside = place.absolute()
    artifacts = [Artifact(found[0].absolute())]
    artifacts += [
        Artifact(path.parent) for path in inside.rglob(MANIFEST) if path.parent != found[0].absolute()
    ]
    return [
        (artifact, name, entry)
        for artifact in artifacts
        for name, entry in artifact.manifest["files"].items()
        if (path := artifact.folder / name) == inside or inside in path.parents
    ]
