"""The data stages: any worker count, order, interruption or later top-up gives the same bytes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from generators import domain as domains
from pipeline import schema
from pipeline.cli import main
from pipeline.errors import Damaged, Refusal
from pipeline.recipe import Recipe, build
from pipeline.seeds import SPLITS, named_rng
from pipeline.stage import Job, Options, make
from pipeline.stages import encode, generate
from pipeline.stages.curate import CURATE
from pipeline.stages.encode import ENCODE
from pipeline.stages.generate import GENERATE
from pipeline.vocabulary import Vocabulary

TREE = {
    "name": "test",
    "domain": {"name": "maze", "width": 5, "height": 4, "attempts_per_layout": 5},
    "generate": {"rows": 240, "shard_rows": 60},
    "curate": {"validation": 0.1, "test": 0.2, "file_rows": 50},
    "encode": {"notation": "cells"},
}


def recipe(**changes: object) -> Recipe:
    return build({**TREE, **changes})


def options(folder: Path, workers: int = 1) -> Options:
    return Options(folder, workers)


def data_bytes(job: Job) -> dict[str, bytes]:
    return {name: (job.artifact.folder / name).read_bytes() for name in job.artifact.manifest["files"]}


@pytest.fixture(autouse=True)
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(domains.DOMAINS, "counting", "tiny:Counting")


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return make(Job(ENCODE, recipe(), options(tmp_path_factory.mktemp("artifacts"))))


def test_worker_count_does_not_change_a_byte(encoded: Job, tmp_path: Path) -> None:
    other = make(Job(ENCODE, recipe(), options(tmp_path, workers=2)))
    assert data_bytes(other) == data_bytes(encoded)
    for stage in (GENERATE, CURATE):
        ours, theirs = (Job(stage, recipe(), options(at)) for at in (encoded.options.artifacts, tmp_path))
        assert data_bytes(ours) == data_bytes(theirs)


def test_more_rows_are_more_shards_of_the_same_data_set(encoded: Job, tmp_path: Path) -> None:
    small, large = recipe(generate={"rows": 100, "shard_rows": 60}), recipe()
    first = make(Job(GENERATE, small, options(tmp_path)))
    assert first.artifact.manifest["rows"] == 120
    files = {
        name: (first.artifact.folder / name).stat().st_mtime_ns
        for name in data_bytes(first)
        if name.startswith("data/")  # the card's pictures are of all rows
    }
    second = make(Job(GENERATE, large, options(tmp_path)))
    assert second.artifact.folder == first.artifact.folder
    assert all((second.artifact.folder / name).stat().st_mtime_ns == old for name, old in files.items())
    assert data_bytes(second) == data_bytes(Job(GENERATE, large, encoded.options))
    again = make(Job(GENERATE, small, options(tmp_path)))
    assert again.artifact.manifest["shards"] == 4


def test_shards_made_apart_are_sealed_into_the_same_data_set(encoded: Job, tmp_path: Path) -> None:
    for shards in ((2, 3), (0,)):
        generate.some(recipe(), replace(options(tmp_path), shards=shards))
    job = Job(GENERATE, recipe(), options(tmp_path))
    with pytest.raises(Refusal, match="lacks 1 of 4 shards: 1"):
        generate.seal(job)
    generate.some(recipe(), replace(options(tmp_path), shards=(1,)))
    generate.seal(job)
    assert data_bytes(job) == data_bytes(Job(GENERATE, recipe(), encoded.options))
    sealed = {path: path.stat().st_mtime_ns for path in job.artifact.folder.rglob("*")}
    generate.seal(Job(GENERATE, recipe(), options(tmp_path)))  # as when it was killed just after
    assert {path: path.stat().st_mtime_ns for path in job.artifact.folder.rglob("*")} == sealed
    assert main(["inspect", str(job.artifact.folder), "--rows", "1"]) == 0
    with pytest.raises(Refusal, match="no shard 9"):
        generate.some(recipe(), replace(options(tmp_path), shards=(9,)))


def test_another_teacher_solves_the_very_same_problems() -> None:
    tied = recipe(domain={**TREE["domain"], "ties": "searchformer"})  # type: ignore[dict-item]
    ours, theirs = generate.solved_shard(recipe(), 1)[0], generate.solved_shard(tied, 1)[0]
    assert ours["problem_id"].equals(theirs["problem_id"])
    assert ours["prompt"].equals(theirs["prompt"])
    assert not ours["trace"].equals(theirs["trace"])
    assert theirs["choice_bits"].null_count() == len(theirs)
    assert ours["choice_bits"].null_count() == 0


def test_every_row_is_verified_and_splits_do_not_overlap(encoded: Job) -> None:
    job = Job(CURATE, recipe(), encoded.options)
    columns = schema.dataset(recipe().domain)
    rows = pl.concat(
        [schema.read(job.artifact.verified(name), columns) for name in job.artifact.names("data/*")]
    )
    assert rows["verdict"].unique().to_list() == ["optimal"]
    assert rows["level"].unique().to_list() == ["exact"]
    assert rows["problem_id"].is_unique().all()
    assert rows.group_by("split_key").agg(pl.col("split").n_unique())["split"].max() == 1
    assert set(rows["split"]) == set(SPLITS)
    assert job.artifact.manifest["problem_overlap"] == 0
    for name in job.artifact.names("data/*"):
        assert set(schema.read(job.artifact.folder / name, columns)["split"]) == {
            Path(name).name.split("-")[0]
        }


def test_duplicates_across_shards_are_kept_apart_with_their_reason(tmp_path: Path) -> None:
    """Of the 100 sums up to 9 + 9, 400 draws hold most and most of them several times."""
    sums = recipe(domain={"name": "counting"}, encode={}, generate={"rows": 400, "shard_rows": 100})
    job = make(Job(CURATE, sums, options(tmp_path)))
    facts = job.artifact.manifest
    kept = sum(facts["rows"].values())
    assert facts["rejected"] == {"duplicate": 400 - kept}
    assert 90 < kept <= 100
    names = job.artifact.names("rejected/*.parquet")
    rejected = pl.concat(
        [schema.read(job.artifact.folder / name, schema.rejected(sums.domain)) for name in names]
    )
    assert len(rejected) == 400 - kept
    more = make(
        Job(
            CURATE,
            recipe(domain={"name": "counting"}, encode={}, generate={"rows": 500, "shard_rows": 100}),
            options(tmp_path),
        )
    )
    assert sum(more.artifact.manifest["rows"].values()) >= kept


def test_response_overlap_counts_what_stands_in_training(encoded: Job) -> None:
    job = Job(CURATE, recipe(), encoded.options)
    columns = schema.dataset(recipe().domain)
    text = pl.List(pl.String)
    frames = {
        split: pl.concat(
            [
                schema.read(job.artifact.folder / name, columns)
                for name in job.artifact.names(f"data/{split}-*")
            ]
        ).with_columns(pl.col("trace", "answer").cast(text))
        for split in ("train", "test")
    }
    trained = {(tuple(t), tuple(a)) for t, a in frames["train"].select("trace", "answer").iter_rows()}
    seen = [(tuple(t), tuple(a)) in trained for t, a in frames["test"].select("trace", "answer").iter_rows()]
    assert frames["test"]["seen_in_training"].to_list() == seen
    assert job.artifact.manifest["response_overlap"] == pytest.approx(np.mean(seen))
    assert frames["train"]["seen_in_training"].null_count() == len(frames["train"])


def test_ids_turn_back_into_the_words(encoded: Job) -> None:
    made = recipe()
    folder = encoded.artifact.folder / encode.IDS
    vocabulary = Vocabulary.load(folder)
    assert vocabulary == encode.vocabulary_of(made)
    source = Job(CURATE, made, encoded.options).artifact
    name = source.names("data/test-*")[0]
    rows = schema.read(source.folder / name, schema.dataset(made.domain))
    written = made.domain.write(rows, "cells", named_rng(0, "any"))
    for kind, column, first, last in (
        ("prompts", "prompt", ["bos"], []),
        ("responses", "response", [], ["eos"]),
    ):
        ids = np.load(folder / f"test-00000.{kind}.npy", mmap_mode="r")
        offsets = np.load(folder / f"test-00000.{kind[:-1]}_offsets.npy")
        text = vocabulary.text([ids[a:b] for a, b in pairwise(offsets)])
        wanted = [[*first, *row, *last] for row in written[column].to_list()]
        assert text.cast(pl.List(pl.String)).to_list() == wanted


def test_a_context_too_short_names_the_row_and_the_amount(tmp_path: Path) -> None:
    short = recipe(model={"context": 64})
    with pytest.raises(
        Refusal, match=r"model.context is 64, but the row of problem [0-9a-f]{32} has \d+ tokens"
    ):
        make(Job(ENCODE, short, options(tmp_path)))
    left_out = recipe(model={"context": 64}, encode={"notation": "cells", "too_long": "refuse"})
    facts = make(Job(ENCODE, left_out, options(tmp_path))).artifact.manifest
    assert facts["refused"] > 0
    assert facts["longest"] <= 64
    assert facts["refused"] + facts["examples"] == 240


def test_a_changed_shard_is_refused(tmp_path: Path) -> None:
    job = make(Job(GENERATE, recipe(), options(tmp_path)))
    path = job.artifact.folder / generate.shard_name(2)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(Damaged, match=r"part-00002.parquet was changed"):
        make(Job(CURATE, recipe(), options(tmp_path)))


def test_words_read_as_words_in_other_tools(encoded: Job) -> None:
    job = Job(CURATE, recipe(), encoded.options)
    columns = schema.dataset(recipe().domain)
    name = job.artifact.names("data/test-*")[0]
    path = job.artifact.folder / name
    ours = schema.read(path, columns)["prompt"].cast(pl.List(pl.String)).to_list()
    assert pl.read_parquet(path)["prompt"].cast(pl.List(pl.String)).to_list() == ours
    rows = duckdb.sql(f"select prompt, trace_words from '{path}'").fetchall()
    assert [row[0] for row in rows] == ours


def test_own_problems_are_a_data_set_too(tmp_path: Path) -> None:
    mazes = "\n\n".join(["S..\n.#.\n..G", "S#.\n...\n.#G", "..G\n.#.\nS.."])
    source = tmp_path / "mazes.txt"
    source.write_text(mazes)
    own = recipe(domain={"name": "maze", "width": 3, "height": 3, "source": str(source)})
    job = make(Job(GENERATE, own, options(tmp_path)))
    assert job.artifact.manifest["rows"] == 3
    source.write_text(mazes.replace("S#.", "S.."))
    assert Job(GENERATE, own, options(tmp_path)).fingerprint != job.fingerprint


def test_the_folders_are_those_of_the_stages() -> None:
    from pipeline import folders
    from pipeline.stages import STAGES

    assert tuple(stage.name for stage in STAGES) == folders.STAGES
