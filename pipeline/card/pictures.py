"""Pictures of a card: SVG files of the artifact, embedded in its Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from generators.domain import Domain
from pipeline.artifact import Artifact
from pipeline.card.markdown import fenced, image
from pipeline.files import write_text

FOLDER = "pictures"
LARGEST = 500_000
"""Bytes of a picture that a card shows."""
LINES = 80
"""Lines of a text that a card shows where there is no picture."""

STILL = {"script", "foreignObject", "iframe", "object", "embed", "animate", "set", "handler"}
"""Elements that a picture of a card does not have."""


@dataclass
class Pictures:
    """Writes pictures into an artifact and remembers which, so that those of an earlier card can go."""

    artifact: Artifact
    written: list[str] = field(default_factory=list)

    def add(self, name: str, svg: str, alt: str) -> str:
        """Publish a picture; gives the Markdown that shows it."""
        path = f"{FOLDER}/{name}.svg"
        self.artifact.publish(path, lambda place: write_text(place, svg))
        self.written.append(path)
        return image(alt, path)

    def row(self, name: str, domain: Domain, row: Mapping[str, Any], alt: str) -> str:
        """A row of a data set as its domain draws it; as text where the drawing is no picture to trust."""
        svg = domain.view(row, "svg")
        if len(svg) <= LARGEST and safe(svg):
            return self.add(name, svg, alt)
        lines = domain.view(row, "text").splitlines()
        more = [f"... and {len(lines) - LINES:,} lines more"] if len(lines) > LINES else []
        return fenced("\n".join([*lines[:LINES], *more]))

    def clear(self) -> None:
        """Remove the pictures of an earlier card that this one does not have."""
        found = (self.artifact.folder / FOLDER).glob("*.svg")
        names = [f"{FOLDER}/{path.name}" for path in found]
        self.artifact.discard(*[name for name in names if name not in self.written])


def safe(svg: str) -> bool:
    """Whether a text is an XML picture that runs nothing and fetches nothing."""
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError:
        return False
    return _local(root.tag) == "svg" and all(map(_harmless, root.iter()))


def _harmless(element: ElementTree.Element) -> bool:
    name = _local(element.tag)
    if name in STILL or (name == "style" and _fetches(element.text or "")):
        return False
    return all(_still(_local(name).lower(), value) for name, value in element.attrib.items())


def _still(name: str, value: str) -> bool:
    """Whether an attribute is no handler and leads to nothing outside of its picture."""
    inside = value.startswith("#") if name in ("href", "src") else not _fetches(value)
    return inside and not name.startswith("on")


def _fetches(style: str) -> bool:
    return "@import" in style or any(
        not part.lstrip("\"' ").startswith("#") for part in style.split("url(")[1:]
    )


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def alt_of(domain: Domain, row: Mapping[str, Any]) -> str:
    """What a picture of a row shows, for those who cannot see it."""
    words = row.get("trace_words")
    trace = f"a trace of {words:,} words" if words else "no trace"
    told = [f"{domain.name} problem {str(row['problem_id'])[:12]} with {trace}", f"verdict {row['verdict']}"]
    return ", ".join([*told, *([f"trace {row['level']}"] if row.get("level") else [])])


def titles(rows: Sequence[tuple[str, str, str]]) -> str:
    """Headed pictures below each other: a title, a sentence, and the picture's Markdown."""
    return "\n\n".join(f"### {title}\n\n{told}\n\n{shown}" for title, told, shown in rows)
