"""A checkpoint is a Hugging Face folder with its tokenizer; it appears whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from transformers import PreTrainedModel
from transformers.utils import logging

COMPANIONS = (
    "tokens.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocabulary.json",
)
"""The files of an encoded data set that travel with every checkpoint."""


def save(
    model: PreTrainedModel, folder: Path, companions: Path, more: Callable[[Path], None] | None = None
) -> None:
    """Publish weights, config and the companion files of a folder; an older checkpoint is replaced.

    `more` writes further files (a resumable state) into the folder before it is published.
    """
    settle(folder)
    partial, previous = _beside(folder, "partial"), _beside(folder, "previous")
    partial.mkdir(parents=True)
    logging.disable_progress_bar()
    model.save_pretrained(partial)
    copy_companions(companions, partial)
    if more is not None:
        more(partial)
    if folder.exists():
        folder.rename(previous)
    partial.rename(folder)
    shutil.rmtree(previous, ignore_errors=True)


def settle(folder: Path) -> None:
    """Clear up after a save that was killed; only for the process that writes this folder."""
    restore(folder)
    for left in (_beside(folder, "partial"), _beside(folder, "previous")):
        if left.exists():
            shutil.rmtree(left)


def restore(folder: Path) -> None:
    """Where a save was killed between its two renames, the older checkpoint stands under its name again."""
    previous = _beside(folder, "previous")
    if previous.exists() and not folder.exists():
        previous.rename(folder)


def _beside(folder: Path, state: str) -> Path:
    return folder.parent / f".{folder.name}.{state}"


def copy_companions(source: Path, target: Path) -> None:
    """Copy tokenizer and vocabulary files, those that are there."""
    for name in COMPANIONS:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)


def parameters(model: PreTrainedModel) -> int:
    """Trainable numbers, shared ones counted once."""
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


def content_hash(folder: Path) -> str:
    """32 hexadecimal digits over config and weights: what decides a checkpoint's answers."""
    total = blake2b(digest_size=16)
    for path in sorted((folder / "config.json", *folder.glob("*.safetensors"))):
        total.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                total.update(block)
    return total.hexdigest()
