"""Stage and Job: what a stage is, where its output stands, and what must be made first."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from generators.installed import package_of
from pipeline.artifact import Artifact
from pipeline.begun import begin, end
from pipeline.console import say
from pipeline.errors import Refusal, Unfinished, brief
from pipeline.executor import Executor
from pipeline.files import Json, digest
from pipeline.heartbeat import Heartbeat
from pipeline.provenance import provenance, source_hash
from pipeline.recipe import Recipe, domain_fields


@dataclass(frozen=True)
class Options:
    """What a run may change without changing a byte of its output."""

    artifacts: Path = Path("artifacts")
    workers: int = 0
    """Worker processes; 0 takes one a core."""
    shards: tuple[int, ...] | None = None
    """Make these shards only, and no manifest."""
    skip_hung: bool = False
    """Leave out problems over which an engine hangs. It may change the output, so manifests tell of it."""
    cluster: str | None = None
    """The address of a Ray cluster that makes the shards; None for this machine."""

    @property
    def executor(self) -> Executor:
        """Where shards are made, and how many at a time."""
        return Executor(self.workers, self.cluster)


@dataclass(frozen=True)
class Stage:
    """One step of the pipeline.

    `settings` gives the part of a recipe that decides the content; with the fingerprints of `needs` it makes
    the fingerprint. `run` writes the files of a job's artifact and returns the facts for its manifest.
    """

    name: str
    version: int
    about: str
    needs: Callable[[Recipe], tuple[Need, ...]]
    """The inputs: a stage each, and the recipe it is made for."""
    settings: Callable[[Recipe], Json]
    run: Callable[[Job], Json]
    joint: bool = False
    """Made once for a recipe with all its variants, rather than for each of them."""
    enough: Callable[[Job], bool] = field(default=lambda _: True)
    """Whether a finished artifact holds all that the recipe asks for (a data set may need more shards)."""
    size: Callable[[Job], int | None] = field(default=lambda _: None)
    """How many shards or steps it takes, where the recipe says so: for those who ask about the time left."""

    def __reduce__(self) -> tuple[Any, ...]:
        """A stage goes to another process by its name."""
        return _named, (self.name,)


def _named(name: str) -> Stage:
    from pipeline.stages import STAGES

    return next(stage for stage in STAGES if stage.name == name)


@dataclass(frozen=True)
class Need:
    """A stage's input: a stage, and the recipe it is made for."""

    stage: Stage
    recipe: Recipe


@dataclass(frozen=True)
class Job:
    """A stage at work on a recipe."""

    stage: Stage
    recipe: Recipe
    options: Options

    @cached_property
    def inputs(self) -> tuple[Job, ...]:
        """The jobs whose artifacts this one reads."""
        return tuple(Job(need.stage, need.recipe, self.options) for need in self.stage.needs(self.recipe))

    @cached_property
    def settings(self) -> Json:
        """What decides the content, beside the inputs."""
        return self.stage.settings(self.recipe)

    @cached_property
    def fingerprint(self) -> str:
        """Stage, version, settings and the fingerprints of the inputs, as 16 digits."""
        inputs = [job.fingerprint for job in self.inputs]
        return digest([self.stage.name, self.stage.version, self.settings, inputs])

    @cached_property
    def artifact(self) -> Artifact:
        """Where the output stands."""
        name = f"{self.recipe.domain.name}-{self.fingerprint}"
        return Artifact(self.options.artifacts / self.stage.name / name)

    def input(self, stage: str) -> Job:
        """The input made by the stage of that name."""
        return next(job for job in self.inputs if job.stage.name == stage)

    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.artifact.finished() and self.stage.enough(self)

    def manifest(self, facts: Json) -> Json:
        """The manifest's content: facts of the run, settings, inputs and provenance."""
        domain = self.recipe.domain
        return {
            "stage": self.stage.name,
            "version": self.stage.version,
            "recipe": self.recipe.name,
            "fingerprint": self.fingerprint,
            "domain": domain_fields(domain),
            "domain_source": source_hash(domain.name),
            "domain_package": package_of(domain.name),
            "settings": self.settings,
            "inputs": [
                {"stage": job.stage.name, "fingerprint": job.fingerprint, "folder": job.artifact.place}
                for job in self.inputs
            ],
            **facts,
            "provenance": dict(provenance()),
        }


def make(job: Job, made: set[str] | None = None) -> Job:
    """Finish a job, and first whatever it needs; what is finished already is left alone."""
    made = set() if made is None else made
    if job.fingerprint in made:
        return job
    made.add(job.fingerprint)
    for need in job.inputs:
        make(need, made)
    if job.finished():
        tell_finished(job)
        return job
    _tell_broken(job)
    begun = time.monotonic()
    work = at_work(job)  # counts what it takes: a source that cannot be read leaves no folder behind
    job.artifact.folder.mkdir(parents=True, exist_ok=True)
    job.artifact.sweep()
    begin(job, made)
    with work as heartbeat:
        facts = job.stage.run(job)
        facts["seconds"] = round(time.monotonic() - begun, 2)
        heartbeat.rest()
        end(job.artifact)
        job.artifact.seal(job.manifest(facts))
    say(job.stage.name, f"{facts.get('summary', 'done')} [dim]({facts['seconds']:.0f} s)[/dim]")
    say("", f"[dim]{job.artifact.place}[/dim]")
    return job


def _tell_broken(job: Job) -> None:
    """Name what was finished and has gone or changed its size since: whatever can be is made again."""
    with suppress(Unfinished):
        for name in job.artifact.broken():
            say(job.stage.name, f"[yellow]{job.artifact.place}/{name} is missing or was changed[/yellow]")


def at_work(job: Job) -> Heartbeat:
    """What tells others that this process is at work on the job."""
    shards = job.options.shards
    told = "" if shards is None else spans(shards)
    return Heartbeat(job.artifact, job.stage.name, job.recipe.name, told, job.stage.size(job))


def make_all(stage: Stage, recipe: Recipe, options: Options) -> list[Job]:
    """Finish a stage for a recipe, or for each of its variants."""
    made: set[str] = set()
    recipes = [recipe] if stage.joint else recipe.expanded().values()
    return [make(Job(stage, each, options), made) for each in recipes]


def tell_finished(job: Job) -> None:
    """Say that nothing is left to do, and whether it was made by the source at hand."""
    manifest = job.artifact.manifest
    say(job.stage.name, f"finished: {manifest.get('summary', '')} [dim]{job.artifact.place}[/dim]")
    if manifest["domain_source"] != source_hash(job.recipe.domain.name):
        name = job.recipe.domain.name
        package = package_of(name)
        source = f"the package {package}" if package else f"generators/{name}"
        say("", f"[yellow]made by another version of {source}; delete it to make it again[/yellow]")


def spans(numbers: Iterable[int]) -> str:
    """Numbers as `parse_shards` takes them, in order and each once: 0-9,12."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


SPAN = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?")
MOST_SHARDS = 1_000_000
"""Of one command."""


def parse_shards(text: str) -> tuple[int, ...]:
    """Shard numbers from a text such as `0-9` or `3,5,7-8`."""
    numbers: list[int] = []
    for part in text.split(","):
        span = SPAN.fullmatch(part)
        if span is None:
            raise Refusal(f"--shards takes numbers and ranges such as 0-9 or 3,5,7-8, got '{brief(text)}'")
        first, last = int(span[1]), int(span[2] or span[1])
        if last < first:
            raise Refusal(f"--shards: the range {part} runs backwards")
        if len(numbers) + last - first >= MOST_SHARDS:
            raise Refusal(f"--shards names more than {MOST_SHARDS:,} shards: give them in parts")
        numbers.extend(range(first, last + 1))
    return tuple(numbers)
