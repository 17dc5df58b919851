"""`distill conform`: hold a registered domain against the contract."""

from __future__ import annotations

import argparse
from typing import Any

from pipeline.verbs.declared import Overrides, declare


def add(verbs: Any) -> None:
    """Declare the verb."""
    about = "hold a registered domain, say of an installed package, against the contract"
    verb = declare(verbs, "conform", about, _run, "any knob of the domain can be set: --domain.width=8")
    verb.add_argument("name", help="its registered name")
    verb.add_argument("--problem", default="", help="one of your own for it to read (default: its example)")
    verb.add_argument("--rows", type=int, default=40, help="problems to draw and solve (default 40)")


def _run(options: argparse.Namespace, overrides: Overrides) -> None:
    from pipeline.conformance.command import conform

    conform(options.name, overrides, options.problem, options.rows)
