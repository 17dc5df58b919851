"""A finished artifact and all that it was made from: what every section of a page starts with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from generators.domain import Domain
from pipeline.artifact import Artifact
from pipeline.files import Json
from pipeline.lineage import ancestors, domain_of


@dataclass(frozen=True)
class Origin:
    """An artifact under the name that the reader sees; `about` is what its recipe says of itself."""

    name: str
    artifact: Artifact
    about: str = ""

    @property
    def stage(self) -> str:
        """The stage that made it."""
        return str(self.artifact.manifest["stage"])

    @cached_property
    def lineage(self) -> dict[str, Artifact]:
        """The artifacts behind it that are still there by their stage, and itself, the first one first."""
        return ancestors(self.artifact)

    @cached_property
    def gone(self) -> list[str]:
        """The inputs, direct ones and those of inputs, that are no longer there."""
        missing = [
            f"{source['stage']} {source['fingerprint']}"
            for each in self.lineage.values()
            for source in each.manifest.get("inputs", ())
            if source["stage"] not in self.lineage
        ]
        return list(dict.fromkeys(missing))

    def manifest(self, stage: str) -> Json | None:
        """The manifest of a stage behind the artifact; None where it had none, or it has gone."""
        found = self.lineage.get(stage)
        return found.manifest if found is not None else None

    @cached_property
    def domain(self) -> Domain:
        """The domain with its knobs."""
        return domain_of(self.artifact)

    @cached_property
    def seed(self) -> int | None:
        """The seed of the problems; an evaluation apart from any recipe has but its own."""
        known = [*self.lineage.values(), self.artifact]
        seeds = (each.manifest.get("settings", {}).get("seed") for each in known)
        return next((seed for seed in seeds if seed is not None), None)

    @cached_property
    def settings(self) -> Json:
        """What decided each stage's content, by stage; the domain and the seed stand once."""
        made: Json = {"domain": self.artifact.manifest.get("domain", {}), "seed": self.seed}
        for stage, each in self.lineage.items():
            own = each.manifest.get("settings", {})
            made[stage] = {name: item for name, item in own.items() if name not in ("domain", "seed")}
        return made


def about_of(artifact: Artifact) -> str:
    """What an artifact is called: its recipe, or what it was judged on."""
    manifest = artifact.manifest
    return str(manifest.get("recipe") or manifest.get("source") or artifact.folder.name)


def named(artifacts: Sequence[Artifact]) -> list[str]:
    """A name for each artifact; those that share one have their stage beside it, or their folder's end."""
    names = [about_of(each) for each in artifacts]
    staged = [f"{name}, {each.manifest['stage']}" for name, each in zip(names, artifacts, strict=True)]
    told = []
    for at, each in enumerate(artifacts):
        end = each.folder.name.split("-")[-1][:8]
        if names.count(names[at]) == 1:
            told.append(names[at])
        else:
            told.append(staged[at] if staged.count(staged[at]) == 1 else f"{names[at]} {end}")
    return told
