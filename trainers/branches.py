"""Attention of documents whose candidates share a prompt: branches that see it and never each other.

Shapes: T packed tokens, N documents, L tokens of the longest of them, H query heads, K key and value heads (a
divisor of H), D head size.

All documents of a row are laid side by side as N,L and go through one masked call: on a CPU that was measured
to be as fast as a call a document (documents of 110 tokens), and on a GPU its shapes can be fixed.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention


class Branches(NamedTuple):
    """Where the tokens of a packed row stand in its documents, and which of them see each other."""

    places: Tensor
    """N,L: the place in the row of every token of every document; past the end of a document, any place."""
    home: Tensor
    """T: the place among N * L of every token of the row; of padding, any place."""
    mask: Tensor
    """N,1,L,L: whether a token (rows) sees another one (columns)."""


def branches(
    boundaries: Tensor, branch_T: Tensor, positions_T: Tensor, longest: int, *, causal: bool
) -> Branches:
    """The layout of a row; boundaries, N + 1 of them, say where documents begin and the last one ends.

    branch_T is 0 in a prompt and c in its c-th candidate. A token sees its own branch and the prompt; with
    `causal` only what its position is not ahead of. So a prompt never sees its candidates.
    """
    device, tokens = branch_T.device, len(branch_T)
    starts_N, ends_N = boundaries[:-1].long(), boundaries[1:].long()
    index_NL = starts_N[:, None] + torch.arange(longest, device=device)
    real_NL = index_NL < ends_N[:, None]
    index_NL = index_NL.clamp(max=tokens - 1)
    branch_NL, positions_NL = branch_T[index_NL], positions_T[index_NL]
    seen_NLL = real_NL[:, None, :] & (
        (branch_NL[:, None, :] == 0) | (branch_NL[:, None, :] == branch_NL[:, :, None])
    )
    if causal:
        seen_NLL &= positions_NL[:, None, :] <= positions_NL[:, :, None]
    # A token that sees nothing at all, past the end of its document, would be no number.
    seen_NLL |= torch.eye(longest, dtype=torch.bool, device=device)
    places_T = torch.arange(tokens, device=device)
    document_T = torch.searchsorted(ends_N, places_T, right=True).clamp(max=len(ends_N) - 1)
    offset_T = (places_T - starts_N[document_T]).clamp(max=longest - 1)
    return Branches(index_NL, document_T * longest + offset_T, seen_NLL[:, None])


def branched(
    query_1HTD: Tensor, key_1KTD: Tensor, value_1KTD: Tensor, layout: Branches, scale: float
) -> Tensor:
    """Attention within each document as its branches allow it; returns 1,T,H,D, arbitrary for padding."""
    documents, longest = layout.places.shape
    flat = layout.places.reshape(-1)
    query, key, value = (
        x[0].index_select(1, flat).unflatten(1, (documents, longest)).transpose(0, 1)
        for x in (query_1HTD, key_1KTD, value_1KTD)
    )
    groups = query.shape[1] // key.shape[1]
    grouped = groups > 1 and query.device.type == "cpu"
    if groups > 1 and not grouped:  # CUDA's masked kernels know no groups
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    found_NHLD = scaled_dot_product_attention(
        query, key, value, attn_mask=layout.mask, scale=scale, enable_gqa=grouped
    )
    return found_NHLD.transpose(1, 2).flatten(0, 1).index_select(0, layout.home)[None]
