"""One row a run: what it was made with, and what its checkpoint is worth."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.artifact import Artifact
from pipeline.errors import Damaged, Refusal
from pipeline.files import Json, digest
from pipeline.final import final
from pipeline.page.numbers import Kind, kind_of

HEADLINES = ("optimal", "any_optimal_k", "trace_sound", "trace_exact", "trace_words")
"""The measures that every row has, in the order in which tables show them."""

_ANY = ("any-optimal-k", "solved-k")
_OWN = "the domain's own"
_INNER = {"generate": ("seed", "domain", "identity"), "train": ("seed", "model", "fit")}
_REPEATED = {"encode": ("context", "buckets")}
"""Settings that only repeat those of other stages."""


class Measure(NamedTuple):
    """A value with its interval over problems, and how it is to be read."""

    value: float | None
    low: float | None
    high: float | None
    kind: Kind
    own: bool
    """A figure of the domain's own."""


@dataclass(frozen=True)
class Row:
    """One checkpoint of one evaluation."""

    recipe: str
    fingerprint: str
    seed: int | None
    settings: dict[str, Any]
    """Every setting of every stage by its dotted name, but the seed."""
    versions: dict[str, Any]
    """What else decides the content: versions of the stages, and inputs that have gone."""
    checkpoint: str
    measures: dict[str, Measure]
    place: str
    problems: int | None = None

    @cached_property
    def group(self) -> str:
        """The same for runs that differ in the seed alone."""
        return digest([self.recipe, self.checkpoint, self.settings, self.versions])


@dataclass
class _Making:
    """Settings and versions gathered from an evaluation and what it was made from."""

    settings: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, Any] = field(default_factory=dict)

    def gather(self, artifact: Artifact) -> None:
        made = artifact.manifest
        stage = str(made["stage"])
        if stage in self.versions:
            return
        self.versions[stage] = made.get("version")
        for source in made.get("inputs", ()):
            near = _input(artifact, source)
            if near is None:
                self.versions[f"input {source['stage']}"] = source["fingerprint"]
            else:
                self.gather(near)
        self.settings |= _named(stage, made.get("settings", {}))


def rows(artifact: Artifact, checkpoint: str | None = None) -> list[Row]:
    """The row of an evaluation's final checkpoint, of the one named, or of `all`.

    One of checkpoints that a user named has no final one: it has a row for each. Raises Damaged for a
    manifest that cannot be understood.
    """
    try:
        return list(_rows(artifact, checkpoint))
    except (LookupError, TypeError, ValueError, AttributeError):
        raise Damaged(f"{artifact.place}/manifest.json cannot be understood: evaluate again") from None


def _rows(artifact: Artifact, checkpoint: str | None) -> Iterator[Row]:
    made = artifact.manifest
    making = _Making()
    making.gather(artifact)
    settings = dict(making.settings)
    settings |= {"source": made["source"]} if "source" in made else {}
    found = made["metrics"]
    arms = {str(each["label"]): str(each["arm"]) for each in found}
    labels = list(arms)
    if checkpoint is None:
        labels = labels if "recipe" not in made else [labels[final(list(arms.values()))]]
    elif checkpoint != "all":
        labels = [label for label in labels if label == checkpoint]
    seed = made.get("settings", {}).get("seed")
    for label in labels:
        yield Row(
            recipe=str(made.get("recipe", "")),
            fingerprint=str(made.get("fingerprint") or artifact.folder.name.rpartition("-")[2]),
            seed=int(seed) if seed is not None else None,
            settings=settings,
            versions=making.versions,
            checkpoint=label,
            measures=dict(_measures([each for each in found if each["label"] == label])),
            place=artifact.place,
            problems=made.get("problems"),
        )


def _measures(found: list[Json]) -> Iterator[tuple[str, Measure]]:
    for name in HEADLINES:
        yield name, Measure(None, None, None, "words" if name == "trace_words" else "share", own=False)
    for each in found:
        name, rule = str(each["metric"]), str(each["rule"])
        if each["subset"] != "all" or not (rule == "greedy" or (rule.startswith("any of") and name in _ANY)):
            continue
        if each["value"] is None:
            continue
        value, low, high = (None if each[at] is None else float(each[at]) for at in ("value", "low", "high"))
        own = each.get("own") is not None or each.get("note") == _OWN
        yield slug(name), Measure(value, low, high, kind_of(each), own)


def slug(name: str) -> str:
    """A metric's name as a column: letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower().replace("'", "")).strip("_")


def _named(stage: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a stage's manifest by the names that recipes have for them."""
    made: dict[str, Any] = {}
    for name, value in settings.items():
        if name == "seed" or name in _REPEATED.get(stage, ()):
            continue
        if stage == "curate" and name == "shards":
            made["generate.shards"] = value
        elif name in (*_INNER.get(stage, ()), "domain") or (stage == name):
            made |= _flat(name, value)
        else:
            made |= _flat(f"{stage}.{name}", value)
    return made


def _flat(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {name: value}
    return {
        key: inner for part, each in value.items() for key, inner in _flat(f"{name}.{part}", each).items()
    }


def _input(artifact: Artifact, source: Mapping[str, Any]) -> Artifact | None:
    """An input where it stands now: in the same tree, or where the manifest says; None if it has gone."""
    named = str(source["folder"])
    for folder in (artifact.folder.parent.parent / source["stage"] / Path(named).name, Path(named)):
        try:
            near = Artifact(folder)
            if near.manifest.get("fingerprint") == source["fingerprint"]:
                return near
        except Refusal:
            continue
    return None


def differing(found: list[Row]) -> list[str]:
    """The settings that are not the same in all rows, in the order in which stages have them."""
    names = dict.fromkeys(name for row in found for name in row.settings)
    told = [json.dumps([row.settings.get(name, "-") for name in names], default=str) for row in found]
    if len(set(told)) < 2:
        return []
    return [
        name
        for name in names
        if len({json.dumps(row.settings.get(name), sort_keys=True, default=str) for row in found}) > 1
    ]
