"""`distill sweep`: many runs of one recipe."""

from __future__ import annotations

import argparse
from typing import Any

from pipeline.errors import Refusal
from pipeline.verbs.declared import Overrides, add_artifacts, add_recipe, declare, recipe_name
from pipeline.verbs.executor import add_options, executor

VALUES = (
    "any recipe field takes several values: --seed 0..4 (both ends counted) --fit.learning_rate 1e-3,3e-3;"
    " commas inside of brackets and quotes belong to a value: --bootstrap.arms '[model],[model, teacher]'"
)


def add(verbs: Any) -> None:
    """Declare the verb."""
    about = "make many runs of one recipe, sharing every stage that does not differ"
    verb = declare(verbs, "sweep", about, _run, VALUES)
    add_recipe(verb)
    add_artifacts(verb)
    verb.add_argument("--through", default="evaluate", metavar="STAGE", help="last stage (default evaluate)")
    verb.add_argument("--yes", action="store_true", help="make more than 1,000 runs")
    add_options(verb)


def _run(options: argparse.Namespace, overrides: Overrides) -> None:
    from pipeline.folders import STAGES
    from pipeline.stage import Options
    from pipeline.sweep import sweep

    name = recipe_name(options)
    if options.through not in STAGES:
        raise Refusal(f"--through takes a stage, one of {', '.join(STAGES)}, got '{options.through}'")
    asked = executor(options)
    made = Options(options.artifacts, asked.workers, cluster=asked.cluster)
    sweep(name, overrides, options.through, made, options.yes)
