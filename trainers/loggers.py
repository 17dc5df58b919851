"""Where figures go: an append-only CSV that survives a kill, TensorBoard, and trackers by name."""

from __future__ import annotations

import csv
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.loggers import Logger, MLFlowLogger, TensorBoardLogger, WandbLogger

from trainers.config import BadSettings

COLUMNS = (
    "step",
    "epoch",
    "tokens",
    "predicted",
    "train_loss",
    "validation_loss",
    "learning_rate",
    "muon_learning_rate",
    "tokens_per_second",
    "mfu",
    "real_share",
    "seconds",
)


class CsvLogger(Logger):
    """One line a logged step in `metrics.csv`; steps behind `start` are dropped from an earlier run's file.

    Lightning's CSV logger starts a new file for a resumed run and holds all lines in memory.
    """

    def __init__(self, folder: Path, start: int) -> None:
        super().__init__()
        self.path = folder / "metrics.csv"
        self._pending: dict[str, float] = {}
        self._start, self._opened = start, False

    @property
    def name(self) -> str:
        """The name that Lightning shows."""
        return "csv"

    @property
    def version(self) -> str:
        """One file a run, hence no versions."""
        return ""

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """Settings stand in the run's folder."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Collect the figures of one step into one line."""
        if self._pending and self._pending["step"] != step:
            self.save()
        self._pending |= {"step": step or 0, **metrics}

    @rank_zero_only
    def save(self) -> None:
        """Write the line of the current step."""
        if not self._pending:
            return
        if not self._opened:
            self._open()
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, COLUMNS).writerow(self._pending)
        self._pending = {}

    def finalize(self, _: str) -> None:
        """Write what is left."""
        self.save()

    def _open(self) -> None:
        kept = [line for line in read(self.path) if int(line["step"]) <= self._start]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        with partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(kept)
        partial.replace(self.path)
        self._opened = True


def read(path: Path) -> list[dict[str, str]]:
    """The lines of a metrics.csv, without one that a kill cut in two."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        lines = list(csv.DictReader(file))
    return [line for line in lines if len(line) == len(COLUMNS) and None not in line.values()]


def loggers(names: tuple[str, ...], folder: Path, run: str, start: int) -> list[Logger]:
    """The loggers of a run that goes on behind step `start`; BadSettings for one that is not installed."""
    made: dict[str, Callable[[], Logger]] = {
        "csv": lambda: CsvLogger(folder, start),
        "tensorboard": lambda: TensorBoardLogger(
            folder, name="tensorboard", version="", purge_step=start + 1
        ),
        "wandb": lambda: WandbLogger(name=run, save_dir=folder, id=run, resume="allow"),
        "mlflow": lambda: MLFlowLogger(experiment_name=run, save_dir=str(folder / "mlflow")),
    }
    packages = {"csv": "csv", "tensorboard": "tensorboard", "wandb": "wandb", "mlflow": "mlflow"}
    for name in names:
        if name not in made:
            raise BadSettings(f"fit.loggers names {name}; known are {', '.join(made)}")
        if find_spec(packages[name]) is None:
            raise BadSettings(f"fit.loggers names {name}, which is not installed: pip install {name}")
    return [made[name]() for name in names]
