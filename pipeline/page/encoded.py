"""What encoded rows say: the notation's words, and how long examples are in tokens."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.artifact import Artifact
from pipeline.page import chain, collection, plots
from pipeline.page.collection import edges_of
from pipeline.page.numbers import short
from pipeline.page.origin import Origin
from pipeline.page.parts import Block, Code, Fold, Gallery, Section, Tile
from pipeline.page.plots import Plot
from pipeline.stages.encode import IDS, lengths
from trainers.documents import Segment

FILES = 16
"""Files whose examples are measured, at even distances."""


def section(origin: Origin, anchor: str, folder: Path) -> Section:
    """Encoded rows on their own."""
    facts = origin.artifact.manifest
    tiles = [
        Tile("tokens", short(facts["tokens"]), note=f"{facts['tokens']:,}"),
        Tile("examples", short(facts["examples"]), note=f"longest {facts['longest']:,} tokens"),
        Tile("words", f"{facts['vocabulary']:,}", note=f"notation {facts['notation']}"),
        Tile("too long for the context", f"{facts['refused']:,}", note="rows left out"),
    ]
    words = _words(origin.artifact)
    blocks = [
        Block("tokens", "Tokens", [Gallery(_lengths(origin))]),
        Block(
            "words",
            "Vocabulary",
            [Fold(f"{len(words):,} words", [Code(" ".join(words))], printed=False)] if words else [],
        ),
        collection.block(origin),
        chain.block(origin, folder),
    ]
    filled = [each for part in blocks if (each := part.filled)]
    return Section(anchor, origin.name, origin.about, origin.stage, [chain.note(origin)], tiles, filled)


def _words(artifact: Artifact) -> list[str]:
    name = f"{IDS}/vocabulary.json"
    if name not in artifact.manifest["files"]:
        return []
    kept = json.loads(artifact.verified(name).read_text())
    return [str(word) for word in kept.get("words", ())] if isinstance(kept, dict) else []


def _lengths(origin: Origin) -> list[Plot]:
    names = origin.artifact.names(f"{IDS}/*.response_offsets.npy")
    chosen = (
        [names[at] for at in np.unique(np.linspace(0, len(names) - 1, FILES).round().astype(int))]
        if names
        else []
    )
    stems = [name.removesuffix(".response_offsets.npy") for name in chosen]
    sizes = (
        np.concatenate([_sizes(origin.artifact, stem) for stem in stems]) if stems else np.zeros(0, np.int64)
    )
    if not sizes.size:
        return []
    edges = edges_of(sizes)
    tall = {"examples": np.histogram(sizes, edges)[0].tolist()}
    some = f" of {len(chosen)} of {len(names)} files" if len(chosen) < len(names) else ""
    caption = f"{len(sizes):,} examples{some}, mean {sizes.mean():,.1f} tokens of prompt and response."
    return [plots.counts("Tokens an example", edges, tall, "tokens", caption)]


def _sizes(artifact: Artifact, stem: str) -> NDArray[np.int64]:
    kinds = ("prompt_offsets", "response_offsets", "rows")
    for kind in kinds:
        artifact.verified(f"{stem}.{kind}.npy")
    segment = Segment.open((artifact.folder / stem).parent, Path(stem).name)
    return lengths({kind: getattr(segment, kind) for kind in kinds})
