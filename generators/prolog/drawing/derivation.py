"""Traces as events with names, for the eye: what is grammatical is read, the rest is kept as it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from generators.prolog.alphabet import BACKWARD, FORWARD, VARIABLES, Mode, Words
from generators.prolog.drawing.literals import Grammar, Literal, grammar

GARBAGE = ""
"""The name of an event that is none."""


@dataclass(frozen=True)
class Event:
    """A step of a search; fields that its kind does not have are empty."""

    name: str
    words: tuple[str, ...]
    literal: Literal | None = None
    clause: str = ""
    variable: str = ""
    entity: str = ""


def events(trace: Sequence[str | None], words: Words, mode: Mode) -> list[Event]:
    """The events of a trace in the stored form; words that make none up to the next event are one garbage."""
    known, names = grammar(words), BACKWARD if mode == "backward" else FORWARD
    found: list[Event] = []
    at = 0
    while at < len(trace):
        event = _event(known, trace, at, mode) if trace[at] in names else None
        if event is None:
            end = at + 1
            while end < len(trace) and trace[end] not in names:
                end += 1
            stray = ("?" if word is None else str(word) for word in trace[at:end])
            event = Event(GARBAGE, tuple(stray))
        found.append(event)
        at += len(event.words)
    return found


def _event(known: Grammar, trace: Sequence[str | None], at: int, mode: Mode) -> Event | None:
    """The event whose name stands at `at`, None where its arguments do not fit."""
    name = str(trace[at])
    after = [None if word is None else str(word) for word in trace[at + 1 : at + 3]]
    if name in ("call", "exit", "redo", "obtain", "known") or (name == "fail" and mode == "backward"):
        read = known.literal(trace, at + 1)
        if read is None:
            return None
        literal, end = read
        return Event(name, tuple(map(str, trace[at:end])), literal=literal)
    if name in ("use", "reuse", "finish"):
        clauses = known.rules | known.facts if mode == "backward" else known.rules
        clause = after[0] if after and after[0] in clauses else None
        return None if clause is None else Event(name, (name, clause), clause=clause)
    if name in ("bind", "unbind"):
        return _binding(known, name, after)
    return Event(name, (name,))


def _binding(known: Grammar, name: str, after: Sequence[str | None]) -> Event | None:
    if not after or after[0] is None or after[0] not in VARIABLES:
        return None
    if name == "unbind":
        return Event(name, (name, after[0]), variable=after[0])
    entity = after[1] if len(after) > 1 else None
    if entity is None or entity not in known.terms or entity in VARIABLES:
        return None
    return Event(name, (name, after[0], entity), variable=after[0], entity=entity)
