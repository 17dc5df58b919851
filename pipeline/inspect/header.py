"""What an artifact is and where it came from: the lines on top."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from pipeline.artifact import MANIFEST, SIDECARS, Artifact
from pipeline.console import OUT
from pipeline.errors import Damaged, Refusal
from pipeline.files import Json
from pipeline.inspect.texts import plain
from pipeline.page.numbers import duration, size


def header(artifact: Artifact) -> None:
    """Print stage, recipe, origin and size of an artifact, finished or not."""
    folder = artifact.folder
    if not artifact.manifest_path.is_file():
        sidecars = folder / SIDECARS
        names = [path.relative_to(sidecars).as_posix()[:-5] for path in sidecars.rglob("*.json")]
        whole = sum(artifact.written(name) is not None for name in names)
        told = "1 file is whole" if whole == 1 else f"{whole:,} files are whole"
        OUT.print(f"[bold]{escape(folder.name)}[/bold]  [yellow]not finished: {told}[/yellow]")
        return
    manifest = artifact.manifest
    if "files" not in manifest:
        raise Refusal(f"{folder} is no artifact of a stage: its manifest names no files")
    title = [str(manifest[name]) for name in ("stage", "recipe") if manifest.get(name)]
    OUT.print(
        f"[bold]{escape(' of '.join(title) or 'part of a round')}[/bold]  [dim]{escape(str(folder))}[/dim]",
        soft_wrap=True,
    )
    OUT.print(facts(_lines(manifest)))


def facts(pairs: Iterable[tuple[str, str]]) -> Table:
    """Names and values in two columns."""
    made = Table.grid(padding=(0, 2))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, text in pairs:
        made.add_row(name, escape(plain(text)))
    return made


def nearest_manifest(path: Path, field: str) -> tuple[Path, Json] | None:
    """The artifact at or above a path whose manifest has a field: a round's parts stand below one."""
    for folder in (path, *path.absolute().parents[:6]):
        if (folder / MANIFEST).is_file():
            try:
                manifest = Artifact(folder).manifest
            except Damaged:
                if (folder / SIDECARS).is_dir():
                    raise
                continue  # somebody else's file of that name
            if field in manifest:
                return folder, manifest
    return None


def _lines(manifest: Json) -> Iterator[tuple[str, str]]:
    for name, field in (("result", "summary"), ("arm", "arm"), ("round", "round"), ("parent", "parent")):
        if manifest.get(field) is not None:
            yield name, str(manifest[field])
    if "fingerprint" in manifest:
        yield "fingerprint", f"{manifest['fingerprint']}, version {manifest['version']}"
    if "domain" in manifest:
        yield "domain", _flat(manifest["domain"])
    # Of a training, model and fit stand with its result.
    apart = ("domain", "model", "fit")
    settings = {name: value for name, value in manifest.get("settings", {}).items() if name not in apart}
    if settings:
        yield "settings", _flat(settings)
    for source in manifest.get("inputs", []):
        yield "from", f"{source['stage']} {source['fingerprint']}"
    yield from _origin(manifest)


def _origin(manifest: Json) -> Iterator[tuple[str, str]]:
    files = manifest["files"].values()
    rows = sum(entry.get("rows", 0) for entry in files)
    total = size(sum(entry["bytes"] for entry in files))
    yield "size", f"{total} in {len(files)} files" + (f", {rows:,} rows" if rows else "")
    origin = manifest.get("provenance")
    if origin:
        took = f" in {duration(manifest['seconds'])}" if manifest.get("seconds") is not None else ""
        yield "made", f"{origin['made']}{took}, commit {origin['commit'] or 'unknown'}"
        yield "on", f"{origin['machine']}, Python {origin['python']}"


def _flat(tree: Any) -> str:
    """Fields as `name=value`, branches in brackets; empty ones are left out."""
    parts = []
    for name, value in tree.items():
        if isinstance(value, dict) and value:
            parts.append(f"{name}({_flat(value)})")
        elif value not in (None, "", [], {}):
            parts.append(f"{name}={value}")
    return " ".join(parts)
