"""What only a CUDA device can show: the kernels there, graphs, and bfloat16 decoding."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np
import pytest
import torch
from students import FAMILIES, TOKENS, prompts_of, student

from trainers.attention import attention_path, packed
from trainers.branches import branched, branches
from trainers.config import Sampling
from trainers.responses import Rollouts
from trainers.sampler import sample

pytestmark = pytest.mark.gpu

LENGTHS = (5, 17, 1, 100, 9)


def test_the_path_is_the_varlen_kernel() -> None:
    assert attention_path("cuda", torch.bfloat16) == "cuda-varlen"


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("kv_heads", [4, 2])
def test_packed_attention_equals_that_of_the_cpu(dtype: torch.dtype, kv_heads: int) -> None:
    total = sum(LENGTHS) + 20
    boundaries = torch.tensor([0, *accumulate(LENGTHS), total, total], dtype=torch.int32)
    exact = [torch.randn(1, heads, total, 64, requires_grad=True) for heads in (4, kv_heads, kv_heads)]
    moved = [x.detach().to("cuda", dtype).requires_grad_() for x in exact]
    one = packed(exact[0], exact[1], exact[2], boundaries, 0.125, 100)
    two = packed(moved[0], moved[1], moved[2], boundaries.cuda(), 0.125, 100)
    one.square().sum().backward()
    two.float().square().sum().backward()
    bound = 1e-4 if dtype == torch.float32 else 5e-2
    torch.testing.assert_close(two.float().cpu(), one, rtol=bound, atol=bound)
    for far, near in zip(moved, exact, strict=True):
        assert far.grad is not None
        torch.testing.assert_close(far.grad.float().cpu(), near.grad, rtol=4 * bound, atol=4 * bound)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("kv_heads", [4, 2])
def test_branches_equal_those_of_the_cpu(kv_heads: int, causal: bool) -> None:
    boundaries, branch = torch.tensor([0, 30, 50, 50]), torch.zeros(64, dtype=torch.int64)
    branch[20:30], branch[48:50] = torch.arange(1, 11), torch.tensor([1, 1])
    positions = torch.cat((torch.arange(20), torch.full((10,), 20), torch.arange(20), torch.arange(14)))
    exact = [torch.randn(1, heads, 64, 64, requires_grad=True) for heads in (4, kv_heads, kv_heads)]
    one = branched(*exact, branches(boundaries, branch, positions, 32, causal=causal), 0.125)
    one[:, :50].square().sum().backward()
    layout = branches(boundaries.cuda(), branch.cuda(), positions.cuda(), 32, causal=causal)
    for dtype, bound in ((torch.float32, 1e-4), (torch.bfloat16, 5e-2)):
        moved = [x.detach().to("cuda", dtype).requires_grad_() for x in exact]
        two = branched(*moved, layout, 0.125)
        two[:, :50].float().square().sum().backward()
        torch.testing.assert_close(two[:, :50].float().cpu(), one[:, :50], rtol=bound, atol=bound)
        for far, near in zip(moved, exact, strict=True):
            assert far.grad is not None
            torch.testing.assert_close(far.grad.float().cpu(), near.grad, rtol=4 * bound, atol=4 * bound)


def draw(family: Any, kv_heads: int, samples: int, **settings: Any) -> Rollouts:
    model = student(family, kv_heads).cuda()
    return sample(model, *prompts_of(4, 11, 30), samples, Sampling(**settings), TOKENS, 0)


@pytest.mark.parametrize(("family", "kv_heads"), FAMILIES)
def test_sampling_ends_and_is_likely_under_the_model(family: str, kv_heads: int) -> None:
    found = draw(family, kv_heads, 50)
    assert len(found) == 150
    near = sample(student(family, kv_heads), *prompts_of(4, 11, 30), 50, Sampling(), TOKENS, 0)  # type: ignore[arg-type]
    # The same numbers draw from logits rounded to bfloat16: the first words mostly agree, the means closely.
    first = [bool(len(a) and len(b) and a[0] == b[0]) for a, b in zip(found.ids, near.ids, strict=True)]
    assert np.mean(first) > 0.8
    means = [float(np.concatenate(rollouts.logprobs).mean()) for rollouts in (found, near)]
    assert means[0] == pytest.approx(means[1], abs=0.2)


def test_deterministic_sampling_does_not_depend_on_company() -> None:
    model = student().cuda()
    prompts, keys = prompts_of(4, 11, 30)
    settings = Sampling(deterministic=True, slots=64)
    whole = sample(model, prompts, keys, 30, settings, TOKENS, 0)
    part = sample(model, prompts[1:], keys[1:], 30, settings, TOKENS, 0)
    for i in range(60):
        assert np.array_equal(whole.ids[30 + i], part.ids[i])
        assert np.array_equal(whole.logprobs[30 + i], part.logprobs[i])
