"""Small encoded data sets, written as the pipeline's `encode` writes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

PAD, BOS, EOS, SEPARATOR, FIRST = 0, 1, 2, 3, 4

Row = tuple[Sequence[int], Sequence[Sequence[int]]]
"""Prompt ids and the ids of each of its responses, special ids included."""


def write_split(
    folder: Path,
    split: str,
    rows: Sequence[Row],
    *,
    segment_rows: int = 1000,
    values: Sequence[float] | None = None,
) -> None:
    """Write the segments of a split."""
    first = 0
    for segment, start in enumerate(range(0, len(rows), segment_rows)):
        part = rows[start : start + segment_rows]
        responses = [response for _, several in part for response in several]
        stem = folder / f"{split}-{segment:05d}"
        arrays = {
            "prompts": _flat([prompt for prompt, _ in part]),
            "prompt_offsets": _offsets([prompt for prompt, _ in part]),
            "responses": _flat(responses),
            "response_offsets": _offsets(responses),
            "rows": np.repeat(np.arange(len(part), dtype=np.int32), [len(several) for _, several in part]),
            "keys": np.arange(start, start + len(part), dtype=np.uint64),
        }
        if values is not None:
            arrays["values"] = np.array(values[first : first + len(responses)], np.float32)
        first += len(responses)
        for name, array in arrays.items():
            np.save(f"{stem}.{name}.npy", array)


def write_tokens(folder: Path, words: int, *, buckets: int = 0) -> None:
    """Write tokens.json and the companions of a vocabulary of `words` words."""
    folder.mkdir(parents=True, exist_ok=True)
    total = words + buckets
    tokens = {
        "size": 64 * -(-total // 64),
        "words": total,
        "pad": PAD,
        "bos": BOS,
        "eos": EOS,
        "value_start": words if buckets else None,
        "value_buckets": buckets,
    }
    (folder / "tokens.json").write_text(json.dumps(tokens))
    (folder / "vocabulary.json").write_text(json.dumps({"words": [f"word-{i}" for i in range(words)]}))


def copy_rows(rng: np.random.Generator, rows: int, length: int, words: int) -> list[Row]:
    """The task of saying the prompt again."""
    drawn = rng.integers(FIRST, words, (rows, length))
    sizes = rng.integers(1, length + 1, rows)
    return [
        ([BOS, *text[:size], SEPARATOR], [[*text[:size], EOS]])
        for text, size in zip(drawn.tolist(), sizes.tolist(), strict=True)
    ]


def write_copying(folder: Path, *, rows: int = 400, length: int = 8, words: int = 12, seed: int = 0) -> Path:
    """A data set of the copy task with a training and a validation split."""
    rng = np.random.default_rng(seed)
    write_tokens(folder, words)
    write_split(folder, "train", copy_rows(rng, rows, length, words), segment_rows=150)
    write_split(folder, "validation", copy_rows(rng, 40, length, words))
    return folder


def _flat(texts: Sequence[Sequence[int]]) -> np.ndarray:
    return np.array([word for text in texts for word in text], np.uint16)


def _offsets(texts: Sequence[Sequence[int]]) -> np.ndarray:
    return np.cumsum([0, *map(len, texts)], dtype=np.int64)
