"""Words to ids: flat memory-mapped arrays, the vocabulary and the tokenizer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline import schema
from pipeline.artifact import Artifact
from pipeline.console import bar
from pipeline.errors import Refusal
from pipeline.files import Json
from pipeline.identity import keys
from pipeline.recipe import Recipe
from pipeline.seeds import named_rng
from pipeline.stage import Job, Need, Stage
from pipeline.stages import curate
from pipeline.vocabulary import BOS, COMPANIONS, EOS, Vocabulary

IDS = "ids"
"""The folder that the trainers read."""
LAST = "keys"
"""The array of a data file that is written last; its sidecar has the facts about the file."""

Arrays = dict[str, NDArray[Any]]


def settings(recipe: Recipe) -> Json:
    """The context decides what is left out, and only where leaving out is allowed."""
    refuse = recipe.encode.too_long == "refuse"
    return {
        **recipe.late,
        "notation": recipe.notation,
        "seed": recipe.seed,
        "context": recipe.model.context if refuse else None,
        "buckets": recipe.fit.values.buckets if recipe.has_values else None,
    }


def run(job: Job) -> Json:
    """Encode every file of the data set."""
    source = job.input("curate").artifact
    names = source.names("data/*.parquet")
    vocabulary = vocabulary_of(job.recipe)
    save_vocabulary(vocabulary, job.artifact)
    missing = [at for at, name in enumerate(names) if not complete(job.artifact, name)]
    task = _Task(job.recipe, source, job.artifact.folder, names)
    with bar("encode", len(names), len(names) - len(missing)) as advance:
        for _ in job.options.executor.over(task, missing, job.artifact):
            advance()
    return _facts(job, names, vocabulary)


def complete(artifact: Artifact, name: str) -> bool:
    """Whether every array of a data file stands: the last one written names the others."""
    last = artifact.written(_array(name, LAST))
    return last is not None and all(artifact.written(_array(name, kind)) for kind in last["arrays"])


def save_vocabulary(vocabulary: Vocabulary, artifact: Artifact) -> None:
    """Put the vocabulary and the tokenizer beside the ids."""
    vocabulary.save(artifact.folder / IDS)
    artifact.adopt(*[f"{IDS}/{name}" for name in COMPANIONS if (artifact.folder / IDS / name).is_file()])


def vocabulary_of(recipe: Recipe) -> Vocabulary:
    """The vocabulary of a recipe's notation, with value buckets where the notation has values."""
    return Vocabulary(recipe.domain, recipe.notation, recipe.fit.values.buckets if recipe.has_values else 0)


def encoded(frame: pl.DataFrame, recipe: Recipe, vocabulary: Vocabulary, *names: str | int) -> Arrays:
    """The arrays of one file: prompts from `bos`, responses up to `eos`, or candidates with values."""
    examples = recipe.domain.write(frame, recipe.notation, named_rng(recipe.seed, "write", *names))
    prompt_ids, prompt_offsets = vocabulary.ids(examples["prompt"])
    prompts, prompt_offsets = _framed(prompt_ids, prompt_offsets, BOS, None)
    arrays: Arrays = {"prompts": prompts, "prompt_offsets": prompt_offsets}
    rows = np.arange(len(frame), dtype=np.int32)
    if "values" in examples.columns:
        counts = examples["values"].list.len().to_numpy()
        flat, offsets = vocabulary.ids(examples["candidates"].explode(empty_as_null=False))
        arrays |= {"responses": flat, "response_offsets": offsets, "rows": np.repeat(rows, counts)}
        arrays["values"] = examples["values"].explode(empty_as_null=False).cast(pl.Float32).to_numpy()
    else:
        flat, offsets = _framed(*vocabulary.ids(examples["response"]), None, EOS)
        arrays |= {"responses": flat, "response_offsets": offsets, "rows": rows}
    arrays["keys"] = keys(frame["problem_id"])
    return arrays


def lengths(arrays: Arrays) -> NDArray[np.int64]:
    """Tokens of every example: prompt and response."""
    prompts = np.diff(arrays["prompt_offsets"])
    made: NDArray[np.int64] = prompts[arrays["rows"]] + np.diff(arrays["response_offsets"])
    return made


@dataclass(frozen=True)
class _Task:
    """Encode one file of the data set."""

    recipe: Recipe
    source: Artifact
    folder: Path
    names: list[str]

    def __call__(self, at: int) -> None:
        name = self.names[at]
        recipe, context = self.recipe, self.recipe.model.context
        columns = schema.dataset(recipe.domain)
        frame = schema.read(self.source.verified(name), columns)
        vocabulary = vocabulary_of(recipe)
        arrays = encoded(frame, recipe, vocabulary, name)
        refused = 0
        if recipe.encode.too_long == "refuse":
            fits = np.ones(len(frame), bool)
            fits[arrays["rows"][lengths(arrays) > context]] = False
            refused = int((~fits).sum())
            if refused:
                frame = frame.filter(fits)
                arrays = encoded(frame, recipe, vocabulary, name)
        sizes = lengths(arrays)
        worst = int(sizes.argmax()) if sizes.size else 0
        note = {
            "rows": len(frame),
            "examples": len(sizes),
            "tokens": int(sizes.sum()),
            "refused": refused,
            "longest": int(sizes.max(initial=0)),
            "longest_problem": frame["problem_id"][int(arrays["rows"][worst])] if sizes.size else None,
            "too_long": int((sizes > context).sum()),
            "context": context,
        }
        save_arrays(Artifact(self.folder), name, arrays, note)


def save_arrays(artifact: Artifact, name: str, arrays: Arrays, note: Json) -> None:
    """Publish the arrays of one data file; the last one carries the facts and so marks the file as done."""
    kinds = [*[kind for kind in arrays if kind != LAST], LAST]
    note = {**note, "arrays": kinds}
    for kind in kinds:
        array = np.ascontiguousarray(arrays[kind])

        def write(path: Path, array: NDArray[Any] = array) -> None:
            with path.open("wb") as stream:
                np.save(stream, array)

        artifact.publish(_array(name, kind), write, **(note if kind == LAST else {}))


def _stem(name: str) -> str:
    """`data/train-00003-of-00010.parquet` -> `train-00003`."""
    return "-".join(Path(name).stem.split("-")[:2])


def _array(name: str, kind: str) -> str:
    return f"{IDS}/{_stem(name)}.{kind}.npy"


def _framed(
    flat: NDArray[Any], offsets: NDArray[np.int64], before: int | None, after: int | None
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Rows with an id put before or after each of them."""
    extra = (before is not None) + (after is not None)
    moved = offsets + extra * np.arange(len(offsets))
    made = np.empty(moved[-1], flat.dtype)
    place = (
        np.arange(len(flat)) + np.repeat(moved[:-1] - offsets[:-1], np.diff(offsets)) + (before is not None)
    )
    made[place] = flat
    if before is not None:
        made[moved[:-1]] = before
    if after is not None:
        made[moved[1:] - 1] = after
    return made, moved


def _facts(job: Job, names: list[str], vocabulary: Vocabulary) -> Json:
    entries = {name: job.artifact.written(_array(name, LAST)) or {} for name in names}
    worst = max(entries.values(), key=lambda entry: entry["longest"])
    facts = {
        "notation": job.recipe.notation,
        "vocabulary": len(vocabulary.words),
        "examples": sum(entry["examples"] for entry in entries.values()),
        "tokens": sum(entry["tokens"] for entry in entries.values()),
        "refused": sum(entry["refused"] for entry in entries.values()),
        "longest": worst["longest"],
        "longest_problem": worst["longest_problem"],
        "lengths": {_stem(name): entry["longest"] for name, entry in entries.items()},
    }
    # A file that was encoded before a context was refused has counted by that one.
    counted = all(entry["context"] == job.recipe.model.context for entry in entries.values())
    too_long = sum(entry["too_long"] for entry in entries.values()) if counted else None
    require_context(job.recipe, facts, too_long)
    facts["summary"] = (
        f"{facts['tokens']:,} tokens of {len(vocabulary.words)} words ({job.recipe.notation}),"
        f" longest row {facts['longest']}, {facts['refused']} rows too long"
    )
    return facts


def require_context(recipe: Recipe, facts: Json, too_long: int | None = None) -> None:
    """Refuse a context that is shorter than the longest row, naming the row and by how much."""
    context = recipe.model.context
    if facts["longest"] <= context:
        return
    count = f" ({too_long:,} rows are too long)" if too_long else ""
    raise Refusal(
        f"model.context is {context}, but the row of problem {facts['longest_problem']}"
        f" has {facts['longest']} tokens"
        f" in notation {recipe.notation}, {facts['longest'] - context} more{count}.\n"
        f"Set model.context to {-(-facts['longest'] // 64) * 64}, or encode.too_long to refuse"
        " to leave such rows out."
    )


ENCODE = Stage(
    name="encode",
    version=1,
    about="words to flat memory-mapped ids, vocabulary, tokenizer",
    needs=lambda recipe: (Need(curate.CURATE, recipe),),
    settings=settings,
    run=run,
)
