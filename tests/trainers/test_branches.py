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

from trainers import learner as learning
from trainers.batches import Batch, Packer
from trainers.branches import branches
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


def test_values_without_a_causal_mask_do_not_depend_on_company(documents: Documents) -> None:
    model = student(tokens=VALUES)
    model.config.is_causal = False
    module = learner(documents, model)
    together, _ = losses(module, bundled(documents, causal=False), ORDER)
    alone = bundler(documents, Bundles.listed(documents, 1), 512, causal=False, fixed=False)
    separate, _ = losses(module, alone.batch(np.arange(13), total=13), torch.arange(13))
    torch.testing.assert_close(together, separate, rtol=1e-5, atol=1e-5)


def test_a_prompt_without_a_causal_mask_sees_itself_and_not_the_candidates() -> None:
    # Prompts of 3 and 2 tokens; candidates of 2 and 1 behind the first, an empty one behind the second.
    boundaries, longest = torch.tensor([0, 6, 8, 8]), 8
    branch = torch.tensor([0, 0, 0, 1, 1, 2, 0, 0, 0])
    positions = torch.tensor([0, 1, 2, 3, 4, 3, 0, 1, 0])
    free = branches(boundaries, branch, positions, longest, causal=False).mask[0, 0, :6, :6]
    bound = branches(boundaries, branch, positions, longest, causal=True).mask[0, 0, :6, :6]
    prompt, first, second = [1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 0], [1, 1, 1, 0, 0, 1]
    assert free.int().tolist() == [prompt, prompt, prompt, first, first, second]
    assert torch.equal(bound, free & torch.ones(6, 6).tril().bool())


def test_every_token_finds_its_way_back() -> None:
    boundaries = torch.tensor([0, 4, 9, 9, 9])
    found = branches(boundaries, torch.zeros(12, dtype=torch.int64), torch.arange(12), 5, causal=True)
    assert found.places.flatten()[found.home][:9].tolist() == list(range(9))
    assert found.mask.any(-1).all()


def test_a_layer_compiles_into_one_graph_for_all_bundles(documents: Documents) -> None:
    model = student(tokens=VALUES)
    seen: list[object] = []

    def backend(graph: torch.fx.GraphModule, _: list[Tensor]) -> torch.fx.GraphModule:
        seen.append(graph)
        return graph

    made = bundler(documents, Bundles.drawn(documents, 2, 0), 160, causal=True, fixed=True)
    layer = torch.compile(model.model.layers[0], fullgraph=True, dynamic=False, backend=backend)
    hidden = torch.randn(1, 160, 64)
    for row in ([0, 1, 2, 3], [6, 5], [7]):
        batch = made.batch(np.array(row), total=1)
        tables = model.model.rotary_emb(hidden, batch.position_ids)
        arguments = {"position_embeddings": tables, **learning.seen(batch, causal=True)}
        torch.testing.assert_close(layer(hidden, **arguments), model.model.layers[0](hidden, **arguments))
    assert len(seen) == 1


def test_mixed_precision_trains_on_bundles(documents: Documents) -> None:
    module = learner(documents, student(tokens=VALUES))
    precise = module.losses(bundled(documents))
    with torch.autocast("cpu", torch.bfloat16):
        mixed = module.losses(bundled(documents))
    mixed.mean().backward()
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, precise, rtol=0.2, atol=0.2)
