"""What a bootstrap says before it is judged on held-out problems: its rounds on training and validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pipeline.artifact import Artifact
from pipeline.files import Json
from pipeline.page import chain, collection, gallery, plots, tables
from pipeline.page.curves import Curve, read_curve
from pipeline.page.findings import ARMS
from pipeline.page.numbers import value
from pipeline.page.origin import Origin
from pipeline.page.parts import Block, Cell, Gallery, Section, Table, Text, Tile
from pipeline.page.plots import Plot, Point

CAPTION = (
    "Validation problems, greedy; an evaluation judges the rounds on the test split."
    " “To the last” is the paired ratio of trace lengths to the round before; below 1 is shorter."
)


def section(origin: Origin, anchor: str, folder: Path) -> Section:
    """A bootstrap on its own."""
    lines = origin.artifact.manifest["rounds"]
    arms = [arm for arm in ARMS if any(line["arm"] == arm for line in lines)]
    blocks = [
        Block(
            "bootstrap",
            "Bootstrap",
            [Text(CAPTION, "caption"), Gallery(_over_rounds(origin, arms)), _table(lines)],
        ),
        Block("training", "Training", [Gallery(_losses(origin, lines, arms))]),
        collection.block(origin),
        chain.block(origin, folder),
    ]
    filled = [each for part in blocks if (each := part.filled)]
    return Section(
        anchor, origin.name, origin.about, origin.stage, [chain.note(origin)], _tiles(lines, arms), filled
    )


def _tiles(lines: Sequence[Json], arms: Sequence[str]) -> list[Tile]:
    last = max(line["round"] for line in lines)
    made = [Tile("rounds", str(last), note=f"arms: {', '.join(arms)}")]
    for line in (each for each in lines if each["round"] == last):
        seen = line["validation"]
        words = f"{value(seen['trace_words'], 'words')} trace words"
        note = f"validation, round {last}; {words}"
        made.append(Tile(f"optimal, {line['arm']}", value(seen["optimal"], "share"), note=note))
    return made


def _table(lines: Sequence[Json]) -> Table:
    columns = ["round", "arm", "rows", "rows improved", "words a row", "optimal samples"]
    columns += ["validation optimal", "validation words", "to the last"]
    rows = [
        [
            Cell(str(line["round"])),
            Cell(line["arm"], strong=True),
            Cell(f"{line['rows']:,}"),
            Cell(value(line["improved"], "share")),
            Cell(value(line["words"], "words")),
            Cell(value(line["optimal_share"], "share")),
            Cell(value(line["validation"]["optimal"], "share")),
            Cell(value(line["validation"]["trace_words"], "words")),
            Cell(value(line["length_ratio"], "ratio")),
        ]
        for line in lines
    ]
    hints = tables.ROUND_HINTS
    return Table(columns, rows, left=2, hints=hints, caption="rounds of the bootstrap", look="full")


def _over_rounds(origin: Origin, arms: Sequence[str]) -> list[Plot]:
    lines = [*_start(origin, arms), *origin.artifact.manifest["rounds"]]
    shown: tuple[tuple[str, str, bool, Callable[[Json], Any]], ...] = (
        ("Validation optimal", "share", False, lambda line: line["validation"]["optimal"]),
        ("Validation trace words", "words", False, lambda line: line["validation"]["trace_words"]),
        ("Trace length to the last round", "ratio", True, lambda line: line["length_ratio"]),
        ("Words a training row", "words", False, lambda line: line["words"]),
    )
    made = []
    for title, kind, one, find in shown:
        points = {arm: _points(lines, arm, find) for arm in arms}
        if any(len(each) > 1 for each in points.values()):
            made.append(plots.over_rounds(title, points, "", kind, one))
    return made


def _start(origin: Origin, arms: Sequence[str]) -> list[Json]:
    """Round 0 as a line of each arm, as far as it was judged: all of them start from one checkpoint."""
    judged = Artifact(origin.artifact.folder / "round-0" / "evaluation")
    if not judged.manifest_path.is_file():
        return []
    known = {"round": 0, "validation": judged.manifest["validation"], "length_ratio": None, "words": None}
    return [{"arm": arm, **known} for arm in arms]


def _points(lines: Sequence[Json], arm: str, find: Callable[[Json], Any]) -> list[Point]:
    found = [(line["round"], find(line)) for line in lines if line["arm"] == arm]
    return [Point(at, number) for at, number in found if number is not None]


def _losses(origin: Origin, lines: Sequence[Json], arms: Sequence[str]) -> list[Plot]:
    training = origin.lineage.get("train")
    made = gallery.training(read_curve(training.folder)) if training is not None else []
    runs = {arm: [_curve(origin, line) for line in lines if line["arm"] == arm] for arm in arms}
    return [*made, *gallery.fine_tuning(runs)]


def _curve(origin: Origin, line: Json) -> Curve:
    return read_curve(origin.artifact.folder / line["arm"] / f"round-{line['round']}" / "checkpoint")
