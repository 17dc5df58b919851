"""What the metadata of many Parquet files tells, and a sample of row groups where it does not tell enough.

The value of a column is known for a whole row group where its least and its greatest value are the same. What
is left is read where that is little; of more, a few row groups stand for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import schema
from pipeline.inspect.files import Files

HEADS, SOME_HEADS = 128, 48
"""Files whose metadata is read; of more, so many of them."""

READ_ROWS, READ_GROUPS = 2_000_000, 128
"""What is read for exact counts at most."""

SAMPLED_GROUPS = 24
"""Row groups of a sample at most."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Group:
    """A row group of a file."""

    path: Path
    at: int
    head: pq.FileMetaData

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return int(self.head.row_group(self.at).num_rows)

    def value(self, place: int) -> tuple[Any] | None:
        """The one value that a column has throughout, None among them; nothing where it has several."""
        found = self.head.row_group(self.at).column(place).statistics
        if found is None or not found.has_null_count:
            return None
        if found.null_count == self.rows:
            return (None,)
        same = found.has_min_max and not found.null_count and found.min == found.max
        return (found.min,) if same else None


@dataclass(frozen=True)
class Counted:
    """How often values occur: exactly, as far as that is cheap, and otherwise in some of the rows."""

    exact: dict[str, dict[str | None, int]]
    """Column -> value -> rows."""
    frame: pl.DataFrame
    """The other columns of the rows that were read."""
    sample: str
    """What the rows of the frame are, as in `a sample of 24 of 1,530 row groups`; empty: all of them."""


@dataclass(frozen=True)
class Survey:
    """Files of one schema with the metadata of all of them, or of some."""

    files: Files
    heads: dict[Path, pq.FileMetaData]

    @cached_property
    def whole(self) -> bool:
        """Whether the metadata of every file was read."""
        return len(self.heads) == len(self.files.paths)

    @cached_property
    def rows(self) -> int:
        """Rows of all files."""
        if self.whole:
            return sum(head.num_rows for head in self.heads.values())
        return sum(self.files.rows.values())

    @cached_property
    def kind(self) -> pa.Schema:
        """The columns with their types."""
        return next(iter(self.heads.values())).schema.to_arrow_schema()

    @cached_property
    def groups(self) -> list[Group]:
        """The row groups of the files whose metadata was read."""
        return [
            Group(path, at, head)
            for path, head in self.heads.items()
            for at in range(head.num_row_groups)
            if head.row_group(at).num_rows
        ]

    def place(self, name: str) -> int | None:
        """Where a column without parts stands among the leaves."""
        columns = next(iter(self.heads.values())).schema
        leaves = [columns.column(at).path for at in range(len(columns))]
        return leaves.index(name) if name in leaves else None

    def count(self, names: Sequence[str]) -> Counted:
        """How often the values of some columns occur."""
        exact: dict[str, dict[str | None, int]] = {}
        if self.files.splits and "split" in names and sum(self.files.splits.values()) == self.rows:
            exact["split"] = dict(self.files.splits.items())
        if self.whole:
            for name in names:
                counts = self._constant(name)
                if counts is not None:
                    exact[name] = counts
        left = [name for name in names if name not in exact]
        if "verdict" in left:  # verdicts are told apart by these
            left += [name for name in ("split", "arm", "round") if name in exact]
        picked = [] if not left else self.groups
        every = self.whole and len(picked) <= READ_GROUPS and sum(each.rows for each in picked) <= READ_ROWS
        if not every:
            picked = self._sample()
        frame = _read(picked, left)
        return Counted(exact, frame, "" if every else self._told(picked))

    def _constant(self, name: str) -> dict[str | None, int] | None:
        """Counts of a column of which the statistics tell everything."""
        place = self.place(name)
        if place is None:
            return None
        counts: dict[str | None, int] = {}
        for group in self.groups:
            value = group.value(place)
            if value is None:
                return None
            word = None if value[0] is None else _word(value[0])
            counts[word] = counts.get(word, 0) + group.rows
        return counts

    def _sample(self) -> list[Group]:
        """Row groups from all over the files, of not too many rows together."""
        picked = spread(self.groups, SAMPLED_GROUPS)
        while len(picked) > 1 and sum(each.rows for each in picked) > READ_ROWS:
            picked = spread(picked, len(picked) // 2)
        return picked

    def _told(self, picked: Sequence[Group]) -> str:
        if self.whole:
            return f"a sample of {len(picked)} of {len(self.groups):,} row groups"
        files = len({each.path for each in picked})
        return f"a sample of {files} of {len(self.files.paths):,} files"


def survey(files: Files) -> Survey:
    """The metadata of files; of very many with a manifest, of some of them.

    Raises Damaged for files of a schema that is not known.
    """
    told = len(files.rows) == len(files.paths) and all(count >= 0 for count in files.rows.values())
    many = told and len(files.paths) > HEADS
    chosen = spread(files.paths, SOME_HEADS) if many else list(files.paths)
    heads = {path: pq.read_metadata(path) for path in chosen}
    notes = {(head.metadata or {}).get(b"distill", b""): path for path, head in heads.items()}
    for path in notes.values():
        schema.require_known(path)
    return Survey(files, heads)


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many of them, at even distances."""
    if len(items) <= most:
        return list(items)
    return [items[(2 * at + 1) * len(items) // (2 * most)] for at in range(most)]


def _read(groups: Iterable[Group], names: Sequence[str]) -> pl.DataFrame:
    """Some columns of row groups, dictionaries as they are stored."""
    if not names:
        return pl.DataFrame()
    wanted: dict[Path, list[Group]] = {}
    for group in groups:
        wanted.setdefault(group.path, []).append(group)
    parts = []
    for path, own in wanted.items():
        with pq.ParquetFile(path, metadata=own[0].head, memory_map=True) as file:
            parts.append(file.read_row_groups([each.at for each in own], list(names), use_threads=False))
    made = pl.from_arrow(pa.concat_tables(parts))
    assert isinstance(made, pl.DataFrame)
    return made


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
