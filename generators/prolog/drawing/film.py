"""Searches as films: of each step the line of the outline that it is about, and how lines look after it.

The outline is that of the whole search, and a step shows the lines that the search has come to: they stand
where they will stand in the end. The last step also settles what the answer rests on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from generators.prolog.alphabet import Mode, Words
from generators.prolog.drawing.derivation import GARBAGE, Event, read, split
from generators.prolog.drawing.literals import Names, Statement
from generators.prolog.drawing.outline import Line, Place, line, places
from generators.prolog.drawing.scene import cleaned
from generators.prolog.drawing.search import SEARCHES, Search, searched


@dataclass
class Step:
    """A step of a film."""

    name: str
    """The word of its event; empty for words that are none."""
    what: str
    """What it concerns: a literal, a clause, `x = bob`; or the words that are no event."""
    at: int
    """The line that it is about."""
    bound: str
    """The bindings of the rule that is in use after it."""
    changes: dict[int, Line] = field(default_factory=dict)
    """Lines as they look from this step on."""


@dataclass(frozen=True)
class Film:
    """A search step by step; `outline` is how it ends."""

    steps: list[Step]
    outline: list[Line]

    def lines(self, step: int) -> dict[int, Line]:
        """The lines that stand there after so many steps, by their numbers in `outline`."""
        shown: dict[int, Line] = {}
        for each in self.steps[:step]:
            shown.update(each.changes)
        return dict(sorted(shown.items()))


def film(trace: Sequence[str | None], theory: Statement, names: Names, words: Words, mode: Mode) -> Film:
    """The film of a trace in the stored form; it has the verifier's steps."""
    cut = [read(step, words, mode) for step in split(trace)]
    whole = searched((event for events in cut for event in events), theory, mode)
    stage = _Stage(SEARCHES[mode](theory), places(whole.nodes), names)
    steps = [stage.step(events) for events in cut]
    outline = [line(place.depth, [whole.nodes[at] for at in place.nodes], names) for place in stage.places]
    if steps:
        steps[-1].changes |= stage.settled(outline)
    return Film(steps, outline)


class _Stage:
    """A search taken a second time, when it is known which lines it will have."""

    def __init__(self, search: Search, places: Sequence[Place], names: Names) -> None:
        self.search, self.places, self.names = search, places, names
        self.numbers: dict[int, int] = {}
        """Of each node, by its identity."""
        self.line_of = {at: number for number, place in enumerate(places) for at in place.nodes}
        self.shown: dict[int, Line] = {}

    def step(self, events: Sequence[Event]) -> Step:
        before = self.search.bindings()
        changes: dict[int, Line] = {}
        for event in events:
            self.search.take(event)
            for at in range(len(self.numbers), len(self.search.nodes)):
                self.numbers[id(self.search.nodes[at])] = at
            # The node that the event is about stands last, and its line may have changed before it.
            touched = [self.line_of[self.numbers[id(node)]] for node in self.search.touched]
            for at in dict.fromkeys(touched):
                now = self._line(at)
                if now != self.shown.get(at):
                    changes[at] = self.shown[at] = now
        return Step(events[-1].name, self._what(events, before), touched[-1], self._bound(), changes)

    def settled(self, outline: Sequence[Line]) -> dict[int, Line]:
        """What changes when the search is over; a clause that was given up stays so."""
        return {
            at: last
            for at, last in enumerate(outline)
            if last != (now := self.shown[at]) and not (now.mark == "left" and not last.kept)
        }

    def _line(self, at: int) -> Line:
        place, there = self.places[at], len(self.search.nodes)
        members = [self.search.nodes[node] for node in place.nodes if node < there]
        return line(place.depth, members, self.names, settled=False)

    def _what(self, events: Sequence[Event], before: Mapping[str, str]) -> str:
        event = events[-1]
        if event.name == GARBAGE:
            return cleaned(" ".join(word for each in events for word in each.words))
        if event.literal is not None:
            return event.literal.shown(self.names)
        entity = event.entity or before.get(event.variable, "")
        if event.variable and entity:
            return f"{event.variable} = {self.names.get(entity, entity)}"
        return event.clause or event.variable

    def _bound(self) -> str:
        bound = self.search.bindings().items()
        return ", ".join(f"{variable} = {self.names.get(entity, entity)}" for variable, entity in bound)
