"""What a plot is drawn on: small SVG pictures whose colours are the page's CSS variables, light and dark."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from matplotlib.transforms import blended_transform_factory

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
    (r"(\d+\.\d\d)\d+(?=[^<>]*>)", r"\1"),  # in tags; texts keep their digits
    (r"\s*\n\s*", "\n"),
    (r" ?\n?([LMCQ]) (?=[\d-])", r"\1"),
    (r"\s*z\s*\"", 'z"'),
    (r"<g>\s*</g>|<g/>", ""),
)
"""What matplotlib writes and a page does not need."""

MARKS = {"model": ("o", "-"), "teacher": ("s", "--"), "unchanged": ("^", ":"), "start": ("D", "-")}
"""Marker and line of each arm, so that none is told by its colour alone."""

LINES = ("model", "teacher", "unchanged", "start")
"""The looks of lines that are no arms, in order."""

STYLE: Any = {  # matplotlib types every key by itself
    "svg.fonttype": "none",
    "font.size": 9,
    "text.parse_math": False,  # dollars in a user's names are dollars
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


def clipped(label: str, most: int = 24) -> str:
    """A label that leaves room for the picture; matplotlib leaves out what begins with an underscore.

    What is cut out stands in the middle: names of variants differ at their ends.
    """
    head = most // 3
    text = label if len(label) <= most else f"{label[:head]}…{label[head + 1 - most :]}"
    return f"\u200b{text}" if text.startswith("_") else text


def look_of(name: str, at: int) -> tuple[str, str, str]:
    """Colour, marker and line: an arm's own, or those of its place."""
    arm = name.split(" ")[0]
    kind = arm if arm in MARKS else LINES[at % 4]
    return PALETTE[kind], *MARKS[kind]


class Canvas:
    """Axes to draw on, and the SVG once that is done."""

    axes: Axes
    svg: Markup


@contextmanager
def canvas_of(title: str, high: float = HIGH) -> Iterator[Canvas]:
    """A canvas whose SVG stands when the block ends."""
    # The salt keeps the ids inside of two pictures on one page apart, and the same from run to run.
    salt = blake2b(title.encode(), digest_size=6).hexdigest()
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": salt}):
        figure = Figure(figsize=(WIDE, high), layout="constrained")
        canvas = Canvas()
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


def legend(axes: Axes, columns: int = 3, *, wide: bool = False) -> None:
    """Names above the plot, where there are any; `wide` ones begin at the left of the whole picture."""
    if axes.get_legend_handles_labels()[0]:
        place: Look = {"loc": "lower left", "bbox_to_anchor": (-0.02, 1.0), "borderaxespad": 0.2}
        if wide:
            place["bbox_transform"] = blended_transform_factory(axes.figure.transFigure, axes.transAxes)
            place["bbox_to_anchor"] = (0.0, 1.0)
        axes.legend(ncols=columns, columnspacing=1.2, handlelength=1.8, handletextpad=0.5, **place)


def names_down(axes: Axes, names: Sequence[str]) -> None:
    """Names down the left side, the first one on top."""
    axes.set_yticks(range(len(names)), [clipped(name) for name in names])
    axes.tick_params(axis="y", labelcolor=PALETTE["ink"])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.yaxis.grid(False)
    axes.spines["left"].set_visible(False)
