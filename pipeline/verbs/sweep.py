"""`distill sweep`: many runs of one recipe."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pipeline.errors import Refusal
from pipeline.verbs.executor import add_options

Overrides = list[tuple[str, str]]
VALUES = (
    "any recipe field takes several values: --seed 0..4 (both ends counted) --fit.learning_rate 1e-3,3e-3;"
    " commas inside of brackets and quotes belong to a value: --bootstrap.arms '[model],[model, teacher]'"
)


def add(verbs: Any) -> None:
    """Declare the verb."""
    about = "make many runs of one recipe, sharing every stage that does not differ"
    verb = verbs.add_parser("sweep", help=about, description=about, epilog=VALUES, allow_abbrev=False)
    verb.add_argument("--recipe", help="a recipe's name or YAML file")
    verb.add_argument("--artifacts", default="artifacts", help="where outputs stand: a folder or s3://...")
    verb.add_argument("--through", default="evaluate", metavar="STAGE", help="last stage (default evaluate)")
    verb.add_argument("--yes", action="store_true", help="make more than 1,000 runs")
    add_options(verb)
    verb.set_defaults(run=_run, verb="sweep")


def _run(options: argparse.Namespace, overrides: Overrides) -> None:
    from pipeline.folders import STAGES
    from pipeline.stage import Options
    from pipeline.store import located
    from pipeline.sweep import sweep
    from pipeline.verbs.executor import executor

    if options.recipe is None:
        raise Refusal("name a recipe: --recipe maze-demo (`distill recipes` lists them)")
    if options.through not in STAGES:
        raise Refusal(f"--through takes a stage, one of {', '.join(STAGES)}, got '{options.through}'")
    asked = executor(options)
    made = Options(Path(located(options.artifacts)), asked.workers, cluster=asked.cluster)
    sweep(options.recipe, overrides, options.through, made, options.yes)
