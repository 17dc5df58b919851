"""The cards of data sets: as drawn by `generate`, as curated, and as a bootstrap round has made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from pipeline import schema
from pipeline.artifact import Artifact
from pipeline.card import markdown
from pipeline.card.examples import examples
from pipeline.card.histogram import histogram
from pipeline.card.light import Light
from pipeline.card.markdown import code, table, text
from pipeline.card.pictures import Pictures
from pipeline.card.statistics import counts, left_out, splits, spread
from pipeline.files import Json, write_text
from pipeline.page.numbers import MISSING
from pipeline.provenance import provenance
from pipeline.recipe import Recipe

ROW = """One row a problem: `prompt`, `trace` (what the solver did) and `answer` are lists of words;
`cost` is the optimal cost, `trace_words` the length of the trace, `verdict` and `level` what an
independent verifier says."""

NOT_REPRODUCIBLE = (
    "**Not reproducible**: problems over which the engine hung are left out"
    " (`hung` in the manifest of `generate`)."
)


def drawn_card(
    artifact: Artifact, recipe: Recipe, names: Sequence[str], facts: Json, identity: Mapping[str, str]
) -> None:
    """Write the card of problems as `generate` makes them; `names` are its complete shards."""
    domain = recipe.domain
    light = Light(artifact, names, domain, schema.traces(domain))
    pictures = Pictures(artifact)
    about = "Shards of one row a problem, before duplicates are dropped and splits assigned."
    write_text(
        artifact.folder / "README.md",
        markdown.page(
            markdown.head({"default": {"train": "data/part-*.parquet"}}, {}),
            f"# {text(domain.name)}: problems as drawn, solved and judged",
            about,
            _given(facts),
            ROW,
            f"{facts['rows']:,} rows in {facts['shards']:,} shards, {facts['words']:,} words in all.",
            *_seen(light, pictures, light.rows),
            _teacher(recipe, identity, {"drawn and solved": provenance()["commit"]}),
            "" if facts["reproducible"] else NOT_REPRODUCIBLE,
        ),
    )
    pictures.clear()


def _given(facts: Json) -> str:
    """Where the problems are from, if another artifact gave them."""
    found = facts.get("problems")
    return (
        ""
        if found is None
        else (
            f"The problems were not drawn: they are those of {code(Path(found['folder']).name)}, a finished"
            f" `{found['stage']}`, solved by another teacher."
        )
    )


def curated_card(artifact: Artifact, recipe: Recipe, names: Sequence[str], facts: Json, drawn: Json) -> None:
    """Write the card of the data set from its files of kept rows; `drawn` is the manifest of `generate`."""
    domain = recipe.domain
    light = Light(artifact, names, domain, schema.dataset(domain))
    pictures = Pictures(artifact)
    kept = [name for name in ("train", "validation", "test") if facts["rows"][name]]
    configs = {"default": {name: f"data/{name}-*.parquet" for name in kept}}
    if facts["rejected"]:
        configs["rejected"] = {"train": "rejected/*.parquet"}
    more = {
        "pretty_name": f"{recipe.name}: search traces ({domain.name})",
        "tags": ["search-traces", domain.name],
    }
    total = sum(facts["rows"].values()) + sum(facts["rejected"].values())
    training = [at for at, name in enumerate(names) if name.startswith("data/train-")]
    among = light.rows.filter(pl.col("file").is_in(training)) if training else light.rows
    overlap = (
        f"Splits follow the hash of `split_key`. Problems in two splits: {facts['problem_overlap']:,}. Test"
        " responses that\nstand verbatim in training under another split key:"
        f" {facts['response_overlap']:.2%} (`seen_in_training`)."
    )
    commits = {
        "drawn and solved": drawn.get("provenance", {}).get("commit"),
        "curated": provenance()["commit"],
    }
    write_text(
        artifact.folder / "README.md",
        markdown.page(
            markdown.head(configs, more),
            f"# {text(recipe.name)}",
            text(recipe.about),
            ROW,
            splits(facts["rows"]),
            overlap,
            left_out(facts["rejected"], total),
            *_seen(light, pictures, among),
            _known(facts["baselines"]),
            _teacher(recipe, drawn.get("settings", {}).get("identity", {}), commits),
            "" if facts["reproducible"] else NOT_REPRODUCIBLE,
        ),
    )
    pictures.clear()


def round_card(artifact: Artifact, recipe: Recipe, names: Sequence[str], arm: str, number: int) -> None:
    """Write the card of the training rows that a round of a bootstrap has made."""
    domain = recipe.domain
    light = Light(artifact, names, domain, schema.improved(domain))
    pictures = Pictures(artifact)
    shorter = light.rows.filter(pl.col("trace_words") < pl.col("previous_words"))
    write_text(
        artifact.folder / "README.md",
        markdown.page(
            markdown.head({"default": {"train": "data/train-*.parquet"}}, {}),
            f"# {text(recipe.name)}: round {number} of the arm {text(arm)}",
            "Training rows of a bootstrap round: `origin` says whose trace a row has, `previous_words` how"
            " long it was before.",
            f"{len(light.rows):,} rows, {len(shorter):,} of them with a shorter trace than before the round.",
            counts(light.rows, ["origin"], ["trace by"]),
            *_seen(light, pictures, light.rows, "after the round"),
            f"Commit of this code: {code(provenance()['commit'] or 'unknown')}. `manifest.json` has hashes.",
        ),
    )
    pictures.clear()


def _seen(light: Light, pictures: Pictures, among: pl.DataFrame, before: str = "") -> list[str]:
    """Examples, a histogram and statistics, as every card of a data set has them."""
    if among.is_empty():
        return []
    return [
        "## Examples",
        examples(light, pictures, among),
        "## Statistics",
        counts(light.rows, ["verdict", "level"], ["verdict", "trace"]),
        _lengths(light, pictures, before),
        spread(light),
    ]


def _lengths(light: Light, pictures: Pictures, after: str) -> str:
    words = light.rows["trace_words"]
    if not words.count() or not words.max():
        return ""
    title = f"Trace lengths of {len(words):,} rows, in words"
    area, line = ("rows", words), None
    if after:
        area, line = ("before the round", light.rows["previous_words"]), (after, words)
    alt = f"Histogram of the trace words of {len(words):,} rows"
    return pictures.add("lengths", histogram(title, "trace words", area, line), alt)


def _known(baselines: Sequence[Mapping[str, Any]]) -> str:
    lines = [[text(row["measure"]), _figure(row["value"]), text(row["note"])] for row in baselines]
    return f"## What a reader must know\n\n{_noted(lines)}" if lines else ""


def _noted(lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(
        ["| measure | value | note |", "|---|---:|---|", *(f"| {' | '.join(line)} |" for line in lines)]
    )


def _teacher(recipe: Recipe, identity: Mapping[str, str], commits: Mapping[str, str | None]) -> str:
    """The solver: its engine and version, the knobs, and the code that drew and curated."""
    lines = [[text(name), code(value)] for name, value in identity.items()]
    lines += [[f"commit, {name}", code(commit or "unknown")] for name, commit in commits.items()]
    known = table(["", "made by"], lines, left=2)
    knobs = [[text(name), code(value)] for name, value in recipe.domain.__dict__.items() if value != ""]
    listed = table([f"knob of {code(recipe.domain.name)}", "value"], knobs, left=2)
    size = f"{recipe.generate.shard_rows:,}"
    seed = f"Seed {recipe.seed}, shards of {size} rows. `manifest.json` has hashes and provenance."
    return "\n\n".join(["## Teacher", known, listed, seed])


def _figure(value: float | None) -> str:
    return MISSING if value is None else f"{value:.4g}"
