"""Rollouts, keep the shortest optimal, fine-tune, again: with control arms at equal k and steps."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from pipeline import metrics, schema
from pipeline.artifact import Artifact
from pipeline.card import round_card
from pipeline.console import bar, say
from pipeline.dataset import split_rows
from pipeline.errors import Refusal
from pipeline.executor import HERE
from pipeline.files import Json
from pipeline.recipe import Arm, Bootstrap, Recipe
from pipeline.rollouts import Student, greedily, stored_hashes
from pipeline.seeds import named_rng, named_seed
from pipeline.selection import eligible, improved_rows
from pipeline.stage import Job, Need, Stage
from pipeline.stages import curate, encode, train
from trainers.config import BadSettings, Fit

CHUNK = 256
"""Training problems that are rolled out, judged and written in one step: what an interruption can cost."""


def settings(recipe: Recipe) -> Json:
    """All of the branch, with what of the fine-tuning decides weights."""
    assert recipe.bootstrap is not None
    try:
        fit = train.fit_settings(fine_tuning(recipe))
    except BadSettings as fault:
        raise Refusal(f"bootstrap.{fault}") from None
    return {**asdict(recipe.bootstrap), "fit": fit, "seed": recipe.seed}


def fine_tuning(recipe: Recipe) -> Fit:
    """The training run of a round, on the devices of the first one unless it names its own."""
    assert recipe.bootstrap is not None
    fit = recipe.bootstrap.fit
    if fit.devices is not None or fit.nodes is not None:
        return fit
    return replace(fit, devices=recipe.fit.devices, nodes=recipe.fit.nodes)


def run(job: Job) -> Json:
    """Every round of every arm; what is finished of them is kept."""
    settings_ = _settings(job.recipe)
    _refuse_traceless(job.recipe)
    rounds: list[Json] = []
    lengths: dict[Arm, pl.DataFrame] = {arm: _Round(job, arm, 0).lengths for arm in settings_.arms}
    ended = f"all {settings_.rounds} rounds" if settings_.rounds > 1 else "one round"
    for number in range(1, settings_.rounds + 1):
        for arm in settings_.arms:
            step = _Round(job, arm, number)
            facts = step.make()
            ratio = metrics.paired_ratio(lengths[arm], step.lengths)["value"]
            lengths[arm] = step.lengths
            rounds.append({"arm": arm, "round": number, **facts, "length_ratio": ratio})
            say("bootstrap", _line(rounds[-1]))
        job.artifact.publish_json("rounds.json", {"rounds": rounds})
        ratio = next(
            (entry["length_ratio"] for entry in rounds[-len(settings_.arms) :] if entry["arm"] == "model"),
            None,
        )
        if ratio is not None and number < settings_.rounds and 1 - ratio < settings_.plateau:
            ended = f"stopped after round {number}: traces shortened by {1 - ratio:.1%}, a plateau"
            break
    return {"rounds": rounds, "summary": ended}


def enough(job: Job) -> bool:
    """Whether every round has its checkpoint, and its other parts are whole unless they were taken away.

    In a mirror parts are missing that have not been fetched.
    """
    rounds = [_Round(job, entry["arm"], entry["round"]) for entry in job.artifact.manifest["rounds"]]
    others = [Artifact(each.folder / part) for each in rounds for part in ("data", "ids", "evaluation")]
    parts = [*[each.checkpoint for each in rounds], *[part for part in others if part.folder.is_dir()]]
    return job.artifact.store is not None or all(part.finished() for part in parts)


def checkpoints(job: Job) -> Iterator[tuple[str, int, Path]]:
    """Arm, round and checkpoint of everything that a finished bootstrap has trained."""
    for entry in job.artifact.manifest["rounds"]:
        folder = _Round(job, entry["arm"], entry["round"]).checkpoint.verified_folder("last")
        yield entry["arm"], entry["round"], folder


@dataclass(frozen=True)
class _Round:
    """A round of an arm: `<arm>/round-<r>/{data,ids,checkpoint,evaluation}`; round 0 is the training."""

    job: Job
    arm: Arm
    number: int

    @cached_property
    def settings(self) -> Bootstrap:
        return _settings(self.job.recipe)

    @cached_property
    def folder(self) -> Path:
        return self.job.artifact.folder / self.arm / f"round-{self.number}"

    @cached_property
    def previous(self) -> _Round:
        return _Round(self.job, self.arm, self.number - 1)

    @cached_property
    def data(self) -> Artifact:
        return Artifact(self.folder / "data")

    @cached_property
    def ids(self) -> Artifact:
        return Artifact(self.folder / "ids")

    @cached_property
    def checkpoint(self) -> Artifact:
        if self.number == 0:
            return self.job.input("train").artifact
        return Artifact(self.folder / "checkpoint")

    @cached_property
    def student(self) -> Student:
        """Of the training the checkpoint of the best validation loss answers; a round has but its last one.

        A round's validation loss is measured on the teacher's traces, which an arm is meant to leave.
        """
        return Student(self.checkpoint.verified_folder("last" if self.number else "best"))

    @cached_property
    def rows(self) -> pl.DataFrame:
        """The training rows that this round has learned from."""
        recipe = self.job.recipe
        if self.number == 0:
            source = self.job.input("curate").artifact
            rows = split_rows(source, recipe.domain, "train", self.settings.prompts)
            return rows.filter(_fits(rows, recipe))
        names = self.data.names("data/*.parquet")
        columns = schema.improved(recipe.domain)
        parts = [schema.read(self.data.verified(name), columns) for name in names]
        return pl.concat(parts).select(list(schema.dataset(recipe.domain)))

    @cached_property
    def lengths(self) -> pl.DataFrame:
        """Trace words of the validation problems that the round's checkpoint solves optimally."""
        evaluation = self.evaluation
        frame = schema.read(evaluation.verified("rollouts.parquet"), _judged())
        return frame.filter(pl.col("verdict") == "optimal").select("problem_id", "split_key", "trace_words")

    @cached_property
    def evaluation(self) -> Artifact:
        """The round's greedy answers to validation problems, made when asked for."""
        folder = self.job.artifact.folder / "round-0" if self.number == 0 else self.folder
        return _finished(Artifact(folder / "evaluation"), self._evaluate)

    def __reduce__(self) -> tuple[Any, ...]:
        """A round goes to another process without what was loaded here."""
        return _Round, (self.job, self.arm, self.number)

    def make(self) -> Json:
        """Make the round, or what of it is missing; gives its line of the table."""
        _finished(self.data, self._roll_out)
        _finished(self.ids, self._encode)
        _finished(self.checkpoint, self._fine_tune)
        facts, judged = self.data.manifest, self.evaluation.manifest
        return {
            "improved": facts["improved"],
            "rows": facts["rows"],
            "words": facts["words"],
            "optimal_share": facts["optimal_share"],
            "eligible_share": facts["eligible_share"],
            "fine_tuning": self.checkpoint.manifest["training"],
            "validation": judged["validation"],
        }

    @cached_property
    def asked(self) -> pl.DataFrame:
        """One row of each problem that the round rolls out."""
        return self.previous.rows.unique("problem_id", keep="first", maintain_order=True)

    def _roll_out(self, artifact: Artifact) -> Json:
        rows = self.asked
        # Where nothing is drawn, there is nothing to carry to a cluster.
        models = self.job.options.executor.for_models(self.job.recipe.fit)
        executor = HERE if self.arm == "unchanged" else models
        chunks = -(-len(rows) // CHUNK)
        names = [f"data/train-{at:05d}-of-{chunks:05d}.parquet" for at in range(chunks)]
        missing = [at for at, name in enumerate(names) if artifact.written(name) is None]
        with bar(f"{self.arm} {self.number}", chunks, chunks - len(missing)) as advance:
            for _ in executor.over(_Chunk(self, names), missing, artifact, int(self.arm == "model")):
                advance()
        round_card(artifact, self.job.recipe, names, self.arm, self.number)
        entries = [artifact.written(name) or {} for name in names]
        responses = sum(entry["responses"] for entry in entries)
        written = sum(entry["rows"] for entry in entries)
        return {
            "arm": self.arm,
            "round": self.number,
            "parent": self.previous.student.hash if self.arm == "model" else None,
            "rows": written,
            "improved": sum(entry["improved"] for entry in entries) / len(rows),
            "words": sum(entry["words"] for entry in entries) / max(written, 1),
            "optimal_share": sum(entry["optimal"] for entry in entries) / responses if responses else None,
            "eligible_share": sum(entry["eligible"] for entry in entries) / responses if responses else None,
        }

    def write_chunk(self, name: str, at: int) -> None:
        """Responses to some of the rows, judged, and the rows they improve."""
        rows, domain = self.asked.slice(at * CHUNK, CHUNK), self.job.recipe.domain
        responses = self._responses(rows, at)
        unfit = 0
        if responses is not None:
            # A teacher's run may be longer than the context, a model's words may be none of the stored form:
            # neither would be a training row.
            written = rows[responses["problem"].to_numpy()].with_columns(
                responses["trace"], responses["answer"]
            )
            fits = _fits(written, self.job.recipe)
            responses, unfit = responses.filter(fits), int((~fits).sum())
        rng = named_rng(self.job.recipe.seed, "select", self.arm, self.number, at)
        before = rows["trace_words"]
        if responses is None:
            made, optimal, fit = rows.with_columns(replaced=pl.lit(False)), 0, 0
        else:
            responses = responses.with_columns(
                response_hash=pl.Series(stored_hashes(responses, domain), dtype=pl.String)
            )
            made = improved_rows(rows, responses, self.settings.select, self.settings.level, rng)
            judged = responses["verdict"].cast(pl.String) == "optimal"
            optimal, fit = int(judged.sum()), len(eligible(responses, self.settings.level))
        origin = (
            pl.when(pl.col("replaced") & (self.arm == "model"))
            .then(pl.lit("model"))
            .otherwise(pl.lit("teacher"))
        )
        earlier = dict(zip(rows["problem_id"], before, strict=True))
        made = made.with_columns(
            origin=origin.cast(pl.Enum(("teacher", "model"))),
            round=pl.lit(self.number, pl.Int32),
            parent=pl.lit(self.previous.student.hash if self.arm == "model" else None, pl.String),
            previous_words=pl.col("problem_id").replace_strict(earlier, return_dtype=pl.Int32),
            response_hash=pl.Series(stored_hashes(made, domain), dtype=pl.String),
        )
        columns = schema.improved(domain)
        self.data.publish(
            name,
            lambda path: schema.write(made, path, columns, {"arm": self.arm, "round": self.number}),
            rows=len(made),
            problems=len(rows),
            words=int(made["trace_words"].sum()),
            improved=int(made.filter("replaced")["problem_id"].n_unique()),
            responses=0 if responses is None else len(responses) + unfit,
            unfit=unfit,
            optimal=optimal,
            eligible=fit,
        )

    def _responses(self, rows: pl.DataFrame, at: int) -> pl.DataFrame | None:
        seed, k = self.job.recipe.seed, self.settings.samples
        if self.arm == "unchanged":
            return None
        if self.arm == "model":
            drawn = named_seed(seed, "bootstrap", self.number)
            return self.previous.student.answer(rows, k, self.settings.sampling, drawn)
        teacher = self.job.recipe.domain.randomized()
        problems = rows.drop("trace", "answer", "cost", "trace_words", "choice_bits", "verdict", "level")
        runs = []
        for sample in range(k):
            solved = teacher.solve(problems, named_rng(seed, "bootstrap", "teacher", self.number, at, sample))
            found = solved.select("trace", "answer", "trace_words", ended=pl.lit(True))
            judged = teacher.check(problems, found)
            place = {"problem": pl.int_range(len(rows), dtype=pl.Int64), "sample": pl.lit(sample, pl.Int32)}
            runs.append(pl.concat([found.with_columns(**place), judged], how="horizontal"))
        return pl.concat(runs)

    def _encode(self, artifact: Artifact) -> Json:
        recipe = self.job.recipe
        vocabulary = encode.vocabulary_of(recipe)
        encode.save_vocabulary(vocabulary, artifact)
        original = self.job.input("encode").artifact
        for name in original.names(f"{encode.IDS}/validation-*"):
            artifact.publish(name, lambda path, name=name: shutil.copyfile(original.verified(name), path))  # type: ignore[misc]
        for name in self.data.names("data/*.parquet"):
            frame = schema.read(self.data.verified(name), schema.improved(recipe.domain))
            arrays = encode.encoded(frame, recipe, vocabulary, "bootstrap", self.number, name)
            encode.save_arrays(artifact, name, arrays, {"rows": len(frame)})
        return {"notation": recipe.notation}

    def _fine_tune(self, artifact: Artifact) -> Json:
        recipe = self.job.recipe
        parent = self.previous.checkpoint.verified_folder("last")  # it has the optimizer's state
        artifact.resume("last/state.ckpt")
        # The same seed for every arm: equal steps and, as far as rows are equal, equal batches.
        run = replace(fine_tuning(recipe), start=str(parent))
        run = train.seeded(run, recipe.seed, "bootstrap", self.number)
        with train.steps(f"fine-tune {self.arm} {self.number}", artifact.folder, run):
            done = train.fitted(artifact, self.ids, recipe.model, run)
        artifact.adopt_folder("last")
        return {"training": done, "parent": self.previous.student.hash}

    def _evaluate(self, artifact: Artifact) -> Json:
        recipe = self.job.recipe
        source = self.job.input("curate").artifact
        problems = split_rows(source, recipe.domain, "validation", self.settings.validation_problems)
        seed = named_seed(recipe.seed, "validation")
        with bar("validate", len(problems)) as advance:
            answers = self.student.answer(problems, 1, greedily(self.settings.sampling), seed, advance)
        columns = _judged()
        artifact.publish(
            "rollouts.parquet", lambda path: schema.write(answers, path, columns, {}), rows=len(answers)
        )
        best = answers.filter(pl.col("verdict").cast(pl.String) == "optimal")
        return {
            "validation": {
                "rule": "greedy",
                "problems": len(answers),
                "optimal": len(best) / max(len(answers), 1),
                "trace_words": best["trace_words"].mean(),
            }
        }


@dataclass(frozen=True)
class _Chunk:
    """Some of a round's rollouts: any process that reads the round's inputs writes the same rows."""

    round: _Round
    names: list[str]

    def __call__(self, at: int) -> None:
        self.round.write_chunk(self.names[at], at)


def _fits(rows: pl.DataFrame, recipe: Recipe) -> pl.Series:
    """Which rows the notation has words for, and the model's context room, by the rule of `encode`."""
    written = recipe.domain.write(rows, recipe.notation, named_rng(0, "fits"))
    fits = written.select(pl.col("response").list.eval(pl.element().is_not_null()).list.all()).to_series()
    arrays = encode.encoded(rows.filter(fits), recipe, encode.vocabulary_of(recipe), "fits")
    return fits.scatter(fits.arg_true(), encode.lengths(arrays) <= recipe.model.context)


def _refuse_traceless(recipe: Recipe) -> None:
    """Refuse a notation in which there is no trace to shorten."""
    domain = recipe.domain
    has_trace = False
    if not recipe.has_values:
        nothing = pl.DataFrame(
            {"response": [[]], "ended": [True]}, schema={"response": pl.List(pl.String), "ended": pl.Boolean}
        )
        has_trace = domain.restore(nothing, recipe.notation)["trace"].null_count() == 0
    if not has_trace:
        raise Refusal(
            f"bootstrap shortens traces, but the notation {recipe.notation} has none: set bootstrap to null"
        )


def _settings(recipe: Recipe) -> Bootstrap:
    assert recipe.bootstrap is not None
    return recipe.bootstrap


def _finished(artifact: Artifact, run_: Callable[[Artifact], Json]) -> Artifact:
    """Finish a part of a round, unless it is."""
    if not artifact.finished():
        artifact.folder.mkdir(parents=True, exist_ok=True)
        artifact.sweep()
        artifact.seal(run_(artifact))
    return artifact


def _judged() -> dict[str, pl.DataType]:
    """The columns of a round's own validation answers."""
    names = ("problem_id", "split_key", "sample", "verdict", "level", "trace_words", "cost")
    every = schema.rollouts(())
    return {name: every[name] for name in names}


def _line(entry: Json) -> str:
    seen = entry["validation"]
    words = f"{seen['trace_words']:.1f}" if seen["trace_words"] is not None else "–"
    ratio = f" ({entry['length_ratio']:.3f} of before)" if entry["length_ratio"] is not None else ""
    return (
        f"round {entry['round']} {entry['arm']:<9} {entry['improved']:.0%} of rows shorter,"
        f" validation optimal {seen['optimal']:.0%},"
        f" trace {words} words{ratio}"
    )


BOOTSTRAP = Stage(
    name="bootstrap",
    version=1,
    about="sample, keep the shortest optimal responses, fine-tune, again",
    needs=lambda recipe: (
        Need(train.TRAIN, recipe),
        Need(encode.ENCODE, recipe),
        Need(curate.CURATE, recipe),
    ),
    settings=settings,
    run=run,
    enough=enough,
    size=lambda job: _settings(job.recipe).rounds * len(_settings(job.recipe).arms),
)
