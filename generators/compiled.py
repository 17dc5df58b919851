"""The one way in which domains compile their kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """`function` as machine code, cached beside its source and free of the interpreter lock.

    Numba renews a cached kernel when its own file changes, not when a kernel that it calls from another
    file does. Kernels therefore call across files only into this one and `chance.py`, which have no reason
    to change.
    """
    return cast(Kernel, njit(cache=True, nogil=True)(function))


@compiled
def whole(number: Any) -> int:
    """A signed 64-bit integer: numba would turn a sum of signed and unsigned ones into a float."""
    return np.int64(number)  # type: ignore[return-value]  # within kernels the two are one
