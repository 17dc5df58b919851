"""Random numbers inside compiled code: xoshiro256++ and unbiased bounded draws."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from generators.compiled import compiled, whole

State = NDArray[np.uint64]
"""Four words, changed in place by every draw."""

_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


def states(rng: np.random.Generator, rows: int) -> State:
    """One independent stream for each row, as an array of shape (rows, 4)."""
    return rng.integers(0, 2**64, size=(rows, 4), dtype=np.uint64)


@compiled
def draw(state: State) -> np.uint64:
    """The next 64 bits of xoshiro256++ (Blackman and Vigna, arXiv 1805.01407)."""
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    total = s0 + s3
    result = ((total << np.uint64(23)) | (total >> np.uint64(41))) + s0
    shifted = s1 << np.uint64(17)
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= shifted
    state[0], state[1], state[2] = s0, s1, s2
    state[3] = (s3 << np.uint64(45)) | (s3 >> np.uint64(19))
    drawn: np.uint64 = result
    return drawn


@compiled
def below(state: State, bound: int) -> int:
    """A uniform integer in [0, bound), bound < 2**32, without bias (Lemire, arXiv 1805.10941)."""
    limit = np.uint64(bound)
    product = (draw(state) >> _HALF) * limit
    if (product & _LOW) < limit:
        least = ((_LOW + np.uint64(1)) - limit) % limit
        while (product & _LOW) < least:
            product = (draw(state) >> _HALF) * limit
    return whole(product >> _HALF)
