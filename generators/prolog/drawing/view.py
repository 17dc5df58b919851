"""A question with its theory and derivation as text for a terminal; the way to the picture for a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import wrap
from typing import Any

from generators.domain import Form
from generators.prolog.alphabet import Mode, Words
from generators.prolog.drawing import outline, picture
from generators.prolog.drawing.literals import Names, Statement
from generators.prolog.drawing.outline import Line, Mark
from generators.prolog.drawing.scene import Scene, scene

COLUMNS = 80
LONGEST = 200
"""Lines of a derivation at most."""

MARKS: Mapping[Mark, tuple[str, str]] = {
    "proof": ("✓", "in the proof"),
    "proven": ("○", "proven, not in the proof"),
    "failed": ("✗", "failed"),
    "loop": ("↺", "loop"),
    "open": ("…", "not finished"),
    "clause": ("·", "a clause"),
    "idle": ("·", "nothing new"),
    "note": ("!", "no step of a search"),
    "standing": ("✓", "proven"),
    "left": ("·", "given up"),
    "more": (" ", ""),
}
"""How a line of a derivation begins, and what that means."""


def view(row: Mapping[str, Any], words: Words, mode: Mode, form: Form) -> str:
    """A row with `prompt`, and perhaps `trace`, `answer` and `names`, as text or SVG.

    Of a response, whatever is grammatical is drawn, and the rest is shown as it stands. Raises BadProblem
    for a prompt that states no theory with a question.
    """
    drawn = scene(row, words, mode)
    return text(drawn) if form == "text" else picture.svg(drawn)


def text(drawn: Scene) -> str:
    """Theory, question, derivation and answer in lines of 80 columns, unless a literal alone is longer."""
    facts, rules = stated(drawn.theory, drawn.names)
    lines = [*facts, *rules, "", *asked(drawn.theory, drawn.names)]
    if drawn.lines:
        shown = outline.shortened(drawn.lines, LONGEST)
        lines += ["", *(part for line in shown for part in told(line)), "", *legend(shown)]
    lines += ["", f"answer  {drawn.answer or 'none'}"]
    return plain(lines)


def stated(theory: Statement, names: Names) -> tuple[list[str], list[str]]:
    """The facts and the rules of a theory."""
    facts = (f"{name} {literal.shown(names)}" for name, literal in theory.facts.items())
    rules = (_wrapped(f"{name}  {rule.shown(names)}", 8) for name, rule in theory.rules.items())
    together = "  ".join(fact.replace(" ", "\xa0") for fact in facts)
    return _wrapped(together, 2), [part for rule in rules for part in rule]


def asked(theory: Statement, names: Names) -> list[str]:
    """The question."""
    return _wrapped(f"ask  {theory.question.shown(names)}", 5)


def plain(lines: Iterable[str]) -> str:
    """Lines as one text, in which nothing is held together any more."""
    return "\n".join(lines).replace("\xa0", " ")


def told(line: Line, margin: int = 0) -> list[str]:
    """A line of a derivation behind a margin, in as many lines as it takes."""
    begin = margin + 2 * line.depth
    said = f"{MARKS[line.mark][0]} {line.head}" + (f"  {line.detail}" if line.detail else "")
    return _wrapped(said, begin + 4, begin)


def legend(lines: Iterable[Line]) -> list[str]:
    """What the marks of lines mean."""
    used = {line.mark for line in lines}
    meanings: dict[str, str] = {}
    for mark, (sign, meaning) in MARKS.items():
        if mark in used and mark not in ("clause", "left", "idle", "more"):
            meanings.setdefault(sign, meaning)
    said = "   ".join(f"{sign} {meaning}".replace(" ", "\xa0") for sign, meaning in meanings.items())
    return _wrapped(said, 0)


def _wrapped(told: str, hang: int, begin: int = 0) -> list[str]:
    return wrap(
        told,
        COLUMNS,
        initial_indent=" " * begin,
        subsequent_indent=" " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    )
