"""Parquet files: schema, counts, lengths and rows, of ours and of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from rich.markup import escape
from rich.rule import Rule

from generators.domain import BadProblem, Domain
from pipeline.artifact import Json
from pipeline.console import OUT, table
from pipeline.errors import Damaged, Refusal
from pipeline.inspect.bars import histogram
from pipeline.inspect.header import nearest_manifest
from pipeline.page.numbers import size

COUNTED = ("split", "verdict", "level", "reason", "origin", "arm", "round", "ended", "seen_in_training")
"""Columns of few values, which are counted."""

SAMPLE = 64
"""Rows that the examples in the schema come from."""

EXAMPLE = 34
"""Characters of an example."""


def show(files: Sequence[Path], rows: int) -> None:
    """Print what the files of one data set hold; they share a schema."""
    try:
        _show(files, rows)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pl.exceptions.ComputeError, OSError) as error:
        raise Damaged(f"{_name(files)} cannot be read: {' '.join(str(error).split())}") from None


def _show(files: Sequence[Path], rows: int) -> None:
    heads = [pq.read_metadata(path) for path in files]
    total = sum(head.num_rows for head in heads)
    groups = sum(head.num_row_groups for head in heads)
    weight = size(sum(path.stat().st_size for path in files))
    OUT.print(
        f"\n[bold]{escape(_name(files))}[/bold]  {total:,} rows, {weight}, {groups} row groups",
        soft_wrap=True,
    )
    if not total:
        files = files[:1]
    OUT.print(_schema(files[0], heads))
    if not total:
        return
    names = pq.read_schema(files[0]).names
    _counts(files, [name for name in COUNTED if name in names], total)
    _lengths(files, names)
    if rows:
        _rows(files, rows)


def _name(files: Sequence[Path]) -> str:
    first = files[0]
    return f"{first.parent.name}/{first.name}" + (f" and {len(files) - 1} more" if len(files) > 1 else "")


def _schema(path: Path, heads: Sequence[pq.FileMetaData]) -> Any:
    """A line a column: type, share of nulls over all files, and the first value."""
    file = pq.ParquetFile(path)
    sample = next(file.iter_batches(batch_size=SAMPLE), None)
    lines = []
    for field in file.schema_arrow:
        column = None if sample is None else sample.column(field.name)
        lines.append([field.name, _type(field.type), _nulls(field, column, heads), _example(column)])
    return table("", ["column", "type", "nulls", "example"], lines, left=4)


def _type(kind: pa.DataType) -> str:
    """A type as people say it: words, class, list of float."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = kind.value_type
        return "words" if pa.types.is_dictionary(inner) else f"list of {_type(inner)}"
    if pa.types.is_dictionary(kind):
        return "class" if pa.types.is_string(kind.value_type) else f"class of {kind.value_type}"
    return str(kind).replace("large_", "")


def _nulls(field: pa.Field, column: pa.Array | None, heads: Sequence[pq.FileMetaData]) -> str:
    """From the statistics of the row groups; of nested columns, which have none, from the first rows."""
    total, missing = 0, 0
    for head in heads:
        place = [at for at in range(head.num_columns) if head.schema.column(at).path == field.name]
        for group in range(head.num_row_groups):
            found = head.row_group(group).column(place[0]).statistics if place else None
            if found is None or not found.has_null_count:
                return (
                    f"~{column.null_count / len(column):.0%}"
                    if column is not None and column.null_count
                    else ""
                )
            total, missing = total + head.row_group(group).num_rows, missing + found.null_count
    return f"{missing / total:.0%}" if total and missing else ""


def _example(column: pa.Array | None) -> str:
    """The first value that is there, cut to fit."""
    if column is None:
        return ""
    value = next((item for item in column.to_pylist() if item is not None), None)
    if isinstance(value, list):
        cells = [f"{item:.3g}" if isinstance(item, float) else str(item) for item in value[:EXAMPLE]]
        text = " ".join(cells)
    else:
        text = f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)
    return escape(text if len(text) <= EXAMPLE else text[: EXAMPLE - 1] + "…")


def _counts(files: Sequence[Path], names: Sequence[str], total: int) -> None:
    """How often each value of the columns of few values occurs."""
    lines = []
    for name in names:
        column = pl.col(name).cast(pl.String).alias(name)
        counts = pl.scan_parquet(list(files)).select(column).group_by(name).len().collect()
        ordered = sorted(counts.iter_rows(), key=lambda pair: (pair[0] is None, -pair[1], str(pair[0])))
        cells = [
            f"{'null' if value is None else value} {count:,} ({count / total:.1%})"
            for value, count in ordered
        ]
        more = f", {len(cells) - 8} more" if len(cells) > 8 else ""
        lines.append([name, escape(", ".join(cells[:8]) + more)])
    if lines:
        OUT.print(table("", ["counts", ""], lines, left=2))


def _lengths(files: Sequence[Path], names: Sequence[str]) -> None:
    """A histogram of the trace lengths."""
    if "trace_words" not in names:
        return
    found = pl.scan_parquet(list(files)).select("trace_words").collect()["trace_words"].drop_nulls()
    lengths = found.to_numpy()
    if len(lengths):
        middle = f"mean {float(lengths.mean()):,.1f}, median {float(np.median(lengths)):,.0f}"
        OUT.print(f"[bold]trace words[/bold]  {middle}")
        OUT.print(histogram(lengths))


def _rows(files: Sequence[Path], rows: int) -> None:
    """The first rows as their domain draws them, or plainly."""
    known = nearest_manifest(files[0].parent, "domain")
    domain = _domain(known[1]) if known else None
    frame = pl.scan_parquet(list(files)).head(rows).collect()
    shown = frame.to_dicts()
    if domain is not None and known is not None and "prompt" not in frame.columns:
        prompts = _problems(known[0], known[1], frame)
        shown = [{**prompts.get(row.get("problem_id", ""), {}), **row} for row in shown]
    for at, row in enumerate(shown):
        OUT.print(Rule(escape(_title(at, row)), align="left", style="dim"))
        drawn = _drawn(domain, row)
        OUT.print(_plain(row) if drawn is None else drawn, markup=False, soft_wrap=drawn is not None)


def _domain(manifest: Json) -> Domain | None:
    from pipeline.recipe import domain_from

    try:
        return domain_from(manifest["domain"])
    except (Refusal, BadProblem) as cause:
        OUT.print(f"[yellow]rows are shown plainly: {escape(str(cause))}[/yellow]", soft_wrap=True)
        return None


def _problems(folder: Path, manifest: Json, frame: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """The problems of responses by their id, from the data set that the responses answer."""
    for source in manifest.get("inputs", []):
        if source["stage"] != "curate" or "problem_id" not in frame.columns:
            continue
        named = Path(source["folder"])
        home = named if named.is_dir() else folder.parent.parent / "curate" / named.name
        files = sorted((home / "data").glob("test-*.parquet")) + sorted(
            (home / "data").glob("validation-*.parquet")
        )
        if files:
            wanted = pl.col("problem_id").is_in(frame["problem_id"].to_list())
            found = pl.scan_parquet(files).filter(wanted).drop("trace", "answer").collect()
            return {row["problem_id"]: row for row in found.to_dicts()}
    return {}


def _title(at: int, row: Mapping[str, Any]) -> str:
    """What is known of a row before it is drawn."""
    parts = [f"row {at}"]
    if row.get("problem_id"):
        parts.append(str(row["problem_id"])[:12])
    if "arm" in row and "sample" in row:
        parts.append(
            f"{row['arm']} {row['round']}, " + ("greedy" if row["sample"] < 0 else f"sample {row['sample']}")
        )
    parts += [str(row[name]) for name in ("split", "verdict", "level", "reason") if row.get(name)]
    if row.get("trace_words") is not None:
        parts.append(f"{row['trace_words']:,} words")
    return " · ".join(parts)


def _drawn(domain: Domain | None, row: Mapping[str, Any]) -> str | None:
    if domain is None or row.get("prompt") is None or not {"trace", "answer"} <= set(row):
        return None
    try:
        return domain.view(row, "text")
    except BadProblem:
        return None


def _plain(row: Mapping[str, Any]) -> str:
    """A line a column, cut to the width of the terminal."""
    wide = max(map(len, row), default=0)
    lines = []
    for name, value in row.items():
        text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
        room = max(OUT.width - wide - 3, 10)
        lines.append(f"{name:<{wide}}  {text if len(text) <= room else text[: room - 1] + '…'}")
    return "\n".join(lines)
