"""Finished evaluations as tidy rows; seeds as one, with the interval that Student's t gives."""

from __future__ import annotations

import json
import math
import shutil
import statistics
from pathlib import Path

import polars as pl
import pytest
from finished import finished, recipe

from pipeline.artifact import Artifact
from pipeline.cli import main
from pipeline.errors import Damaged
from pipeline.files import write_json
from pipeline.intervals import _t_quantile, over_runs
from pipeline.results import frame
from pipeline.results.found import found
from pipeline.results.rows import rows, slug
from pipeline.results.seeds import groups

SEEDS = (0, 1, 2)
T = {1: 12.706204736, 2: 4.302652730, 3: 3.182446305, 4: 2.776445105, 9: 2.262157163, 30: 2.042272456}
"""Two-sided quantiles at 95 %, of printed tables."""


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seeds of a recipe, one with another training, and one with a bootstrap."""
    place = tmp_path_factory.mktemp("artifacts")
    for seed in SEEDS:
        finished(recipe(bootstrap=None, seed=seed), place, failures=0.04 + 0.1 * seed)
    finished(recipe(bootstrap=None, fit={"steps": 7}), place)
    finished(recipe(name="rounds"), place)
    return place


@pytest.fixture
def table(artifacts: Path, tmp_path: Path) -> pl.DataFrame:
    assert main(["results", f"{artifacts}/evaluate/*", "--to", str(tmp_path / "rows.parquet")]) == 0
    return pl.read_parquet(tmp_path / "rows.parquet")


def test_a_run_is_a_row_with_what_differs(table: pl.DataFrame) -> None:
    assert len(table) == 5
    assert sorted(table["seed"]) == [0, 0, 0, 1, 2]
    assert table["fit.steps"].dtype == pl.Int64
    assert sorted(table["fit.steps"].to_list()) == [7, 1000, 1000, 1000, 1000]
    assert "model.layers" not in table.columns
    assert set(table["recipe"]) == {"small", "rounds"}
    assert set(table["checkpoint"]) == {"start", "model 2"}
    assert table["fingerprint"].n_unique() == 5


def test_measures_are_those_of_the_evaluations(table: pl.DataFrame) -> None:
    for row in table.iter_rows(named=True):
        made = json.loads((Path(row["artifact"]) / "metrics.json").read_text())["metrics"]
        for name, metric, rule in (
            ("optimal", "optimal", "greedy"),
            ("any_optimal_k", "any-optimal-k", "any of 4"),
            ("trace_sound", "trace-sound", "greedy"),
            ("trace_exact", "trace-exact", "greedy"),
            ("trace_words", "trace-words", "greedy"),
            ("plan_excess", "plan-excess", "greedy"),
        ):
            (same,) = [
                each
                for each in made
                if (each["label"], each["metric"], each["rule"], each["subset"])
                == (row["checkpoint"], metric, rule, "all")
            ]
            ours = [row[name], row[f"{name}_low"], row[f"{name}_high"]]
            assert ours == [same["value"], same["low"], same["high"]]


def test_runs_that_differ_in_the_seed_alone_are_one(artifacts: Path, table: pl.DataFrame) -> None:
    listed = [row for each in found([f"{artifacts}/evaluate/*"]).evaluations for row in rows(each)]
    together = groups(listed)
    assert sorted(len(group.rows) for group in together) == [1, 1, 3]
    (several,) = [group for group in together if len(group.rows) == 3]
    assert several.seeds == list(SEEDS)
    values = [row.measures["optimal"].value or 0.0 for row in several.rows]
    half = T[2] * statistics.stdev(values) / math.sqrt(3)
    measure = several.measures["optimal"]
    assert measure.value == pytest.approx(statistics.mean(values))
    assert (measure.low, measure.high) == pytest.approx((measure.value - half, measure.value + half))
    alone = next(group for group in together if len(group.rows) == 1)
    assert alone.measures["optimal"].low is None


@pytest.mark.parametrize(("freedom", "quantile"), T.items())
def test_quantiles_are_those_of_the_tables(freedom: int, quantile: float) -> None:
    assert _t_quantile(freedom) == pytest.approx(quantile, abs=1e-8)


def test_one_run_has_no_interval() -> None:
    assert over_runs([0.5]) == (0.5, None, None)
    assert over_runs([0.5, 0.5]) == (0.5, 0.5, 0.5)


def test_every_format_holds_the_same(artifacts: Path, tmp_path: Path) -> None:
    pattern = f"{artifacts}/evaluate/*"
    for end in ("parquet", "csv", "json"):
        words = ["--to", str(tmp_path / f"rows.{end}"), "--over-seeds", str(tmp_path / f"seeds.{end}")]
        assert main(["results", pattern, *words]) == 0
    kept = pl.read_parquet(tmp_path / "rows.parquet")
    assert pl.read_csv(tmp_path / "rows.csv").columns == kept.columns
    assert json.loads((tmp_path / "rows.json").read_text()) == kept.to_dicts()
    means = pl.read_parquet(tmp_path / "seeds.parquet")
    assert sorted(means["n"]) == [1, 1, 3]
    assert pl.read_csv(tmp_path / "seeds.csv")["optimal"].to_list() == pytest.approx(
        means["optimal"].to_list()
    )


def test_tables_fit_the_terminal_and_name_what_they_leave_out(
    artifacts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["results", str(artifacts)]) == 0
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 80
    assert "optimal" in told
    assert "also, with --to FILE" in told
    assert "Student's t, n - 1" in told


def test_checkpoints_can_be_named_or_all(artifacts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bootstrapped,) = [
        each for each in found([str(artifacts)]).evaluations if each.manifest["recipe"] == "rounds"
    ]
    labels = [row.checkpoint for row in rows(bootstrapped, "all")]
    assert labels[0] == "start"
    assert {"model 1", "teacher 2", "unchanged 2"} < set(labels)
    assert [row.checkpoint for row in rows(bootstrapped, "teacher 1")] == ["teacher 1"]
    assert main(["results", str(bootstrapped.folder), "--checkpoint", "nobody"]) == 1
    assert "there are: start, model 1" in capsys.readouterr().err


def test_a_run_counts_once_however_often_it_is_matched(artifacts: Path, tmp_path: Path) -> None:
    one = found([str(artifacts)]).evaluations[0].folder
    copied = tmp_path / "elsewhere" / "evaluate" / one.name
    shutil.copytree(one, copied)
    words = [str(one), f"{artifacts}/evaluate/{one.name}", str(copied), str(one / "manifest.json")]
    assert main(["results", *words, "--to", str(tmp_path / "rows.json")]) == 0
    assert len(json.loads((tmp_path / "rows.json").read_text())) == 1


def test_unfinished_and_damaged_evaluations_are_left_out_with_a_remark(
    artifacts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [each.folder for each in found([str(artifacts)]).evaluations]
    place = tmp_path / "evaluate"
    for folder in folders[:3]:
        shutil.copytree(folder, place / folder.name)
    (place / folders[0].name / "manifest.json").unlink()
    (place / folders[1].name / "rollouts.parquet").write_bytes(b"")
    assert main(["results", f"{place}/*"]) == 0
    told = capsys.readouterr()
    assert "1 run, with" in told.out
    assert "1 evaluation is not finished and left out" in told.err
    assert "1 evaluation is damaged and left out" in told.err
    manifest = place / folders[1].name / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"stage"', '"stagf"'))
    assert main(["results", f"{place}/*"]) == 0
    assert "1 evaluation is damaged and left out" in (said := " ".join(capsys.readouterr().err.split()))
    assert said.replace(" ", "").endswith(f"{folders[1].name}/manifest.json")
    shutil.rmtree(place / folders[2].name)
    assert main(["results", f"{place}/*"]) == 1
    assert "there is no finished evaluation among the matches" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{0}/nowhere/*"], "nothing matches"),
        (["{0}/nowhere"], "nothing matches"),
        (["{0}/curate/*"], "matches are no evaluations"),
        (["{0}/evaluate/*/metrics.json"], "is no file of a sweep"),
        (["{0}", "--to", "rows.xlsx"], "results are written as .parquet, .csv, .json"),
        (["{0}", "--to", "s3://bucket/rows.csv"], "to a file of this machine"),
        (["{0}", "--seed", "1"], "unknown option --seed"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_sentence(
    artifacts: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["results", *(word.format(artifacts) for word in words)]) == 1
    told = capsys.readouterr().err.strip()
    assert said in told
    assert "\n" not in told


def test_a_manifest_of_another_kind_is_damaged(tmp_path: Path) -> None:
    place = tmp_path / "evaluate" / "maze-0"
    write_json(place / "manifest.json", {"stage": "evaluate", "files": {}, "metrics": [{"label": "start"}]})
    with pytest.raises(Damaged, match="cannot be understood"):
        rows(Artifact(place))


@pytest.mark.parametrize(
    "text", ["[]", "1", "{}", '{"stage": "evaluate"}', '{"stage": "evaluate", "files": 3}', "{"]
)
def test_a_manifest_that_is_none_is_left_out(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "evaluate" / "maze-0"
    place.mkdir(parents=True)
    (place / "manifest.json").write_text(text)
    assert main(["results", str(place)]) == 1
    assert "there is no finished evaluation among the matches" in capsys.readouterr().err


def test_settings_of_mixed_kinds_become_text() -> None:
    assert frame.column([1, None, 2]).dtype == pl.Int64
    assert frame.column([1, 0.5]).dtype == pl.Float64
    assert frame.column([True, None]).dtype == pl.Boolean
    assert frame.column([1, "a", [1]]).to_list() == ["1", "a", "[1]"]
    assert frame.column([None]).to_list() == [None]


def test_names_of_measures_are_names_of_columns() -> None:
    assert slug("Kendall's tau-b") == "kendalls_tau_b"
    assert slug("accuracy at depth 0") == "accuracy_at_depth_0"
