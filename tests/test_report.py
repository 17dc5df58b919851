"""The report: one page that says what the artifacts say, whatever the recipe has or lacks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import finished
import pytest
from reading import Page, is_closed

from generators import domain as domains
from pipeline import console
from pipeline.page import examples, judged, numbers, plots
from pipeline.page.canvas import clipped
from pipeline.page.curves import Curve
from pipeline.page.findings import Findings
from pipeline.page.fitting import LEFT_OUT, fitted, shares
from pipeline.page.parts import Block, Gallery, Section, facts
from pipeline.recipe import Recipe, build
from pipeline.stage import Job, Options, make
from pipeline.stages.report import PAGE, REPORT, show

COUNTING = {
    "name": "sums",
    "domain": {"name": "counting"},
    "generate": {"rows": 100, "shard_rows": 100},
    "curate": {"test": 0.3, "validation": 0.1, "level": "none"},
    "encode": {"notation": "action-value"},
    "evaluate": {"problems": 20, "samples": 4},
}


@pytest.fixture(autouse=True)
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(domains.DOMAINS, "counting", "tiny:Counting")


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return report(finished.recipe(), tmp_path_factory.mktemp("artifacts"))


def report(recipe: Recipe, artifacts: Path) -> Job:
    for each in recipe.expanded().values():
        finished.finished(each, artifacts)
    return make(Job(REPORT, recipe, Options(artifacts, 1)))


def text_of(job: Job) -> str:
    return (job.artifact.folder / PAGE).read_text()


def test_the_page_needs_no_network_and_runs_its_own_scripts_alone(reported: Job) -> None:
    page = Page(text_of(reported))
    assert is_closed(text_of(reported))
    assert page.scripts
    pictures = [link for link in page.links if link.startswith("data:")]
    assert pictures
    assert all(link.startswith("data:image/svg+xml;base64,") for link in pictures)
    assert len(text_of(reported)) < 1_500_000


def test_links_lead_to_the_artifacts_and_sections(reported: Job) -> None:
    page = Page(text_of(reported))
    folder = reported.artifact.folder
    relative = [link for link in page.links if not link.startswith(("#", "data:"))]
    stages = ["generate", "curate", "encode", "train", "bootstrap", "evaluate"]
    assert [Path(link).parts[-2] for link in relative] == stages
    assert all((folder / link / "manifest.json").is_file() for link in relative)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_two_elements_of_one_id_are_alike(reported: Job) -> None:
    """Pictures may share the definition of a marker, but only if it is the same one."""
    found: dict[str, set[str]] = {}
    for match in re.finditer(r'<(path|clipPath|section|h[23])[^>]* ?id="([^"]+)"[^>]*>', text_of(reported)):
        found.setdefault(match[2], set()).add(match[0])
    assert found
    assert all(len(every) == 1 for every in found.values())


def test_what_a_user_wrote_is_shown_and_not_obeyed(reported: Job) -> None:
    assert "<b>small" not in text_of(reported)
    assert "Mazes <b>small</b> & quick." in Page(text_of(reported)).text


def test_every_metric_stands_on_the_page(reported: Job) -> None:
    text = Page(text_of(reported)).text
    for row in reported.inputs[0].artifact.manifest["metrics"]:
        assert row["metric"] in text
        kind = numbers.kind_of(row)
        assert numbers.value(row["value"], kind) in text
        assert numbers.interval(row.get("low"), row.get("high"), kind) in text


def test_the_page_is_the_same_every_time(reported: Job, tmp_path: Path) -> None:
    again = REPORT.run(reported)
    assert again["tables"] == reported.artifact.manifest["tables"]
    first = text_of(reported)
    REPORT.run(reported)
    assert text_of(reported) == first


def test_pictures_take_their_colours_from_the_page(reported: Job) -> None:
    drawn = re.findall(r"<svg role.*?</svg>", text_of(reported), re.DOTALL)
    assert len(drawn) > 8
    for svg in drawn:
        assert not re.search(r"#[0-9a-f]{6}", svg)
        assert "DejaVu" not in svg


def test_one_problem_of_each_outcome_is_shown(reported: Job) -> None:
    findings = Findings("small", reported.inputs[0].artifact)
    shown = examples.examples(findings, 3, examples.Allowance(10**6))
    assert len(shown) == 3
    assert [panel.title for panel in shown[0].panels] == ["solver", "model", "model after round 2"]
    outcomes = findings.greedy(findings.final).select("verdict", "level").unique()
    assert len({example.why.split(":")[0] for example in shown}) >= min(3, len(outcomes))
    assert all(panel.picture for example in shown for panel in example.panels)


def test_a_view_that_is_no_xml_is_shown_as_text() -> None:
    assert examples._picture("<svg><text>a < b</text></svg>") == ""
    assert examples._picture("<svg/>").startswith("data:image/svg+xml;base64,")


def test_without_bootstrap_and_traces_their_sections_vanish(tmp_path: Path) -> None:
    job = report(finished.recipe(bootstrap=None, encode={"notation": "solution"}), tmp_path)
    page = Page(text_of(job))
    assert not {"r0-bootstrap", "r0-lengths"} & set(page.ids)
    assert {"r0-results", "r0-training", "r0-problems", "r0-data", "r0-provenance"} <= set(page.ids)
    assert "sound" not in " ".join(job.artifact.manifest["tables"][0]["columns"])


def test_a_model_that_scores_candidates_has_a_report(tmp_path: Path) -> None:
    job = report(build(COUNTING), tmp_path)
    page = Page(text_of(job))
    assert "r0-results" in page.ids
    assert "mean of" not in page.text


def test_a_model_that_solves_nothing_has_a_report(tmp_path: Path) -> None:
    recipe = finished.recipe(evaluate={"problems": 20, "samples": 0})
    finished.finished(recipe, tmp_path, failures=1.0)
    job = make(Job(REPORT, recipe, Options(tmp_path, 1)))
    page = Page(text_of(job))
    assert "r0-lengths" not in page.ids
    assert "100.0%" in page.text
    assert "any optimal" not in page.text


def test_variants_are_compared_in_rows(tmp_path: Path) -> None:
    recipe = finished.variants(
        cells={"encode": {"notation": "cells"}}, solution={"encode": {"notation": "solution"}}
    )
    job = report(recipe, tmp_path)
    page = Page(text_of(job))
    assert {"comparison", "r0", "r1"} <= set(page.ids)
    assert "encode.notation: solution" in page.text
    assert [row[0] for row in job.artifact.manifest["tables"][0]["rows"]] == ["cells", "solution"]
    assert len(set(page.ids) & {"r0-results", "r1-results"}) == 2


def test_the_terminal_shows_the_table_in_80_columns(
    reported: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console.OUT, "_width", 80)
    show(reported)
    shown = capsys.readouterr().out
    *lines, last = shown.rstrip().splitlines()
    assert max(map(len, lines)) <= 80
    assert last == str((reported.artifact.folder / PAGE).absolute())
    for label in ("start", "model 2", "teacher 1", "unchanged 2"):
        assert any(line.strip().startswith(label) for line in lines)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.90, 0.97, "The model arm beats"), (1.02, 1.1, "The teacher arm beats"), (0.97, 1.01, "holds 1")],
)
def test_the_claim_says_no_more_than_its_interval(
    reported: Job, monkeypatch: pytest.MonkeyPatch, low: float, high: float, said: str
) -> None:
    ratio: dict[str, Any] = {"value": (low + high) / 2, "low": low, "high": high, "n": 40, "clusters": 30}
    monkeypatch.setattr(Findings, "against_teacher", lambda self, number: ratio)
    assert said in judged.claim(Findings("small", reported.inputs[0].artifact))


def test_a_single_point_is_seen_at_its_whole_step() -> None:
    alone = plots.rates("rate", {"AdamW": [(20.0, 0.1)]}, "").svg
    assert len(re.findall(r"<use [^>]*fill: var\(--model\)", alone)) >= 1
    steps = [text for text in re.findall(r">([^<>]+)</text>", alone) if text.strip().isdigit()]
    assert len(steps) == len(set(steps))


def test_long_names_keep_the_ends_by_which_they_differ() -> None:
    names = [clipped(f"maze-notations/{name}-muon-and-more") for name in ("cells", "search")]
    assert all(len(name) == 24 for name in names)
    assert names[0] != names[1]
    assert clipped("short") == "short"


def test_empty_and_endless_curves_are_drawn() -> None:
    assert "<svg" in plots.losses("nothing", Curve([], []), "").svg
    many = [(float(step), 1.0) for step in range(5000)]
    assert len(plots.smoothed(many)) == 200
    assert plots.smoothed(many[:7]) == many[:7]


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (numbers.short(812), "812"),
        (numbers.short(999_600), "1M"),
        (numbers.short(812_345), "812k"),
        (numbers.duration(0.31), "0.3 s"),
        (numbers.duration(119.7), "2 min"),
        (numbers.duration(7501), "2 h 5 min"),
        (numbers.size(6400), "6.4 kB"),
        (numbers.counted(1, "problem"), "1 problem"),
        (numbers.counted(1234, "problem"), "1,234 problems"),
        (numbers.significant(0.0009328), "0.0009328"),
        (numbers.significant(1234567.0), "1,234,567"),
        (numbers.value(None, "share"), "–"),
        (numbers.value(0.9744, "share"), "97.4%"),
        (numbers.interval(0.958, 0.985, "share"), "95.8–98.5"),
        (numbers.interval(None, None, "ratio"), ""),
    ],
)
def test_numbers_are_written_for_people(found: str, wanted: str) -> None:
    assert found == wanted


def test_pictures_without_room_are_texts(reported: Job) -> None:
    findings = Findings("small", reported.inputs[0].artifact)
    shown = examples.examples(findings, 2, examples.Allowance(4_000))
    panels = [panel for example in shown for panel in example.panels]
    assert sum(len(panel.picture) for panel in panels) <= 4_000
    assert all(bool(panel.text) != bool(panel.picture) for panel in panels)
    assert any(panel.text for panel in panels)


def test_sections_beyond_the_room_have_no_figures_and_say_so() -> None:
    plot = plots.losses("Training", Curve([(1.0, 2.0)], []), "")
    block = Block("training", "Training", [Gallery([plot]), facts([("steps", "1")])])
    section = Section("r0", "a", "", "train", [""], [], [block, Block("more", "More", [Gallery([plot])])])
    whole, bare = fitted([section, section], 3 * len(plot.svg))
    assert whole == section
    assert [each.anchor for each in bare.blocks] == ["training"]
    assert [item.kind for item in bare.blocks[0].items] == ["table"]
    assert LEFT_OUT in bare.notes
    assert sum(shares(4_000_000)) < 1_800_000
    assert shares(10**7) == (0, 0)
