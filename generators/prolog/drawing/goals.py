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
from generators.prolog.drawing.literals import Literal, Statement


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
    given_up: bool = False
    """Whether the search has left it, in the state that it is in."""


@dataclass
class _Binding:
    entity: str
    proven: int
    """How many body literals were proven before."""
    branch: Branch


@dataclass(eq=False)
class _State:
    """Where the search for a goal stands; a goal and its retrials share it."""

    chain: list[Branch] = field(default_factory=list)
    """The branches since the last `use`."""
    bindings: dict[str, _Binding] = field(default_factory=dict)
    """Of the variables that are bound."""
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
    given_up: bool = False
    """Whether it was proven, and nothing rests on that any more."""
    origin: Goal | None = None
    """The trial before this one."""
    state: _State = field(default_factory=_State)


Node = Goal | Branch | Note


class Search:
    """A backward search of which the events are taken one by one."""

    def __init__(self, theory: Statement) -> None:
        self.theory = theory
        self.nodes: list[Node] = []
        self.touched: list[Node] = []
        """What the last event has changed; the node that it is about stands last."""
        self._roots: list[Goal] = []
        self._open: list[Goal] = []
        """The goals within each other, outermost first."""

    def take(self, event: Event) -> None:
        """Go on by an event; one that has no place in the tree becomes a note."""
        self.touched = []
        if not self._taken(event):
            told = "the step limit was reached" if event.name == "limit" else " ".join(event.words)
            self._add(Note(self._open[-1] if self._open else None, told))

    def settle(self) -> None:
        """Mark the proof that the search ends with, if it is one of the question or of its complement."""
        last, question = self._roots[-1] if self._roots else None, self.theory.question
        if last and last.outcome == "proven" and last.literal in (question, question.complement()):
            _keep(last)

    def bindings(self) -> dict[str, str]:
        """The variables that the innermost goal has bound."""
        bound = self._open[-1].state.bindings if self._open else {}
        return {variable: binding.entity for variable, binding in bound.items()}

    def _taken(self, event: Event) -> bool:
        """Add an event to the tree; whether it has a place there."""
        if event.literal is not None:
            if event.name == "call":
                self._goal(event.literal)
                return True
            if event.name == "redo":
                return self._redo(event.literal)
            return self._close(event.literal, proven=event.name == "exit")
        if not self._open:
            return False
        if event.name == "use":
            return self._use(event.clause)
        if event.name == "bind":
            return self._bind(event.variable, event.entity)
        if event.name == "unbind":
            return self._unbind(event.variable)
        return event.name == "loop" and self._loop()

    def _add(self, node: Node) -> None:
        self.nodes.append(node)
        self.touched.append(node)

    def _branch(self, goal: Goal, clause: str) -> Branch:
        made = Branch(goal, clause)
        goal.branches.append(made)
        goal.state.chain.append(made)
        self._add(made)
        return made

    def _goal(self, literal: Literal, origin: Goal | None = None) -> None:
        above = self._open[-1] if self._open else None
        # A goal that is called while no clause is in use gets a nameless one.
        place = (above.branches[-1] if above.branches else self._branch(above, "")) if above else None
        made = Goal(place, literal, again=origin is not None, origin=origin)
        if origin is not None:
            made.state = origin.state
        (self._roots if place is None else place.goals).append(made)
        self._open.append(made)
        self._add(made)

    def _close(self, literal: Literal, proven: bool) -> bool:
        """End the innermost open goal of this literal, leaving those within it open; whether there is one."""
        found = reversed(range(len(self._open)))
        at = next((at for at in found if self._open[at].literal == literal), None)
        if at is None:
            return False
        goal = self._open[at]
        goal.outcome = "proven" if proven else "failed"
        del self._open[at:]
        if not proven:
            self._leave(goal.state.chain)
            self._give_up(goal.state.support)
        elif self._open:
            self._open[-1].state.support.append(goal)
        self.touched.append(goal)
        return True

    def _redo(self, literal: Literal) -> bool:
        """Reopen the last proven goal of this literal where the search stands; whether there is one."""
        proven = self._open[-1].state.support if self._open else self._roots
        at = next((at for at in reversed(range(len(proven))) if proven[at].literal == literal), None)
        if at is None:
            return False
        origin = proven[at]
        if self._open:
            self._give_up(proven[at + 1 :])
            del proven[at:]
        # What it rests on stays as it is: the new trial begins there.
        origin.given_up = True
        self.touched.append(origin)
        self._goal(literal, origin)
        return True

    def _use(self, clause: str) -> bool:
        goal = self._open[-1]
        self._leave(goal.state.chain)
        self._give_up(goal.state.support)
        goal.state.chain, goal.state.bindings, goal.state.support = [], {}, []
        self._branch(goal, clause)
        return True

    def _bind(self, variable: str, entity: str) -> bool:
        goal = self._open[-1]
        branch = goal.branches[-1] if goal.branches else self._branch(goal, "")
        if branch.goals:
            branch = self._branch(goal, "")
        branch.bindings[variable], branch.given_up = entity, False
        goal.state.bindings[variable] = _Binding(entity, len(goal.state.support), branch)
        self.touched.append(branch)
        return True

    def _unbind(self, variable: str) -> bool:
        """Undo a binding and what was proven under it; whether the variable was bound."""
        state = self._open[-1].state
        undone = state.bindings.pop(variable, None)
        if undone is None:
            return False
        self._give_up(state.support[undone.proven :])
        del state.support[undone.proven :]
        branch = undone.branch
        if not branch.clause and all(other.branch is not branch for other in state.bindings.values()):
            self._leave([branch])
        self.touched.append(branch)
        return True

    def _loop(self) -> bool:
        self._open[-1].loop = True
        self.touched.append(self._open[-1])
        return True

    def _give_up(self, proven: Iterable[Goal]) -> None:
        """Nothing rests on these proofs any more, nor on what they rest on."""
        waiting = list(proven)
        while waiting:
            goal = waiting.pop()
            if not goal.given_up:
                goal.given_up = True
                self.touched.append(goal)
                self._leave(goal.state.chain)
                waiting += goal.state.support

    def _leave(self, chain: Iterable[Branch]) -> None:
        for branch in chain:
            branch.given_up = True
            self.touched.append(branch)


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
