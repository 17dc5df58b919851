"""The losses that a training run has logged."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Curve:
    """The losses of one training run: (step, loss) pairs."""

    train: list[tuple[float, float]]
    validation: list[tuple[float, float]]


def read_curve(run: Path) -> Curve:
    """The losses in a run's `logs/metrics.csv`; empty where the recipe logged to no CSV."""
    path = run / "logs" / "metrics.csv"
    if not path.is_file():
        return Curve([], [])
    with path.open(newline="") as file:
        lines = list(csv.DictReader(file))
    return Curve(*[_points(lines, name) for name in ("train_loss", "validation_loss")])


def _points(lines: list[dict[str, str]], name: str) -> list[tuple[float, float]]:
    return [(float(line["step"]), float(line[name])) for line in lines if line.get(name)]
