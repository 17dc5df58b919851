"""What paths and globs match: finished evaluations, those of sweeps too, here or in a store."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from pipeline.artifact import MANIFEST, Artifact
from pipeline.errors import Refusal, Unfinished
from pipeline.files import Json
from pipeline.folders import STAGES
from pipeline.manifest import is_inside
from pipeline.plain import from_json
from pipeline.store import located, store_of

MAGIC = "*?["
EVALUATE = "evaluate"


@dataclass
class Found:
    """Finished evaluations, each once, and what was left out."""

    evaluations: list[Artifact] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    others: int = 0
    """Matches that are no evaluations."""

    def take(self, folder: Path) -> None:
        """Sort one folder in."""
        artifact = Artifact(folder)
        try:
            stage, broken = artifact.manifest["stage"], artifact.broken()
        except Unfinished:
            stage, broken = None, []
        except (Refusal, LookupError, TypeError, AttributeError):  # no manifest of ours
            self.damaged.append(f"{artifact.place}/{MANIFEST}")
            return
        if stage is None and folder.absolute().parent.name == EVALUATE:
            self.unfinished.append(artifact.place)
        elif stage != EVALUATE:
            self.others += 1
        elif broken:
            self.damaged.append(f"{artifact.place}/{broken[0]}")
        else:
            self.evaluations.append(artifact)

    def remarks(self) -> Iterator[str]:
        """What was left out, a sentence each."""
        if self.unfinished:
            yield (
                f"{_count(self.unfinished, 'evaluation')} not finished and left out: {self.unfinished[0]}"
                + (" and others" if len(self.unfinished) > 1 else "")
            )
        if self.damaged:
            yield (
                f"{_count(self.damaged, 'evaluation')} damaged and left out (files are missing or were"
                f" changed): {self.damaged[0]}"
            )

    def why_none(self) -> str:
        """Why there is nothing to show."""
        parts = [*self.remarks()]
        if self.others:
            parts.append(f"{self.others} matches are no evaluations (artifacts/evaluate/... are)")
        return "; ".join(parts)


def found(patterns: Sequence[str]) -> Found:
    """The evaluations behind paths, globs, sweeps and folders of evaluations; raises Refusal for no match."""
    made = Found()
    folders: dict[Path, None] = {}
    for pattern in patterns:
        matches = _matches(pattern)
        if not matches:
            raise Refusal(f"nothing matches {pattern}")
        for match in matches:
            folders |= dict.fromkeys(_folders(match))
    for folder in folders:
        made.take(folder)
    if not made.evaluations:
        raise Refusal(f"there is no finished evaluation among the matches: {made.why_none()}")
    return made


def _matches(pattern: str) -> list[Path]:
    """The paths that a pattern stands for; of a URL their places in the mirror."""
    if "://" in pattern:
        return _stored(pattern)
    if Path(pattern).exists():
        return [Path(pattern)]
    return [Path(each) for each in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207  # of any root


def _stored(url: str) -> list[Path]:
    """What a URL or a pattern of one matches, by one listing of what stands below its fixed part."""
    scheme, _, rest = url.rstrip("/").partition("://")
    parts = rest.split("/")
    fixed = next((at for at, part in enumerate(parts) if set(part) & set(MAGIC)), len(parts))
    base = located(f"{scheme}://{'/'.join(parts[:fixed])}")
    store = store_of(base / "any")
    if store is None:
        return []
    if fixed == len(parts):
        return [base] if store.sizes(base) or store.text(base) is not None else []
    wanted = parts[fixed:]
    tops = {tuple(name.split("/")[: len(wanted)]) for name in store.sizes(base)}
    return [
        base.joinpath(*top)
        for top in sorted(tops)
        if len(top) == len(wanted) and all(map(fnmatchcase, top, wanted))
    ]


def _folders(path: Path) -> Iterator[Path]:
    """The artifacts behind one match: itself, the runs of a sweep, or what stands in a folder of them."""
    if path.suffix == ".json":
        yield from _of_file(path)
        return
    inside = _inside(path)
    if MANIFEST in inside or path.absolute().parent.name in STAGES:
        yield path
    elif path.name == EVALUATE:
        yield from (path / name for name in inside)
    elif EVALUATE in inside:
        yield from (path / EVALUATE / name for name in _inside(path / EVALUATE))
    else:
        yield path


def _of_file(path: Path) -> Iterable[Path]:
    if path.name == MANIFEST:
        return [path.parent]
    return [path.parent.parent / run["artifact"] for run in sweep(path)["runs"]]


def sweep(path: Path) -> Json:
    """The content of a sweep's file; raises Refusal for another one."""
    store = store_of(path)
    try:
        text = path.read_text() if store is None else store.text(path) or ""
        content: Json = from_json(text)
        for run in content["runs"]:
            if not is_inside(run["artifact"]) or not isinstance(run["settings"], dict):
                raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refusal(f"{path} is no file of a sweep: it lists no runs") from None
    return content


def _inside(folder: Path) -> list[str]:
    store = store_of(folder)
    if store is not None:
        return sorted({name.split("/")[0] for name in store.sizes(folder)})
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def _count(places: list[str], noun: str) -> str:
    return f"1 {noun} is" if len(places) == 1 else f"{len(places)} {noun}s are"
