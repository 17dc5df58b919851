"""`distill compile`: kernels ahead of their first use."""

from __future__ import annotations

import argparse
from typing import Any

from pipeline.verbs.declared import declare, without_fields


def add(verbs: Any) -> None:
    """Declare the verb."""
    about = "compile the demonstrations' kernels ahead of their first use"
    verb = declare(verbs, "compile", about, without_fields(_run))
    verb.add_argument("--workers", type=int, default=0, help="worker processes (default: one a core)")


def _run(options: argparse.Namespace) -> None:
    from pipeline.verbs.executor import workers
    from pipeline.warmup import warm_up

    warm_up(workers(options.workers))
