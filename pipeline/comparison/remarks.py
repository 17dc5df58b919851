"""What a reader of a comparison must know before trusting it: one sentence each."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import polars.selectors as cs

from pipeline.asked import ASKED
from pipeline.comparison.pair import Pair
from pipeline.comparison.side import Side
from pipeline.examination import EXAMINED


def remarks(pair: Pair) -> list[str]:
    """The sentences that apply."""
    return [
        *_same(pair),
        *_repeated(pair),
        *_labels(pair),
        *_costs(pair),
        *_sampling(pair),
        *_knobs(pair),
        *_gone(pair),
    ]


def _same(pair: Pair) -> Iterator[str]:
    first, second = pair.sides
    if first.folder.resolve() == second.folder.resolve() and first.label == second.label:
        yield (
            "A and B are the same checkpoint of the same evaluation;"
            " name two with --checkpoint-a and --checkpoint-b."
        )


def _repeated(pair: Pair) -> Iterator[str]:
    """A user's own file may hold a problem twice."""
    for side in pair.sides:
        asked = side.answers.group_by("problem_id", "sample").len()
        twice = asked.filter(pl.col("len") > 1)["problem_id"].n_unique()
        if twice:
            yield f"{side.letter} was asked {twice:,} of its problems more than once; they count once."


def _labels(pair: Pair) -> Iterator[str]:
    """Answers held against different labels are not judged alike."""
    first, second = (_examined(side) for side in pair.sides)
    if first is None and second is None:
        return
    if first is None or second is None:
        lone = pair.second if first is None else pair.first
        yield f"Only {lone.letter} was judged by the labels of an examiner: the verdicts differ in kind."
        return
    ids = pair.shared.select("problem_id")
    ours, theirs = (
        ids.join(each, on="problem_id", how="left", maintain_order="left") for each in (first, second)
    )
    names = [name for name in ours.columns if name in theirs.columns]
    rows = zip(ours.select(names).iter_rows(), theirs.select(names).iter_rows(), strict=True)
    differing = sum(one != other for one, other in rows)
    if differing:
        yield (
            f"Answers were held against different labels on {differing:,} of {len(ids):,} shared problems"
            " (another examiner or budget): their verdicts are not comparable."
        )


def _examined(side: Side) -> pl.DataFrame | None:
    """The labels of the examiner: everything but words, which the labels decide."""
    if EXAMINED not in side.artifact.manifest["files"]:
        return None
    frame = pl.read_parquet(side.artifact.verified(EXAMINED), glob=False)
    words = [name for name in ("prompt", "trace", "answer", "split_key") if name in frame.columns]
    return frame.drop(words).with_columns(cs.enum().cast(pl.String)).unique("problem_id", keep="first")


def _costs(pair: Pair) -> Iterator[str]:
    costs = [
        frame.group_by("problem_id").agg(pl.col("cost").first()).sort("problem_id") for frame in pair.answers
    ]
    differing = int(costs[0]["cost"].ne_missing(costs[1]["cost"]).sum())
    if differing:
        yield (
            f"{differing:,} of {len(costs[0]):,} shared problems have different stored costs:"
            " what counts as optimal differs there."
        )


def _sampling(pair: Pair) -> Iterator[str]:
    if pair.first.rule == "greedy":
        return
    drawn = [1 + int(side.answers["sample"].max()) for side in pair.sides]  # type: ignore[arg-type]
    if drawn[0] != drawn[1]:
        yield f"A has {drawn[0]} samples of a problem, B {drawn[1]}: the first {pair.samples} of each count."
    heats = [max(side.answers["temperature"].drop_nulls().to_list(), default=None) for side in pair.sides]
    if heats[0] != heats[1]:
        yield f"The samples were drawn at different temperatures: {heats[0]} and {heats[1]}."


def _knobs(pair: Pair) -> Iterator[str]:
    """Knobs of the domain in which the two differ: another teacher, other problems."""
    first, second = (side.artifact.manifest["domain"] for side in pair.sides)
    names = [name for name in first | second if first.get(name) != second.get(name)]
    if names:
        told = ", ".join(f"{name} {first.get(name)} and {second.get(name)}" for name in names)
        yield f"The evaluations differ in knobs of the domain: {told}."


def _gone(pair: Pair) -> Iterator[str]:
    gone = [side.letter for side in pair.own_missing]
    if gone:
        yield (
            f"Measures of the domain's own are left out: neither {ASKED} nor the data set"
            f" of {' and '.join(gone)} is there any more."
        )
