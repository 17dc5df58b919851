"""A file counts when it is whole, an artifact when its manifest stands, and a changed byte is noticed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.artifact import Artifact, require_whole
from pipeline.errors import Damaged, Unfinished
from pipeline.files import digest
from pipeline.temporary import temporary

ROOT = Path(__file__).parents[1]
WRITING = "from pathlib import Path; from pipeline.temporary import temporary; temporary"


def put(artifact: Artifact, name: str, text: str) -> None:
    artifact.publish(name, lambda path: path.write_text(text) and None, rows=1)  # type: ignore[func-returns-value]


def test_a_file_counts_once_its_sidecar_stands(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path / "a")
    put(artifact, "data/one.txt", "hello")
    entry = artifact.written("data/one.txt")
    assert entry is not None
    assert (entry["bytes"], entry["rows"]) == (5, 1)
    assert artifact.written("data/two.txt") is None
    (artifact.folder / "data/one.txt").write_text("hell")
    assert artifact.written("data/one.txt") is None


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path)

    def full(path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        artifact.publish("x.txt", full)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_finished_is_a_manifest_whose_sizes_match(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path)
    put(artifact, "data/one.txt", "hello")
    assert not artifact.finished()
    with pytest.raises(Unfinished, match="the 1 files that are complete will be kept"):
        _ = artifact.manifest
    artifact.seal({"stage": "test"})
    assert artifact.finished()
    assert artifact.names("data/*.txt") == ["data/one.txt"]
    (tmp_path / "data/one.txt").unlink()
    assert not artifact.finished()


def test_a_changed_byte_is_noticed_by_whoever_reads(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path)
    put(artifact, "data/one.txt", "hello")
    artifact.seal({})
    assert artifact.verified("data/one.txt").read_text() == "hello"
    (tmp_path / "data/one.txt").write_text("jello")
    assert artifact.finished()
    with pytest.raises(Damaged, match="hash mismatch"):
        artifact.verified("data/one.txt")
    with pytest.raises(Damaged, match="no file"):
        artifact.verified("data/two.txt")


def test_leftovers_of_a_killed_run_are_swept(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / ".part-00000.parquet.123.tmp").write_text("half")
    artifact.sweep()
    assert list((tmp_path / "data").iterdir()) == []


def test_digests_follow_content_alone() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1}) != digest({"a": 1, "b": [3]})


@pytest.mark.parametrize("at", [0.2, 0.5, 0.8])
def test_a_changed_figure_in_a_manifest_is_noticed(tmp_path: Path, at: float) -> None:
    artifact = Artifact(tmp_path)
    artifact.seal({f"number {place}": place / 7 for place in range(50)})
    text = artifact.manifest_path.read_text()
    digit = next(place for place in range(int(at * len(text)), len(text)) if text[place] == "4")
    artifact.manifest_path.write_text(f"{text[:digit]}5{text[digit + 1 :]}")
    with pytest.raises(Damaged, match=r"manifest\.json was changed after it was made"):
        artifact.finished()


def test_a_file_with_a_damaged_sidecar_is_made_again(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path)
    put(artifact, "data/one.txt", "hello")
    sidecar = tmp_path / ".written/data/one.txt.json"
    for text in ("", "[]", "{}", sidecar.read_text().replace('"bytes": 5', '"bytes": 6')):
        sidecar.write_text(text)
        assert artifact.written("data/one.txt") is None
    put(artifact, "data/one.txt", "hello")
    assert artifact.written("data/one.txt") is not None


def test_a_folder_of_a_library_is_whole_or_to_be_made_again(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path)
    (tmp_path / "best").mkdir()
    for name in ("config.json", "weights"):
        (tmp_path / "best" / name).write_text(name)
    artifact.adopt_folder("best")
    artifact.seal({})
    require_whole(tmp_path / "best")
    (tmp_path / "best" / "weights").write_text("weighty")
    with pytest.raises(Damaged, match=rf"best/weights was changed.*\nDelete {tmp_path} and run"):
        require_whole(tmp_path / "best")
    (tmp_path / "best" / "weights").unlink()
    with pytest.raises(Damaged, match=rf"best/weights has gone.*\nDelete {tmp_path} and run"):
        artifact.adopt_folder("best")


def test_beside_others_only_what_the_dead_have_left_is_swept(tmp_path: Path) -> None:
    artifact, target = Artifact(tmp_path), tmp_path / "part.parquet"
    dead = subprocess.run(
        [sys.executable, "-c", f"{WRITING}(Path({str(target)!r})).touch()"], cwd=ROOT, check=False
    )
    assert dead.returncode == 0
    (left,) = tmp_path.glob(".*.tmp")
    mine, stranger = temporary(target), tmp_path / ".part.parquet.00000000.1.tmp"
    for path in (mine, stranger):
        path.touch()
    artifact.sweep(among_others=True)
    assert not left.exists()
    assert mine.exists()
    assert stranger.exists()
    artifact.sweep()
    assert not list(tmp_path.glob(".*.tmp"))
