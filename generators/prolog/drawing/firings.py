"""Forward searches as trees: rules that fire, what they obtain, and the derivation of the question.

As in `goals`, trees are flat lists in the order of the search, whose nodes know their parent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from generators.prolog.drawing.derivation import Event
from generators.prolog.drawing.goals import Note
from generators.prolog.drawing.literals import Literal, Statement


@dataclass(eq=False)
class Firing:
    """A rule that is run over all that is known, or (`again`) over what was just obtained."""

    parent: Obtained | None
    rule: str
    again: bool
    obtained: list[Obtained] = field(default_factory=list)
    open: bool = True
    """Whether the search is within it."""


@dataclass(eq=False)
class Obtained:
    """A literal that a firing added, with the ground body that it rests on."""

    parent: Firing | None
    literal: Literal
    bindings: Mapping[str, str]
    premises: tuple[Literal, ...]
    layer: int = 1
    """One more than the highest layer of its premises; facts are layer 0."""
    kept: bool = False
    """Whether the question or its complement rests on it."""


Node = Firing | Obtained | Note


class Search:
    """A forward search of which the events are taken one by one."""

    def __init__(self, theory: Statement) -> None:
        self.theory = theory
        self.nodes: list[Node] = []
        self.touched: list[Node] = []
        """What the last event has changed; the node that it is about stands last."""
        self._open: list[tuple[Firing, dict[str, str]]] = []
        """The firings within each other, outermost first, with their bindings."""
        self._known: dict[Literal, Obtained] = {}

    def take(self, event: Event) -> None:
        """Go on by an event; one that has no place in the tree becomes a note."""
        self.touched = []
        if not self._taken(event):
            firing = self._open[-1][0] if self._open else None
            place = firing.obtained[-1] if firing and firing.obtained else firing
            told = "the step limit was reached" if event.name == "limit" else " ".join(event.words)
            self._add(Note(place, told))

    def settle(self) -> None:
        """Mark what the question or its complement rests on."""
        waiting = [self.theory.question, self.theory.question.complement()]
        while waiting:
            found = self._known.get(waiting.pop())
            if found is not None and not found.kept:
                found.kept = True
                waiting += found.premises

    def bindings(self) -> dict[str, str]:
        """The variables that the innermost firing has bound."""
        return dict(self._open[-1][1]) if self._open else {}

    def _taken(self, event: Event) -> bool:
        """Add an event to the tree; whether it has a place there."""
        if event.name in ("use", "reuse"):
            self._fire(event.clause, event.name == "reuse")
            return True
        if event.name == "finish":
            return self._finish(event.clause)
        if event.name == "obtain" and event.literal is not None:
            self._obtain(event.literal)
            return True
        if not self._open:
            return False
        self.touched.append(self._open[-1][0])
        if event.variable:
            return self._bound(event)
        # A literal that was known and a body that was not add nothing.
        return event.name in ("known", "fail")

    def _add(self, node: Node) -> None:
        self.nodes.append(node)
        self.touched.append(node)

    def _fire(self, rule: str, again: bool) -> None:
        outer = self._open[-1][0] if self._open else None
        firing = Firing(outer.obtained[-1] if outer and outer.obtained else None, rule, again)
        self._open.append((firing, {}))
        self._add(firing)

    def _finish(self, rule: str) -> bool:
        at = next((at for at in reversed(range(len(self._open))) if self._open[at][0].rule == rule), None)
        if at is None:
            return False
        for firing, _ in reversed(self._open[at:]):
            firing.open = False
            self.touched.append(firing)
        del self._open[at:]
        return True

    def _obtain(self, literal: Literal) -> None:
        firing, bindings = self._open[-1] if self._open else (None, {})
        rule = self.theory.rules.get(firing.rule) if firing else None
        premises = tuple(part.under(bindings) for part in rule.body) if rule else ()
        layers = [self._known[premise].layer for premise in premises if premise in self._known]
        made = Obtained(firing, literal, dict(bindings), premises, 1 + max(layers, default=0))
        if firing is not None:
            firing.obtained.append(made)
        self._known.setdefault(literal, made)
        self._add(made)

    def _bound(self, event: Event) -> bool:
        """Bind a variable, or unbind one; whether there is a binding to undo."""
        bindings = self._open[-1][1]
        if event.name == "bind":
            bindings[event.variable] = event.entity
            return True
        return bindings.pop(event.variable, None) is not None
