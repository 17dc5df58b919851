"""Validation every so many steps, on the same packed rows each time."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as lightning
import torch
from lightning.pytorch.callbacks import Callback

from trainers.batches import Packer
from trainers.meter import Meter


class Validation(Callback):
    """Logs the loss on the first rows of the validation split.

    Lightning's own loop is not used: it knows no validation behind the last step, and the state it keeps when
    it is killed between training and validation skips one of the two.
    """

    def __init__(self, packer: Packer, every: int, meter: Meter) -> None:
        self.packer, self.every, self.meter = packer, every, meter
        self.rows = packer.plan(seed=0, shuffle=False).once()
        self.loss: float | None = None
        """The latest one."""
        self.measured_at = 0

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: Any, _: Any, __: Any, batch_idx: int
    ) -> None:
        """Validate when it is time, and behind the last step."""
        step = trainer.global_step
        if (batch_idx + 1) % trainer.accumulate_grad_batches:
            return
        if step % self.every == 0 or step == trainer.max_steps:
            with self.meter.paused():
                self.loss, self.measured_at = self.measure(trainer, module), step
            for logger in trainer.loggers:
                logger.log_metrics({"validation_loss": self.loss}, step=step)

    @torch.no_grad()
    def measure(self, trainer: lightning.Trainer, module: Any) -> float:
        """The mean loss over all rows, each rank taking its share of them."""
        device = trainer.strategy.root_device
        total = sum(map(self.packer.weight, self.rows))
        shares = torch.zeros((), device=device)
        with trainer.precision_plugin.val_step_context():
            for row in self.rows[trainer.global_rank :: trainer.world_size]:
                batch = trainer.strategy.batch_to_device(self.packer.batch(row, total), device)
                shares += module.loss(batch).float()
        return float(trainer.strategy.reduce(shares, reduce_op="sum"))

    def state_dict(self) -> dict[str, Any]:
        """The latest loss."""
        return {"loss": self.loss, "measured_at": self.measured_at}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.loss, self.measured_at = state["loss"], state["measured_at"]
