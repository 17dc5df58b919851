"""`distill inspect` shows what stands anywhere below `artifacts`, and refuses the rest in a sentence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import finished
import numpy as np
import polars as pl
import pytest

from pipeline import console
from pipeline.errors import Refusal
from pipeline.inspect import show
from pipeline.inspect.bars import bar, histogram, ranges, sparkline
from pipeline.stage import Job, Options, make
from pipeline.stages.report import REPORT


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return finished.finished(finished.recipe(), tmp_path_factory.mktemp("artifacts"))


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """What a path looks like in a terminal of 80 columns."""
    monkeypatch.setattr(console.OUT, "_width", 80)

    def look(path: Path, rows: int = 1, refused: str = "", **options: Any) -> str:
        if refused:
            with pytest.raises(Refusal, match=refused):
                show(path, rows, **options)
        else:
            show(path, rows, **options)
        return capsys.readouterr().out

    return look


def stage(evaluated: Job, name: str) -> Path:
    jobs = [evaluated]
    while jobs:
        job = jobs.pop()
        if job.stage.name == name:
            return job.artifact.folder
        jobs += job.inputs
    raise AssertionError(name)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("generate", ["400 rows", "trace_words", "optimal 400 (100.0%)", "S start  G goal"]),
        ("curate", ["split", "seen_in_training", "trace words", "S start  G goal"]),
        ("encode", ["cells", "59 words", "validation", "packed into rows of 2,048"]),
        ("train", ["validation loss", "best", "last", "maze in notation cells"]),
        ("bootstrap", ["all 2 rounds", "fingerprint"]),
        ("evaluate", ["rollouts.parquet", "unchanged", "start 0, greedy", "S start  G goal"]),
    ],
)
def test_every_stage_can_be_looked_into(evaluated: Job, seen, name: str, wanted: list[str]) -> None:  # type: ignore[no-untyped-def]
    shown = seen(stage(evaluated, name))
    assert not [text for text in wanted if text not in shown]
    assert shown.startswith(f"{name} of small")


def test_the_width_of_the_terminal_is_kept(evaluated: Job, seen) -> None:  # type: ignore[no-untyped-def]
    for name in ("curate", "evaluate", "encode"):
        shown = seen(stage(evaluated, name)).splitlines()
        long = [line for line in shown if len(line) > 80 and name not in line]
        assert not long


def test_as_many_rows_as_asked_for_are_shown(evaluated: Job, seen) -> None:  # type: ignore[no-untyped-def]
    file = next((stage(evaluated, "curate") / "data").glob("train-*.parquet"))
    assert seen(file, 3).count("S start  G goal") == 3
    assert seen(file, 0).count("S start  G goal") == 0


def test_a_report_names_its_page(evaluated: Job, seen) -> None:  # type: ignore[no-untyped-def]
    job = make(Job(REPORT, evaluated.recipe, Options(evaluated.options.artifacts, 1)))
    assert "report.html" in seen(job.artifact.folder)


def test_parts_of_an_artifact_can_be_looked_into(evaluated: Job, seen) -> None:  # type: ignore[no-untyped-def]
    assert "packed" in seen(stage(evaluated, "encode") / "ids")
    assert "320 rows" in seen(stage(evaluated, "curate") / "data") or "rows" in seen(
        stage(evaluated, "curate") / "data"
    )


def test_weights_are_counted_without_loading_them(tmp_path: Path, seen) -> None:  # type: ignore[no-untyped-def]
    from safetensors.numpy import save_file

    save_file(
        {"a": np.zeros((3, 4), np.float32), "b": np.zeros(5, np.float32)}, tmp_path / "model.safetensors"
    )
    (tmp_path / "config.json").write_text('{"model_type": "llama", "num_hidden_layers": 2}')
    shown = seen(tmp_path)
    assert "17 (17) as F32" in shown
    assert "weights alone" in shown


def test_files_of_others_have_a_schema_and_plain_rows(tmp_path: Path, seen) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "other.parquet"
    pl.DataFrame({"name": ["[red]a[/red]", None], "numbers": [[1.5, 2.0], []]}).write_parquet(path)
    shown = seen(path, 2)
    assert "[red]a[/red]" in shown
    assert "50%" in shown
    assert "list of double" in shown


def test_an_unfinished_artifact_says_so(evaluated: Job, tmp_path: Path, seen) -> None:  # type: ignore[no-untyped-def]
    copy = tmp_path / "maze-1"
    shutil.copytree(stage(evaluated, "generate"), copy)
    (copy / "manifest.json").unlink()
    (copy / "data" / "part-00001.parquet").write_bytes(b"PAR1 and no more")
    shown = seen(copy, refused="it was never finished.\nRun its stage again")
    assert "not finished: " in shown
    assert "part-00001" not in shown
    assert "data/part-00000.parquet  200 rows" in shown


def test_a_changed_file_is_named(evaluated: Job, tmp_path: Path, seen) -> None:  # type: ignore[no-untyped-def]
    copy = tmp_path / "maze-1"
    shutil.copytree(stage(evaluated, "generate"), copy)
    (copy / "data" / "part-00001.parquet").unlink()
    wrong = "part-00001.parquet is missing or was changed"
    shown = seen(copy, refused=wrong)
    assert wrong in shown
    assert "data/part-00000.parquet  200 rows" in shown


def test_what_cannot_be_shown_is_refused_in_a_sentence(evaluated: Job, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "notes.txt").write_text("words")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "manifest.json").write_text("{")
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "config.json").write_text("{}")
    (weights / "model.safetensors").write_bytes(b"\xff" * 12)
    ids = tmp_path / "ids"
    shutil.copytree(stage(evaluated, "encode") / "ids", ids)
    next(ids.glob("train-*.responses.npy")).write_bytes(b"no array")
    for name, reason in {
        "nowhere": "there is no file or folder",
        "empty": "holds no manifest",
        "broken.parquet": "cannot be read",
        "notes.txt": "is no Parquet file",
        "bad": "cannot be read",
        "weights": "its header is cut off",
        "ids": "cannot be read",
    }.items():
        with pytest.raises(Refusal, match=reason):
            show(tmp_path / name, 1)
    with pytest.raises(Refusal, match="--rows must be 0 or more"):
        show(stage(evaluated, "curate"), -1)


def test_a_round_of_another_run_is_shown_with_its_table(tmp_path: Path, seen) -> None:  # type: ignore[no-untyped-def]
    validation = {"optimal": 0.9, "trace_words": None}
    line = {"round": 1, "arm": "unchanged", "improved": 0.4, "words": 77.5, "optimal_share": None}
    (tmp_path / ".written").mkdir()
    rounds = [{**line, "validation": validation, "length_ratio": 0.97}]
    (tmp_path / "rounds.json").write_text(json.dumps({"rounds": rounds}))
    shown = seen(tmp_path, refused="never finished")
    assert "unchanged" in shown
    assert "40.0%" in shown


def test_ranges_are_round_and_cover_every_value() -> None:
    assert ranges(40, 137, 12) == list(range(40, 150, 10))
    for low, high in ((0, 0), (7, 7), (3, 1000), (995, 1005)):
        edges = ranges(low, high, 12)
        assert edges[0] <= low
        assert high < edges[-1]
        assert len(edges) <= 15
    counted = histogram([1, 1, 5]).plain
    assert counted.splitlines()[0].endswith("█ 2")


def test_bars_and_curves_keep_their_proportions() -> None:
    assert bar(1.0, 10) == "█" * 10
    assert bar(0.5, 3) == "█▌"
    assert bar(1e-9) == "▏"
    assert bar(0.0) == ""
    assert sparkline([3.0, 2.0, 1.0]) == "█▄▁"
    assert sparkline([]) == ""
