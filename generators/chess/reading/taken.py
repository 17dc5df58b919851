"""What of a source could be read, and a sentence for each part that is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from generators.domain import BadProblem

NAMED = 10
"""Parts left out that the remarks name one by one."""

T = TypeVar("T")


class Taken:
    """Counts the parts of a source, `games` say, and keeps what was wrong with the first bad ones."""

    def __init__(self, title: str, parts: str) -> None:
        self._title, self._parts = title, parts
        self._all, self._bad = 0, 0
        self._causes: list[str] = []

    def good(self, parts: Iterable[T | BadProblem]) -> Iterator[T]:
        """Those that can be read, one after the other."""
        for part in parts:
            self._all += 1
            if isinstance(part, BadProblem):
                self._bad += 1
                self._causes.extend([str(part)] if self._bad <= NAMED else ())
            else:
                yield part

    def remarks(self, must_be_good: bool = False) -> list[str]:
        """A sentence for all bad parts, and one for each of the first. Raises BadProblem: none is good."""
        if not self._all:
            what = "position" if self._parts == "lines" else self._parts[:-1]
            raise BadProblem(f"{self._title} holds no {what}")
        if not self._bad:
            return []
        if self._all == self._bad == 1:
            raise BadProblem(self._causes[0])
        if must_be_good or self._bad == self._all:
            raise BadProblem(
                f"{self._bad} of {self._all} {self._parts} cannot be read; the first: {self._causes[0]}"
            )
        return [
            f"{self._bad} of {self._all} {self._parts} of {self._title} were left out",
            *self._causes,
        ]
