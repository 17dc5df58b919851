"""One decoding step of attention over slots of unequal length on a CPU, compiled.

A slot's result is a function of its own queries, keys and length alone: no window, no padding and no
neighbour enters the arithmetic, which makes sampling reproducible whatever else is under way.

The parts of `attend` are written into it by numba rather than linked to it: a linked part is one piece of
code when it was just compiled and another one out of numba's cache, which rounds sums differently.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

LOG2E = np.float32(1 / math.log(2))
LN2_HIGH, LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
LOWEST = np.float32(-87.0)  # below it exp leaves the normal float32 numbers


@numba.njit(cache=True, fastmath=True, inline="always")
def _exponentials(scores: Any, bits: Any, powers: Any) -> Any:
    # A polynomial (Cephes expf) instead of math.exp: it vectorises, the library's does not. Returns the sum.
    top = scores[0]
    for t in range(scores.shape[0]):
        top = scores[t] if scores[t] > top else top
    for t in range(scores.shape[0]):
        x = max(scores[t] - top, LOWEST)
        whole = np.floor(x * LOG2E + np.float32(0.5))
        bits[t] = (np.int32(whole) + np.int32(127)) << np.int32(23)
        x = x - whole * LN2_HIGH - whole * LN2_LOW
        y = np.float32(1.9875691500e-4)
        y = y * x + np.float32(1.3981999507e-3)
        y = y * x + np.float32(8.3334519073e-3)
        y = y * x + np.float32(4.1665795894e-2)
        y = y * x + np.float32(1.6666665459e-1)
        y = y * x + np.float32(5.0000001201e-1)
        scores[t] = y * x * x + x + np.float32(1.0)
    total = np.float32(0.0)
    for t in range(scores.shape[0]):
        scores[t] *= powers[t]
        total += scores[t]
    return total


@numba.njit(cache=True, fastmath=True, inline="always")
def _rotated(source: Any, norm: Any, epsilon: Any, cos: Any, sin: Any, scale: Any, target: Any) -> None:
    # `norm` is empty for families without a norm of queries and keys.
    size = source.shape[0]
    half = size // 2
    if norm.shape[0]:
        total = np.float32(0.0)
        for d in range(size):
            total += source[d] * source[d]
        root = np.float32(1.0) / np.sqrt(total / np.float32(size) + epsilon)
        for d in range(size):
            source[d] *= root * norm[d]
    for d in range(half):
        target[d] = (source[d] * cos[d] - source[d + half] * sin[d]) * scale
        target[d + half] = (source[d + half] * cos[d + half] + source[d] * sin[d + half]) * scale


@numba.njit(cache=True, fastmath=True, inline="always")
def _dots(query: Any, keys: Any, scores: Any) -> None:
    # scores T = query D @ keys D,T; four rows of keys at a time halve the loads and stores of the scores.
    size, length = query.shape[0], scores.shape[0]
    scores[:] = np.float32(0.0)
    for d in range(0, size - 3, 4):
        q0, q1, q2, q3 = query[d], query[d + 1], query[d + 2], query[d + 3]
        k0, k1, k2, k3 = keys[d], keys[d + 1], keys[d + 2], keys[d + 3]
        for t in range(length):
            scores[t] += q0 * k0[t] + q1 * k1[t] + q2 * k2[t] + q3 * k3[t]
    for d in range(size // 4 * 4, size):
        q0, k0 = query[d], keys[d]
        for t in range(length):
            scores[t] += q0 * k0[t]


@numba.njit(cache=True, fastmath=True, inline="always")
def _mixes(weights: Any, values: Any, scale: Any, out: Any) -> None:
    # out D = values D,T @ weights T.
    size, length = out.shape[0], weights.shape[0]
    for d in range(0, size - 3, 4):
        a0, a1, a2, a3 = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
        v0, v1, v2, v3 = values[d], values[d + 1], values[d + 2], values[d + 3]
        for t in range(length):
            a0 += weights[t] * v0[t]
            a1 += weights[t] * v1[t]
            a2 += weights[t] * v2[t]
            a3 += weights[t] * v3[t]
        out[d], out[d + 1], out[d + 2], out[d + 3] = a0 * scale, a1 * scale, a2 * scale, a3 * scale
    for d in range(size // 4 * 4, size):
        a0 = np.float32(0.0)
        for t in range(length):
            a0 += weights[t] * values[d, t]
        out[d] = a0 * scale


@numba.njit(cache=True, fastmath=True, nogil=True)
def attend(
    projected: Any, positions: Any, cos: Any, sin: Any, query_norm: Any, key_norm: Any, epsilon: Any,
    scale: Any, keys: Any, values: Any, out: Any,
) -> None:  # fmt: skip
    """Rotate, append to the cache and attend, for every slot whose position is not negative.

    projected R,(H+2K)*D holds query, key and value heads of R slots, positions R where each stands; cos and
    sin C,D; keys and values R,K,D,W the slots' cache, time last so that loops over it vectorise; out R,H,D.
    """
    kv_heads, size = values.shape[1], values.shape[2]
    heads = out.shape[1]
    groups = heads // kv_heads
    for r in range(projected.shape[0]):
        p = positions[r]
        if p < 0:
            out[r] = np.float32(0.0)
            continue
        row = projected[r].reshape(-1, size)
        rotated = np.empty(size, np.float32)
        scores = np.empty(p + 1, np.float32)
        bits = np.empty(p + 1, np.int32)
        powers = bits.view(np.float32)
        for k in range(kv_heads):
            _rotated(row[heads + k], key_norm, epsilon, cos[p], sin[p], np.float32(1.0), rotated)
            keys[r, k, :, p] = rotated
            values[r, k, :, p] = row[heads + kv_heads + k]
            for head in range(k * groups, (k + 1) * groups):
                _rotated(row[head], query_norm, epsilon, cos[p], sin[p], scale, rotated)
                _dots(rotated, keys[r, k], scores)
                total = _exponentials(scores, bits, powers)
                _mixes(scores, values[r, k], np.float32(1.0) / total, out[r, head])
