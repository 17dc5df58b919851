"""A few rows of a data set as pictures: a short, a middling and a long trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from pipeline.card.light import Light
from pipeline.card.markdown import code, text
from pipeline.card.pictures import Pictures, alt_of, titles

SPREAD = (("Short", 0.05), ("Median", 0.5), ("Long", 0.95))
"""Which part of the rows has a shorter trace than each example."""


def examples(light: Light, pictures: Pictures, among: pl.DataFrame) -> str:
    """Pictures of some of the rows `among`, with what the verifier says of each."""
    ordered = among.sort("trace_words", "file", "place", nulls_last=True)
    shown: list[tuple[str, str, str]] = []
    seen: set[int] = set()
    for title, part in SPREAD:
        at = round(part * (len(ordered) - 1))
        if at in seen:
            continue
        seen.add(at)
        found = ordered.row(at, named=True)
        row = light.row(found["file"], found["place"])
        name = f"example-{len(shown) + 1}"
        shown.append(
            (f"{title} trace", told(row), pictures.row(name, light.domain, row, alt_of(light.domain, row)))
        )
    return titles(shown)


def told(row: Mapping[str, Any]) -> str:
    """What is known of a row, in a line."""
    facts = [f"problem {code(row['problem_id'])}", f"verdict {text(row['verdict'])}"]
    if row.get("level"):
        facts.append(f"trace {text(row['level'])}")
    if row.get("trace_words") is not None:
        facts.append(f"{row['trace_words']:,} trace words")
    if row.get("cost") is not None:
        facts.append(f"cost {row['cost']:,}")
    line = ", ".join(facts)
    return f"{line[:1].upper()}{line[1:]}."
