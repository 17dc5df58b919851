"""The table of a bootstrap."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.console import OUT, table
from pipeline.errors import Damaged
from pipeline.files import Json
from pipeline.page.numbers import value
from pipeline.plain import from_json


def show(path: Path) -> None:
    """Print a line a round and arm; raises Damaged where the file does not list them."""
    try:
        rows = _rows(from_json(path.read_text())["rounds"])
    except (ValueError, LookupError, TypeError, AttributeError):
        raise Damaged(f"{path} cannot be read: it is not what bootstrap writes") from None
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


def _rows(lines: Sequence[Json]) -> list[list[Any]]:
    return [
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
