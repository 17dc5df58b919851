"""`distill sweep`: a grid of runs of one recipe; what they share is made once, what is finished stays."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.markup import escape

from pipeline import grid
from pipeline.artifact import Artifact
from pipeline.console import OUT, say
from pipeline.errors import Refusal, told
from pipeline.files import Json, digest, write_json
from pipeline.folders import SWEEPS
from pipeline.grid import Run
from pipeline.inspect.texts import plain
from pipeline.results.fitting import Column, figure, fitted, short_names
from pipeline.results.frame import measures
from pipeline.results.rows import Measure, rows
from pipeline.stage import Job, Options, make
from pipeline.stages import STAGES
from pipeline.store import store_of


@dataclass
class Making:
    """The runs at work: what was made, and what failed, by fingerprint.

    The shards of every stage run where the options say, on this machine or on a cluster; the stages
    themselves follow each other here.
    """

    made: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)

    def finish(self, run: Run) -> str | None:
        """Make what a run lacks; gives the sentence of what failed. What failed once is not tried again."""
        for job in _ordered(run.job):
            if job.fingerprint in self.failed:
                return f"{self.failed[job.fingerprint]} (the {job.stage.name} that it shares)"
            try:
                make(job, self.made)
            except Exception as error:
                if os.environ.get("DISTILL_TRACEBACK"):
                    raise
                sentence = told(error) or f"{type(error).__name__}: {error}"
                self.failed[job.fingerprint] = " ".join(sentence.split())
                return self.failed[job.fingerprint]
        return None


def sweep(
    source: str, overrides: Sequence[tuple[str, str]], through: str, options: Options, yes: bool = False
) -> None:
    """Make every run of the grid through a stage; raises Refusal at the end where some have failed."""
    stage = next(each for each in STAGES if each.name == through)
    found = grid.runs(source, overrides, stage, options, yes)
    place = record(found, options.artifacts)
    making = Making()
    failures: dict[int, str] = {}
    for run in found:
        line = f"run {run.number} of {len(found)}: {run.label}"
        if run.job.finished():
            say("sweep", f"{escape(plain(line))} [dim]finished[/dim]")
            continue
        say("sweep", f"[bold]{escape(plain(line))}[/bold]")
        sentence = making.finish(run)
        if sentence is not None:
            failures[run.number] = sentence
            say("sweep", f"[red]run {run.number} failed:[/red] {escape(plain(sentence))}")
    show(found, failures)
    say("", f"[dim]{Artifact(place).place}[/dim]")
    if failures:
        listed = "\n".join(
            f"run {run.number} ({run.label}): {failures[run.number]}"
            for run in found
            if run.number in failures
        )
        raise Refusal(
            f"{len(failures)} of {len(found)} runs failed; the same command tries them again:\n{listed}"
        )


def record(found: Sequence[Run], artifacts: Path) -> Path:
    """Write which runs a sweep has, with their settings and artifacts; the same sweep gives the same file."""
    first = found[0].job
    listed: list[Json] = [
        {
            "run": run.number,
            "label": run.label,
            "recipe": run.job.recipe.name,
            "settings": run.settings,
            "fingerprint": run.job.fingerprint,
            "artifact": run.job.artifact.folder.relative_to(artifacts).as_posix(),
        }
        for run in found
    ]
    name = first.recipe.name.partition("/")[0]
    content = {"recipe": name, "through": first.stage.name, "runs": listed}
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    path = artifacts / SWEEPS / f"{safe}-{digest(content)}.json"
    if not _stands(path, content):
        write_json(path, content, alone=True)
        store = store_of(path)
        if store is not None:
            store.put(path)
    return path


def _stands(path: Path, content: Json) -> bool:
    store = store_of(path)
    try:
        text = path.read_text() if store is None else store.text(path) or ""
        return bool(json.loads(text) == content)
    except (OSError, ValueError):
        return False


def _ordered(job: Job, seen: set[str] | None = None) -> Iterator[Job]:
    """A job and all that it needs, what is needed first, each once."""
    seen = set() if seen is None else seen
    if job.fingerprint in seen:
        return
    seen.add(job.fingerprint)
    for need in job.inputs:
        yield from _ordered(need, seen)
    yield job


def show(found: Sequence[Run], failures: dict[int, str]) -> None:
    """A row a run: its values, its state, and what its checkpoint is worth."""
    worth = [{} if run.number in failures else _worth(run) for run in found]
    fields = list(dict.fromkeys(name for run in found for name, _ in run.chosen))
    short = short_names(fields)
    columns = [
        Column("run", [str(run.number) for run in found], left=True, kept=True),
        *[Column(short[name], [dict(run.chosen)[name] for run in found], left=True) for name in fields],
        Column("", ["failed" if run.number in failures else "" for run in found], left=True, kept=True)
        if failures
        else None,
        *[Column(name, [figure(each.get(name)) for each in worth]) for name in measures(worth)],
        Column("folder", [run.job.artifact.folder.name for run in found]),
    ]
    made, left_out = fitted("", [each for each in columns if each is not None], OUT.width)
    OUT.print(made)
    if left_out:
        OUT.print(f"`distill results` has also: {', '.join(map(plain, left_out))}", style="dim", markup=False)


def _worth(run: Run) -> dict[str, Measure]:
    """The measures of an evaluation's final checkpoint; of other stages there are none."""
    if run.job.stage.name != "evaluate":
        return {}
    found = rows(run.job.artifact)[0].measures
    return {name: measure for name, measure in found.items() if measure.value is not None}
