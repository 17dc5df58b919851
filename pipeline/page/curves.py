"""The losses and learning rates that a training run has logged."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

Points = list[tuple[float, float]]

RATES = {"learning_rate": "AdamW", "muon_learning_rate": "Muon"}
"""The columns of learning rates, and whose they are."""


@dataclass(frozen=True)
class Curve:
    """What one training run has logged: (step, value) pairs."""

    train: Points
    validation: Points
    rates: Mapping[str, Points] = field(default_factory=dict)
    """The learning rate of each optimizer."""


def read_curve(run: Path) -> Curve:
    """The curves in a run's `logs/metrics.csv`; empty where the recipe logged to no CSV."""
    path = run / "logs" / "metrics.csv"
    if not path.is_file():
        return Curve([], [])
    with path.open(newline="") as file:
        lines = list(csv.DictReader(file))
    rates = {title: points for name, title in RATES.items() if (points := _points(lines, name))}
    return Curve(_points(lines, "train_loss"), _points(lines, "validation_loss"), rates)


def _points(lines: list[dict[str, str]], name: str) -> Points:
    return [(float(line["step"]), float(line[name])) for line in lines if line.get(name)]
