"""Rows as a frame with plain columns, and the file that keeps it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.errors import Refusal
from pipeline.files import sweep_beside
from pipeline.results.rows import HEADLINES, Measure, Row, differing
from pipeline.results.seeds import Group
from pipeline.temporary import temporary

WRITERS: dict[str, Callable[[pl.DataFrame, Path], Any]] = {
    ".parquet": lambda frame, path: frame.write_parquet(path),
    ".csv": lambda frame, path: frame.write_csv(path),
    ".json": lambda frame, path: path.write_text(json.dumps(frame.to_dicts(), indent=1) + "\n"),
}


def of_rows(found: Sequence[Row]) -> pl.DataFrame:
    """One row a run: recipe, fingerprint, seed, what differs, checkpoint, measures with their intervals."""
    listed = list(found)
    names = differing(listed)
    columns: dict[str, pl.Series] = {
        "recipe": pl.Series([row.recipe for row in listed], dtype=pl.String),
        "fingerprint": pl.Series([row.fingerprint for row in listed], dtype=pl.String),
        "seed": pl.Series([row.seed for row in listed], dtype=pl.Int64),
        **{name: column([row.settings.get(name) for row in listed]) for name in names},
        "checkpoint": pl.Series([row.checkpoint for row in listed], dtype=pl.String),
        "problems": pl.Series([row.problems for row in listed], dtype=pl.Int64),
        **_measured([row.measures for row in listed]),
        "artifact": pl.Series([row.place for row in listed], dtype=pl.String),
    }
    return pl.DataFrame(columns)


def of_groups(found: Sequence[Group]) -> pl.DataFrame:
    """One row a group of seeds: the same columns, means in place of values, intervals over seeds."""
    firsts = [group.first for group in found]
    names = differing(firsts)
    columns: dict[str, pl.Series] = {
        "recipe": pl.Series([row.recipe for row in firsts], dtype=pl.String),
        "seeds": pl.Series([group.seeds for group in found], dtype=pl.List(pl.Int64)),
        "n": pl.Series([len(group.rows) for group in found], dtype=pl.Int64),
        **{name: column([row.settings.get(name) for row in firsts]) for name in names},
        "checkpoint": pl.Series([row.checkpoint for row in firsts], dtype=pl.String),
        **_measured([group.measures for group in found]),
    }
    return pl.DataFrame(columns)


def column(values: Sequence[Any]) -> pl.Series:
    """Values of a setting in the narrowest type that holds all of them; what is mixed becomes text."""
    there = [value for value in values if value is not None]
    for kinds, dtype in (((bool,), pl.Boolean), ((int,), pl.Int64), ((int, float), pl.Float64)):
        if there and all(type(value) in kinds for value in there):
            return pl.Series(values, dtype=dtype)
    return pl.Series([None if value is None else text(value) for value in values], dtype=pl.String)


def text(value: Any) -> str:
    """A setting as one writes it."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def measures(found: Sequence[dict[str, Measure]]) -> list[str]:
    """The measures that any of the rows has, the headlines first, then those of the domains."""
    names = dict.fromkeys(name for each in found for name in each)
    own = {name for each in found for name, measure in each.items() if measure.own}
    return sorted(names, key=lambda name: (name not in HEADLINES, name not in own, list(names).index(name)))


def _measured(found: Sequence[dict[str, Measure]]) -> dict[str, pl.Series]:
    columns = {}
    for name in measures(found):
        each = [one.get(name) for one in found]
        for end, part in (("", "value"), ("_low", "low"), ("_high", "high")):
            numbers = [None if one is None else getattr(one, part) for one in each]
            columns[f"{name}{end}"] = pl.Series(numbers, dtype=pl.Float64)
    return columns


def writable(to: Path) -> Path:
    """The file, if its suffix says how to write it; raises Refusal otherwise."""
    if to.suffix not in WRITERS:
        raise Refusal(f"{to}: results are written as {', '.join(WRITERS)}; take one of these endings")
    if ":/" in str(to):
        raise Refusal(f"{to}: results are written to a file of this machine")
    return to


def write(frame: pl.DataFrame, to: Path) -> None:
    """Write in one step; CSV has no lists, they become text."""
    if to.suffix == ".csv":
        lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
        frame = frame.with_columns(
            pl.Series(name, [text(list(value)) for value in frame[name]], dtype=pl.String) for name in lists
        )
    to.parent.mkdir(parents=True, exist_ok=True)
    sweep_beside(to)
    partial = temporary(to)
    try:
        WRITERS[to.suffix](frame, partial)
        partial.replace(to)
    finally:
        partial.unlink(missing_ok=True)
