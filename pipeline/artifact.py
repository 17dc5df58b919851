"""Atomic shards, manifests and hashes: the only module that decides what counts as written."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.errors import Damaged, Unfinished

MANIFEST = "manifest.json"
SIDECARS = ".written"
"""Folder of the small files that say which shards are complete, with their hashes."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Artifact:
    """A folder of one stage's output: finished when its manifest stands and the sizes in it match."""

    folder: Path

    @property
    def manifest_path(self) -> Path:
        """Where the manifest stands once the artifact is finished."""
        return self.folder / MANIFEST

    @cached_property
    def manifest(self) -> Json:
        """The manifest; raises Unfinished where there is none."""
        try:
            loaded: Json = json.loads(self.manifest_path.read_text())
        except FileNotFoundError:
            kept = len(list((self.folder / SIDECARS).glob("**/*.json")))
            raise Unfinished(
                f"{self.folder} has no manifest: it was never finished.\n"
                f"Run its stage again; the {kept} files that are complete will be kept."
                if self.folder.is_dir()
                else f"there is no folder {self.folder}"
            ) from None
        except ValueError:
            raise Damaged(f"{self.manifest_path} cannot be read: delete it and run the stage again") from None
        if not _is_manifest(loaded):
            raise Damaged(
                f"{self.manifest_path} is not what a stage writes: delete it and run the stage again"
            )
        return loaded

    def finished(self) -> bool:
        """Whether the manifest stands and every file in it has its size."""
        if not self.manifest_path.is_file():
            return False
        self.__dict__.pop("manifest", None)
        files = self.manifest["files"]
        return all(_size(self.folder / name) == entry["bytes"] for name, entry in files.items())

    def written(self, name: str) -> Json | None:
        """The sidecar of a complete file (bytes, hash, rows ...), or None."""
        try:
            entry: Json = json.loads((self.folder / SIDECARS / f"{name}.json").read_text())
        except (FileNotFoundError, ValueError):
            return None
        return entry if _size(self.folder / name) == entry["bytes"] else None

    def publish(self, name: str, write: Callable[[Path], None], **facts: Any) -> Json:
        """Write a file under a temporary name, rename it, then write its sidecar with `facts`."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            write(temporary)
            entry = {"bytes": temporary.stat().st_size, "blake2b": file_hash(temporary), **facts}
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        write_json(self.folder / SIDECARS / f"{name}.json", entry)
        return entry

    def publish_json(self, name: str, content: Json) -> Json:
        """Write plain data as a file of the artifact."""
        text = json.dumps(content, indent=1, ensure_ascii=False, default=str) + "\n"
        return self.publish(name, lambda path: write_text(path, text))

    def adopt(self, *names: str) -> None:
        """Count files that a library wrote in this folder as complete.

        Raises Damaged for a file that counted before and has changed since: what was hashed stays hashed.
        """
        for name in names:
            path, sidecar = self.folder / name, self.folder / SIDECARS / f"{name}.json"
            entry = {"bytes": path.stat().st_size, "blake2b": file_hash(path)}
            before = json.loads(sidecar.read_text()) if sidecar.is_file() else entry
            if before != entry:
                raise Damaged(
                    f"{path} was changed after it was made (hash mismatch).\n"
                    f"Delete {self.folder} and run the stage again."
                )
            write_json(sidecar, entry)

    def adopt_folder(self, folder: str) -> None:
        """Count every file below a folder as complete."""
        paths = sorted(path for path in (self.folder / folder).rglob("*") if path.is_file())
        self.adopt(*[path.relative_to(self.folder).as_posix() for path in paths])

    def discard(self, *names: str) -> None:
        """Remove files and what says that they were complete."""
        for name in names:
            (self.folder / SIDECARS / f"{name}.json").unlink(missing_ok=True)
            (self.folder / name).unlink(missing_ok=True)

    def seal(self, facts: Json) -> None:
        """Write the manifest: `facts`, and every complete file with its size, hash and rows."""
        write_json(self.manifest_path, {**facts, "files": dict(self._complete())})
        self.__dict__.pop("manifest", None)

    def names(self, pattern: str) -> list[str]:
        """The finished files whose names match a glob pattern, in order."""
        return sorted(name for name in self.manifest["files"] if Path(name).match(pattern))

    def verified(self, name: str) -> Path:
        """The path of a finished file after its hash was checked."""
        entry = self.manifest["files"].get(name)
        path = self.folder / name
        if entry is None:
            raise Damaged(f"{self.folder} has no file {name} in its manifest")
        if _size(path) != entry["bytes"] or file_hash(path) != entry["blake2b"]:
            raise Damaged(
                f"{path} was changed after it was made (hash mismatch).\n"
                f"Delete {self.manifest_path} and this file, and run the stage again."
            )
        return path

    def verified_folder(self, folder: str) -> Path:
        """A finished folder after the hashes of its files were checked."""
        for name in self.manifest["files"]:
            if name.startswith(f"{folder}/"):
                self.verified(name)
        return self.folder / folder

    def sweep(self) -> None:
        """Remove what an interrupted run left half-written."""
        for leftover in self.folder.rglob(".*.tmp"):
            leftover.unlink(missing_ok=True)

    def _complete(self) -> Iterator[tuple[str, Json]]:
        sidecars = self.folder / SIDECARS
        for path in sorted(sidecars.rglob("*.json")):
            name = path.relative_to(sidecars).as_posix().removesuffix(".json")
            entry = self.written(name)
            if entry is not None:
                yield name, entry


def write_json(path: Path, content: Json) -> None:
    """Write JSON in one step: readers see the old file or the new one."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, default=str) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text)
    temporary.replace(path)


def file_hash(path: Path) -> str:
    """The BLAKE2b hash of a file's content, 128 bits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def digest(content: Any) -> str:
    """A 64-bit hash of plain data, the same for the same content."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _is_manifest(loaded: Any) -> bool:
    """Whether what was read has the form of a manifest, as far as everything here relies on it."""
    if not isinstance(loaded, dict) or not isinstance(loaded.get("files", {}), dict):
        return False
    files = loaded.get("files", {}).values()
    return all(isinstance(entry, dict) and {"bytes", "blake2b"} <= set(entry) for entry in files)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
