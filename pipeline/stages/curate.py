"""Drop duplicates and unsound rows, assign splits, write the data set and its card."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from generators.domain import LEVELS
from pipeline import schema
from pipeline.artifact import Artifact
from pipeline.card import curated_card
from pipeline.console import bar
from pipeline.errors import Refusal
from pipeline.files import Json
from pipeline.identity import response_hashes
from pipeline.recipe import Recipe
from pipeline.seeds import SPLITS, split_of
from pipeline.stage import Job, Need, Stage
from pipeline.stages import generate

REASONS = ("answer not optimal", "trace below the level", "too long", "duplicate")
REJECTED = "rejected"


def settings(recipe: Recipe) -> Json:
    """The number of rows counts here: it decides what stands in the data set."""
    curate = recipe.curate
    return {
        "shards": generate.shards(recipe),
        "validation": curate.validation,
        "test": curate.test,
        "level": curate.level,
        "longest": curate.longest,
        "file_rows": curate.file_rows,
    }


def run(job: Job) -> Json:
    """Decide about every row from its light columns, then write the files of each split."""
    source = job.input("generate").artifact
    shards = range(generate.shards(job.recipe))
    with bar("curate", len(shards)) as advance:
        parts = {}
        light = _Light(job.recipe, source)
        for shard, part in job.options.executor.over(light, shards, job.artifact):
            parts[shard] = part
            advance()
    rows = decided(pl.concat([parts[shard] for shard in shards]), job.recipe)
    plan = _plan(rows, job.recipe.curate.file_rows)
    for split in SPLITS:
        if not any(name.startswith(f"data/{split}-") for name in plan):
            reasons = _reasons(rows) or "there are too few rows"
            raise Refusal(f"no row is left for {split}: {reasons}; raise generate.rows or the split's share")
    missing = [at for at, name in enumerate(plan) if job.artifact.written(name) is None]
    task = _Write(job.recipe, source, job.artifact.folder, job.fingerprint, list(plan.items()))
    with bar("curate", len(plan), len(plan) - len(missing)) as advance:
        for _ in job.options.executor.over(task, missing, job.artifact):
            advance()
    return _facts(job, rows, plan)


def decided(rows: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """Light rows with `reason` (null: kept), `split` and `seen_in_training`.

    Of equal problems the one with the smallest (split_key, problem_id) stays; shard and row break what ties
    are left, so that more shards later never take back a row.
    """
    curate = recipe.curate
    level = (
        pl.col("level").cast(pl.String).replace_strict(dict(zip(LEVELS, range(4), strict=True)), default=None)
    )
    longest = curate.longest if curate.longest is not None else 2**31
    rows = rows.with_columns(
        recipe.domain.unfit(rows).alias("unfit"),
        split=split_of(pl.col("split_key"), curate.validation, curate.test),
    )
    rows = rows.with_columns(
        reason=pl.when(pl.col("unfit").is_not_null())
        .then("unfit")
        .when(pl.col("verdict") != "optimal")
        .then(pl.lit(REASONS[0]))
        .when(level < LEVELS.index(curate.level))
        .then(pl.lit(REASONS[1]))
        .when(pl.col("words") > longest)
        .then(pl.lit(REASONS[2])),
    ).drop("unfit")
    # Rows that are left out for another reason come last, so that they never stand in a good row's way.
    order = [pl.col("reason").is_not_null(), "split_key", "shard", "row"]
    earlier = pl.int_range(pl.len()).over("problem_id", order_by=order)
    rows = rows.with_columns(
        reason=pl.when(pl.col("reason").is_null() & (earlier > 0))
        .then(pl.lit(REASONS[3]))
        .otherwise(pl.col("reason"))
    )
    trained = rows.filter(pl.col("reason").is_null(), pl.col("split") == "train")["response_hash"].unique()
    held_out = pl.col("split") != "train"
    return rows.with_columns(
        seen_in_training=pl.when(held_out).then(pl.col("response_hash").is_in(trained.implode()))
    )


@dataclass(frozen=True)
class _Light:
    """What of a shard decides about its rows; the words themselves stay on disk."""

    recipe: Recipe
    source: Artifact

    def __call__(self, shard: int) -> pl.DataFrame:
        domain = self.recipe.domain
        columns = schema.traces(domain)
        frame = schema.read(self.source.verified(generate.shard_name(shard)), columns)
        lengths = [pl.col(name).list.len().cast(pl.Int64) for name in ("prompt", "trace", "answer")]
        return frame.select(
            *[name for name in columns if name not in ("prompt", "trace", "answer")],
            words=pl.sum_horizontal(lengths),
            response_hash=pl.Series(response_hashes(frame, domain.alphabet(domain.notations[0]))),
        )


def _plan(rows: pl.DataFrame, file_rows: int) -> dict[str, pl.DataFrame]:
    """Every file to write with the rows (shard, row, split ...) that go into it, in order."""
    light = rows.select("shard", "row", "split", "reason", "response_hash", "seen_in_training")
    kept = light.filter(pl.col("reason").is_null())
    groups = {split: kept.filter(pl.col("split") == split) for split in SPLITS}
    plan = {}
    for split, group in groups.items():
        files = -(-len(group) // file_rows)
        for at in range(files):
            plan[f"data/{split}-{at:05d}-of-{files:05d}.parquet"] = group.slice(at * file_rows, file_rows)
    left_out = light.filter(pl.col("reason").is_not_null())
    for at in range(-(-len(left_out) // file_rows)):
        plan[f"{REJECTED}/part-{at:05d}.parquet"] = left_out.slice(at * file_rows, file_rows)
    return plan


@dataclass(frozen=True)
class _Write:
    """Gather the rows of one planned file from the shards and write them."""

    recipe: Recipe
    source: Artifact
    folder: Path
    fingerprint: str
    plan: list[tuple[str, pl.DataFrame]]

    def __call__(self, at: int) -> None:
        name, chosen = self.plan[at]
        domain = self.recipe.domain
        stored = schema.traces(domain)
        parts = []
        for (shard,), group in chosen.group_by("shard", maintain_order=True):
            frame = schema.read(self.source.path(generate.shard_name(int(shard))), stored)
            parts.append(frame[group["row"].to_numpy()].with_columns(group.drop("shard", "row")))
        columns = schema.rejected(domain) if name.startswith(REJECTED) else schema.dataset(domain)
        frame = pl.concat(parts)
        about = {"fingerprint": self.fingerprint, "settings": settings(self.recipe)}
        Artifact(self.folder).publish(
            name, lambda path: schema.write(frame, path, columns, about, domain.compression), rows=len(frame)
        )


def _reasons(rows: pl.DataFrame) -> dict[str, int]:
    counts = rows.filter(pl.col("reason").is_not_null())["reason"].value_counts().sort("reason")
    return dict(counts.iter_rows())


def _facts(job: Job, rows: pl.DataFrame, plan: Iterable[str]) -> Json:
    kept = rows.filter(pl.col("reason").is_null())
    splits = {split: int((kept["split"] == split).sum()) for split in SPLITS}
    spread = kept.group_by("problem_id").agg(pl.col("split").n_unique())["split"]
    tested = kept.filter(pl.col("split") == "test")["seen_in_training"]
    overlap = float(tested.mean() or 0.0)  # type: ignore[arg-type]
    baselines = job.recipe.domain.baselines(kept)
    facts: Json = {
        "rows": splits,
        "reproducible": job.input("generate").artifact.manifest.get("reproducible", True),
        "rejected": _reasons(rows),
        "problem_overlap": int((spread > 1).sum()),
        "response_overlap": overlap,
        "baselines": baselines.to_dicts(),
        "longest_row": int(np.max(kept["words"].to_numpy(), initial=0)),
    }
    files = [name for name in plan if name.startswith("data/")]
    curated_card(job.artifact, job.recipe, files, facts, job.input("generate").artifact.manifest)
    counts = " / ".join(f"{splits[name]:,}" for name in SPLITS)
    dropped = sum(facts["rejected"].values())
    facts["summary"] = (
        f"{counts} rows to train / validate / test, {dropped:,} left out;"
        f" {facts['problem_overlap']} problems in two splits,"
        f" {overlap:.1%} of test responses stand in training"
    )
    return facts


CURATE = Stage(
    name="curate",
    version=1,
    about="drop duplicates and unsound rows, split by hash, write the data set",
    needs=lambda recipe: (Need(generate.GENERATE, recipe),),
    settings=settings,
    run=run,
)
