"""Small models with random weights, large enough that their choices differ from prompt to prompt."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from trainers.config import Model
from trainers.model import build
from trainers.tokens import Tokens

TOKENS = Tokens(size=64, words=50)
FAMILIES: tuple[tuple[Literal["llama", "qwen3"], int], ...] = (
    ("llama", 4),
    ("llama", 1),
    ("qwen3", 4),
    ("qwen3", 2),
)
"""Each family with and without grouped queries."""


def student(
    family: Literal["llama", "qwen3"] = "llama", kv_heads: int = 2, context: int = 96, tokens: Tokens = TOKENS
) -> PreTrainedModel:
    """Two layers; weights three times as large as at the start of training, so that logits spread."""
    torch.manual_seed(0)
    model = build(
        Model(family=family, layers=2, width=64, heads=4, kv_heads=kv_heads, context=context), tokens
    )
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.mul_(3)
            else:
                weight.add_(torch.randn_like(weight) * 0.1)
    return model


def prompts_of(*lengths: int) -> tuple[list[NDArray[np.int64]], NDArray[np.uint64]]:
    """Random prompts that begin with bos, and a key for each."""
    rng = np.random.default_rng(0)
    prompts = [np.r_[TOKENS.bos, rng.integers(3, TOKENS.words, length - 1)] for length in lengths]
    return prompts, rng.integers(0, 2**64, len(lengths), dtype=np.uint64)
