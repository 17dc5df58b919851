"""The expected value of candidate continuations, for models that predict return buckets.

Shapes: T packed tokens, N documents, W value buckets.
"""

from __future__ import annotations

from itertools import accumulate

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from trainers.config import BadSettings
from trainers.targets import expected
from trainers.tokens import Tokens

PACK_TOKENS = 16_384


@torch.inference_mode()
def score(
    model: PreTrainedModel,
    prompts: list[NDArray[np.integer]],
    candidates: list[list[NDArray[np.integer]]],
    tokens: Tokens,
) -> list[NDArray[np.float32]]:
    """For every prompt the expected value in [0, 1] of each of its candidates, in their order.

    A candidate may be empty: the prompt itself is then judged. The value is read at the last token, as the
    mean of the bucket midpoints under the softmax over the bucket logits alone. Raises BadSettings where the
    vocabulary has no buckets or a document exceeds the model's context.
    """
    if tokens.value_start is None:
        raise BadSettings("these tokens hold no value buckets: the model was not trained to predict values")
    documents = [
        np.concatenate((prompt, candidate)).astype(np.int64)
        for prompt, choices in zip(prompts, candidates, strict=True)
        for candidate in choices
    ]
    context = int(model.config.max_position_embeddings)
    longest = max((len(document) for document in documents), default=1)
    if longest > context or not all(len(document) for document in documents):
        raise BadSettings(f"documents must have 1 to {context} tokens, the longest has {longest}")
    training = model.training
    model.train(False)
    try:
        values = [packed_values(model, pack, tokens) for pack in packs(documents)]
    finally:
        model.train(training)
    flat = np.concatenate(values) if values else np.empty(0, dtype=np.float32)
    ends = list(accumulate(len(choices) for choices in candidates))
    return np.split(flat, ends[:-1]) if candidates else []


def packs(documents: list[NDArray[np.int64]]) -> list[list[NDArray[np.int64]]]:
    """Documents in order, in groups of up to PACK_TOKENS tokens."""
    found: list[list[NDArray[np.int64]]] = []
    held = PACK_TOKENS
    for document in documents:
        if held + len(document) > PACK_TOKENS:
            found.append([])
            held = 0
        found[-1].append(document)
        held += len(document)
    return found


def packed_values(
    model: PreTrainedModel, documents: list[NDArray[np.int64]], tokens: Tokens
) -> NDArray[np.float32]:
    """One forward over several documents, N expected values."""
    assert tokens.value_start is not None
    lengths = [len(document) for document in documents]
    ends = torch.tensor([0, *accumulate(lengths)], device=model.device)
    half = model.device.type == "cuda"
    with torch.autocast(model.device.type, torch.bfloat16, enabled=half):
        logits_1NV: Tensor = model(
            input_ids=torch.as_tensor(np.concatenate(documents), device=model.device)[None],
            position_ids=torch.cat([torch.arange(length) for length in lengths])[None].to(model.device),
            cu_seq_lens_q=ends.int(),
            max_length_q=max(lengths),
            logits_to_keep=ends[1:] - 1,
            use_cache=False,
        ).logits
    buckets_NW = logits_1NV[0, :, tokens.value_start : tokens.value_start + tokens.value_buckets].float()
    values: NDArray[np.float32] = expected(buckets_NW).cpu().numpy()
    return values
