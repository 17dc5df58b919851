"""The responses of an evaluation, listed and to play."""

from __future__ import annotations

import polars as pl

from pipeline import lineage
from pipeline.answering import ROLLOUTS
from pipeline.artifact import Artifact
from pipeline.asked import asked
from pipeline.page.traces import choice
from pipeline.page.traces.listing import Listing, listed
from pipeline.vocabulary import FILE, Vocabulary

LIGHT = (
    *("arm", "round", "problem_id", "sample", "verdict", "level", "trace_words", "teacher_words"),
    *("total_steps", "first_departure", "departure_reason", "answer_reason"),
)
GONE = (
    "The problems of this evaluation are nowhere to be found: the data set that it was made on has gone."
    " Its responses are listed, but cannot be played."
)


def of_evaluation(name: str, artifact: Artifact, rollouts: int, playable: int) -> Listing:
    """Up to `rollouts` responses, of which the first `playable` ones can be played."""
    domain, line = lineage.domain_of(artifact), lineage.ancestors(artifact)
    path = artifact.verified(ROLLOUTS)
    classes = pl.col("arm", "verdict", "level").cast(pl.String)
    light = (
        pl.scan_parquet(path, glob=False).select(LIGHT).with_row_index("at").with_columns(classes).collect()
    )
    chosen = choice.ordered(light).head(rollouts) if len(light) else light
    first = chosen.head(playable)
    problems = asked(artifact, domain, line.get("curate"), set(first["problem_id"]))
    if problems is None:
        first, problems = first.clear(), first.select("problem_id").clear()
    problems = problems.unique("problem_id", keep="first").with_columns(key="problem_id")
    words = (
        pl.scan_parquet(path, glob=False)
        .select(pl.selectors.by_name("trace", "answer", "scores", require_all=False))
        .with_row_index("at")
        .filter(pl.col("at").is_in(first["at"].implode()))
        .collect()
    )
    places = chosen.select("at", key="problem_id").with_row_index("place")
    played = first.select("at").join(places, on="at", maintain_order="left")
    known = played.join(problems, on="key", how="semi", maintain_order="left")
    played = known.join(words, on="at", maintain_order="left").drop("at")
    rows = listed(
        chosen,
        by=choice.CHECKPOINT,
        words=pl.col("trace_words"),
        steps=pl.col("total_steps"),
        departure=pl.col("first_departure"),
        why=pl.col("departure_reason"),
        answer_why=pl.col("answer_reason"),
        split=pl.lit("test"),
    )
    note = GONE if len(chosen) and not len(problems) else ""
    return Listing(name, "evaluation", domain, _notation(line), rows, played, problems, note)


def _notation(line: dict[str, Artifact]) -> str | None:
    """The notation of the responses: the encoding, the evaluation or the checkpoint tells it, or nothing."""
    for stage in ("encode", "evaluate"):
        if stage in line and "notation" in line[stage].manifest:
            return str(line[stage].manifest["notation"])
    if "train" in line and (line["train"].folder / "best" / FILE).is_file():
        return Vocabulary.load(line["train"].folder / "best").notation
    return None
