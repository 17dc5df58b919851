"""`distill status`: what is done of an artifact or a recipe, what runs, what failed, how long it takes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.markup import escape

from pipeline.artifact import MANIFEST
from pipeline.console import OUT, table
from pipeline.errors import Refusal
from pipeline.heartbeat import Note
from pipeline.inspect.texts import plain
from pipeline.page.numbers import duration
from pipeline.standing import Standing, pace_of, require_artifact, standing
from pipeline.store import located

COLOURS = {
    "finished": "green",
    "running": "cyan",
    "failed": "red",
    "damaged": "red",
    "stopped": "yellow",
    "unfinished": "yellow",
    "not begun": "dim",
}
UNITS = {
    "generate": "shards",
    "train": "steps",
    "bootstrap": "rounds of arms",
    "evaluate": "checkpoints answered",
}
AT_MOST = ("bootstrap", "evaluate")
"""Stages that may end before all of it is done: a bootstrap stops where traces get no shorter."""


def status(targets: Sequence[str], overrides: Sequence[tuple[str, str]], artifacts: Path) -> None:
    """Tell of every target: the folder or URL of an artifact, or the name or file of a recipe."""
    for target in targets:
        folder = _folder(target)
        if folder is None:
            _recipe(target, overrides, artifacts)
        else:
            if overrides:
                raise Refusal(f"--{overrides[0][0]} is for recipes; {target} is an artifact")
            show(require_artifact(standing(folder)))


def _folder(target: str) -> Path | None:
    """The artifact that is meant; None for a recipe."""
    path = located(target)
    if path.name == MANIFEST:
        path = path.parent
    if "://" in target or path.is_dir():
        return path
    from pipeline.recipe import recipe_path

    try:
        recipe_path(target)
    except Refusal:
        raise Refusal(
            f"there is no artifact {target}, and no recipe of that name (`distill recipes` lists them)"
        ) from None
    return None


def show(found: Standing) -> None:
    """A few lines about one artifact."""
    about = f"{found.stage or 'artifact'} {found.artifact.folder.name}"
    OUT.print(f"[bold]{escape(plain(about))}[/bold]: {_coloured(found)}", soft_wrap=True)
    for line in lines(found):
        OUT.print(f"  {escape(plain(line))}", soft_wrap=True)
    OUT.print(f"  [dim]{escape(plain(found.artifact.place))}[/dim]", soft_wrap=True)


def lines(found: Standing) -> Iterator[str]:
    """What there is to tell of an artifact, a sentence a line."""
    if found.manifest is not None:
        yield from _finished(found)
    if found.state == "finished":
        return
    if (progress := progress_of(found)) is not None:
        yield progress
    yield from _parts(found)
    for note in found.running:
        alone = len(found.running) == 1 and found.seconds_left() is not None
        yield _at_work(note, brief=alone)
    for note in found.failed:
        yield f"failed {_when(note.beat)}{_shards(note)}: {note.failed}"
    for note in found.stopped:
        yield f"stopped about {_when(note.beat)}{_shards(note)} ({_who(note)})"
    if found.state in ("failed", "stopped", "unfinished"):
        yield f"nobody is at work; `distill {found.stage or 'STAGE'}` with its recipe goes on from here"


def progress_of(found: Standing) -> str | None:
    """How much is done, of how much, and how long the rest will take; None where nothing tells."""
    done, size = found.done(), found.size
    if done is None:
        return f"{len(found.complete):,} files stand" if found.complete else None
    whole = "" if size is None else f" of {'at most ' if found.stage in AT_MOST else ''}{size:,}"
    share = f" ({done / size:.0%})" if size and found.stage not in AT_MOST else ""
    left = found.seconds_left()
    rest = f", about {duration(left)} left" if left else ""
    return f"{done:,}{whole} {UNITS[found.stage]}{share}{rest}"


def _finished(found: Standing) -> Iterator[str]:
    made = found.manifest or {}
    if found.broken:
        yield (
            f"{len(found.broken):,} of {len(made['files']):,} files are missing or were changed,"
            f" {found.broken[0]} first; delete {MANIFEST} and run the stage again"
        )
        return
    seconds = made.get("seconds")
    took = f", made in {duration(seconds)}" if isinstance(seconds, int | float) else ""
    yield f"{made.get('summary', 'whole')} ({len(made['files']):,} files{took})"


def _parts(found: Standing) -> Iterator[str]:
    """The rounds of a bootstrap, the whole ones in one line."""
    if found.stage != "bootstrap":
        return
    if whole := found.rounds(done=True):
        yield f"done: {', '.join(whole)}"
    for name, parts in found.rounds(done=False).items():
        yield f"{name}: {', '.join(parts) or 'nothing'} done"


def _at_work(note: Note, brief: bool) -> str:
    """Who is at work since when, and at what; not the latter where it was told already."""
    told = [] if brief else [_work(note, at) for at in range(len(note.works))]
    doing = f": {'; '.join(told)}" if told else ""
    silent = time.time() - note.beat
    quiet = f", silent for {duration(silent)}" if silent > 30 else ""
    return f"running since {_when(note.started)} ({_who(note)}{quiet}){_shards(note)}{doing}"


def _work(note: Note, at: int) -> str:
    work = note.works[at]
    whole = "" if work["total"] is None else f" of {work['total']:,}"
    pace = pace_of(note) if at == len(note.works) - 1 else None
    left = (work["total"] - work["done"]) / pace if pace and work["total"] is not None else 0
    return f"{work['title']} {work['done']:,}{whole}{f', about {duration(left)} left' if left > 0 else ''}"


def _who(note: Note) -> str:
    return f"process {note.pid} on {note.host.split()[0] if note.host.split() else '?'}, recipe {note.recipe}"


def _shards(note: Note) -> str:
    return f", shards {note.shards}" if note.shards else ""


def _when(moment: float) -> str:
    """A time of day, with its date where that is another one."""
    try:
        then, now = time.localtime(moment), time.localtime()
    except (OverflowError, OSError, ValueError):
        return "at some time"
    return time.strftime("%H:%M" if then[:3] == now[:3] else "%Y-%m-%d %H:%M", then)


def _coloured(found: Standing) -> str:
    return f"[{COLOURS[found.state]}]{found.state}[/]"


def _recipe(source: str, overrides: Sequence[tuple[str, str]], artifacts: Path) -> None:
    """Every stage of a recipe and its variants, a line each, and more about what is neither done nor new."""
    from pipeline.recipe import load
    from pipeline.stage import Job, Options
    from pipeline.stages import STAGES

    recipe = load(source, overrides)
    options = Options(artifacts)
    seen: dict[Path, Standing] = {}
    rows = []
    for stage in STAGES:
        for name, each in ({recipe.name: recipe} if stage.joint else recipe.expanded()).items():
            if stage.name == "bootstrap" and each.bootstrap is None:
                continue
            artifact = Job(stage, each, options).artifact
            if artifact.folder not in seen:
                found = seen[artifact.folder] = standing(artifact.folder)
                rows.append((stage.name, _coloured(found), escape(plain(_brief(found, name)))))
    OUT.print(table(f"stages of {recipe.name}", ("stage", "state", ""), rows, left=3))
    for found in seen.values():
        if found.state not in ("finished", "not begun"):
            show(found)


def _brief(found: Standing, name: str) -> str:
    if found.state == "finished":
        return str((found.manifest or {}).get("summary", "done"))
    if found.state == "not begun":
        return f"of {name}"
    return progress_of(found) or found.artifact.folder.name
