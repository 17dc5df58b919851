"""`distill status`: how far an artifact or a recipe has come."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

Overrides = list[tuple[str, str]]


def add(verbs: Any) -> None:
    """Declare the verb."""
    about = "tell what is done of an artifact or a recipe, what runs, what failed, and how long it takes"
    verb = verbs.add_parser("status", help=about, description=about, epilog=FIELDS, allow_abbrev=False)
    verb.add_argument("target", nargs="+", metavar="ARTIFACT", help="a folder, s3://..., or a recipe's name")
    verb.add_argument("--artifacts", default="artifacts", help="where those of a recipe stand")
    verb.set_defaults(run=_run, verb="status")


FIELDS = "fields of a recipe can be set as for the stages, to tell of the artifacts that they lead to"


def _run(options: argparse.Namespace, overrides: Overrides) -> None:
    from pipeline.status import status
    from pipeline.store import located

    status(options.target, overrides, Path(located(options.artifacts)))
