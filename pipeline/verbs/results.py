"""`distill results`: finished evaluations as one table."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pipeline.errors import Refusal

Overrides = list[tuple[str, str]]


def add(verbs: Any) -> None:
    """Declare the verb."""
    about = "set finished evaluations into one table, a row a run, with means over seeds"
    verb = verbs.add_parser("results", help=about, description=about, allow_abbrev=False)
    verb.add_argument("found", nargs="+", metavar="GLOB", help="evaluations, sweeps, or globs in quotes")
    verb.add_argument("--to", type=Path, metavar="FILE", help="the rows as .parquet, .csv or .json")
    verb.add_argument("--over-seeds", type=Path, metavar="FILE", help="the means over seeds, likewise")
    verb.add_argument(
        "--checkpoint", metavar="NAME", help="as 'start' or 'model 1', or all (default: the final one)"
    )
    verb.set_defaults(run=_run, verb="results")


def _run(options: argparse.Namespace, overrides: Overrides) -> None:
    from pipeline.results.command import results

    if overrides:
        raise Refusal(f"unknown option --{overrides[0][0]}; `distill results --help` lists them")
    results(options.found, options.to, options.over_seeds, options.checkpoint)
