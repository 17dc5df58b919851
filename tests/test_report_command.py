"""`distill report ARTIFACT...`: a page about any finished artifact, and one sentence where there is none."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import finished
import polars as pl
import pytest
from reading import Page, is_closed

from pipeline import schema
from pipeline.answering import ROLLOUTS
from pipeline.artifact import Artifact
from pipeline.cli import main
from pipeline.files import write_json
from pipeline.lineage import domain_of
from pipeline.page.chain import link
from pipeline.page.collection import left_out
from pipeline.page.faithfulness import departures
from pipeline.page.findings import Findings
from pipeline.stage import Job, Options, make
from pipeline.stages.report import PAGE, REPORT

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)> & Co.'


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Job:
    recipe = finished.recipe(
        generate={"rows": 200, "shard_rows": 100}, evaluate={"problems": 30, "samples": 2}
    )
    return finished.finished(recipe, tmp_path_factory.mktemp("artifacts"))


@pytest.fixture(scope="module")
def folders(evaluated: Job) -> dict[str, Path]:
    """Where each stage's artifact stands."""
    found: dict[str, Path] = {}

    def walk(job: Job) -> None:
        found[job.stage.name] = job.artifact.folder
        for each in job.inputs:
            walk(each)

    walk(evaluated)
    return found


def page_of(tmp_path: Path, *artifacts: Path) -> str:
    to = tmp_path / "page.html"
    assert main(["report", *map(str, artifacts), "--to", str(to)]) == 0
    return to.read_text()


def copied(folder: Path, to: Path, **changes: Any) -> Artifact:
    """A copy of an artifact whose manifest has other fields; those that are None are dropped."""
    shutil.copytree(folder, to)
    manifest = json.loads((to / "manifest.json").read_text()) | changes | {"check": None}
    write_json(to / "manifest.json", {name: each for name, each in manifest.items() if each is not None})
    return Artifact(to)


@pytest.mark.parametrize(
    ("stage", "blocks", "told"),
    [
        ("generate", {"rows", "difficulty", "data", "problems", "provenance"}, "Trace lengths"),
        ("curate", {"rows", "difficulty", "data", "problems", "provenance"}, "validation"),
        ("encode", {"tokens", "words", "data", "provenance"}, "Tokens an example"),
        ("train", {"training", "data", "provenance"}, "Learning rate"),
        ("bootstrap", {"bootstrap", "training", "data", "provenance"}, "rows improved"),
        (
            "evaluate",
            {
                *("results", "bootstrap", "lengths", "difficulty", "faithfulness", "training"),
                *("problems", "failures", "data", "provenance"),
            },
            "Where traces first go wrong",
        ),
    ],
)
def test_every_kind_of_artifact_has_a_page(
    folders: dict[str, Path],
    tmp_path: Path,
    stage: str,
    blocks: set[str],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = page_of(tmp_path, folders[stage])
    assert capsys.readouterr().out.strip() == str(tmp_path / "page.html")
    page = Page(text)
    assert is_closed(text)
    assert blocks == {each[3:] for each in page.ids if each.startswith("r0-")}
    assert told in page.text
    assert "Provenance" in page.text
    links = [each for each in page.links if not each.startswith(("#", "data:"))]
    assert links
    assert all((tmp_path / each / "manifest.json").resolve().is_file() for each in links)
    # The rounds of this bootstrap were never run: they have no rows to play.
    assert ("part-traces" in page.ids) == (stage in ("generate", "curate", "evaluate"))
    assert {"part-results"} <= set(page.ids)


def test_a_data_set_that_leaves_out_nothing_has_no_table_of_it() -> None:
    assert left_out({"rejected": {}}) == left_out({}) == []
    [(_, table)] = left_out({"rejected": {"too long": 3}})
    assert [[cell.text for cell in row] for row in table.rows] == [["too long", "3"]]


def test_a_report_and_the_command_tell_the_same(evaluated: Job, tmp_path: Path) -> None:
    report = make(Job(REPORT, evaluated.recipe, Options(evaluated.options.artifacts, 1)))
    first = (report.artifact.folder / PAGE).read_text()
    second = page_of(tmp_path, evaluated.artifact.folder)
    third = page_of(tmp_path, report.artifact.folder)
    parts = [part(text, "results", "problems") for text in (first, second, third)]
    assert parts[0] == parts[1] == parts[2]
    assert "lead" in re.findall(r'class="(lead)"', third)  # the report's manifest knows what its recipe says


def part(text: str, begin: str, end: str) -> str:
    return text[text.index(f'id="r0-{begin}"') : text.index(f'id="r0-{end}"')]


def test_several_artifacts_are_compared(folders: dict[str, Path], tmp_path: Path) -> None:
    other = copied(folders["evaluate"], tmp_path / "evaluate" / "maze-other", recipe="other").folder
    text = page_of(tmp_path, folders["evaluate"], other, folders["train"], folders["evaluate"])
    page = Page(text)
    assert {"comparison", "r0", "r1", "r2"} <= set(page.ids)
    assert "r3" not in page.ids
    assert "what came out" in page.text
    assert is_closed(text)
    comparison = text[text.index('id="comparison"') : text.index('id="r0"')]
    for name in ("small, evaluate, model 2", "other, model 2", "small, train"):
        assert name in comparison


def test_inputs_that_have_gone_are_named_and_what_they_told_is_left_out(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    inputs = json.loads((folders["evaluate"] / "manifest.json").read_text())["inputs"]
    moved = [{**each, "folder": f"nowhere/{each['fingerprint']}"} for each in inputs]
    alone = copied(folders["evaluate"], tmp_path / "alone" / "evaluate" / "maze-x", inputs=moved)
    page = Page(page_of(tmp_path, alone.folder))
    shown = {each[3:] for each in page.ids if each.startswith("r0-")}
    assert {"results", "difficulty", "problems", "lengths", "bootstrap"} <= shown  # it keeps its problems
    assert not {"training", "data"} & shown
    for each in inputs:
        assert f"{each['stage']} {each['fingerprint']}" in page.text
    assert "no longer there" in page.text


def test_without_any_problems_the_page_says_so(folders: dict[str, Path], tmp_path: Path) -> None:
    alone = copied(folders["evaluate"], tmp_path / "alone" / "evaluate" / "maze-x", inputs=[])
    alone.discard("problems.parquet")
    alone.seal({name: each for name, each in alone.manifest.items() if name != "files"})
    page = Page(page_of(tmp_path, alone.folder))
    assert "Nothing tells the problems" in page.text
    assert not {"r0-difficulty", "r0-problems"} & set(page.ids)
    assert "r0-results" in page.ids


def test_a_data_set_without_its_files_leaves_the_evaluation_readable(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    for stage in ("evaluate", "curate"):
        shutil.copytree(folders[stage], tree / stage / folders[stage].name)
    shutil.rmtree(tree / "curate" / folders["curate"].name / "data")
    judged = Artifact(tree / "evaluate" / folders["evaluate"].name)
    judged.discard("problems.parquet")
    judged.seal({name: each for name, each in judged.manifest.items() if name != "files"})
    assert "Nothing tells the problems" in Page(page_of(tmp_path, judged.folder)).text


def adhoc(folders: dict[str, Path], to: Path, source: str, labels: tuple[str, ...]) -> Artifact:
    """An evaluation of checkpoints apart from a recipe, as `evaluate --checkpoint ... --on ...` leaves it."""
    artifact = copied(folders["evaluate"], to)
    manifest = artifact.manifest
    columns = schema.rollouts(words_of(artifact))
    rows = schema.read(to / ROLLOUTS, columns).filter(pl.col("arm") == "start")
    frame = pl.concat([rows.with_columns(arm=pl.lit(label)) for label in labels])
    artifact.publish(ROLLOUTS, lambda path: schema.write(frame, path, columns, {}), rows=len(frame))
    own = {name: manifest[name] for name in ("problems", "references", "domain", "provenance", "stage")}
    of_start = [row for row in manifest["metrics"] if row["arm"] == "start"]
    metrics = [{**row, "arm": label, "label": label} for label in labels for row in of_start]
    settings = {"checkpoints": ["abc"], "problems": "def", "seed": 3, "domain": manifest["domain"]}
    facts = {"metrics": metrics, "rivals": [], "tables": [], "lengths": [], "source": source}
    artifact.seal({**own, **facts, "settings": settings})
    return artifact


def words_of(artifact: Artifact) -> tuple[str, ...]:
    import pyarrow.parquet as pq

    column = pq.read_table(artifact.folder / ROLLOUTS, columns=["text"]).column("text")
    return tuple(column.chunk(0).values.dictionary.to_pylist())


def test_checkpoints_judged_apart_from_a_recipe_have_a_page(folders: dict[str, Path], tmp_path: Path) -> None:
    made = adhoc(
        folders, tmp_path / "evaluate" / "maze-adhoc", f"my {HOSTILE}.txt", ("0:best", f"1:{HOSTILE}")
    )
    text = page_of(tmp_path, made.folder)
    page = Page(text)
    assert is_closed(text)
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert f"my {HOSTILE}.txt" in page.text
    assert "0:best" in page.text
    assert {"r0-results", "r0-difficulty", "r0-faithfulness", "r0-provenance"} <= set(page.ids)
    assert not {"r0-training", "r0-data", "r0-bootstrap"} & set(page.ids)


def test_hostile_names_of_recipes_are_shown_and_not_obeyed(folders: dict[str, Path], tmp_path: Path) -> None:
    made = [
        copied(folders[stage], tmp_path / stage / f"maze-{at}", recipe=HOSTILE)
        for at, stage in enumerate(("evaluate", "curate", "train"))
    ]
    text = page_of(tmp_path, *[each.folder for each in made])
    assert is_closed(text)
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert HOSTILE in Page(text).text


def test_links_hold_whatever_a_folder_is_called(folders: dict[str, Path], tmp_path: Path) -> None:
    strange = tmp_path / 'it\'s "100%" <b>#1?' / "train" / "maze-x"
    copied(folders["train"], strange)
    assert main(["report", str(strange), "--to", str(tmp_path / "page.html")]) == 0
    page = Page((tmp_path / "page.html").read_text())
    address = link(strange, tmp_path)
    assert address in page.links
    assert not re.search(r"[\"'<>#?]", address)


@pytest.mark.parametrize("stage", ["generate", "curate", "evaluate", "bootstrap"])
def test_what_holds_no_rows_is_refused_in_a_sentence(
    folders: dict[str, Path], tmp_path: Path, stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    artifact = copied(folders[stage], tmp_path / stage / "maze-empty")
    for name in artifact.names("data/*.parquet"):
        empty = pl.read_parquet(artifact.folder / name).clear()
        artifact.publish(name, lambda path, empty=empty: empty.write_parquet(path), rows=0)
    facts = {name: each for name, each in artifact.manifest.items() if name != "files"}
    none = {"evaluate": {"problems": 0, "metrics": []}, "bootstrap": {"rounds": []}}.get(stage, {})
    artifact.seal(facts | none)
    refused(["report", str(artifact.folder), "--to", str(tmp_path / "x.html")], "holds no rows", capsys)


def refused(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 1
    shown = capsys.readouterr()
    assert told in shown.err
    assert shown.err.startswith("distill: ")
    assert "Traceback" not in shown.err
    assert not shown.out
    if "--to" in words:
        assert not Path(words[-1]).is_file()


def test_a_missing_or_unfinished_artifact_is_refused_in_a_sentence(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = ["--to", str(tmp_path / "x.html")]
    refused(["report", *page], "name the artifacts", capsys)
    refused(["report", str(tmp_path / "none"), *page], "there is no folder", capsys)
    (tmp_path / "open").mkdir()
    refused(["report", str(tmp_path / "open"), *page], "never finished", capsys)
    unsized = copied(folders["evaluate"], tmp_path / "evaluate" / "maze-cut").folder
    (unsized / ROLLOUTS).write_bytes(b"PAR1")
    refused(["report", str(unsized), *page], "rollouts.parquet is missing or was changed", capsys)
    refused(["report", str(folders["train"]), str(tmp_path / "none"), *page], "there is no folder", capsys)


def test_an_unknown_version_is_refused_in_a_sentence(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = ["--to", str(tmp_path / "x.html")]
    later = copied(folders["curate"], tmp_path / "curate" / "maze-later")
    name = later.names("data/test-*.parquet")[0]
    columns = schema.dataset(domain_of(later))
    frame = schema.read(later.folder / name, columns)
    later.publish(name, lambda path: schema.write(frame, path, columns, {"schema_version": 9}))
    later.seal({key: each for key, each in later.manifest.items() if key != "files"})
    refused(["report", str(later.folder), *page], "has schema version 9", capsys)
    older = copied(folders["train"], tmp_path / "train" / "maze-older", training=None).folder
    refused(["report", str(older), *page], "of another version", capsys)
    strange = copied(folders["train"], tmp_path / "train" / "maze-strange", stage="bake").folder
    refused(["report", str(strange), *page], "of the stage bake", capsys)


def test_a_page_that_cannot_be_written_is_refused_in_a_sentence(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = str(folders["train"])
    refused(["report", train, "--to", str(tmp_path)], "is a folder", capsys)
    (tmp_path / "file").write_text("kept")
    refused(["report", train, "--to", str(tmp_path / "file" / "x.html")], "is no folder", capsys)
    assert (tmp_path / "file").read_text() == "kept"


def test_a_report_whose_evaluations_have_gone_is_refused(
    evaluated: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = make(Job(REPORT, evaluated.recipe, Options(evaluated.options.artifacts, 1)))
    inputs = [{"stage": "evaluate", "fingerprint": "x", "folder": "nowhere/x"}]
    alone = copied(report.artifact.folder, tmp_path / "report" / "maze-x", inputs=inputs).folder
    capsys.readouterr()
    refused(["report", str(alone), "--to", str(tmp_path / "x.html")], "no longer there", capsys)


def test_departures_are_counted_where_they_stand(evaluated: Job) -> None:
    findings = Findings("small", evaluated.artifact)
    made = departures(findings, findings.final)
    own = findings.greedy(findings.final)
    assert made.replayed == len(own.drop_nulls("level"))
    assert made.faithful == own["first_departure"].null_count()
    assert sum(made.shares) == pytest.approx(1 - made.faithful / made.replayed)
    last = own.filter(pl.col("first_departure") >= pl.col("total_steps"))
    assert made.shares[-1] == pytest.approx(len(last) / len(own))


def test_success_against_difficulty_is_that_of_the_rollouts(evaluated: Job) -> None:
    from pipeline.page.difficulty import difficulties

    findings = Findings("small", evaluated.artifact)
    made, alike = difficulties(findings)
    assert made
    assert [each for each in alike if each.startswith("cells")] == ["cells (25)"]
    optimal = findings.metric(findings.final, "optimal", "greedy")
    assert optimal is not None
    for each in made:
        line = each.lines[findings.label(findings.final)]
        solved = sum(part["value"] * part["n"] for part in line if part["value"] is not None)
        asked = sum(part["n"] for part in line)
        assert solved / asked == pytest.approx(optimal["value"])
        assert all(part["low"] is None or part["low"] <= part["value"] <= part["high"] for part in line)
