"""Arrays of numbers in `.npy` files, mapped: the system reads a page when it is touched, or expected."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainers.config import BadSettings

WILL_NEED = getattr(mmap, "MADV_WILLNEED", None)
"""Not every system takes advice."""


def expect(array: NDArray[Any], start: int, end: int) -> None:
    """Have the system fetch `array[start:end]` beside whatever goes on; an array in memory is there already.

    A page that is missing when it is touched stops this process for as long as the disk takes.
    """
    held = array.base
    if WILL_NEED is not None and isinstance(array, np.memmap) and isinstance(held, mmap.mmap) and start < end:
        before = array.offset % mmap.ALLOCATIONGRANULARITY
        first, last = before + int(start) * array.itemsize, before + int(end) * array.itemsize
        page = first - first % mmap.PAGESIZE
        held.madvise(WILL_NEED, page, last - page)


def opened(path: Path, kind: str) -> Any:
    """The array of a file, mapped; BadSettings names one that is missing or no row of that kind of number."""
    try:
        # Zero bytes cannot be mapped, and an empty column of responses is legal.
        found = _mapped(path) if path.stat().st_size > EMPTY else _read(path)
    except FileNotFoundError:
        raise BadSettings(f"{path} is missing: encode this data set again") from None
    except (ValueError, EOFError, OSError, SyntaxError, OverflowError):
        found = None
    if found is None or found.ndim != 1 or found.dtype.kind != kind:
        raise BadSettings(f"{path} is not readable as a row of numbers: encode this data set again")
    return found


def _mapped(path: Path) -> NDArray[Any]:
    # Not `np.load`, which looks for archives and pickles too.
    return np.lib.format.open_memmap(path, mode="r")


def _read(path: Path) -> NDArray[Any]:
    with path.open("rb") as stream:
        found: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return found


EMPTY = 128
"""Bytes of the header of an `.npy` file that holds nothing else."""
