"""Which figures a page has: findings turned into the points and lengths that are plotted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from generators.domain import LEVELS, VERDICTS
from pipeline.final import START
from pipeline.intervals import Estimate
from pipeline.page import plots, tables
from pipeline.page.curves import Curve
from pipeline.page.difficulty import Difficulty
from pipeline.page.findings import Checkpoint, Findings
from pipeline.page.plots import Plot, Point

PANELS = 6
"""Histograms of trace lengths at most: the first round, the last, and some between."""


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
    if not findings.arms:
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
            f"Round {number}" if number else "Before the bootstrap" if findings.arms else "Model and solver"
        )
        means = ", ".join(f"{arm} {series.mean():.1f}" for arm, series in arms.items() if len(series))
        caption = (
            f"{len(solver):,} problems solved optimally. Mean words: solver {solver.mean():.1f}, {means}."
            if len(solver)
            else ""
        )
        made.append(plots.lengths(title, solver, arms, edges.tolist(), tallest, caption))
    return made


def training(curve: Curve) -> list[Plot]:
    """The losses of a training, and beside them its learning rates."""
    made = []
    if curve.train or curve.validation:
        made.append(plots.losses("Training", curve, "Cross-entropy on response tokens."))
    if curve.rates:
        made.append(plots.rates("Learning rate", curve.rates, "Of each optimizer, at the logged steps."))
    return made


def success(made: Difficulty) -> Plot:
    """Optimal greedy answers against a difficulty."""
    lines = {name: [_point(at, each) for at, each in enumerate(line)] for name, line in made.lines.items()}
    shown = {name: [each for each in line if each is not None] for name, line in lines.items()}
    caption = "95% intervals, clustered by split key."
    if made.missing:
        caption += f" {made.missing:,} problems have no value."
    return plots.success(f"Success against {made.name}", made.labels, shown, made.name, caption)


def _point(at: int, found: Estimate) -> Point | None:
    value = found["value"]
    return None if value is None else Point(at, value, found["low"], found["high"])


def losses(findings: Findings) -> list[Plot]:
    """The curves of the training and of the fine-tuning."""
    runs = {arm: findings.round_curves(arm) for arm in findings.arms} if findings.rounds else {}
    return [*training(findings.curve), *fine_tuning(runs)]


def fine_tuning(runs: Mapping[str, Sequence[Curve]]) -> list[Plot]:
    """The losses of each arm's rounds, one after the other."""
    if not any(each.train or each.validation for own in runs.values() for each in own):
        return []
    caption = "Validation loss on the solver's own traces; it may rise while a model learns shorter ones."
    return [plots.round_losses("Fine-tuning", runs, caption)]


def compared(every: Sequence[Findings]) -> list[Plot]:
    """The main metrics of several evaluations, one picture each."""
    heads = [(each, head) for each in every for head in each.heads]
    if len(every) < 2:
        return []
    made = []
    for title, metric, rule in (
        ("Optimal, greedy", "optimal", "greedy"),
        ("Any optimal", "any-optimal-k", "any of"),
        ("Sound traces, greedy", "trace-sound", "greedy"),
    ):
        rows = {tables.line_name(each, head, True): each.metric(head, metric, rule) for each, head in heads}
        points = {name: Point(0, row["value"], row["low"], row["high"]) for name, row in rows.items() if row}
        if points:
            named = next(row["rule"] for row in rows.values() if row)
            made.append(plots.by_name(title, points, f"95% intervals; rule: {named}.", "share"))
    return made


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


def _shares(findings: Findings, entrant: Checkpoint, column: str, classes: Sequence[str]) -> dict[str, float]:
    found = findings.greedy(entrant)[column].drop_nulls()
    counts = dict(found.value_counts().iter_rows())
    return {name: counts.get(name, 0) / max(len(found), 1) for name in classes}


def _lengths(findings: Findings, entrants: Sequence[Checkpoint]) -> tuple[Any, dict[str, Any]]:
    """The solver's trace words and each arm's, over the problems that all of them solve optimally."""
    names = {each: each.arm if findings.arms else findings.label(each) for each in entrants}
    frames = {name: findings.greedy(each).filter(verdict="optimal") for each, name in names.items()}
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
