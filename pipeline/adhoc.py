"""Any checkpoints judged on any problems: other sizes, other data sets, a user's own files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl
from rich.markup import escape

from generators.domain import Domain
from pipeline.answering import Entrant
from pipeline.artifact import Artifact
from pipeline.console import OUT, say, table
from pipeline.errors import Refusal, brief
from pipeline.executor import HERE, Executor
from pipeline.files import Json, digest, file_hash
from pipeline.heartbeat import Heartbeat
from pipeline.provenance import provenance
from pipeline.recipe import Recipe, build, domain_fields, merged, nested
from pipeline.rollouts import Student, stored_hashes
from pipeline.seeds import named_rng
from pipeline.stages.evaluate import judge

WORDS = pl.List(pl.String())
COLUMNS: dict[str, pl.DataType] = {
    "problem_id": pl.String(),
    "split_key": pl.String(),
    "prompt": WORDS,
    "trace": WORDS,
    "answer": WORDS,
    "cost": pl.Int32(),
    "trace_words": pl.Int32(),
}
"""What a file of solved problems must have."""
ASKED = ("problem_id", "split_key", "prompt")
"""Those of them that no row lacks."""


def evaluate(
    checkpoints: Sequence[Path] | None,
    sources: Sequence[str] | None,
    artifacts: Path,
    overrides: Sequence[tuple[str, str]],
    executor: Executor = HERE,
) -> None:
    """Judge every checkpoint on every source; each source has an artifact and a table of its own."""
    if not checkpoints or not sources:
        raise Refusal("evaluate takes --checkpoint and --on together, or --recipe alone")
    students = _students(checkpoints)
    tree: Json = {"name": "evaluate", "domain": domain_fields(students[0].vocabulary.domain)}
    for name, value in overrides:
        tree = merged(tree, nested(name, value))
    recipe = build(tree)
    entrants = [Entrant(f"{at}:{path.name}", 0, path) for at, path in enumerate(checkpoints)]
    for source in sources:
        _show(source, _judged(source, students, entrants, recipe, artifacts, executor))


def _students(checkpoints: Sequence[Path]) -> list[Student]:
    """The checkpoints, all of one domain."""
    students = [Student(path) for path in checkpoints]
    first = students[0].vocabulary.domain.name
    for student in students:
        name = student.vocabulary.domain.name
        if name != first:
            raise Refusal(f"{student.folder} answers {name}, the first one {first}")
    return students


def _judged(
    source: str,
    students: Sequence[Student],
    entrants: Sequence[Entrant],
    recipe: Recipe,
    artifacts: Path,
    executor: Executor,
) -> Artifact:
    """The finished judgement on one source."""
    domain = recipe.domain
    problems = _problems(source, domain, recipe.seed)
    if recipe.evaluate.problems is not None:
        problems = problems.head(recipe.evaluate.problems)
    settings: Json = {
        "checkpoints": [student.hash for student in students],
        # The stored answers too: the same problems may have been solved by another teacher.
        "problems": digest([problems["problem_id"].to_list(), stored_hashes(problems, domain)]),
        "domain": domain_fields(domain),
        "evaluate": asdict(recipe.evaluate),
        "seed": recipe.seed,
    }
    artifact = Artifact(artifacts / "evaluate" / f"{domain.name}-{digest(settings)}")
    if not artifact.finished():
        for student in students:
            student.require_room(problems)
        artifact.folder.mkdir(parents=True, exist_ok=True)
        artifact.sweep()
        with Heartbeat(artifact, "evaluate", source):
            models = executor.for_models(recipe.fit)
            asked, seed = recipe.evaluate, recipe.seed
            facts = judge(artifact, domain, entrants, problems, asked, seed, executor, models)
        about = {
            "stage": "evaluate",
            "source": source,
            "settings": settings,
            "domain": domain_fields(domain),
            "checkpoints": [_told(*each) for each in zip(students, entrants, strict=True)],
        }
        notations = {student.vocabulary.notation for student in students}
        if len(notations) == 1:  # pages tell by it what scores are
            about["notation"] = notations.pop()
        artifact.seal({**about, **facts, "provenance": dict(provenance())})
    return artifact


def _told(student: Student, entrant: Entrant) -> Json:
    """What a reader of the manifest must know of a checkpoint."""
    folder, notation = str(student.folder), student.vocabulary.notation
    return {"label": entrant.label, "folder": folder, "notation": notation, "hash": student.hash}


def _problems(source: str, domain: Domain, seed: int) -> pl.DataFrame:
    """Solved problems of an artifact (a data set's test split), of a Parquet file, or of a user's file."""
    path = Path(source)
    if path.is_dir():
        artifact = Artifact(path)
        made = artifact.manifest
        if made.get("domain", {}).get("name") != domain.name:
            raise Refusal(f"{path} holds no problems of the domain {domain.name}")
        names = artifact.names("data/test-*.parquet") or artifact.names("data/*.parquet")
        if not names:
            raise Refusal(f"{path} is an artifact of the stage {made['stage']}: it holds no problems")
        return pl.concat([_stored(artifact.verified(name)) for name in names])
    if path.suffix == ".parquet" and path.is_file():
        return _stored(path)
    problems = domain.read(source)
    for sentence in domain.skipped(source):
        say("", f"[yellow]{escape(sentence)}[/yellow]")
    return domain.solve(
        problems, named_rng(seed, "evaluate", "teacher", file_hash(path) if path.is_file() else source)
    )


def _stored(path: Path) -> pl.DataFrame:
    """A Parquet file of problems of whatever vocabulary: words come as words."""
    try:
        frame = pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        said = brief(str(error).strip().splitlines()[0], 150)
        raise Refusal(f"{path} is not a Parquet file: {said}") from None
    lacking = COLUMNS.keys() - set(frame.columns)
    if lacking:
        raise Refusal(f"{path} is no data set of this project: it lacks {', '.join(sorted(lacking))}")
    if not len(frame):
        raise Refusal(f"{path} holds no problem")
    # Whether a response stands in training is said of that data set, not of the checkpoint's own.
    frame = frame.drop("seen_in_training", strict=False)
    return frame.with_columns(_typed(frame[name], kind, path) for name, kind in COLUMNS.items())


def _typed(column: pl.Series, kind: pl.DataType, path: Path) -> pl.Series:
    """A column in its type; raises Refusal for one of another, and for problems that are null."""
    found = column.dtype
    inner = found.inner if isinstance(found, pl.List) and isinstance(kind, pl.List) else found
    wanted = kind.inner if isinstance(kind, pl.List) else kind
    alike = isinstance(found, pl.List) == isinstance(kind, pl.List) and (
        inner in (pl.String, pl.Categorical, pl.Enum) if wanted == pl.String else inner.is_integer()
    )
    if not (alike or found == pl.Null) or (column.name in ASKED and column.has_nulls()):
        raise Refusal(f"{path} is no data set of this project: its column {column.name} is {brief(found)}")
    return column.cast(kind)


def _cell(item: Any) -> str:
    return f"{item:.3f}" if isinstance(item, float) else "–" if item is None else str(item)


def _show(source: str, artifact: Artifact) -> None:
    facts = artifact.manifest
    wanted = ("optimal", "solved", "swc")
    rows = []
    for row in (*facts["metrics"], *facts["rivals"]):
        chosen = row["own"] or row["metric"].lower().startswith(wanted)
        if chosen and row["subset"] == "all" and row["value"] is not None:
            interval = f"{row['low']:.3f}-{row['high']:.3f}" if row["low"] is not None else "–"
            rows.append((row["label"], row["metric"], row["rule"], f"{row['value']:.3f}", interval))
    OUT.print(
        table(
            f"{facts['problems']} problems of {source}",
            ("checkpoint", "metric", "rule", "value", "95 %"),
            rows,
            3,
        )
    )
    for made in facts["tables"]:
        cells = [[_cell(item) for item in line] for line in made["rows"]]
        OUT.print(table(f"{made['title']}: {made['label']}", made["columns"], cells, 1))
    say("", f"[dim]{artifact.place}[/dim]")
