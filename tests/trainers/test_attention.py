"""Packed attention equals separate documents, in values and gradients, and leaves other calls alone."""

from __future__ import annotations

import copy
from itertools import accumulate

import pytest
import torch
from students import FAMILIES, student
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import PreTrainedModel

from trainers.attention import attention_path, packed

LENGTHS = (5, 17, 1, 40, 9)
TOTAL = 80


def row(fill: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, positions and boundaries, filled up with TOTAL, of the documents and a tail of padding."""
    ids = torch.randint(3, 50, (1, TOTAL), generator=torch.Generator().manual_seed(1))
    lengths = [*LENGTHS, TOTAL - sum(LENGTHS)]
    positions = torch.cat([torch.arange(length) for length in lengths])[None]
    boundaries = torch.tensor([0, *accumulate(LENGTHS), *[TOTAL] * fill], dtype=torch.int32)
    return ids, positions, boundaries


def separate(model: PreTrainedModel, ids: Tensor) -> Tensor:
    parts = ids.split([*LENGTHS, TOTAL - sum(LENGTHS)], 1)[: len(LENGTHS)]
    return torch.cat([model(part, use_cache=False).logits for part in parts], 1)


def gradients(model: PreTrainedModel, logits: Tensor) -> list[Tensor]:
    """Of a sum whose weights are random, on the scale of a mean."""
    weights = torch.randn(logits.shape, generator=torch.Generator().manual_seed(2)) / logits.numel()
    return list(torch.autograd.grad((logits * weights).sum(), list(model.parameters())))


@pytest.mark.parametrize(("family", "kv_heads"), FAMILIES)
def test_packed_documents_equal_separate_ones(family: str, kv_heads: int) -> None:
    model = student(family, kv_heads)  # type: ignore[arg-type]
    ids, positions, boundaries = row()
    together = model(ids, position_ids=positions, cu_seq_lens_q=boundaries, use_cache=False).logits
    together, alone = together[:, : sum(LENGTHS)], separate(model, ids)
    # Logits here spread over tens: the bound of 1e-6 is meant for logits of size one.
    assert (together - alone).abs().max() <= 1e-6 * max(1, float(alone.detach().abs().max()))
    for packed_gradient, gradient in zip(gradients(model, together), gradients(model, alone), strict=True):
        assert (packed_gradient - gradient).abs().max() <= 1e-6


@pytest.mark.parametrize(("family", "kv_heads"), FAMILIES)
def test_without_a_causal_mask_packed_documents_equal_the_dense_attention_of_transformers(
    family: str, kv_heads: int
) -> None:
    model = student(family, kv_heads)  # type: ignore[arg-type]
    model.config.is_causal = False
    plain = type(model)._from_config(copy.deepcopy(model.config), attn_implementation="eager")
    plain.load_state_dict(model.state_dict())
    plain.eval()
    ids, positions, boundaries = row()
    together = model(ids, position_ids=positions, cu_seq_lens_q=boundaries, use_cache=False).logits
    together, alone = together[:, : sum(LENGTHS)], separate(plain, ids)
    assert (together - alone).abs().max() <= 2e-6 * float(alone.detach().abs().max())
    assert not torch.allclose(alone, separate(student(family, kv_heads), ids), atol=0.1)  # type: ignore[arg-type]
    for packed_gradient, gradient in zip(gradients(model, together), gradients(plain, alone), strict=True):
        assert (packed_gradient - gradient).abs().max() <= 2e-6
    # Boundaries may be left to the positions, and a single document to transformers.
    named = model(ids, position_ids=positions, use_cache=False).logits[:, : sum(LENGTHS)]
    assert torch.equal(named, together)
    torch.testing.assert_close(model(ids[:, 5:22], use_cache=False).logits, together[:, 5:22])


def test_boundaries_may_be_left_to_the_positions() -> None:
    model = student()
    ids, positions, boundaries = row()
    named = model(ids, position_ids=positions, cu_seq_lens_q=boundaries, use_cache=False).logits
    assert torch.equal(model(ids, position_ids=positions, use_cache=False).logits, named)


def test_how_far_boundaries_are_filled_up_does_not_matter() -> None:
    model = student()
    ids, positions, boundaries = row(fill=1)
    few = model(ids, position_ids=positions, cu_seq_lens_q=boundaries, use_cache=False).logits
    many = model(ids, position_ids=positions, cu_seq_lens_q=row(fill=9)[2], use_cache=False).logits
    assert torch.equal(few, many)


def test_tokens_of_no_document_get_zeros_and_no_gradient() -> None:
    query, key, value = (torch.randn(1, heads, 12, 8, requires_grad=True) for heads in (4, 2, 2))
    output = packed(query, key, value, torch.tensor([0, 4, 9]), 0.3, 5)
    output.sum().backward()
    assert output.shape == (1, 12, 4, 8)
    assert not output[:, 9:].any()
    assert key.grad is not None
    assert not key.grad[:, :, 9:].any()


@pytest.mark.parametrize("scale", [0.1, 8**-0.5, 1.0])
def test_the_scale_is_the_one_asked_for(scale: float) -> None:
    query, key, value = (torch.randn(1, heads, 12, 8, dtype=torch.float64) for heads in (4, 2, 2))
    boundaries = torch.tensor([0, 5, 12])
    expected = [
        scaled_dot_product_attention(
            query[:, :, a:b], key[:, :, a:b], value[:, :, a:b], is_causal=True, scale=scale, enable_gqa=True
        )
        for a, b in ((0, 5), (5, 12))
    ]
    found = packed(query, key, value, boundaries, scale, 7).transpose(1, 2)
    torch.testing.assert_close(found, torch.cat(expected, 2))


def test_the_operator_is_well_made() -> None:
    inputs = [torch.randn(1, heads, 10, 8, requires_grad=True) for heads in (4, 2, 2)]
    checks = ("test_schema", "test_autograd_registration", "test_faketensor")
    for more in ((0.3,), (0.3, False)):
        arguments = (*inputs, torch.tensor([0, 4, 10]), *more)
        torch.library.opcheck(torch.ops.trace.packed, arguments, test_utils=checks)


def test_a_layer_compiles_into_one_graph_for_all_boundaries() -> None:
    model = student()
    seen: list[object] = []

    def backend(graph: torch.fx.GraphModule, _: list[Tensor]) -> torch.fx.GraphModule:
        seen.append(graph)
        return graph

    layer = torch.compile(model.model.layers[0], fullgraph=True, dynamic=False, backend=backend)
    hidden = torch.randn(1, TOTAL, 64)
    for boundaries in (row()[2], torch.tensor([0, 30, *[TOTAL] * 7], dtype=torch.int32)):
        tables = model.model.rotary_emb(hidden, row()[1])
        arguments = {"position_embeddings": tables, "cu_seq_lens_q": boundaries}
        torch.testing.assert_close(layer(hidden, **arguments), model.model.layers[0](hidden, **arguments))
    assert len(seen) == 1


def test_padded_batches_take_the_attention_of_transformers() -> None:
    model = student()
    long, short = torch.randint(3, 50, (1, 12)), torch.randint(3, 50, (1, 7))
    batch = torch.cat((long, torch.cat((torch.zeros(1, 5, dtype=torch.int64), short), 1)))
    mask = torch.ones(2, 12, dtype=torch.int64)
    mask[1, :5] = 0
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    logits = model(batch, attention_mask=mask, position_ids=positions, use_cache=False).logits
    torch.testing.assert_close(logits[1, 5:], model(short, use_cache=False).logits[0])
    torch.testing.assert_close(logits[0], model(long, use_cache=False).logits[0])


def test_mixed_precision_reaches_the_kernel_in_one_type() -> None:
    model = student()
    ids, positions, boundaries = row()
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(ids, position_ids=positions, cu_seq_lens_q=boundaries, use_cache=False).logits
    logits.float().square().mean().backward()
    assert torch.isfinite(logits).all()


def test_the_path_is_named() -> None:
    assert attention_path("cpu", torch.float32) == "cpu-flash"
    assert attention_path("cuda", torch.float32) == "sdpa-per-document"
