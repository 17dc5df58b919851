"""`distill inspect` shows what stands anywhere below `artifacts`, and refuses the rest in a sentence."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import finished
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
    shutil.copy(copy / "data" / "part-00000.parquet", copy / "data" / "part-00001.parquet")
    assert "data/part-00000.parquet  200 rows" in seen(copy, refused=wrong)  # whole, but another file


@pytest.mark.parametrize("name", ["model.safetensors", "vocabulary.json"])
def test_a_part_of_an_artifact_that_has_lost_a_file_is_no_whole_one(
    evaluated: Job, tmp_path: Path, seen, name: str
) -> None:  # type: ignore[no-untyped-def]
    copy = tmp_path / "maze-1"
    shutil.copytree(stage(evaluated, "train"), copy)
    (copy / "last" / name).unlink()
    assert "layers" in seen(copy / "last", refused=f"last/{name} is missing or was changed")


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


def steady(text: str, *places: Path) -> str:
    """A view without what differs from run to run: times, commits, paths, sizes, versions of fingerprints."""
    for place in places:
        text = text.replace(str(place), "PLACE")
    text = re.sub(r"\b[0-9a-f]{16}\b", "F" * 16, text)
    text = re.sub(r"(?m)^(made|on) .*\n( +.*\n)*", lambda found: f"{found[1]} ...\n", text)
    text = re.sub(r"[\d.]+ [kM]?B(?=[, \n])", "SIZE", text)
    return re.sub(r"in \d+ files", "in FILES files", text)


@pytest.mark.parametrize("width", [80, 120])
def test_every_view_is_as_it_was(  # type: ignore[no-untyped-def]
    evaluated: Job, seen, golden, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console.OUT, "_width", width)
    curated, judged = stage(evaluated, "curate"), stage(evaluated, "evaluate")
    row = departed(judged)
    views = {
        "data": seen(curated),
        "evaluation": seen(judged),
        "row": seen(curated, row=row),
        "responses": seen(judged, row=row),
        "steps": seen(curated, row=row, step=True),
        "where": seen(curated, where="cost > 6 AND split = 'test'"),
    }
    for name, shown in views.items():
        text = "".join(f"{line.rstrip()}\n" for line in steady(shown, curated, judged).splitlines())
        long = [line for line in text.splitlines() if len(line) > width and "PLACE" not in line]
        assert not long
        golden(f"inspect-{name}-{width}.txt", text)


def test_the_frame_of_a_departure_is_behind_the_step_that_the_verifier_names(evaluated: Job, seen) -> None:  # type: ignore[no-untyped-def]
    judged = stage(evaluated, "evaluate")
    rows = pl.read_parquet(judged / "rollouts.parquet")
    last = rows.filter(pl.col("sample") == -1, pl.col("arm") == "model", pl.col("round") == 2)
    wrong = last.filter(pl.col("first_departure") < pl.col("total_steps")).row(0, named=True)
    shown = seen(judged, row=wrong["problem_id"], step=True)
    marked = re.findall(r"(?m)^model 2, greedy.* · step (\d+) of \d+ · first departure here: (.*)$", shown)
    assert marked == [(str(wrong["first_departure"] + 1), wrong["departure_reason"])]


def departed(judged: Path) -> str:
    """A problem whose last greedy response departs from the teacher's algorithm."""
    rows = pl.read_parquet(judged / "rollouts.parquet")
    last = rows.filter(pl.col("sample") == -1, pl.col("arm") == "model", pl.col("round") == 2)
    return str(last.filter(pl.col("first_departure").is_not_null()).sort("problem_id")["problem_id"][0])


def test_ids_are_found_by_their_beginnings(evaluated: Job, seen) -> None:  # type: ignore[no-untyped-def]
    files = sorted((stage(evaluated, "curate") / "data").glob("train-*.parquet"))
    known = pl.read_parquet(files[0])["problem_id"][3]
    for place in (stage(evaluated, "curate"), stage(evaluated, "generate"), files[0], files[0].parent):
        assert f"problem   {known}" in seen(place, row=known[:14])
    several = pl.concat([pl.read_parquet(file, columns=["problem_id"]) for file in files])["problem_id"]
    begun = several.str.slice(0, 3).mode()[0]
    if several.str.starts_with(begun).sum() > 1:
        seen(files[0].parent, refused=f"have ids that begin with {begun}: {begun}", row=begun)
    seen(files[0], refused="no problem whose id is 0123456789 or begins so", row="0123456789")
    seen(files[0], refused="too short: give at least 3", row="0")
    seen(stage(evaluated, "train"), refused="holds no problems", row=known)
    seen(stage(evaluated, "encode"), refused="holds no problems", row=known)
    seen(files[0], refused="--step plays one problem: name it with --row ID", step=True)
    seen(files[0], refused="give one of the two", row=known, where="cost > 3")


def test_responses_stand_beside_the_teachers_trace(evaluated: Job, seen) -> None:  # type: ignore[no-untyped-def]
    judged = stage(evaluated, "evaluate")
    row = departed(judged)
    shown = seen(judged, row=row)
    assert shown.count("S start  G goal") == 2
    count = len(pl.read_parquet(judged / "rollouts.parquet").filter(problem_id=row))
    assert len(re.findall(r"(?m)^ (start|model|unchanged|teacher) \d, ", shown)) == count
    played = seen(judged, row=row, step=True)
    assert "teacher, optimal, exact · step 0 of" in played
    assert "model 2, greedy, " in played
    assert "first departure here: " in played
    assert f"{count - 1:,} more responses can be played" in played


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ("cost > 6", pl.col("cost") > 6),
        ("verdict = 'optimal'", pl.col("verdict").cast(pl.String) == "optimal"),
        ("split IN ('test', 'validation')", pl.col("split").cast(pl.String) != "train"),
        (
            "split LIKE 'te%' AND trace_words <= 90",
            (pl.col("split") == "test") & (pl.col("trace_words") <= 90),
        ),
        ("array_length(trace) > 80", pl.col("trace").list.len() > 80),
        ("NOT seen_in_training", ~pl.col("seen_in_training")),
        ("cost = max(cost)", pl.col("cost") == pl.col("cost").max()),
        ("level <> 'from' OR cost > 1", pl.col("cost") > 1),
    ],
)
def test_conditions_choose_rows(evaluated: Job, seen, where: str, rows: pl.Expr) -> None:  # type: ignore[no-untyped-def]
    data = stage(evaluated, "curate") / "data"
    whole = pl.concat([pl.read_parquet(path) for path in sorted(data.glob("*.parquet"))])
    count = len(whole.filter(rows))
    assert count
    assert f"\n{count:,} of {len(whole):,} rows (" in seen(data, 0, where=where)


def test_rows_of_a_condition_over_all_rows_are_those_rows(tmp_path: Path, seen) -> None:  # type: ignore[no-untyped-def]
    for name, costs in (("a", [1, 5, 2]), ("b", [9, 3, 4]), ("c", [0, 6])):
        pl.DataFrame({"problem_id": [f"{name}{cost}" for cost in costs], "cost": costs}).write_parquet(
            tmp_path / f"{name}.parquet"
        )
    for where, ids in (("cost = MAX(cost)", ["b9"]), ("ROW_NUMBER() OVER (ORDER BY cost) > 6", ["b9", "c6"])):
        shown = seen(tmp_path, 8, where=where)
        assert re.findall(r"^problem_id +(\w+)$", shown, re.MULTILINE)[-len(ids) :] == ids
        assert f"\n{len(ids)} of 8 rows (" in shown
        assert shown.count("\nrow ") == len(ids)


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("problem_id = '\udcff'", "is no SQL expression"),
        ("cost >", "is no SQL expression"),
        ("", "is no SQL expression"),
        (
            "cots > 3",
            "names the column cots, which is not there, perhaps meant as cost; there are: problem_id",
        ),
        ('split = "test"', "texts stand in single quotes: 'test'"),
        ("cost > 'a'", "cannot be judged: cannot compare string with numeric type"),
        ("trace = 'a'", "cannot be judged"),
        ("cast(problem_id as int) = 5", "cannot be judged: conversion .* in column 'problem_id'"),
        ("max(cost) > 3", "gives one value for all rows together"),
        ("cost", "is a value"),
        ("1 = 1", "names no column"),
        ("COLUMNS('.*') > 1", "names no column"),
        ("cost > 1000000", "no row matches"),
    ],
)
def test_conditions_that_choose_nothing_are_refused(  # type: ignore[no-untyped-def]
    evaluated: Job, seen, where: str, reason: str
) -> None:
    seen(stage(evaluated, "curate"), refused=reason, where=where)


@pytest.mark.parametrize(
    "query",
    [
        "problem_id IN (SELECT a FROM read_csv('{secret}'))",
        "problem_id IN (FROM read_csv('{secret}'))",
        "problem_id IN (\u017felect a \u0046rom read_csv('{secret}'))",
        "problem_id IN (WITH x AS (FROM read_csv('{secret}')) FROM x)",
        "problem_id IN (VALUES (1))",
        "EXISTS (TABLE x)",
        "cost > 1; SELECT 1",
        "cost > 1 -- ' \n AND problem_id IN (FROM read_csv('{secret}')) -- '",
        "cost > 1 /* ' */ AND problem_id IN (FROM read_csv('{secret}')) /* ' */",
        "E'\\'' = problem_id AND problem_id IN (FROM read_csv('{secret}')) AND '' = ''",
        "'\\' = problem_id AND problem_id IN (FROM read_csv('{secret}')) AND '' = ''",
        "$a$ ' $a$ = problem_id AND problem_id IN (FROM read_csv('{secret}')) AND $b$ ' $b$ = ''",
        "`'` = problem_id AND problem_id IN (FROM read_csv('{secret}')) AND `'` = ''",
        "q'[']' = problem_id AND problem_id IN (FROM read_csv('{secret}')) AND '' = ''",
        "read_csv('{secret}') = problem_id",
    ],
)
def test_conditions_read_no_other_file(evaluated: Job, tmp_path: Path, query: str) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\nhidden-words\n")
    with pytest.raises(Refusal) as refused:
        show(stage(evaluated, "curate"), 0, query.format(secret=secret))
    assert "hidden-words" not in str(refused.value)
    assert "problem_id" not in str(refused.value).partition("there are:")[2]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            ["'", '"', "\\", "(", ")", "FROM read_csv('S')", "/*", "*/", "--", "\n", "E", "$$", "a", " "]
        )
    )
)
def test_no_mixture_of_quotes_reaches_a_file(tmp_path: Path, parts: list[str]) -> None:
    """Whatever the quotes around it: the query is refused, or is a text."""
    from pipeline.inspect import condition

    secret = tmp_path / "secret.csv"
    secret.write_text("a\nhidden-words\n")
    text = "a IN (" + "".join(parts).replace("'S'", f"'{secret}'") + ")"
    try:
        told = str(condition._parsed(text))
    except Refusal as refused:
        told = str(refused)
    assert "hidden-words" not in told
    assert "subplan" not in told.lower()


def test_what_is_empty_or_of_another_version_is_told_in_a_sentence(tmp_path: Path, seen) -> None:  # type: ignore[no-untyped-def]
    empty = tmp_path / "empty.parquet"
    pl.DataFrame(schema={"problem_id": pl.String, "cost": pl.Int32}).write_parquet(empty)
    assert "no rows" in seen(empty)
    seen(empty, refused="no problem whose id is abc", row="abc")
    seen(empty, refused="no row matches", where="cost > 1")
    later = tmp_path / "later.parquet"
    table = pa.table({"problem_id": ["abcdef"]})
    pq.write_table(table.replace_schema_metadata({"distill": '{"schema_version": 99}'}), later)
    for options in ({}, {"row": "abc"}, {"where": "problem_id = 'a'"}):
        seen(later, refused="has schema version 99, and this program knows", **options)
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(empty.read_bytes()[:-20])
    for options in ({}, {"row": "abc"}, {"where": "cost > 1"}):
        seen(broken, refused="cannot be read", **options)


def test_counts_of_many_rows_come_from_statistics_and_a_sample(tmp_path: Path, seen) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "many.parquet"
    kind = pa.schema(
        [
            ("split", pa.dictionary(pa.uint8(), pa.string())),
            ("verdict", pa.string()),
            ("trace_words", pa.int32()),
        ]
    )
    with pq.ParquetWriter(path, kind) as writer:
        for at in range(200):
            split = (
                pa.array(["test" if at < 20 else "train"] * 50).dictionary_encode().cast(kind.field(0).type)
            )
            words = pa.array(range(50), pa.int32())
            verdict = pa.array(["wrong" if n < 10 else "optimal" for n in range(50)])
            writer.write_table(pa.table([split, verdict, words], schema=kind))
    shown = seen(path, 0)
    assert re.search(r"split +train 9,000 \(90.0%\), test 1,000 \(10.0%\)", shown)
    assert "in a sample of 24 of 200 row groups (1,200 rows)" in shown
    assert "optimal 960 (80.0%), wrong 240 (20.0%)" in shown
    assert "mean 24.5, median 24 in a sample of 24 of 200 row groups" in shown


def test_nothing_in_a_file_moves_the_cursor(tmp_path: Path, seen) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "hostile.parquet"
    pl.DataFrame({"problem_id": ["abc\x1b[2Jd"], "verdict": ["\x1b]0;title\x07"]}).write_parquet(path)
    for options in ({}, {"row": "abc"}, {"where": "verdict <> ''"}):
        assert not re.search(r"[\x1b\x07]", seen(path, 1, **options))


def test_manifests_of_another_form_are_refused_in_a_sentence(evaluated: Job, tmp_path: Path) -> None:
    whole = dict(evaluated.artifact.manifest)
    forms = [[1], None, "text", whole | {"files": {"rollouts.parquet": None}}, whole | {"files": [1]}, {}]
    for at, form in enumerate(forms):
        copy = tmp_path / str(at)
        shutil.copytree(evaluated.artifact.folder, copy)
        (copy / "manifest.json").write_text(json.dumps(form))
        looks: list[dict[str, Any]] = [{}, {"where": "cost > 3"}]
        for options in [*looks, {"row": "abc"}] if form != {} else looks:
            with pytest.raises(Refusal, match=r"is not what a stage writes|names no files"):
                show(copy, 1, **options)


def test_a_manifest_of_others_above_a_file_is_no_concern(tmp_path: Path, seen) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "manifest.json").write_text("[1, 2]")
    (tmp_path / "inner").mkdir()
    pl.DataFrame({"problem_id": ["abcd"]}).write_parquet(tmp_path / "inner" / "a.parquet")
    assert "abcd" in seen(tmp_path / "inner" / "a.parquet")


def test_names_of_folders_are_no_patterns(evaluated: Job, tmp_path: Path, seen) -> None:  # type: ignore[no-untyped-def]
    curated = tmp_path / "a [b] *?'"
    shutil.copytree(stage(evaluated, "curate"), curated)
    known = pl.read_parquet(str(next(stage(evaluated, "curate").glob("data/test-*"))))["problem_id"][0]
    assert "S start  G goal" in seen(curated)
    assert " match" in seen(curated, where="cost > 3")
    assert known in seen(curated, row=known[:12])


@pytest.mark.parametrize("begun", ["abc\U0010ffff", "abc\ud7ff", "ab\udcff\udcfe"])
def test_any_text_may_be_asked_for_as_an_id(evaluated: Job, seen, begun: str) -> None:  # type: ignore[no-untyped-def]
    seen(stage(evaluated, "curate"), refused="has no problem whose id is", row=begun)
