"""What there is to draw of a row: its theory, its search as a tree and as an outline, its answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generators.prolog.alphabet import FRAME, Mode, Words
from generators.prolog.drawing.derivation import events
from generators.prolog.drawing.literals import Names, Statement, statement
from generators.prolog.drawing.outline import Line, outline
from generators.prolog.drawing.search import Node, searched


@dataclass(frozen=True)
class Scene:
    """What there is to draw of a row."""

    theory: Statement
    names: Names
    mode: Mode
    nodes: Sequence[Node]
    lines: Sequence[Line]
    answer: str
    """Empty where there is none."""


def scene(row: Mapping[str, Any], words: Words, mode: Mode) -> Scene:
    """The search of a row as a tree and as an outline."""
    theory = statement(list(row["prompt"]), words)
    names = displayed(row.get("names"))
    steps = events(_words(row.get("trace")), words, mode)
    nodes = searched(steps, theory, mode).nodes
    return Scene(theory, names, mode, nodes, outline(nodes, names), answered(row.get("answer")))


def answered(answer: Any) -> str:
    """The words of an answer without the frame; empty where there are none."""
    return " ".join(cleaned(str(word)) for word in _words(answer) if word not in (None, *FRAME))


def displayed(names: Iterable[str] | None) -> Names:
    """`word=display` entries as a mapping; what a terminal or XML would not print becomes a space."""
    pairs = (entry.partition("=") for entry in (() if names is None else names))
    return {word: cleaned(shown) for word, _, shown in pairs if shown}


def _words(column: Any) -> list[str | None]:
    return [] if column is None else list(column)


def cleaned(told: str) -> str:
    """A text with spaces in place of what a terminal or XML would not print."""
    return "".join(sign if sign.isprintable() else " " for sign in told).strip()
