"""The whole line in small: every stage of the demonstration, on mazes of 4x4 and a model of a moment."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from generators import domain as domains
from pipeline.cli import main
from pipeline.recipe import build, load
from pipeline.schema import about
from pipeline.stage import Job, Options, make
from pipeline.stages import STAGES
from pipeline.stages.evaluate import EVALUATE

SMALL = {
    "domain.width": 4,
    "domain.height": 4,
    "generate.rows": 1500,
    "generate.shard_rows": 500,
    "model.layers": 2,
    "model.width": 32,
    "model.heads": 2,
    "model.kv_heads": 1,
    "model.context": 192,
    "fit.steps": 12,
    "fit.batch_tokens": 1024,
    "fit.validation_rows": 16,
    "bootstrap.rounds": 2,
    "bootstrap.plateau": -10,
    "bootstrap.prompts": 6,
    "bootstrap.samples": 2,
    "bootstrap.validation_problems": 4,
    "bootstrap.fit.steps": 3,
    "bootstrap.fit.batch_tokens": 1024,
    "bootstrap.fit.validation_rows": 8,
    "evaluate.problems": 6,
    "evaluate.samples": 2,
    "evaluate.sampled_problems": 2,
    "report.examples": 1,
}
WORDS = [f"--{name}={value}" for name, value in SMALL.items()]


def demo(folder: Path, *more: str) -> list[str]:
    return ["--recipe", "maze-demo", "--artifacts", str(folder), "--workers", "1", *WORDS, *more]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifacts")
    assert main(["report", *demo(folder)]) == 0
    return folder


def one(folder: Path, stage: str) -> Path:
    (found,) = (folder / stage).iterdir()
    return found


def test_every_stage_leaves_a_finished_artifact(made: Path) -> None:
    for stage in STAGES:
        manifest = json.loads((one(made, stage.name) / "manifest.json").read_text())
        assert manifest["stage"] == stage.name
        assert manifest["summary"]
        assert manifest["provenance"]["libraries"]["polars"]
    page = (one(made, "report") / "report.html").read_text()
    assert "<svg" in page
    for outside in ("http://cdn", "https://cdn", '<link rel="stylesheet" href', "<script src"):
        assert outside not in page


def test_a_finished_recipe_makes_nothing_again(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*") if path.is_file()}
    assert main(["report", *demo(made)]) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert capsys.readouterr().err.count("finished: ") == len(STAGES)


def test_rounds_stand_in_folders_with_their_lineage(made: Path) -> None:
    bootstrap = one(made, "bootstrap")
    manifest = json.loads((bootstrap / "manifest.json").read_text())
    assert [(entry["arm"], entry["round"]) for entry in manifest["rounds"]] == [
        (arm, number) for number in (1, 2) for arm in ("model", "teacher", "unchanged")
    ]
    for arm in ("model", "teacher", "unchanged"):
        parts = sorted(path.name for path in (bootstrap / arm / "round-1").iterdir())
        assert parts == ["checkpoint", "data", "evaluation", "ids"]
    (path,) = (bootstrap / "teacher" / "round-2" / "data" / "data").glob("*.parquet")
    rows = pl.read_parquet(path)
    assert set(rows["round"]) == {2}
    assert (rows["trace_words"] <= rows["previous_words"]).all()
    assert about(path)["arm"] == "teacher"
    steps = {entry["fine_tuning"]["steps"] for entry in manifest["rounds"]}
    assert steps == {3}


def test_rollouts_name_rule_checkpoint_and_judgement(made: Path) -> None:
    rows = pl.read_parquet(one(made, "evaluate") / "rollouts.parquet")
    assert rows.select("arm", "round").n_unique() == 7
    assert len(rows) == 7 * (6 + 2 * 2)
    assert (rows["ids"].list.len() == rows["logprobs"].list.len()).all()
    metrics = json.loads((one(made, "evaluate") / "metrics.json").read_text())
    names = {(row["metric"], row["rule"]) for row in metrics["metrics"]}
    wanted = {
        ("optimal", "greedy"),
        ("SWC", "any of 2"),
        ("optimal", "mean of 2"),
        ("any-optimal-k", "any of 2"),
    }
    assert wanted <= names
    assert metrics["references"]["deepest_words"] > 0


def test_an_interrupted_bootstrap_goes_on_to_the_same_answers(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "copy")
    bootstrap = one(tmp_path / "copy", "bootstrap")
    for lost in (bootstrap / "manifest.json", bootstrap / "model" / "round-2" / "ids" / "manifest.json"):
        lost.unlink()
    shutil.rmtree(bootstrap / "model" / "round-2" / "checkpoint")
    shutil.rmtree(tmp_path / "copy" / "evaluate")
    assert main(["evaluate", *demo(tmp_path / "copy")]) == 0
    ours, theirs = (one(folder, "evaluate") / "rollouts.parquet" for folder in (made, tmp_path / "copy"))
    assert ours.read_bytes() == theirs.read_bytes()


def test_datasets_opens_every_folder_of_parquet(made: Path, tmp_path: Path) -> None:
    """In a process of its own: the library leaves threads and warnings behind."""
    rounds = one(made, "bootstrap") / "model" / "round-1" / "data"
    folders = [*(one(made, stage) for stage in ("generate", "curate", "evaluate")), rounds]
    code = f"""
import datasets
for folder in {[str(folder) for folder in folders]!r}:
    read = datasets.load_dataset(folder, cache_dir={str(tmp_path)!r})
    row = next(iter(read.values()))[0]
    assert all(isinstance(word, str) for word in row["trace"]), row
    print({{name: len(part) for name, part in read.items()}})
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "{'train': 1500}" in told
    assert "{'test': 70}" in told
    assert "{'train': 6}" in told


def test_solve_answers_a_maze_of_ones_own(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = str(one(made, "train") / "last")
    assert main(["solve", "--checkpoint", checkpoint, "--problem", "S...\n.##.\n....\n...G"]) == 0
    told = capsys.readouterr().out
    assert "verdict" in told
    assert "teacher" in told
    for maze, reason in (
        ("....\n...G", "S"),
        ("S..G\n..G.", "G"),
        ("S..\n...G", "line 2 has 4 cells"),
        ("S#.\n##.\n..G", ""),
    ):
        assert main(["solve", "--checkpoint", checkpoint, "--problem", maze]) == 1
        refused = capsys.readouterr().err
        assert reason in refused
        assert len(refused.strip().splitlines()) == 1


def test_checkpoints_judge_other_sizes_and_own_files(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = str(one(made, "train") / "last")
    own = tmp_path / "mazes.txt"
    own.write_text("S...\n.##.\n....\n...G\n\nS..\n...\n..G\n")
    sources = [str(own), str(one(made, "curate")), str(one(made, "generate") / "data" / "part-00000.parquet")]
    limits = ["--evaluate.problems=3", "--evaluate.samples=0"]
    words = ["--checkpoint", checkpoint, "--on", *sources, "--artifacts", str(tmp_path), *limits]
    assert main(["evaluate", *words]) == 0
    assert capsys.readouterr().out.count("greedy") >= 3
    assert main(["evaluate", "--checkpoint", checkpoint, "--on", str(one(made, "train"))]) == 1


def test_an_export_loads_offline_in_hugging_face(made: Path, tmp_path: Path) -> None:
    checkpoint = one(made, "train") / "last"
    assert main(["export", "--checkpoint", str(checkpoint), "--to", str(tmp_path / "out")]) == 0
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= {
        path.name for path in (tmp_path / "out").iterdir()
    }
    code = f"""
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
model = AutoModelForCausalLM.from_pretrained({str(tmp_path / "out")!r})
tokenizer = AutoTokenizer.from_pretrained({str(tmp_path / "out")!r})
text = "bos start 0,0 goal 3,3 wall 1,1"
ids = tokenizer(text, return_tensors="pt", add_special_tokens=False)
assert tokenizer.decode(ids["input_ids"][0]) == text, tokenizer.decode(ids["input_ids"][0])
ours = AutoModelForCausalLM.from_pretrained({str(checkpoint)!r})
with torch.no_grad():
    assert torch.equal(model(**ids).logits, ours(**ids).logits)
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert main(["export", "--checkpoint", str(checkpoint), "--to", str(tmp_path)]) == 1


def test_a_checkpoint_of_another_vocabulary_is_refused(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = str(one(made, "train") / "last")
    other = ["--encode.notation=search", f"--fit.start={checkpoint}", "--bootstrap=null"]
    words = [word for word in demo(tmp_path) if not word.startswith("--bootstrap.")]
    assert main(["train", *words, *other]) == 1
    assert "vocabulary" in capsys.readouterr().err


@pytest.mark.parametrize("notation", ["action-value", "state-value", "steps"])
def test_values_go_the_same_way(notation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Candidates and state values are encoded, trained on, scored and judged by the same stages."""
    monkeypatch.setitem(domains.DOMAINS, "counting", "tiny:Counting")
    recipe = build(
        {
            "name": "values",
            "domain": {"name": "counting"},
            "generate": {"rows": 300, "shard_rows": 100},
            "curate": {"validation": 0.2, "test": 0.2},
            "encode": {"notation": notation},
            "model": {"layers": 1, "width": 32, "heads": 2, "context": 64},
            "fit": {"steps": 5, "batch_tokens": 512, "validation_rows": 16, "values": {"buckets": 16}},
            "evaluate": {"problems": 8, "samples": 2},
        }
    )
    job = make(Job(EVALUATE, recipe, Options(tmp_path, workers=1)))
    facts = job.artifact.manifest
    rules = {row["rule"] for row in facts["metrics"]}
    assert rules == ({"greedy", "mean of 2", "any of 2"} if notation == "steps" else {"greedy"})


def test_variants_share_what_they_can(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    small = {name: value for name, value in SMALL.items() if not name.startswith("bootstrap")}
    path.write_text(
        "about: two optimizers\ndomain: {name: maze, ties: deepest}\n"
        "variants:\n  muon: {fit: {optimizer: muon}}\n  adamw: {fit: {optimizer: adamw}}\n"
    )
    words = [f"--{name}={value}" for name, value in small.items()]
    assert (
        main(["report", "--recipe", str(path), "--artifacts", str(tmp_path), "--workers", "1", *words]) == 0
    )
    counts = {
        stage.name: len(list((tmp_path / stage.name).glob("*")))
        for stage in STAGES
        if stage.name != "bootstrap"
    }
    assert counts == {"generate": 1, "curate": 1, "encode": 1, "train": 2, "evaluate": 2, "report": 1}
    assert load(str(path)).bootstrap is None
