"""The page: sections of findings put into the template, in one self-contained file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.artifact import Json
from pipeline.page import gallery, tables
from pipeline.page.examples import Example, examples
from pipeline.page.findings import Findings
from pipeline.page.numbers import duration, interval, kind_of, short, value
from pipeline.page.plots import Plot
from pipeline.page.tables import Table
from pipeline.recipe import domain_fields

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Tile:
    """A key figure."""

    name: str
    value: str
    interval: str = ""
    note: str = ""


@dataclass(frozen=True)
class Step:
    """A stage that led to the results."""

    stage: str
    fingerprint: str
    link: str
    summary: str
    made: str
    took: str
    commit: str


@dataclass(frozen=True)
class Section:
    """All that the page says of one recipe."""

    anchor: str
    name: str
    about: str
    tiles: Sequence[Tile]
    headline: Table
    outcomes: Sequence[Plot]
    claim: str
    round_plots: Sequence[Plot]
    rounds: Table | None
    paired: Table
    histograms: Sequence[Plot]
    losses: Sequence[Plot]
    training: Table
    metrics: Sequence[tuple[str, str, Table]]
    further: Sequence[tuple[str, Table]]
    examples: Sequence[Example]
    failures: Sequence[tuple[str, Table]]
    data: Table
    baselines: Table
    steps: Sequence[Step]
    settings: str
    provenance: Table


def render(name: str, about: str, every: Sequence[Findings], folder: Path, made: Json, count: int) -> str:
    """The whole page; `folder` is where it will stand, so that links to artifacts are relative."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = Markup((TEMPLATES / "report.css").read_text())
    sections = [section(each, at, folder, count) for at, each in enumerate(every)]
    return environment.get_template("report.html.j2").render(
        name=name,
        about=about,
        domain=", ".join(dict.fromkeys(each.job.recipe.domain.name for each in every)),
        problems=tables.problems(every),
        made=made,
        style=style,
        sections=sections,
        comparison=tables.headline(every, [[each.final] for each in every]),
        compared=gallery.compared(every),
        several=len(every) > 1,
    )


def section(findings: Findings, at: int, folder: Path, count: int) -> Section:
    """Everything about one recipe, figures drawn."""
    return Section(
        anchor=f"r{at}",
        name=findings.name,
        about=findings.job.recipe.about,
        tiles=tiles(findings),
        headline=tables.headline([findings], [findings.entrants]),
        outcomes=gallery.outcomes(findings),
        claim=claim(findings),
        round_plots=gallery.round_plots(findings),
        rounds=tables.rounds(findings) if findings.rounds else None,
        paired=tables.paired_lengths(findings),
        histograms=gallery.histograms(findings),
        losses=gallery.losses(findings),
        training=training(findings),
        metrics=[
            (subset, tables.counted(findings, subset), found)
            for subset in ("all", "unseen responses")
            if (found := tables.every_metric(findings, subset)).rows
        ],
        further=tables.further(findings),
        examples=examples(findings, count),
        failures=[
            (title, found)
            for title, column in (
                ("Answers fail because", "answer_reason"),
                ("Traces depart because", "departure_reason"),
            )
            if (found := tables.reasons(findings, column)).rows
        ],
        data=data(findings),
        baselines=tables.baselines(findings),
        steps=steps(findings, folder),
        settings=settings(findings),
        provenance=provenance(findings),
    )


def tiles(findings: Findings) -> list[Tile]:
    """The figures at the top."""
    final, start = findings.final, findings.entrants[0]
    made = []
    for title, metric, rule in (
        ("optimal, greedy", "optimal", "greedy"),
        ("optimal, any of k", "any-optimal-k", "any of"),
        ("sound traces, greedy", "trace-sound", "greedy"),
    ):
        row = findings.metric(final, metric, rule)
        if row is not None:
            kind = kind_of(row)
            before = findings.metric(start, metric, rule) if final is not start else None
            note = (
                f"{value(before['value'], kind)} before the bootstrap" if before else f"{row['n']:,} problems"
            )
            title = title.replace("any of k", row["rule"])
            made.append(Tile(title, value(row["value"], kind), interval(row["low"], row["high"], kind), note))
    length = findings.length(final)
    if length is not None and length["to_reference"]["value"] is not None:
        found = length["to_reference"]
        made.append(
            Tile(
                "trace length to the solver's",
                value(found["value"], "ratio"),
                interval(found["low"], found["high"], "ratio"),
                f"paired, {found['n']:,} problems",
            )
        )
    trained = findings.manifest("train")["training"]
    note = f"{trained['steps']:,} steps in {duration(trained['seconds'])} on {trained['device']}"
    return [*made, Tile("parameters", short(trained["parameters"]), "", note)]


def claim(findings: Findings) -> str:
    """What the arms of the bootstrap show, in one sentence that says no more than its interval."""
    number = findings.last_round
    ratio = findings.against_teacher(number)
    if ratio is None or ratio["low"] is None:
        return ""
    numbers = (
        f"{ratio['value']:.3f} of the teacher arm's length (95% {ratio['low']:.3f} to {ratio['high']:.3f})"
    )
    if ratio["high"] < 1:
        verdict = (
            "The model arm beats the teacher arm: its gain is more than picking the shortest of k runs gives."
        )
    elif ratio["low"] > 1:
        verdict = "The teacher arm beats the model arm: picking the shortest of k teacher runs gives more."
    else:
        verdict = "The interval holds 1: at this size the model arm does not beat the teacher arm."
    return (
        f"After round {number} the model arm's greedy traces have {numbers} over the {ratio['n']:,} problems"
        f" that both solve optimally. {verdict}"
    )


def training(findings: Findings) -> Table:
    """What was trained, and how fast."""
    done, model = findings.manifest("train")["training"], findings.job.recipe.model
    encoded = findings.manifest("encode")
    shape = f"{model.layers} layers, width {model.width}, {model.heads} heads, {model.kv_heads} KV heads"
    pairs = [
        ("model", f"{done['parameters']:,} parameters: {shape}"),
        ("notation", f"{encoded['notation']}, {encoded['vocabulary']:,} words, context {model.context:,}"),
        ("optimizer", str(findings.job.recipe.fit.optimizer)),
        ("steps", f"{done['steps']:,}, {done['tokens']:,} tokens, {done['epochs']:.2f} epochs"),
        (
            "speed",
            f"{done['tokens_per_second']:,.0f} tokens/s{_mfu(done)}, {1 - done['real_share']:.0%} padding",
        ),
        ("device", f"{done['device']}, {done['precision']}, attention {done['attention']}"),
    ]
    if done["best_validation_loss"] is not None:
        pairs.insert(
            4,
            ("validation loss", f"{done['best_validation_loss']:.4f} at best, at step {done['best_step']:,}"),
        )
    return tables.facts(pairs)


def data(findings: Findings) -> Table:
    """Where the rows went."""
    curated, encoded = findings.manifest("curate"), findings.manifest("encode")
    made = findings.manifest("generate")
    pairs = [("generated", f"{made['rows']:,} rows, {made['words']:,} words, {made['shards']} shards")]
    pairs += [(split, f"{rows:,} rows") for split, rows in curated["rows"].items()]
    pairs += [(f"left out: {reason}", f"{rows:,} rows") for reason, rows in curated["rejected"].items()]
    pairs += [
        ("too long for the context", f"{encoded['refused']:,} rows"),
        ("problems in two splits", f"{curated['problem_overlap']:,}"),
        ("test responses that stand in training", f"{curated['response_overlap']:.2%}"),
        ("tokens", f"{encoded['tokens']:,}; longest row {encoded['longest']:,}"),
    ]
    return tables.facts(pairs)


def steps(findings: Findings, folder: Path) -> list[Step]:
    """The chain of artifacts, from the seeds on."""
    made = []
    for stage, job in findings.lineage.items():
        manifest = job.artifact.manifest
        origin = manifest["provenance"]
        made.append(
            Step(
                stage=stage,
                fingerprint=manifest["fingerprint"],
                link=Path(os.path.relpath(job.artifact.folder, folder)).as_posix(),
                summary=manifest["summary"],
                made=origin["made"].replace("T", " ").replace("+00:00", " UTC"),
                took=duration(manifest["seconds"]) if manifest["seconds"] is not None else "",
                commit=origin["commit"] or "",
            )
        )
    return made


def settings(findings: Findings) -> str:
    """The recipe as YAML, every field."""
    recipe = findings.job.recipe
    tree = {name: item for name, item in vars(recipe).items() if name not in ("domain", "variants")}
    plain = {
        name: asdict(item) if hasattr(item, "__dataclass_fields__") else item for name, item in tree.items()
    }
    return yaml.safe_dump(
        _plain({**plain, "domain": domain_fields(recipe.domain)}), sort_keys=False, allow_unicode=True
    )


def provenance(findings: Findings) -> Table:
    """Machine and versions of the evaluation."""
    origin = findings.evaluation["provenance"]
    libraries = ", ".join(f"{name} {version}" for name, version in origin["libraries"].items())
    return tables.facts(
        [
            ("seed", str(findings.job.recipe.seed)),
            ("commit", origin["commit"] or "none"),
            ("machine", origin["machine"]),
            ("Python", origin["python"]),
            ("libraries", libraries),
        ]
    )


def _mfu(done: Json) -> str:
    return f", MFU {done['mfu']:.1%}" if done["mfu"] is not None else ""


def _plain(item: Any) -> Any:
    """Tuples as lists, which YAML can write safely."""
    if isinstance(item, dict):
        return {key: _plain(value_) for key, value_ in item.items()}
    return [_plain(each) for each in item] if isinstance(item, list | tuple) else item
