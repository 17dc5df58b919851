"""Questions played step by step: what is hard about them, plain data for `view.js`, text for terminals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from generators import playback
from generators.prolog.alphabet import ANSWERS, EVENTS, FAMILIES, Mode, Words
from generators.prolog.drawing import derivation, frames
from generators.prolog.drawing.film import Film, film
from generators.prolog.drawing.literals import Statement, statement
from generators.prolog.drawing.outline import Line
from generators.prolog.drawing.scene import answered, displayed

LABELS = ANSWERS[:-1]

KINDS = (*EVENTS, derivation.GARBAGE)
"""The kinds of steps, in the order of `view.js`."""

MARKS = (
    *("open", "standing", "failed", "loop", "proven", "proof"),
    *("clause", "clause kept", "left", "idle", "note"),
)
"""How a line looks, in the order of `view.js`."""


def difficulties(problems: pl.DataFrame) -> pl.DataFrame:
    """What ProofWriter's readers ask about: depth, answer, theory; as far as the columns are there."""
    text = {name: pl.col(name).cast(pl.String) for name in ("label", "family")}
    made = {
        "depth": pl.col("depth").alias("proof depth"),
        "label": _classes(text["label"], LABELS, "answer"),
        "family": _classes(text["family"], (*FAMILIES, "own"), "kind of theory"),
        "polarity": _classes(
            pl.col("polarity").replace_strict(
                {0: "negative", 1: "positive"}, default=None, return_dtype=pl.String
            ),
            ("positive", "negative"),
            "question",
        ),
        "facts": pl.col("facts").alias("facts"),
        "rules": pl.col("rules").alias("rules"),
        "body_literals": pl.col("body_literals").alias("conditions of rules"),
        "predicate_heads": pl.col("predicate_heads").alias("rules for the question"),
        "events": pl.col("events").alias("steps of the teacher"),
    }
    return problems.select(expression for name, expression in made.items() if name in problems.columns)


def cuts(row: Mapping[str, Any]) -> list[int]:
    """Where the steps of a row's trace begin, as the verifier counts them."""
    return derivation.cuts(playback.words(row.get("trace")))


def scene(row: Mapping[str, Any], words: Words, mode: Mode) -> dict[str, Any]:
    """Facts, rules as body and head, and question. Raises BadProblem for a prompt that states none."""
    theory, names = _theory(row, words), displayed(row.get("names"))
    return {
        "mode": mode,
        "facts": [[name, fact.shown(names)] for name, fact in theory.facts.items()],
        "rules": [
            [name, ", ".join(part.shown(names) for part in rule.body), rule.head.shown(names)]
            for name, rule in theory.rules.items()
        ],
        "question": theory.question.shown(names),
    }


def play(row: Mapping[str, Any], words: Words, mode: Mode) -> dict[str, Any]:
    """The film of a row as lists of small numbers, one a step; texts stand once, in `texts`.

    `at` is the line that a step is about, less that of the step before; `marks`, `heads` and `details` tell
    how it looks from then on (0: the text stays, -1: it goes). `more` has other lines that a step changes,
    each as the steps since the last one, line, mark, head and detail. `depths` has one number a line.
    """
    reel = _film(row, words, mode)
    answer = answered(row.get("answer"))
    return {
        "count": len(reel.steps) + bool(playback.words(row.get("answer"))),
        "answer": answer,
        "depths": [line.depth for line in reel.outline],
        **_Reel().packed(reel),
    }


def frame(row: Mapping[str, Any], step: int, words: Words, mode: Mode) -> str:
    """State `step` of a row as text of 80 columns."""
    names = displayed(row.get("names"))
    answer = answered(row.get("answer")) or " ".join(playback.words(row.get("answer")))
    return frames.frame(_film(row, words, mode), _theory(row, words), names, answer, step)


class _Reel:
    """The lists of a film as they are filled."""

    def __init__(self) -> None:
        self.texts = {"": 0}
        self.shown: dict[int, Line] = {}
        self.last = self.moved = 0

    def packed(self, reel: Film) -> dict[str, list[Any]]:
        steps: list[tuple[int, ...]] = []
        more: list[int] = []
        for number, step in enumerate(reel.steps):
            now = step.changes.get(step.at, self.shown.get(step.at))
            said = (KINDS.index(step.name), self._text(step.what), step.at - self.last)
            steps.append((*said, *self._look(step.at, now), self._text(step.bound)))
            self.last = step.at
            for at, line in step.changes.items():
                if at != step.at:
                    more += [number - self.moved, at, *self._look(at, line)]
                    self.moved = number
        names = ("kinds", "what", "at", "marks", "heads", "details", "bound")
        columns = zip(*steps, strict=True) if steps else [()] * len(names)
        lists = {name: list(column) for name, column in zip(names, columns, strict=True)}
        return {"texts": list(self.texts), **lists, "more": more}

    def _look(self, at: int, line: Line | None) -> tuple[int, int, int]:
        """Mark, head and detail of a line that changes or stays."""
        if line is None:
            return MARKS.index("note"), 0, 0
        old, self.shown[at] = self.shown.get(at), line
        mark = "clause kept" if line.mark == "clause" and line.kept else line.mark
        head = self._other(line.head, old.head if old else "")
        return MARKS.index(mark), head, self._other(line.detail, old.detail if old else "")

    def _other(self, told: str, old: str) -> int:
        """A text in place of an old one."""
        return 0 if told == old else self._text(told) or -1

    def _text(self, told: str) -> int:
        return self.texts.setdefault(told, len(self.texts))


def _theory(row: Mapping[str, Any], words: Words) -> Statement:
    return statement(playback.words(row.get("prompt")), words)


def _film(row: Mapping[str, Any], words: Words, mode: Mode) -> Film:
    trace = row.get("trace")
    return film(
        list(() if trace is None else trace), _theory(row, words), displayed(row.get("names")), words, mode
    )


def _classes(values: pl.Expr, classes: Iterable[str], name: str) -> pl.Expr:
    return values.cast(pl.Enum(list(classes)), strict=False).alias(name)
