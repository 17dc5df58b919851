"""The plots of a page: what is drawn, from points and lengths to shares and bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from pipeline.page.canvas import (
    COUNT,
    HIGH,
    LINES,
    MARKS,
    PALETTE,
    PERCENT,
    Look,
    canvas_of,
    clipped,
    legend,
    look_of,
    names_down,
)
from pipeline.page.curves import Curve

EDGE: Look = {"edgecolor": PALETTE["muted"], "linewidth": 0.8}
"""Of areas that are too light to stand out from the page by themselves."""


@dataclass(frozen=True)
class Plot:
    """A picture with its title and the sentence below it."""

    title: str
    svg: Markup
    caption: str = ""


@dataclass(frozen=True)
class Point:
    """A value, at a round, with its interval where there is one."""

    at: float
    value: float
    low: float | None = None
    high: float | None = None


def losses(title: str, curve: Curve, caption: str) -> Plot:
    """Training and validation loss over the steps."""
    with canvas_of(title) as canvas:
        axes = canvas.axes
        if curve.train:
            look: Look = {"color": PALETTE["muted"], "linewidth": 1.1, "label": "training"}
            axes.plot(*zip(*smoothed(curve.train), strict=True), **look, **_alone(curve.train))
        if curve.validation:
            look = {"color": PALETTE["model"], "marker": "o", "markersize": 3.5, "label": "validation"}
            axes.plot(*zip(*curve.validation, strict=True), **look)
        _loss_axes(axes, [loss for _, loss in (*curve.train, *curve.validation)])
        legend(axes)
    return Plot(title, canvas.svg, caption)


def rates(title: str, found: Mapping[str, Sequence[tuple[float, float]]], caption: str) -> Plot:
    """The learning rate of each optimizer over the steps."""
    with canvas_of(title) as canvas:
        axes = canvas.axes
        for at, (name, points) in enumerate(found.items()):
            look: Look = {"color": PALETTE[LINES[at % 4]], "linestyle": ("-", "--", ":", "-.")[at % 4]}
            axes.plot(*zip(*_thinned(points), strict=True), label=name, **look, **_alone(points))
        _step_axis(axes)
        axes.set_ylabel("learning rate")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:g}"))
        legend(axes)
    return Plot(title, canvas.svg, caption)


def round_losses(title: str, runs: Mapping[str, Sequence[Curve]], caption: str) -> Plot:
    """Validation loss of each arm over its rounds, one after the other; a thin line ends each round."""
    with canvas_of(title) as canvas:
        axes = canvas.axes
        seen: list[float] = []
        for arm, curves in runs.items():
            points: list[tuple[float, float]] = []
            begin = 0.0
            for curve in curves:
                points += [(begin + step, loss) for step, loss in curve.validation or curve.train]
                begin += max((step for step, _ in (*curve.train, *curve.validation)), default=0.0)
                axes.axvline(begin, color=PALETTE["grid"], linewidth=0.8)
            if points:
                mark, line = MARKS[arm]
                look: Look = {"marker": mark, "markersize": 3, "linestyle": line, "linewidth": 1.2}
                axes.plot(*zip(*points, strict=True), color=PALETTE[arm], label=arm, **look)
                seen += [loss for _, loss in points]
        _loss_axes(axes, seen)
        legend(axes)
    return Plot(title, canvas.svg, caption)


def over_rounds(title: str, arms: Mapping[str, Sequence[Point]], caption: str, kind: str, one: bool) -> Plot:
    """A metric of each arm over the rounds with its intervals; `one` marks where nothing has changed."""
    with canvas_of(title) as canvas:
        axes = canvas.axes
        if one:
            axes.axhline(1.0, color=PALETTE["muted"], linewidth=0.8)
        for at, (arm, points) in enumerate(arms.items()):
            aside = (at - (len(arms) - 1) / 2) * 0.08  # so that intervals of one round do not hide each other
            mark, line = MARKS[arm]
            axes.errorbar(
                [point.at + aside * (point.at > 0) for point in points],
                [point.value for point in points],
                yerr=_errors(points),
                color=PALETTE[arm],
                marker=mark,
                linestyle=line,
                elinewidth=1,
                capsize=2.5,
                label=arm,
            )
        last = max((point.at for points in arms.values() for point in points), default=1)
        axes.set_xlim(-0.3, last + 0.3)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        axes.set_xlabel("round")
        axes.xaxis.grid(False)
        _value_axis(axes.yaxis, kind)
        legend(axes)
    return Plot(title, canvas.svg, caption)


def by_name(title: str, points: Mapping[str, Point], caption: str, kind: str) -> Plot:
    """A value with its interval for each name, one below the other."""
    with canvas_of(title, high=0.9 + 0.36 * len(points)) as canvas:
        axes = canvas.axes
        for at, point in enumerate(points.values()):
            if point.low is not None and point.high is not None:
                axes.plot([point.low, point.high], [at, at], color=PALETTE["model"], linewidth=1.4)
                axes.plot([point.low, point.high], [at, at], "|", color=PALETTE["model"], markersize=7)
            axes.plot([point.value], [at], "o", color=PALETTE["model"], markersize=6)
        names_down(axes, list(points))
        _value_axis(axes.xaxis, kind)
    return Plot(title, canvas.svg, caption)


def success(
    title: str, labels: Sequence[str], lines: Mapping[str, Sequence[Point]], axis: str, caption: str
) -> Plot:
    """A share with its interval in each bin, a line a name; bins without problems have no point."""
    slanted = sum(map(len, labels)) > 44
    with canvas_of(title, high=HIGH + 0.5 * slanted) as canvas:
        axes = canvas.axes
        for at, (name, points) in enumerate(lines.items()):
            aside = (at - (len(lines) - 1) / 2) * 0.12  # so that intervals of one bin do not hide each other
            colour, mark, line = look_of(name, at)
            look: Look = {"color": colour, "marker": mark, "linestyle": line, "elinewidth": 1, "capsize": 2.5}
            places = [point.at + aside for point in points]
            axes.errorbar(
                places, [point.value for point in points], yerr=_errors(points), label=clipped(name), **look
            )
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlim(-0.5, len(labels) - 0.5)
        turned: Look = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if slanted else {}
        axes.set_xticks(range(len(labels)), [clipped(label) for label in labels], **turned)
        axes.set_xlabel(axis)
        axes.set_ylabel("optimal, greedy")
        axes.xaxis.grid(False)
        axes.yaxis.set_major_formatter(PERCENT)
        legend(axes)
    return Plot(title, canvas.svg, caption)


def departures(title: str, parts: Mapping[str, Sequence[float]], caption: str) -> Plot:
    """The share of traces that first go wrong in each tenth, and at the answer; areas, then lines."""
    with canvas_of(title) as canvas:
        axes = canvas.axes
        for at, (name, found) in enumerate(parts.items()):
            places = np.arange(len(found)) + 0.5
            places[-1] += 0.5  # the answer stands apart from the trace
            if at == 0:
                bars: Look = {
                    "width": 0.86,
                    "facecolor": PALETTE["model"],
                    "linewidth": 0,
                    "label": clipped(name),
                }
                axes.bar(places, found, **bars)
            else:
                mark: Look = {
                    "marker": "D",
                    "markerfacecolor": "none",
                    "markersize": 4.5,
                    "label": clipped(name),
                }
                axes.plot(places, found, color=PALETTE["ink"], linestyle="none", **mark)
        count = len(next(iter(parts.values()))) - 1
        axes.set_xticks([0, count / 2, count, count + 1], ["begin", "half", "end", "at the\nanswer"])
        axes.set_xlim(0, count + 1.6)
        axes.set_xlabel("place of the first departure in the trace")
        axes.set_ylabel("share of traces")
        axes.xaxis.grid(False)
        axes.yaxis.set_major_formatter(PERCENT)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
        legend(axes)
    return Plot(title, canvas.svg, caption)


def counts(
    title: str, edges: Sequence[float], found: Mapping[str, Sequence[float]], axis: str, caption: str
) -> Plot:
    """Histograms over the same edges as areas and lines: how many rows have which length."""
    with canvas_of(title) as canvas:
        axes = canvas.axes
        for at, (name, tall) in enumerate(found.items()):
            colour = PALETTE["fill"] if at == 0 else look_of(name, at)[0]
            side: Look = {"facecolor": colour, **EDGE} if at == 0 else {"edgecolor": colour, "linewidth": 1.5}
            axes.stairs(tall, edges, fill=at == 0, label=name, **side)
        axes.set_ylim(bottom=0)
        axes.set_xlim(edges[0], edges[-1])
        axes.set_xlabel(axis)
        axes.set_ylabel("rows")
        axes.xaxis.grid(False)
        axes.xaxis.set_major_formatter(COUNT)
        axes.yaxis.set_major_formatter(COUNT)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        if len(found) > 1:
            legend(axes)
    return Plot(title, canvas.svg, caption)


def bars(title: str, found: Mapping[str, float], axis: str, caption: str) -> Plot:
    """How many rows have which value, one bar below the other."""
    with canvas_of(title, high=0.9 + 0.27 * max(len(found), 2)) as canvas:
        axes = canvas.axes
        look: Look = {"height": 0.66, "facecolor": PALETTE["fill"], **EDGE}
        axes.barh(range(len(found)), list(found.values()), **look)
        names_down(axes, list(found))
        axes.set_xlabel(axis)
        axes.xaxis.set_major_formatter(COUNT)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    return Plot(title, canvas.svg, caption)


def shares(title: str, rows: Mapping[str, Mapping[str, float]], caption: str) -> Plot:
    """What part of the responses falls into each of four classes, a bar a name; classes stand worst first."""
    tones = [PALETTE[name] for name in ("worst", "poor", "fair", "best")]
    with canvas_of(title, high=1.2 + 0.3 * len(rows)) as canvas:
        axes = canvas.axes
        begin = np.zeros(len(rows))
        for name, tone in zip(next(iter(rows.values())), tones, strict=True):
            widths = np.array([row[name] for row in rows.values()])
            look: Look = {"height": 0.62, "facecolor": tone, **EDGE}
            # A class that nothing falls into has no edge either.
            drawn = np.where(widths > 0, widths, np.nan)
            axes.barh(range(len(rows)), drawn, left=begin, label=name, **look)
            begin += widths
        names_down(axes, list(rows))
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(PERCENT)
        legend(axes, columns=4, wide=True)
    return Plot(title, canvas.svg, caption)


def lengths(
    title: str,
    solver: NDArray[Any],
    arms: Mapping[str, NDArray[Any]],
    edges: Sequence[float],
    tallest: float,
    caption: str,
) -> Plot:
    """Histograms of trace lengths: the solver's as an area, the arms' as lines, over the same problems."""
    with canvas_of(title) as canvas:
        axes = canvas.axes
        axes.hist(solver, edges, histtype="stepfilled", facecolor=PALETTE["fill"], label="solver", **EDGE)
        for at, (arm, found) in enumerate(arms.items()):
            colour, _, line = look_of(arm, at)
            look: Look = {"histtype": "step", "linewidth": 1.6, "linestyle": line}
            axes.hist(found, edges, edgecolor=colour, label=clipped(arm), **look)
        axes.set_ylim(0, tallest * 1.08)
        axes.set_xlim(edges[0], edges[-1])
        axes.set_xlabel("trace words")
        axes.set_ylabel("problems")
        axes.xaxis.grid(False)
        axes.xaxis.set_major_formatter(COUNT)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        legend(axes, columns=4)
    return Plot(title, canvas.svg, caption)


def smoothed(points: Sequence[tuple[float, float]], most: int = 200) -> list[tuple[float, float]]:
    """Means over equal groups of neighbours where there are more than `most` points."""
    if len(points) <= most:
        return list(points)
    cuts = np.linspace(0, len(points), most + 1).astype(int)
    means = [np.mean(points[begin:end], axis=0) for begin, end in pairwise(cuts)]
    return [(float(step), float(loss)) for step, loss in means]


def _thinned(points: Sequence[tuple[float, float]], most: int = 300) -> list[tuple[float, float]]:
    """Some of the points where there are more than `most`: the corners of a schedule stay where they are."""
    if len(points) <= most:
        return list(points)
    places = np.linspace(0, len(points) - 1, most).round().astype(int)
    return [points[at] for at in places]


def _alone(points: Sequence[tuple[float, float]]) -> Look:
    """The marker of a line of one point, which would not be seen."""
    return {"marker": "o", "markersize": 3.5} if len(points) == 1 else {}


def _step_axis(axes: Axes) -> None:
    """Steps of a training, whole numbers however few they are."""
    axes.set_xlabel("step")
    axes.xaxis.grid(False)
    axes.xaxis.set_major_formatter(COUNT)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=9, steps=[1, 2, 2.5, 5, 10]))


def _loss_axes(axes: Axes, seen: Sequence[float]) -> None:
    """Steps and losses; a logarithmic scale where the losses span more than a factor of four."""
    _step_axis(axes)
    axes.set_ylabel("loss (nats a token)")
    if not seen or min(seen) <= 0 or max(seen) <= 4 * min(seen):
        return
    axes.set_yscale("log")
    narrow = max(seen) < 30 * min(seen)  # too few powers of ten to read by: 2 and 5 have labels too
    axes.yaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:g}"))
    axes.yaxis.set_minor_formatter(
        FuncFormatter(lambda number, _: f"{number:g}" if narrow and f"{number:e}"[0] in "25" else "")
    )


def _value_axis(axis: Any, kind: str) -> None:
    if kind == "share":
        axis.set_major_formatter(PERCENT)
    axis.set_major_locator(MaxNLocator(nbins=6))


def _errors(points: Sequence[Point]) -> NDArray[np.float64]:
    low = [0.0 if point.low is None else max(point.value - point.low, 0.0) for point in points]
    high = [0.0 if point.high is None else max(point.high - point.value, 0.0) for point in points]
    return np.array([low, high])
