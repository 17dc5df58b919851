"""Checkpoints answer the held-out split; every answer is judged, every rate has its rule and its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import polars as pl

from generators.domain import Domain
from pipeline import asked as asked_problems
from pipeline import metrics, schema
from pipeline.answering import ROLLOUTS, Entrant, answered, words_of
from pipeline.artifact import Artifact
from pipeline.card import answered_card
from pipeline.dataset import split_rows
from pipeline.examination import examined
from pipeline.executor import HERE, Executor
from pipeline.files import Json
from pipeline.final import START
from pipeline.judgement import Judgement, rivals
from pipeline.recipe import Evaluate, Recipe
from pipeline.rollouts import GREEDY, Student
from pipeline.seeds import named_rng
from pipeline.stage import Job, Need, Stage
from pipeline.stages import bootstrap, curate, train

METRICS = "metrics.json"
PROBLEMS = "teacher.parquet"


def settings(recipe: Recipe) -> Json:
    """All of the branch."""
    return {**recipe.late, **asdict(recipe.evaluate), "seed": recipe.seed}


def run(job: Job) -> Json:
    """Judge the trained checkpoint and every round of every arm on the test split.

    Of the training the checkpoint of the best validation loss counts. A round has but its last one: its
    validation loss is measured on the teacher's traces, which an arm is meant to leave.
    """
    entrants = [Entrant(START, 0, job.input("train").artifact.verified_folder("best"))]
    if job.recipe.bootstrap is not None:
        found = bootstrap.checkpoints(job.input("bootstrap"))
        entrants += [Entrant(arm, number, folder) for arm, number, folder in found]
    source = job.input("curate").artifact
    problems = split_rows(source, job.recipe.domain, "test", job.recipe.evaluate.problems)
    recipe, executor = job.recipe, job.options.executor
    models = executor.for_models(recipe.fit)
    asked, seed = recipe.evaluate, recipe.seed
    facts = judge(job.artifact, recipe.domain, entrants, problems, asked, seed, executor, models)
    return {**facts, "summary": headline(facts)}


def judge(
    artifact: Artifact,
    domain: Domain,
    entrants: Sequence[Entrant],
    stored: pl.DataFrame,
    asked: Evaluate,
    seed: int,
    executor: Executor = HERE,
    models: Executor = HERE,
) -> Json:
    """Roll out every checkpoint on the problems; write rollouts.parquet and metrics.json.

    `stored` are solved problems; where the domain has an examiner, its labels take the place of theirs.
    Labels are made by `executor`, rollouts by `models`.
    """
    problems = examined(artifact, domain, stored, seed, executor)
    references = domain.references(problems, named_rng(seed, "references"))
    _keep(artifact, problems, references)
    asked_problems.keep(artifact, domain, problems)
    answered(artifact, entrants, problems, references, asked, seed, models)
    columns = schema.rollouts(words_of(entrants))
    rollouts = schema.read(artifact.verified_part(ROLLOUTS), columns)
    others = rivals(domain, stored, problems, seed)
    told = {each: Judgement(domain, _notation(each), problems, asked) for each in entrants}
    beside = Judgement(domain, (*domain.value_notations, *domain.notations)[0], problems, asked)
    facts = {
        "problems": len(problems),
        "notations": {each.label: _notation(each) for each in entrants},
        "metrics": [
            row
            for each, judgement in told.items()
            for row in judgement.checkpoint(_of(rollouts, each), each.about)
        ],
        "rivals": [row for name, answers in others.items() for row in beside.rival(answers, name)],
        "tables": [
            *[row for each, own in told.items() for row in own.tables(_of(rollouts, each), each.label)],
            *[row for name, answers in others.items() for row in beside.tables(answers, name)],
        ],
        "lengths": _lengths(rollouts, entrants),
        "references": {name: references[name].mean() for name in references.columns},
    }
    artifact.publish_json(METRICS, facts)
    configs = {"default": {"test": ROLLOUTS}, "teacher": {"test": PROBLEMS}}
    answered_card(artifact, domain, configs, problems, rollouts, facts)
    return facts


def _keep(artifact: Artifact, problems: pl.DataFrame, references: pl.DataFrame) -> None:
    """What the teacher needs for each of the problems, beside their answers."""
    about = problems.select("problem_id", "split_key", "cost", teacher_words="trace_words")
    frame = pl.concat([about, references], how="horizontal")
    columns = dict(frame.schema)
    artifact.publish(PROBLEMS, lambda path: schema.write(frame, path, columns, {}), rows=len(frame))


def headline(facts: Json) -> str:
    """The rates that stand on the stage's line."""
    shown = [row for row in facts["metrics"] if row["metric"] == "optimal" and row["subset"] == "all"]
    return f"{facts['problems']} problems; optimal: " + ", ".join(
        f"{row['label']} {row['value']:.1%} ({row['rule']})" for row in shown if row["rule"] == "greedy"
    )


def _notation(entrant: Entrant) -> str:
    return Student(entrant.folder).vocabulary.notation


def _lengths(rollouts: pl.DataFrame, entrants: Sequence[Entrant]) -> list[Json]:
    """Trace lengths as paired ratios over the problems that every checkpoint solves optimally.

    One rule for the greedy responses, one for the mean over the optimal ones of k samples.
    """
    best = rollouts.filter(pl.col("verdict") == "optimal", pl.col("trace_words") > 0)
    made: list[Json] = []
    for rule, rows in (
        ("greedy", best.filter(pl.col("sample") == GREEDY)),
        ("mean of k", best.filter(pl.col("sample") != GREEDY)),
    ):
        shared = metrics.optimal_in_all(_of(rows, each) for each in entrants)
        paired = rows.filter(pl.col("problem_id").is_in(shared.implode()))
        if paired.is_empty():
            continue
        start = _of(paired, entrants[0])
        for each in entrants:
            own = _of(paired, each)
            reference = own.with_columns(trace_words=pl.col("reference_words"))
            ratio = metrics.paired_ratio(reference, own)
            made.append(
                {
                    "label": each.label,
                    "arm": each.arm,
                    "round": each.round,
                    "rule": rule,
                    "problems": len(shared),
                    "words": own.group_by("problem_id")
                    .agg(pl.col("trace_words").mean())["trace_words"]
                    .mean(),
                    "to_start": metrics.paired_ratio(start, own),
                    "to_reference": ratio,
                }
            )
    return made


def _of(rollouts: pl.DataFrame, entrant: Entrant) -> pl.DataFrame:
    return rollouts.filter(pl.col("arm") == entrant.arm, pl.col("round") == entrant.round)


def _checkpoints(job: Job) -> int:
    """How many are judged, if the bootstrap makes all its rounds."""
    settings = job.recipe.bootstrap
    return 1 + (settings.rounds * len(settings.arms) if settings is not None else 0)


def _needs(recipe: Recipe) -> tuple[Need, ...]:
    middle = (Need(bootstrap.BOOTSTRAP, recipe),) if recipe.bootstrap is not None else ()
    return (Need(curate.CURATE, recipe), Need(train.TRAIN, recipe), *middle)


EVALUATE = Stage(
    name="evaluate",
    version=1,
    about="judge every checkpoint on the held-out split",
    needs=_needs,
    settings=settings,
    run=run,
    size=_checkpoints,
)
