"""Traces as events with names, for the eye: what is grammatical is read, the rest is kept as it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from generators.prolog.alphabet import BACKWARD, EVENTS, FORWARD, VARIABLES, Mode, Words
from generators.prolog.drawing.literals import Grammar, Literal, grammar

NAMES = {"backward": BACKWARD, "forward": FORWARD}
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


def cuts(trace: Sequence[str | None]) -> list[int]:
    """Where the steps of a trace begin: at its start and at every event's word, as the verifier has it."""
    return [at for at, word in enumerate(trace) if at == 0 or word in EVENTS]


def events(trace: Sequence[str | None], words: Words, mode: Mode) -> list[Event]:
    """The events of a trace in the stored form; of each step, the words that make none are one garbage."""
    return [event for step in split(trace) for event in read(step, words, mode)]


def split(trace: Sequence[str | None]) -> list[Sequence[str | None]]:
    """The words of each step."""
    places = [*cuts(trace), len(trace)]
    return [trace[begin:end] for begin, end in pairwise(places)]


def read(step: Sequence[str | None], words: Words, mode: Mode) -> list[Event]:
    """The event that a step begins with, then its garbage; one of the two where there is no other."""
    event = _event(grammar(words), step, mode) if step[0] in NAMES[mode] else None
    stray = tuple("?" if word is None else str(word) for word in step[len(event.words) if event else 0 :])
    garbage = [Event(GARBAGE, stray)] if stray else []
    return [event, *garbage] if event else garbage


def _event(known: Grammar, step: Sequence[str | None], mode: Mode) -> Event | None:
    """The event whose name comes first, None where its arguments do not fit."""
    name = str(step[0])
    after = [None if word is None else str(word) for word in step[1:3]]
    if name in ("call", "exit", "redo", "obtain", "known") or (name == "fail" and mode == "backward"):
        found = known.literal(step, 1)
        if found is None:
            return None
        literal, end = found
        return Event(name, tuple(map(str, step[:end])), literal=literal)
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
