"""Named randomness, and the split of a problem: both pure functions of content."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl

SPLITS = ("train", "validation", "test")


def named_seed(seed: int, *names: str | int) -> int:
    """A 128-bit seed for the stream of that name; streams of different names are independent."""
    text = "\x1f".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")


def named_rng(seed: int, *names: str | int) -> np.random.Generator:
    """A generator for the stream of that name."""
    return np.random.Generator(np.random.PCG64(named_seed(seed, *names)))


def split_of(split_key: pl.Expr, validation: float, test: float) -> pl.Expr:
    """The split that a 128-bit hexadecimal `split_key` falls into: its last 32 bits as a number in [0, 1).

    The last digits, because rows are ordered by the first ones when duplicates are dropped.
    """
    place = split_key.str.slice(-8).str.to_integer(base=16) / 2.0**32
    return (
        pl.when(place < test)
        .then(pl.lit("test"))
        .when(place < test + validation)
        .then(pl.lit("validation"))
        .otherwise(pl.lit("train"))
        .cast(pl.Enum(SPLITS))
    )
