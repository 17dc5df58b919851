"""What a forward search knows at its end, in order, each literal with the ones that it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from generators.prolog.drawing.firings import Obtained
from generators.prolog.drawing.goals import Note
from generators.prolog.drawing.literals import Literal, Statement
from generators.prolog.drawing.outline import bound
from generators.prolog.drawing.scene import Scene


@dataclass(frozen=True)
class Row:
    """A literal that became known; without one, a remark."""

    literal: Literal | None
    head: str
    detail: str = ""
    premises: tuple[Literal, ...] = ()
    kept: bool = False
    asked: bool = False
    """Whether it is the question or its complement."""


def rows(drawn: Scene, most: int) -> list[Row]:
    """Facts that something rests on, what was obtained, and remarks; the rest is counted.

    Empty where nothing was obtained.
    """
    obtained = _obtained(drawn)
    if not obtained:
        return []
    named = _named(drawn.theory)
    needed = {premise for made in obtained for premise in made.premises} & set(named)
    asked = (drawn.theory.question, drawn.theory.question.complement())
    kept = {premise for made in obtained if made.kept for premise in made.premises}
    made = [
        Row(
            fact,
            fact.shown(drawn.names),
            named[fact],
            kept=fact in kept or fact in asked,
            asked=fact in asked,
        )
        for fact in named
        if fact in needed or fact in asked
    ]
    made += [
        Row(
            literal=new.literal,
            head=new.literal.shown(drawn.names),
            detail=" ".join(
                filter(None, (new.parent.rule if new.parent else "", bound(new.bindings, drawn.names)))
            ),
            premises=new.premises,
            kept=new.kept,
            asked=new.literal in asked,
        )
        for new in obtained
    ]
    return [*_fewer(made, most), *_remarks(drawn, len(named) - len(needed | (set(asked) & set(named))))]


def used(drawn: Scene) -> set[str]:
    """The names of the clauses that the derivation of the question rests on."""
    named = _named(drawn.theory)
    kept = [made for made in _obtained(drawn) if made.kept]
    rules = {made.parent.rule for made in kept if made.parent}
    facts = {named[premise] for made in kept for premise in made.premises if premise in named}
    asked = (drawn.theory.question, drawn.theory.question.complement())
    return rules | facts | {named[literal] for literal in asked if literal in named}


def _obtained(drawn: Scene) -> list[Obtained]:
    """What was obtained, each literal once."""
    found: dict[Literal, Obtained] = {}
    for node in drawn.nodes:
        if isinstance(node, Obtained):
            found.setdefault(node.literal, node)
    return list(found.values())


def _named(theory: Statement) -> dict[Literal, str]:
    named: dict[Literal, str] = {}
    for name, literal in theory.facts.items():
        named.setdefault(literal, name)
    return named


def _fewer(made: Sequence[Row], most: int) -> list[Row]:
    """The derivation of the question first, then what was known first."""
    order = sorted(range(len(made)), key=lambda at: (not (made[at].kept or made[at].asked), at))
    shown = [made[at] for at in sorted(order[:most])]
    hidden = len(made) - len(shown)
    return [*shown, Row(None, f"… {hidden} more")] if hidden else shown


def _remarks(drawn: Scene, idle: int, most: int = 8) -> list[Row]:
    """Facts that nothing rests on, and steps that are none."""
    notes = [f"! {node.text}" for node in drawn.nodes if isinstance(node, Note)]
    more = [f"… {len(notes) - most} more of this kind"] if len(notes) > most else []
    told = [f"… {idle} other fact{'s' * (idle > 1)}"] if idle else []
    return [Row(None, line) for line in (*told, *notes[:most], *more)]
