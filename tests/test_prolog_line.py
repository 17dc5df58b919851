"""The Prolog line through the stages: reproducible, interruptible, honest about what it leaves out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest
from tiny import Counting

from generators import domain as domains
from generators.domain import Hung
from pipeline.cli import main
from pipeline.recipe import Recipe, build
from pipeline.stage import Job, Options, make
from pipeline.stages.curate import CURATE
from pipeline.stages.generate import GENERATE, some

TREE: dict[str, Any] = {
    "name": "test",
    "domain": {"name": "prolog", "depth_to": 2},
    "generate": {"rows": 240, "shard_rows": 60},
    "curate": {"validation": 0.1, "test": 0.2},
}
SMALL = {
    "generate.rows": 1500,
    "generate.shard_rows": 500,
    "model.layers": 1,
    "model.width": 32,
    "model.heads": 2,
    "model.kv_heads": 1,
    "fit.steps": 6,
    "fit.batch_tokens": 1024,
    "fit.validation_rows": 8,
    "bootstrap.prompts": 4,
    "bootstrap.samples": 2,
    "bootstrap.validation_problems": 4,
    "bootstrap.fit.steps": 2,
    "bootstrap.fit.batch_tokens": 1024,
    "bootstrap.fit.validation_rows": 8,
    "evaluate.problems": 12,
    "evaluate.samples": 2,
    "evaluate.sampled_problems": 2,
    "report.examples": 1,
}
RECORD = {
    "id": "one",
    "context": "Bob is big. Anne is not kind. If someone is big and they are not sad then they are kind.",
    "question": "Based on the above information, is the following statement true, false, or unknown? {}",
    "options": ["A) True", "B) False", "C) Unknown"],
}

engine = pytest.mark.engine


def recipe(**changes: Any) -> Recipe:
    return build({**TREE, **changes})


def data_bytes(job: Job) -> dict[str, bytes]:
    return {name: (job.artifact.folder / name).read_bytes() for name in job.artifact.manifest["files"]}


@engine
@pytest.mark.parametrize("mode", ["backward", "forward"])
def test_worker_count_does_not_change_a_byte(mode: str, tmp_path: Path) -> None:
    made = recipe(domain={**TREE["domain"], "mode": mode})
    one, two = (make(Job(CURATE, made, Options(tmp_path / str(n), n))) for n in (1, 2))
    assert data_bytes(one) == data_bytes(two)
    sources = [Job(GENERATE, made, Options(tmp_path / str(n))) for n in (1, 2)]
    assert data_bytes(sources[0]) == data_bytes(sources[1])
    manifest = sources[0].artifact.manifest
    assert manifest["reproducible"]
    assert set(manifest["settings"]["identity"]) == {"swi-prolog"}


@engine
def test_searches_that_are_cut_are_rejected_with_that_reason(tmp_path: Path) -> None:
    made = recipe(domain={**TREE["domain"], "steps": 8})
    job = make(Job(CURATE, made, Options(tmp_path, 1)))
    assert set(job.artifact.manifest["rejected"]) == {"limit of steps reached"}
    rejected = pl.read_parquet(job.artifact.folder / "rejected" / "*.parquet")
    kept = pl.read_parquet(job.artifact.folder / "data" / "*.parquet")
    assert rejected["label"].unique().to_list() == ["limit"]
    assert len(rejected) == job.artifact.manifest["rejected"]["limit of steps reached"]
    assert kept["events"].max() <= 8
    assert "limit of steps reached" in (job.artifact.folder / "README.md").read_text()


@engine
def test_labels_that_the_teacher_does_not_share_are_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [("Bob is kind.", "C"), ("Bob is not big.", "A"), ("Anne is kind.", "B"), ("Anne is big.", "C")]
    source = tmp_path / "own.jsonl"
    records = [
        {**RECORD, "id": f"own_{at}", "question": RECORD["question"].format(said), "answer": answer}
        for at, (said, answer) in enumerate(asked)
    ]
    source.write_text("".join(json.dumps(record) + "\n" for record in records))
    own = tmp_path / "own.yaml"
    own.write_text("about: own\ndomain: {name: prolog}\n")
    words = ["--recipe", str(own), "--artifacts", str(tmp_path / "a")]
    assert main(["generate", *words, "--domain.source", str(source)]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "own_1: the label that came with it is true, the teacher says false" in said
    (folder,) = (tmp_path / "a" / "generate").iterdir()
    assert len(json.loads((folder / "manifest.json").read_text())["remarks"]) == 1
    rows = pl.read_parquet(folder / "data" / "*.parquet")
    assert rows["label"].to_list() == ["unknown", "false", "false", "unknown"]
    assert rows["source_id"].to_list() == [f"own_{at}" for at in range(4)]


@engine
def test_ctrl_c_ends_within_a_second_and_the_shards_stay(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("about: own\ndomain: {name: prolog}\ngenerate: {rows: 40000, shard_rows: 250}\n")
    command = [sys.executable, "-m", "pipeline", "generate", "--recipe", str(own), "--workers", "2"]
    begun = subprocess.Popen(
        [*command, "--artifacts", str(tmp_path / "a")], stdout=-3, stderr=-3, start_new_session=True
    )
    limit = time.monotonic() + 120
    while len(written(tmp_path / "a")) < 4 and time.monotonic() < limit:
        time.sleep(0.01)
    os.killpg(begun.pid, signal.SIGINT)
    asked = time.monotonic()
    assert begun.wait(timeout=30) == 130
    assert time.monotonic() - asked < 3  # a second, with room for a machine that is busy
    kept = {path: path.stat().st_mtime_ns for path in written(tmp_path / "a")}
    assert len(kept) >= 4
    shorter = ["--generate.rows=1500", "--artifacts", str(tmp_path / "a")]
    assert main([*command[3:], *shorter]) == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def written(folder: Path) -> list[Path]:
    return list(folder.glob("generate/*/.written/**/*.parquet.json"))


@engine
def test_every_stage_knows_theories(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"--{name}={value}" for name, value in SMALL.items()]
    assert (
        main(["report", "--recipe", "prolog-demo", "--artifacts", str(tmp_path), "--workers", "1", *words])
        == 0
    )
    (page,) = tmp_path.glob("report/*/report.html")
    text = page.read_text()
    for said in ("accuracy at depth 0", "accuracy of unknown", "polarity_only", "shallow_bound", "<svg"):
        assert said in text, said
    checkpoint = next(tmp_path.glob("train/*/best"))
    theory = tmp_path / "theory.pl"
    theory.write_text("big(bob).\nkind(X) :- big(X).\n?- kind(bob).\n")
    capsys.readouterr()
    assert main(["solve", "--checkpoint", str(checkpoint), "--problem", str(theory)]) == 0
    told = capsys.readouterr().out
    assert "✓ kind(bob)  rule1 x=bob" in told
    assert "verdict" in told
    data = next(tmp_path.glob("curate/*"))
    assert main(["inspect", str(data), "--rows", "1"]) == 0
    assert "answer" in capsys.readouterr().out


@dataclass(frozen=True, kw_only=True)
class Stubborn(Counting):
    """Counting whose teacher hangs over sums of 7, over two more of them each time that it is asked."""

    name: ClassVar[str] = "stubborn"

    def solve(self, problems: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        sums = (problems["a"] + problems["b"]).to_list()
        hung = [row for row, total in enumerate(sums) if total == 7]
        if hung:
            raise Hung(hung[:2], f"no reply to problem {problems['problem_id'][hung[0]]}, twice")
        return super().solve(problems, rng)


def test_a_teacher_that_hangs_fails_its_shard_unless_told_to_skip(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(domains.DOMAINS, "stubborn", "test_prolog_line:Stubborn")
    monkeypatch.setitem(sys.modules, "test_prolog_line", sys.modules[__name__])
    own = tmp_path / "own.yaml"
    own.write_text("about: own\ndomain: {name: stubborn}\ngenerate: {rows: 200, shard_rows: 100}\n")
    words = ["generate", "--recipe", str(own), "--artifacts", str(tmp_path / "a"), "--workers", "1"]
    assert main(words) == 1
    assert "no reply to problem" in capsys.readouterr().err
    assert main([*words, "--skip-hung"]) == 0
    assert "hung and are left out: not reproducible" in " ".join(capsys.readouterr().err.split())
    (folder,) = (tmp_path / "a" / "generate").iterdir()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert not manifest["reproducible"]
    assert manifest["rows"] == 200 - len(manifest["hung"]) < 200 - 2 * 2
    rows = pl.read_parquet(folder / "data" / "*.parquet")
    assert 7 not in (rows["a"] + rows["b"]).to_list()


def test_shards_of_an_earlier_version_have_no_remarks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(domains.DOMAINS, "counting", "tiny:Counting")
    made = build({"name": "own", "domain": {"name": "counting"}, "generate": {"rows": 20, "shard_rows": 10}})
    some(made, Options(tmp_path, 1, shards=(0,)))
    (sidecar,) = tmp_path.glob("generate/*/.written/**/*.json")
    entry = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps({key: entry[key] for key in entry if key not in {"hung", "remarks"}}))
    manifest = make(Job(GENERATE, made, Options(tmp_path, 1))).artifact.manifest
    assert (manifest["rows"], manifest["reproducible"], manifest["remarks"]) == (20, True, [])
