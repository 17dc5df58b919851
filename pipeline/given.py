"""Problems of a finished artifact for another teacher to solve, in place of drawn ones.

`generate.problems` names the artifact: a `generate`, whose shards are kept as they are, or a `curate`, whose
files are cut into shards of `generate.shard_rows`. Ids, split keys, prompts and the problems' own columns
stay; what a teacher adds is made anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate

import polars as pl

from generators.domain import BadProblem, Domain, problem_columns
from generators.words import word_type
from pipeline import schema
from pipeline.artifact import MANIFEST, Artifact
from pipeline.errors import Damaged, Refusal
from pipeline.files import Json
from pipeline.lineage import domain_of
from pipeline.recipe import Recipe
from pipeline.store import located

FILES = {"generate": "data/part-*.parquet", "curate": "data/*.parquet"}
"""Where the problems of a stage stand."""
TEXTS = pl.List(pl.String)


@dataclass(frozen=True)
class Given:
    """The problems of an artifact, shard by shard."""

    artifact: Artifact
    shard_rows: int

    @property
    def identity(self) -> Json:
        """What decides the problems; the shards of a data set that grows are not in it."""
        return {"stage": self.stage, "fingerprint": self.artifact.manifest["fingerprint"]}

    @property
    def about(self) -> Json:
        """What the manifest says of where the problems are from."""
        return {**self.identity, "folder": self.artifact.place}

    @property
    def reproducible(self) -> bool:
        """Whether the recipe alone decides which problems they are."""
        return bool(self.artifact.manifest.get("reproducible", True))

    @property
    def stage(self) -> str:
        """The stage that made the artifact."""
        return str(self.artifact.manifest["stage"])

    @cached_property
    def files(self) -> dict[str, int]:
        """Its files of problems with their rows, in order."""
        entries = self.artifact.manifest["files"]
        return {name: int(entries[name]["rows"]) for name in self.artifact.names(FILES[self.stage])}

    @property
    def shards(self) -> int:
        """How many shards the problems make."""
        rows = sum(self.files.values())
        return len(self.files) if self.stage == "generate" else -(-rows // self.shard_rows)

    def problems(self, shard: int, domain: Domain) -> pl.DataFrame:
        """The problems of a shard as `domain` takes them; raises Refusal for those that it cannot."""
        columns = {**problem_columns(()), **domain.columns}
        wanted = [name for name in columns if name not in domain.taught]
        frame = pl.concat([self._read(*part, wanted) for part in self._parts(shard)])
        try:
            domain.admit(frame)
            return frame.with_columns(pl.col("prompt").cast(word_type(domain.alphabet(domain.notations[0]))))
        except (BadProblem, pl.exceptions.PolarsError) as cause:
            raise Refusal(
                f"the knobs of {domain.name} do not admit problems of {self.artifact.place}: {cause}"
            ) from None

    def _parts(self, shard: int) -> list[tuple[str, int, int]]:
        """Which rows of which files make a shard: name, first row, number of rows."""
        if self.stage == "generate":
            name = list(self.files)[shard]
            return [(name, 0, self.files[name])]
        begin, end = shard * self.shard_rows, (shard + 1) * self.shard_rows
        ends = accumulate(self.files.values())
        parts = []
        for (name, rows), past in zip(self.files.items(), ends, strict=True):
            first, last = max(begin, past - rows), min(end, past)
            if first < last:
                parts.append((name, first - (past - rows), last - first))
        return parts

    def _read(self, name: str, first: int, rows: int, wanted: list[str]) -> pl.DataFrame:
        """Problems of a file, with prompts as texts: another domain's alphabet is not its own."""
        path = self.artifact.verified(name)
        schema.require_known(path)
        lacking = sorted(set(wanted) - set(schema.names(path)))
        if lacking:
            raise Refusal(f"{path} lacks the column {lacking[0]} of the problems: it is of another version")
        frame = schema.read(path, schema.traces(_domain(self.artifact)), only=wanted).slice(first, rows)
        return frame.with_columns(pl.col("prompt").cast(TEXTS))


def given(recipe: Recipe) -> Given | None:
    """The problems that a recipe names, or None where it draws or reads them.

    Raises Refusal (or Unfinished) for what is no finished artifact with problems of the recipe's domain.
    """
    place = recipe.generate.problems
    if not place:
        return None
    if recipe.domain.source:
        raise Refusal("generate.problems and domain.source both name problems: take one of them")
    artifact = _found(place)
    stage = artifact.manifest["stage"]
    if stage not in FILES:
        raise Refusal(
            f"generate.problems: {place} is an artifact of the stage {stage}, which holds no problems;"
            " name one of generate or curate"
        )
    source = _domain(artifact)
    if not related(type(recipe.domain), type(source)):
        raise Refusal(
            f"generate.problems: {place} holds problems of the domain {source.name},"
            f" and the recipe is about {recipe.domain.name}"
        )
    cut = artifact.manifest["settings"]["shard_rows"] if stage == "generate" else recipe.generate.shard_rows
    made = Given(artifact, int(cut))
    if not sum(made.files.values()):
        raise Refusal(f"generate.problems: {place} holds no problem")
    _require_admitted(made, recipe.domain)
    return made


@cache
def _require_admitted(made: Given, domain: Domain) -> None:
    """Read the first problems: those that the domain cannot take are refused before anything is written."""
    made.problems(0, domain)


def related(first: type[Domain], second: type[Domain]) -> bool:
    """Whether two domains are about the same problems: one, or teachers derived from one."""
    shared = set(first.__mro__) & set(second.__mro__)
    return any(issubclass(kind, Domain) and not kind.__abstractmethods__ for kind in shared)


@cache
def _found(place: str) -> Artifact:
    """The finished artifact at a path or URL; a process looks once."""
    folder = located(place)
    folder = folder.parent if folder.name == MANIFEST else folder
    if folder.is_file():
        raise Refusal(
            f"generate.problems: {place} is a file, and no artifact; problems of a file are `domain.source`"
        )
    artifact = Artifact(folder)
    if "stage" not in artifact.manifest:
        raise Refusal(f"generate.problems: {place} is no artifact of a stage")
    if not artifact.finished():
        raise Damaged(
            f"generate.problems: files of {place} are missing or were changed after they were made;"
            " delete its manifest.json and run its stage again"
        )
    return artifact


@cache
def _domain(artifact: Artifact) -> Domain:
    return domain_of(artifact)
