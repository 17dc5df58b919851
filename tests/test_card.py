"""Cards: what they show is in the data, their pictures run nothing, and texts of users stay texts."""

from __future__ import annotations

import re
import shutil
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import finished
import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from tiny import Counting

from generators import domain as domains
from pipeline import schema
from pipeline.artifact import Artifact
from pipeline.card import curated_card, markdown, round_card
from pipeline.card.histogram import BINS, histogram
from pipeline.card.pictures import LARGEST, Pictures, safe
from pipeline.card.statistics import spread
from pipeline.recipe import build
from pipeline.stage import Job, Options, make
from pipeline.stages import generate
from pipeline.stages.curate import CURATE
from pipeline.stages.generate import GENERATE

COUNTING = {
    "name": "sums",
    "domain": {"name": "counting"},
    "generate": {"rows": 100, "shard_rows": 25},
    "curate": {"test": 0.3, "validation": 0.1},
    "encode": {"notation": "steps"},
}


@pytest.fixture(autouse=True)
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(domains.DOMAINS, "counting", "tiny:Counting")


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return finished.finished(finished.recipe(), tmp_path_factory.mktemp("artifacts"))


def stage(evaluated: Job, name: str) -> Artifact:
    if name == "evaluate":
        return evaluated.artifact
    curated = evaluated.input("curate")
    return (curated if name == "curate" else curated.input("generate")).artifact


def card(artifact: Artifact) -> str:
    return (artifact.folder / "README.md").read_text()


def shown(artifact: Artifact) -> dict[str, str]:
    """The pictures of a card: path and alternative text."""
    return {path: alt for alt, path in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", card(artifact))}


def rows(artifact: Artifact, title: str) -> dict[str, list[str]]:
    """The rows of the table whose head begins with a word, by their first cell."""
    lines = card(artifact).split(f"| {title} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {line[0]: line[1:] for line in cells}


# What cards show


@pytest.mark.parametrize("name", ["generate", "curate", "evaluate"])
def test_pictures_stand_in_the_artifact_and_run_nothing(evaluated: Job, name: str) -> None:
    artifact = stage(evaluated, name)
    pictures = shown(artifact)
    assert len(pictures) >= 3
    assert "pictures/lengths.svg" in pictures
    assert set(pictures) == {file for file in artifact.manifest["files"] if file.endswith(".svg")}
    for path, alt in pictures.items():
        svg = artifact.verified(path).read_text()
        assert safe(svg)
        root = ElementTree.fromstring(svg)
        assert root.find(".//{http://www.w3.org/2000/svg}rect") is not None, "a ground of its own"
        assert len(alt) > 20


def test_the_examples_are_short_median_and_long(evaluated: Job) -> None:
    artifact = stage(evaluated, "curate")
    found = [int(words) for words in re.findall(r", (\d+) trace words", card(artifact))]
    words = pl.read_parquet(artifact.folder / "data" / "train-*.parquet")["trace_words"].sort()
    assert found == [words[round(part * (len(words) - 1))] for part in (0.05, 0.5, 0.95)]
    assert card(artifact).count("verdict optimal, trace exact") == 6  # told, and in the alternative text


def test_the_statistics_are_those_of_the_rows(evaluated: Job) -> None:
    artifact = stage(evaluated, "curate")
    frame = pl.read_parquet(artifact.folder / "data" / "*.parquet")
    words = frame["trace_words"]
    told = rows(artifact, "measure")["trace words"]
    quartiles = [int(words.quantile(at, "nearest") or 0) for at in (0.25, 0.5, 0.75)]
    assert [int(cell) for cell in told[:5]] == [words.min(), *quartiles, words.max()]
    assert float(told[5]) == pytest.approx(words.mean(), rel=1e-3)
    assert {"cost", "share of walls", "plan length"} <= set(rows(artifact, "measure"))
    splits = dict(frame["split"].cast(pl.String).value_counts().iter_rows())
    assert {name: int(cells[0]) for name, cells in rows(artifact, "split").items()} == splits
    assert rows(artifact, "verdict") == {"optimal": ["exact", "400", "100.0%"]}
    assert rows(artifact, "left out because") == {"duplicate": ["0", "0.0%"]}


def test_a_reader_learns_who_made_it(evaluated: Job) -> None:
    for name in ("generate", "curate"):
        text = card(stage(evaluated, name))
        assert "commit, drawn and solved" in text
        assert "| ties | `random` |" in text
    assert "Problems in two splits: 0" in card(stage(evaluated, "curate"))


def test_an_engine_is_named_with_its_version(evaluated: Job, tmp_path: Path) -> None:
    copy = tmp_path / "maze-1"
    shutil.copytree(stage(evaluated, "curate").folder, copy)
    artifact = Artifact(copy)
    drawn = {"settings": {"identity": {"engine": "Stockfish 99 <nnue>"}}, "provenance": {"commit": "abc"}}
    curated_card(artifact, evaluated.recipe, artifact.names("data/*"), artifact.manifest, drawn)
    assert "| engine | Stockfish 99 &lt;nnue&gt; |" in card(artifact)
    assert "| commit, drawn and solved | `abc` |" in card(artifact)


def test_answers_are_shown_by_outcome_with_their_reasons(evaluated: Job) -> None:
    text = card(evaluated.artifact)
    assert "### Optimal, trace exact" in text
    assert "### Malformed, trace none" in text
    assert "is not a clause" in text
    assert "## Answers of model 2" in text
    known = rows(evaluated.artifact, "checkpoint")
    assert {"start", "model 2", "unchanged 2"} <= set(known)


def test_a_round_tells_whose_traces_it_has_and_how_they_became_shorter(
    evaluated: Job, tmp_path: Path
) -> None:
    domain = evaluated.recipe.domain
    source = stage(evaluated, "curate")
    kept = [
        schema.read(source.folder / name, schema.dataset(domain)) for name in source.names("data/train-*")
    ]
    made = pl.concat(kept).with_columns(
        origin=pl.when(pl.col("cost") > 5).then(pl.lit("model")).otherwise(pl.lit("teacher")),
        round=pl.lit(1, pl.Int32),
        parent=pl.lit("none"),
        previous_words=pl.col("trace_words") + pl.when(pl.col("cost") > 5).then(10).otherwise(0),
    )
    artifact = Artifact(tmp_path / "data")
    name = "data/train-00000-of-00001.parquet"
    columns = schema.improved(domain)
    artifact.publish(
        name, lambda path: schema.write(made.cast({"previous_words": pl.Int32}), path, columns, {})
    )
    round_card(artifact, evaluated.recipe, [name], "model", 1)
    improved = len(made.filter(pl.col("cost") > 5))
    assert f"{len(made):,} rows, {improved} of them with a shorter trace" in card(artifact)
    assert rows(artifact, "trace by")["model"][0] == str(improved)
    assert "after the round" in (artifact.folder / "pictures" / "lengths.svg").read_text()


# Made again


def test_a_card_is_the_same_after_an_interruption(evaluated: Job, tmp_path: Path) -> None:
    shutil.copytree(evaluated.options.artifacts, tmp_path / "copy")
    options = Options(tmp_path / "copy", 1)
    for part in (GENERATE, CURATE):
        job = Job(part, evaluated.recipe, options)
        job.artifact.manifest_path.unlink()
        job.artifact.discard("pictures/example-2.svg")
        (job.artifact.folder / "pictures" / "example-1.svg").write_text("half")
        (job.artifact.folder / "pictures" / "example-9.svg").write_text("of an earlier card")
        again = make(Job(part, evaluated.recipe, options)).artifact
        ours = stage(evaluated, part.name)
        assert card(again) == card(ours)
        assert again.manifest["files"] == ours.manifest["files"]
        assert not (again.folder / "pictures" / "example-9.svg").exists()


def test_shards_that_were_made_in_parts_have_the_same_card(tmp_path: Path) -> None:
    recipe = build(COUNTING)
    whole = make(Job(GENERATE, recipe, Options(tmp_path / "whole", 1))).artifact
    for part in ((2, 3), (0,), (1,)):
        generate.some(recipe, Options(tmp_path / "parts", 1, part))
    job = Job(GENERATE, recipe, Options(tmp_path / "parts", 1))
    generate.seal(job)
    assert card(job.artifact) == card(whole)
    assert job.artifact.manifest["files"] == whole.manifest["files"]


def test_the_metadata_names_the_data_files_alone(evaluated: Job) -> None:
    for name, splits in {
        "generate": {"train"},
        "curate": {"train", "validation", "test"},
        "evaluate": {"test"},
    }.items():
        head = yaml.safe_load(card(stage(evaluated, name)).split("---")[1])
        files = [each for config in head["configs"] for each in config["data_files"]]
        assert {each["split"] for each in files} >= splits
        assert all(each["path"].endswith(".parquet") for each in files)
        folder = stage(evaluated, name).folder
        assert all(list(folder.glob(each["path"])) for each in files)


# Texts and pictures of others

HOSTILE = "a|b `c` <script>alert(1)</script> **d** [e](javascript:alert(1)) ![x](http://x) \n# f"


def test_a_hostile_recipe_stays_a_text(tmp_path: Path) -> None:
    source = tmp_path / "a|b `<i>` file.txt"
    source.write_text("\n".join(f"{a}+{b}" for a in range(10) for b in range(10)))
    recipe = build(
        {
            **COUNTING,
            "name": "hostile",
            "about": HOSTILE,
            "domain": {"name": "counting", "source": str(source)},
        }
    )
    artifact = make(Job(CURATE, recipe, Options(tmp_path / "out", 1))).artifact
    text = card(artifact).split("---", 2)[2]
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert "<script" not in page
    assert "<i>" not in page
    assert "javascript:" not in re.sub(r">[^<]*<", "><", page)
    assert unescape(re.sub(r"<[^>]+>", "", page)).count("a|b `c` <script>alert(1)</script> **d**") == 1
    assert str(source) in unescape(re.sub(r"<[^>]+>", "", page))
    assert set(re.findall(r'<img src="([^"]+)"', page)) == set(shown(artifact))


@given(
    said=st.text(
        st.characters(exclude_categories=("C", "Z")) | st.sampled_from(" |`<>*_[]()!#&\\~\n"), max_size=40
    )
)
def test_a_text_in_a_table_shows_as_it_is(said: str) -> None:
    page = (
        MarkdownIt("commonmark", {"html": True})
        .enable("table")
        .render(
            markdown.table(["one", "two"], [["first", markdown.text(said)], ["next", markdown.code(said)]])
        )
    )
    cells = re.findall(r"<td[^>]*>(.*?)</td>", page, re.DOTALL)
    assert len(cells) == 4
    for cell in (cells[1], cells[3]):
        plain = unescape(cell.removeprefix("<code>").removesuffix("</code>"))
        assert plain.split() == said.split()
    line = MarkdownIt("commonmark").render(markdown.text(said))
    assert not said.strip() or re.fullmatch(r"<p>[^<>]*</p>\n", line)


@pytest.mark.parametrize(
    "inside",
    [
        "<script>1</script>",
        "<rect onload='f()'/>",
        "<a href='javascript:f()'><rect/></a>",
        "<image href='http://x/y.png'/>",
        "<foreignObject/>",
        "<style>@import 'x.css';</style>",
        "<rect style='fill:url(http://x)'/>",
        "<rect>",
        "<animate attributeName='href'/>",
        "<rect fill='url(http://x)'/>",
    ],
)
def test_pictures_that_run_or_fetch_are_not_shown(inside: str) -> None:
    assert not safe(f"<svg xmlns='http://www.w3.org/2000/svg'>{inside}</svg>")
    assert not safe("<html/>")
    assert safe("<svg xmlns='http://www.w3.org/2000/svg'><g id='a'/><rect fill='url(#a)'/></svg>")


def test_what_is_no_picture_to_trust_is_shown_as_text(tmp_path: Path) -> None:
    class Drawn(Counting):
        def view(self, row: Any, form: Any) -> str:
            return row["drawn"] if form == "svg" else "```\n" + "line\n" * 100

    pictures = Pictures(Artifact(tmp_path))
    large = f"<svg xmlns='http://www.w3.org/2000/svg'><!--{'x' * LARGEST}--></svg>"
    for drawn in ("<svg><script/></svg>", "no xml", large):
        text = pictures.row("example-1", Drawn(), {"drawn": drawn}, "")
        assert text.startswith("````text\n```\nline")
        assert "and 21 lines more" in text
    assert not list(tmp_path.rglob("*.svg"))


# The histogram


@given(
    values=st.lists(st.none() | st.integers(0, 100_000), min_size=1, max_size=50),
    other=st.none() | st.lists(st.integers(0, 500), min_size=1, max_size=50),
)
def test_a_histogram_is_a_picture_of_any_lengths(values: list[int | None], other: list[int] | None) -> None:
    line = None if other is None else ("<other>", pl.Series(other))
    svg = histogram('lengths & "more"', "words", ("rows", pl.Series(values, dtype=pl.Int32)), line)
    assert safe(svg)
    assert svg == histogram('lengths & "more"', "words", ("rows", pl.Series(values, dtype=pl.Int32)), line)
    assert "nan" not in svg


def test_lines_of_a_histogram_stand_at_the_numbers_beside_them() -> None:
    for tallest, wanted in ((1, {1: 30.0}), (3, {1: 144.7, 3: 30.0}), (4, {2: 116.0, 4: 30.0})):
        svg = histogram("", "words", ("rows", pl.Series([7] * tallest)), None)
        told = re.findall(r'y="([\d.]+)" fill="#59636e" text-anchor="end">(\d+)<', svg)
        assert {int(count): float(y) - 4 for y, count in told} == pytest.approx(wanted, abs=0.06)


def test_a_histogram_has_no_empty_bins_between_lengths_that_come_in_fives() -> None:
    svg = histogram("", "words", ("rows", pl.Series(range(50, 500, 5))), None)
    area = re.search(r'<path d="M52 202(.*?)V202Z"', svg)
    assert area
    heights = re.findall(r"V([\d.]+)H", area[1])
    assert 20 < len(heights) <= BINS
    assert "202.0" not in heights


def test_difficulties_without_numbers_or_with_gaps_are_told() -> None:
    class Light:
        rows = pl.DataFrame(
            {"trace_words": [4, 6], "cost": [None, None]}, schema={"trace_words": pl.Int32, "cost": pl.Int32}
        )
        difficulties = pl.DataFrame(
            {"size": [1.5, None], "kind": pl.Series(["a|b", None], dtype=pl.Enum(["a|b"]))}
        )

    told = spread(Light())  # type: ignore[arg-type]
    assert "| size | 1.5 | 1.5 | 1.5 | 1.5 | 1.5 | 1.5 | 50.0% |" in told
    assert "cost" not in told
    assert r"Kind: a\|b 50.0%, unknown 50.0%." in told
