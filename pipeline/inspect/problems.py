"""One problem of a data set, or of an evaluation with all responses to it, found by its id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipeline import schema
from pipeline.artifact import Artifact
from pipeline.errors import Refusal, brief
from pipeline.inspect.files import Files, files_of
from pipeline.inspect.header import nearest_manifest
from pipeline.inspect.picking import FILE, by_id, picked

KEPT = ("examined.parquet", "problems.parquet")
"""Files of an evaluation that hold its problems, the one whose labels count first."""

SHORTEST = 3
"""Characters of an id that name it at least."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """A problem with what was stored of it, and the responses to it in order."""

    folder: Path
    """Where it stands: the artifact's folder, or the file's."""
    row: Row
    responses: tuple[Row, ...] = ()
    twins: int = 0
    """Other rows of the same problem."""


def find(place: Path, begun: str) -> Found:
    """The problem whose id is `begun`, or begins so.

    Raises Refusal where there is none, where there are several, and for what holds no problems.
    """
    files = _files(place)
    if len(begun) < SHORTEST:
        raise Refusal(f"--row {begun!r} is too short: give at least {SHORTEST} characters of an id")
    if files is None and (place / "rounds.json").is_file():
        return _of_rounds(place, begun)
    if files is None:
        raise Refusal(f"{place} holds no problems: --row takes data sets, evaluations and Parquet files")
    schema.require_known(files.paths[0])
    names = schema.names(files.paths[0])
    if "problem_id" not in names:
        raise Refusal(f"{files.name} holds no problems: it has no column problem_id")
    if "sample" in names:
        return _answered(place, files, begun)
    alike = pl.scan_parquet(list(files.paths), include_file_paths=FILE, glob=False).select("problem_id", FILE)
    where = alike.filter(_begins(begun)).collect(engine="streaming")
    known = _one(where["problem_id"].unique().sort().to_list(), begun, files)
    own = where.filter(problem_id=known)
    return Found(place, picked([Path(own[FILE][0])], by_id([known]), 1)[0], twins=len(own) - 1)


def asked(folder: Path, ids: Sequence[str]) -> dict[str, Row]:
    """The problems of the responses in a folder by their id: the evaluation's own, or its data set's."""
    for paths in _sources(folder):
        found = picked(paths, by_id(ids), len(ids))
        if found:
            return {row["problem_id"]: row for row in found}
    return {}


def _answered(place: Path, files: Files, begun: str) -> Found:
    """A problem of an evaluation: its own labels, and what its data set tells beside them."""
    scan = pl.scan_parquet(list(files.paths), glob=False)
    ids = scan.select("problem_id").filter(_begins(begun)).collect()["problem_id"]
    known = _one(ids.unique().sort().to_list(), begun, files)
    responses = scan.filter(pl.col("problem_id") == known).collect().to_dicts()
    row: Row = {}
    for paths in _sources(files.paths[0].absolute().parent):
        found = picked(paths, by_id([known]), 1)
        row = {**(found[0] if found else {}), **row}
        if "split" in row:
            break
    return Found(place, row or {"problem_id": known, "cost": responses[0].get("cost")}, tuple(responses))


def _of_rounds(place: Path, begun: str) -> Found:
    """A problem of a bootstrap: the data set's row, and what became of it in the rounds."""
    found: dict[str, list[Row]] = {}
    folders = sorted(
        place.glob("*/round-*/data/data"), key=lambda path: (path.parts[-4], len(path.parts[-3]), path)
    )
    files = [(folder, own) for folder in folders if (own := files_of(folder)) is not None]
    if not files:
        raise Refusal(f"{place} has no finished round whose rows could be shown")
    for folder, own in files:
        rows = pl.scan_parquet(list(own.paths), glob=False).filter(_begins(begun)).collect().to_dicts()
        for row in rows:
            number = int(folder.parts[-3].removeprefix("round-"))
            found.setdefault(row["problem_id"], []).append(
                {**row, "arm": folder.parts[-4], "made_in": row["round"], "round": number}
            )
    known = _one(list(found), begun, files[0][1])
    row = asked(place, [known]).get(known) or found[known][0]
    return Found(place, row, tuple(found[known]))


def _files(place: Path) -> Files | None:
    """The Parquet files of a place, or of its part that holds the data set."""
    for folder in (place, place / "data"):
        found = files_of(folder) if folder.exists() else None
        if found is not None:
            return found
    return None


def _begins(begun: str) -> pl.Expr:
    """Ids that begin so, stated by their order: whole row groups without any need not be read."""
    last = begun + "\U0010ffff"
    return (pl.col("problem_id") >= begun) & (pl.col("problem_id") <= last)


def _one(ids: Sequence[str], begun: str, files: Files) -> str:
    if begun in ids or len(ids) == 1:
        return begun if begun in ids else ids[0]
    if ids:
        some = ", ".join(ids[:3]) + (", ..." if len(ids) > 3 else "")
        many = f"{len(ids):,} problems of {files.name}"
        raise Refusal(f"{many} have ids that begin with {brief(begun)}: {some}")
    raise Refusal(f"{files.name} has no problem whose id is {brief(begun)} or begins so")


def _sources(folder: Path) -> list[list[Path]]:
    """Files with the problems that were asked: the evaluation's own, then those of its data set."""
    own = [[folder / name] for name in KEPT if (folder / name).is_file()][:1]
    known = nearest_manifest(folder, "stage")
    if known is None:
        return own
    from pipeline.lineage import ancestors

    source = ancestors(Artifact(known[0])).get("curate")
    if source is None:
        return own
    for split in ("test", "validation", "train"):
        paths = sorted((source.folder / "data").glob(f"{split}-*.parquet"))
        if paths:
            own.append(paths)
    return own
