"""How far an artifact has come, from the names in its folder, its notes and its manifest."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from pipeline.artifact import MANIFEST, SIDECARS, Artifact, is_note
from pipeline.errors import Damaged, Refusal
from pipeline.files import Json, intact
from pipeline.folders import STAGES
from pipeline.heartbeat import Note, notes

State = Literal["finished", "running", "failed", "stopped", "unfinished", "damaged", "not begun"]

PARTS = ("data", "ids", "checkpoint", "evaluation")
"""What a round of a bootstrap is made of, in order."""


@dataclass(frozen=True)
class Standing:
    """What was found of an artifact at one moment."""

    artifact: Artifact
    names: frozenset[str]
    """Every file of it, where it is kept."""
    sizes: dict[str, int]
    """Bytes of those in a store; empty for a folder, where they are looked up when needed."""
    notes: list[Note]
    manifest: Json | None

    @property
    def stage(self) -> str:
        """The stage that makes it; empty where nothing tells."""
        told = [note.stage for note in self.notes]
        made = (self.manifest or {}).get("stage")
        folder = self.artifact.folder.absolute().parent.name
        return str(made or (told[-1] if told else folder if folder in STAGES else ""))

    @cached_property
    def running(self) -> list[Note]:
        """Processes at work."""
        return [note for note in self.notes if note.alive()]

    @property
    def failed(self) -> list[Note]:
        """Runs that ended with a fault and were not done again."""
        return [note for note in self.notes if note.failed is not None]

    @property
    def stopped(self) -> list[Note]:
        """Runs that ended without a word."""
        return [note for note in self.notes if note.failed is None and note not in self.running]

    @cached_property
    def broken(self) -> list[str]:
        """Files of the manifest that are missing or have another size."""
        files = (self.manifest or {}).get("files", {})
        return [name for name, entry in files.items() if self._bytes(name) != entry["bytes"]]

    @property
    def state(self) -> State:
        """The one word for it."""
        if self.running:
            return "running"
        if self.failed:
            return "failed"
        if self.stopped:
            return "stopped"
        if self.manifest is not None:
            return "damaged" if self.broken else "finished"
        return "unfinished" if self.names else "not begun"

    @cached_property
    def complete(self) -> list[str]:
        """The files that count, by their sidecars."""
        inner = (name[len(SIDECARS) + 1 : -5] for name in self.names if name.startswith(f"{SIDECARS}/"))
        return sorted(name for name in inner if name in self.names)

    @property
    def shards(self) -> int:
        """Shards of `generate` that count."""
        return sum(name.startswith("data/part-") for name in self.complete)

    @property
    def size(self) -> int | None:
        """How many shards, steps, rounds or checkpoints the whole takes, where a run has told."""
        return max((note.size for note in self.notes if note.size is not None), default=None)

    def done(self) -> int | None:
        """How many of `size` are done; None where the files do not tell."""
        if self.stage == "generate":
            return self.shards
        if self.stage == "train":
            return max((work["done"] for note in self.notes for work in note.works[:1]), default=None)
        if self.stage == "bootstrap":
            return len(self.rounds(done=True))
        if self.stage == "evaluate":
            # Checkpoints answer one after the other, piece by piece: those before the last one are through.
            begun = [int(name.split("-")[1]) for name in self.complete if name.startswith("parts/rollouts-")]
            return self.size if "rollouts.parquet" in self.complete else max(begun, default=0)
        return None

    def rounds(self, done: bool) -> dict[str, list[str]]:
        """Rounds of arms of a bootstrap with the parts of them that stand: the whole ones, or the others."""
        found: dict[str, list[str]] = {}
        for name in sorted(self.names):
            arm, _, rest = name.partition("/round-")
            number, *inner = rest.split("/")
            if not arm or "/" in arm or not number.isdigit() or number == "0":
                continue
            parts = found.setdefault(f"{arm} {number}", [])
            if inner[1:] == [MANIFEST]:
                parts.append(inner[0])
        ordered = {each: [part for part in PARTS if part in parts] for each, parts in found.items()}
        return {each: parts for each, parts in ordered.items() if (len(parts) == len(PARTS)) == done}

    def seconds_left(self) -> float | None:
        """Of the whole artifact at the pace of the processes at work; None where nothing tells."""
        done, size = self.done(), self.size
        if self.stage not in ("generate", "train") or done is None or size is None:
            return None
        paces = [pace for note in self.running if (pace := pace_of(note)) is not None]
        return max(size - done, 0) / sum(paces) if sum(paces) > 0 else None

    def _bytes(self, name: str) -> int | None:
        if self.artifact.store is not None:
            return self.sizes.get(name)
        try:
            return (self.artifact.folder / name).stat().st_size
        except OSError:
            return None


def pace_of(note: Note) -> float | None:
    """How much of its innermost work a process does in a second; None before it has done any."""
    if not note.works:
        return None
    work = note.works[-1]
    seconds = note.beat - work["began"]
    fresh = work["done"] - work["before"]
    return fresh / seconds if fresh > 0 and seconds > 0 else None


def standing(folder: Path) -> Standing:
    """How an artifact stands; one that was never begun has no names."""
    artifact = Artifact(folder)
    sizes: dict[str, int] = {}
    if artifact.store is None:
        names = frozenset(_top(folder))
        if MANIFEST in names or _written(folder, names):
            names = frozenset(_below(folder))
    else:
        sizes = artifact.store.sizes(folder)
        names = frozenset(sizes)
    found = notes(artifact, names)
    manifest = _manifest(artifact) if MANIFEST in names else None
    return Standing(artifact, frozenset(names), sizes, found, manifest)


def require_artifact(found: Standing) -> Standing:
    """The standing of what is an artifact; raises Refusal for a folder that is none, or is not there."""
    place = found.artifact.place
    if not found.names and not found.notes:
        there = found.artifact.store is None and found.artifact.folder.is_dir()
        raise Refusal(f"{place} is an empty folder, not an artifact" if there else f"there is no {place}")
    if found.manifest is None and not found.notes and not _written(found.artifact.folder, found.names):
        raise Refusal(
            f"{place} is no artifact: no stage has written there;"
            " artifacts stand as artifacts/STAGE/DOMAIN-FINGERPRINT"
        )
    return found


def _written(folder: Path, names: Iterable[str]) -> bool:
    """Whether a stage has written there, so far as the names tell."""
    return folder.absolute().parent.name in STAGES or any(
        is_note(name) or name.split("/")[0] == SIDECARS for name in names
    )


def _top(folder: Path) -> list[str]:
    """The names that stand right in a folder; a folder that is no artifact may be large."""
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []


def _manifest(artifact: Artifact) -> Json:
    path = artifact.manifest_path
    text = path.read_text() if artifact.store is None else artifact.store.text(path) or ""
    try:
        loaded = json.loads(text)
        {name: entry["bytes"] for name, entry in loaded["files"].items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Damaged(f"{artifact.place}/{MANIFEST} cannot be read: delete it, run the stage again") from None
    if not intact(loaded):
        raise Damaged(f"{artifact.place}/{MANIFEST} was changed: delete it, run the stage again")
    return dict(loaded)


def _below(folder: Path) -> Iterator[str]:
    """The names of all files below a folder, from there; they may come and go meanwhile."""
    pending = [("", str(folder))]
    while pending:
        prefix, place = pending.pop()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append((f"{prefix}{entry.name}/", entry.path))
                    else:
                        yield prefix + entry.name
        except OSError:
            continue
