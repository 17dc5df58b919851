"""Which section of the page an artifact has: its stage decides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.artifact import Artifact
from pipeline.errors import Damaged, Refusal
from pipeline.page import bootstrapped, collection, encoded, judged, training
from pipeline.page.collection import Collection
from pipeline.page.examples import Allowance
from pipeline.page.findings import Findings
from pipeline.page.origin import Origin
from pipeline.page.parts import Section

TOLD = {
    "generate": ("rows", "words", "shards"),
    "curate": ("rows", "rejected", "baselines", "problem_overlap", "response_overlap"),
    "encode": ("notation", "vocabulary", "examples", "tokens", "refused", "longest"),
    "train": ("training", "settings"),
    "bootstrap": ("rounds",),
    "evaluate": ("problems", "metrics", "lengths"),
}
"""What the manifest of each stage must tell for a section."""


def subject(name: str, artifact: Artifact, about: str = "") -> Origin:
    """An artifact as what its section reads.

    Raises Refusal for a stage without a section and for what is empty, Damaged for an older manifest.
    """
    stage = artifact.manifest["stage"]
    if stage not in TOLD:
        raise Refusal(f"{artifact.folder} is of the stage {stage}: there is no page about such artifacts")
    lacking = [field for field in TOLD[stage] if field not in artifact.manifest]
    if lacking:
        raise Damaged(
            f"{artifact.folder}: its manifest tells no {' and no '.join(lacking)}: it is of another version"
        )
    kinds: dict[str, type[Origin]] = {"generate": Collection, "curate": Collection, "evaluate": Findings}
    made = kinds.get(stage, Origin)(name, artifact, about)
    if _empty(made):
        raise Refusal(f"{artifact.folder} holds no rows: there is nothing to report")
    return made


def _empty(origin: Origin) -> bool:
    manifest = origin.artifact.manifest
    if isinstance(origin, Collection):
        return origin.rows == 0
    if isinstance(origin, Findings):
        return not manifest["problems"] or not manifest["metrics"]
    return not manifest.get({"bootstrap": "rounds", "encode": "examples"}.get(origin.stage, "training"))


def section(origin: Origin, anchor: str, folder: Path, examples: int, room: Allowance) -> Section:
    """Everything about one artifact, figures drawn; `folder` is where the page will stand."""
    if isinstance(origin, Findings):
        return judged.section(origin, anchor, folder, examples, room)
    if isinstance(origin, Collection):
        return collection.section(origin, anchor, folder, examples, room)
    kinds = {"train": training.section, "bootstrap": bootstrapped.section, "encode": encoded.section}
    return kinds[origin.stage](origin, anchor, folder)


def evaluations(subjects: Sequence[Origin]) -> list[Findings]:
    """Those that can be compared by their metrics."""
    return [each for each in subjects if isinstance(each, Findings)]
