"""The page: sections of findings put into the template, in one self-contained file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from generators.domain import LEVELS, VERDICTS
from pipeline.artifact import Json
from pipeline.page import plots, tables
from pipeline.page.examples import Example, examples
from pipeline.page.findings import Findings
from pipeline.page.numbers import duration, interval, kind_of, short, value
from pipeline.page.plots import Plot, Point
from pipeline.page.tables import Table
from pipeline.recipe import domain_fields
from pipeline.stages.evaluate import START, Entrant

TEMPLATES = Path(__file__).parent / "templates"
PANELS = 6
"""Histograms of trace lengths at most: the first round, the last, and some between."""


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
        domain=every[0].job.recipe.domain.name,
        problems=every[0].evaluation["problems"],
        made=made,
        style=style,
        sections=sections,
        comparison=tables.headline(every, [[each.final] for each in every]),
        compared=compared(every),
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
        outcomes=outcomes(findings),
        claim=claim(findings),
        round_plots=round_plots(findings),
        rounds=tables.rounds(findings) if findings.rounds else None,
        paired=tables.paired_lengths(findings),
        histograms=histograms(findings),
        losses=losses(findings),
        training=training(findings),
        metrics=[
            (subset, tables.counted(findings, subset), found)
            for subset in ("all", "unseen responses")
            if (found := tables.every_metric(findings, subset)).rows
        ],
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


def outcomes(findings: Findings) -> list[Plot]:
    """How answers and traces fare, a bar a checkpoint."""
    entrants = _some(findings.entrants, 10)
    note = "Greedy responses to the held-out problems."
    shares = {findings.label(each): _shares(findings, each, "verdict", VERDICTS) for each in entrants}
    made = [plots.shares("Answers", shares, note)]
    if findings.has_traces:
        levels = {findings.label(each): _shares(findings, each, "level", LEVELS) for each in entrants}
        made.append(plots.shares("Traces", levels, f"{note} Each level includes the ones before it."))
    return made


def round_plots(findings: Findings) -> list[Plot]:
    """A metric a picture, over the rounds of each arm."""
    if not findings.rounds:
        return []
    shown = (
        (
            "Optimal, greedy",
            "share",
            False,
            "Share of held-out problems answered optimally.",
            _metric("optimal", "greedy"),
        ),
        ("Optimal, mean of k", "share", False, "Share of sampled responses.", _metric("optimal", "mean of")),
        (
            "Trace length to the start",
            "ratio",
            True,
            "Paired, over problems solved optimally by all.",
            _to("to_start"),
        ),
        (
            "Trace length to the solver",
            "ratio",
            True,
            "Paired, to the mean of the solver's runs.",
            _to("to_reference"),
        ),
        ("ILR-on-optimal, greedy", "ratio", False, "Failures add 0.", _metric("ILR-on-optimal", "greedy")),
        (
            "Sound traces, greedy",
            "share",
            False,
            "Legal, and the answer follows.",
            _metric("trace-sound", "greedy"),
        ),
    )
    made = []
    for title, kind, one, caption, find in shown:
        points = {arm: _over_rounds(findings, arm, find) for arm in findings.arms}
        if any(points.values()):
            made.append(plots.over_rounds(title, {k: v for k, v in points.items() if v}, caption, kind, one))
    return made


def histograms(findings: Findings) -> list[Plot]:
    """Trace lengths a round: the solver's and each arm's on the same problems."""
    if not findings.has_traces:
        return []
    panels = []
    for number in _some(range(findings.last_round + 1), PANELS):
        entrants = [each for each in findings.entrants if each.round == number]
        panels.append((number, *_lengths(findings, entrants)))
    lengths = [series for _, solver, arms in panels for series in (solver, *arms.values()) if len(series)]
    if not lengths:
        return []
    together = np.concatenate(lengths)
    edges = np.linspace(max(together.min() - 1, 0), max(np.quantile(together, 0.995), together.min() + 1), 25)
    tallest = max(float(np.histogram(series, edges)[0].max()) for series in lengths)
    made = []
    for number, solver, arms in panels:
        title = (
            f"Round {number}" if number else "Before the bootstrap" if findings.rounds else "Model and solver"
        )
        means = ", ".join(f"{arm} {series.mean():.1f}" for arm, series in arms.items() if len(series))
        caption = (
            f"{len(solver):,} problems solved optimally. Mean words: solver {solver.mean():.1f}, {means}."
            if len(solver)
            else ""
        )
        made.append(plots.lengths(title, solver, arms, edges.tolist(), tallest, caption))
    return made


def losses(findings: Findings) -> list[Plot]:
    """The curves of the training and of the fine-tuning."""
    made = []
    curve = findings.curve
    if curve.train or curve.validation:
        made.append(plots.losses("Training", curve, "Cross-entropy on response tokens."))
    runs = {arm: findings.round_curves(arm) for arm in findings.arms}
    if any(each.train or each.validation for own in runs.values() for each in own):
        caption = "Validation loss on the solver's own traces; it may rise while a model learns shorter ones."
        made.append(plots.round_losses("Fine-tuning", runs, caption))
    return made


def compared(every: Sequence[Findings]) -> list[Plot]:
    """The variants' main metrics, one picture each."""
    if len(every) < 2:
        return []
    made = []
    for title, metric, rule in (
        ("Optimal, greedy", "optimal", "greedy"),
        ("Any optimal", "any-optimal-k", "any of"),
        ("Sound traces, greedy", "trace-sound", "greedy"),
    ):
        rows = {each.name: each.metric(each.final, metric, rule) for each in every}
        points = {name: Point(0, row["value"], row["low"], row["high"]) for name, row in rows.items() if row}
        if points:
            named = next(row["rule"] for row in rows.values() if row)
            made.append(plots.by_name(title, points, f"95% intervals; rule: {named}.", "share"))
    return made


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
                took=duration(manifest["seconds"]),
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


def _metric(name: str, rule: str) -> Any:
    return lambda findings, entrant: findings.metric(entrant, name, rule)


def _to(name: str) -> Any:
    return lambda findings, entrant: (findings.length(entrant) or {}).get(name)


def _over_rounds(findings: Findings, arm: str, find: Any) -> list[Point]:
    """The start and an arm's rounds, where they have a value."""
    made = []
    for entrant in findings.entrants:
        row = find(findings, entrant) if entrant.arm in (START, arm) else None
        if row is not None and row["value"] is not None:
            made.append(Point(entrant.round, row["value"], row["low"], row["high"]))
    return made if len(made) > 1 else []


def _shares(findings: Findings, entrant: Entrant, column: str, classes: Sequence[str]) -> dict[str, float]:
    found = findings.greedy(entrant)[column].drop_nulls()
    counts = dict(found.value_counts().iter_rows())
    return {name: counts.get(name, 0) / max(len(found), 1) for name in classes}


def _lengths(findings: Findings, entrants: Sequence[Entrant]) -> tuple[Any, dict[str, Any]]:
    """The solver's trace words and each arm's, over the problems that all of them solve optimally."""
    frames = {each.arm: findings.greedy(each).filter(verdict="optimal") for each in entrants}
    shared = set.intersection(*[set(frame["problem_id"]) for frame in frames.values()])
    kept = {arm: frame.filter(frame["problem_id"].is_in(list(shared))) for arm, frame in frames.items()}
    first = next(iter(kept.values()))
    return first["teacher_words"].to_numpy(), {
        arm: frame["trace_words"].to_numpy() for arm, frame in kept.items()
    }


def _some(items: Sequence[Any], most: int) -> list[Any]:
    """At most so many of them: the first, the last, and some at even distances between."""
    if len(items) <= most:
        return list(items)
    return [items[round(at * (len(items) - 1) / (most - 1))] for at in range(most)]


def _mfu(done: Json) -> str:
    return f", MFU {done['mfu']:.1%}" if done["mfu"] is not None else ""


def _plain(item: Any) -> Any:
    """Tuples as lists, which YAML can write safely."""
    if isinstance(item, dict):
        return {key: _plain(value_) for key, value_ in item.items()}
    return [_plain(each) for each in item] if isinstance(item, list | tuple) else item
