"""Draw problems, run the teacher, judge every row, write shards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import polars as pl
from rich.markup import escape

from generators.domain import JUDGEMENT, BadProblem, Domain, Hung, problem_columns, solution_columns
from generators.installed import package_of
from pipeline import schema
from pipeline.artifact import Artifact
from pipeline.begun import begin, end
from pipeline.card import drawn_card
from pipeline.console import bar, say
from pipeline.errors import Refusal
from pipeline.files import Json, file_hash
from pipeline.foreign import blamed, require_columns
from pipeline.given import given
from pipeline.recipe import Recipe, domain_fields
from pipeline.seeds import named_rng
from pipeline.stage import Job, Options, Stage, at_work, tell_finished

TOLD = 20
"""Remarks on single problems that the terminal shows; the manifest has all."""


def shard_name(shard: int) -> str:
    """File name of a shard."""
    return f"data/part-{shard:05d}.parquet"


def settings(recipe: Recipe) -> Json:
    """The size of a shard decides what stands in it, the number of shards does not."""
    late = recipe.domain.late
    domain = {name: knob for name, knob in domain_fields(recipe.domain).items() if name not in late}
    for name in recipe.domain.files:
        if domain[name]:
            domain[name] = _file_identity(name, domain[name])
    problems = given(recipe)
    return {
        "domain": domain,
        "seed": recipe.seed,
        "shard_rows": problems.shard_rows if problems else recipe.generate.shard_rows,
        "identity": {**recipe.domain.identity(), **_package(recipe.domain)},
        **({"problems": problems.identity} if problems else {}),
    }


def _package(domain: Domain) -> Json:
    """The version of an installed package decides its labels; that of this project is `Stage.version`."""
    package = package_of(domain.name)
    return {"package": package} if package else {}


def shards(recipe: Recipe) -> int:
    """How many shards the recipe asks for."""
    problems = given(recipe)
    if problems is not None:
        return problems.shards
    if recipe.domain.source:
        return -(-len(_source_rows(recipe.domain)) // recipe.generate.shard_rows)
    return recipe.generate.shards


def run(job: Job) -> Json:
    """Write the shards that are missing."""
    recipe, artifact = job.recipe, job.artifact
    todo = range(shards(recipe))
    wanted = [shard for shard in todo if job.options.shards is None or shard in job.options.shards]
    missing = [shard for shard in wanted if artifact.written(shard_name(shard)) is None]
    identity = job.settings["identity"]
    task = WriteShard(recipe, artifact.folder, job.fingerprint, job.options.skip_hung, identity)
    with bar("generate", len(wanted), len(wanted) - len(missing)) as advance:
        for _ in job.options.executor.over(task, missing, job.artifact):
            advance()
    made = facts(job)
    if job.options.shards is None:  # of one that is made in parts, `seal` draws the card
        _card(job, made)
    _tell(made)
    return made


def _card(job: Job, made: Json) -> None:
    """The card of the shards that are there."""
    names = [name for shard in range(shards(job.recipe)) if job.artifact.written(name := shard_name(shard))]
    drawn_card(job.artifact, job.recipe, names, made, job.settings["identity"])


def _tell(made: Json) -> None:
    """What a user should hear of single problems."""
    for remark in made["remarks"][:TOLD]:
        say("", f"[yellow]{escape(remark)}[/yellow]")
    if len(made["remarks"]) > TOLD:
        say("", f"[yellow]and {len(made['remarks']) - TOLD:,} more: `remarks` in the manifest[/yellow]")
    if made["hung"]:
        say("", f"[yellow]{len(made['hung'])} problems hung and are left out: not reproducible[/yellow]")


def facts(job: Job) -> Json:
    """What the manifest says of the shards that are there."""
    entries = [
        entry for shard in range(shards(job.recipe)) if (entry := job.artifact.written(shard_name(shard)))
    ]
    rows = sum(entry["rows"] for entry in entries)
    words = sum(entry["words"] for entry in entries)
    exact = sum(entry["sound"] for entry in entries)
    # Sidecars of an earlier version say nothing of single problems.
    hung = [problem for entry in entries for problem in entry.get("hung", ())]
    stored = given(job.recipe)
    return {
        **({"problems": stored.about} if stored else {}),
        "rows": rows,
        "words": words,
        "shards": len(entries),
        "remarks": [
            *(job.recipe.domain.skipped(job.recipe.domain.source) if job.recipe.domain.source else ()),
            *[remark for entry in entries for remark in entry.get("remarks", ())],
        ],
        "hung": hung,
        "reproducible": not hung and (stored is None or stored.reproducible),
        "summary": f"{rows:,} rows in {len(entries)} shards, {words:,} words,"
        f" {exact / max(rows, 1):.1%} verified",
    }


def enough(job: Job) -> bool:
    """Whether a finished artifact has all the shards that the recipe asks for."""
    files = job.artifact.manifest["files"]
    return all(shard_name(shard) in files for shard in range(shards(job.recipe)))


@dataclass(frozen=True)
class WriteShard:
    """A shard is a pure function of the recipe and its number: any worker may write it, twice if need be."""

    recipe: Recipe
    folder: Path
    fingerprint: str
    skip_hung: bool = False
    identity: Json | None = None
    """The teacher's, as the run began; None does not ask. Another machine may have another engine."""

    def __call__(self, shard: int) -> int:
        """Write the shard; gives its rows. Raises Refusal where the teacher is another one."""
        made_from = settings(self.recipe)
        if self.identity not in (None, made_from["identity"]):
            raise Refusal(
                f"the teacher here is another one: {made_from['identity']}, where the run has {self.identity}"
            )
        frame, hung = solved_shard(self.recipe, shard, self.skip_hung)
        columns = schema.traces(self.recipe.domain)
        words = sum(int(frame[name].list.len().sum()) for name in ("prompt", "trace", "answer"))
        Artifact(self.folder).publish(
            shard_name(shard),
            lambda path: schema.write(
                frame,
                path,
                columns,
                {"fingerprint": self.fingerprint, **made_from},
                self.recipe.domain.compression,
            ),
            rows=len(frame),
            words=words,
            sound=int(((frame["verdict"] == "optimal") & (frame["level"].is_in(["sound", "exact"]))).sum()),
            remarks=self.recipe.domain.remarks(frame),
            hung=hung,
        )
        return len(frame)


def solved_shard(recipe: Recipe, shard: int, skip_hung: bool = False) -> tuple[pl.DataFrame, list[str]]:
    """The rows of a shard: drawn (or read, or given), solved and judged; a pure function of recipe and shard.

    With `skip_hung` also the ids of problems that are left out, since their teacher hung.
    """
    with blamed(recipe.domain):
        return _made(recipe, shard, skip_hung)


def _made(recipe: Recipe, shard: int, skip_hung: bool) -> tuple[pl.DataFrame, list[str]]:
    domain, size = recipe.domain, recipe.generate.shard_rows
    stored = given(recipe)
    if stored is not None:
        problems = stored.problems(shard, domain)
    elif domain.source:
        problems = _source_rows(domain).slice(shard * size, size)
    else:
        problems = domain.problems(named_rng(recipe.seed, domain.name, "problems", shard), size)
    teacher = partial(named_rng, recipe.seed, domain.name, "teacher", shard)
    solved, hung = _solved(domain, problems, teacher, skip_hung)
    alphabet = domain.alphabet(domain.notations[0])
    columns = {**problem_columns(alphabet), **solution_columns(alphabet), **domain.columns}
    require_columns(domain, solved, columns, "solve")
    judged = domain.check(solved, solved.select("trace", "answer", ended=pl.lit(True)))
    require_columns(domain, judged, JUDGEMENT, "check")
    rows = solved.with_columns(
        judged["verdict"],
        judged["level"],
        seed=pl.lit(recipe.seed, pl.Int64),
        shard=pl.lit(shard, pl.Int32),
        row=pl.int_range(len(solved), dtype=pl.Int32),
    )
    return rows, hung


def _solved(
    domain: Domain, problems: pl.DataFrame, teacher: Callable[[], np.random.Generator], skip_hung: bool
) -> tuple[pl.DataFrame, list[str]]:
    """Solved problems, and with `skip_hung` the ids of those left out; each try can hang on further ones."""
    hung: list[str] = []
    while True:
        try:
            return domain.solve(problems, teacher()), hung
        except Hung as cause:
            if not (skip_hung and cause.rows):
                raise
            hung.extend(problems["problem_id"][list(cause.rows)])
            problems = problems.filter(~pl.int_range(pl.len()).is_in(cause.rows))


def _file_identity(knob: str, name: str) -> str:
    path = Path(name)
    if not path.is_file():
        raise Refusal(f"domain.{knob}: there is no file {name}")
    return file_hash(path)


@cache
def _source_rows(domain: Domain) -> pl.DataFrame:
    rows = domain.read(domain.source)
    if rows.is_empty():
        raise BadProblem(f"{domain.source} holds no problem")
    return rows


def some(recipe: Recipe, options: Options) -> None:
    """Make some shards and leave the artifact open; `distill seal` finishes it."""
    job = Job(GENERATE, recipe, options)
    beyond = [shard for shard in options.shards or () if shard >= shards(recipe)]
    if beyond:
        raise Refusal(f"--shards: there is no shard {beyond[0]}; the recipe asks for 0-{shards(recipe) - 1}")
    job.artifact.folder.mkdir(parents=True, exist_ok=True)
    job.artifact.sweep(among_others=True)
    begin(job)
    job.artifact.save()  # what a killed run had made here and not sent yet
    with at_work(job):
        made = run(job)
    say("generate", f"{made['shards']} of {shards(recipe)} shards stand; `distill seal` finishes when all do")
    say("", f"[dim]{job.artifact.place}[/dim]")


def seal(job: Job) -> None:
    """Finish an artifact whose shards were made in several runs; refuses while some are missing."""
    if job.finished():
        tell_finished(job)
        return
    missing = [
        shard for shard in range(shards(job.recipe)) if job.artifact.written(shard_name(shard)) is None
    ]
    if missing:
        listed = ", ".join(map(str, missing[:10])) + (" ..." if len(missing) > 10 else "")
        raise Refusal(
            f"{job.artifact.place} lacks {len(missing)} of {shards(job.recipe)} shards: {listed}.\n"
            f"Make them with `distill generate --recipe ... --shards {missing[0]}-{missing[-1]}`."
        )
    job.artifact.sweep()  # those who make shards leave that to the end: others may be at work beside them
    made = {**facts(job), "seconds": None}
    _card(job, made)
    end(job.artifact)
    job.artifact.seal(job.manifest(made))
    say("seal", f"{made['summary']} [dim]{job.artifact.place}[/dim]")


GENERATE = Stage(
    name="generate",
    version=1,
    about="draw problems, run the teacher, verify, write Parquet shards",
    needs=lambda _: (),
    settings=settings,
    run=run,
    enough=enough,
    size=lambda job: shards(job.recipe),
)
