"""Grids of runs: which there are, what they share, and what a failing one leaves of the others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from finished import TREE as WHOLE
from finished import finished
from finished import recipe as whole

from pipeline import grid
from pipeline.cli import main
from pipeline.errors import Refusal
from pipeline.stage import Options
from pipeline.stages.curate import CURATE
from pipeline.stages.generate import GENERATE

ROOT = Path(__file__).parents[1]
TREE: dict[str, Any] = {
    "domain": {"name": "maze", "width": 5, "height": 5},
    "generate": {"rows": 200, "shard_rows": 100},
    "curate": {"validation": 0.25, "test": 0.2},
    "encode": {"notation": "cells"},
}


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(TREE))
    return str(path)


def sweep(source: str, *words: str) -> int:
    place = str(Path(source).parent / "artifacts")
    return main(["sweep", "--recipe", source, "--artifacts", place, "--workers", "1", *words])


def folders(source: str, stage: str) -> set[str]:
    return {path.name for path in (Path(source).parent / "artifacts" / stage).iterdir()}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0..4", ["0", "1", "2", "3", "4"]),
        ("-1..1", ["-1", "0", "1"]),
        ("7", ["7"]),
        ("1e-3, 3e-3", ["1e-3", "3e-3"]),
        ("0..2,7", ["0", "1", "2", "7"]),
        ("[model, teacher],[model]", ["[model, teacher]", "[model]"]),
        ("{a: 1, b: [2, 3]},null", ["{a: 1, b: [2, 3]}", "null"]),
        ("'a,b',c", ["'a,b'", "c"]),
        ('it\'s,["]", x]', ["it's", '["]", x]']),
        ("a..b,../data", ["a..b", "../data"]),
    ],
)
def test_values_are_listed_by_commas_and_ranges(text: str, values: list[str]) -> None:
    assert grid.values("field", text) == values


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "a sweep needs a field with several values"),
        (["--seed="], "--seed has no value"),
        (["--seed", "0,,1"], "--seed has an empty value"),
        (["--seed", "4..0"], "--seed: the range 4..0 runs backwards"),
        (["--seed", "0..99999999999"], "values"),
        (["--seed", "0,1,0"], "--seed lists the value 0 twice"),
        (["--seed", "0,1", "--seed", "2"], "--seed is given twice"),
        (["--seed", "0,a"], "seed=a: seed must be int, got a"),
        (["--seed", "0..1000"], "the grid has 1,001 runs; add --yes"),
        (["--fit.lr", "1e-3,3e-3"], "unknown recipe field fit.lr; did you mean fit.learning_rate?"),
        (["--fit.stepz", "1,2"], "did you mean fit.steps?"),
        (["--curate.test", "0.2,0.20"], "are the same up to evaluate"),
        (["--report.examples", "1,2"], "are the same up to evaluate"),
        (["--fit.steps", "1,2", "--through", "curate"], "are the same up to curate"),
        (["--model.width", "32,33"], "model.width=33: model.width 33 is not a multiple of model.heads"),
        (["--bootstrap.arms", "[model,[teacher]"], "lacks a closing ]"),
        (["--seed", "0,1", "--through", "bootstrap"], "has no bootstrap"),
        (["--seed", "0,1", "--through", "nowhere"], "--through takes a stage"),
    ],
)
def test_what_makes_no_grid_is_refused_before_anything_is_made(
    source: str, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep(source, *words) == 1
    told = capsys.readouterr().err.strip()
    assert said in told
    assert "\n" not in told
    assert not (Path(source).parent / "artifacts").exists()


def test_the_order_of_the_runs_is_that_of_the_words(source: str) -> None:
    found = grid.runs(source, [("seed", "1,0"), ("curate.test", "0.2,0.3")], CURATE, Options())
    assert [run.label for run in found] == [
        "seed=1 curate.test=0.2",
        "seed=1 curate.test=0.3",
        "seed=0 curate.test=0.2",
        "seed=0 curate.test=0.3",
    ]
    assert found[1].settings == {"seed": 1, "curate.test": 0.3}
    assert [run.number for run in found] == [1, 2, 3, 4]


def test_a_value_that_all_runs_have_is_set_and_not_told(source: str) -> None:
    found = grid.runs(source, [("generate.rows", "100"), ("seed", "0..1")], GENERATE, Options())
    assert [run.label for run in found] == ["seed=0", "seed=1"]
    assert {run.job.recipe.generate.rows for run in found} == {100}


def test_every_variant_of_a_recipe_is_swept(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    variants = {"a": {"curate": {"test": 0.2}}, "b": {"curate": {"test": 0.3}}}
    path.write_text(yaml.safe_dump({**TREE, "variants": variants}))
    found = grid.runs(str(path), [("seed", "0..1")], CURATE, Options())
    assert [run.label for run in found] == [
        "variant=a seed=0",
        "variant=b seed=0",
        "variant=a seed=1",
        "variant=b seed=1",
    ]
    with pytest.raises(Refusal, match="are the same up to curate"):
        grid.runs(str(path), [("curate.test", "0.1,0.2")], CURATE, Options())


def test_more_runs_than_many_want_a_yes(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "MANY", 3)
    with pytest.raises(Refusal, match="the grid has 4 runs; add --yes"):
        grid.runs(source, [("seed", "0..3")], GENERATE, Options())
    found = grid.runs(source, [("seed", "0..3")], GENERATE, Options(), yes=True)
    assert len({run.job.fingerprint for run in found}) == 4


def test_stages_that_do_not_differ_are_made_once_and_a_second_time_nothing_is(
    source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--seed", "0,1", "--curate.test", "0.2,0.3", "--through", "curate"]
    assert sweep(source, *words) == 0
    first = capsys.readouterr()
    assert "run 3 of 4: seed=1 curate.test=0.2" in first.err
    assert len(folders(source, "generate")) == 2
    assert len(folders(source, "curate")) == 4
    artifacts = Path(source).parent / "artifacts"
    before = {path: path.stat().st_mtime_ns for path in artifacts.rglob("*") if path.is_file()}
    begun = time.monotonic()
    assert sweep(source, *words) == 0
    assert time.monotonic() - begun < 5
    again = capsys.readouterr()
    assert again.out == first.out
    assert "run 4 of 4: seed=1 curate.test=0.3 finished" in again.err
    assert before == {path: path.stat().st_mtime_ns for path in artifacts.rglob("*") if path.is_file()}
    (listed,) = [json.loads(path.read_text()) for path in (artifacts / "sweeps").iterdir()]
    assert [run["settings"] for run in listed["runs"]][1] == {"seed": 0, "curate.test": 0.3}
    assert all((artifacts / run["artifact"] / "manifest.json").is_file() for run in listed["runs"])


def test_a_failing_run_does_not_stop_the_others(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--curate.test", "0.2,0.00001,0.3", "--through", "curate"]
    assert sweep(source, *words) == 1
    told = capsys.readouterr()
    assert "1 of 3 runs failed" in told.err
    assert "run 2 (curate.test=0.00001): no row is left for test" in told.err
    assert "Traceback" not in told.err
    assert "failed" in told.out
    finished_ = list((Path(source).parent / "artifacts/curate").glob("*/manifest.json"))
    assert len(finished_) == 2


def test_what_runs_share_and_fails_is_tried_once(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--curate.test", "0.00001", "--encode.notation", "cells,search", "--through", "encode"]
    assert sweep(source, *words) == 1
    told = capsys.readouterr().err
    assert "2 of 2 runs failed" in told
    assert "(the curate that it shares)" in told


def test_ctrl_c_stops_all_runs(source: str) -> None:
    place = Path(source).parent / "artifacts"
    command = [sys.executable, "-m", "pipeline", "sweep", "--recipe", source, "--artifacts", str(place)]
    command += ["--seed", "0..3", "--generate.rows", "5000000", "--through", "generate", "--workers", "1"]
    running = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, env={**os.environ})
    until = time.monotonic() + 60
    while not list(place.glob("generate/*/.running-*")) and time.monotonic() < until:
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    told = running.communicate(timeout=60)[1].decode()
    assert running.returncode == 130, told
    assert "Traceback" not in told
    assert len(list(place.glob("generate/*"))) == 1
    assert len(list(place.glob("sweeps/*.json"))) == 1


def test_finished_evaluations_are_tabled_and_found_by_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    artifacts = tmp_path / "artifacts"
    for seed in (0, 1):
        finished(whole(bootstrap=None, seed=seed), artifacts)
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump({**WHOLE, "bootstrap": None}))
    assert sweep(str(path), "--seed", "0..1") == 0
    told = capsys.readouterr().out
    assert "optimal" in told
    assert max(map(len, told.splitlines())) <= 80
    assert main(["results", str(artifacts / "sweeps" / "*.json")]) == 0
    assert "2 runs" in capsys.readouterr().out
