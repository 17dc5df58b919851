"""Derivations as SVG: the outline of a backward search, or the literals of a forward one and their premises.

A picture is self-contained and is shown as an image of its own, where it cannot inherit the colours of a
page; so it brings a style for light and for dark, and a ground to stand on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from textwrap import wrap

from generators.prolog.drawing import arcs, goals
from generators.prolog.drawing.outline import Line, shortened
from generators.prolog.drawing.scene import Scene

MOST = 60
"""Lines of a derivation at most."""

NARROW, WIDE = 360.0, 620.0
"""Pixels: a picture is as wide as its lines, within these."""
PAD = 14.0
LINE = 19.0
STEP = 14.0
"""Pixels of one indentation."""
CHARACTER = 6.7
"""Pixels of a character of the derivation; those of the theory and of details are SMALL."""
SMALL = 6.1
LABEL = 7 * SMALL

STYLE = """
svg.derivation { --ground: #ffffff; --ink: #1b1f24; --muted: #66707c; --pale: #cdd4dc; --wash: #e6f3ee;
  --proof: #00694f; --bad: #b03a14; --other: #56606c }
@media (prefers-color-scheme: dark) { svg.derivation { --ground: #14171b; --ink: #e6e9ed; --muted: #98a3af;
  --pale: #3d454f; --wash: #17322a; --proof: #56d6b0; --bad: #ff9a78; --other: #a1abb7 } }
.derivation text { font: 11px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  fill: var(--ink); white-space: pre; dominant-baseline: central }
.derivation .ask { font-size: 14px; font-weight: 600 }
.derivation .small { font-size: 10px }
.derivation .muted { fill: var(--muted) }
.derivation .kept { fill: var(--proof) }
.derivation .bad { fill: var(--bad) }
.derivation .end { text-anchor: end }
.derivation .strong { font-weight: 600 }
.derivation path, .derivation circle { fill: none; stroke: var(--pale); stroke-width: 1 }
.derivation path.way { stroke: var(--proof); stroke-width: 1.75 }
.derivation path.cross { stroke: var(--other); stroke-width: 1.4 }
.derivation path.loop { stroke: var(--bad); stroke-width: 1.4 }
.derivation circle.dot { fill: var(--proof); stroke: none }
.derivation circle.ring { fill: var(--ground); stroke: var(--other); stroke-width: 1.4 }
.derivation circle.rest { fill: var(--pale); stroke: none }
.derivation .ground { fill: var(--ground); stroke: none }
.derivation .wash { fill: var(--wash) }
"""


@dataclass
class Canvas:
    """What has been drawn, and how far it reaches; `wide` grows with the texts."""

    parts: list[str] = field(default_factory=list)
    wide: float = NARROW
    high: float = PAD

    def text(self, x: float, y: float, told: str, kind: str = "", character: float = CHARACTER) -> float:
        """Write a line, cut where the widest picture ends; gives the place behind it."""
        room = max(int((WIDE - PAD - x) / character), 1)
        told = told.replace("\xa0", " ")
        shown = told if len(told) <= room else f"{told[: room - 1]}…"
        kinds = f' class="{kind}"' if kind else ""
        self.parts.append(f'<text x="{x:g}" y="{y:g}"{kinds}>{escape(shown)}</text>')
        end = x + len(shown) * character
        self.wide = max(self.wide, min(end + PAD, WIDE))
        return end

    def path(self, way: str, kind: str = "") -> None:
        """Draw a line."""
        self.parts.append(f'<path d="{way}"' + (f' class="{kind}"' if kind else "") + "/>")

    def circle(self, x: float, y: float, radius: float, kind: str) -> None:
        """Draw a disc or a ring."""
        self.parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" class="{kind}"/>')


def svg(drawn: Scene) -> str:
    """A self-contained picture, the same for the same row, of at most about MOST lines of derivation."""
    canvas = Canvas()
    _question(canvas, drawn)
    _theory(canvas, drawn, _used(drawn))
    if drawn.lines:
        _rule(canvas)
        rows = arcs.rows(drawn, MOST) if drawn.mode == "forward" else []
        if rows:
            _arcs(canvas, rows)
        else:
            _outline(canvas, shortened(drawn.lines, MOST))
    wide, high = f"{canvas.wide:g}", f"{canvas.high + PAD - 4:g}"
    title = escape(f"{drawn.theory.question.shown(drawn.names)}? {drawn.answer or 'no answer'}", quote=True)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="derivation" viewBox="0 0 {wide} {high}" '
            f'width="{wide}" height="{high}" role="img" aria-label="{title}">',
            f"<title>{title}</title>",
            f"<style>{STYLE}</style>",
            f'<rect width="{wide}" height="{high}" class="ground"/>',
            *canvas.parts,
            "</svg>",
        ]
    )


def _question(canvas: Canvas, drawn: Scene) -> None:
    """The question, and the answer behind it."""
    y = canvas.high + 6
    told = f"{drawn.theory.question.shown(drawn.names)}?"
    end = canvas.text(PAD, y, told, "ask", 8.5)
    kind = "ask kept" if drawn.answer in ("true", "false") else "ask muted"
    canvas.text(end + 8, y, drawn.answer or "no answer", kind, 8.5)
    canvas.high = y + 20


def _theory(canvas: Canvas, drawn: Scene, used: set[str]) -> None:
    """Facts in as many columns as fit, then a line a rule; what the proof uses stands out."""
    facts = [(name, literal.shown(drawn.names)) for name, literal in drawn.theory.facts.items()]
    longest = max((len(told) for _, told in facts), default=0) * SMALL + LABEL + 12
    columns = max(int((NARROW - 2 * PAD + 12) / longest), 1) if facts else 1
    down = -(-len(facts) // columns)
    for at, (name, told) in enumerate(facts):
        x, y = PAD + at // down * longest, canvas.high + at % down * 15
        _clause(canvas, x, y, name, [told], name in used)
    canvas.high += down * 15 + (4 if facts else 0)
    for name, rule in drawn.theory.rules.items():
        body = wrap(rule.shown(drawn.names), int((NARROW - 2 * PAD - LABEL) / SMALL), break_long_words=False)
        _clause(canvas, PAD, canvas.high, name, body, name in used)
        canvas.high += len(body) * 14 + 1


def _clause(canvas: Canvas, x: float, y: float, name: str, told: Sequence[str], used: bool) -> None:
    canvas.text(x, y, name, "small kept strong" if used else "small muted", SMALL)
    for at, line in enumerate(told):
        canvas.text(x + LABEL, y + at * 14, line, "small" if used else "small muted", SMALL)


def _rule(canvas: Canvas) -> None:
    canvas.high += 2
    canvas.path(f"M{PAD:g} {canvas.high:g}H{NARROW - PAD:g}")
    canvas.high += 16


def _used(drawn: Scene) -> set[str]:
    """The names of the clauses that the proof rests on."""
    if drawn.mode == "forward":
        return arcs.used(drawn)
    return {node.clause for node in drawn.nodes if isinstance(node, goals.Branch) and node.kept}


def _outline(canvas: Canvas, lines: Sequence[Line]) -> None:
    """Goals as dots under each other, joined to what they serve; those of the proof over the others."""
    places = [(PAD + 5 + line.depth * STEP, canvas.high + at * LINE) for at, line in enumerate(lines)]
    joints = sorted(_joints(lines), key=lambda joint: lines[joint[1]].kept)
    for above, below in joints:
        (x, top), (end, y) = places[above], places[below]
        way = f"M{x:g} {top:g}V{y - 5:g}Q{x:g} {y:g} {x + 5:g} {y:g}H{end:g}"
        canvas.path(way, "way" if lines[below].kept and lines[above].kept else "")
    for line, (x, y) in zip(lines, places, strict=True):
        _mark(canvas, line, x, y)
        quiet = line.mark in ("clause", "more", "note", "idle")
        kind = "small muted" if quiet else "strong" if line.kept else "muted"
        end = canvas.text(x + 10, y, line.head, kind, SMALL if quiet else CHARACTER)
        if line.detail:
            canvas.text(end + 8, y, line.detail, "small bad" if line.mark == "loop" else "small muted", SMALL)
    canvas.high += len(lines) * LINE - LINE / 2


def _joints(lines: Sequence[Line]) -> Iterator[tuple[int, int]]:
    """Of each line that serves another one the places of both."""
    above: list[int] = []
    for at, line in enumerate(lines):
        while above and lines[above[-1]].depth >= line.depth:
            above.pop()
        if above:
            yield above[-1], at
        above.append(at)


def _mark(canvas: Canvas, line: Line, x: float, y: float) -> None:
    if line.mark == "proof":
        canvas.circle(x, y, 4, "dot")
    elif line.mark in ("proven", "open"):
        canvas.circle(x, y, 3.5, "ring")
    elif line.mark == "failed":
        canvas.circle(x, y, 4.5, "ground")
        canvas.path(f"M{x - 3:g} {y - 3:g}l6 6m0 -6l-6 6", "cross")
    elif line.mark == "loop":
        canvas.circle(x, y, 5, "ground")
        canvas.path(f"M{x + 3.5:g} {y - 1:g}a3.7 3.7 0 1 0 -1 3.4m1.6 -5.6l-.6 3.4l-3.2 -1", "loop")
    elif line.mark == "note":
        canvas.circle(x, y, 5, "ground")
        canvas.text(x - 3, y, "!", "bad strong")
    else:
        canvas.circle(x, y, 1.8, "dot" if line.kept else "rest")


def _arcs(canvas: Canvas, rows: Sequence[arcs.Row]) -> None:
    """Literals under each other in the order in which they became known, arcs to them from their premises."""
    places = {row.literal: canvas.high + at * LINE for at, row in enumerate(rows) if row.literal is not None}
    reach = [
        (places[premise], canvas.high + at * LINE, row.kept)
        for at, row in enumerate(rows)
        for premise in row.premises
        if premise in places
    ]
    bulge = [min(9 + (y - top) / LINE * 5.5, 84.0) for top, y, _ in reach]
    x = PAD + 8 + max(bulge, default=0.0) * 0.75
    for at, row in enumerate(rows):
        if row.asked:
            wide = 25 + len(row.head) * CHARACTER
            top = canvas.high + at * LINE - 9
            canvas.parts.append(
                f'<rect x="{x - 9:g}" y="{top:g}" width="{wide:g}" height="18" rx="9" class="wash"/>'
            )
    for (top, y, kept), out in sorted(zip(reach, bulge, strict=True), key=lambda arc: arc[0][2]):
        canvas.path(
            f"M{x:g} {top:g}C{x - out:g} {top:g} {x - out:g} {y:g} {x - 1:g} {y:g}", "way" if kept else ""
        )
    for at, row in enumerate(rows):
        y = canvas.high + at * LINE
        if row.literal is not None:
            canvas.circle(x, y, 4 if row.kept else 3, "dot" if row.kept else "rest")
        kind = "muted" if row.literal is None or not row.kept else "strong"
        end = canvas.text(x + 10, y, row.head, kind)
        canvas.text(end + 8, y, row.detail, "small muted", SMALL)
    canvas.high += len(rows) * LINE - LINE / 2
