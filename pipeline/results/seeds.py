"""Runs that differ in the seed alone, as one: the mean of a measure and its interval over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from pipeline.intervals import over_runs
from pipeline.results.rows import Measure, Row


@dataclass(frozen=True)
class Group:
    """Rows that differ in the seed alone."""

    rows: list[Row]

    @property
    def first(self) -> Row:
        """One of them: the settings are those of all."""
        return self.rows[0]

    @property
    def seeds(self) -> list[int]:
        """Their seeds, in order."""
        return sorted(row.seed for row in self.rows if row.seed is not None)

    @cached_property
    def measures(self) -> dict[str, Measure]:
        """Of each measure that all of them have the mean over seeds, Student's t with n - 1 around it."""
        made = {}
        for name in self.first.measures:
            found = [row.measures[name] for row in self.rows if name in row.measures]
            values = [each.value for each in found if each.value is not None]
            if len(values) == len(self.rows):
                made[name] = Measure(*over_runs(values), found[0].kind, found[0].own)
        return made


def groups(found: Sequence[Row]) -> list[Group]:
    """The rows by what they have in common but the seed, in the order of the first of each."""
    together: dict[str, list[Row]] = {}
    for row in found:
        together.setdefault(row.group, []).append(row)
    return [Group(each) for each in together.values()]
