"""Searches as outlines: a line a goal, a clause or a literal, indented under what it serves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal as Choice

from generators.prolog.drawing import firings, goals
from generators.prolog.drawing.literals import Names

Mark = Choice["proof", "proven", "failed", "loop", "open", "clause", "idle", "note", "more"]
"""In the proof; proven in vain; failed; its own ancestor; not finished; a clause; idle; no step; left out."""


DEEPEST = 20
"""Steps of indentation at most: a line further in starts where this one does."""


@dataclass(frozen=True)
class Line:
    """A line of an outline; `kept` where it belongs to the proof."""

    depth: int
    mark: Mark
    head: str
    detail: str = ""
    kept: bool = False


def backward(nodes: Sequence[goals.Node], names: Names) -> list[Line]:
    """The outline of a backward search; the only clause that was tried for a goal stands in its line."""
    lines: list[Line] = []
    depths: dict[int, int] = {}
    for node in nodes:
        if isinstance(node, goals.Branch) and len(node.parent.branches) == 1:
            depths[id(node)] = depths[id(node.parent)]
            continue
        depth = 0 if node.parent is None else depths[id(node.parent)] + 1
        depths[id(node)] = depth
        if isinstance(node, goals.Goal):
            lines.append(_goal(node, depth, names))
        elif isinstance(node, goals.Branch):
            lines.append(Line(depth, "clause", _clause(node, names) or "as before", kept=node.kept))
        else:
            lines.append(Line(depth, "note", _plain(node.text)))
    return lines


def forward(nodes: Sequence[firings.Node], names: Names) -> list[Line]:
    """The outline of a forward search. Firings that obtain nothing share a line with their neighbours."""
    lines: list[Line] = []
    depths: dict[int, int] = {}
    idle: list[firings.Firing] = []
    for node in nodes:
        above = 0 if node.parent is None else depths[id(node.parent)] + 1
        single = isinstance(node, firings.Obtained) and node.parent and len(node.parent.obtained) == 1
        depths[id(node)] = above - 1 if single else above
        if idle and not _alike(idle[0], node):
            lines.append(_idle(idle, depths[id(idle[0])]))
            idle = []
        if isinstance(node, firings.Firing):
            if not node.obtained:
                idle.append(node)
            elif len(node.obtained) > 1:
                kept = any(made.kept for made in node.obtained)
                lines.append(Line(above, "clause", _fired(node), kept=kept))
        elif isinstance(node, firings.Obtained):
            lines.append(_obtained(node, depths[id(node)], bool(single), names))
        else:
            lines.append(Line(above, "note", _plain(node.text)))
    if idle:
        lines.append(_idle(idle, depths[id(idle[0])]))
    return lines


def shortened(lines: Sequence[Line], most: int) -> list[Line]:
    """At most about `most` lines, the proof and what is near the root first; gaps say how much they hide."""
    lines = [line if line.depth <= DEEPEST else replace(line, depth=DEEPEST) for line in lines]
    if len(lines) <= most:
        return lines
    # What stands above a line is nearer to the root, and of a backward proof it is in the proof too.
    order = sorted(range(len(lines)), key=lambda at: (not lines[at].kept, lines[at].depth, at))
    shown = set(order[:most])
    made: list[Line] = []
    hidden: list[Line] = []
    for at, line in enumerate(lines):
        if at not in shown:
            hidden.append(line)
            continue
        if hidden:
            made.append(_gap(hidden))
            hidden = []
        made.append(line)
    return [*made, _gap(hidden)] if hidden else made


def bound(bindings: Mapping[str, str], names: Names) -> str:
    """Bindings as people write them: `x=bob y=anne`."""
    return " ".join(f"{variable}={names.get(entity, entity)}" for variable, entity in bindings.items())


def _goal(goal: goals.Goal, depth: int, names: Names) -> Line:
    told = ["again"] if goal.again else []
    if len(goal.branches) == 1:
        told.append(_clause(goal.branches[0], names))
    if goal.loop:
        told.append("loop: it is its own ancestor")
    elif not goal.branches and goal.outcome == "failed":
        told.append("nothing else" if goal.again else "nothing matches")
    if goal.outcome == "open":
        told.append("not finished")
    head = goal.literal.shown(names)
    return Line(depth, _outcome(goal), head, ", ".join(filter(None, told)), goal.kept)


def _outcome(goal: goals.Goal) -> Mark:
    if goal.kept:
        return "proof"
    if goal.loop and goal.outcome == "failed":
        return "loop"
    return goal.outcome


def _clause(branch: goals.Branch, names: Names) -> str:
    further = "with" if branch.bindings else ""
    return " ".join(filter(None, (branch.clause or further, bound(branch.bindings, names))))


def _alike(first: firings.Firing, node: firings.Node) -> bool:
    """Whether a node is one more firing in vain beside the first."""
    if not isinstance(node, firings.Firing) or node.obtained:
        return False
    return node.parent is first.parent and node.again == first.again


def _idle(idle: Iterable[firings.Firing], depth: int) -> Line:
    fired = list(idle)
    names = ", ".join(dict.fromkeys(firing.rule for firing in fired))
    return Line(depth, "idle", names + (" again" if fired[0].again else ""), "nothing new")


def _fired(firing: firings.Firing) -> str:
    return firing.rule + (" again" if firing.again else "")


def _obtained(made: firings.Obtained, depth: int, single: bool, names: Names) -> Line:
    told = [_fired(made.parent)] if single and made.parent else []
    told.append(bound(made.bindings, names))
    head = made.literal.shown(names)
    return Line(depth, "proof" if made.kept else "proven", head, " ".join(filter(None, told)), made.kept)


def _plain(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _gap(hidden: Sequence[Line]) -> Line:
    return Line(min(line.depth for line in hidden), "more", f"… {len(hidden)} more")
