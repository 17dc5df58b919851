"""Small recipes made through every stage without any fault: what others are compared with."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from faults.command import distill
from faults.trial import Scale
from pipeline.folders import STAGES

SMALL: dict[str, Any] = {
    "about": "Small mazes, a small student.",
    "seed": 3,
    "domain": {"name": "maze", "width": 5, "height": 5, "attempts_per_layout": 2},
    "generate": {"rows": 200, "shard_rows": 50},
    "curate": {"test": 0.2, "validation": 0.15},
    "encode": {"notation": "cells"},
    "model": {"layers": 1, "width": 32, "heads": 2, "kv_heads": 1, "feedforward": 64, "context": 256},
    "fit": {"steps": 8, "batch_tokens": 1024, "validate_every": 4, "validation_rows": 16},
    "evaluate": {"problems": 10, "samples": 1, "sampled_problems": 5},
}
ROUND = {
    "rounds": 1,
    "samples": 2,
    "prompts": 20,
    "plateau": 0.0,
    "validation_problems": 10,
    "arms": ["model", "teacher"],
    "fit": {"steps": 4, "batch_tokens": 1024, "warmup": 2, "start_with": "everything", "validation_rows": 16},
}
"""A bootstrap of one round."""

_KEPT: list[tempfile.TemporaryDirectory[str]] = []


@cache
def whole(scale: Scale) -> tuple[Path, Path]:
    """The recipe's file and the folder of its `artifacts`, kept until this process ends."""
    _KEPT.append(tempfile.TemporaryDirectory(prefix="faults-whole-"))
    folder = Path(_KEPT[-1].name)
    recipe = folder / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(SMALL if scale == "small" else {**SMALL, "bootstrap": ROUND}))
    done = distill(command("report", recipe), here=folder)
    assert done.code == 0, done.said
    return recipe, folder


def command(stage: str, recipe: Path) -> list[str]:
    """The words that make a stage in the folder where it is run: paths in manifests are then the same."""
    return [stage, f"--recipe={recipe}", "--workers=1"]


def stages(scale: Scale) -> tuple[str, ...]:
    """The stages that it has."""
    return tuple(stage for stage in STAGES if scale == "full" or stage != "bootstrap")


def before(scale: Scale, stage: str) -> tuple[str, ...]:
    """The stages that come before one."""
    return stages(scale)[: stages(scale).index(stage)]
