"""Keys and values of all slots, one static tensor a layer, and one decoding step of attention over them.

Shapes: L layers, S slots, R rows of one step, H query heads, K key and value heads, D head size, W window,
P prompt, C context.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.functional import rms_norm, scaled_dot_product_attention
from transformers import PreTrainedModel

from trainers.attention import VARLEN, VARLEN_ARGUMENTS


class Geometry:
    """What a cache needs of a model: heads, sizes, rotary tables, the norms of queries and keys."""

    def __init__(self, model: PreTrainedModel, dtype: torch.dtype) -> None:
        """Read them off a Llama or Qwen3 model; the tables reach over its whole context."""
        config, decoder = model.config, model.get_decoder()
        self.layers, self.heads, self.kv_heads = (
            config.num_hidden_layers,
            config.num_attention_heads,
            config.num_key_value_heads,
        )
        attention = decoder.layers[0].self_attn
        self.size, self.scale = int(attention.head_dim), float(attention.scaling)
        self.dtype, self.device, self.context = dtype, model.device, int(config.max_position_embeddings)
        positions = torch.arange(self.context, device=self.device)[None]
        tables = decoder.rotary_emb(torch.empty(1, device=self.device), position_ids=positions)
        self.cos_CD, self.sin_CD = (table[0].float().contiguous() for table in tables)
        self.epsilon = float(config.rms_norm_eps)
        norms = [
            (layer.self_attn.q_norm, layer.self_attn.k_norm) for layer in decoder.layers if _normed(layer)
        ]
        self.norms = [(query.weight.detach(), key.weight.detach()) for query, key in norms]

    def token_bytes(self) -> int:
        """Cache bytes of one token."""
        return int(2 * self.layers * self.kv_heads * self.size * self.dtype.itemsize)


def _normed(layer: Any) -> bool:
    return hasattr(layer.self_attn, "q_norm")


class Cache(Protocol):
    """What the sampler asks of a cache."""

    def write(self, slots: Tensor, prompt_L2KPD: Tensor) -> None:
        """Copy the keys and values of one prompt into each of its slots."""

    def move(self, source: Tensor, target: Tensor) -> None:
        """Copy whole slots onto others."""

    def attend(self, layer: int, projected: Tensor, positions_R: Tensor, first: int, window: int) -> Tensor:
        """Append one token to each of the R slots from `first` on and attend; R,(H+2K)*D to R,H*D."""


class RaggedCache:
    """Float32 on a CPU: each slot is read over exactly its own length, by a compiled kernel."""

    def __init__(self, geometry: Geometry, slots: int, window: int) -> None:
        """Reserve address space; pages are taken as slots grow."""
        from trainers.ragged import attend

        self.geometry, self.kernel = geometry, attend
        # Time stands last for vector loops; an odd multiple of 16 keeps rows out of one cache set.
        shape = (geometry.layers, slots, geometry.kv_heads, geometry.size, -(-window // 32) * 32 + 16)
        self.keys_LSKDW, self.values_LSKDW = torch.empty(shape), torch.empty(shape)
        self.tables = (geometry.cos_CD.numpy(), geometry.sin_CD.numpy())
        self.arrays = [
            (k.numpy(), v.numpy()) for k, v in zip(self.keys_LSKDW, self.values_LSKDW, strict=True)
        ]
        none = torch.empty(0)
        self.norms = [(q.numpy(), k.numpy()) for q, k in geometry.norms or [(none, none)] * geometry.layers]
        self.constants = (
            torch.tensor(geometry.epsilon).numpy()[()],
            torch.tensor(geometry.scale).numpy()[()],
        )

    def write(self, slots: Tensor, prompt_L2KPD: Tensor) -> None:
        """Copy the keys and values of one prompt into each of its slots."""
        length = prompt_L2KPD.shape[3]
        columns = prompt_L2KPD.transpose(3, 4)[:, :, None]
        self.keys_LSKDW[:, slots, :, :, :length] = columns[:, 0]
        self.values_LSKDW[:, slots, :, :, :length] = columns[:, 1]

    def move(self, source: Tensor, target: Tensor) -> None:
        """Copy whole slots onto others."""
        self.keys_LSKDW[:, target] = self.keys_LSKDW[:, source]
        self.values_LSKDW[:, target] = self.values_LSKDW[:, source]

    def attend(self, layer: int, projected: Tensor, positions_R: Tensor, first: int, _: int) -> Tensor:
        """Rows of a negative position are skipped; the window plays no part."""
        rows, geometry = slice(first, first + len(projected)), self.geometry
        keys, values = self.arrays[layer]
        out = torch.empty(len(projected), geometry.heads, geometry.size)
        self.kernel(
            projected.numpy(), positions_R.numpy(), *self.tables, *self.norms[layer], *self.constants,
            keys[rows], values[rows], out.numpy(),
        )  # fmt: skip
        return out.view(len(projected), -1)


class WindowCache:
    """Any device and number type: every slot is read over one window, masked to its own length."""

    def __init__(self, geometry: Geometry, slots: int, window: int) -> None:
        """Reserve the whole cache."""
        self.geometry = geometry
        shape = (geometry.layers, slots, window, geometry.kv_heads, geometry.size)
        self.keys_LSWKD = torch.zeros(shape, dtype=geometry.dtype, device=geometry.device)
        self.values_LSWKD = torch.zeros_like(self.keys_LSWKD)
        half = geometry.dtype in (torch.float16, torch.bfloat16)
        self.ragged = geometry.device.type == "cuda" and half and "seqused_k" in VARLEN_ARGUMENTS

    def write(self, slots: Tensor, prompt_L2KPD: Tensor) -> None:
        """Copy the keys and values of one prompt into each of its slots."""
        length = prompt_L2KPD.shape[3]
        columns = prompt_L2KPD.transpose(2, 3)[:, :, None].to(self.geometry.dtype)
        self.keys_LSWKD[:, slots, :length] = columns[:, 0]
        self.values_LSWKD[:, slots, :length] = columns[:, 1]

    def move(self, source: Tensor, target: Tensor) -> None:
        """Copy whole slots onto others."""
        self.keys_LSWKD[:, target] = self.keys_LSWKD[:, source]
        self.values_LSWKD[:, target] = self.values_LSWKD[:, source]

    def attend(self, layer: int, projected: Tensor, positions_R: Tensor, first: int, window: int) -> Tensor:
        """Idle rows (a negative position) write and read their own first column, to no effect."""
        geometry, rows = self.geometry, len(projected)
        positions_R = positions_R.clamp(min=0)
        queries, keys, values = projected.view(rows, -1, geometry.size).split(
            (geometry.heads, geometry.kv_heads, geometry.kv_heads), 1
        )
        if geometry.norms:
            query_norm, key_norm = (norm.to(projected.dtype) for norm in geometry.norms[layer])
            queries = rms_norm(queries, (geometry.size,), query_norm, geometry.epsilon)
            keys = rms_norm(keys, (geometry.size,), key_norm, geometry.epsilon)
        index = torch.arange(first, first + rows, device=projected.device)
        self.keys_LSWKD[layer].index_put_((index, positions_R), self._rotate(keys, positions_R))
        self.values_LSWKD[layer].index_put_((index, positions_R), values)
        queries = self._rotate(queries, positions_R)
        return (self._varlen if self.ragged else self._masked)(layer, queries, positions_R, first, window)

    def _rotate(self, heads_RHD: Tensor, positions_R: Tensor) -> Tensor:
        cos, sin = self.geometry.cos_CD[positions_R][:, None], self.geometry.sin_CD[positions_R][:, None]
        low, high = heads_RHD.float().chunk(2, -1)
        turned = torch.cat((-high, low), -1)
        rotated: Tensor = heads_RHD * cos + turned * sin
        return rotated.to(heads_RHD.dtype)

    def _masked(
        self, layer: int, queries_RHD: Tensor, positions_R: Tensor, first: int, window: int
    ) -> Tensor:
        rows, kv_heads = len(queries_RHD), self.geometry.kv_heads
        keys, values = (
            cache[layer, first : first + rows, :window].transpose(1, 2)
            for cache in (self.keys_LSWKD, self.values_LSWKD)
        )
        # The heads of a group stand as a query's rows, so keys and values are read once and never repeated.
        queries = queries_RHD.view(rows, kv_heads, -1, self.geometry.size)
        seen = torch.arange(window, device=queries.device) <= positions_R[:, None]
        found = scaled_dot_product_attention(
            queries, keys, values, attn_mask=seen[:, None, None], scale=self.geometry.scale
        )
        output: Tensor = found.reshape(rows, -1)
        return output

    def _varlen(
        self, layer: int, queries_RHD: Tensor, positions_R: Tensor, first: int, window: int
    ) -> Tensor:
        # The kernel reads each slot over its own length: `seqused_k` cuts the fixed stride of the cache.
        assert VARLEN is not None
        rows, stride = len(queries_RHD), self.keys_LSWKD.shape[2]
        keys, values = (
            cache[layer, first : first + rows].reshape(rows * stride, -1, self.geometry.size)
            for cache in (self.keys_LSWKD, self.values_LSWKD)
        )
        ends = torch.arange(rows + 1, device=queries_RHD.device, dtype=torch.int32)
        found = VARLEN(
            queries_RHD, keys, values, ends, ends * stride, 1, window, scale=self.geometry.scale,
            seqused_k=(positions_R + 1).int(), enable_gqa=self.geometry.heads != self.geometry.kv_heads,
        )  # fmt: skip
        output: Tensor = (found[0] if isinstance(found, tuple) else found).reshape(rows, -1)
        return output
