"""Which checkpoints a run keeps: the best, the last with its resumable state, and log-spaced ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
from lightning.pytorch.callbacks import Callback
from safetensors import SafetensorError

from trainers import checkpoint
from trainers.meter import Meter
from trainers.validation import Validation

STATE = "state.ckpt"


class Checkpoints(Callback):
    """Writes Hugging Face folders below `out`; each appears whole or not at all.

    `saved` is told of every state from which a run can go on: whoever keeps copies elsewhere makes one.
    """

    def __init__(
        self,
        out: Path,
        companions: Path,
        every: int,
        log_spaced: bool,
        meter: Meter,
        validation: Validation | None,
        saved: Callable[[], None] | None = None,
    ) -> None:
        self.out, self.companions, self.every, self.log_spaced = out, companions, every, log_spaced
        self.meter, self.validation = meter, validation
        self.saved = saved
        self.best: float | None = None
        self.best_step = 0

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: Any, _: Any, __: Any, batch_idx: int
    ) -> None:
        """Save what the step asks for; runs behind the meter and the validation of the same step."""
        if (batch_idx + 1) % trainer.accumulate_grad_batches:
            return
        step, last = trainer.global_step, trainer.global_step == trainer.max_steps
        with self.meter.paused():
            if self._improved(step, last):
                self._save(trainer, module, "best")
            if self.log_spaced and step & (step - 1) == 0:
                self._save(trainer, module, f"step-{step:06d}")
            if step % self.every == 0 or last:
                self._save_state(trainer, module)

    def _improved(self, step: int, last: bool) -> bool:
        if self.validation is None:  # then the last weights are the best known
            self.best_step = step
            return last
        loss = self.validation.loss
        if self.validation.measured_at != step or loss is None:
            return False
        if self.best is not None and loss >= self.best:
            return False
        self.best, self.best_step = loss, step
        return True

    def _save_state(self, trainer: lightning.Trainer, module: Any) -> None:
        # The state holds what was logged so far, so that must be on disk before it.
        for logger in trainer.loggers:
            logger.save()
        self.meter.gather(trainer)
        state = self.out / f".{STATE}"
        if trainer.is_global_zero:
            written(lambda: trainer.save_checkpoint(state), state)
        else:
            trainer.save_checkpoint(state)  # it takes part and writes nothing
        self._save(trainer, module, "last", lambda folder: move(state, folder / STATE))
        if self.saved is not None and trainer.is_global_zero:
            self.saved()

    def _save(
        self, trainer: lightning.Trainer, module: Any, name: str, more: Callable[[Path], None] | None = None
    ) -> None:
        if trainer.is_global_zero:
            folder = self.out / name
            written(lambda: checkpoint.save(module.model, folder, self.companions, more), folder)
        trainer.strategy.barrier()

    def state_dict(self) -> dict[str, Any]:
        """The best loss so far."""
        return {"best": self.best, "best_step": self.best_step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.best, self.best_step = state["best"], state["best_step"]


def move(source: Path, target: Path) -> None:
    """Rename a file."""
    source.rename(target)


def written(write: Callable[[], None], path: Path) -> None:
    """Write, or leave nothing behind and raise an OSError that names the place (a full disk, mostly)."""
    try:
        write()
    except (OSError, RuntimeError, SafetensorError) as fault:
        # torch and safetensors report a failed write as errors of their own.
        checkpoint.settle(path)
        if path.is_file():
            path.unlink()
        reason = " ".join(str(fault).split())
        raise OSError(f"the checkpoint {path} could not be written: {reason}") from fault
