"""The progress bar of a run: loss, tokens per second and the time that is left."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as lightning
from lightning.pytorch.callbacks import Callback
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trainers.meter import Meter
from trainers.validation import Validation


class ProgressBar(Callback):
    """One line on a terminal's stderr; nothing where there is no terminal."""

    def __init__(self, meter: Meter, validation: Validation | None, console: Console | None = None) -> None:
        self.meter, self.validation = meter, validation
        self.console = console or Console(stderr=True)
        self.bar: Progress | None = None

    def on_train_start(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        """Show the bar on the first rank."""
        if not (trainer.is_global_zero and self.console.is_terminal):
            return
        columns = (
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
        )
        self.bar = Progress(TextColumn("train"), *columns, console=self.console)
        self.task = self.bar.add_task("", total=trainer.max_steps, completed=trainer.global_step, figures="")
        self.bar.start()

    def on_train_batch_end(self, trainer: lightning.Trainer, _: lightning.LightningModule, *__: Any) -> None:
        """Move on; the figures change when they are logged."""
        if self.bar is not None:
            self.bar.update(self.task, completed=trainer.global_step, figures=self._figures())

    def _figures(self) -> str:
        shown = []
        if self.meter.latest:
            shown.append(f"loss {self.meter.latest['train_loss']:.4f}")
        if self.validation is not None and self.validation.loss is not None:
            shown.append(f"validation {self.validation.loss:.4f}")
        if self.meter.latest:
            shown.append(f"{self.meter.latest['tokens_per_second']:,.0f} tokens/s")
        return "  ".join(shown)

    def on_train_end(self, *_: Any) -> None:
        """Leave the last figures standing."""
        self._stop()

    def on_exception(self, *_: Any) -> None:
        """Give the terminal back."""
        self._stop()

    def _stop(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
