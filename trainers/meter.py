"""What a run logs: loss, rates, tokens per second and MFU; the hot path never waits for the device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import lightning.pytorch as lightning
import torch
from lightning.fabric.utilities.throughput import get_available_flops
from lightning.pytorch.callbacks import Callback
from torch import Tensor
from transformers import PreTrainedModel

from trainers.batches import Batch
from trainers.checkpoint import parameters
from trainers.optimizer import schedule
from trainers.ranks import here

COUNTED = ("rows", "tokens", "predicted", "squares")
"""What each rank counts for itself; steps and seconds are those of all."""


@dataclass
class Work:
    """What was done over some time."""

    seconds: float = 0.0
    steps: int = 0
    rows: int = 0
    tokens: int = 0
    predicted: int = 0
    squares: int = 0

    def add(self, batch: Batch) -> None:
        """Count one packed row, unless it counts for nothing; plain numbers, no look at the device."""
        if not batch.tokens:
            return
        self.rows += 1
        self.tokens += batch.tokens
        self.predicted += len(batch.predicted)
        self.squares += batch.squares

    def __iadd__(self, other: Work) -> Work:
        """Add another stretch of work."""
        for name, amount in asdict(other).items():
            setattr(self, name, getattr(self, name) + amount)
        return self


def flops(model: PreTrainedModel, work: Work) -> float:
    """Floating-point operations of training: 6 a weight and token, 12 L d a pair of tokens in attention.

    In a causal document of S tokens the latter are 6 L d S a token. The head counts only where something is
    predicted, and the look-up of an embedding is no matrix product.
    """
    config = model.config
    table: int = config.vocab_size * config.hidden_size
    body: int = parameters(model) - table * (1 if config.tie_word_embeddings else 2)
    width = config.num_attention_heads * config.head_dim
    attention: float = 6 * config.num_hidden_layers * width * work.squares
    return 6.0 * (body * work.tokens + table * work.predicted) + attention


class Meter(Callback):
    """Logs every `log_every` steps; its state makes the losses of a resumed run equal an undisturbed one's.

    Each rank counts its own rows until they are gathered, for a log or a state; from then on the first rank
    holds what all have done, and the others begin at nothing.
    """

    def __init__(self, log_every: int) -> None:
        self.log_every = log_every
        self.latest: dict[str, float] = {}
        self.window, self.total, self.steady = Work(), Work(), Work()
        """Since the last log; of the whole run; of the run without the first window of each process."""
        self._loss: Tensor | None = None
        self._warm = False
        self._since = perf_counter()

    def on_train_start(self, *_: Any) -> None:
        """Start the clock."""
        self._since = perf_counter()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: Any, _: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Count the row, and log when it is time."""
        self._loss = module.latest if self._loss is None else self._loss + module.latest
        self.window.add(batch)
        if (batch_idx + 1) % trainer.accumulate_grad_batches:
            return
        self.window.steps += 1
        if trainer.global_step % self.log_every == 0 or trainer.global_step == trainer.max_steps:
            self._log(trainer, module)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the clock for work that is no training."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self._tick()
        yield
        self._since = perf_counter()

    def gather(self, trainer: lightning.Trainer) -> None:
        """Add up loss and rows of the window over all ranks; every rank takes part."""
        if trainer.world_size == 1:
            return
        mine = [0.0 if self._loss is None else float(self._loss), *(getattr(self.window, n) for n in COUNTED)]
        device = trainer.strategy.root_device
        summed = trainer.strategy.reduce(
            torch.tensor(mine, dtype=torch.float64, device=device), reduce_op="sum"
        )
        loss, *counts = summed.tolist() if trainer.is_global_zero else [0.0] * len(mine)
        self._loss = torch.tensor(loss)
        for name, count in zip(COUNTED, counts, strict=True):
            setattr(self.window, name, int(count))

    def _tick(self) -> None:
        now = perf_counter()
        self.window.seconds += now - self._since
        self._since = now

    def _log(self, trainer: lightning.Trainer, module: Any) -> None:
        self.gather(trainer)
        loss = 0.0 if self._loss is None else float(self._loss)
        self._tick()
        window, self.window, self._loss = self.window, Work(), None
        self.total += window
        if self._warm:
            self.steady += window
        self._warm = True
        if not trainer.is_global_zero:
            return
        fit, step = module.fit, trainer.global_step
        factor = schedule(fit)(step - 1)
        self.latest = {
            "epoch": self.total.tokens / module.packer.epoch_tokens,
            "tokens": self.total.tokens,
            "predicted": self.total.predicted,
            "train_loss": loss / window.steps,
            "learning_rate": factor * fit.learning_rate,
            "tokens_per_second": window.tokens / window.seconds,
            "real_share": window.tokens / (window.rows * fit.batch_tokens),
            "seconds": self.total.seconds,
        }
        if fit.optimizer == "muon":
            self.latest["muon_learning_rate"] = factor * fit.muon_learning_rate
        utilised = mfu(trainer, module.model, window)
        if utilised is not None:
            self.latest["mfu"] = utilised
        for logger in trainer.loggers:
            logger.log_metrics(self.latest, step=step)

    def state_dict(self) -> dict[str, Any]:
        """Plain numbers, so that a state can be read without running code from it; gathered before."""
        works = {name: asdict(getattr(self, name)) for name in ("window", "total", "steady")}
        return {**works, "latest": self.latest, "loss": None if self._loss is None else float(self._loss)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.window, self.total, self.steady = (Work(**state[name]) for name in ("window", "total", "steady"))
        self.latest = state["latest"]
        if here().rank:  # what is in the state counts once
            self.window = Work()
            return
        self._loss = None if state["loss"] is None else torch.tensor(state["loss"])


def mfu(trainer: lightning.Trainer, model: PreTrainedModel, work: Work) -> float | None:
    """Share of the devices' peak that went into the model's own arithmetic; None where no peak is known."""
    device = trainer.strategy.root_device
    if device.type != "cuda" or not work.seconds:
        return None
    dtype = torch.bfloat16 if str(trainer.precision).startswith("bf16") else torch.float32
    peak = get_available_flops(device, dtype)
    return None if peak is None else flops(model, work) / work.seconds / (peak * trainer.world_size)
