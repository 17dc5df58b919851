"""`distill export`: a checkpoint for Hugging Face tools."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pipeline.verbs.declared import checkpoint, declare, without_fields


def add(verbs: Any) -> None:
    """Declare the verb."""
    verb = declare(verbs, "export", "write a checkpoint for Hugging Face tools", without_fields(_run))
    verb.add_argument("--checkpoint", required=True, type=checkpoint, help="folder of a trained model")
    verb.add_argument("--to", required=True, type=Path, help="folder to write")


def _run(options: argparse.Namespace) -> None:
    from pipeline.export import export

    export(options.checkpoint, options.to)
