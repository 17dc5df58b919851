"""Every Parquet schema, checked on write and on read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from generators.domain import JUDGEMENT, LEVELS, VERDICTS, Domain, problem_columns, solution_columns
from generators.words import UNKNOWN, codes, word_type, words
from pipeline.errors import Damaged, brief
from pipeline.files import Json
from pipeline.plain import from_json
from pipeline.seeds import SPLITS

VERSION = 1
WORDS = pa.list_(pa.dictionary(pa.uint16(), pa.string()))
"""A column of words: reads as words everywhere, turns into ids without touching strings."""

Columns = Mapping[str, pl.DataType]


def traces(domain: Domain) -> dict[str, pl.DataType]:
    """A solved and judged row, as `generate` writes it."""
    stored = domain.alphabet(domain.notations[0])
    return {
        **problem_columns(stored),
        **solution_columns(stored),
        "verdict": pl.Enum(VERDICTS),
        "level": pl.Enum(LEVELS),
        "seed": pl.Int64(),
        "shard": pl.Int32(),
        "row": pl.Int32(),
        **domain.columns,
    }


def dataset(domain: Domain) -> dict[str, pl.DataType]:
    """A row of the data set, as `curate` writes it.

    `response_hash` stands for trace and answer; `seen_in_training` says of a held-out row that its response
    stands verbatim in training under another split key (null for training rows).
    """
    return {
        **traces(domain),
        "split": pl.Enum(SPLITS),
        "response_hash": pl.String(),
        "seen_in_training": pl.Boolean(),
    }


def rejected(domain: Domain) -> dict[str, pl.DataType]:
    """A row that `curate` left out, with the reason."""
    return {**traces(domain), "reason": pl.String()}


def improved(domain: Domain) -> dict[str, pl.DataType]:
    """A training row of a bootstrap round: whose trace it is, and how long it was before the round."""
    return {
        **dataset(domain),
        "origin": pl.Enum(("teacher", "model")),
        "round": pl.Int32(),
        "parent": pl.String(),
        "previous_words": pl.Int32(),
    }


def rollouts(words: Sequence[str]) -> dict[str, pl.DataType]:
    """One response of a model with its judgement; `sample` is -1 for the greedy one.

    `words` are those that a response may have, in the model's notation and in the stored form. `ids` and
    `logprobs` (natural log, at temperature 1) include `eos` where it was emitted; `text` does not. `scores`
    rate every choice of the problem where the notation has candidates.
    """
    return {
        "checkpoint": pl.String(),
        "arm": pl.String(),
        "round": pl.Int32(),
        "problem_id": pl.String(),
        "split_key": pl.String(),
        "sample": pl.Int32(),
        "temperature": pl.Float32(),
        "ids": pl.List(pl.UInt32()),
        "text": word_type(words),
        "trace": word_type(words),
        "answer": word_type(words),
        "ended": pl.Boolean(),
        "logprobs": pl.List(pl.Float32()),
        "scores": pl.List(pl.Float32()),
        **JUDGEMENT,
        "trace_words": pl.Int32(),
        "cost": pl.Int32(),
        "teacher_words": pl.Int32(),
        "reference_words": pl.Float64(),
        "exact_match": pl.Boolean(),
        "seen_in_training": pl.Boolean(),
    }


def write(frame: pl.DataFrame, path: Path, columns: Columns, about: Json, compression: int = 1) -> None:
    """Write a frame as Parquet with exactly the declared columns; `about` goes into the file's metadata.

    `compression` is zstd's level.
    """
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise TypeError(f"{path.name}: the columns {missing} are missing")
    fields = [pa.field(name, arrow_type(kind)) for name, kind in columns.items()]
    note = json.dumps({"schema_version": VERSION, **about}, sort_keys=True)
    schema = pa.schema(fields, metadata={"distill": note})
    arrays = [_to_arrow(frame[name], kind) for name, kind in columns.items()]
    pq.write_table(
        pa.Table.from_arrays(arrays, schema=schema), path, compression="zstd", compression_level=compression
    )


def require(path: Path, columns: Columns) -> None:
    """Raise Damaged for a file that lacks a column, or has it in another type."""
    found = _head(path)
    for name, kind in columns.items():
        if name not in found.names or not _alike(found.field(name).type, arrow_type(kind)):
            raise Damaged(
                f"{path} does not have the column {name} of type {arrow_type(kind)}: it is of another version"
            )


def read(path: Path, columns: Columns, only: Sequence[str] | None = None) -> pl.DataFrame:
    """Read a file of declared columns (or `only` some of them); word columns come as `List(Enum)`."""
    require(path, columns)
    with readable(path):
        table = pq.read_table(path, columns=list(only) if only is not None else list(columns))
    return pl.DataFrame([_column(table, name, columns[name], path) for name in table.column_names])


def _column(table: pa.Table, name: str, kind: pl.DataType, path: Path) -> pl.Series:
    try:
        return _from_arrow(table.column(name), name, kind)
    except (pl.exceptions.PolarsError, pa.ArrowException, KeyError):
        raise Damaged(
            f"{path} has values in the column {name} that are none of its words: it is of another version"
        ) from None


def about(path: Path) -> Json:
    """What the metadata of a Parquet file says of it; empty for a file that is not ours."""
    try:
        loaded = from_json((_head(path).metadata or {}).get(b"distill", b"{}"))
    except ValueError:
        loaded = None
    if not isinstance(loaded, dict):
        raise Damaged(f"{path} has metadata that are none of ours under `distill`")
    return loaded


def names(path: Path) -> list[str]:
    """The columns of a Parquet file."""
    return list(_head(path).names)


def _head(path: Path) -> pa.Schema:
    with readable(path):
        return pq.read_schema(path)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """What Arrow says of a file that it cannot read becomes Damaged."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        said = brief(" ".join(str(error).split()), 150)
        raise Damaged(f"{path} cannot be read as Parquet: {said}") from None


def require_known(path: Path) -> None:
    """Raise Damaged for a Parquet file of a later schema than this program knows."""
    found = about(path).get("schema_version", VERSION)
    if not isinstance(found, int) or not 1 <= found <= VERSION:
        raise Damaged(
            f"{path} has schema version {found}, and this program knows versions up to {VERSION}:"
            " read it with the version that wrote it, or make it again"
        )


def arrow_type(kind: pl.DataType) -> pa.DataType:
    """The declared Arrow type of a polars type: narrow strings, dictionaries for words and classes."""
    if isinstance(kind, pl.List):
        inner = kind.inner
        assert isinstance(inner, pl.DataType)
        return WORDS if isinstance(inner, pl.Enum) else pa.list_(arrow_type(inner))
    if isinstance(kind, pl.Enum):
        return pa.dictionary(pa.uint8(), pa.string())
    if isinstance(kind, pl.String):
        return pa.string()
    return pl.Series(dtype=kind).to_arrow().type


def _is_words(kind: pl.DataType) -> bool:
    return isinstance(kind, pl.List) and isinstance(kind.inner, pl.Enum)


def _to_arrow(series: pl.Series, kind: pl.DataType) -> pa.Array:
    if not _is_words(kind):
        made = series.cast(kind).rechunk().to_arrow()
        return made.cast(arrow_type(kind))
    alphabet = kind.inner.categories.to_list()  # type: ignore[attr-defined]
    flat, offsets = codes(series, alphabet)
    nulls = series.is_null()
    lists = pa.array(offsets.astype(np.int32))
    if nulls.any():  # Arrow takes the null rows of a list from null offsets
        lists = pa.array(offsets.astype(np.int32), mask=np.append(nulls.to_numpy(), False))
    strange = flat == UNKNOWN  # a model's word that is none of this form: null, as the domain handed it on
    places = pa.array(flat, mask=strange) if strange.any() else pa.array(flat)
    return pa.ListArray.from_arrays(lists, pa.DictionaryArray.from_arrays(places, pa.array(alphabet)))


def _from_arrow(column: pa.ChunkedArray, name: str, kind: pl.DataType) -> pl.Series:
    if not _is_words(kind):
        return pl.Series(name, pl.from_arrow(column)).cast(kind)
    alphabet = kind.inner.categories.to_list()  # type: ignore[attr-defined]
    if any(chunk.values.null_count for chunk in column.chunks):
        return pl.Series(name, pl.from_arrow(column)).cast(kind)
    chunks = [_chunk_codes(chunk, alphabet) for chunk in column.chunks]
    flat = np.concatenate([part for part, _ in chunks]) if chunks else np.zeros(0, np.uint16)
    offsets = np.zeros(len(column) + 1, np.int64)
    if chunks:
        np.cumsum(np.concatenate([lengths for _, lengths in chunks]), out=offsets[1:])
    series = words(flat, offsets, alphabet, name)
    if column.null_count:
        mask = pl.Series(pl.from_arrow(column.is_null()))
        series = pl.select(pl.when(~mask).then(series).alias(name)).to_series()
    return series


def _chunk_codes(chunk: pa.ListArray, alphabet: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    values = chunk.flatten()
    lengths = chunk.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    place = {word: at for at, word in enumerate(alphabet)}
    table = np.array([place[word] for word in values.dictionary.to_pylist()] or [0], np.uint16)
    return table[values.indices.to_numpy(zero_copy_only=False)], lengths


def _alike(found: pa.DataType, declared: pa.DataType) -> bool:
    """Whether two types mean the same: index widths and string widths do not count."""
    if pa.types.is_list(declared):
        lists = pa.types.is_list(found) or pa.types.is_large_list(found)
        return lists and _alike(found.value_type, declared.value_type)
    if pa.types.is_dictionary(declared) or pa.types.is_string(declared):
        texts = pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_string_view(found)
        return texts or (pa.types.is_dictionary(found) and _alike(found.value_type, pa.string()))
    return bool(found == declared)
