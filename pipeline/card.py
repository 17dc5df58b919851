"""The data card: the README.md of a data set, in the form that the Hugging Face hub reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from pipeline.artifact import Json
from pipeline.recipe import Recipe

NOT_REPRODUCIBLE = """
**Not reproducible**: problems over which the engine hung are left out (`hung` in the manifest of `generate`).
"""


def folder_card(title: str, about: str, configs: Mapping[str, Mapping[str, str]]) -> str:
    """A short card: what a folder holds, and which files `load_dataset(folder)` reads for which split."""
    head = {"license": "apache-2.0", "configs": _configs(configs)}
    return f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n# {title}\n\n{about}\n"


def _configs(configs: Mapping[str, Mapping[str, str]]) -> list[Json]:
    return [
        {
            "config_name": name,
            "data_files": [{"split": split, "path": pattern} for split, pattern in files.items()],
        }
        for name, files in configs.items()
    ]


def data_card(recipe: Recipe, facts: Json, baselines: Sequence[Mapping[str, Any]]) -> str:
    """Markdown with `configs:`, so that `datasets.load_dataset(folder)` finds the splits."""
    splits = [name for name in ("train", "validation", "test") if facts["rows"][name]]
    head = {
        "pretty_name": f"{recipe.name}: search traces ({recipe.domain.name})",
        "license": "apache-2.0",
        "tags": ["search-traces", recipe.domain.name],
        "configs": _configs(
            {
                "default": {name: f"data/{name}-*.parquet" for name in splits},
                **({"rejected": {"train": "rejected/*.parquet"}} if facts["rejected"] else {}),
            }
        ),
    }
    knobs = "\n".join(
        f"| {key} | `{value}` |" for key, value in recipe.domain.__dict__.items() if value != ""
    )
    counts = "\n".join(f"| {name} | {facts['rows'][name]:,} |" for name in facts["rows"])
    dropped = (
        "\n".join(f"| {reason} | {count:,} |" for reason, count in facts["rejected"].items())
        or "| none | 0 |"
    )
    known = "\n".join(f"| {row['measure']} | {_figure(row['value'])} | {row['note']} |" for row in baselines)
    return f"""---
{yaml.safe_dump(head, sort_keys=False).strip()}
---
# {recipe.name}

{recipe.about}

One row a problem: `prompt`, `trace` (what the solver did) and `answer` are lists of words; `cost` is the
optimal cost, `trace_words` the length of the trace, `verdict` and `level` what an independent verifier says.

| split | rows |
|---|---:|
{counts}

Splits follow the hash of `split_key`. Problems in two splits: {facts["problem_overlap"]}. Test responses that
stand verbatim in training under another split key: {facts["response_overlap"]:.2%} (`seen_in_training`).

| left out because | rows |
|---|---:|
{dropped}

## What a reader must know
| measure | value | note |
|---|---:|---|
{known}

## Teacher
| knob of `{recipe.domain.name}` | value |
|---|---|
{knobs}

Seed {recipe.seed}, shards of {recipe.generate.shard_rows:,} rows. `manifest.json` has hashes and provenance.
{"" if facts["reproducible"] else NOT_REPRODUCIBLE}"""


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
