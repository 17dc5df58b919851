"""A number as a target over return buckets: HL-Gauss, one-hot or the expected value itself.

Shapes: N numbers, K buckets of equal width over [0, 1], C = K + 2 * outer classes.

Beyond each end of [0, 1] stand `outer` ordered classes that continue the grid of the buckets; in the order of
ids these are -outer, ..., -1, then the K buckets, then 2, ..., 1 + outer. The number -j or 1 + j (j = 1 ...
outer) is the j-th class beyond, always one-hot; no other number outside [0, 1] has a target.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from trainers.config import BadSettings, Values


def centres(buckets: int, outer: int = 0, device: torch.device | None = None) -> Tensor:
    """The middle of each class, shape C: k + 1/2 buckets' widths from 0, negative below it."""
    return (torch.arange(-outer, buckets + outer, device=device) + 0.5) / buckets


def expected(logits_NC: Tensor, outer: int = 0) -> Tensor:
    """The number that a distribution over classes stands for, shape N; in [0, 1] without outer classes."""
    # A sum rather than a matrix product, which autocast would take to bfloat16.
    middles = centres(logits_NC.shape[-1] - 2 * outer, outer, logits_NC.device)
    return (logits_NC.float().softmax(-1) * middles).sum(-1)


def distribution(values_N: Tensor, values: Values, outer: int = 0) -> Tensor:
    """Target probabilities N,C; HL-Gauss spreads a number over neighbours (arXiv 2403.03950, section 3.1).

    One-hot gives a number on an inner edge to the lower bucket, as searchless_chess does (numpy's
    searchsorted, side left).
    """
    classes = one_hot(places(values_N, values.buckets, outer), values.buckets + 2 * outer).float()
    if values.target == "one-hot":
        return classes
    edges = torch.arange(values.buckets + 1, device=values_N.device) / values.buckets
    below = torch.special.ndtr((edges - values_N[:, None].clamp(0, 1)) * (values.buckets / values.sigma))
    # What falls outside [0, 1] is given back to the buckets inside.
    inside = below.diff(dim=-1) / (below[:, -1:] - below[:, :1])
    spread = torch.nn.functional.pad(inside, (outer, outer))
    return torch.where(beyond(values_N)[:, None], classes, spread)


def value_losses(logits_NC: Tensor, values_N: Tensor, values: Values, outer: int = 0) -> Tensor:
    """Loss of each number, shape N: cross-entropy against the target, or the squared error of `l2`.

    The squared error is taken from the number itself, or from the middle of its outer class.
    """
    if values.target == "l2":
        middles = centres(values.buckets, outer, values_N.device)[places(values_N, values.buckets, outer)]
        return (expected(logits_NC, outer) - torch.where(beyond(values_N), middles, values_N)) ** 2
    return cross_entropy(logits_NC.float(), distribution(values_N, values, outer), reduction="none")


def beyond(values_N: Tensor) -> Tensor:
    """Which numbers are outer classes."""
    return (values_N < 0) | (values_N > 1)


def places(values_N: Tensor, buckets: int, outer: int) -> Tensor:
    """The class that holds each number, counted from the lowest one."""
    inner = torch.arange(1, buckets, device=values_N.device) / buckets
    held = torch.bucketize(values_N, inner) + outer
    # 1 + j stands j places behind the last bucket, which is K - 1 + outer.
    outside = torch.where(values_N < 0, values_N + outer, values_N + (buckets + outer - 2))
    return torch.where(beyond(values_N), outside.long(), held)


def refuse_impossible(values: NDArray[np.floating], outer: int) -> None:
    """BadSettings when a number is neither in [0, 1] nor one of the outer classes."""
    steps = np.where(values < 0, -values, values - 1)
    fits = ((values >= 0) & (values <= 1)) | ((steps >= 1) & (steps <= outer) & (steps == np.floor(steps)))
    if not fits.all():
        at = int(np.argmin(fits))
        raise BadSettings(
            f"example {at} has the value {values[at]}: allowed are 0 to 1 and, with {outer} outer classes,"
            f" whole numbers from {-outer} to {1 + outer}"
        )
