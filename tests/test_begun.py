"""A recipe that changed under a half-finished artifact: the new one begins elsewhere, and says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.begun import BEGUN, begin, deciding
from pipeline.heartbeat import Heartbeat
from pipeline.recipe import Recipe, build, merged
from pipeline.stage import Job, Options, make
from pipeline.stages.curate import CURATE
from pipeline.stages.evaluate import EVALUATE
from pipeline.stages.generate import GENERATE, seal, some
from pipeline.stages.report import REPORT
from pipeline.stages.train import TRAIN
from pipeline.store import located

TREE: dict[str, Any] = {
    "name": "own",
    "domain": {"name": "maze", "width": 4, "height": 4},
    "generate": {"rows": 200, "shard_rows": 100},
    "curate": {"validation": 0.25, "test": 0.2},
    "encode": {"notation": "cells"},
    "model": {"layers": 1, "width": 64, "heads": 1, "kv_heads": 1, "context": 320},
    "fit": {"steps": 100, "batch_tokens": 512},
    "bootstrap": None,
}


def recipe(**changes: Any) -> Recipe:
    return build(merged(TREE, changes))


def job(place: Path, stage: Any = GENERATE, **changes: Any) -> Job:
    return Job(stage, recipe(**changes), Options(place, 1))


def half(place: Path, stage: Any = GENERATE, **changes: Any) -> Job:
    """An artifact that was begun and left."""
    made = job(place, stage, **changes)
    made.artifact.folder.mkdir(parents=True)
    begin(made)
    return made


@pytest.fixture(params=["folder", "store"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where artifacts are kept: a folder, or a mirror of a store."""
    monkeypatch.setenv("DISTILL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "artifacts" if request.param == "folder" else located(f"file://{tmp_path}/store")


def told(capsys: pytest.CaptureFixture[str]) -> str:
    """What was said, on one line."""
    return " ".join(capsys.readouterr().err.split())


def test_the_half_finished_one_is_named_with_what_differs(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = recipe()
    some(before, Options(place, 1, shards=(0,)))
    old = Job(GENERATE, before, Options(place, 1))
    told(capsys)
    made = make(job(place, domain={"width": 5}, seed=3))
    said = told(capsys)
    assert "the recipe has changed: domain.width 4 -> 5, seed 0 -> 3; half-finished" in said
    assert said.count("half-finished") == 1
    assert old.artifact.place in said
    assert made.finished()
    make(old)
    assert "changed" not in told(capsys)
    assert old.finished()


def test_no_note_is_left_in_what_is_finished(place: Path) -> None:
    made = make(job(place, CURATE))
    assert not list(place.rglob(BEGUN))
    assert made.artifact.store is None or not list(place.parents[1].glob(f"store/**/{BEGUN}"))
    assert not any(BEGUN in name for name in made.artifact.manifest["files"])


def test_shards_made_apart_leave_one_note_until_they_are_sealed(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for shard in (0, 1):
        some(recipe(), Options(place, 1, shards=(shard,)))
    assert len(list(place.rglob(BEGUN))) == 1
    seal(job(place))
    assert not list(place.rglob(BEGUN))
    assert "changed" not in told(capsys)


def test_a_change_of_what_an_input_was_made_with_is_told(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    half(place, TRAIN)
    half(place, TRAIN, curate={"validation": 0.3}, fit={"learning_rate": 0.5})
    assert "changed: curate.validation 0.25 -> 0.3, fit.learning_rate 0.003 -> 0.5;" in told(capsys)


def test_many_differences_are_counted_and_of_many_folders_the_latest_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    half(tmp_path, TRAIN)
    latest = half(tmp_path, TRAIN, seed=1)
    told(capsys)
    half(tmp_path, TRAIN, model={"layers": 2, "context": 640}, fit={"steps": 7, "clip": 0.5, "warmup": 3})
    said = told(capsys)
    assert (
        "seed 1 -> 0, model.layers 1 -> 2, model.context 320 -> 640, fit.steps 100 -> 7 and 2 more;" in said
    )
    assert f"{latest.artifact.place} (and 1 more)" in said


@pytest.mark.parametrize("reason", ["another recipe", "another domain", "finished", "at work", "of this run"])
def test_nothing_is_said_of(reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = half(tmp_path, name="other") if reason == "another recipe" else job(tmp_path)
    if reason == "another domain":
        folder = half(tmp_path).artifact.folder
        folder.rename(folder.with_name(f"prolog-{other.fingerprint}"))
    if reason == "finished":
        make(other)
    if reason in ("at work", "of this run"):
        half(tmp_path)
    new = job(tmp_path, seed=1)
    new.artifact.folder.mkdir(parents=True)
    if reason == "at work":
        with Heartbeat(other.artifact, "generate", "own"):
            begin(new)
    else:
        begin(new, ours={other.fingerprint} if reason == "of this run" else ())
    assert "changed" not in told(capsys)


def test_a_damaged_note_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for at, text in enumerate(("", "{", "[]", '{"recipe": "own"}', "\0")):
        damaged = half(tmp_path, seed=at + 10)
        (damaged.artifact.folder / BEGUN).write_text(text)
    told(capsys)
    half(tmp_path)
    assert "changed" not in told(capsys)


def test_two_variants_keep_their_settings_apart() -> None:
    joint = replace(
        recipe(), variants={name: recipe(name=f"own/{name}", seed=at) for at, name in enumerate("ab")}
    )
    found = deciding(Job(REPORT, joint, Options()))
    assert (found["variants.a.seed"], found["variants.b.seed"]) == (0, 1)


def test_every_setting_behind_a_fingerprint_is_noted() -> None:
    found = deciding(Job(EVALUATE, recipe(), Options()))
    assert {"domain.width", "curate.level", "encode.notation", "fit.steps", "evaluate.samples"} <= set(found)
    assert found["train.version"] == 1
