"""The report's tables: what stands in their cells; how they look is the template's business."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.files import Json
from pipeline.page.differences import differences
from pipeline.page.findings import Checkpoint, Findings
from pipeline.page.numbers import MISSING, Kind, interval, kind_of, significant, value
from pipeline.page.parts import Cell, Table

HEADLINE = (
    ("optimal", "optimal", "greedy", "all"),
    ("optimal, unseen", "optimal", "greedy", "unseen responses"),
    ("optimal", "optimal", "mean of", "all"),
    ("any optimal", "any-optimal-k", "any of", "all"),
    ("SWC", "SWC", "greedy", "all"),
    ("ILR-on-optimal", "ILR-on-optimal", "greedy", "all"),
    ("sound trace", "trace-sound", "greedy", "all"),
    ("exact trace", "trace-exact", "greedy", "all"),
    ("malformed", "malformed", "greedy", "all"),
)
"""Title, metric, rule and subset of the columns of the table that comes first."""


def measured(row: Mapping[str, Any] | None, kind: Kind | None = None) -> Cell:
    """A metric with its interval."""
    if row is None:
        return Cell(MISSING)
    kind = kind or kind_of(row)
    return Cell(value(row["value"], kind), interval(row.get("low"), row.get("high"), kind))


def headline(findings: Sequence[Findings], entrants: Sequence[Sequence[Checkpoint]]) -> Table:
    """The metrics that matter most, a row a checkpoint; columns without any value are left out.

    Several findings are variants, with one checkpoint each. Rivals stand below the checkpoints.
    """
    several = len(findings) > 1
    rows = _lines(findings, entrants)
    columns: list[str] = []
    changed = dict(zip(map(id, findings), differences(findings) if several else [""], strict=False))
    cells: list[list[Cell]] = [
        [Cell(name, "" if isinstance(entrant, str) else changed[id(each)], strong=True)]
        for each, entrant, name in rows
    ]
    own = dict.fromkeys(name for each in findings for name in each.headline)
    for title, metric, rule, subset in (*((name, name, "greedy", "all") for name in own), *HEADLINE):
        found = [each.metric(entrant, metric, rule, subset) for each, entrant, _ in rows]
        if any(found):
            named = next(row["rule"] for row in found if row)
            columns.append(f"{title}\n{named}")
            for line, row in zip(cells, found, strict=True):
                line.append(measured(row))
    first = "checkpoint" if not several else "variant"
    return Table([first, *columns], cells, caption="main metrics", look="full")


def _lines(
    findings: Sequence[Findings], entrants: Sequence[Sequence[Checkpoint]]
) -> list[tuple[Findings, Checkpoint | str, str]]:
    """What has a row of a table, with its name: checkpoints, then the rivals, those of one name once."""
    several = len(findings) > 1
    lines: list[tuple[Findings, Checkpoint | str, str]] = [
        (each, entrant, line_name(each, entrant, several))
        for each, own in zip(findings, entrants, strict=True)
        for entrant in own
    ]
    rivals = {name: each for each in findings for name in each.rivals}
    return [*lines, *((each, name, name) for name, each in rivals.items())]


BRIEF = (
    ("optimal", "optimal", "greedy", True),
    ("optimal", "optimal", "mean of", False),
    ("optimal", "any-optimal-k", "any of", False),
    ("sound", "trace-sound", "greedy", False),
)
"""Title, metric, rule and whether its interval is shown: what 80 columns of a terminal hold."""


def briefs(every: Sequence[Findings]) -> list[Json]:
    """The terminal's tables as plain data, a row a checkpoint.

    Recipes whose domains put measures of their own first have a table apart.
    """
    kinds = dict.fromkeys(each.headline for each in every)
    return [_brief_table([each for each in every if each.headline == kind], kind) for kind in kinds]


def _brief_table(findings: Sequence[Findings], own: Sequence[str]) -> Json:
    several = len(findings) > 1
    rows = _lines(findings, [each.entrants for each in findings])
    columns = ["variant" if several else "checkpoint"]
    cells: list[list[str | None]] = [[name] for _, _, name in rows]
    shown = tuple((name, name, "greedy", at < 2) for at, name in enumerate(own)) or BRIEF
    for title, metric, rule, spread in shown:
        found = [each.metric(entrant, metric, rule) for each, entrant, _ in rows]
        if any(found):
            columns.append(f"{title}\n{next(row['rule'] for row in found if row)}")
            for line, row in zip(cells, found, strict=True):
                line.append(_brief(row, spread, kind_of(row) if row else "share"))
    ratios = [
        None if isinstance(entrant, str) else (each.length(entrant) or {}).get("to_reference")
        for each, entrant, _ in rows
    ]
    if any(ratios):
        columns.append("length to\nsolver's")
        for line, ratio in zip(cells, ratios, strict=True):
            line.append(_brief(ratio, True, "ratio"))
    return {
        "title": f"{problems(findings)}, 95% intervals",
        "columns": columns,
        "rows": cells,
    }


def problems(findings: Sequence[Findings]) -> str:
    """How many problems were held out; recipes of several domains differ."""
    counts = list(dict.fromkeys(each.evaluation["problems"] for each in findings))
    return f"{' and '.join(f'{each:,}' for each in counts)} held-out problem{'s' * (counts != [1])}"


def _brief(row: Mapping[str, Any] | None, spread: bool, kind: Kind) -> str | None:
    if row is None or row["value"] is None:
        return None
    between = interval(row["low"], row["high"], kind) if spread else ""
    if kind == "ratio":  # two digits do where room is short
        between = f"{row['low']:.2f}–{row['high']:.2f}" if row["low"] is not None else ""
        return f"{row['value']:.2f} ({between})" if between else f"{row['value']:.2f}"
    return f"{value(row['value'], kind)} ({between})" if between else value(row["value"], kind)


def every_metric(findings: Findings, subset: str) -> Table:
    """All metrics of a subset: a row a metric and rule, a column a checkpoint."""
    keyed: dict[tuple[str, str], dict[str, Json]] = {}
    notes: dict[str, str] = {}
    for row in (*findings.metrics, *(row for rows in findings.rivals.values() for row in rows)):
        if row["subset"] == subset and row["value"] is not None:
            keyed.setdefault((row["rule"], row["metric"]), {})[row["label"]] = row
            notes[row["metric"]] = row.get("note", "")
    others = list(findings.rivals) if subset == "all" else []
    labels = [*(entrant.label for entrant in findings.entrants), *others]  # as `evaluate` calls them
    rows = [
        [Cell(metric, strong=True), Cell(rule), *[measured(found.get(label)) for label in labels]]
        for (rule, metric), found in keyed.items()
    ]
    names = [*map(findings.label, findings.entrants), *others]
    return Table(["metric", "rule", *names], rows, left=2, hints=notes, caption=f"every metric, {subset}")


def further(findings: Findings) -> list[tuple[str, Table]]:
    """The domain's own tables, each with its title; those of one title stand in one table."""
    named = {entrant.label: findings.label(entrant) for entrant in findings.entrants}
    made: dict[str, list[Json]] = {}
    for each in findings.evaluation.get("tables", ()):
        made.setdefault(each["title"], []).append(each)
    return [
        (
            title,
            Table(
                ["checkpoint", *parts[0]["columns"]],
                [
                    [Cell(named.get(str(part["label"]), str(part["label"])), strong=True), *map(_plain, row)]
                    for part in parts
                    for row in part["rows"]
                ],
                left=2,
            ),
        )
        for title, parts in made.items()
    ]


def _plain(item: Any) -> Cell:
    if item is None:
        return Cell(MISSING)
    return Cell(item if isinstance(item, str) else significant(item))


def counted(findings: Findings, subset: str) -> str:
    """On how many problems and clusters the metrics of a subset rest, by rule."""
    seen: dict[str, str] = {}
    for row in findings.metrics:
        if row["subset"] == subset and row.get("clusters"):
            seen.setdefault(
                row["rule"], f"{row['rule']}: {row['n']:,} problems of {row['clusters']:,} clusters"
            )
    return "; ".join(seen.values())


ROUND_HINTS = {
    "rows improved": "share of the training rows that got a shorter response in this round",
    "words a row": "mean trace words of the training rows after the round",
    "optimal samples": "share of the sampled responses with an optimal answer (model) or teacher runs",
    "validation optimal": "greedy, on validation problems, which decide about the plateau",
    "test optimal": "greedy, on the held-out problems",
    "length to start": "paired ratio of trace lengths to the checkpoint before the bootstrap",
    "length to solver": "paired ratio of trace lengths to the mean of the solver's runs",
}
"""What the columns of a table of rounds mean."""


def rounds(findings: Findings) -> Table:
    """The table of the bootstrap: what each round of each arm was given and what came of it."""
    columns = ["round", "arm", "rows improved", "words a row", "optimal samples", "validation optimal"]
    columns += ["test optimal", "length to start", "length to solver"]
    rows = [_round_line(findings, each) for each in findings.rounds]
    return Table(columns, rows, left=2, hints=ROUND_HINTS, caption="rounds of the bootstrap", look="full")


def _round_line(findings: Findings, line: Json) -> list[Cell]:
    entrant = Checkpoint("", line["arm"], line["round"])
    paired = findings.length(entrant)
    share = line["optimal_share"]
    return [
        Cell(str(line["round"])),
        Cell(line["arm"], strong=True),
        Cell(value(line["improved"], "share")),
        Cell(value(line["words"], "words")),
        Cell(value(share, "share")),
        Cell(value(line["validation"]["optimal"], "share")),
        measured(findings.metric(entrant, "optimal", "greedy")),
        measured(paired["to_start"] if paired else None, "ratio"),
        measured(paired["to_reference"] if paired else None, "ratio"),
    ]


def paired_lengths(findings: Findings) -> Table:
    """Trace lengths over the problems that every checkpoint solves optimally."""
    rows = [
        [
            Cell(each["label"] if len(findings.entrants) > 1 else "model", strong=True),
            Cell(each["rule"]),
            Cell(f"{each['problems']:,}"),
            Cell(value(each["words"], "words")),
            measured(each["to_start"], "ratio"),
            measured(each["to_reference"], "ratio"),
        ]
        for each in findings.evaluation["lengths"]
    ]
    columns = ["checkpoint", "rule", "problems", "words", "to start", "to solver"]
    return Table(columns, rows, left=2, caption="paired trace lengths")


def reasons(findings: Findings, column: str, most: int = 6) -> Table:
    """Why responses of the final checkpoint fail, the most frequent reasons first.

    Every word with digits is an N, and what is quoted is left out: reasons of one kind count as one.
    """
    own = findings.greedy(findings.final)
    told = own.drop_nulls(column)[column].str.replace_all("`[^`]*`", "`…`")
    kinds = told.str.replace_all(r"[+-]?\w*\d\w*(\.\d+)?", "N")
    counts = kinds.value_counts()
    ordered = sorted(counts.iter_rows(), key=lambda pair: (-pair[1], pair[0]))[:most]
    rows = [[Cell(reason), Cell(f"{count:,}"), Cell(f"{count / len(own):.1%}")] for reason, count in ordered]
    return Table(["reason", "responses", "share"], rows, caption="reasons")


def baselines(rows: Sequence[Mapping[str, Any]]) -> Table:
    """What a reader must know of a data set."""
    cells = [
        [
            Cell(row["measure"]),
            Cell(row["note"]),
            Cell(MISSING if row["value"] is None else significant(row["value"])),
        ]
        for row in rows
    ]
    return Table(["measure", "", "value"], cells, left=2, caption="what a reader must know of the data")


def line_name(findings: Findings, entrant: Checkpoint, several: bool) -> str:
    """How a table of one or of several evaluations calls a checkpoint."""
    if not several:
        return findings.label(entrant)
    alone = entrant.round == 0 and len(findings.heads) == 1
    return findings.name if alone else f"{findings.name}, {entrant.label}"
