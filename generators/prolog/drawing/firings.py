"""Forward searches as trees: rules that fire, what they obtain, and the derivation of the question.

As in `goals`, trees are flat lists in the order of the search, whose nodes know their parent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


class _Search:
    def __init__(self, theory: Statement) -> None:
        self.theory = theory
        self.nodes: list[Node] = []
        self.open: list[tuple[Firing, dict[str, str]]] = []
        """The firings within each other, outermost first, with their bindings."""
        self.known: dict[Literal, Obtained] = {}

    def fire(self, rule: str, again: bool) -> None:
        outer = self.open[-1][0] if self.open else None
        firing = Firing(outer.obtained[-1] if outer and outer.obtained else None, rule, again)
        self.nodes.append(firing)
        self.open.append((firing, {}))

    def finish(self, rule: str) -> bool:
        at = next((at for at in reversed(range(len(self.open))) if self.open[at][0].rule == rule), None)
        if at is not None:
            del self.open[at:]
        return at is not None

    def obtain(self, literal: Literal) -> None:
        firing, bindings = self.open[-1] if self.open else (None, {})
        rule = self.theory.rules.get(firing.rule) if firing else None
        premises = tuple(part.under(bindings) for part in rule.body) if rule else ()
        layers = [self.known[premise].layer for premise in premises if premise in self.known]
        made = Obtained(firing, literal, dict(bindings), premises, 1 + max(layers, default=0))
        if firing is not None:
            firing.obtained.append(made)
        self.nodes.append(made)
        self.known.setdefault(literal, made)

    def note(self, text: str) -> None:
        firing = self.open[-1][0] if self.open else None
        self.nodes.append(Note(firing.obtained[-1] if firing and firing.obtained else firing, text))


def tree(steps: Iterable[Event], theory: Statement) -> list[Node]:
    """The nodes of a forward search in its order; what the question or its complement rests on is `kept`."""
    search = _Search(theory)
    for step in steps:
        if not _taken(search, step):
            search.note("the step limit was reached" if step.name == "limit" else " ".join(step.words))
    waiting = [theory.question, theory.question.complement()]
    while waiting:
        found = search.known.get(waiting.pop())
        if found is not None and not found.kept:
            found.kept = True
            waiting += found.premises
    return search.nodes


def _taken(search: _Search, step: Event) -> bool:
    """Add a step to the search; whether it has a place there."""
    if step.name in ("use", "reuse"):
        search.fire(step.clause, step.name == "reuse")
        return True
    if step.name == "finish":
        return search.finish(step.clause)
    if step.name == "obtain" and step.literal is not None:
        search.obtain(step.literal)
        return True
    if step.variable:
        return _bound(search, step)
    # A literal that was known and a body that was not add nothing.
    return step.name in ("known", "fail")


def _bound(search: _Search, step: Event) -> bool:
    """Bind a variable, or unbind one; whether there is a firing to do so, and a binding to undo."""
    if not search.open:
        return False
    bindings = search.open[-1][1]
    if step.name == "bind":
        bindings[step.variable] = step.entity
        return True
    return bindings.pop(step.variable, None) is not None
