"""One attention function for packed documents on CPU and GPU, registered with transformers as `trace`.

Shapes: B batch, H query heads, K key and value heads (a divisor of H), T tokens, D head size, N documents.

Any Hugging Face decoder whose config names `trace` takes packed rows as

    model(input_ids=ids_1T, position_ids=positions_1T, cu_seq_lens_q=boundaries, max_length_q=longest)

where `cu_seq_lens_q` holds the boundaries of the documents (0, ..., T), filled up with T to a fixed length so
that compiled code sees one shape. Tokens attend within their own document only, causally unless the config
says `is_causal: false`. Documents whose candidates share a prompt bring `branches` instead of boundaries.
Every other call (padded batches, `generate`) goes to the `sdpa` attention of transformers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from trainers.branches import branched

NAME = "trace"

VARLEN: Callable[..., Any] | None = None
VARLEN_ARGUMENTS: frozenset[str] = frozenset()
try:
    from torch.nn.attention import varlen
except ImportError:  # an older torch
    pass
else:
    VARLEN = varlen.varlen_attn
    VARLEN_ARGUMENTS = frozenset(inspect.signature(varlen.varlen_attn).parameters)


def attention_path(device: torch.device | str, dtype: torch.dtype) -> str:
    """Which kernel packed attention takes: `cpu-flash`, `cuda-varlen` or `sdpa-per-document`."""
    kind = torch.device(device).type
    if kind == "cpu":
        return "cpu-flash"
    if kind == "cuda" and VARLEN is not None and dtype in (torch.float16, torch.bfloat16):
        return "cuda-varlen"
    return "sdpa-per-document"


def trace_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:
    """Attention in the signature of transformers: query B,H,T,D to output B,T,H,D; packed on demand."""
    boundaries, layout = kwargs.pop("cu_seq_lens_q", None), kwargs.pop("branches", None)
    kwargs["is_causal"] = causal = is_causal(module.config)
    if boundaries is None and layout is None and attention_mask is None:
        boundaries = _restarts(query, key, kwargs.get("position_ids"))
    if boundaries is None and layout is None:
        output, weights = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs
        )
        return output, weights
    if dropout:
        raise NotImplementedError("packed attention has no dropout; set attention_dropout to 0")
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    dtype = _compute_dtype(query)
    query, key, value = query.to(dtype), key.to(dtype), value.to(dtype)
    if layout is not None:
        return branched(query, key, value, layout, scale), None
    longest = int(kwargs.get("max_length_q") or query.shape[2])
    return packed(query, key, value, boundaries, scale, longest, causal=causal), None


def is_causal(config: Any) -> bool:
    """Whether tokens see only what stands before them; transformers reads the same flag."""
    return bool(getattr(config, "is_causal", True))


def packed(
    query_1HTD: Tensor,
    key_1KTD: Tensor,
    value_1KTD: Tensor,
    boundaries: Tensor,
    scale: float,
    longest: int,
    *,
    causal: bool = True,
) -> Tensor:
    """Attention within each document; returns 1,T,H,D, zero for tokens that belong to no document."""
    path = attention_path(query_1HTD.device, query_1HTD.dtype)
    if path == "cpu-flash":
        output: Tensor = torch.ops.trace.packed(query_1HTD, key_1KTD, value_1KTD, boundaries, scale, causal)[
            0
        ]
        return output
    if path == "cuda-varlen":
        return _varlen(query_1HTD, key_1KTD, value_1KTD, boundaries, scale, longest, causal)
    return _per_document(query_1HTD, key_1KTD, value_1KTD, boundaries, scale, causal)


def _compute_dtype(query: Tensor) -> torch.dtype:
    # Under autocast the rotary tables are float32 and lift queries and keys to it; values stay in bfloat16.
    kind = query.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else query.dtype


def _restarts(query: Tensor, key: Tensor, positions: Tensor | None) -> Tensor | None:
    """Boundaries read from restarting positions: transformers allows packed calls that name no boundaries."""
    tokens = query.shape[2]
    if positions is None or query.shape[0] != 1 or tokens == 1 or key.shape[2] != tokens:
        return None
    starts = (positions.reshape(-1).diff() != 1).nonzero().reshape(-1) + 1
    if not len(starts):
        return None
    ends = torch.tensor([0, tokens], device=starts.device)
    return torch.cat((ends[:1], starts, ends[1:])).to(torch.int32)


def trace_mask(**kwargs: Any) -> Tensor | None:
    """The mask of `sdpa`, but none for packed rows: a dense T x T mask would cost more than the attention."""
    skippable = kwargs.get("allow_is_causal_skip", True) or kwargs.get("use_vmap", False)
    square = kwargs["q_length"] == kwargs["kv_length"] > 1 and kwargs["batch_size"] == 1
    if square and not skippable and kwargs.get("attention_mask") is None:
        return None
    mask: Tensor | None = sdpa_mask(**kwargs)
    return mask


def _documents(boundaries: Tensor) -> Iterator[tuple[int, int]]:
    ends = boundaries.tolist()
    return ((start, end) for start, end in pairwise(ends) if end > start)


def _varlen(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    boundaries: Tensor,
    scale: float,
    longest: int,
    causal: bool,
) -> Tensor:
    # The arguments moved between torch 2.10 and 2.13, hence the look at the signature.
    options: dict[str, Any] = {"scale": scale} if "scale" in VARLEN_ARGUMENTS else {}
    if "window_size" in VARLEN_ARGUMENTS:
        options["window_size"] = (-1, 0) if causal else (-1, -1)
    else:
        options["is_causal"] = causal
    groups = query.shape[1] // key.shape[1]
    if "enable_gqa" in VARLEN_ARGUMENTS:
        options["enable_gqa"] = groups > 1
    elif groups > 1:
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    if "scale" not in VARLEN_ARGUMENTS:
        query = query * (scale * query.shape[-1] ** 0.5)
    query_THD, key_TKD, value_TKD = (x[0].transpose(0, 1).contiguous() for x in (query, key, value))
    ends = boundaries.to(device=query.device, dtype=torch.int32)
    assert VARLEN is not None  # `attention_path` has seen to it
    output = VARLEN(query_THD, key_TKD, value_TKD, ends, ends, longest, longest, **options)
    output_1THD: Tensor = (output[0] if isinstance(output, tuple) else output).unsqueeze(0)
    return output_1THD


def _per_document(
    query: Tensor, key: Tensor, value: Tensor, boundaries: Tensor, scale: float, causal: bool
) -> Tensor:
    # Autograd keeps the documents apart, so this path serves any device and number type.
    parts, done = [], 0
    for start, end in _documents(boundaries):
        q, k, v = (x[:, :, start:end] for x in (query, key, value))
        parts.append(scaled_dot_product_attention(q, k, v, is_causal=causal, scale=scale, enable_gqa=True))
        done = end
    parts.append(torch.zeros_like(query[:, :, done:]))
    return torch.cat(parts, dim=2).transpose(1, 2)


@torch.library.custom_op("trace::packed", mutates_args=())
def _cpu_packed(
    query: Tensor, key: Tensor, value: Tensor, boundaries: Tensor, scale: float, causal: bool = True
) -> tuple[Tensor, Tensor]:
    # One operator for the compiler, so that document boundaries never enter a graph as constants.
    _, heads, tokens, size = query.shape
    output = query.new_zeros(1, tokens, heads, size)
    logsumexp = query.new_zeros(tokens, heads, dtype=torch.promote_types(query.dtype, torch.float32))
    for start, end in _documents(boundaries):
        q, k, v = (x[:, :, start:end] for x in (query, key, value))
        part, lse = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
            q, k, v, 0.0, causal, scale=scale
        )
        output[:, start:end] = part.transpose(1, 2)
        logsumexp[start:end] = lse[0].T
    return output, logsumexp


@_cpu_packed.register_fake
def _(query: Tensor, *_: Any) -> tuple[Tensor, Tensor]:
    heads, tokens, size = query.shape[1:]
    precise = torch.promote_types(query.dtype, torch.float32)
    return query.new_empty(1, tokens, heads, size), query.new_empty(tokens, heads, dtype=precise)


@torch.library.custom_op("trace::packed_backward", mutates_args=())
def _cpu_packed_backward(
    gradient: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    boundaries: Tensor,
    output: Tensor,
    logsumexp: Tensor,
    scale: float,
    causal: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    gradients = [torch.zeros_like(x, memory_format=torch.contiguous_format) for x in (query, key, value)]
    for start, end in _documents(boundaries):
        q, k, v = (x[:, :, start:end] for x in (query, key, value))
        parts = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward(
            gradient[:, start:end].transpose(1, 2), q, k, v, output[:, start:end].transpose(1, 2),
            logsumexp[start:end].T.unsqueeze(0), 0.0, causal, scale=scale,
        )  # fmt: skip
        for total, part in zip(gradients, parts, strict=True):
            total[:, :, start:end] = part
    return gradients[0], gradients[1], gradients[2]


@_cpu_packed_backward.register_fake
def _(_: Tensor, query: Tensor, key: Tensor, value: Tensor, *__: Any) -> tuple[Tensor, Tensor, Tensor]:
    return query.new_empty(query.shape), key.new_empty(key.shape), value.new_empty(value.shape)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    query, key, value, boundaries, ctx.scale, ctx.causal = inputs
    ctx.save_for_backward(query, key, value, boundaries, *output)
    ctx.mark_non_differentiable(output[1])


def _backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
    query, key, value, boundaries, output, logsumexp = ctx.saved_tensors
    found = torch.ops.trace.packed_backward(
        gradient.contiguous(), query, key, value, boundaries, output, logsumexp, ctx.scale, ctx.causal
    )
    return *found, None, None, None


_cpu_packed.register_autograd(_backward, setup_context=_keep)
AttentionInterface.register(NAME, trace_attention)
AttentionMaskInterface.register(NAME, trace_mask)
