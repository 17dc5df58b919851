"""The page: sections about artifacts put into the template, in one self-contained file."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.files import Json
from pipeline.page import gallery, tables, traces
from pipeline.page.differences import differences
from pipeline.page.examples import Allowance
from pipeline.page.findings import Findings
from pipeline.page.fitting import fitted, shares
from pipeline.page.origin import Origin
from pipeline.page.parts import Block, Cell, Gallery, Table, Text
from pipeline.page.sections import evaluations, section
from pipeline.recipe import Report

TEMPLATES = Path(__file__).parent / "templates"
TABS = Path(__file__).parent / "player" / "tabs.js"

PLAYED = ("generate", "curate", "bootstrap", "evaluate")
"""The stages whose artifacts hold traces."""

COMPARED = (
    "The last checkpoint of each evaluation on its held-out problems; each rate with its rule and its 95%"
    " interval, clustered by split key."
)


def render(
    title: str, about: str, subjects: Sequence[Origin], folder: Path, made: Json, asked: Report
) -> str:
    """The whole page; `folder` is where it will stand, so that links to artifacts are relative."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    played = [(each.name, each.artifact) for each in subjects if each.stage in PLAYED]
    part = traces.section(played, asked.rollouts, asked.playable)
    pictures, figures = shares(len(part.html) + len(part.style))
    room = Allowance(pictures)
    parts = [section(each, f"r{at}", folder, asked.examples, room) for at, each in enumerate(subjects)]
    tabs = TABS.read_text("utf-8").replace("\r\n", "\n")  # as a browser reads it
    return environment.get_template("report.html.j2").render(
        title=title,
        about=about,
        facts=_facts(subjects, made),
        commit=made["commit"],
        style=Markup((TEMPLATES / "report.css").read_text()),
        comparison=comparison(subjects),
        sections=list(fitted(parts, figures)),
        traces=part,
        tabs=Markup(tabs),
        policy=f"{_hash(tabs)} {part.policy}" if part.html else "'none'",
    )


def _facts(subjects: Sequence[Origin], made: Json) -> list[str]:
    """The line below the title."""
    judged = evaluations(subjects)
    domains = dict.fromkeys(each.domain.name for each in subjects)
    told = [", ".join(domains)]
    if judged:
        told.append(tables.problems(judged))
    return [*told, f"made {made['made'][:10]}"]


def comparison(subjects: Sequence[Origin]) -> Block | None:
    """Several artifacts side by side: evaluations by their metrics, others by what came out."""
    if len(subjects) < 2:
        return None
    judged = evaluations(subjects)
    items: list[Text | Table | Gallery] = []
    if len(judged) > 1:
        items += [Text(COMPARED, "caption"), _metrics(judged), Gallery(gallery.compared(judged))]
    if len(judged) < len(subjects):
        items.append(_overview(subjects))
    return Block("comparison", "Comparison", items).filled


def _metrics(judged: Sequence[Findings]) -> Table:
    return tables.headline(judged, [each.heads for each in judged])


def _overview(subjects: Sequence[Origin]) -> Table:
    """A row an artifact; what sets those of one stage apart stands below their names."""
    changed: dict[int, str] = {}
    for stage in dict.fromkeys(each.stage for each in subjects):
        own = [each for each in subjects if each.stage == stage]
        changed |= dict(zip(map(id, own), differences(own), strict=True)) if len(own) > 1 else {}
    rows = [
        [
            Cell(each.name, changed.get(id(each), ""), strong=True),
            Cell(each.stage),
            Cell(str(each.artifact.manifest.get("summary", ""))),
        ]
        for each in subjects
    ]
    return Table(["artifact", "stage", "what came out"], rows, left=3, caption="artifacts", look="full")


def _hash(script: str) -> str:
    """What a Content-Security-Policy calls an inline script."""
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"
