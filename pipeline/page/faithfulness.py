"""Where traces first leave what the teacher's algorithm allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.page import plots
from pipeline.page.findings import Checkpoint, Findings
from pipeline.page.numbers import counted
from pipeline.page.plots import Plot

PARTS = 10
"""Parts of a trace that departures are counted in."""


@dataclass(frozen=True)
class Departures:
    """The greedy responses of a checkpoint that can be replayed, and where in them the first fault stands."""

    replayed: int
    faithful: int
    """Those that never depart."""
    shares: list[float]
    """The share of all that first depart in each tenth of the trace; the last one is the answer's step."""


def departures(findings: Findings, entrant: Checkpoint) -> Departures:
    """The first departures by their place in the trace.

    A departure behind the last step stands at the answer: what the trace lacks, or an answer that does not
    follow.
    """
    own = findings.greedy(entrant).drop_nulls("level")
    gone = own.drop_nulls("first_departure").select(pl.col("first_departure", "total_steps").cast(pl.Int64))
    at, total = gone["first_departure"].to_numpy(), gone["total_steps"].to_numpy()
    within = at < total
    parts = np.where(within, at * PARTS // np.maximum(total, 1), PARTS)
    counts = np.bincount(parts.astype(np.int64), minlength=PARTS + 1)
    return Departures(len(own), len(own) - len(gone), (counts / max(len(own), 1)).tolist())


def pictures(findings: Findings) -> list[Plot]:
    """The histogram of the first departures: of the final checkpoint, and of the start as a line."""
    if not findings.has_traces:
        return []
    found = {findings.label(each): departures(findings, each) for each in findings.pictured[::-1]}
    final = next(iter(found.values()))
    if not final.replayed:
        return []
    parts = {name: each.shares for name, each in found.items() if each.replayed}
    caption = (
        f"Of {counted(final.replayed, 'greedy trace')} {final.faithful:,} never depart"
        f" ({final.faithful / final.replayed:.1%}). “At the answer” is behind the last step of the trace."
    )
    return [plots.departures("Where traces first go wrong", parts, caption)]
