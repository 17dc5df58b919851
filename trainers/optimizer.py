"""Muon for hidden matrices and AdamW for the rest, as one optimizer; learning-rate schedule."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import AdamW, Optimizer
from torch.optim.adamw import adamw
from transformers import PreTrainedModel

from trainers.config import Fit

# Coefficients of Keller Jordan's quintic iteration (https://kellerjordan.github.io/posts/muon), chosen to
# lift small singular values fast; torch.optim.Muon has the same.
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
NEWTON_SCHULZ_STEPS = 5
MOMENTUM = 0.95


class MuonAdamW(Optimizer):
    """Muon on the groups marked `muon`, AdamW on the others; one state, one schedule, one clipping.

    Muon's arithmetic is that of `torch.optim.Muon` (original rate adjustment, Nesterov momentum). That class
    is not used because it always orthogonalises in bfloat16, one matrix at a time: 16 to 30 times slower than
    float32 on a CPU without bfloat16 units, and some 80 chains of small kernels on a GPU.
    """

    def __init__(self, groups: list[dict[str, Any]], betas: tuple[float, float]) -> None:
        defaults = {"lr": 0.0, "betas": betas, "eps": 1e-8, "weight_decay": 0.0, "muon": False, "fused": True}
        super().__init__(groups, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update; Lightning computes loss and gradients in the closure."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            (self._muon if group["muon"] else self._adamw)(group, weights)
        return loss

    def _muon(self, group: dict[str, Any], weights: list[Tensor]) -> None:
        alike: dict[Any, list[Tensor]] = defaultdict(list)
        for weight in weights:
            # Batches of small matrices pay on a GPU; on a CPU they only cost a copy.
            alike[weight.shape if weight.is_cuda else id(weight)].append(weight)
        for same in alike.values():
            updates = torch.stack([self._momentum(weight) for weight in same])
            rate = group["lr"] * math.sqrt(max(1, updates.shape[-2] / updates.shape[-1]))
            for weight, update in zip(same, orthogonal(updates).to(same[0].dtype), strict=True):
                weight.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-rate)

    def _momentum(self, weight: Tensor) -> Tensor:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        gradient = weight.grad
        assert gradient is not None  # `step` leaves out weights without one
        state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        return gradient.lerp(state["momentum"], MOMENTUM)

    def _adamw(self, group: dict[str, Any], weights: list[Tensor]) -> None:
        states = [self._moments(weight) for weight in weights]
        adamw(
            weights,
            [weight.grad for weight in weights if weight.grad is not None],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            fused=group["fused"],
            amsgrad=False,
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=False,
        )

    def _moments(self, weight: Tensor) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[weight]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32, device=weight.device)
            state["exp_avg"] = torch.zeros_like(weight)
            state["exp_avg_sq"] = torch.zeros_like(weight)
        return state


def orthogonal(updates_NRC: Tensor) -> Tensor:
    """Nearly orthogonal matrices in place of each of N: five Newton-Schulz steps, which need no SVD."""
    a, b, c = NEWTON_SCHULZ
    x = updates_NRC.bfloat16() if updates_NRC.is_cuda else updates_NRC.float()
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


def optimizer(model: PreTrainedModel, fit: Fit) -> Optimizer:
    """The optimizer of a run, with a group for each kind of weight; norms and embeddings do not decay."""
    trainable = [weight for weight in model.parameters() if weight.requires_grad]
    head: Any = model.get_output_embeddings()
    ends = {id(model.get_input_embeddings().weight), id(head.weight)}
    hidden = [weight for weight in trainable if weight.ndim == 2 and id(weight) not in ends]
    rest = [weight for weight in trainable if weight.ndim != 2 or id(weight) in ends]
    betas = (fit.beta1, fit.beta2)
    matrices: dict[str, Any] = {"params": hidden, "weight_decay": fit.weight_decay}
    others: dict[str, Any] = {"params": rest, "lr": fit.learning_rate, "weight_decay": 0.0}
    if fit.optimizer == "muon":
        return MuonAdamW([{**matrices, "lr": fit.muon_learning_rate, "muon": True}, others], betas)
    return AdamW([{**matrices, "lr": fit.learning_rate}, others], betas=betas, fused=True)


def schedule(fit: Fit) -> Callable[[int], float]:
    """The factor of every group's peak rate at a step: linear warm-up, then decay to `final_fraction`."""

    def factor(step: int) -> float:
        if step < fit.warmup:
            return (step + 1) / (fit.warmup + 1)
        if fit.decay == "none":
            return 1.0
        done = min(1.0, (step - fit.warmup) / max(1, fit.steps - fit.warmup))
        left = 1 - done if fit.decay == "linear" else (1 + math.cos(math.pi * done)) / 2
        return fit.final_fraction + (1 - fit.final_fraction) * left

    return factor


def adopt(optimizer: Optimizer, state: dict[str, Any]) -> None:
    """Take the moments of an earlier run and keep this run's rates; ValueError if they do not fit."""
    groups = optimizer.state_dict()["param_groups"]
    sizes = [[len(group["params"]) for group in found] for found in (groups, state["param_groups"])]
    if sizes[0] != sizes[1]:
        raise ValueError(f"groups of {sizes[1]} weights do not fit groups of {sizes[0]}")
    optimizer.load_state_dict({"state": state["state"], "param_groups": groups})
