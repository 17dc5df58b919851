"""A question with its theory and derivation as text for a terminal; the way to the picture for a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import wrap
from typing import Any

from generators.domain import Form
from generators.prolog.alphabet import Mode, Words
from generators.prolog.drawing import outline, picture
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
    facts = (f"{name} {literal.shown(drawn.names)}" for name, literal in drawn.theory.facts.items())
    lines = _wrapped("  ".join(fact.replace(" ", "\xa0") for fact in facts), 2)
    for name, rule in drawn.theory.rules.items():
        lines += _wrapped(f"{name}  {rule.shown(drawn.names)}", 8)
    lines += ["", *_wrapped(f"ask  {drawn.theory.question.shown(drawn.names)}", 5)]
    if drawn.lines:
        shown = outline.shortened(drawn.lines, LONGEST)
        lines += ["", *(part for line in shown for part in _line(line)), "", *_legend(shown)]
    lines += ["", f"answer  {drawn.answer or 'none'}"]
    return "\n".join(lines).replace("\xa0", " ")


def _line(line: Line) -> list[str]:
    begin = 2 * line.depth
    told = f"{MARKS[line.mark][0]} {line.head}" + (f"  {line.detail}" if line.detail else "")
    return _wrapped(told, begin + 4, begin)


def _legend(lines: Iterable[Line]) -> list[str]:
    used = {line.mark for line in lines}
    legend: dict[str, str] = {}
    for mark, (sign, meaning) in MARKS.items():
        if mark in used and mark not in ("clause", "idle", "more"):
            legend[sign] = meaning
    told = "   ".join(f"{sign} {meaning}".replace(" ", "\xa0") for sign, meaning in legend.items())
    return _wrapped(told, 0)


def _wrapped(told: str, hang: int, begin: int = 0) -> list[str]:
    return wrap(
        told,
        COLUMNS,
        initial_indent=" " * begin,
        subsequent_indent=" " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    )
