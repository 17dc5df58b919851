"""The columns of Parquet files: types, missing values, examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.markup import escape
from rich.table import Table

from pipeline.console import OUT, table
from pipeline.inspect.survey import Group, Survey, spread
from pipeline.inspect.texts import cut

SAMPLE = 64
"""Rows that the examples come from."""

HEADINGS = ("column", "type", "nulls", "example")
BORDERS = 11
"""Cells of the table's edges and of the space between its columns."""

LONGEST, SHORTEST = 60, 10
"""Characters of an example."""

GROUPS = 100
"""Row groups that the share of nulls comes from."""


def columns(found: Survey) -> Table:
    """A line a column: type, share of nulls, and the first value."""
    first = next((group.path for group in found.groups), found.files.paths[0])
    with pq.ParquetFile(first, memory_map=True) as file:
        sample = next(file.iter_batches(batch_size=SAMPLE), None)
    lines = []
    for field in found.kind:
        column = None if sample is None else sample.column(field.name)
        lines.append([field.name, kind(field.type), _nulls(field, column, found), _example(column)])
    taken = [max(map(len, cells)) for cells in zip(HEADINGS, *lines, strict=True)][:3]
    room = OUT.width - sum(taken) - BORDERS
    for line in lines:
        line[3] = escape(cut(line[3], min(max(room, SHORTEST), LONGEST)))
    return table("", HEADINGS, lines, left=4)


def kind(found: pa.DataType) -> str:
    """A type as people say it: words, class, list of float."""
    if pa.types.is_list(found) or pa.types.is_large_list(found):
        inner = found.value_type
        return "words" if pa.types.is_dictionary(inner) else f"list of {kind(inner)}"
    if pa.types.is_dictionary(found):
        texts = pa.types.is_string(found.value_type) or pa.types.is_large_string(found.value_type)
        return "class" if texts else f"class of {found.value_type}"
    return str(found).replace("large_", "")


def _nulls(field: pa.Field, column: pa.Array | None, found: Survey) -> str:
    """From the statistics of row groups; of nested columns, which have none, from the first rows."""
    place = found.place(field.name)
    groups = spread(found.groups, GROUPS)
    missing = None if place is None else _missing(groups, place)
    if missing is None:
        share = column.null_count / len(column) if column is not None and len(column) else 0.0
        return f"~{share:.0%}" if share else ""
    rows = sum(group.rows for group in groups)
    exact = found.whole and len(groups) == len(found.groups)
    return f"{'' if exact else '~'}{missing / rows:.0%}" if missing else ""


def _missing(groups: Sequence[Group], place: int) -> int | None:
    """Nulls of a column; None where a row group does not tell."""
    missing = 0
    for group in groups:
        told = group.head.row_group(group.at).column(place).statistics
        if told is None or not told.has_null_count:
            return None
        missing += told.null_count
    return missing


def _example(column: pa.Array | None) -> str:
    """The first value that is there."""
    if column is None:
        return ""
    value: Any = next((item for item in column.to_pylist() if item is not None), None)
    if isinstance(value, list):
        cells = [f"{item:.3g}" if isinstance(item, float) else str(item) for item in value[:LONGEST]]
        return " ".join(cells)
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)
