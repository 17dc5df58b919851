"""The chess line through the stages: the same to the byte, judged by better labels, in every notation."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import chess
import numpy as np
import polars as pl
import pytest

from generators.chess import Chess
from generators.chess.alphabet import ACTIONS
from generators.domain import BadProblem
from pipeline.cli import main
from pipeline.examination import EXAMINED
from pipeline.recipe import Recipe, build
from pipeline.stage import Job, Options, make
from pipeline.stages.curate import CURATE
from pipeline.stages.evaluate import EVALUATE
from pipeline.stages.generate import GENERATE

TREE: dict[str, Any] = {
    "name": "test",
    "domain": {"name": "chess", "mode": "multipv", "nodes": 20, "root_nodes": 60, "game_nodes": 20},
    "generate": {"rows": 48, "shard_rows": 16},
    "curate": {"validation": 0.2, "test": 0.3},
    "encode": {"notation": "action-value"},
    "model": {"layers": 1, "width": 32, "heads": 2, "kv_heads": 1, "context": 256},
    "fit": {"steps": 4, "batch_tokens": 512, "validation_rows": 4, "values": {"buckets": 16}},
    "evaluate": {"problems": 6, "samples": 0},
    "report": {"examples": 1},
}
MATE = "6k1/5ppp/8/8/8/8/8/R3K3 w Q - 0 1"

pytestmark = pytest.mark.engine


def recipe(**changes: Any) -> Recipe:
    return build({**TREE, **changes})


def data_bytes(job: Job) -> dict[str, bytes]:
    return {name: (job.artifact.folder / name).read_bytes() for name in job.artifact.manifest["files"]}


@pytest.mark.parametrize("mode", ["child", "searchmoves", "multipv"])
def test_worker_count_does_not_change_a_byte(mode: str, tmp_path: Path) -> None:
    made = recipe(domain={**TREE["domain"], "mode": mode})
    jobs = [make(Job(GENERATE, made, Options(tmp_path / str(n), n))) for n in (1, 3)]
    assert data_bytes(jobs[0]) == data_bytes(jobs[1])
    manifest = jobs[0].artifact.manifest
    assert manifest["reproducible"]
    assert manifest["settings"]["identity"]["engine"].startswith("Stockfish")
    assert "examination" not in manifest["settings"]["domain"]
    shutil.rmtree(tmp_path / "1")
    assert data_bytes(make(Job(GENERATE, made, Options(tmp_path / "1", 1)))) == data_bytes(jobs[1])


def test_games_never_stand_in_two_splits(tmp_path: Path) -> None:
    job = make(Job(CURATE, recipe(), Options(tmp_path, 2)))
    rows = pl.read_parquet(job.artifact.folder / "data" / "*.parquet")
    assert rows.group_by("game").agg(pl.col("split").n_unique())["split"].max() == 1
    assert rows["problem_id"].is_unique().all()
    assert job.artifact.manifest["rejected"] == {}
    card = (job.artifact.folder / "README.md").read_text()
    assert "real play" in card
    first = rows.row(0, named=True)
    board = chess.Board(first["fen"])
    assert sorted(ACTIONS[at] for at in first["moves"]) == sorted(move.uci() for move in board.legal_moves)
    assert len(first["centipawns"]) == len(first["mates"]) == len(first["moves"])


def test_answers_are_held_against_ten_times_the_nodes(tmp_path: Path) -> None:
    job = make(Job(EVALUATE, recipe(), Options(tmp_path, 2)))
    better = pl.read_parquet(job.artifact.folder / EXAMINED)
    stored = pl.read_parquet(tmp_path / "curate" / "*" / "data" / "test-*.parquet")
    both = better.join(stored, on="problem_id", suffix="_stored")
    assert len(both) == len(better) == 6
    assert (both["root_nodes"] > 5 * both["root_nodes_stored"]).all()
    assert (both["centipawns"] != both["centipawns_stored"]).any()
    found = json.loads((job.artifact.folder / "metrics.json").read_text())
    names = {row["label"] for row in found["rivals"]}
    assert {"random mover", "teacher"} < names
    assert any("Stockfish" in name for name in names)
    own = {row["metric"]: row for row in found["metrics"] if row["own"]}
    for name in ("action accuracy", "strict accuracy", "legal", "Kendall's tau-b", "published tau", "regret"):
        assert own[name]["n"] > 0, name
    assert own["legal"]["value"] == 1
    assert found["tables"]


@pytest.mark.parametrize("notation", ["state-value", "behavioral-cloning", "deepening", "shuffled-deepening"])
def test_every_notation_is_learned_and_judged(
    notation: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = recipe(encode={"notation": notation}, fit={**TREE["fit"], "batch_tokens": 1024})
    job = make(Job(EVALUATE, made, Options(tmp_path, 2)))
    rows = pl.read_parquet(job.artifact.folder / "rollouts.parquet")
    assert len(rows) == 6
    assert (rows["scores"].null_count() == 0) == (notation in ("state-value", "behavioral-cloning"))
    checkpoint = next((tmp_path / "train").glob("*/best"))
    assert main(["solve", "--checkpoint", str(checkpoint), "--problem", MATE]) == 0
    shown = capsys.readouterr().out
    assert "a1a8" in shown
    assert "verdict" in shown


def test_a_position_is_solved_with_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(Job(EVALUATE, recipe(), Options(tmp_path, 2)))
    checkpoint = next((tmp_path / "train").glob("*/best"))
    words = ["solve", "--checkpoint", str(checkpoint), "--problem", MATE, "--pictures", str(tmp_path / "svg")]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "#+1" in shown or "mate" in shown
    names = sorted(path.name for path in (tmp_path / "svg").iterdir())
    assert names == ["1-model.svg", "1-teacher.svg"]
    assert all((tmp_path / "svg" / name).read_text().startswith("<svg") for name in names)


def test_positions_are_labelled_where_answers_are_rewarded() -> None:
    domain = Chess(nodes=20, root_nodes=60)
    rows = domain.read(MATE)
    prompt = domain.write(rows, "behavioral-cloning", np.random.default_rng(0))["prompt"]
    texts = [" ".join(words) for words in prompt.to_list()]
    given = domain.reward(texts * 3, ["a1a8 eos", "a1a7 eos", "a1h8 eos"], notation="behavioral-cloning")
    assert given == [1.0, 0.5, 0.0]


def test_what_was_labelled_is_not_labelled_again_when_judging_changes(tmp_path: Path) -> None:
    first = Job(GENERATE, recipe(), Options(tmp_path))
    later = recipe(domain={**TREE["domain"], "mate_classes": 2, "examination": 3})
    assert Job(GENERATE, later, Options(tmp_path)).fingerprint == first.fingerprint
    encodings = [Job(EVALUATE, each, Options(tmp_path)).fingerprint for each in (recipe(), later)]
    assert encodings[0] != encodings[1]


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"nodes": 0}, "nodes"),
        ({"mate_classes": 17}, "mate_classes must be at most 16"),
        ({"positions_per_game": 0}, "positions_per_game must be at least 1"),
        ({"hash": 0}, "hash"),
        ({"examination": -1}, "examination must be at least 0"),
    ],
)
def test_impossible_knobs_are_refused(knobs: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Chess(**knobs)


def test_no_engine_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STOCKFISH_PATH", str(tmp_path / "nothing"))
    own = tmp_path / "own.yaml"
    own.write_text("domain: {name: chess}\n")
    assert main(["generate", "--recipe", str(own), "--artifacts", str(tmp_path)]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "STOCKFISH_PATH" in said
    with pytest.raises(BadProblem, match="STOCKFISH_PATH"):
        Chess().identity()
