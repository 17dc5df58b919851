"""`distill report ARTIFACT... --to PAGE`: a page about any finished artifacts, without a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.artifact import Artifact
from pipeline.console import OUT
from pipeline.errors import Refusal
from pipeline.files import write_text
from pipeline.lineage import finished, inputs
from pipeline.page.document import render
from pipeline.page.origin import Origin, about_of, named
from pipeline.page.sections import subject
from pipeline.provenance import provenance
from pipeline.recipe import Report


def write(artifacts: Sequence[Path], to: Path) -> None:
    """Write one page about all of the artifacts and print its path.

    Raises Refusal for what is no finished artifact or holds nothing, and for a page that cannot be written.
    """
    if not artifacts:
        raise Refusal("name the artifacts that the page is to be about: distill report ARTIFACT... --to PAGE")
    if to.is_dir():
        raise Refusal(f"--to {to} is a folder: name the page's file, as in --to {to / 'page.html'}")
    if to.parent.exists() and not to.parent.is_dir():
        raise Refusal(f"--to {to} cannot be written: {to.parent} is no folder")
    subjects = _subjects(artifacts)
    page = render(_title(subjects), _about(artifacts), subjects, to.parent, provenance(), Report())
    try:
        write_text(to, page, alone=True)
    except OSError as error:
        raise Refusal(f"--to {to} cannot be written: {error.strerror or error}") from None
    OUT.print(str(to.absolute()), soft_wrap=True, markup=False, highlight=False)


def _subjects(artifacts: Sequence[Path]) -> list[Origin]:
    """What the page is about, each artifact once; a report stands for its evaluations."""
    found: dict[Path, Artifact] = {}
    for folder in artifacts:
        for each in _meant(finished(folder)):
            found.setdefault(each.folder.resolve(), each)
    kept = list(found.values())
    return [subject(name, each) for name, each in zip(named(kept), kept, strict=True)]


def _meant(artifact: Artifact) -> Iterator[Artifact]:
    """The artifact itself, or the evaluations of a report."""
    if artifact.manifest["stage"] != "report":
        yield artifact
        return
    present = [each for each in inputs(artifact) if each is not None]
    if not present:
        raise Refusal(f"{artifact.folder}: the evaluations that it reports are no longer there")
    yield from (finished(each.folder) for each in present)


def _title(subjects: Sequence[Origin]) -> str:
    names = list(dict.fromkeys(about_of(each.artifact) for each in subjects))
    return ", ".join(names) if len(names) < 4 else f"{names[0]} and {len(names) - 1} more"


def _about(artifacts: Sequence[Path]) -> str:
    """What the recipe of a report says of itself, where the page is about that report alone."""
    first = finished(artifacts[0]).manifest
    alone = len(artifacts) == 1 and first["stage"] == "report"
    return str(first.get("settings", {}).get("about", "")) if alone else ""
