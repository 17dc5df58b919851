"""Candidates that share a prompt mean what they would mean alone behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from encoded import write_split
from students import FAMILIES, student
from torch import Tensor
from transformers import PreTrainedModel

from trainers.batches import Batch, Packer
from trainers.bundler import bundler
from trainers.bundles import Bundles
from trainers.config import Fit, Values
from trainers.documents import Documents
from trainers.learner import Learner
from trainers.tokens import Tokens

VALUES = Tokens(size=64, words=60, value_start=40, value_buckets=16, value_outer=2)
FIT = Fit(batch_tokens=128, values=Values(buckets=12))


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    """Rows of several candidates, longer ones and empty ones among them, and a row of none."""
    rng = np.random.default_rng(0)
    sizes = [[1, 1, 1, 0, 1], [3, 0, 2], [], [1], [4, 4, 1, 1]]
    rows = [
        (rng.integers(3, 40, 6 + 5 * at), [rng.integers(3, 40, size) for size in own])
        for at, own in enumerate(sizes)
    ]
    values = rng.random(13)
    values[[2, 7]] = (3.0, -2.0)
    write_split(tmp_path, "train", rows, values=values)
    return Documents.open(tmp_path, "train")


def learner(documents: Documents, model: PreTrainedModel) -> Learner:
    packer = Packer(documents=documents, batch_tokens=512, longest=96)
    return Learner(model, VALUES, FIT, packer)


def bundled(documents: Documents, *, fixed: bool = False, causal: bool = True) -> Batch:
    """All bundles in one row, the last one first."""
    bundles = Bundles.listed(documents, 4)
    assert len(bundles) == 5
    made = bundler(documents, bundles, 160, causal=causal, fixed=fixed)
    return made.batch(np.arange(5)[::-1], total=13)


def losses(module: Learner, batch: Batch, order: Tensor) -> tuple[Tensor, list[Tensor]]:
    """In the order of the examples, and the gradients of their mean."""
    found = module.losses(batch)
    gradients = torch.autograd.grad(module.loss(batch), list(module.model.parameters()))
    return found[order].detach(), list(gradients)


ORDER = torch.tensor([9, 10, 11, 12, 8, 5, 6, 7, 4, 0, 1, 2, 3]).argsort()
"""Where the examples stand in `bundled`: rows of 5 (as 4 and 1), 3, 1 and 4, the last one first."""


@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize(("family", "kv_heads"), FAMILIES)
def test_losses_and_gradients_equal_those_of_separate_documents(
    documents: Documents, family: Literal["llama", "qwen3"], kv_heads: int, fixed: bool
) -> None:
    module = learner(documents, student(family, kv_heads, tokens=VALUES))
    alone, gradients = losses(module, module.packer.batch(np.arange(13), total=13), torch.arange(13))
    together, shared_gradients = losses(module, bundled(documents, fixed=fixed), ORDER)
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)
    for one, other in zip(shared_gradients, gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5 * float(other.abs().max()))
