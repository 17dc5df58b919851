"""Backward searches as trees: goals, the clauses that were tried for them, and the proof that was kept.

Nodes are made in the order of the search, which is also the order in which an outline shows them; so trees
are flat lists whose nodes know their parent, and a model's trace may nest them as deep as it likes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from typing import Literal as Choice

from generators.prolog.drawing.derivation import Event
from generators.prolog.drawing.literals import Literal


@dataclass(eq=False)
class Note:
    """A step that has no place in the tree, or the mark of a search that was cut."""

    parent: Any
    """The node that it stands in, if any."""
    text: str


@dataclass(eq=False)
class Branch:
    """A clause tried for a goal, or (without a clause) the same rule with further bindings."""

    parent: Goal
    clause: str
    bindings: dict[str, str] = field(default_factory=dict)
    goals: list[Goal] = field(default_factory=list)
    kept: bool = False


@dataclass(eq=False)
class _State:
    """Where the search for a goal stands; a goal and its retrials share it."""

    chain: list[Branch] = field(default_factory=list)
    """The branches since the last `use`."""
    bindings: dict[str, int] = field(default_factory=dict)
    """Bound variables, each with the number of body literals that were proven before."""
    support: list[Goal] = field(default_factory=list)
    """The body literals that stand proven."""


@dataclass(eq=False)
class Goal:
    """A literal to be proven; `again` where backtracking came back into it."""

    parent: Branch | None
    literal: Literal
    again: bool = False
    outcome: Choice["open", "proven", "failed"] = "open"
    loop: bool = False
    branches: list[Branch] = field(default_factory=list)
    kept: bool = False
    origin: Goal | None = None
    """The trial before this one."""
    state: _State = field(default_factory=_State)


Node = Goal | Branch | Note


class _Search:
    """The nodes so far, and the goals that are open, outermost first."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.roots: list[Goal] = []
        self.open: list[Goal] = []

    def place(self) -> Branch | None:
        """The branch that the next goal belongs to; a goal without one gets a nameless one."""
        if not self.open:
            return None
        goal = self.open[-1]
        return goal.branches[-1] if goal.branches else self.branch(goal, "")

    def branch(self, goal: Goal, clause: str) -> Branch:
        made = Branch(goal, clause)
        goal.branches.append(made)
        goal.state.chain.append(made)
        self.nodes.append(made)
        return made

    def goal(self, literal: Literal, origin: Goal | None = None) -> None:
        place = self.place()
        made = Goal(place, literal, again=origin is not None, origin=origin)
        if origin is not None:
            made.state = origin.state
        if place is None:
            self.roots.append(made)
        else:
            place.goals.append(made)
        self.nodes.append(made)
        self.open.append(made)

    def note(self, text: str) -> None:
        self.nodes.append(Note(self.open[-1] if self.open else None, text))

    def close(self, literal: Literal, proven: bool) -> bool:
        """End the innermost open goal of this literal, leaving those within it open; whether there is one."""
        at = next((at for at in reversed(range(len(self.open))) if self.open[at].literal == literal), None)
        if at is None:
            return False
        goal = self.open[at]
        goal.outcome = "proven" if proven else "failed"
        del self.open[at:]
        if proven and self.open:
            self.open[-1].state.support.append(goal)
        return True

    def redo(self, literal: Literal) -> bool:
        """Reopen the last proven goal of this literal where the search stands; whether there is one."""
        proven = self.open[-1].state.support if self.open else self.roots
        at = next((at for at in reversed(range(len(proven))) if proven[at].literal == literal), None)
        if at is None:
            return False
        origin = proven[at]
        if self.open:
            del proven[at:]
        self.goal(literal, origin)
        return True

    def use(self, clause: str) -> bool:
        if not self.open:
            return False
        state = self.open[-1].state
        state.chain, state.bindings, state.support = [], {}, []
        self.branch(self.open[-1], clause)
        return True

    def bind(self, variable: str, entity: str) -> bool:
        if not self.open:
            return False
        goal = self.open[-1]
        goal.state.bindings[variable] = len(goal.state.support)
        branch = goal.branches[-1] if goal.branches else self.branch(goal, "")
        if branch.goals:
            branch = self.branch(goal, "")
        branch.bindings[variable] = entity
        return True

    def unbind(self, variable: str) -> bool:
        """Undo a binding and what was proven under it; whether the variable was bound."""
        if not self.open or variable not in self.open[-1].state.bindings:
            return False
        state = self.open[-1].state
        del state.support[state.bindings.pop(variable) :]
        return True

    def loop(self) -> bool:
        if self.open:
            self.open[-1].loop = True
        return bool(self.open)


def tree(steps: Iterable[Event], question: Literal) -> list[Node]:
    """The nodes of a backward search in its order; `kept` are those of the proof that it ends with.

    A proof counts if it is one of the question or of its complement.
    """
    search = _Search()
    for step in steps:
        if not _taken(search, step):
            search.note("the step limit was reached" if step.name == "limit" else " ".join(step.words))
    last = search.roots[-1] if search.roots else None
    if last and last.outcome == "proven" and last.literal in (question, question.complement()):
        _keep(last)
    return search.nodes


def _taken(search: _Search, step: Event) -> bool:
    """Add a step to the search; whether it has a place there."""
    if step.literal is not None:
        if step.name == "call":
            search.goal(step.literal)
            return True
        if step.name == "redo":
            return search.redo(step.literal)
        return search.close(step.literal, proven=step.name == "exit")
    if step.name == "use":
        return search.use(step.clause)
    if step.name == "bind":
        return search.bind(step.variable, step.entity)
    if step.name == "unbind":
        return search.unbind(step.variable)
    return step.name == "loop" and search.loop()


def _keep(root: Goal) -> None:
    """Mark the proof of a goal, and the way down to each of its nodes."""
    waiting = [root]
    while waiting:
        goal = waiting.pop()
        if goal.kept:
            continue
        goal.kept = True
        for branch in goal.state.chain[:1]:
            _keep_up(branch)
        for body in goal.state.support:
            _keep_up(body.parent)
            waiting.append(body)


def _keep_up(branch: Branch | None) -> None:
    """Mark a branch and all above it: its goal may be an earlier trial of one that was proven again."""
    while branch is not None and not (branch.kept and branch.parent.kept):
        branch.kept = branch.parent.kept = True
        branch = branch.parent.parent
