"""`generate --problems`: another teacher solves the problems of a finished artifact, id by id."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import finished
import packages
import polars as pl
import pytest

from generators import domain as domains
from generators import installed
from pipeline import given
from pipeline.artifact import Artifact
from pipeline.cli import main
from pipeline.recipe import Recipe, build
from pipeline.stage import Job, Options, make
from pipeline.stages.curate import CURATE
from pipeline.stages.generate import GENERATE, shard_name

TREE: dict[str, Any] = {
    "name": "test",
    "domain": {"name": "maze", "width": 5, "height": 4, "attempts_per_layout": 5, "ties": "searchformer"},
    "generate": {"rows": 180, "shard_rows": 60},
    "curate": {"validation": 0.1, "test": 0.2, "file_rows": 50},
}
KEPT = ("problem_id", "split_key", "prompt", "width", "height", "walls", "draws")


@pytest.fixture(autouse=True)
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(domains.DOMAINS, "counting", "tiny:Counting")
    given._found.cache_clear()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A finished data set, and the `generate` that it was made from."""
    return make(Job(CURATE, recipe(), Options(tmp_path_factory.mktemp("source"), 1)))


def recipe(problems: object = "", **knobs: object) -> Recipe:
    tree = {**TREE, "domain": {**TREE["domain"], **knobs}}
    if problems:
        tree["generate"] = {"shard_rows": 70, "problems": str(problems)}
    return build(tree)


def rows(artifact: Artifact, pattern: str = "data/*.parquet") -> pl.DataFrame:
    frames = [pl.read_parquet(artifact.folder / name) for name in artifact.names(pattern)]
    return pl.concat([frame.with_columns(pl.col("prompt").cast(pl.List(pl.String))) for frame in frames])


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main([*words, "--workers", "1"]) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return " ".join(said.split())


def test_shards_of_generate_are_kept_and_solved_anew(source: Job, tmp_path: Path) -> None:
    drawn = source.input("generate").artifact
    other = make(Job(GENERATE, recipe(drawn.folder, ties="deepest"), Options(tmp_path, 1))).artifact
    for shard in range(3):
        before, after = (rows(each, shard_name(shard)) for each in (drawn, other))
        assert after.select(KEPT).equals(before.select(KEPT))
        assert after["cost"].to_list() == before["cost"].to_list()
        assert after["shard"].unique().to_list() == [shard]
    assert rows(other)["trace"].to_list() != rows(drawn)["trace"].to_list()
    assert other.manifest["problems"] == {
        "stage": "generate",
        "fingerprint": drawn.manifest["fingerprint"],
        "folder": drawn.place,
    }
    assert other.manifest["fingerprint"] != drawn.manifest["fingerprint"]
    assert "100.0% verified" in other.manifest["summary"]
    assert "were not drawn" in (other.folder / "README.md").read_text()


def test_a_data_set_is_cut_into_shards(source: Job, tmp_path: Path) -> None:
    asked = recipe(source.artifact.folder, ties="deepest")
    other = make(Job(GENERATE, asked, Options(tmp_path, 1))).artifact
    sizes = [entry["rows"] for name, entry in sorted(other.manifest["files"].items()) if "part-" in name]
    total = sum(source.artifact.manifest["rows"].values())
    assert sizes == [70] * (total // 70) + [total % 70]
    assert rows(other).select(KEPT).equals(rows(source.artifact).select(KEPT))
    curated = make(Job(CURATE, asked, Options(tmp_path, 1)))
    both = (rows(each.artifact).sort("problem_id") for each in (curated, source))
    splits, before = (each.select("problem_id", pl.col("split").cast(pl.String)) for each in both)
    assert splits.equals(before)


def test_workers_and_interruptions_change_no_byte(source: Job, tmp_path: Path) -> None:
    asked = recipe(source.artifact.folder, ties="random")
    first, second = (tmp_path / name for name in ("one", "two"))
    one = make(Job(GENERATE, asked, Options(first, 1))).artifact
    words = ["generate", "--recipe", str(written(tmp_path)), "--problems", str(source.artifact.folder)]
    words += ["--domain.ties=random", "--generate.shard_rows=70", "--artifacts", str(second), "--workers"]
    assert main([*words, "1", "--shards", "1"]) == 0
    assert main([*words, "2"]) == 0
    two = Artifact(second / "generate" / one.folder.name)
    assert two.manifest["files"] == one.manifest["files"]
    for name in one.manifest["files"]:
        assert (two.folder / name).read_bytes() == (one.folder / name).read_bytes()


def written(folder: Path) -> Path:
    path = folder / "test.yaml"
    path.write_text(json.dumps(TREE))
    return path


def test_a_source_that_grows_gives_more_shards(tmp_path: Path) -> None:
    small = build({**TREE, "generate": {"rows": 60, "shard_rows": 60}})
    drawn = make(Job(GENERATE, small, Options(tmp_path, 1))).artifact
    asked = recipe(drawn.folder, ties="deepest")
    first = make(Job(GENERATE, asked, Options(tmp_path, 1)))
    assert first.artifact.manifest["shards"] == 1
    make(Job(GENERATE, recipe(), Options(tmp_path, 1)))
    given._found.cache_clear()
    again = make(Job(GENERATE, asked, Options(tmp_path, 1)))
    assert again.fingerprint == first.fingerprint
    assert again.artifact.manifest["shards"] == 3


def test_smaller_problems_fit_a_larger_vocabulary(source: Job, tmp_path: Path) -> None:
    asked = recipe(source.artifact.folder, ties="deepest", width=8, height=8)
    other = make(Job(GENERATE, asked, Options(tmp_path, 1))).artifact
    assert rows(other).select(KEPT).equals(rows(source.artifact).select(KEPT))
    assert rows(other)["level"].unique().to_list() == ["exact"]


def test_what_cannot_be_solved_is_one_sentence(
    source: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, own = str(written(tmp_path)), tmp_path / "artifacts"
    ask = ("generate", "--recipe", path, "--artifacts", str(own), "--problems")
    data = str(source.artifact.folder)
    assert "a side of 5, the vocabulary ends at a side of 4; raise largest_side" in refusal(
        capsys, *ask, data, "--domain.width=4"
    )
    assert "there is no folder" in refusal(capsys, *ask, str(tmp_path / "nothing"))
    (tmp_path / "open").mkdir()
    assert "was never finished" in refusal(capsys, *ask, str(tmp_path / "open"))
    assert f"{path} is a file, and no artifact" in refusal(capsys, *ask, path)
    assert "problems: take one of them" in refusal(capsys, *ask, data, f"--domain.source={path}")
    numbers = {**TREE, "domain": {"name": "counting"}}
    count = make(Job(CURATE, build(numbers), Options(tmp_path / "counts", 1))).artifact
    assert f"{count.place} holds problems of the domain counting, and the recipe is about maze" in refusal(
        capsys, *ask, str(count.folder)
    )
    page = Artifact(tmp_path / "encode" / "maze-0")
    page.folder.mkdir(parents=True)
    page.seal({"stage": "encode", "fingerprint": "0", "domain": TREE["domain"], "settings": {}})
    assert "the stage encode, which holds no problems; name one of generate or curate" in refusal(
        capsys, *ask, str(page.folder)
    )
    empty = Artifact(tmp_path / "generate" / "maze-0")
    empty.folder.mkdir(parents=True)
    empty.seal(
        {"stage": "generate", "fingerprint": "0", "domain": TREE["domain"], "settings": {"shard_rows": 1}}
    )
    assert "holds no problem" in refusal(capsys, *ask, str(empty.folder))
    assert not list(own.glob("*/*/data/*"))


def test_a_damaged_source_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawn = make(Job(GENERATE, recipe(), Options(tmp_path, 1))).artifact
    part = drawn.folder / shard_name(1)
    whole = part.read_bytes()
    ask = ("generate", "--recipe", str(written(tmp_path)), "--artifacts", str(tmp_path))
    ask = (*ask, "--domain.ties=deepest", "--problems", str(drawn.folder))
    part.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    assert f"{part} was changed after it was made (hash mismatch)" in refusal(capsys, *ask)
    part.write_bytes(whole[:-1])
    given._found.cache_clear()
    assert "missing or were changed" in refusal(capsys, *ask)


def test_students_of_two_teachers_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = finished.recipe(bootstrap=None)
    first = finished.finished(base, tmp_path)
    data = first.input("curate").artifact.folder
    asked = {**finished.TREE, "name": "other", "bootstrap": None, "generate": {"problems": str(data)}}
    asked["domain"] = {**finished.TREE["domain"], "ties": "deepest"}
    second = finished.finished(build(asked), tmp_path)
    assert main(["compare", str(first.artifact.folder), str(second.artifact.folder)]) == 0
    assert "50" in capsys.readouterr().out
    ids = [
        set(pl.read_parquet(each.artifact.folder / "rollouts.parquet")["problem_id"])
        for each in (first, second)
    ]
    assert ids[0] == ids[1]


def test_a_package_s_teacher_solves_the_problems_of_ours(
    source: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher = (
        "from dataclasses import dataclass, replace\nfrom generators.maze import Maze\n\n"
        "@dataclass(frozen=True, kw_only=True)\nclass Tiles(Maze):\n    name = 'deep'\n\n"
        "    def solve(self, problems, rng):\n"
        "        return replace(self, ties='deepest')._solved(problems, rng)\n\n"
        "    def _solved(self, problems, rng):\n        return super().solve(problems, rng)\n"
    )
    monkeypatch.syspath_prepend(str(packages.install(tmp_path / "site", "deep-teacher", teacher, "deep")))
    installed._found.cache_clear()
    tree = {**TREE, "domain": {**TREE["domain"], "name": "deep"}}
    tree["generate"] = {"problems": str(source.artifact.folder)}
    other = make(Job(GENERATE, build(tree), Options(tmp_path, 1))).artifact
    assert rows(other)["problem_id"].to_list() == rows(source.artifact)["problem_id"].to_list()
    assert other.folder.name.startswith("deep-")
    assert other.manifest["domain_package"] == "deep-teacher 1.0"


def test_problems_in_a_store_are_those_of_a_folder(
    source: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moto = pytest.importorskip("moto.server", reason="moto is not installed (extra dev)")
    running = moto.ThreadedMotoServer("127.0.0.1", 0)
    running.start()
    host, port = running.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("DISTILL_CACHE", str(tmp_path / "cache"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs = pytest.importorskip("s3fs")
    s3fs.S3FileSystem.clear_instance_cache()  # of the server of another test
    try:
        system = s3fs.S3FileSystem()
        system.mkdir("problems")
        folder = source.artifact.folder
        url = f"s3://problems/here/curate/{folder.name}"
        system.put(str(folder), url, recursive=True)
        there = Job(GENERATE, recipe(url, ties="deepest"), Options(tmp_path / "a", 1))
        here = Job(GENERATE, recipe(folder, ties="deepest"), Options(tmp_path / "b", 1))
        assert there.fingerprint == here.fingerprint
        first, second = make(there).artifact, make(here).artifact
        assert first.manifest["problems"]["folder"] == url
        assert data(first) == data(second)
    finally:
        running.stop()
        s3fs.S3FileSystem.clear_instance_cache()


def data(artifact: Artifact) -> dict[str, bytes]:
    return {name: (artifact.folder / name).read_bytes() for name in artifact.names("data/*.parquet")}
