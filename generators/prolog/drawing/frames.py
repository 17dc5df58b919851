"""A step of a film as text for a terminal: theory, question, the derivation so far, bindings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from generators.prolog.drawing.film import Film
from generators.prolog.drawing.literals import Names, Statement
from generators.prolog.drawing.outline import DEEPEST, Line
from generators.prolog.drawing.view import asked, legend, plain, stated, told

FACTS, RULES, DERIVATION = 5, 12, 30
"""Lines at most, so that a frame fits on a screen."""

CURRENT = "►"


def frame(reel: Film, theory: Statement, names: Names, answer: str, step: int) -> str:
    """State `step` of a film: the problem alone at 0, the answer after the last step of the trace.

    `answer` is empty for a row without one.
    """
    total = len(reel.steps) + bool(answer)
    step = min(max(step, 0), total)
    now = reel.steps[min(step, len(reel.steps)) - 1] if step and reel.steps else None
    current = now.at if now and step <= len(reel.steps) else None
    facts, rules = stated(theory, names)
    lines = [*_fewer(facts, FACTS), *_fewer(rules, RULES), "", *asked(theory, names), ""]
    done = step > len(reel.steps)
    said = f"answer {answer}" if done else f"{now.name or 'no event:'} {now.what}" if now else ""
    lines += [f"step {step} of {total}  {_short(said)}".rstrip()]
    shown = reel.lines(step)
    if shown:
        lines += ["", *_derivation(shown, current), "", *legend(shown.values())]
    bound = now.bound if now and not done else ""
    lines += ["", f"bound  {_short(bound) or '-'}"]
    if done:
        lines += [f"answer  {answer}"]
    return plain(lines)


def _derivation(shown: Mapping[int, Line], current: int | None) -> list[str]:
    """The lines that stand there, the current one marked; of many those above it and around it."""
    made: list[str] = []
    hidden = 0
    kept = _nearest(shown, current)
    for at, line in shown.items():
        if at not in kept:
            hidden += 1
            continue
        if hidden:
            made.append(f"    … {hidden} more")
            hidden = 0
        parts = told(replace(line, depth=min(line.depth, DEEPEST)), 2)
        made += [CURRENT + parts[0][1:], *parts[1:]] if at == current else parts
    return [*made, f"    … {hidden} more"] if hidden else made


def _nearest(shown: Mapping[int, Line], current: int | None) -> set[int]:
    if len(shown) <= DERIVATION:
        return set(shown)
    numbers = list(shown)
    middle = numbers[-1] if current is None else current
    above: set[int] = set()
    depth = shown[middle].depth
    for at in reversed(numbers[: numbers.index(middle)]):
        if shown[at].depth < depth:
            above.add(at)
            depth = shown[at].depth
    order = sorted(numbers, key=lambda at: (at != middle, at not in above, abs(at - middle)))
    return set(order[:DERIVATION])


def _fewer(lines: Sequence[str], most: int) -> list[str]:
    hidden = len(lines) - most + 1
    return [*lines[: most - 1], f"… {hidden} more lines"] if hidden > 1 else list(lines)


def _short(said: str, most: int = 56) -> str:
    return said if len(said) <= most else f"{said[: most - 1]}…"
