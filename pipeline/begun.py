"""What an artifact was begun with, noted while it is unfinished, so that a changed recipe can be told.

Other settings are another folder, and nothing is overwritten; but whoever changed a recipe half-way should
hear that the work begins anew, and where the other half is.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from pipeline.artifact import Artifact
from pipeline.console import say
from pipeline.files import Json, write_json
from pipeline.heartbeat import first_rank, notes

if TYPE_CHECKING:
    from pipeline.stage import Job

BEGUN = ".begun.json"
"""The note's file in the artifact: no data, gone before the manifest is written."""
SHOWN = 4
"""Differences that the line names."""
WIDEST = 40
"""Letters of a value in it."""
OWN = ("domain", "model", "seed")
"""Settings that have the same name in a recipe, whichever stage they decide about."""


@dataclass(frozen=True)
class Beginning:
    """The note: whose artifact it is, since when, and all settings that decide its content."""

    recipe: str
    time: float
    settings: Json


def begin(job: Job, ours: Collection[str] = ()) -> None:
    """Leave the note in a new artifact, and say where another one of the recipe stands half-finished.

    `ours` are fingerprints that this run makes on purpose, as a sweep does. What cannot be noted is left out:
    a note never ends a run.
    """
    artifact = job.artifact
    if not first_rank() or artifact.manifest_path.is_file() or _text(artifact):
        return
    beginning = Beginning(job.recipe.name, time.time(), deciding(job))
    told = _told(beginning, list(_others(job, ours)))
    if told:
        say(job.stage.name, f"[yellow]{escape(told)}[/yellow]")
    with suppress(Exception):  # a full disk, a store that does not answer: the run itself will say so
        write_json(artifact.folder / BEGUN, asdict(beginning))
        if artifact.store is not None:
            artifact.store.system.put_file(
                str(artifact.folder / BEGUN), artifact.store.place(artifact.folder / BEGUN)
            )


def end(artifact: Artifact) -> None:
    """Take the note away: the artifact is about to be finished, and its manifest says all of it."""
    (artifact.folder / BEGUN).unlink(missing_ok=True)
    if artifact.store is not None:
        artifact.store.remove(artifact.folder / BEGUN)


def deciding(job: Job) -> Json:
    """The settings of a job and of all that it reads, by their names in the recipe where they have one."""
    found: Json = {}
    for each in job.inputs:
        name = each.recipe.name
        variant = "" if name == job.recipe.name else f"variants.{name.removeprefix(f'{job.recipe.name}/')}."
        found |= {f"{variant}{field}": value for field, value in deciding(each).items()}
    stage = job.stage.name
    for field, value in _flat(job.settings):
        own = stage == "train" or field.partition(".")[0] in OWN
        found[field if own else f"{stage}.{field}"] = value
    return {**found, f"{stage}.version": job.stage.version}


def _flat(tree: Json, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _others(job: Job, ours: Collection[str]) -> Iterator[tuple[str, Beginning]]:
    """Places and notes of the other artifacts of this recipe at which nobody works, though unfinished."""
    prefix = f"{job.recipe.domain.name}-"
    for folder in _siblings(job.artifact):
        if folder.name.startswith(prefix) and folder.name.removeprefix(prefix) not in ours:
            other = Artifact(folder)
            found = _read(other)
            if found is not None and found.recipe == job.recipe.name and not _busy(other):
                yield other.place, found


def _siblings(artifact: Artifact) -> list[Path]:
    """The other folders of the stage: one listing of their names."""
    above, store = artifact.folder.parent, artifact.store
    with suppress(Exception):  # nothing depends on what does not answer
        listed = above.iterdir() if store is None else store.system.ls(store.place(above), detail=False)
        names = {str(path).rstrip("/").rpartition("/")[2] for path in listed}
        return [above / name for name in sorted(names - {artifact.folder.name})]
    return []


def _read(artifact: Artifact) -> Beginning | None:
    """The note of an unfinished artifact; None where there is none that can be read."""
    try:
        return Beginning(**json.loads(_text(artifact) or ""))
    except (ValueError, TypeError):
        return None


def _text(artifact: Artifact) -> str | None:
    path = artifact.folder / BEGUN
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return None if artifact.store is None else artifact.store.text(path)


def _busy(artifact: Artifact) -> bool:
    return any(note.alive() for note in notes(artifact))


def _told(beginning: Beginning, others: list[tuple[str, Beginning]]) -> str:
    """The line, about the latest of the others; empty where there are none."""
    if not others:
        return ""
    place, latest = max(others, key=lambda other: other[1].time)
    changes = list(_changes(latest.settings, json.loads(json.dumps(beginning.settings, default=str))))
    named = ", ".join(changes[:SHOWN]) + (f" and {len(changes) - SHOWN} more" if changes[SHOWN:] else "")
    further = f" (and {len(others) - 1} more)" if others[1:] else ""
    return f"begins anew, as the recipe has changed: {named}; half-finished and kept: {place}{further}"


def _changes(before: Json, now: Json) -> Iterator[str]:
    for name in dict.fromkeys((*before, *now)):
        if before.get(name) != now.get(name):
            yield f"{name} {_value(before, name)} -> {_value(now, name)}"


def _value(settings: Json, name: str) -> str:
    if name not in settings:
        return "none"
    value = settings[name]
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 3]}..."
