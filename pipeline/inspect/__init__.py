"""A look into anything that the stages wrote: `distill inspect`."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.artifact import MANIFEST, SIDECARS, Artifact
from pipeline.console import OUT
from pipeline.errors import Damaged, Refusal
from pipeline.inspect import ids, parquet, rounds, weights
from pipeline.inspect.header import header

IDS = "tokens.json"


def show(path: Path, rows: int) -> None:
    """Print what stands at `path`: an artifact, one of its folders, a Parquet file or a checkpoint.

    Reads schemas, a few rows and the columns that are counted, never a whole data set. Raises Refusal for
    what is missing, damaged or of another kind.
    """
    if rows < 0:
        raise Refusal(f"--rows must be 0 or more, got {rows}")
    if not path.exists():
        raise Refusal(f"there is no file or folder {path}")
    try:
        _show(path, rows)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise Damaged(f"a file of {path} cannot be read: {error}") from None


def _show(path: Path, rows: int) -> None:
    if path.is_file():
        if path.suffix != ".parquet":
            raise Refusal(
                f"{path} is no Parquet file; inspect takes artifacts, Parquet files and checkpoints"
            )
        parquet.show([path], rows)
    elif (path / MANIFEST).is_file() or (path / SIDECARS).is_dir():
        _artifact(Artifact(path), rows)
    elif not _parts(path, rows):
        raise Refusal(f"{path} holds no manifest, no Parquet file, no ids and no checkpoint")


def _artifact(artifact: Artifact, rows: int) -> None:
    """The header of an artifact, then whatever of it there is."""
    header(artifact)
    folder = artifact.folder
    if (folder / "rounds.json").is_file():
        rounds.show(json.loads((folder / "rounds.json").read_text())["rounds"])
    if (folder / "run.json").is_file():
        weights.training(folder)
    for part in (folder, folder / "data", folder / "ids"):
        if part.is_dir():
            _parts(part, rows)
    page = folder / "report.html"
    if page.is_file():
        OUT.print(str(page.absolute()), soft_wrap=True, markup=False)


def _parts(folder: Path, rows: int) -> bool:
    """Show the Parquet files, ids and weights right in a folder; whether there were any."""
    answers = folder / "rollouts.parquet"  # the other file of an evaluation has another schema
    files = [answers] if answers.is_file() else sorted(folder.glob("*.parquet"))
    if files:
        parquet.show(files, rows)
    if list(folder.glob("*.npy")):
        ids.show(folder)
    elif (folder / "config.json").is_file():
        weights.show(folder)
    return bool(files) or (folder / IDS).is_file() or (folder / "config.json").is_file()
