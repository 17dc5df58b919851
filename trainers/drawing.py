"""The choice of a token from logits, as a pure function of logits and one uniform number a row.

Shapes: R rows, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from trainers.config import Sampling
from trainers.tokens import Tokens

Draw = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def allowed(tokens: Tokens, device: torch.device | str = "cpu") -> Tensor:
    """bool V: the ids a response may hold: words and the end, never padding, the start or a value bucket."""
    mask = torch.arange(tokens.size, device=device) < tokens.words
    mask[[tokens.pad, tokens.bos]] = False
    if tokens.value_start is not None:
        mask[tokens.value_start : tokens.value_start + tokens.value_buckets] = False
    return mask


def drawer(sampling: Sampling, allowed_V: Tensor) -> Draw:
    """The function (logits R,V, uniforms R) -> (ids R, log-probabilities R).

    The log-probability is the model's own, at temperature 1 over all allowed ids, before top-k and top-p: it
    compares across sampling settings and equals that of a teacher-forced forward.
    """
    forbidden_V = ~allowed_V

    def draw(logits_RV: Tensor, uniforms_R: Tensor) -> tuple[Tensor, Tensor]:
        logits_RV = logits_RV.float().masked_fill(forbidden_V, -torch.inf)
        if sampling.temperature == 0:
            choice_R = logits_RV.argmax(-1)
        else:
            choice_R = invert(probabilities(logits_RV, sampling), uniforms_R)
        logprobs_RV = torch.log_softmax(logits_RV, -1)
        return choice_R, logprobs_RV.gather(1, choice_R[:, None])[:, 0]

    return draw


def probabilities(logits_RV: Tensor, sampling: Sampling) -> Tensor:
    """float64 R,V: what is sampled from after temperature, then top-k, then top-p; not normalised."""
    scaled_RV = logits_RV.double() / sampling.temperature
    if not sampling.top_k and sampling.top_p >= 1:
        return scaled_RV.softmax(-1)
    # A stable sort keeps exactly k of equal logits, the same ones on every device.
    sorted_RV, order_RV = scaled_RV.sort(dim=-1, descending=True, stable=True)
    if sampling.top_k:
        sorted_RV[:, sampling.top_k :] = -torch.inf
    sorted_RV = sorted_RV.softmax(-1)
    if sampling.top_p < 1:
        before_RV = sorted_RV.cumsum(-1) - sorted_RV
        sorted_RV = sorted_RV.masked_fill(before_RV >= sampling.top_p, 0)
    return torch.zeros_like(sorted_RV).scatter_(1, order_RV, sorted_RV)


def invert(probabilities_RV: Tensor, uniforms_R: Tensor) -> Tensor:
    """The id at which the cumulative probability passes the uniform number; never one of probability zero."""
    total_RV = probabilities_RV.cumsum(-1)
    return (total_RV <= uniforms_R[:, None] * total_RV[:, -1:]).sum(-1)
