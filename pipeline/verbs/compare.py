"""`distill compare`: two evaluations side by side."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pipeline.verbs.declared import declare, present, without_fields


def add(verbs: Any) -> None:
    """Declare the verb."""
    about = "set two evaluations side by side, problem by problem"
    verb = declare(verbs, "compare", about, without_fields(_run))
    verb.add_argument("first", type=present, help="a finished evaluation")
    verb.add_argument("second", type=present, help="another one, of the same problems")
    for side in ("a", "b"):
        about = f"checkpoint of {side.upper()}, as 'model 1' (default: the final one)"
        verb.add_argument(f"--checkpoint-{side}", metavar="NAME", help=about)
    rules, successes = ("greedy", "sampled"), ("optimal", "solved")
    verb.add_argument("--rule", choices=rules, default="greedy", help="which responses (default greedy)")
    verb.add_argument("--by", choices=successes, default="optimal", help="success of the problems listed")
    verb.add_argument("--list", type=int, default=10, metavar="N", help="problems of each side (default 10)")
    verb.add_argument("--json", type=Path, metavar="FILE", help="file that gets all numbers")


def _run(options: argparse.Namespace) -> None:
    from pipeline.comparison import compare

    names = (options.checkpoint_a, options.checkpoint_b)
    compare(options.first, options.second, names, options.rule, options.by, options.list, options.json)
