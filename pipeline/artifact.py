"""Atomic shards, manifests and hashes: the only module that decides what counts as written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.delivery import send
from pipeline.errors import Damaged, Unfinished
from pipeline.files import CHECK, Json, file_hash, intact, marked, write_json, write_text
from pipeline.manifest import is_entry, sound
from pipeline.plain import from_json
from pipeline.store import Store, store_of
from pipeline.temporary import is_temporary, orphaned, temporary

MANIFEST = "manifest.json"
SIDECARS = ".written"
"""Folder of the small files that say which shards are complete, with their hashes."""

TOGETHER = "together"
"""What stands with a file that a library wrote: it cannot be made again without the others."""

RUNNING, FAILED = ".running-", ".failed-"
"""How the notes begin that a process leaves at the root of an artifact (`heartbeat.py`)."""


@dataclass(frozen=True)
class Artifact:
    """A folder of one stage's output: finished when its manifest stands and the sizes in it match."""

    folder: Path
    """On this machine; where it mirrors a store (`store.py`), the store decides what is there."""

    @cached_property
    def store(self) -> Store | None:
        """The store that keeps the files; None where the folder itself does."""
        return store_of(self.folder)

    @property
    def place(self) -> str:
        """The folder, or its URL, as a user knows it."""
        return self.store.place(self.folder) if self.store else str(self.folder)

    @cached_property
    def _stored(self) -> dict[str, int]:
        """Bytes of the files in the store, as last listed; the sidecars come along at once."""
        if self.store is None:
            return {}
        sizes = self.store.sizes(self.folder)
        sidecars = [name for name in sizes if name.startswith(f"{SIDECARS}/")]
        self.store.fetch(self.folder, [name for name in sidecars if _size(self.folder / name) != sizes[name]])
        return sizes

    @property
    def manifest_path(self) -> Path:
        """Where the manifest stands once the artifact is finished."""
        return self.folder / MANIFEST

    @cached_property
    def manifest(self) -> Json:
        """The manifest; raises Unfinished where there is none."""
        if self.store is not None and not self.store.get(self.manifest_path):
            self.manifest_path.unlink(missing_ok=True)  # it was taken out of the store
        try:
            loaded: Json = from_json(self.manifest_path.read_text())
        except FileNotFoundError:
            kept = len(list((self.folder / SIDECARS).glob("**/*.json")))
            raise Unfinished(
                f"{self.place} has no manifest: it was never finished.\n"
                f"Run its stage again; the {kept} files that are complete will be kept."
                if self.folder.is_dir()
                else f"there is no folder {self.folder}"
            ) from None
        except ValueError:
            raise Damaged(f"{self.manifest_path} cannot be read: delete it and run the stage again") from None
        if not sound(loaded):
            raise Damaged(
                f"{self.manifest_path} is not what a stage writes: delete it and run the stage again"
            )
        if not intact(loaded):
            raise Damaged(
                f"{self.manifest_path} was changed after it was made (hash mismatch):"
                " delete it and run the stage again"
            )
        return loaded

    def finished(self) -> bool:
        """Whether the manifest stands and every file in it has its size."""
        self.refresh()
        try:
            return not self.broken()
        except Unfinished:
            return False

    def broken(self) -> list[str]:
        """The files of the manifest that have gone or have another size; raises Unfinished without one."""
        files = self.manifest["files"]
        return [name for name, entry in files.items() if self._bytes(name) != entry["bytes"]]

    def refresh(self) -> None:
        """Forget what is known of the artifact: it may have grown."""
        self.__dict__.pop("manifest", None)
        self.__dict__.pop("_stored", None)

    def written(self, name: str) -> Json | None:
        """The sidecar of a complete file (bytes, hash, rows ...), or None."""
        entry = self._sidecar(name)
        if entry is not None and _size(self.folder / name) == entry["bytes"]:
            return entry
        if self.store is None or name not in self._stored:
            return None
        entry = self._sidecar(name)  # the listing has brought those of other machines
        return entry if entry is not None and self._stored[name] == entry["bytes"] else None

    def _sidecar(self, name: str) -> Json | None:
        try:
            entry: Json = from_json((self.folder / SIDECARS / f"{name}.json").read_text())
        except (FileNotFoundError, ValueError):
            return None
        if not is_entry(entry) or not intact(entry):
            return None  # it was damaged itself: the file is made again
        entry.pop(CHECK, None)
        return entry

    def publish(self, name: str, write: Callable[[Path], None], **facts: Any) -> Json:
        """Write a file under a temporary name, rename it, then write its sidecar with `facts`."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = temporary(target)
        try:
            write(partial)
            entry = {"bytes": partial.stat().st_size, "blake2b": file_hash(partial), **facts}
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        self._upload(name)
        write_json(self.folder / SIDECARS / f"{name}.json", marked(entry))
        self._upload(f"{SIDECARS}/{name}.json")
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
            try:
                entry = {"bytes": path.stat().st_size, "blake2b": file_hash(path)}
            except FileNotFoundError:
                raise self._damaged(path, "has gone", self.place) from None
            before = self._sidecar(name) or entry
            if any(before[key] != entry[key] for key in entry):
                raise self._damaged(path, "was changed after it was made (hash mismatch)", self.place)
            write_json(sidecar, marked({**entry, TOGETHER: True}))
            self._upload(name, f"{SIDECARS}/{name}.json")

    def adopt_folder(self, folder: str) -> None:
        """Count every file below a folder as complete; raises Damaged where one is missing that was so."""
        sidecars = self.folder / SIDECARS
        there = [
            path.relative_to(self.folder) for path in (self.folder / folder).rglob("*") if path.is_file()
        ]
        noted = [path.relative_to(sidecars).with_suffix("") for path in (sidecars / folder).rglob("*.json")]
        self.adopt(*sorted({path.as_posix() for path in (*there, *noted)}))

    def _damaged(self, path: Path | str, what: str, delete: str) -> Damaged:
        return Damaged(f"{path} {what}.\nDelete {delete} and run the stage again.")

    def discard(self, *names: str) -> None:
        """Remove files and what says that they were complete."""
        for name in names:
            for each in (f"{SIDECARS}/{name}.json", name):
                (self.folder / each).unlink(missing_ok=True)
                if self.store is not None and self._stored.pop(each, None) is not None:
                    self.store.remove(self.folder / each)

    def seal(self, facts: Json) -> None:
        """Write the manifest: `facts`, and every complete file with its size, hash and rows."""
        files = dict(self._complete())
        self.save()
        self._remove_notes()
        write_json(self.manifest_path, marked({**facts, "files": files}))
        self._upload(MANIFEST)
        self.__dict__.pop("manifest", None)

    def save(self) -> None:
        """Upload what stands in the folder and is not in the store in its size: cards, logs, states."""
        if self.store is None:
            return
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            if (
                path.is_file()
                and not is_temporary(path)
                and not is_note(name)
                and name != MANIFEST
                and self._stored.get(name) != _size(path)
            ):
                self._upload(name)

    def _remove_notes(self) -> None:
        """Nobody is at work any more, and what failed was done again."""
        there = [path.name for path in self.folder.iterdir() if is_note(path.name)]
        self.discard(*{*there, *filter(is_note, self._stored)})

    def resume(self, state: str) -> None:
        """Fetch the whole artifact where this machine lacks the file from which an unfinished run goes on."""
        if self.store is not None and not (self.folder / state).is_file():
            self._fetch([name for name in self._stored if not is_note(name)])

    def path(self, name: str) -> Path:
        """A file to read, fetched first where this machine lacks it; its hash is not checked."""
        if self.store is not None and _size(self.folder / name) != self._stored.get(name):
            self._fetch([name])
        return self.folder / name

    def _fetch(self, names: list[str]) -> None:
        if self.store is not None:
            there = [name for name in names if name in self._stored]
            changed = [name for name in there if _size(self.folder / name) != self._stored[name]]
            self.store.fetch(self.folder, changed)

    def _upload(self, *names: str) -> None:
        """Put files into the store, in that order."""
        if self.store is not None:
            for name in names:
                send(self.store, self.folder / name)
                if "_stored" in self.__dict__:  # a worker that writes one shard needs no listing
                    self._stored[name] = _size(self.folder / name) or 0

    def _bytes(self, name: str) -> int | None:
        """The size of a file where it is kept."""
        return _size(self.folder / name) if self.store is None else self._stored.get(name)

    def names(self, pattern: str) -> list[str]:
        """The finished files whose names match a glob pattern, in order."""
        return sorted(name for name in self.manifest["files"] if Path(name).match(pattern))

    def complete(self, pattern: str) -> list[str]:
        """The complete files whose names match a glob pattern, in order: of an unfinished artifact, too."""
        return [name for name, _ in self._complete() if Path(name).match(pattern)]

    def verified(self, name: str) -> Path:
        """The path of a finished file after its hash was checked."""
        entry = self.manifest["files"].get(name)
        if entry is None:
            raise Damaged(f"{self.place} has no file {name} in its manifest")
        sealed = self.store.place(self.manifest_path) if self.store else self.manifest_path
        return self._checked(name, entry, self.place if entry.get(TOGETHER) else f"{sealed} and this file")

    def verified_folder(self, folder: str) -> Path:
        """A finished folder after the hashes of its files were checked.

        Its files were made together, by a library: where one is damaged, all of them are to be made again.
        """
        inside = {
            name: each for name, each in self.manifest["files"].items() if name.startswith(f"{folder}/")
        }
        self._fetch(list(inside))
        # Hashing lets other threads run: on one core, a hundred gigabytes take three minutes.
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            list(threads.map(lambda name: self._checked(name, inside[name], self.place), inside))
        return self.folder / folder

    def verified_part(self, name: str) -> Path:
        """The path of a complete file of an artifact that is not finished, after its hash was checked."""
        entry = self.written(name)
        if entry is None:
            raise Damaged(f"{self.place} has no complete file {name}")
        return self._checked(name, entry, "this file")

    def _checked(self, name: str, entry: Json, delete: str) -> Path:
        """The path of a file that is as its entry says; in a mirror it is fetched again where it is not."""
        path = self.path(name)
        if not _is_as(path, entry) and self.store is not None:
            path.unlink(missing_ok=True)
            self.path(name)
        if not _is_as(path, entry):
            what = "was changed after it was made (hash mismatch)" if path.is_file() else "has gone"
            if self.store is None:
                raise self._damaged(path, what, delete)
            path.unlink(missing_ok=True)
            raise self._damaged(self.store.place(path), what, delete)
        return path

    def sweep(self, among_others: bool = False) -> None:
        """Remove what an interrupted run left half-written; `among_others` only that of dead processes."""
        for leftover in self.folder.rglob(".*.tmp"):
            if not among_others or orphaned(leftover):
                leftover.unlink(missing_ok=True)

    def _complete(self) -> Iterator[tuple[str, Json]]:
        sidecars = self.folder / SIDECARS
        self.refresh()  # workers have published too
        names = {name for name in self._stored if name.startswith(f"{SIDECARS}/")}
        names |= {path.relative_to(self.folder).as_posix() for path in sidecars.rglob("*.json")}
        for each in sorted(names):
            name = each.removeprefix(f"{SIDECARS}/").removesuffix(".json")
            entry = self.written(name)
            if entry is not None:
                yield name, entry


def require_whole(folder: Path) -> None:
    """Check the hashes of a folder of a finished artifact; raises Damaged. Others are taken as they are."""
    above = Artifact(folder.parent)
    if above.manifest_path.is_file():
        above.verified_folder(folder.name)


def is_note(name: str) -> bool:
    """Whether a file at the root of an artifact is a note: no data, gone when it is finished."""
    return name.startswith((RUNNING, FAILED)) and name.endswith(".json")


def _is_as(path: Path, entry: Json) -> bool:
    return bool(_size(path) == entry["bytes"] and file_hash(path) == entry["blake2b"])


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
