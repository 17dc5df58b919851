"""What there is to draw of a row: its theory, its search as a tree and as an outline, its answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generators.prolog.alphabet import FRAME, Mode, Words
from generators.prolog.drawing import firings, goals, outline
from generators.prolog.drawing.derivation import events
from generators.prolog.drawing.literals import Names, Statement, statement
from generators.prolog.drawing.outline import Line


@dataclass(frozen=True)
class Scene:
    """What there is to draw of a row."""

    theory: Statement
    names: Names
    mode: Mode
    nodes: Sequence[goals.Node] | Sequence[firings.Node]
    lines: Sequence[Line]
    answer: str
    """Empty where there is none."""


def scene(row: Mapping[str, Any], words: Words, mode: Mode) -> Scene:
    """The search of a row as a tree and as an outline."""
    theory = statement(list(row["prompt"]), words)
    names = displayed(row.get("names"))
    steps = events(_words(row.get("trace")), words, mode)
    answer = [_clean(str(word)) for word in _words(row.get("answer")) if word not in (None, *FRAME)]
    nodes: Sequence[goals.Node] | Sequence[firings.Node]
    if mode == "backward":
        nodes = trials = goals.tree(steps, theory.question)
        lines = outline.backward(trials, names)
    else:
        nodes = fired = firings.tree(steps, theory)
        lines = outline.forward(fired, names)
    return Scene(theory, names, mode, nodes, lines, " ".join(answer))


def displayed(names: Iterable[str] | None) -> Names:
    """`word=display` entries as a mapping; what a terminal or XML would not print becomes a space."""
    pairs = (entry.partition("=") for entry in (() if names is None else names))
    return {word: _clean(shown) for word, _, shown in pairs if shown}


def _words(column: Any) -> list[str | None]:
    return [] if column is None else list(column)


def _clean(told: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in told).strip()
