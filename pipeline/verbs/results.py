"""`distill results`: finished evaluations as one table."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pipeline.verbs.declared import declare, without_fields


def add(verbs: Any) -> None:
    """Declare the verb."""
    about = "set finished evaluations into one table, a row a run, with means over seeds"
    verb = declare(verbs, "results", about, without_fields(_run))
    verb.add_argument("found", nargs="+", metavar="GLOB", help="evaluations, sweeps, or globs in quotes")
    verb.add_argument("--to", type=Path, metavar="FILE", help="the rows as .parquet, .csv or .json")
    verb.add_argument("--over-seeds", type=Path, metavar="FILE", help="the means over seeds, likewise")
    verb.add_argument(
        "--checkpoint", metavar="NAME", help="as 'start' or 'model 1', or all (default: the final one)"
    )


def _run(options: argparse.Namespace) -> None:
    from pipeline.results.command import results

    results(options.found, options.to, options.over_seeds, options.checkpoint)
