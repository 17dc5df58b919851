"""The search of either mode as a tree that grows: one reader of events for still pictures and for players."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from generators.prolog.alphabet import Mode
from generators.prolog.drawing import firings, goals
from generators.prolog.drawing.derivation import Event
from generators.prolog.drawing.literals import Statement

Node = goals.Node | firings.Node


class Search(Protocol):
    """Takes the events of a search one by one; what its members say stands at `goals.Search`."""

    @property
    def nodes(self) -> Sequence[Any]:
        """The tree so far, in the order of the search."""

    @property
    def touched(self) -> Sequence[Any]:
        """What the last event has changed; the node that it is about stands last."""

    def take(self, event: Event) -> None:
        """Go on by an event."""

    def settle(self) -> None:
        """Mark what the answer rests on."""

    def bindings(self) -> Mapping[str, str]:
        """What the current rule has bound."""


SEARCHES: Mapping[Mode, Callable[[Statement], Search]] = {
    "backward": goals.Search,
    "forward": firings.Search,
}


def searched(steps: Iterable[Event], theory: Statement, mode: Mode) -> Search:
    """The whole search."""
    search = SEARCHES[mode](theory)
    for step in steps:
        search.take(step)
    search.settle()
    return search
