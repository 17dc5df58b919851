"""What an evaluation says: rates, rounds, lengths, success against difficulty, where traces go wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.final import START
from pipeline.page import chain, collection, difficulty, faithfulness, gallery, tables, training
from pipeline.page.examples import Allowance, examples
from pipeline.page.findings import Findings
from pipeline.page.numbers import counted, interval, kind_of, value
from pipeline.page.parts import Block, Examples, Fold, Gallery, Pair, Section, Text, Tile

RATES = (
    "Held-out problems, each rate with its rule; below it the 95% interval, clustered by split key."
    " “Unseen” leaves out problems whose stored response stands word for word in training."
)
ARMS = (
    "Every arm starts from the same checkpoint and takes the same steps. “model” learns from the shortest of"
    " its own optimal samples, “teacher” from the shortest of as many fresh teacher runs, “unchanged” from"
    " the data as it was."
)
LENGTHS = (
    "Lengths are paired ratios over the problems that every checkpoint solves optimally, greedily;"
    " below 1 is shorter."
)
HARD = (
    "The share of held-out problems that are answered optimally, greedily;"
    " numbers of many values stand in bins of about equal count."
)
TRACES = "Greedy responses, replayed step by step by rules; the first step that these do not allow counts."
SHOWN = "The first held-out problem of each outcome, the most frequent outcomes first; greedy responses."


def section(findings: Findings, anchor: str, folder: Path, count: int, room: Allowance) -> Section:
    """Everything about one evaluation, figures drawn."""
    blocks = [
        _results(findings),
        _bootstrap(findings),
        _lengths(findings),
        _difficulty(findings),
        _faithfulness(findings),
        training.block(findings),
        Block("problems", "Problems", [Text(SHOWN, "caption"), Examples(examples(findings, count, room))]),
        _failures(findings),
        collection.block(findings),
        chain.block(findings, folder),
    ]
    filled = [each for part in blocks if (each := part.filled)]
    notes = [chain.note(findings), _unknown(findings)]
    return Section(anchor, findings.name, findings.about, "evaluate", notes, tiles(findings), filled)


def _unknown(findings: Findings) -> str:
    if findings.problems is not None:
        return ""
    return (
        "Nothing tells the problems of this evaluation any more: they are not shown,"
        " and success is not held against difficulty."
    )


def _results(findings: Findings) -> Block:
    every = [
        Fold(
            f"Every metric, {'all problems' if subset == 'all' else subset}",
            [Text(tables.counted(findings, subset), "caption"), found],
        )
        for subset in ("all", "unseen responses")
        if (found := tables.every_metric(findings, subset)).rows
    ]
    own = [Fold(title, [found]) for title, found in tables.further(findings)]
    items: list[Any] = [
        Text(RATES, "caption"),
        tables.headline([findings], [findings.entrants]),
        Gallery(gallery.outcomes(findings)),
    ]
    return Block("results", "Results", [*items, *every, *own])


def _bootstrap(findings: Findings) -> Block:
    if not findings.arms:
        return Block("bootstrap", "Bootstrap", [])
    rounds = [tables.rounds(findings), Text(LENGTHS, "caption")] if findings.rounds else []
    items = [Text(ARMS), Text(claim(findings), "claim"), Gallery(gallery.round_plots(findings)), *rounds]
    return Block("bootstrap", "Bootstrap", items)


def _lengths(findings: Findings) -> Block:
    made = gallery.histograms(findings)
    paired = tables.paired_lengths(findings)
    fold = Fold("Paired lengths, greedy and sampled", [paired] if paired.rows else [])
    return Block("lengths", "Trace lengths", [Gallery(made), fold] if made else [])


def _difficulty(findings: Findings) -> Block:
    made, alike = difficulty.difficulties(findings)
    same = f"The same in all problems: {', '.join(alike)}." if alike else ""
    items = [
        Text(HARD, "caption"),
        Gallery([gallery.success(each) for each in made]),
        Text(same, "caption"),
        Fold("Success against difficulty in numbers", [difficulty.table(each) for each in made]),
    ]
    return Block("difficulty", "Success against difficulty", items)


def _faithfulness(findings: Findings) -> Block:
    reasons = tables.reasons(findings, "departure_reason")
    made = faithfulness.pictures(findings)
    pair = Pair([("Traces depart because", reasons)] if reasons.rows else [])
    items = [Text(TRACES, "caption"), Gallery(made), pair]
    return Block("faithfulness", "Faithfulness", items if made else [])


def _failures(findings: Findings) -> Block:
    found = tables.reasons(findings, "answer_reason")
    return Block("failures", "Failures", [Pair([("Answers fail because", found)] if found.rows else [])])


def tiles(findings: Findings) -> list[Tile]:
    """The figures at the top."""
    own = [(f"{name}, greedy", name, "greedy") for name in findings.headline[:3]]
    made = [tile for each in (*own, *_FIGURES) if (tile := _figure(findings, *each))]
    length = findings.length(findings.final)
    if length is not None and length["to_reference"]["value"] is not None:
        found = length["to_reference"]
        made.append(
            Tile(
                "trace length to the solver's",
                value(found["value"], "ratio"),
                interval(found["low"], found["high"], "ratio"),
                f"paired, {counted(found['n'], 'problem')}",
            )
        )
    return [*made, *training.tile(findings)]


_FIGURES = (
    ("optimal, greedy", "optimal", "greedy"),
    ("optimal, any of k", "any-optimal-k", "any of"),
    ("sound traces, greedy", "trace-sound", "greedy"),
)


def _figure(findings: Findings, title: str, metric: str, rule: str) -> Tile | None:
    final, start = findings.final, findings.entrants[0]
    row = findings.metric(final, metric, rule)
    if row is None:
        return None
    kind = kind_of(row)
    rounds = final != start and start.arm == START
    before = findings.metric(start, metric, rule) if rounds else None
    note = f"{value(before['value'], kind)} before the bootstrap" if before else counted(row["n"], "problem")
    if len(findings.heads) > 1:
        note = f"{final.label}, {note}"
    title = title.replace("any of k", row["rule"])
    return Tile(title, value(row["value"], kind), interval(row["low"], row["high"], kind), note)


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
