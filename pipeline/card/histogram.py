"""A histogram as an SVG file that stands alone: its own colours and ground, on white and dark pages.

Written by hand: a stage need not load a plotting library, and its bytes do not change with one.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.page.numbers import short

WIDE, HIGH = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 30, 38
BINS = 40
GROUND, INK, MUTED, GRID = "#ffffff", "#1b1f24", "#59636e", "#d8dee4"
FILL, LINE = "#9cc2e0", "#b4450f"

Numbers = NDArray[np.float64]


def histogram(
    title: str, axis: str, area: tuple[str, pl.Series], line: tuple[str, pl.Series] | None = None
) -> str:
    """How many rows have which value: the first series as an area, a second one as a line over it."""
    shown = [area, *([line] if line is not None else [])]
    known = [series.drop_nulls().cast(pl.Float64).to_numpy() for _, series in shown]
    edges = _edges(np.concatenate(known))
    heights = [np.histogram(np.clip(each, edges[0], edges[-1]), edges)[0].astype(float) for each in known]
    tallest = max(float(each.max()) for each in heights) or 1.0
    parts = [*_axes(edges, tallest, axis), _area(heights[0], tallest)]
    if line is not None:
        parts.append(_line(heights[1], tallest))
    names = [name for name, _ in shown]
    return "\n".join([*_begin(title), *parts, *_legend(names), "</svg>"]) + "\n"


def _edges(values: Numbers) -> Numbers:
    """At most `BINS` bins from the least on; the last one also has the few values that lie far out.

    A bin is a multiple of what the values are multiples of: others would be full and empty by turns.
    """
    if not len(values):
        return np.array([0.0, 1.0])
    low, high = float(values.min()), float(np.quantile(values, 0.999, method="nearest"))
    unit = max(float(np.gcd.reduce((values - low).astype(np.int64))), 1.0)
    width = unit * np.ceil((high - low + unit) / (BINS * unit))
    bins = int((high - low) // width) + 1
    return np.linspace(low, low + width * bins, bins + 1)


def _begin(title: str) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" height="{HIGH}"'
        f' role="img" aria-label={quoteattr(title)} font-family="system-ui, sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDE}" height="{HIGH}" fill="{GROUND}"/>',
    ]


def _axes(edges: Numbers, tallest: float, axis: str) -> list[str]:
    made = []
    for count in sorted({tallest // 2, tallest} - {0.0}):  # rows are counted: there is no half of one
        y = _y(count, tallest)
        made.append(f'<path d="M{LEFT} {y:.1f}H{WIDE - RIGHT}" stroke="{GRID}"/>')
        made.append(_text(LEFT - 6, y + 4, short(count), MUTED, "end"))
    for at in np.unique(np.linspace(0, len(edges) - 1, 6).round().astype(int)):
        made.append(
            _text(
                _x(at, len(edges) - 1),
                HIGH - BOTTOM + 16,
                f"{edges[at]:,.4g}" if edges[at] < 1e4 else short(float(edges[at])),
                MUTED,
                "middle",
            )
        )
    made.append(_text((LEFT + WIDE - RIGHT) / 2, HIGH - 6, axis, INK, "middle"))
    return made


def _area(heights: Numbers, tallest: float) -> str:
    path = f"M{LEFT} {HIGH - BOTTOM}{_outline(heights, tallest)}V{HIGH - BOTTOM}Z"
    ground = f'<path d="M{LEFT} {HIGH - BOTTOM}H{WIDE - RIGHT}" stroke="{MUTED}"/>'
    return f'<path d="{path}" fill="{FILL}"/>\n{ground}'


def _line(heights: Numbers, tallest: float) -> str:
    path = f"M{LEFT} {HIGH - BOTTOM}{_outline(heights, tallest)}V{HIGH - BOTTOM}"
    return f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="1.8" stroke-dasharray="5 2"/>'


def _outline(heights: Numbers, tallest: float) -> str:
    return "".join(
        f"V{_y(each, tallest):.1f}H{_x(at + 1, len(heights)):.1f}" for at, each in enumerate(heights)
    )


def _legend(names: Sequence[str]) -> list[str]:
    made, x = [], float(LEFT)
    looks = (f'fill="{FILL}"', f'fill="none" stroke="{LINE}" stroke-width="1.8" stroke-dasharray="5 2"')
    for name, look in zip(names, looks, strict=False):
        made.append(f'<rect x="{x:.1f}" y="9" width="16" height="10" {look}/>')
        made.append(_text(x + 22, 18, name, INK, "start"))
        x += 44 + 7 * len(name)
    return made


def _text(x: float, y: float, said: str, colour: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{escape(said)}</text>'


def _x(at: float, bins: int) -> float:
    return LEFT + (WIDE - LEFT - RIGHT) * at / bins


def _y(count: float, tallest: float) -> float:
    return TOP + (HIGH - TOP - BOTTOM) * (1 - count / tallest)
