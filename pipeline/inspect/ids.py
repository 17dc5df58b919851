"""Encoded data: how many examples and tokens, how long, and how well they pack."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.console import OUT, table
from pipeline.errors import Damaged
from pipeline.inspect.bars import histogram
from pipeline.inspect.header import facts
from pipeline.vocabulary import Vocabulary
from trainers.config import BadSettings, Fit
from trainers.tokens import Tokens

SPLITS = ("train", "validation", "test")
PACKED = 20_000
"""Examples that the packing is measured on."""


def show(folder: Path) -> None:
    """Print the vocabulary, a line a split, and the lengths of the training examples."""
    tokens = Tokens.read(folder)
    about = folder / "vocabulary.json"
    notation = Vocabulary.load(folder).notation if about.is_file() else "unknown"
    buckets = f", of them {tokens.value_buckets} value buckets" if tokens.value_buckets else ""
    found = {split: lengths(folder, split) for split in SPLITS if any(folder.glob(f"{split}-*.prompts.npy"))}
    rows = [
        [split, f"{len(own):,}", f"{own.sum():,}", f"{own.mean():,.1f}", f"{own.max():,}"]
        for split, own in found.items()
        if len(own)
    ]
    OUT.print(
        facts(
            [
                ("notation", str(notation)),
                ("vocabulary", f"{tokens.words:,} words{buckets}; {tokens.size:,} ids in the model"),
            ]
        )
    )
    OUT.print(table("examples", ["split", "examples", "tokens", "mean", "longest"], rows))
    first = next((own for own in found.values() if len(own)), None)
    if first is not None:
        OUT.print("[bold]tokens an example[/bold]")
        OUT.print(histogram(first))
        OUT.print(_packing(first))


def lengths(folder: Path, split: str) -> NDArray[np.int64]:
    """Tokens of every example of a split."""
    from trainers.documents import Documents

    try:
        return Documents.open(folder, split).lengths
    except (BadSettings, OSError, ValueError, KeyError) as error:
        raise Damaged(f"the ids of {split} in {folder} cannot be read: {error}") from None


def _packing(own: NDArray[np.int64]) -> str:
    """The share of real tokens in packed rows, and in batches padded to their longest example."""
    from trainers.batches import Plan

    capacity = max(Fit().batch_tokens, int(2 ** np.ceil(np.log2(own.max()))))
    some = own[:PACKED]
    rows = list(islice(Plan(some, capacity, 0).rows(), max(int(some.sum()) // capacity, 1)))
    packed = np.mean([some[row].sum() / capacity for row in rows])
    return (
        f"packed into rows of {capacity:,} tokens {packed:.1%} are real,"
        f" padded to the longest example {own.mean() / own.max():.1%}"
    )
