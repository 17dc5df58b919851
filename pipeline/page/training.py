"""What a training run says: its curves, its model and its speed."""

from __future__ import annotations

from pathlib import Path

from pipeline.files import Json
from pipeline.page import chain, collection, gallery
from pipeline.page.curves import read_curve
from pipeline.page.findings import Findings
from pipeline.page.numbers import duration, short
from pipeline.page.origin import Origin
from pipeline.page.parts import Block, Gallery, Section, Table, Tile, facts


def section(origin: Origin, anchor: str, folder: Path) -> Section:
    """A training on its own."""
    done = origin.artifact.manifest["training"]
    best = done.get("best_validation_loss")
    tiles = [
        Tile("validation loss", f"{best:.4f}", note=f"at best, at step {done['best_step']:,}")
        if best is not None
        else Tile("training loss", f"{done['train_loss']:.4f}", note="at the end"),
        Tile("parameters", short(done["parameters"])),
        Tile("steps", f"{done['steps']:,}", note=f"{duration(done['seconds'])} on {done['device']}"),
        Tile("tokens a second", short(done["tokens_per_second"]), note=f"{done['tokens']:,} tokens"),
    ]
    curves = gallery.training(read_curve(origin.artifact.folder))
    blocks = [
        Block("training", "Training", [Gallery(curves), summary(origin)]),
        collection.block(origin),
        chain.block(origin, folder),
    ]
    filled = [each for part in blocks if (each := part.filled)]
    return Section(anchor, origin.name, origin.about, origin.stage, [chain.note(origin)], tiles, filled)


def block(findings: Findings) -> Block:
    """The training behind an evaluation, with the fine-tuning of its rounds."""
    return Block("training", "Training", [Gallery(gallery.losses(findings)), summary(findings)])


def tile(origin: Origin) -> list[Tile]:
    """The size of the model, where its training is known."""
    manifest = origin.manifest("train")
    if manifest is None:
        return []
    done = manifest["training"]
    note = f"{done['steps']:,} steps in {duration(done['seconds'])} on {done['device']}"
    return [Tile("parameters", short(done["parameters"]), "", note)]


def summary(origin: Origin) -> Table:
    """What was trained, and how fast; empty where the training has gone."""
    manifest = origin.manifest("train")
    if manifest is None:
        return facts([])
    done, model, fit = manifest["training"], manifest["settings"]["model"], manifest["settings"]["fit"]
    shape = f"{model['layers']} layers, width {model['width']}, {model['heads']} heads"
    pairs = [
        ("model", f"{done['parameters']:,} parameters: {shape}, {model['kv_heads']} KV heads"),
        ("notation", _notation(origin.manifest("encode"), model)),
        ("optimizer", str(fit["optimizer"])),
        ("steps", f"{done['steps']:,}, {done['tokens']:,} tokens, {done['epochs']:.2f} epochs"),
        ("validation loss", _loss(done)),
        (
            "speed",
            f"{done['tokens_per_second']:,.0f} tokens/s{_mfu(done)}, {1 - done['real_share']:.0%} padding",
        ),
        ("device", f"{done['device']}, {done['precision']}, attention {done['attention']}"),
    ]
    return facts([(name, text) for name, text in pairs if text])


def _notation(encoded: Json | None, model: Json) -> str:
    if encoded is None:
        return f"context {model['context']:,}"
    return f"{encoded['notation']}, {encoded['vocabulary']:,} words, context {model['context']:,}"


def _loss(done: Json) -> str:
    if done["best_validation_loss"] is None:
        return ""
    return f"{done['best_validation_loss']:.4f} at best, at step {done['best_step']:,}"


def _mfu(done: Json) -> str:
    return f", MFU {done['mfu']:.1%}" if done["mfu"] is not None else ""
