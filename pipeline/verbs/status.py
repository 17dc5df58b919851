"""`distill status`: how far an artifact or a recipe has come."""

from __future__ import annotations

import argparse
from typing import Any

from pipeline.verbs.declared import Overrides, add_artifacts, declare

FIELDS = "fields of a recipe can be set as for the stages, to tell of the artifacts that they lead to"


def add(verbs: Any) -> None:
    """Declare the verb."""
    about = "tell what is done of an artifact or a recipe, what runs, what failed, and how long it takes"
    verb = declare(verbs, "status", about, _run, FIELDS)
    verb.add_argument("target", nargs="+", metavar="ARTIFACT", help="a folder, s3://..., or a recipe's name")
    add_artifacts(verb)


def _run(options: argparse.Namespace, overrides: Overrides) -> None:
    from pipeline.status import status

    status(options.target, overrides, options.artifacts)
