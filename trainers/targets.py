"""A number in [0, 1] as a target over return buckets: HL-Gauss, one-hot or the expected value itself.

Shapes: N numbers, B buckets of equal width over [0, 1].
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from trainers.config import Values


def centres(buckets: int, device: torch.device | None = None) -> Tensor:
    """The middle of each bucket, shape B."""
    return (torch.arange(buckets, device=device) + 0.5) / buckets


def expected(logits_NB: Tensor) -> Tensor:
    """The number that a distribution over buckets stands for, shape N."""
    # A sum rather than a matrix product, which autocast would take to bfloat16.
    middles = centres(logits_NB.shape[-1], logits_NB.device)
    return (logits_NB.float().softmax(-1) * middles).sum(-1)


def distribution(values_N: Tensor, values: Values) -> Tensor:
    """Target probabilities N,B; HL-Gauss spreads them over neighbours (arXiv 2403.03950, section 3.1)."""
    buckets = values.buckets
    if values.target == "one-hot":
        return one_hot((values_N * buckets).long().clamp(0, buckets - 1), buckets).float()
    edges = torch.arange(buckets + 1, device=values_N.device) / buckets
    spread = values.sigma / buckets
    below = torch.special.ndtr((edges - values_N[:, None]) / spread)
    # What falls outside [0, 1] is given back to the buckets inside.
    inside: Tensor = below.diff(dim=-1) / (below[:, -1:] - below[:, :1])
    return inside


def value_losses(logits_NB: Tensor, values_N: Tensor, values: Values) -> Tensor:
    """Loss of each number, shape N: cross-entropy against the target, or the squared error of `l2`."""
    if values.target == "l2":
        return (expected(logits_NB) - values_N) ** 2
    return cross_entropy(logits_NB.float(), distribution(values_N, values), reduction="none")
