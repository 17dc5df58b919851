"""A look into anything that the stages wrote: `distill inspect`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.markup import escape

from pipeline.artifact import MANIFEST, SIDECARS, Artifact
from pipeline.console import OUT
from pipeline.errors import Damaged, Refusal

PAGE = "report.html"


def show(path: Path, rows: int, where: str | None = None, row: str | None = None, step: bool = False) -> None:
    """Print what stands at `path`: an artifact, one of its folders, a Parquet file or a checkpoint.

    Of a large data set metadata and a few row groups are read; with `where`, the columns that it names and
    those that are counted. `row` draws one problem, `step` plays it. Raises Refusal for what is missing,
    unfinished, damaged or of another kind, after whatever can be shown was shown.
    """
    place = path.parent if path.name == MANIFEST else path
    if rows < 0:
        raise Refusal(f"--rows must be 0 or more, got {rows}")
    if step and row is None:
        raise Refusal("--step plays one problem: name it with --row ID")
    if row is not None and where is not None:
        raise Refusal("--row names one problem, --where chooses among all: give one of the two")
    if not place.exists():
        raise Refusal(f"there is no file or folder {path}")
    from pipeline.inspect import damage

    for fault in damage.changed(place):
        raise Damaged(fault)
    try:
        if row is not None:
            from pipeline.inspect import one

            one.show(place, row, step)
        else:
            _show(place, rows, where)
    except UnicodeDecodeError as error:
        faults = damage.resized(place)
        raise Damaged(faults[0] if faults else f"a file of {path} cannot be read: {error}") from None


def _show(path: Path, rows: int, where: str | None) -> None:
    if path.is_file() and path.suffix != ".parquet":
        raise Refusal(f"{path} is no Parquet file; inspect takes artifacts, Parquet files and checkpoints")
    if (path / MANIFEST).is_file() or (path / SIDECARS).is_dir():
        _artifact(Artifact(path), rows, where)
        return
    from pipeline.inspect import damage

    shown, faults = _parts(path, rows, where), damage.resized(path)
    if faults:
        raise Damaged(faults[0])
    if not shown:
        raise Refusal(
            f"{path} holds no manifest, no Parquet file, no ids and no checkpoint"
            if where is None
            else f"{path} holds no rows that --where could choose among"
        )


def _artifact(artifact: Artifact, rows: int, where: str | None) -> None:
    """The header of an artifact, then whatever of it there is; then what is wrong with it."""
    from pipeline.inspect import damage, header

    header.header(artifact)
    folder = artifact.folder
    faults = damage.resized(folder) if artifact.manifest_path.is_file() else []
    for fault in faults:
        OUT.print(f"[yellow]{escape(fault)}[/yellow]", soft_wrap=True)
    shown = [_parts(part, rows, where) for part in (folder, folder / "data", folder / "ids") if part.is_dir()]
    if where is not None and not any(shown):
        raise Refusal(f"{folder} holds no rows that --where could choose among")
    page = folder / PAGE
    if page.is_file():
        OUT.print(str(page.absolute()), soft_wrap=True, markup=False)
    if not artifact.manifest_path.is_file():
        assert artifact.manifest  # raises Unfinished
    if faults:
        raise Damaged(faults[0])


def _parts(folder: Path, rows: int, where: str | None) -> bool:
    """Show what stands right in a folder, or the file itself; whether there was anything."""
    from pipeline.inspect.files import files_of

    files = files_of(folder)
    pieces = list(_pieces(folder, files is not None))
    if where is not None:
        pieces = [piece for piece in pieces if piece == "files"]
    for piece in pieces:
        if files is not None and piece == "files":
            from pipeline.inspect import parquet

            parquet.show(files, rows, where)
        else:
            _piece(piece, folder)
    return bool(pieces)


def _pieces(folder: Path, files: bool) -> Iterator[str]:
    """What there is to show in a folder, in order."""
    if (folder / "rounds.json").is_file():
        yield "rounds"
    if (folder / "run.json").is_file():
        yield "training"
    if files:
        yield "files"
    if list(folder.glob("*.npy")):
        yield "ids"
    elif (folder / "config.json").is_file():
        yield "weights"


def _piece(piece: str, folder: Path) -> None:
    """Print one of them. Each is imported where it is there: what it needs takes time to start."""
    if piece == "rounds":
        from pipeline.inspect import rounds

        rounds.show(folder / "rounds.json")
    elif piece == "ids":
        from pipeline.inspect import ids

        ids.show(folder)
    else:
        from pipeline.inspect import weights

        weights.training(folder) if piece == "training" else weights.show(folder)
