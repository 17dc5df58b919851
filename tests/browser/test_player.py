"""Mazes in a real browser: the list, its filters and links, the slider and the keys, what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import desk
import evaluations
import pages
import polars as pl
import pytest

from generators.maze import Maze
from pipeline.artifact import Artifact
from pipeline.page.traces.evaluations import of_evaluation
from pipeline.page.traces.listing import Listing

if TYPE_CHECKING:
    from conftest import Open

pytestmark = pytest.mark.browser

PLAYABLE = 60


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    folder = tmp_path_factory.mktemp("artifacts") / "evaluate" / "maze"
    return evaluations.evaluation(folder, Maze(width=6, height=6, attempts_per_layout=2), rows=40)


@pytest.fixture(scope="module")
def listing(judged: Artifact) -> Listing:
    return of_evaluation("mazes", judged, 1000, PLAYABLE)


@pytest.fixture(scope="module")
def path(judged: Artifact, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pages.write(tmp_path_factory.mktemp("page") / "mazes.html", ("mazes", judged), playable=PLAYABLE)


def test_a_page_opens_from_disk_and_shows_a_problem(opened: Open, path: Path, listing: Listing) -> None:
    page = desk.ready(opened(path))
    assert desk.hits(page) == len(listing.rows)
    assert page.locator("#traces-list [role=option]").count() == 100
    assert page.locator("#traces-panels .panel").count() == 2
    assert page.evaluate("performance.getEntriesByName('distill-traces').length") == 1
    assert len(page.evaluate("distill.data.rows.filter(row => row.block !== null)")) == PLAYABLE


CHOICES = {
    "verdict": pl.col("verdict"),
    "level": pl.col("level").fill_null("not judged"),
    "by": pl.col("by"),
    "kind": pl.when(pl.col("sample") < 0).then(pl.lit("greedy")).otherwise(pl.lit("sampled")),
}


def test_a_filter_keeps_as_many_rows_as_there_are(opened: Open, path: Path, listing: Listing) -> None:
    page = opened(path)
    for name, value in CHOICES.items():
        counts = dict(listing.rows.group_by(value.alias("value")).len().iter_rows())
        told = page.locator(f"select[name={name}] option").all_inner_texts()
        assert sorted(told) == sorted(["all", *(f"{choice} ({count})" for choice, count in counts.items())])
        for choice, count in counts.items():
            page.select_option(f"select[name={name}]", choice)
            assert desk.hits(page) == count
        page.select_option(f"select[name={name}]", "")


def test_filters_go_together(opened: Open, path: Path, listing: Listing) -> None:
    page = opened(path)
    page.select_option("select[name=verdict]", "optimal")
    page.fill("input[name=from]", "60")
    page.fill("input[name=to]", "120")
    kept = listing.rows.filter(pl.col("verdict") == "optimal", pl.col("words").is_between(60, 120))
    assert 0 < len(kept) < len(listing.rows)
    assert desk.hits(page) == len(kept)
    part = kept["problem_id"][0][3:9]
    page.fill("input[name=id]", part)
    assert desk.hits(page) == len(kept.filter(pl.col("problem_id").str.contains(part)))
    page.click("button[type=reset]")
    desk.until(page, f"document.getElementById('traces-hits').textContent.startsWith('{len(listing.rows)}')")
    page.check("input[name=playable]")
    assert desk.hits(page) == PLAYABLE
    page.fill("input[name=id]", "no such problem")
    assert "no row is like that" in page.inner_text("#traces-hits")


ORDERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "id": lambda row: row["id"],
    "shortest": lambda row: row["words"],
    "longest": lambda row: -row["words"],
    "departure": lambda row: 1e9 if row["departure"] is None else row["departure"],
}


def test_the_list_is_in_the_order_asked_for(opened: Open, path: Path) -> None:
    page = opened(path)
    for order, key in ORDERS.items():
        page.select_option("select[name=order]", order)
        while page.locator("#traces-more").is_visible():
            page.click("#traces-more")
        shown = page.eval_on_selector_all(
            "#traces-list [role=option]", "all => all.map(one => distill.data.rows[one.dataset.row])"
        )
        assert len(shown) == desk.hits(page)
        assert [key(row) for row in shown] == sorted(key(row) for row in shown)


def test_rows_are_opened_by_click_and_by_keys(opened: Open, path: Path) -> None:
    page = desk.ready(opened(path))
    page.locator("#traces-list [role=option]").nth(3).click()
    desk.until(page, "distill.stage.state().row.at === 3")
    page.keyboard.press("ArrowDown")
    desk.until(page, "distill.stage.state().row.at === 4")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    desk.until(page, "distill.stage.state().row.at === 2")
    assert page.get_attribute("#traces-list", "aria-activedescendant") == "traces-row-2"
    assert page.locator("#traces-list [aria-selected=true]").count() == 1
    for _ in range(12):
        page.keyboard.press("PageDown")
    desk.until(page, "distill.stage.state().row.at === 122")
    assert page.locator("#traces-row-122").is_visible()


def test_slider_buttons_and_keys_agree(opened: Open, path: Path) -> None:
    page = desk.ready(opened(path))
    end = desk.last(page)
    assert end > 12
    page.focus("#traces-slider")
    for key, step in [
        *(("ArrowRight", 1), ("Shift+ArrowRight", 11), ("ArrowLeft", 10), ("Shift+ArrowLeft", 0)),
        *(("ArrowLeft", 0), ("End", end), ("ArrowRight", end), ("Home", 0), ("ArrowRight", 1)),
    ]:
        page.keyboard.press(key)
        assert (desk.step(page), page.input_value("#traces-slider")) == (step, str(step)), key
    for button, step in (("last", end), ("back", end - 1), ("forward", end), ("first", 0), ("forward", 1)):
        page.click(f"#traces-{button}")
        assert desk.step(page) == step, button
    by_keys = desk.states(page)
    page.fill("#traces-slider", "7")
    assert desk.step(page) == 7
    page.fill("#traces-slider", "1")
    assert desk.states(page) == by_keys
    assert page.inner_text("#traces-step") == f"1 of {end} steps"


def test_a_panel_stops_at_its_own_end(opened: Open, path: Path) -> None:
    page = desk.ready(opened(path))
    page.focus("#traces-slider")
    page.keyboard.press("End")
    ends = page.locator("#traces-panels .where").all_inner_texts()
    counts = [text.split()[0] for text in ends]
    assert [text.split()[2] for text in ends] == counts
    assert str(desk.last(page)) in counts


def test_d_goes_to_the_first_departure(opened: Open, path: Path) -> None:
    page = desk.ready(opened(path))
    row = desk.row(page)
    assert row["departure"] is not None
    page.focus("#traces-slider")
    page.keyboard.press("d")
    assert desk.step(page) == row["departure"] + 1
    assert row["why"] in page.inner_text("#traces-panels .departed.happened")
    page.click("#traces-first")
    page.click("#traces-panels .departed button")
    assert desk.step(page) == row["departure"] + 1
    page.click("#traces-first")
    page.click("#traces-departure")
    assert desk.step(page) == row["departure"] + 1
    assert page.locator("#traces-ticks span").count() == 1


def test_space_plays_and_stops_and_a_reader_is_told_afterwards(opened: Open, path: Path) -> None:
    page = desk.ready(opened(path))
    page.select_option("#traces-speed", "60")
    page.focus("#traces-slider")
    page.keyboard.press(" ")
    assert page.inner_text("#traces-play") == "Pause"
    assert page.locator(".told").first.get_attribute("aria-live") == "off"
    desk.until(page, "distill.stage.state().step > 3")
    page.keyboard.press(" ")
    assert page.inner_text("#traces-play") == "Play"
    assert page.locator(".told").first.get_attribute("aria-live") == "polite"
    page.keyboard.press(" ")
    desk.until(page, f"distill.stage.state().step === {desk.last(page)} && !distill.stage.state().playing")


def test_another_response_can_stand_beside(opened: Open, path: Path) -> None:
    page = desk.ready(opened(path))
    options = page.locator("#traces-panels select option")
    others = page.evaluate("distill.data.others(distill.stage.state().row).map(row => row.at)")
    assert options.count() == 1 + len(others)
    page.select_option("#traces-panels select", str(others[0]))
    desk.until(page, f"distill.stage.settled() && distill.stage.state().beside === {others[0]}")
    assert page.locator("#traces-panels .panel").count() == 2
    pairs = desk.address(page)
    assert pairs["beside"] == str(others[0])
    again = desk.ready(opened(path, "#" + page.url.split("#")[1]))
    assert desk.states(again) == desk.states(page)


def test_a_link_opens_its_problem_at_its_step(opened: Open, path: Path) -> None:
    page = desk.ready(opened(path))
    page.select_option("select[name=verdict]", "optimal")
    page.locator("#traces-list [role=option]").nth(2).click()
    page.focus("#traces-slider")
    page.keyboard.press("Shift+ArrowRight")
    pairs = desk.address(page)
    row = desk.row(page)
    assert pairs == {"trace": row["id"], "row": str(row["at"]), "step": "10", "verdict": "optimal"}
    again = desk.ready(opened(path, "#" + page.url.split("#")[1]))
    assert (desk.row(again), desk.step(again), desk.hits(again)) == (row, 10, desk.hits(page))
    assert desk.states(again) == desk.states(page)


def test_a_problem_can_be_linked_by_its_id_alone(opened: Open, path: Path, listing: Listing) -> None:
    first = listing.rows["problem_id"][5]
    page = desk.ready(opened(path, f"#trace={first}"))
    assert desk.row(page)["id"] == first
    for asked in (first[:12], first.upper()):
        desk.pick(page, 0)
        page.evaluate("id => { location.hash = `trace=${id}` }", asked)
        desk.until(page, f"distill.stage.settled() && distill.stage.state().row.id === '{first}'")
    page.evaluate("location.hash = 'trace=ffffffffffffffffffffffffffffffff&row=3'")
    desk.until(page, "document.getElementById('traces-said').textContent")
    assert "is not in this page" in page.inner_text("#traces-said")
    desk.pick(page, 7)
    assert page.inner_text("#traces-said") == ""


def test_odd_links_do_no_harm(opened: Open, path: Path) -> None:
    page = desk.ready(opened(path, "#trace=__proto__"))
    for odd in ("#traces", "#trace=", "#verdict=nonsense", "#row=9", "#%", "#trace=%00", "#order=x&from=a"):
        page.evaluate("odd => { location.hash = odd }", odd)
        page.wait_for_timeout(50)
        assert page.locator("#traces-panels .panel").count() == 2, odd
        assert desk.hits(page) == page.evaluate("distill.data.rows.length"), odd
    page.evaluate("id => { location.hash = `trace=${id}&row=1e9&step=-5&beside=zz` }", desk.row(page)["id"])
    desk.until(page, "distill.stage.settled()")
    assert desk.step(page) == 0


def test_the_link_is_copied_or_shown(opened: Open, path: Path) -> None:
    page = desk.ready(opened(path, permissions=["clipboard-write"]))
    page.click("#traces-copy")
    desk.until(page, "document.getElementById('traces-said').childNodes.length > 0")
    refused = desk.ready(
        opened(path, script="Object.defineProperty(navigator, 'clipboard', { value: undefined });")
    )
    refused.click("#traces-copy")
    assert refused.input_value("#traces-said input").startswith("file:")


def test_a_row_without_steps_says_why(opened: Open, path: Path, listing: Listing) -> None:
    page = desk.ready(opened(path))
    desk.pick(page, len(listing.rows) - 1)
    assert f"which has those of {PLAYABLE} of its {len(listing.rows)} rows" in page.inner_text(".missing")
    assert page.is_disabled("#traces-slider")
    desk.pick(page, 0)
    assert page.is_enabled("#traces-slider")


def test_a_view_that_fails_is_told_in_its_panel_and_the_page_goes_on(opened: Open, path: Path) -> None:
    page = desk.ready(opened(path))
    page.evaluate(
        "() => { window.whole = distill.views.maze;"
        " distill.views.maze = { open: () => { throw new Error('<b>no</b> view') } } }"
    )
    desk.pick(page, 4)
    assert "This picture cannot be drawn: <b>no</b> view." in page.inner_text("#traces-panels")
    page.evaluate(
        "() => { distill.views.maze = { open: () => ({ told: () => 'here',"
        " show: (n) => { if (n === 2) throw new Error('step two') } }) } }"
    )
    desk.pick(page, 5)
    page.focus("#traces-slider")
    page.keyboard.press("ArrowRight")
    assert page.locator(".failed").count() == 0
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.locator(".failed").count() == 2
    page.evaluate("() => { distill.views.maze = window.whole }")
    desk.pick(page, 6)
    assert page.locator(".failed").count() == 0


def test_a_browser_that_cannot_unpack_says_so(opened: Open, path: Path) -> None:
    page = desk.ready(opened(path, script="delete window.DecompressionStream;"))
    assert "cannot unpack steps" in page.inner_text("#traces-panels")
    assert desk.hits(page) > 0


def test_everything_is_reached_by_tab_and_has_a_name(opened: Open, path: Path) -> None:
    page = desk.ready(opened(path))
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "() => { const at = document.activeElement, style = getComputedStyle(at);"
                " return [at.id || at.name || at.className, style.outlineStyle] }"
            )
        )
    names = [name for name, _ in reached]
    for wanted in ("verdict", "level", "by", "from", "id", "traces-list", "traces-slider", "traces-play"):
        assert wanted in names
    assert all(style != "none" for name, style in reached if name)
    nameless = page.evaluate(
        "() => [...document.querySelectorAll('button, select, input, [role=listbox]')].filter(one =>"
        " !one.getAttribute('aria-label') && !one.textContent.trim() && !(one.labels && one.labels.length))"
        ".map(one => one.outerHTML)"
    )
    assert not nameless
    assert not page.evaluate(
        "() => { const ids = [...document.querySelectorAll('[id]')].map(one => one.id);"
        " return ids.filter((id, at) => ids.indexOf(id) !== at) }"
    )


def test_each_panel_says_whose_trace_it_has(opened: Open, path: Path) -> None:
    page = desk.ready(opened(path))
    author = page.evaluate("distill.data.author(distill.stage.state().row)")
    assert page.get_by_role("figure").count() == 2
    assert page.get_by_role("figure", name="teacher", exact=True).count() == 1
    assert page.get_by_role("figure", name=author, exact=True).count() == 1


def test_a_keyboard_alone_finds_the_first_departure(opened: Open, path: Path) -> None:
    page = desk.ready(opened(path))
    page.focus("#traces-list")
    page.keyboard.press("ArrowDown")
    desk.until(page, "distill.stage.settled()")
    page.keyboard.press("End")
    assert desk.step(page) == desk.last(page)
    page.keyboard.press("Home")
    page.keyboard.press("d")
    departure = desk.row(page)["departure"]
    assert desk.step(page) == (0 if departure is None else departure + 1)
    page.focus("input[name=id]")
    page.keyboard.type("d 12")
    assert page.input_value("input[name=id]") == "d 12"


def test_with_reduced_motion_nothing_moves(opened: Open, path: Path) -> None:
    page = desk.ready(opened(path, reduced_motion="reduce"))
    page.wait_for_timeout(300)
    assert desk.step(page) == 0
    assert page.input_value("#traces-speed") == "1"
    page.focus("#traces-slider")
    page.keyboard.press("End")
    assert page.evaluate("document.getAnimations().length") == 0


def test_nothing_reaches_beyond_the_window(opened: Open, path: Path) -> None:
    page = desk.ready(opened(path, width=360))
    page.click("#traces-last")
    for width in (320, 360, 700, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert desk.fits(page), (width, scheme)


def test_print_leaves_the_player_out(opened: Open, path: Path) -> None:
    page = desk.ready(opened(path))
    page.emulate_media(media="print")
    assert not page.locator("#traces-player").is_visible()


def test_a_page_of_two_artifacts_tells_them_apart(
    opened: Open, judged: Artifact, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = evaluations.dataset(tmp_path / "curate" / "maze", Maze(width=4, height=4))
    path = pages.write(tmp_path / "both.html", ("answers", judged), ("data", data), rollouts=60, playable=20)
    page = desk.ready(opened(path))
    assert desk.hits(page) == 60
    page.select_option("select[name=artifact]", "data")
    assert desk.hits(page) == 30
    page.select_option("select[name=split]", "validation")
    page.locator("#traces-list [role=option]").first.click()
    desk.until(page, "distill.data.artifacts[distill.stage.state().row.artifact].name === 'data'")
    desk.until(page, "distill.stage.settled()")
    assert page.locator("#traces-panels .panel").count() == 1


def test_problems_that_have_gone_are_listed_with_a_reason(
    opened: Open, judged: Artifact, tmp_path: Path
) -> None:
    alone = Artifact(tmp_path / "evaluate" / "maze")
    rollouts = (judged.folder / "rollouts.parquet").read_bytes()
    alone.publish("rollouts.parquet", lambda path: path.write_bytes(rollouts) and None)
    alone.seal({"stage": "evaluate", "domain": judged.manifest["domain"], "inputs": []})
    page = desk.ready(opened(pages.write(tmp_path / "page.html", ("mazes", alone))))
    assert "has gone" in page.inner_text("#traces-panels")
    assert "with steps" not in json.dumps(page.locator(".caption").all_inner_texts())
