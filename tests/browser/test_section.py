"""What a page lists and packs, without a browser: which rows, in which order, within which size."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from pathlib import Path
from typing import Any

import evaluations
import polars as pl
import pytest
from tiny import Counting

from generators.maze import Maze
from pipeline.answering import ROLLOUTS
from pipeline.artifact import Artifact
from pipeline.final import final
from pipeline.page import traces
from pipeline.page.traces import choice, datasets, packing, section
from pipeline.page.traces.evaluations import of_evaluation

MAZES = Maze(width=5, height=5, attempts_per_layout=2)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return evaluations.evaluation(tmp_path_factory.mktemp("artifacts") / "evaluate" / "maze", MAZES, rows=40)


@pytest.fixture(scope="module")
def rollouts(judged: Artifact) -> pl.DataFrame:
    return pl.read_parquet(judged.folder / ROLLOUTS)


def scripts(html: str, kind: str) -> dict[str, str]:
    """Script elements with an id, by it."""
    return dict(re.findall(rf'<script type="{kind}" id="([^"]+)">(.*?)</script>', html, re.DOTALL))


def unpacked(html: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The index of a part and its blocks, as a browser reads them."""
    found = {name: json.loads(text) for name, text in scripts(html, "application/json").items()}
    index = found.pop("traces-index")
    blocks = [json.loads(zlib.decompress(base64.b64decode(text), -15)) for text in found.values()]
    return index, blocks


def test_a_few_rows_show_every_outcome(judged: Artifact, rollouts: pl.DataFrame) -> None:
    outcomes = rollouts.select(pl.col("verdict", "level").cast(pl.String)).unique()
    few = of_evaluation("mazes", judged, len(outcomes), len(outcomes))
    assert len(few.rows) == len(outcomes) == len(few.rows.unique(["verdict", "level"]))
    assert len(few.played) == len(outcomes)


def test_greedy_answers_of_the_first_and_the_last_checkpoint_come_first(judged: Artifact) -> None:
    rows = of_evaluation("mazes", judged, 40, 40).rows
    greedy = rows.filter(pl.col("sample") == -1, pl.col("by").is_in(["start", "model 1"]))
    assert len(greedy) > 24
    assert rows["by"].n_unique() == 3
    assert rows["problem_id"].n_unique() > 10


def test_every_row_is_there_once_however_many_are_asked_for(judged: Artifact, rollouts: pl.DataFrame) -> None:
    every = of_evaluation("mazes", judged, 10_000, 10_000)
    assert len(every.rows) == len(rollouts)
    assert every.rows.select("problem_id", "by", "sample").is_duplicated().sum() == 0
    assert of_evaluation("mazes", judged, 50, 10).rows.equals(every.rows.head(50))


def test_the_order_is_the_same_each_time(rollouts: pl.DataFrame) -> None:
    light = rollouts.with_columns(pl.col("arm", "verdict", "level").cast(pl.String))
    assert choice.ordered(light).equals(choice.ordered(light))


def test_the_final_checkpoint_is_the_last_of_the_model_arm() -> None:
    assert final(["start", "model", "unchanged", "model", "unchanged"]) == 3
    assert final(["start"]) == final(["0:last", "1:best"]) == 0


def test_blocks_hold_what_the_domain_plays(judged: Artifact) -> None:
    index, blocks = unpacked(section([("mazes", judged)], 30, 12).html)
    columns = index["columns"]
    assert len({len(column) for column in columns.values()}) == 1
    assert sum(block is not None for block in columns["block"]) == 12
    listing = of_evaluation("mazes", judged, 30, 12)
    for problem, responses in listing.plays():
        for place, row in responses:
            block = blocks[columns["block"][place]]
            assert block["scene"] == json.loads(packing.plain(MAZES.scene(problem)))
            assert block["teacher"] == json.loads(packing.plain(MAZES.play(problem)))
            assert block["steps"][columns["at"][place]] == json.loads(packing.plain(MAZES.play(row)))


def test_a_budget_leaves_rows_unplayed_and_says_so(judged: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "BUDGET", 3000)
    html = section([("mazes", judged)], 100, 100).html
    index, _ = unpacked(html)
    played = sum(block is not None for block in index["columns"]["block"])
    assert 0 < played < 100
    assert f"{played} of them with steps to play. More would make the page larger" in html
    assert (
        sum(map(len, (text for name, text in scripts(html, "application/json").items() if "block" in name)))
        < 3200
    )


def test_the_policy_names_every_script_by_its_hash(judged: Artifact) -> None:
    part = section([("mazes", judged)], 10, 3)
    own = re.findall(r"<script>(.*?)</script>", part.html, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in own]
    assert part.policy.split() == [f"'sha256-{each}'" for each in hashes]
    assert not re.search(r"\son\w+=", part.html.split("<script")[0])


def test_data_ends_no_element_and_is_json() -> None:
    evil = {"a": "</script><!--<script>", "b": [float("nan"), float("inf"), 1.5], "c": "\u2028"}
    text = packing.embedded(evil)
    assert "<" not in text
    assert json.loads(text) == {"a": evil["a"], "b": [None, None, 1.5], "c": "\u2028"}


def test_nothing_to_list_gives_nothing(judged: Artifact) -> None:
    for part in (section([], 10, 10), section([("mazes", judged)], 0, 10)):
        assert (part.html, part.style, part.policy) == ("", "", "")
    index, blocks = unpacked(section([("mazes", judged)], 10, 0).html)
    assert (len(index["columns"]["block"]), blocks) == (10, [])


def test_of_a_large_data_set_few_files_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = evaluations.dataset(tmp_path / "curate" / "maze", MAZES)
    file = (whole.folder / "data/train-00000-of-00002.parquet").read_bytes()
    many = Artifact(tmp_path / "curate" / "many")
    for at in range(40):
        many.publish(f"data/train-{at:05d}-of-00040.parquet", lambda path: path.write_bytes(file) and None)
    many.publish("data/test-00000-of-00001.parquet", lambda path: path.write_bytes(file) and None)
    many.seal(whole.manifest)
    opened: list[str] = []
    verified = Artifact.verified
    monkeypatch.setattr(
        Artifact, "verified", lambda self, name: (opened.append(name), verified(self, name))[1]
    )
    listing = datasets.of_data("many", many, 60, 20)
    assert len(opened) == datasets.FILES + 1
    assert listing.rows["split"].value_counts().sort("count").rows() == [("test", 10), ("train", 32)]
    played = listing.rows.head(20)["split"].value_counts().sort("split").rows()
    assert played == [("test", 10), ("train", 10)]


def test_the_rows_of_a_bootstrap_tell_whose_trace_they_have(tmp_path: Path) -> None:
    whole = evaluations.dataset(tmp_path / "curate" / "maze", MAZES)
    bootstrap = Artifact(tmp_path / "bootstrap" / "maze")
    data = Artifact(bootstrap.folder / "model" / "round-1" / "data")
    rows = pl.read_parquet(whole.folder / "data/train-00000-of-00002.parquet")
    mixed = rows.with_columns(origin=pl.Series(["model", "teacher"] * (len(rows) // 2)))
    data.publish("data/train-00000-of-00001.parquet", mixed.write_parquet)
    data.seal({"arm": "model", "round": 1})
    bootstrap.seal({"stage": "bootstrap", "domain": whole.manifest["domain"]})
    for artifact in (bootstrap, data):
        listing = datasets.of_data("rounds", artifact, 100, 10)
        assert set(listing.rows["by"]) == {"model 1, model's trace", "model 1, teacher's trace"}
        assert len(packing.pack(listing, 10**6).places) == 10


def test_a_page_of_two_domains_has_each_view_once(tmp_path: Path, judged: Artifact, monkeypatch: Any) -> None:
    sums = evaluations.evaluation(tmp_path / "evaluate" / "sums", Counting(), rows=6, samples=0)
    part = section([("a", judged), ("sums", sums), ("b", judged)], 30, 9)
    assert part.html.count('distill.register("maze"') == 1
    index, _ = unpacked(part.html)
    assert [each["domain"] for each in index["artifacts"]] == ["maze", "counting", "maze"]
    assert [each["rows"] for each in index["artifacts"]] == [10, 10, 10]
