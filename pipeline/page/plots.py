"""Plots as small SVG pictures whose colours are the page's CSS variables: they suit light and dark."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Any

import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from pipeline.page.curves import Curve
from pipeline.page.numbers import short

WIDE, HIGH = 4.6, 2.9
"""Inches of a plot: it stands at its own size on a phone, two or three abreast on a desk."""

PALETTE = {
    "ink": "#010101",
    "muted": "#020202",
    "grid": "#030303",
    "fill": "#040404",
    "model": "#050505",
    "teacher": "#060606",
    "unchanged": "#070707",
    "start": "#080808",
    "worst": "#090909",
    "poor": "#0a0a0a",
    "fair": "#0b0b0b",
    "best": "#0c0c0c",
}
"""Colours that stand for CSS variables until the SVG is written; a plot uses no others."""

CLEARED = (
    (r"<metadata>.*?</metadata>", ""),
    (r"<!--.*?-->", ""),
    (
        r"<defs>\s*<style.*?</style>\s*</defs>",
        "",
    ),  # it would hold for the whole page; report.css says the same
    (r'<g id="[^"]*"', "<g"),  # no one refers to these, and two pictures would share them
    (r"font-family: [^;\"]*;? ?", ""),  # the page's own
    (r' transform="rotate\(-0 [^"]*"', ""),
    (r"(\d+\.\d\d)\d+", r"\1"),
    (r"\s*\n\s*", "\n"),
    (r" ?\n?([LMCQ]) (?=[\d-])", r"\1"),
    (r"\s*z\s*\"", 'z"'),
    (r"<g>\s*</g>|<g/>", ""),
)
"""What matplotlib writes and a page does not need."""

MARKS = {"model": ("o", "-"), "teacher": ("s", "--"), "unchanged": ("^", ":"), "start": ("D", "-")}
"""Marker and line of each arm, so that none is told by its colour alone."""

STYLE: Any = {  # matplotlib types every key by itself
    "svg.fonttype": "none",
    "font.size": 9,
    "text.color": PALETTE["ink"],
    "axes.edgecolor": PALETTE["grid"],
    "axes.labelcolor": PALETTE["muted"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.linewidth": 0.8,
    "grid.color": PALETTE["grid"],
    "grid.linewidth": 0.6,
    "xtick.color": PALETTE["grid"],
    "ytick.color": PALETTE["grid"],
    "xtick.labelcolor": PALETTE["muted"],
    "ytick.labelcolor": PALETTE["muted"],
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
}

PERCENT = FuncFormatter(lambda number, _: f"{number * 100:g}%")
COUNT = FuncFormatter(lambda number, _: short(number))

Look = dict[str, Any]
"""Keyword arguments of matplotlib."""


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
    with _canvas(title) as canvas:
        axes = canvas.axes
        if curve.train:
            look: Look = {"color": PALETTE["muted"], "linewidth": 1.1, "label": "training"}
            axes.plot(*zip(*smoothed(curve.train), strict=True), **look)
        if curve.validation:
            look = {"color": PALETTE["model"], "marker": "o", "markersize": 3.5, "label": "validation"}
            axes.plot(*zip(*curve.validation, strict=True), **look)
        _loss_axes(axes, [loss for _, loss in (*curve.train, *curve.validation)])
        _legend(axes)
    return Plot(title, canvas.svg, caption)


def round_losses(title: str, runs: Mapping[str, Sequence[Curve]], caption: str) -> Plot:
    """Validation loss of each arm over its rounds, one after the other; a thin line ends each round."""
    with _canvas(title) as canvas:
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
        _legend(axes)
    return Plot(title, canvas.svg, caption)


def over_rounds(title: str, arms: Mapping[str, Sequence[Point]], caption: str, kind: str, one: bool) -> Plot:
    """A metric of each arm over the rounds with its intervals; `one` marks where nothing has changed."""
    with _canvas(title) as canvas:
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
        _legend(axes)
    return Plot(title, canvas.svg, caption)


def by_name(title: str, points: Mapping[str, Point], caption: str, kind: str) -> Plot:
    """A value with its interval for each name, one below the other."""
    with _canvas(title, high=0.9 + 0.36 * len(points)) as canvas:
        axes = canvas.axes
        for at, point in enumerate(points.values()):
            if point.low is not None and point.high is not None:
                axes.plot([point.low, point.high], [at, at], color=PALETTE["model"], linewidth=1.4)
                axes.plot([point.low, point.high], [at, at], "|", color=PALETTE["model"], markersize=7)
            axes.plot([point.value], [at], "o", color=PALETTE["model"], markersize=6)
        _names(axes, list(points))
        _value_axis(axes.xaxis, kind)
    return Plot(title, canvas.svg, caption)


def shares(title: str, rows: Mapping[str, Mapping[str, float]], caption: str) -> Plot:
    """What part of the responses falls into each of four classes, a bar a name; classes stand worst first."""
    tones = [PALETTE[name] for name in ("worst", "poor", "fair", "best")]
    with _canvas(title, high=1.2 + 0.3 * len(rows)) as canvas:
        axes = canvas.axes
        begin = np.zeros(len(rows))
        for name, tone in zip(next(iter(rows.values())), tones, strict=True):
            widths = np.array([row[name] for row in rows.values()])
            look: Look = {"height": 0.62, "facecolor": tone, "linewidth": 0}
            axes.barh(range(len(rows)), widths, left=begin, label=name, **look)
            begin += widths
        _names(axes, list(rows))
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(PERCENT)
        _legend(axes, columns=4)
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
    with _canvas(title) as canvas:
        axes = canvas.axes
        axes.hist(solver, edges, color=PALETTE["fill"], label="solver")
        for arm, found in arms.items():
            look: Look = {"histtype": "step", "linewidth": 1.6, "linestyle": MARKS[arm][1]}
            axes.hist(found, edges, edgecolor=PALETTE[arm], label=arm, **look)
        axes.set_ylim(0, tallest * 1.08)
        axes.set_xlim(edges[0], edges[-1])
        axes.set_xlabel("trace words")
        axes.set_ylabel("problems")
        axes.xaxis.grid(False)
        axes.xaxis.set_major_formatter(COUNT)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        _legend(axes, columns=4)
    return Plot(title, canvas.svg, caption)


def smoothed(points: Sequence[tuple[float, float]], most: int = 200) -> list[tuple[float, float]]:
    """Means over equal groups of neighbours where there are more than `most` points."""
    if len(points) <= most:
        return list(points)
    cuts = np.linspace(0, len(points), most + 1).astype(int)
    means = [np.mean(points[begin:end], axis=0) for begin, end in pairwise(cuts)]
    return [(float(step), float(loss)) for step, loss in means]


class _Canvas:
    """Axes to draw on, and the SVG once that is done."""

    axes: Axes
    svg: Markup


@contextmanager
def _canvas(title: str, high: float = HIGH) -> Iterator[_Canvas]:
    # The salt keeps the ids inside of two pictures on one page apart, and the same from run to run.
    salt = blake2b(title.encode(), digest_size=6).hexdigest()
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": salt}):
        figure = Figure(figsize=(WIDE, high), layout="constrained")
        canvas = _Canvas()
        canvas.axes = figure.add_subplot()
        yield canvas
        canvas.svg = _svg(figure, title)


def _svg(figure: Figure, title: str) -> Markup:
    """The picture with CSS variables for colours, the page's font, and a name for those who cannot see it."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    for pattern, replacement in CLEARED:
        text = re.sub(pattern, replacement, text, flags=re.DOTALL)
    for name, colour in PALETTE.items():
        text = text.replace(colour, f"var(--{name})")
    head = f'<svg role="img" aria-label="{Markup.escape(title)}"'
    text = re.sub(
        r'^<svg[^>]*?(viewBox="[^"]*")[^>]*>', rf'{head} \1 xmlns="http://www.w3.org/2000/svg">', text
    )
    return Markup(text.replace("xlink:href", "href"))


def _legend(axes: Axes, columns: int = 3) -> None:
    if axes.get_legend_handles_labels()[0]:
        place: Look = {"loc": "lower left", "bbox_to_anchor": (-0.02, 1.0), "borderaxespad": 0.2}
        axes.legend(ncols=columns, columnspacing=1.2, handlelength=1.8, handletextpad=0.5, **place)


def _names(axes: Axes, names: Sequence[str]) -> None:
    """Names down the left side, the first one on top."""
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", labelcolor=PALETTE["ink"])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.yaxis.grid(False)
    axes.spines["left"].set_visible(False)


def _loss_axes(axes: Axes, seen: Sequence[float]) -> None:
    """Steps and losses; a logarithmic scale where the losses span more than a factor of four."""
    axes.set_xlabel("step")
    axes.set_ylabel("loss (nats a token)")
    axes.xaxis.grid(False)
    axes.xaxis.set_major_formatter(COUNT)
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
