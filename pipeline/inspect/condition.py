"""Conditions of a user on rows: one SQL expression, which can do nothing but compare columns."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.errors import Refusal, brief

QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
"""A text or a name; whatever stands between quotes is no word of SQL."""

QUERIES = re.compile(r"\b(SELECT|FROM|WITH|VALUES|TABLE|EXISTS)\b")
"""Words of a query: polars would run one within an expression, and queries can read other files."""

STRANGE = re.compile(r"--|/\*|[$`;\\{}#@?]|(?<=\w)'")
"""Outside quotes: comments, other quotes and escapes, by which a query could hide."""


@dataclass(frozen=True)
class Condition:
    """An expression that is true or false of each row."""

    text: str
    expression: pl.Expr
    columns: frozenset[str]
    """The columns that it names."""
    words: frozenset[str]
    """Those of them that are classes: they are compared as words."""

    def among(self, scan: pl.LazyFrame) -> pl.LazyFrame:
        """The rows of which it holds, with all of their columns."""
        if not self.words:
            return scan.filter(self.expression)
        # Polars cannot search in a class as in a text: for the condition, classes become texts.
        kept = [pl.col(name).alias(_aside(name)) for name in sorted(self.words)]
        texts = [pl.col(name).cast(pl.String) for name in sorted(self.words)]
        back = [pl.col(_aside(name)).alias(name) for name in sorted(self.words)]
        found = scan.with_columns(*kept, *texts).filter(self.expression)
        return found.with_columns(back).drop(map(_aside, self.words))

    def refused(self, error: pl.exceptions.PolarsError) -> Refusal:
        """The sentence for what polars says against it."""
        said = " ".join(str(error).split("\n\n")[0].split())
        for name in self.columns:  # polars may ask the statistics of row groups first
            said = said.replace(f"'{name}_min'", f"'{name}'").replace(f"'{name}_max'", f"'{name}'")
        return Refusal(f"--where {brief(self.text)!r} cannot be judged: {brief(said, 200)}")


def condition(text: str, path: Path) -> Condition:
    """The condition that a text states about the rows of a file and of others like it.

    Raises Refusal for what is no expression, names other columns or is not true or false of each row.
    """
    expression = _parsed(text)
    kinds = pl.scan_parquet(path, glob=False).collect_schema()
    named = frozenset(expression.meta.root_names())
    for name in sorted(named - set(kinds)):
        raise Refusal(f"--where {brief(text)!r} names {_unknown(name, list(kinds), text)}")
    if not named:
        raise Refusal(f"--where {brief(text)!r} names no column; it may name: {', '.join(kinds)}")
    words = frozenset(name for name in named if kinds[name] in (pl.Categorical, pl.Enum))
    made = Condition(text, expression, named, words)
    empty = pl.DataFrame(schema={name: _readable(kinds[name]) for name in named})
    try:
        judged = empty.select(expression)
    except pl.exceptions.PolarsError as error:
        raise made.refused(error) from None
    if judged.width != 1 or judged.dtypes[0] != pl.Boolean:
        kind = judged.dtypes[0]
        raise Refusal(
            f"--where {brief(text)!r} is a value ({kind}), not true or false; compare it, as in 'cost > 20'"
        )
    if len(judged):
        raise Refusal(
            f"--where {brief(text)!r} gives one value for all rows together, not true or false for each"
        )
    return made


def _parsed(text: str) -> pl.Expr:
    bare = QUOTED.sub(lambda found: "''" if found[0][0] == "'" else '""', text)
    query = QUERIES.search(re.sub(r"\bDISTINCT\s+FROM\b", "", bare.upper()))
    if query:
        raise Refusal(
            f"--where {brief(text)!r} holds the word {query[0]} of a query; only an expression is taken,"
            " as in \"cost > 20 AND split = 'test'\""
        )
    strange = STRANGE.search(bare) or re.search(r"\\'", text)
    if strange:
        raise Refusal(f"--where {brief(text)!r} holds {strange[0]!r}, which has no place in an expression")
    try:
        return pl.sql_expr(text)
    except (pl.exceptions.PolarsError, UnicodeEncodeError) as error:  # bytes that are no text
        said = " ".join(str(error).split())
        raise Refusal(f"--where {brief(text)!r} is no SQL expression: {brief(said, 200)}") from None


def _unknown(name: str, names: list[str], text: str) -> str:
    near = difflib.get_close_matches(name, names, 1, 0.5)
    hint = f", perhaps meant as {near[0]}" if near else ""
    if f'"{name}"' in text:
        hint = f" (texts stand in single quotes: '{name}')"
    return f"the column {brief(name)}, which is not there{hint}; there are: {', '.join(names)}"


def _readable(kind: pl.DataType) -> pl.DataType:
    return pl.String() if kind in (pl.Categorical, pl.Enum) else kind


def _aside(name: str) -> str:
    return f"{name} as stored"
