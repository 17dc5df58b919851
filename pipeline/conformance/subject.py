"""What the checks are about: a domain, some of its problems, and how its teacher solved them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from generators.domain import JUDGEMENT, Domain

TEXTS = pl.List(pl.String)


class Breach(AssertionError):
    """A domain does not keep the contract; the message says which part of it."""


class Inapplicable(Exception):
    """A check has nothing to look at; the message says why."""


@dataclass(frozen=True)
class Subject:
    """A domain with rows that are drawn and solved once for all checks."""

    domain: Domain
    own: str = ""
    """A problem of a user's own, for `read`; empty takes the domain's example."""
    rows: int = 40

    @property
    def stored(self) -> str:
        """The notation in which traces and answers are stored."""
        return self.domain.notations[0]

    @cached_property
    def problems(self) -> pl.DataFrame:
        """Drawn problems."""
        return self.domain.problems(rng(1), self.rows)

    @cached_property
    def solved(self) -> pl.DataFrame:
        """The same with what the teacher adds."""
        return self.domain.solve(self.problems, rng(2))

    @cached_property
    def judged(self) -> pl.DataFrame:
        """What the verifier says of the teacher."""
        return judged(self.domain, self.solved)


def rng(name: int = 0) -> np.random.Generator:
    """A generator that is the same each time."""
    return np.random.Generator(np.random.PCG64(name))


def judged(domain: Domain, rows: pl.DataFrame, ended: bool = True) -> pl.DataFrame:
    """The judgement of the traces and answers of rows."""
    given = domain.check(rows, rows.select("trace", "answer", ended=pl.lit(ended)))
    typed(given, JUDGEMENT, "check")
    same(dict(given.schema), dict(JUDGEMENT), "the columns of `check`")
    same(len(given), len(rows), "the rows of `check`")
    return given


def require(holds: bool, sentence: str) -> None:
    """Raise Breach where something does not hold."""
    if not holds:
        raise Breach(sentence)


def same(found: object, wanted: object, what: str) -> None:
    """Raise Breach where two things differ."""
    if found != wanted:
        raise Breach(f"{what} should be {short(wanted)}, but found {short(found)}")


def typed(frame: pl.DataFrame, columns: Mapping[str, pl.DataType], method: str) -> None:
    """Raise Breach where a frame lacks a column, or has it in another type."""
    for name, kind in columns.items():
        require(name in frame.columns, f"`{method}` gives no column '{name}'")
        found = frame.schema[name]
        require(
            found == kind,
            f"`{method}` gives the column '{name}' as {short(found)}, but its type is {short(kind)}",
        )


def words(column: pl.Series) -> list[list[str | None] | None]:
    """A column of words as plain lists."""
    return column.cast(TEXTS).to_list()


def short(value: object, most: int = 120) -> str:
    """A value as one short line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= most else text[:most] + " ..."
