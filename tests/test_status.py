"""What is told of artifacts while processes work on them, after they have died, and when they have failed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import yaml

from pipeline import heartbeat
from pipeline.artifact import SIDECARS, Artifact, is_note
from pipeline.cli import main
from pipeline.console import bar
from pipeline.errors import Refusal
from pipeline.files import write_json
from pipeline.heartbeat import Heartbeat, Note, notes
from pipeline.recipe import build
from pipeline.stage import Job, Options, make, parse_shards, spans
from pipeline.stages.curate import CURATE
from pipeline.stages.generate import GENERATE
from pipeline.standing import require_artifact, standing
from pipeline.status import lines
from pipeline.store import located

ROOT = Path(__file__).parents[1]
TREE = {
    "name": "tiny",
    "domain": {"name": "maze", "width": 4, "height": 4},
    "generate": {"rows": 100, "shard_rows": 50},
}


def generated(folder: Path, shards: int) -> Artifact:
    """An artifact with made-up shards, as `publish` leaves them."""
    artifact = Artifact(folder / "generate" / "maze-0")
    for at in range(shards):
        artifact.publish(f"data/part-{at:05d}.parquet", lambda path: Path(path).write_bytes(b"made up"))
    return artifact


def note(artifact: Artifact, **changes: object) -> Note:
    """A note of this process, changed and written."""
    made = replace(Heartbeat(artifact, "generate", "tiny", size=10).note, **changes)  # type: ignore[arg-type]
    write_json(artifact.folder / made.name, asdict(made))
    return made


def told(artifact: Artifact) -> str:
    found = standing(artifact.folder)
    return "\n".join([found.state, *lines(found)])


def names(artifact: Artifact) -> list[str]:
    return sorted(path.name for path in artifact.folder.iterdir() if is_note(path.name))


def test_a_finished_artifact_has_no_notes_and_its_manifest_names_none(tmp_path: Path) -> None:
    job = make(Job(GENERATE, build(TREE), Options(tmp_path, 1)))
    assert not names(job.artifact)
    assert not any(is_note(name) for name in job.artifact.manifest["files"])
    assert told(job.artifact).startswith("finished\n100 rows in 2 shards")


def test_progress_and_time_left_are_seen_while_a_process_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT", 0.02)
    artifact = generated(tmp_path, 4)
    with Heartbeat(artifact, "generate", "tiny", size=10), bar("generate", 10, 2) as advance:
        time.sleep(0.1)
        advance(2)
        while not notes(artifact)[0].works or notes(artifact)[0].works[0]["done"] < 4:
            time.sleep(0.02)
        seen = told(artifact)
    assert seen.startswith("running\n4 of 10 shards (40%), about ")
    assert f"process {os.getpid()} on " in seen
    assert not names(artifact)


def test_a_process_that_has_died_is_told_as_stopped(tmp_path: Path) -> None:
    artifact = generated(tmp_path, 4)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    note(artifact, pid=gone.pid)
    assert told(artifact).startswith("stopped\n4 of 10 shards (40%)\nstopped about ")
    assert "goes on from here" in told(artifact)


def test_a_number_that_another_process_has_now_is_not_the_one_that_wrote(tmp_path: Path) -> None:
    artifact = generated(tmp_path, 1)
    note(artifact)
    assert standing(artifact.folder).state == "running"
    note(artifact, born="12")
    assert standing(artifact.folder).state == "stopped"


@pytest.mark.parametrize(("age", "state"), [(10, "running"), (1000, "stopped")])
def test_of_another_machine_the_last_beat_counts(tmp_path: Path, age: float, state: str) -> None:
    artifact = generated(tmp_path, 1)
    note(artifact, host="elsewhere 1", beat=time.time() - age)
    assert standing(artifact.folder).state == state


def test_several_processes_make_parts_of_one_artifact(tmp_path: Path) -> None:
    artifact = generated(tmp_path, 6)
    now = time.time()
    work = {"title": "generate", "total": 5, "done": 3, "before": 0, "began": now - 30}
    for host, shards in (("one", "0-4"), ("two", "5-9")):
        note(artifact, host=host, shards=shards, works=[work], started=now - 30)
    seen = told(artifact)
    assert "6 of 10 shards (60%), about 20 s left" in seen
    assert "shards 0-4: generate 3 of 5" in seen
    assert "shards 5-9" in seen


def test_a_fault_is_told_with_its_sentence_until_the_stage_is_done_again(tmp_path: Path) -> None:
    lacking = build({**TREE, "curate": {"test": 0.0001}})
    job = Job(CURATE, lacking, Options(tmp_path, 1))
    with pytest.raises(Refusal, match="no row is left for"):
        make(job)
    seen = told(job.artifact)
    assert seen.startswith("failed\n")
    assert "no row is left for" in seen
    with Heartbeat(job.artifact, "curate", "tiny"):
        assert standing(job.artifact.folder).state == "running"
        assert not standing(job.artifact.folder).failed
    assert not names(job.artifact)


def stopped_by(fault: BaseException, artifact: Artifact) -> None:
    with Heartbeat(artifact, "generate", "tiny", size=10), bar("generate", 10) as advance:
        advance(3)
        raise fault


@pytest.mark.parametrize(
    ("fault", "sentence"), [(ValueError("no luck"), "ValueError: no luck"), (KeyboardInterrupt(), None)]
)
def test_what_was_at_work_when_it_failed_or_was_stopped_is_kept(
    tmp_path: Path, fault: BaseException, sentence: str | None
) -> None:
    artifact = generated(tmp_path, 1)
    with pytest.raises(type(fault)):
        stopped_by(fault, artifact)
    (left,) = notes(artifact)
    assert left.works[0]["done"] == 3
    assert left.failed == sentence


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"pid": 1}', "\0", '{"stage": 1}', '"text"', "null", "[[[[", "9" * 5000]
)
def test_notes_that_nobody_wrote_are_passed_over(tmp_path: Path, text: str) -> None:
    artifact = generated(tmp_path, 1)
    (artifact.folder / ".running-x-1.json").write_text(text)
    assert notes(artifact) == []
    assert standing(artifact.folder).state == "unfinished"


@pytest.mark.parametrize("change", [{"works": [1]}, {"works": [{"title": 1}]}, {"size": "x"}, {"beat": -1}])
def test_notes_with_values_of_another_kind_are_passed_over(tmp_path: Path, change: dict[str, object]) -> None:
    artifact = generated(tmp_path, 1)
    content = {**asdict(note(artifact)), **change}
    write_json(artifact.folder / names(artifact)[0], content)
    assert notes(artifact) == []


def test_a_changed_file_of_a_finished_artifact_is_told(tmp_path: Path) -> None:
    artifact = generated(tmp_path, 2)
    artifact.seal({"stage": "generate"})
    (artifact.folder / "data/part-00001.parquet").write_bytes(b"x")
    assert told(artifact).startswith("damaged\n1 of 2 files are missing or were changed, data/part-00001")


def test_a_sidecar_without_its_file_does_not_count(tmp_path: Path) -> None:
    artifact = generated(tmp_path, 3)
    (artifact.folder / "data/part-00001.parquet").unlink()
    assert standing(artifact.folder).shards == 2


def test_rounds_of_a_bootstrap_are_told_by_arm_and_part(tmp_path: Path) -> None:
    folder = tmp_path / "bootstrap" / "maze-0"
    for part in ("data", "ids", "checkpoint", "evaluation"):
        write_json(folder / "model" / "round-1" / part / "manifest.json", {"files": {}})
    write_json(folder / "teacher" / "round-1" / "data" / "manifest.json", {"files": {}})
    write_json(folder / "teacher" / "round-1" / "ids" / "begun", {})
    seen = told(Artifact(folder))
    assert "done: model 1\n" in seen
    assert "teacher 1: data done" in seen


def test_a_recipe_is_told_stage_by_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(Job(GENERATE, build(TREE), Options(tmp_path, 1)))
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(TREE))
    assert main(["status", str(path), "--artifacts", str(tmp_path)]) == 0
    seen = capsys.readouterr().out
    assert "generate   finished" in seen
    assert "evaluate   not begun" in seen
    assert main(["status", str(path), "--artifacts", str(tmp_path), "--seed", "5"]) == 0
    assert "finished" not in capsys.readouterr().out


def test_notes_travel_with_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"file://{tmp_path}/store"
    monkeypatch.setenv("DISTILL_CACHE", str(tmp_path / "one"))
    artifact = generated(located(url), 2)
    with Heartbeat(artifact, "generate", "tiny", size=10):
        monkeypatch.setenv("DISTILL_CACHE", str(tmp_path / "two"))
        other = Artifact(located(url) / "generate" / "maze-0")
        assert other.folder != artifact.folder
        found = standing(other.folder)
        assert (found.state, found.shards) == ("running", 2)
    assert standing(other.folder).state == "unfinished"
    artifact.seal({"stage": "generate"})
    assert standing(other.folder).state == "finished"
    assert not [path for path in (tmp_path / "store").rglob("*") if is_note(path.name)]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("nothing", "there is no artifact"),
        ("empty/", "is an empty folder"),
        ("other/file", "is no artifact"),
        ("broken/manifest.json", "cannot be read"),
    ],
)
def test_what_is_no_artifact_is_refused_in_one_sentence(
    tmp_path: Path, made: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _, file = made.partition("/")
    if made != "nothing":
        (tmp_path / folder).mkdir()
    if file:
        (tmp_path / folder / file).write_text("{")
    assert main(["status", str(tmp_path / folder)]) == 1
    told_ = capsys.readouterr().err.strip()
    assert said in told_
    assert "\n" not in told_


def test_a_missing_artifact_of_a_store_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTILL_CACHE", str(tmp_path / "cache"))
    with pytest.raises(Refusal, match="there is no file://"):
        require_artifact(standing(located(f"file://{tmp_path}/store/generate/maze-0")))


def test_status_of_an_artifact_loads_nothing_that_is_slow(tmp_path: Path) -> None:
    artifact = generated(tmp_path, 2)
    script = (
        "import sys; from pipeline.cli import main;"
        f" code = main(['status', {str(artifact.folder)!r}]);"
        " slow = {'polars', 'numpy', 'torch', 'jsonargparse', 'fsspec', 'yaml'} & set(sys.modules);"
        " sys.exit(code or ', '.join(slow) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_no_sidecar_is_read(tmp_path: Path) -> None:
    artifact = generated(tmp_path, 3)
    for path in (artifact.folder / SIDECARS).rglob("*.json"):
        path.write_text("nothing that can be read")
    assert standing(artifact.folder).shards == 3


@pytest.mark.parametrize("text", ["0", "0-4", "0-4,7,9-10"])
def test_spans_of_shards_are_written_as_they_are_read(text: str) -> None:
    assert spans(parse_shards(text)) == text
