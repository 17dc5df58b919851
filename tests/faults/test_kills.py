"""kill -9, a little of it; and differences and repetitions, which must be seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from faults.kept import Kept
from faults.kills import FAULTS, SMALL
from faults.sameness import difference
from faults.victims import Done, Lost
from pipeline.artifact import Artifact


@pytest.mark.parametrize(
    "teacher",
    ["mazes", *(pytest.param(name, marks=pytest.mark.engine) for name in ("theories", "chess"))],
)
def test_a_killed_command_that_is_run_again_ends_with_the_same_bytes(teacher: str, tmp_path: Path) -> None:
    fault = next(each for each in FAULTS if each.name.endswith(teacher))
    trials = list(fault.trials(0, "small", tmp_path))
    assert [trial.lost for trial in trials] == [None] * len(SMALL[teacher])
    assert not list(tmp_path.glob("trial-*[0-9]/"))


def finished(folder: Path) -> Path:
    """A folder of artifacts with one shard, a manifest, a log and a page."""
    artifact = Artifact(folder / "artifacts" / "generate" / "counting-0")
    artifact.folder.mkdir(parents=True)
    artifact.publish("data/part-00000.parquet", lambda path: path.write_bytes(b"rows") and None)
    artifact.seal({"seconds": 1.0, "rows": 4, "provenance": {"made": "now", "commit": "a", "python": "3"}})
    (artifact.folder / "logs").mkdir()
    (artifact.folder / "logs" / "metrics.csv").write_text("step,train_loss,seconds\n1,0.5,9.1\n")
    (folder / "page.html").write_text('<p>7</p>{"made": "now"}')
    return artifact.folder


def rewritten(name: str, old: str, new: str) -> Callable[[Path], object]:
    return lambda artifact: (artifact / name).write_text((artifact / name).read_text().replace(old, new))


SEEN = {
    "a byte": (rewritten("data/part-00000.parquet", "rows", "rowz"), "other bytes"),
    "a file left over": (lambda artifact: (artifact / ".part.1.tmp").touch(), ".part.1.tmp is left over"),
    "a folder left over": (lambda artifact: (artifact / "parts").mkdir(), "parts is left over"),
    "a file missing": (lambda artifact: (artifact / "logs/metrics.csv").unlink(), "metrics.csv is missing"),
    "a loss": (rewritten("logs/metrics.csv", "0.5", "0.6"), "train_loss is '0.6' and not '0.5'"),
    "a figure": (rewritten("manifest.json", '"rows": 4', '"rows": 5'), "rows is 5 and not 4"),
    "a version": (rewritten("manifest.json", '"python": "3"', '"python": "4"'), "provenance.python"),
    "a page": (rewritten("../../../page.html", "7", "8"), "page.html"),
    "a time": (rewritten("manifest.json", '"seconds": 1.0', '"seconds": 2.0'), None),
    "a commit": (rewritten("manifest.json", '"commit": "a"', '"commit": "b"'), None),
    "a logged time": (rewritten("logs/metrics.csv", "9.1", "9.2"), None),
    "the time of a page": (rewritten("../../../page.html", "now", "then"), None),
}


@pytest.mark.parametrize("what", SEEN)
def test_differences_are_seen_but_for_those_of_time(what: str, tmp_path: Path) -> None:
    finished(tmp_path / "theirs")
    change, told = SEEN[what]
    change(finished(tmp_path / "ours"))
    found = difference(tmp_path / "ours", tmp_path / "theirs")
    assert found is None if told is None else found is not None and told in found


def test_what_is_made_again_is_seen(tmp_path: Path) -> None:
    artifact = finished(tmp_path)
    idle = Done(0, "", [], 0.0)
    (artifact / "manifest.json").unlink()
    kept = Kept.within(tmp_path)
    kept.require(idle, idle)
    shard = "artifacts/generate/counting-0/data/part-00000.parquet"
    with pytest.raises(Lost, match=r"part-00000\.parquet was finished and is made again"):
        kept.require(replace(idle, operations=[("worker", "rename", shard, "")]), idle)
    Artifact(artifact).publish("data/part-00000.parquet", lambda path: path.write_bytes(b"rows") and None)
    with pytest.raises(Lost, match=r"part-00000\.parquet.* was finished and is written again"):
        kept.require(idle, idle)


def test_a_training_must_not_repeat_saved_steps(tmp_path: Path) -> None:
    import torch

    run = tmp_path / "artifacts" / "train" / "counting-0"
    (run / "last").mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"fit": {"steps": 24}}))
    torch.save({"global_step": 8}, run / "last" / "state.ckpt")
    name = "artifacts/train/counting-0"
    save = ("main", "rename", f"{name}/last", f"{name}/.last.partial")
    whole = Done(0, "", [save] * 6, 0.0)
    kept = Kept.within(tmp_path)
    kept.require(replace(whole, operations=[save] * 4), whole)
    for saves in (3, 5):
        with pytest.raises(Lost, match=f"had 4 of 6 saves before it, and made {saves}"):
            kept.require(replace(whole, operations=[save] * saves), whole)
