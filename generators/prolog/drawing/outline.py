"""Searches as outlines: a line a goal, a clause or a literal, indented under what it serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal as Choice

from generators.prolog.drawing import firings, goals
from generators.prolog.drawing.goals import Note
from generators.prolog.drawing.literals import Names
from generators.prolog.drawing.search import Node

Mark = Choice[
    "proof", "proven", "failed", "loop", "open", "clause", "idle", "note", "more", "standing", "left"
]
"""In the proof; proven in vain; failed; its own ancestor; not finished; a clause; idle; no step; left out.

While a search goes on: proven, and something may rest on it; a clause that was given up.
"""


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


@dataclass(frozen=True)
class Place:
    """Where a line stands, and the numbers of the nodes that it tells of, in the order of the search."""

    depth: int
    nodes: list[int]


def outline(nodes: Sequence[Node], names: Names) -> list[Line]:
    """The outline of a whole search."""
    return [line(place.depth, [nodes[at] for at in place.nodes], names) for place in places(nodes)]


def places(nodes: Sequence[Node]) -> list[Place]:
    """The lines of an outline, in the order in which a search comes to them.

    The only clause that was tried for a goal stands in its line, the only literal that a firing obtained in
    that of the firing. Firings that obtain nothing share a line with their neighbours.
    """
    made: list[Place] = []
    of: dict[int, Place] = {}
    idle: firings.Firing | None = None
    for at, node in enumerate(nodes):
        shared = idle is not None and _alike(idle, node)
        if shared or _single(node):
            place = made[-1] if shared else of[id(node.parent)]
            place.nodes.append(at)
        else:
            place = Place(0 if node.parent is None else of[id(node.parent)].depth + 1, [at])
            made.append(place)
        of[id(node)] = place
        if not shared:
            idle = node if isinstance(node, firings.Firing) and not node.obtained else None
    return made


def line(depth: int, members: Sequence[Node], names: Names, settled: bool = True) -> Line:
    """The line of nodes that share one; of a search that is not `settled` yet, as it stands now."""
    first, last = members[0], members[-1]
    if isinstance(first, Note):
        return Line(depth, "note", _plain(first.text))
    if isinstance(first, goals.Goal):
        return _goal(first, last if isinstance(last, goals.Branch) else None, depth, names, settled)
    if isinstance(first, goals.Branch):
        left = first.given_up and not settled
        head = _clause(first, names) or "as before"
        return Line(depth, "left" if left else "clause", head, kept=first.kept)
    if isinstance(last, firings.Obtained):
        return _obtained(last, len(members) > 1, depth, names, settled)
    return _firings([node for node in members if isinstance(node, firings.Firing)], depth, settled)


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


def _single(node: Node) -> bool:
    if isinstance(node, goals.Branch):
        return len(node.parent.branches) == 1
    return isinstance(node, firings.Obtained) and node.parent is not None and len(node.parent.obtained) == 1


def _alike(first: firings.Firing, node: Node) -> bool:
    """Whether a node is one more firing in vain beside the first."""
    if not isinstance(node, firings.Firing) or node.obtained:
        return False
    return node.parent is first.parent and node.again == first.again


def _goal(goal: goals.Goal, branch: goals.Branch | None, depth: int, names: Names, settled: bool) -> Line:
    told = ["again"] if goal.again else []
    if branch:
        told.append(_clause(branch, names))
    if goal.loop:
        told.append("loop: it is its own ancestor")
    elif not goal.branches and goal.outcome == "failed":
        told.append("nothing else" if goal.again else "nothing matches")
    if goal.outcome == "open" and settled:
        told.append("not finished")
    head = goal.literal.shown(names)
    return Line(depth, _outcome(goal, settled), head, ", ".join(filter(None, told)), goal.kept)


def _outcome(goal: goals.Goal, settled: bool) -> Mark:
    if goal.kept:
        return "proof"
    if goal.loop and goal.outcome == "failed":
        return "loop"
    if goal.outcome == "proven" and not goal.given_up and not settled:
        return "standing"
    return goal.outcome


def _clause(branch: goals.Branch, names: Names) -> str:
    further = "with" if branch.bindings else ""
    return " ".join(filter(None, (branch.clause or further, bound(branch.bindings, names))))


def _firings(fired: Sequence[firings.Firing], depth: int, settled: bool) -> Line:
    """A firing with what it obtains below it, or firings in vain."""
    head = ", ".join(dict.fromkeys(firing.rule for firing in fired)) + (" again" if fired[0].again else "")
    if any(firing.open for firing in fired) and not settled:
        return Line(depth, "open", head)
    if not fired[0].obtained:
        return Line(depth, "idle", head, "nothing new")
    return Line(depth, "clause", head, kept=any(made.kept for made in fired[0].obtained))


def _obtained(made: firings.Obtained, single: bool, depth: int, names: Names, settled: bool) -> Line:
    told = [made.parent.rule + (" again" if made.parent.again else "")] if single and made.parent else []
    told.append(bound(made.bindings, names))
    mark: Mark = "proof" if made.kept else "proven" if settled else "standing"
    return Line(depth, mark, made.literal.shown(names), " ".join(filter(None, told)), made.kept)


def _plain(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _gap(hidden: Sequence[Line]) -> Line:
    return Line(min(line.depth for line in hidden), "more", f"… {len(hidden)} more")
