"""Random numbers that are a pure function of (seed, key, sample, position), on any device."""

from __future__ import annotations

import torch
from torch import Tensor

WORD = 0xFFFFFFFF
ROUNDS = 10


def philox(counter: tuple[Tensor, Tensor, Tensor, Tensor], key: tuple[int, int]) -> tuple[Tensor, ...]:
    """Philox4x32-10 (Salmon et al., SC 2011): four words from four and a key of two, 32 bits in int64."""
    a, b, c, d = counter
    key_0, key_1 = key
    for _ in range(ROUNDS):
        # Products fill 64 bits and wrap into the sign; a mask after the shift makes it a logical one.
        first, second = a * 0xD2511F53, c * 0xCD9E8D57
        a, b = ((second >> 32) & WORD) ^ b ^ key_0, second & WORD
        c, d = ((first >> 32) & WORD) ^ d ^ key_1, first & WORD
        key_0, key_1 = (key_0 + 0x9E3779B9) & WORD, (key_1 + 0xBB67AE85) & WORD
    return a, b, c, d


def uniforms(seed: int, key: int, samples: list[int], length: int, device: torch.device) -> Tensor:
    """float64 in [0, 1), samples x length: what draws a sample's token at a position of its response.

    The seed is the key of the cipher; problem key (64 bits), sample and position are its counter. 52 bits are
    used, so that `u * total` is below `total` in float64 whatever the total.
    """
    position_1n = torch.arange(length, device=device, dtype=torch.int64)[None]
    sample_s1 = torch.tensor(samples, device=device, dtype=torch.int64)[:, None]
    zero = torch.zeros(len(samples), length, device=device, dtype=torch.int64)
    counter = (zero + position_1n, zero + sample_s1, zero + (key & WORD), zero + (key >> 32 & WORD))
    high, low, *_ = philox(counter, (seed & WORD, seed >> 32 & WORD))
    return ((high >> 6 << 26) | (low >> 6)).to(torch.float64) * 2.0**-52
