"""The same responses by `generate` of transformers: slow, and the measure of our own sampler."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from transformers import GenerationConfig, PreTrainedModel

from trainers.config import Sampling
from trainers.drawing import allowed
from trainers.responses import Jobs, Progress, Response, Rollouts
from trainers.tokens import Tokens


@torch.inference_mode()
def generate(
    model: PreTrainedModel, jobs: Jobs, sampling: Sampling, tokens: Tokens, progress: Progress
) -> Rollouts:
    """One prompt a batch; greedy equals the slots, draws take torch's generator, seeded for every prompt."""
    found = []
    forbidden = ~allowed(tokens)
    for prompt, key, limit in zip(jobs.prompts, jobs.keys, jobs.limits, strict=True):
        settings = settings_of(sampling, tokens, limit, jobs.samples, forbidden.nonzero()[:, 0].tolist())
        ids = torch.as_tensor(np.asarray(prompt, dtype=np.int64), device=model.device)[None]
        with torch.random.fork_rng():
            torch.manual_seed(hash((jobs.seed, int(key))) & 0x7FFFFFFFFFFFFFFF)
            model_: Any = model
            output = model_.generate(ids, attention_mask=torch.ones_like(ids), generation_config=settings)
        logits_NRV = torch.stack([step.float().cpu() for step in output.logits])
        logprobs_NRV = logits_NRV.masked_fill(forbidden, -torch.inf).log_softmax(-1)
        responses = output.sequences[:, ids.shape[1] :].cpu()
        chosen = logprobs_NRV.gather(2, responses.T[:, :, None])[:, :, 0].T
        drawn = [trimmed(row, logprobs, tokens.eos) for row, logprobs in zip(responses, chosen, strict=True)]
        found += drawn if len(drawn) == jobs.samples else drawn * jobs.samples
        progress(jobs.samples)
    return Rollouts.collect(jobs.samples, found, tokens.eos)


def settings_of(
    sampling: Sampling, tokens: Tokens, limit: int, samples: int, forbidden: list[int]
) -> GenerationConfig:
    """The settings of `generate` that mean the same."""
    drawn = sampling.temperature > 0
    options: dict[str, Any] = {}
    if drawn:
        options = {"temperature": sampling.temperature, "top_k": sampling.top_k, "top_p": sampling.top_p}
    # Copies of a greedy response are equal, but `generate` makes them only for beams.
    return GenerationConfig(
        do_sample=drawn,
        num_return_sequences=samples if drawn else 1,
        max_new_tokens=limit,
        suppress_tokens=forbidden,
        pad_token_id=tokens.pad,
        bos_token_id=tokens.bos,
        eos_token_id=tokens.eos,
        return_dict_in_generate=True,
        output_logits=True,
        **options,
    )


def trimmed(ids: torch.Tensor, logprobs: torch.Tensor, eos: int) -> Response:
    """Up to and with the first end of sequence."""
    ends = (ids == eos).nonzero()
    length = int(ends[0, 0]) + 1 if len(ends) else len(ids)
    return ids[:length].numpy(), logprobs[:length].numpy()
