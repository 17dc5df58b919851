"""A file counts when it is whole, an artifact when its manifest stands, and a changed byte is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.artifact import Artifact, digest
from pipeline.errors import Damaged, Unfinished


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
