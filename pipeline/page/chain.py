"""From an artifact back to seeds, commits and engine versions: the end of every section."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from pipeline.artifact import Artifact
from pipeline.files import Json
from pipeline.page.numbers import duration
from pipeline.page.origin import Origin
from pipeline.page.parts import Block, Cell, Code, Fold, Table, facts


def block(origin: Origin, folder: Path) -> Block:
    """Where a section's figures come from; `folder` is where the page will stand."""
    items = [
        _origin(origin),
        _chain(origin, folder),
        Fold("Settings", [Code(_settings(origin))], printed=False),
    ]
    return Block("provenance", "Provenance", items)


def note(origin: Origin) -> str:
    """One sentence about inputs that are no longer there; empty where all are."""
    if not origin.gone:
        return ""
    verb = "is" if len(origin.gone) == 1 else "are"
    return (
        f"Of the artifacts that this one was made from {_listed(origin.gone)} {verb} no longer there;"
        " what only they can tell is left out."
    )


def teacher(manifest: Json | None) -> str:
    """The engine and its version that a data set's labels come from; empty where nothing was recorded."""
    identity = ((manifest or {}).get("settings") or {}).get("identity") or {}
    return ", ".join(f"{name} {version}" for name, version in identity.items())


def link(folder: Path, page: Path) -> str:
    """A folder's address relative to a page, whatever characters are in its name."""
    path = Path(os.path.relpath(folder, page)).as_posix()
    return f"{quote(path)}/"


def _origin(origin: Origin) -> Table:
    manifest = origin.artifact.manifest
    made = manifest.get("provenance") or {}
    libraries = ", ".join(f"{name} {version}" for name, version in made.get("libraries", {}).items())
    engine = teacher(origin.manifest("generate"))
    seed = origin.seed
    pairs = [
        ("seed", "" if seed is None else str(seed)),
        ("teacher", engine),
        ("problems", str(manifest.get("source", ""))),
        ("checkpoints", _checkpoints(manifest)),
        ("commit", str(made.get("commit") or "none")),
        ("machine", str(made.get("machine", ""))),
        ("Python", str(made.get("python", ""))),
        ("libraries", libraries),
    ]
    return facts([(name, text) for name, text in pairs if text])


def _checkpoints(manifest: Json) -> str:
    """Those of an evaluation apart from any recipe: their folders, or else their hashes alone."""
    told = manifest.get("checkpoints")
    if told is None:
        return ", ".join(manifest.get("settings", {}).get("checkpoints", ()))
    return ", ".join(f"{each['label']}: {each['folder']} ({each['hash']})" for each in told)


def _chain(origin: Origin, folder: Path) -> Table:
    """A row an artifact, from the seeds on; those that have gone stand first."""
    rows = [_row_gone(name) for name in origin.gone]
    rows += [_row(stage, each, folder) for stage, each in origin.lineage.items()]
    columns = ["stage", "artifact", "what came out", "seed", "took", "made", "commit"]
    return Table(columns, rows, left=3, caption="artifacts, from the seeds on")


def _row(stage: str, artifact: Artifact, folder: Path) -> list[Cell]:
    manifest = artifact.manifest
    made, seconds = manifest.get("provenance") or {}, manifest.get("seconds")
    seed = manifest.get("settings", {}).get("seed")
    summary = manifest.get("summary") or (f"judged on {manifest['source']}" if "source" in manifest else "")
    name = manifest.get("fingerprint", artifact.folder.name)
    return [
        Cell(stage, strong=True),
        Cell(str(name), link=link(artifact.folder, folder)),
        Cell(str(summary), teacher(manifest)),
        Cell("" if seed is None else str(seed)),
        Cell(duration(seconds) if seconds is not None else ""),
        Cell(str(made.get("made", "")).replace("T", " ").replace("+00:00", " UTC")),
        Cell(str(made.get("commit") or "")),
    ]


def _row_gone(name: str) -> list[Cell]:
    stage, _, fingerprint = name.partition(" ")
    return [Cell(stage, strong=True), Cell(fingerprint), Cell("no longer there"), *[Cell("")] * 4]


def _settings(origin: Origin) -> str:
    """What decided the content of each stage, as YAML."""
    return yaml.safe_dump(_plain(origin.settings), sort_keys=False, allow_unicode=True)


def _plain(item: Any) -> Any:
    """Tuples as lists, which YAML can write safely."""
    if isinstance(item, dict):
        return {key: _plain(each) for key, each in item.items()}
    return [_plain(each) for each in item] if isinstance(item, list | tuple) else item


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
