"""Checkpoints and training runs: parameters, shape, losses. Only the head of a weight file is read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.console import OUT
from pipeline.errors import Damaged, brief
from pipeline.inspect.bars import sparkline
from pipeline.inspect.header import facts
from pipeline.page.numbers import duration, short, significant, size
from pipeline.plain import from_json

LONGEST_HEAD = 100_000_000
"""Bytes of a safetensors header at most; its format says so too."""

SHAPE = {
    "model_type": "",
    "num_hidden_layers": "layers",
    "hidden_size": "width",
    "num_attention_heads": "heads",
    "num_key_value_heads": "KV heads",
    "max_position_embeddings": "context",
    "vocab_size": "ids",
}
"""What of a config tells the shape of a model, and how it is called here."""


def training(folder: Path) -> None:
    """Print a run's settings, its result and its losses."""
    with understood(folder):
        _training(folder)


@contextmanager
def understood(folder: Path) -> Iterator[None]:
    """Fields that are missing, or of another type than ours, become Damaged."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        said = f"{type(error).__name__.removesuffix('Error')} {brief(error)}"
        raise Damaged(f"the settings or results in {folder} cannot be understood: {said}") from None


def _training(folder: Path) -> None:
    run = _json(folder / "run.json")
    pairs: list[tuple[str, str]] = [(name, _words(run[name])) for name in ("model", "fit") if name in run]
    if (folder / "fit.json").is_file():
        pairs += _result(_json(folder / "fit.json"))
    for name, curve in _losses(folder).items():
        if curve:
            ends = f"{significant(curve[0])} {sparkline(curve)} {significant(curve[-1])}"
            pairs.append((f"{name} loss", f"{ends}  (least {significant(min(curve))})"))
    OUT.print(facts(pairs))
    for name in ("best", "last"):
        if (folder / name / "config.json").is_file():
            OUT.print(f"\n[bold]{name}[/bold]")
            show(folder / name)


def show(folder: Path) -> None:
    """Print shape, parameters and vocabulary of a checkpoint."""
    with understood(folder):
        _show(folder)


def _show(folder: Path) -> None:
    config = _json(folder / "config.json")
    shape = [
        f"{name} {config[key]:,}" if name else str(config[key])
        for key, name in SHAPE.items()
        if key in config
    ]
    pairs = [("model", ", ".join(shape))]
    files = sorted(folder.glob("*.safetensors"))
    if files:
        count, kinds = _counted(files)
        total = size(sum(path.stat().st_size for path in files))
        pairs.append(("parameters", f"{count:,} ({short(count)}) as {', '.join(sorted(kinds))}, {total}"))
    if (folder / "vocabulary.json").is_file():
        known = _json(folder / "vocabulary.json")
        pairs.append(("answers", f"{known['domain']['name']} in notation {known['notation']}"))
        pairs.append(("vocabulary", f"{len(known['words']):,} words: {' '.join(known['words'][:12])} ..."))
    resumes = (folder / "state.ckpt").is_file()
    pairs.append(("state", "training can go on from here" if resumes else "weights alone"))
    OUT.print(facts(pairs))


def _counted(files: list[Path]) -> tuple[int, set[str]]:
    """Numbers and types in safetensors files, from their headers."""
    count, kinds = 0, set()
    for path in files:
        try:
            with path.open("rb") as stream:
                long = int.from_bytes(stream.read(8), "little")
                if long > min(LONGEST_HEAD, path.stat().st_size):
                    raise ValueError("its header is cut off")
                head: Mapping[str, Any] = from_json(stream.read(long))
            for name, tensor in head.items():
                if name != "__metadata__":
                    count += math.prod(tensor["shape"])
                    kinds.add(str(tensor["dtype"]))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise Damaged(f"{path} holds no weights that can be read: {brief(error)}") from None
    return count, kinds


def _result(done: Mapping[str, Any]) -> list[tuple[str, str]]:
    mfu = f", MFU {done['mfu']:.1%}" if done["mfu"] is not None else ""
    return [
        ("trained", f"{done['steps']:,} steps, {done['tokens']:,} tokens, {done['epochs']:.2f} epochs"),
        ("speed", f"{done['tokens_per_second']:,.0f} tokens/s{mfu}, {duration(done['seconds'])}"),
        ("device", f"{done['device']}, {done['precision']}"),
    ]


def _losses(folder: Path) -> dict[str, list[float]]:
    from pipeline.page.curves import read_curve

    curve = read_curve(folder)
    return {
        "training": [loss for _, loss in curve.train],
        "validation": [loss for _, loss in curve.validation],
    }


def _json(path: Path) -> dict[str, Any]:
    try:
        loaded = from_json(path.read_text())
    except (OSError, ValueError) as error:
        raise Damaged(f"{path} cannot be read: {error}") from None
    if not isinstance(loaded, dict):
        raise Damaged(f"{path} cannot be read: it holds no fields")
    return loaded


def _words(tree: Mapping[str, Any]) -> str:
    plain = {name: value for name, value in tree.items() if value not in (None, "", [])}
    return " ".join(f"{name}={_inner(value)}" for name, value in plain.items())


def _inner(value: Any) -> str:
    if isinstance(value, dict):
        return "(" + _words(value) + ")"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
