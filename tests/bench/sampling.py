"""Sampling on a CPU: useful tokens a second of the slots and of `generate`, same model, same run."""

from __future__ import annotations

import math
import time
from typing import Literal

import numpy as np
import torch
from transformers import PreTrainedModel

from trainers.config import Model, Sampling
from trainers.model import build
from trainers.sampler import sample
from trainers.tokens import Tokens

TOKENS = Tokens(size=128, words=120)
PROMPTS, PROMPT_TOKENS, SAMPLES, MEAN, LONGEST = 8, 64, 32, 200, 640


def stand_in() -> PreTrainedModel:
    """A random model of 0.8M parameters that ends each response with probability 1/200 a token."""
    torch.manual_seed(0)
    model = build(Model(layers=4, width=128, heads=4, kv_heads=1, context=PROMPT_TOKENS + LONGEST), TOKENS)
    head = torch.nn.Linear(128, TOKENS.size)
    torch.nn.init.normal_(head.weight, std=1e-3)
    torch.nn.init.zeros_(head.bias)
    with torch.no_grad():
        head.weight[TOKENS.eos] = 0
        head.bias[TOKENS.eos] = math.log((TOKENS.words - 3) / (MEAN - 1))
    model.set_output_embeddings(head)
    return model.requires_grad_(False)


def useful_rate(model: PreTrainedModel, sampler: Literal["slots", "hf"]) -> dict[str, float]:
    """Tokens up to each response's end, over the wall-clock seconds of the whole call."""
    rng = np.random.default_rng(0)
    prompts = [np.r_[TOKENS.bos, rng.integers(3, TOKENS.words, PROMPT_TOKENS - 1)] for _ in range(PROMPTS)]
    keys = np.arange(PROMPTS, dtype=np.uint64)
    # Compiled kernels are loaded, and memory is touched, before the clock runs.
    sample(model, prompts[:1], keys[:1], 2, Sampling(sampler=sampler, max_new_tokens=4), TOKENS, seed=0)
    begun, worked = time.perf_counter(), time.process_time()
    found = sample(
        model, prompts, keys, SAMPLES, Sampling(sampler=sampler, max_new_tokens=LONGEST), TOKENS, seed=0
    )
    seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - worked
    lengths = [len(logprobs) for logprobs in found.logprobs]
    useful = float(sum(lengths))
    return {
        "tokens_per_second": useful / seconds,
        "tokens_per_cpu_second": useful / cpu_seconds,
        "mean_length": useful / len(lengths),
        "longest": float(max(lengths)),
    }


def compare(threads: int = 2) -> dict[str, float]:
    """Useful tokens a second of both samplers, and how many times faster the slots are."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        model = stand_in()
        ours, theirs = useful_rate(model, "slots"), useful_rate(model, "hf")
    finally:
        torch.set_num_threads(before)
    found = {f"slots_{name}": value for name, value in ours.items()}
    found |= {f"generate_{name}": value for name, value in theirs.items()}
    return found | {"ratio": ours["tokens_per_second"] / theirs["tokens_per_second"]}


if __name__ == "__main__":
    print("\n".join(f"{name:32} {value:12,.1f}" for name, value in compare().items()))
