"""What sets artifacts on one page apart: the settings that are not the same in all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.page.origin import Origin

MOST = 8
"""Fields that are named; the reader finds all of them in each recipe."""


def differences(every: Sequence[Origin]) -> list[str]:
    """A sentence for each: its settings where they are not those of all others.

    Artifacts of several domains differ in too much; there it is what their recipes say of themselves.
    """
    if len({each.artifact.manifest.get("domain", {}).get("name") for each in every}) > 1:
        return [each.about for each in every]
    flat = [dict(_flat(each)) for each in every]
    names = [
        name
        for name in dict.fromkeys(name for each in flat for name in each)
        if len({str(each.get(name)) for each in flat}) > 1
    ]
    told = [[f"{name}: {each[name]}" for name in names if name in each] for each in flat]
    return [
        ", ".join(each[:MOST]) + (f" and {len(each) - MOST} more" if len(each) > MOST else "")
        for each in told
    ]


def _flat(origin: Origin) -> Iterator[tuple[str, Any]]:
    for stage, branch in origin.settings.items():
        # Of a training the branches stand by themselves in a recipe: model and fit.
        yield from _fields({stage: branch} if stage != "train" else branch)
    if origin.stage == "evaluate" and "bootstrap" not in origin.lineage and "train" in origin.lineage:
        yield "bootstrap", "none"
    if "source" in origin.artifact.manifest:
        yield "problems", origin.artifact.manifest["source"]


def _fields(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, item in tree.items():
        if isinstance(item, dict):
            yield from _fields(item, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", item
