"""The LightningModule: a step's loss over packed rows, exact over accumulation and ranks.

Shapes: T tokens of a packed row, P predicted positions, W width, V vocabulary.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import lightning.pytorch as lightning
from torch import Tensor
from torch.nn.functional import cross_entropy, linear
from torch.optim.lr_scheduler import LambdaLR
from transformers import PreTrainedModel

from trainers.attention import is_causal
from trainers.batches import Batch, Batches, Packer
from trainers.branches import branches
from trainers.config import Fit
from trainers.optimizer import adopt, optimizer, schedule
from trainers.ranks import here
from trainers.targets import value_losses
from trainers.tokens import Tokens


class Learner(lightning.LightningModule):
    """Trains a model on packed documents; the weights of the loss come with the batches."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokens: Tokens,
        fit: Fit,
        packer: Packer,
        moments: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.model, self.tokens, self.fit, self.packer, self.moments = model, tokens, fit, packer, moments
        model.train()
        self.latest: Tensor | None = None
        """The share of the row that was trained on last."""

    def losses(self, batch: Batch) -> Tensor:
        """The loss at each predicted position, shape P; the head is computed at those positions alone."""
        body: Any = self.model.base_model
        head: Any = self.model.get_output_embeddings()
        hidden_TW = body(
            input_ids=batch.input_ids,
            position_ids=batch.position_ids,
            use_cache=False,
            **seen(batch, causal=is_causal(self.model.config)),
        ).last_hidden_state[0]
        hidden_PW = hidden_TW[batch.predicted]
        if self.tokens.value_start is None:
            return cross_entropy(head(hidden_PW).float(), batch.targets, reduction="none")
        # Of thousands of rows of the head some dozens are values; neither family's head has a bias.
        first = self.tokens.value_start
        logits_PC = linear(hidden_PW, head.weight[first : first + self.tokens.value_buckets])
        return value_losses(logits_PC, batch.targets, self.fit.values, self.tokens.value_outer)

    def loss(self, batch: Batch) -> Tensor:
        """This row's share of the loss of its step: shares add up over rows and ranks."""
        # No matrix product: autocast would take it, and the loss with it, to bfloat16.
        return (self.losses(batch) * batch.weights).sum()

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """The loss scaled so that Lightning's means over rows and ranks become the sum that is meant."""
        share = self.loss(batch)
        self.latest = share.detach()
        return share * self.trainer.accumulate_grad_batches * self.trainer.world_size

    def on_before_batch_transfer(self, batch: Batch, _: int) -> Batch:
        """Pin a batch for the GPU: a copy from pageable memory would wait for the step under way."""
        if self.device.type != "cuda":
            return batch
        parts: dict[str, Any] = batch._asdict()
        pinned = {name: part.pin_memory() for name, part in parts.items() if isinstance(part, Tensor)}
        return Batch(**{**parts, **pinned})

    def train_dataloader(self) -> Batches:
        """The batches from the current step on; Lightning asks for them after it has restored a state."""
        return replace(self.batches, start=self.trainer.global_step)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Let Lightning count rows as if this number of devices had made all steps: by it a step ends."""
        progress = checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]
        ahead = checkpoint["global_step"] * self.batches.share - progress["current"]["ready"]
        for counts in (progress["total"], progress["current"]):
            for name in counts:
                counts[name] += ahead

    @cached_property
    def batches(self) -> Batches:
        """The batches from the first step on."""
        place = here()
        return Batches(
            packer=self.packer,
            plan=self.packer.plan(self.fit.seed),
            accumulate=self.fit.accumulate,
            rank=place.rank,
            world=place.size,
        )

    def configure_optimizers(self) -> Any:
        """Optimizer and schedule, stepped once a step."""
        chosen = optimizer(self.model, self.fit)
        if self.moments is not None:
            adopt(chosen, self.moments)
        rates = LambdaLR(chosen, schedule(self.fit))
        return {"optimizer": chosen, "lr_scheduler": {"scheduler": rates, "interval": "step"}}


def seen(batch: Batch, *, causal: bool) -> dict[str, Any]:
    """What attention must know of the documents of a batch."""
    if batch.branches is None:
        return {
            "cu_seq_lens_q": batch.boundaries,
            "cu_seq_lens_k": batch.boundaries,
            "max_length_q": batch.longest,
            "max_length_k": batch.longest,
        }
    positions = batch.position_ids[0]
    return {"branches": branches(batch.boundaries, batch.branches, positions, batch.longest, causal=causal)}
