"""What stands in the folder of a checkpoint, looked at before a library builds or loads anything of it.

A configuration can ask for more memory than there is, or for code of its own; an index of weights can name
files elsewhere. None of that gets further than here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from trainers.config import BadSettings

CONFIG = "config.json"
INDEX = "model.safetensors.index.json"
ONE = "model.safetensors"
NUMBERS = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "max_position_embeddings",
)


def fields(path: Path) -> dict[str, Any]:
    """The fields of a JSON file; BadSettings for what is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadSettings(f"{path} is missing") from None
    except (ValueError, RecursionError) as fault:
        raise BadSettings(f"{path} is not readable: {str(fault)[:100]}") from None
    if not isinstance(found, dict):
        raise BadSettings(f"{path} is not readable: it holds no fields")
    return found


def require_sound(folder: Path, families: tuple[str, ...]) -> None:
    """BadSettings for an unknown family, for numbers that the weights contradict, for files elsewhere."""
    if not (folder / CONFIG).is_file():
        raise BadSettings(f"{folder} is not a checkpoint: it has no {CONFIG}")
    try:
        config = fields(folder / CONFIG)
    except BadSettings as fault:
        raise BadSettings(f"{folder} cannot be loaded as a model: {fault}") from None
    family = config.get("model_type")
    if family not in families:
        raise BadSettings(
            f"{folder} holds a model of the family {str(family)[:40]}; known are {', '.join(families)}"
        )
    if config.get("quantization_config") is not None:
        raise BadSettings(f"{folder} cannot be loaded as a model: its weights are quantized")
    for name in NUMBERS:
        value = config.get(name)
        if value is not None and (type(value) is not int or value < 1):
            raise BadSettings(
                f"{folder / CONFIG}: {name} must be a whole number above 0, got {_short(value)}"
            )
    sizes = dict(_tensors(folder))
    width, layers = config.get("hidden_size") or 1, config.get("num_hidden_layers") or 1
    widest = max(config.get("vocab_size") or 1, config.get("intermediate_size") or 1)
    if layers > len(sizes) or width * widest > max(sizes.values(), default=0):
        raise BadSettings(
            f"{folder / CONFIG} asks for {_short(layers)} layers of width {_short(width)},"
            f" {_short(widest)} at the widest: the weights hold no such tensors"
        )


def _tensors(folder: Path) -> Iterator[tuple[str, int]]:
    """Names and sizes of all weights, from the heads of their files."""
    for path in _files(folder):
        try:
            with safe_open(path, "numpy") as file:
                for name in file.keys():  # noqa: SIM118  # it is no mapping
                    yield name, prod(file.get_slice(name).get_shape())
        except (SafetensorError, OSError, ValueError) as fault:
            reason = str(fault)[:100]
            raise BadSettings(f"{folder} cannot be loaded as a model: {path.name}: {reason}") from None


def _files(folder: Path) -> list[Path]:
    """The files of the weights: the one, or those that an index names, all of them in the folder itself."""
    if (folder / ONE).is_file():
        return [folder / ONE]
    if not (folder / INDEX).is_file():
        raise BadSettings(f"{folder} has no weights: {ONE} is missing")
    named = fields(folder / INDEX).get("weight_map")
    if not isinstance(named, dict) or not named or not all(isinstance(each, str) for each in named.values()):
        raise BadSettings(f"{folder / INDEX} names no files of weights")
    for name in sorted(set(named.values())):
        if Path(name).name != name or not (folder / name).is_file():
            raise BadSettings(f"{folder / INDEX} names the file {_short(name)}, which is not in its folder")
    return [folder / name for name in sorted(set(named.values()))]


def _short(value: object) -> str:
    return repr(value)[:40] if not isinstance(value, int) else f"{value:,}"[:40]
