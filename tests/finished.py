"""Finished artifacts without training: real data, real judgement, responses that the teacher wrote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from safetensors.numpy import save_file

from pipeline import schema
from pipeline.answering import Entrant
from pipeline.artifact import Artifact
from pipeline.dataset import split_rows
from pipeline.files import Json, write_json
from pipeline.identity import response_hashes
from pipeline.recipe import Recipe, build
from pipeline.seeds import named_rng
from pipeline.stage import Job, Options, make
from pipeline.stages import bootstrap, encode, evaluate
from pipeline.stages.evaluate import EVALUATE
from pipeline.vocabulary import Vocabulary

TREE: dict[str, Any] = {
    "name": "small",
    "about": "Mazes <b>small</b> & quick.",
    "domain": {"name": "maze", "width": 5, "height": 5, "attempts_per_layout": 3},
    "generate": {"rows": 400, "shard_rows": 200},
    "curate": {"test": 0.15, "validation": 0.05},
    "encode": {"notation": "cells"},
    "model": {"layers": 2, "width": 32, "heads": 2},
    "bootstrap": {"rounds": 2, "samples": 4, "prompts": 50},
    "evaluate": {"problems": 50, "samples": 4},
    "report": {"examples": 3},
}


def recipe(**changes: Any) -> Recipe:
    return build({**TREE, **changes})


def finished(made: Recipe, artifacts: Path, failures: float = 0.04) -> Job:
    """A finished `evaluate` of a recipe, and all that it needs; a share of the answers is cut short."""
    job = Job(EVALUATE, made, Options(artifacts, 1))
    for need in job.inputs:
        if need.stage.name == "curate":
            make(need)
    make(job.input("train").input("encode"))
    _train(job.input("train"))
    if made.bootstrap is not None:
        _bootstrap(job.input("bootstrap"))
    _answer(job, failures)
    return make(job)


def training(steps: int, loss: float) -> Json:
    """The summary of a run that never was."""
    return {
        "steps": steps,
        "parameters": 812_345,
        "train_loss": loss,
        "validation_loss": loss * 1.02,
        "best_validation_loss": loss * 1.01,
        "best_step": steps,
        "epochs": 1.5,
        "tokens": steps * 2048,
        "real_share": 0.98,
        "tokens_per_second": 9_876.5,
        "mfu": None,
        "seconds": 154.2,
        "device": "cpu",
        "devices": 1,
        "precision": "32-true",
        "attention": "cpu-flash",
        "compiled": False,
    }


def _train(job: Job) -> None:
    if job.finished():
        return
    for name in ("best", "last"):
        _checkpoint(job.artifact, name, job.recipe)
    _log(job.artifact.folder, 400, 3.0, 0.4)
    done = training(400, 0.4)
    write_json(
        job.artifact.folder / "run.json", {"model": asdict(job.recipe.model), "fit": asdict(job.recipe.fit)}
    )
    write_json(job.artifact.folder / "fit.json", done)
    job.artifact.seal(job.manifest({"training": done, "summary": "trained", "seconds": 160.0}))


def _bootstrap(job: Job) -> None:
    if job.finished():
        return
    rounds = []
    settings = job.recipe.bootstrap
    assert settings is not None
    for number in range(1, settings.rounds + 1):
        for arm in settings.arms:
            folder = f"{arm}/round-{number}/checkpoint"
            part = Artifact(job.artifact.folder / folder)
            _checkpoint(part, "last", job.recipe)
            _log(part.folder, 50, 0.42, 0.38)
            part.seal({"training": training(50, 0.38), "parent": "none"})
            sampled = None if arm == "unchanged" else 0.9
            rounds.append(
                {
                    "arm": arm,
                    "round": number,
                    "improved": 0.0 if arm == "unchanged" else 0.4 / number,
                    "rows": 50,
                    "words": 80.0 - 3 * number,
                    "optimal_share": sampled,
                    "eligible_share": sampled,
                    "fine_tuning": training(50, 0.38),
                    "validation": {"rule": "greedy", "problems": 20, "optimal": 0.9, "trace_words": 78.0},
                    "length_ratio": 0.97,
                }
            )
    write_json(job.artifact.folder / "rounds.json", {"rounds": rounds})
    job.artifact.seal(job.manifest({"rounds": rounds, "summary": "all 2 rounds", "seconds": 99.0}))


def _checkpoint(artifact: Artifact, name: str, made: Recipe) -> None:
    folder = artifact.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    encode.vocabulary_of(made).save(folder)
    (folder / "config.json").write_text(
        '{"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 32}\n'
    )
    save_file({"weight": np.full((4, 4), len(name), np.float32)}, folder / "model.safetensors")
    artifact.adopt_folder(name)


def _log(folder: Path, steps: int, first: float, last: float) -> None:
    """Losses that fall, in the columns that the trainers write."""
    lines = ["step,epoch,tokens,train_loss,validation_loss,learning_rate"]
    for step in range(10, steps + 1, 10):
        loss = last + (first - last) * float(np.exp(-5 * step / steps))
        lines.append(f"{step},0.1,{step * 2048},{loss * (1 + 0.05 * np.sin(step))},,0.001")
        if step % 50 == 0:
            lines.append(f"{step},,,,{loss * 1.03},")
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    (folder / "logs" / "metrics.csv").write_text("\n".join(lines) + "\n")


def _answer(job: Job, failures: float) -> None:
    """Write the rollouts, so that `evaluate` finds its models' work done and judges it."""
    if job.artifact.written(evaluate.ROLLOUTS) is not None:
        return
    made, domain = job.recipe, job.recipe.domain
    problems = split_rows(job.input("curate").artifact, domain, "test", made.evaluate.problems)
    stored = domain.alphabet(domain.notations[0])
    words = tuple(dict.fromkeys((*Vocabulary(domain, made.notation).words, *stored)))
    columns = schema.rollouts(words)
    frame = pl.concat(
        [
            _responses(problems, entrant, sample, made, columns, failures)
            for entrant in entrants(job)
            for sample in range(-1, 0 if made.has_values else made.evaluate.samples)
        ]
    )
    job.artifact.folder.mkdir(parents=True, exist_ok=True)
    job.artifact.publish(
        evaluate.ROLLOUTS, lambda path: schema.write(frame, path, columns, {}), rows=len(frame)
    )


def entrants(job: Job) -> Iterator[Entrant]:
    yield Entrant(evaluate.START, 0, job.input("train").artifact.folder / "last")
    if job.recipe.bootstrap is not None:
        for arm, number, folder in bootstrap.checkpoints(job.input("bootstrap")):
            yield Entrant(arm, number, folder)


def _responses(
    problems: pl.DataFrame,
    entrant: Entrant,
    sample: int,
    made: Recipe,
    columns: schema.Columns,
    failures: float,
) -> pl.DataFrame:
    """A run of the teacher for each problem, cut short now and then; the model arm has the shorter of two."""
    domain = made.domain
    rng = named_rng(5, entrant.arm, entrant.round, sample)
    solved = domain.solve(problems, rng)
    if entrant.arm == "model":
        solved = (
            domain.solve(problems, rng) if sample == 3 else _shorter(domain, problems, rng, entrant.round)
        )
    spoilt = pl.Series(rng.random(len(problems)) < 0.12 / (1 + entrant.round))
    cut = pl.when(spoilt).then(pl.col("trace").list.head(pl.col("trace_words") - 3)).otherwise("trace")
    lost = (
        pl.when(pl.Series(rng.random(len(problems)) < failures))
        .then(pl.col("answer").list.head(4))
        .otherwise("answer")
    )
    given = solved.select(trace=cut, answer=lost, ended=pl.lit(True))
    if made.has_values or made.notation == "solution":
        given = given.with_columns(trace=pl.lit(None, given.schema["trace"]))
    judged = domain.check(problems, given)
    alphabet = domain.alphabet(domain.notations[0])
    text = pl.concat_list(
        pl.col("trace").fill_null([]).cast(pl.List(pl.String)), pl.col("answer").cast(pl.List(pl.String))
    )
    words = given.with_columns(text=text, trace_words=pl.col("trace").list.len().cast(pl.Int32))
    # The text stays in the stored notation: no one reads it here, and words of no vocabulary are left out.
    known = pl.element().filter(pl.element().is_in(list(columns["text"].inner.categories)))  # type: ignore[attr-defined]
    frame = pl.concat([words, judged, problems.select("problem_id", "split_key", "cost")], how="horizontal")
    return frame.with_columns(
        pl.col("trace", "answer").cast(pl.List(pl.String)).cast(columns["trace"]),
        text=pl.col("text").list.eval(known).cast(columns["text"]),
        checkpoint=pl.lit("none"),
        arm=pl.lit(entrant.arm),
        round=pl.lit(entrant.round, pl.Int32),
        sample=pl.lit(sample, pl.Int32),
        temperature=pl.lit(1.0 if sample >= 0 else 0.0, pl.Float32),
        ids=pl.lit([5, 6], pl.List(pl.UInt32)),
        logprobs=pl.lit([-0.5, -0.1], pl.List(pl.Float32)),
        scores=pl.lit(None, pl.List(pl.Float32)),
        teacher_words=problems["trace_words"],
        reference_words=domain.references(problems, named_rng(1, "references"))["reference_words"],
        exact_match=pl.Series(response_hashes(given, alphabet)) == problems["response_hash"],
        seen_in_training=problems["seen_in_training"],
    ).select(list(columns))


def _shorter(domain: Any, problems: pl.DataFrame, rng: np.random.Generator, runs: int) -> pl.DataFrame:
    best = domain.solve(problems, rng)
    for _ in range(runs):
        other = domain.solve(problems, rng)
        shorter = other["trace_words"] < best["trace_words"]
        taken = [
            pl.when(shorter).then(other[name]).otherwise(best[name]).alias(name) for name in best.columns
        ]
        best = pl.select(taken)
    return best


def variants(**named: dict[str, Any]) -> Recipe:
    """The recipe with variants that change a branch each."""
    base = recipe(bootstrap=None)
    return replace(
        base,
        variants={
            name: recipe(bootstrap=None, name=f"small/{name}", **change) for name, change in named.items()
        },
    )
