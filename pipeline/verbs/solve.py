"""`distill solve`: a checkpoint answers one problem."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pipeline.errors import Refusal
from pipeline.verbs.declared import checkpoint, declare, without_fields


def add(verbs: Any) -> None:
    """Declare the verb."""
    verb = declare(verbs, "solve", "let a checkpoint answer a problem of your own", without_fields(_run))
    verb.add_argument("--checkpoint", required=True, type=checkpoint, help="folder of a trained model")
    verb.add_argument("--problem", required=True, help="a file, or the text itself")
    verb.add_argument("--samples", type=int, default=0, help="show the best of N sampled responses")
    verb.add_argument("--temperature", type=float, default=1.0, help="of the samples (default 1)")
    verb.add_argument("--pictures", type=Path, help="folder that gets what is shown as SVG files")


def _run(options: argparse.Namespace) -> None:
    from pipeline.solve import solve

    if options.samples < 0:
        raise Refusal(f"--samples must be 0 (greedy) or more, got {options.samples}")
    solve(options.checkpoint, options.problem, options.samples, options.temperature, options.pictures)
