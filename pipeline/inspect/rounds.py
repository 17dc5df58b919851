"""The table of a bootstrap."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.artifact import Json
from pipeline.console import OUT, table
from pipeline.page.numbers import value


def show(lines: Sequence[Json]) -> None:
    """Print a line a round and arm."""
    rows = [
        [
            line["round"],
            line["arm"],
            value(line["improved"], "share"),
            value(line["words"], "words"),
            value(line["optimal_share"], "share"),
            value(line["validation"]["optimal"], "share"),
            value(line["validation"]["trace_words"], "words"),
            value(line["length_ratio"], "ratio"),
        ]
        for line in lines
    ]
    columns = [
        "round",
        "arm",
        "rows\nshorter",
        "words\na row",
        "samples\noptimal",
        "valid.\noptimal",
        "valid.\nwords",
    ]
    OUT.print(table("rounds", [*columns, "to the\nlast"], rows, left=2))
