"""`distill inspect`: look into what was made."""

from __future__ import annotations

import argparse
from typing import Any

from pipeline.verbs.declared import declare, present, without_fields


def add(verbs: Any) -> None:
    """Declare the verb."""
    about = "look into an artifact, a Parquet file or a checkpoint"
    verb = declare(verbs, "inspect", about, without_fields(_run))
    verb.add_argument("artifact", type=present)
    verb.add_argument("--rows", type=int, default=2, help="rows to show (default 2)")
    verb.add_argument("--where", help='only rows for which this SQL expression holds, as "cost > 20"')
    verb.add_argument("--row", metavar="ID", help="draw the problem of this id (or the beginning of one)")
    verb.add_argument("--step", action="store_true", help="play its trace step by step; with --row")


def _run(options: argparse.Namespace) -> None:
    from pipeline.inspect import show

    show(options.artifact, options.rows, options.where, options.row, options.step)
