"""Checkpoints answer the held-out split; every answer is judged, every rate has its rule and its interval."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import polars as pl

from generators.domain import Domain
from pipeline import asked as asked_problems
from pipeline import metrics, schema
from pipeline.artifact import Artifact, Json
from pipeline.card import answered_card
from pipeline.console import bar
from pipeline.dataset import split_rows
from pipeline.examination import examined
from pipeline.executor import HERE, Executor
from pipeline.judgement import Judgement, rivals
from pipeline.recipe import Evaluate, Recipe
from pipeline.rollouts import GREEDY, Student, greedily, stored_hashes
from pipeline.seeds import named_rng, named_seed
from pipeline.stage import Job, Need, Stage
from pipeline.stages import bootstrap, curate, train
from pipeline.store import store_of

START = "start"
"""The arm of the checkpoint from which a bootstrap starts, and the only one without it."""
ROLLOUTS = "rollouts.parquet"
METRICS = "metrics.json"
PROBLEMS = "teacher.parquet"


class HasArm(Protocol):
    """Whatever stands for a checkpoint."""

    @property
    def arm(self) -> str:
        """Whose data it has learned from."""


Judged = TypeVar("Judged", bound=HasArm)


def final(checkpoints: Sequence[Judged]) -> Judged:
    """The checkpoint that an evaluation is about: the model arm's last, or the first one."""
    return next((each for each in reversed(checkpoints) if each.arm == "model"), checkpoints[0])


@dataclass(frozen=True)
class Entrant:
    """A checkpoint under judgement."""

    arm: str
    round: int
    folder: Path

    def fetched(self) -> Path:
        """Its folder on this machine; from a store it comes with its hashes checked."""
        if store_of(self.folder) is None:
            return self.folder
        return Artifact(self.folder.parent).verified_folder(self.folder.name)

    @property
    def label(self) -> str:
        """How tables call it."""
        return self.arm if self.arm == START or not self.round else f"{self.arm} {self.round}"

    @property
    def about(self) -> Json:
        """What a row of a table says of it."""
        return {"label": self.label, "arm": self.arm, "round": self.round}


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
    recipe = job.recipe
    domain = recipe.domain
    facts = judge(
        job.artifact, domain, entrants, problems, recipe.evaluate, recipe.seed, job.options.executor
    )
    return {**facts, "summary": headline(facts)}


def judge(
    artifact: Artifact,
    domain: Domain,
    entrants: Sequence[Entrant],
    stored: pl.DataFrame,
    asked: Evaluate,
    seed: int,
    executor: Executor = HERE,
) -> Json:
    """Roll out every checkpoint on the problems; write rollouts.parquet and metrics.json.

    `stored` are solved problems; where the domain has an examiner, its labels take the place of theirs.
    """
    problems = examined(artifact, domain, stored, seed, executor)
    references = domain.references(problems, named_rng(seed, "references"))
    _keep(artifact, problems, references)
    asked_problems.keep(artifact, domain, problems)
    if artifact.written(ROLLOUTS) is None:
        task = _RollOut(artifact.folder, tuple(entrants), problems, references, asked, seed)
        _roll_out(artifact, task, executor)
        _combine(artifact, entrants)
    artifact.discard(*[_part(at) for at in range(len(entrants))])
    columns = schema.rollouts(_words(entrants))
    rollouts = schema.read(artifact.path(ROLLOUTS), columns)
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


@dataclass(frozen=True)
class _RollOut:
    """The answers of a checkpoint, greedy and sampled, in a file of their own until all are there."""

    folder: Path
    entrants: tuple[Entrant, ...]
    problems: pl.DataFrame
    references: pl.DataFrame
    asked: Evaluate
    seed: int

    def __call__(self, at: int) -> None:
        entrant, problems, asked = self.entrants[at], self.problems, self.asked
        student = Student(entrant.fetched())
        domain = student.vocabulary.domain
        sampled = problems if asked.sampled_problems is None else problems.head(asked.sampled_problems)
        drawn = asked.samples if student.samples else 0
        with bar(f"answer {entrant.label}", len(problems) + len(sampled) * drawn) as advance:
            key = named_seed(self.seed, "evaluate")
            parts = [student.answer(problems, 1, greedily(asked.sampling), key, advance)]
            if drawn:
                parts.append(student.answer(sampled, drawn, asked.sampling, key, advance))
        answers = pl.concat(parts, how="vertical_relaxed")
        place = answers["problem"].to_numpy()
        rows = answers.with_columns(
            checkpoint=pl.lit(student.hash),
            arm=pl.lit(entrant.arm),
            round=pl.lit(entrant.round, pl.Int32),
            teacher_words=problems["trace_words"][place],
            reference_words=self.references["reference_words"][place],
            exact_match=_exact_match(problems, answers, domain),
            seen_in_training=_seen(problems, answers)[place],
        )
        columns, about = schema.rollouts(_words(self.entrants)), {"checkpoint": student.hash}
        Artifact(self.folder).publish(_part(at), lambda path: schema.write(rows, path, columns, about))


def _roll_out(artifact: Artifact, task: _RollOut, executor: Executor) -> None:
    """Have every checkpoint answer that has not; on a cluster several at a time, with one bar for all."""
    count = len(task.entrants)
    missing = [at for at in range(count) if artifact.written(_part(at)) is None]
    away = executor.cluster is not None
    with bar("answer", count, count - len(missing)) if away else nullcontext(lambda: None) as advance:
        for _ in executor.for_models.over(task, missing, artifact, gpus=1):
            advance()


def _exact_match(problems: pl.DataFrame, answers: pl.DataFrame, domain: Domain) -> pl.Series:
    """Whether a whole response is the stored one; null where the teacher's own runs differ.

    In a notation without a trace the response is the answer alone.
    """
    if not domain.repeatable():
        return pl.Series("exact_match", [None] * len(answers), pl.Boolean)
    stored = problems[answers["problem"].to_numpy()].select("trace", "answer")
    if answers["trace"].null_count() == len(answers):
        stored = stored.with_columns(trace=pl.lit(None, pl.List(pl.String)))
    same = [
        ours == theirs
        for ours, theirs in zip(stored_hashes(answers, domain), stored_hashes(stored, domain), strict=True)
    ]
    return pl.Series("exact_match", same) & answers["ended"]


def _combine(artifact: Artifact, entrants: Sequence[Entrant]) -> None:
    """One file of all answers in place of a part a checkpoint."""
    columns = schema.rollouts(_words(entrants))
    frame = pl.concat([schema.read(artifact.path(_part(at)), columns) for at in range(len(entrants))])
    artifact.publish(ROLLOUTS, lambda path: schema.write(frame, path, columns, {}), rows=len(frame))


def _notation(entrant: Entrant) -> str:
    return Student(entrant.folder).vocabulary.notation


def _part(at: int) -> str:
    return f"parts/rollouts-{at:03d}.parquet"


def _words(entrants: Sequence[Entrant]) -> tuple[str, ...]:
    """The words of all checkpoints, in their notations and in the stored form, each once."""
    words: dict[str, None] = {}
    for entrant in entrants:
        vocabulary = Student(entrant.folder).vocabulary
        stored = vocabulary.domain.alphabet(vocabulary.domain.notations[0])
        words |= dict.fromkeys((*vocabulary.words, *stored))
    return tuple(words)


def _seen(problems: pl.DataFrame, answers: pl.DataFrame) -> pl.Series:
    """Whether the stored response stands in training; null where it is not what the model was to write."""
    told = "seen_in_training" in problems.columns and answers["trace"].null_count() < len(answers)
    if told:
        return problems["seen_in_training"]
    return pl.Series("seen_in_training", [None] * len(problems), pl.Boolean)


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
