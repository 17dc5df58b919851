"""What a model makes of candidate continuations: their expected values, or how likely they are.

Shapes: T packed tokens, N documents, C candidates, W value classes, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from trainers.attention import is_causal
from trainers.branches import branches
from trainers.bundles import layout
from trainers.config import BadSettings
from trainers.targets import expected
from trainers.tokens import Tokens

PACK_TOKENS = 16_384
TOGETHER = "together"
"""The field of a checkpoint's config that says how many candidates shared a prompt in training."""

Ids = NDArray[np.integer[Any]]
NOTHING = np.empty(0, dtype=np.int64)


class Document(NamedTuple):
    """A prompt with some of its candidates, read at once."""

    prompt: Ids
    candidates: list[Ids]

    @property
    def tokens(self) -> int:
        """Of prompt and candidates."""
        return len(self.prompt) + sum(map(len, self.candidates))


@torch.inference_mode()
def score(
    model: PreTrainedModel,
    prompts: list[NDArray[np.integer]],
    candidates: list[list[NDArray[np.integer]]],
    tokens: Tokens,
) -> list[NDArray[np.float32]]:
    """For every prompt the expected value of each of its candidates, in their order.

    A candidate may be empty: the prompt itself is then judged. The value is read at the last token, as the
    mean of the midpoints of the value classes under the softmax over their logits alone: in [0, 1], or beyond
    it where the tokens have outer classes and the model expects one. A prompt is read once for all its
    candidates, none of which sees another; only a model that was trained on candidates that their prompt sees
    reads it once for each. Raises BadSettings where the vocabulary has no values or a document exceeds the
    model's context.
    """
    if tokens.value_start is None:
        raise BadSettings("these tokens hold no value buckets: the model was not trained to predict values")
    paired = zip(prompts, candidates, strict=True)
    if is_causal(model.config) or vars(model.config).get(TOGETHER):
        documents = [Document(prompt, choices) for prompt, choices in paired if choices]
    else:
        documents = [
            Document(np.concatenate((prompt, one)), [NOTHING])
            for prompt, choices in paired
            for one in choices
        ]
    first, last = tokens.value_start, tokens.value_start + tokens.value_buckets
    found = [
        expected(logits_CV[:, first:last], tokens.value_outer).cpu().numpy()
        for logits_CV in readings(model, documents)
    ]
    flat = np.concatenate(found) if found else np.empty(0, dtype=np.float32)
    return np.split(flat, list(accumulate(map(len, candidates)))[:-1]) if candidates else []


@torch.inference_mode()
def preferences(
    model: PreTrainedModel, prompts: list[NDArray[np.integer]], candidates: list[list[int]]
) -> list[NDArray[np.float32]]:
    """For every prompt the log probability that each of its candidates, single token ids, comes next.

    They are shares of the whole vocabulary: those of one prompt do not add up to one. Raises BadSettings
    where a prompt is empty or exceeds the model's context.
    """
    chosen = list(zip(prompts, candidates, strict=True))
    documents = [Document(prompt, [NOTHING]) for prompt, choices in chosen if choices]
    logprobs_NV = [logits_CV.log_softmax(-1).cpu().numpy() for logits_CV in readings(model, documents)]
    rows = iter(np.concatenate(logprobs_NV) if logprobs_NV else ())
    return [next(rows)[choices] if choices else np.empty(0, dtype=np.float32) for choices in candidates]


def readings(model: PreTrainedModel, documents: list[Document]) -> Iterator[Tensor]:
    """The logits C,V behind the candidates of some documents at a time, float32, in order."""
    context = int(model.config.max_position_embeddings)
    sizes = [len(document.prompt) + max(map(len, document.candidates)) for document in documents]
    if not all(len(document.prompt) for document in documents) or max(sizes, default=1) > context:
        longest = max(sizes)
        raise BadSettings(f"documents must have 1 to {context} tokens, the longest has {longest}")
    training = model.training
    model.train(False)
    try:
        for pack in packs(documents):
            yield reading(model, pack)
    finally:
        model.train(training)


def packs(documents: list[Document]) -> Iterator[list[Document]]:
    """Documents in order, in groups that have up to PACK_TOKENS tokens when padded to their longest one."""
    held: list[Document] = []
    longest = 0
    for document in documents:
        longest = max(longest, document.tokens)
        if held and longest * (len(held) + 1) > PACK_TOKENS:
            yield held
            held, longest = [], document.tokens
        held.append(document)
    if held:
        yield held


def reading(model: PreTrainedModel, documents: list[Document]) -> Tensor:
    """One forward over several documents: the logits C,V at the last token of each candidate."""
    lengths = [len(one) for document in documents for one in document.candidates]
    counts = np.array([len(document.candidates) for document in documents])
    laid = layout(np.array([len(document.prompt) for document in documents]), counts, np.array(lengths))
    ids = np.concatenate([piece for prompt, several in documents for piece in (prompt, *several)])
    ends = np.append(0, np.cumsum(laid.lengths))
    ids_T, ends_N, positions_T, branch_T, last_C = (
        torch.from_numpy(array.astype(np.int64)).to(model.device)
        for array in (ids, ends, laid.positions, laid.branches, laid.last)
    )
    seen = branches(ends_N, branch_T, positions_T, int(laid.lengths.max()), causal=is_causal(model.config))
    half = model.device.type == "cuda"
    with torch.autocast(model.device.type, torch.bfloat16, enabled=half):
        logits_1CV: Tensor = model(
            input_ids=ids_T[None],
            position_ids=positions_T[None],
            branches=seen,
            logits_to_keep=last_C,
            use_cache=False,
        ).logits
    return logits_1CV[0].float()
