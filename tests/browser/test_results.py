"""The whole page of a bootstrap in a real browser: results and traces as a reader opens them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import desk
import evaluations
import finished
import pytest

from generators.maze import Maze
from pipeline.page.command import write

if TYPE_CHECKING:
    from conftest import Open
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifacts")
    job = finished.finished(finished.recipe(), folder)
    write([job.artifact.folder], folder / "page.html")
    return folder / "page.html"


def test_a_page_opens_at_its_results_and_turns_to_its_traces(opened: Open, path: Path) -> None:
    page = opened(path)
    assert page.is_visible("#part-results")
    assert not page.is_visible("#traces-player")
    page.click("#tab-traces")
    desk.ready(page)
    assert page.is_visible("#traces-player")
    assert page.is_visible("#traces-panels .view")
    page.click("#tab-results")
    assert page.is_visible("#part-results")


def test_a_link_to_a_problem_opens_the_traces(opened: Open, path: Path) -> None:
    page = opened(path)
    row = page.evaluate("distill.data.rows[7]")
    linked = desk.ready(opened(path, f"#trace={row['id']}&row=7&step=3"))
    assert linked.is_visible("#traces-panels .view")
    assert (desk.row(linked)["at"], desk.step(linked)) == (7, 3)
    assert linked.evaluate("document.activeElement.id") == "traces-slider"


def test_pictures_are_kept(opened: Open, path: Path, shot: Callable[[Page, str], None]) -> None:
    page = opened(path)
    for look, width, scheme in (("light", 1280, "light"), ("dark", 1280, "dark"), ("phone", 360, "light")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        assert desk.fits(page), look
        assert not desk.faint(page), look
        shot(page, f"results-{look}")


def test_it_is_printed_dark_on_light_and_fits_the_paper(opened: Open, path: Path) -> None:
    page = opened(path, "#traces", width=718, color_scheme="dark")  # of A4 with its margins
    page.emulate_media(media="print", color_scheme="dark")
    assert page.is_visible("#part-results")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not desk.faint(page)
    assert desk.fits(page)


def test_all_of_the_page_can_be_reached_and_ids_are_unique(opened: Open, path: Path) -> None:
    page = opened(path)
    assert not page.evaluate(
        "() => { const ids = [...document.querySelectorAll('body [id]:not(svg *)')].map(one => one.id);"
        " return ids.filter((id, at) => ids.indexOf(id) !== at) }"
    )
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "tab-results"
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-traces"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#traces-player') !== null")


def test_names_and_reasons_of_any_length_stay_in_the_window(opened: Open, tmp_path: Path) -> None:
    artifact = evaluations.evaluation(
        tmp_path / "evaluate" / "maze",
        Maze(width=5, height=5, attempts_per_layout=2),
        checkpoints=[("start", 0), ("arm" * 60, 1)],
        rows=9,
        samples=0,
        figures=True,
        recipe="recipe" * 50,
        departure_reason="why" * 300,
        answer_reason="so" * 300,
    )
    write([artifact.folder], tmp_path / "page.html")
    page = opened(tmp_path / "page.html", width=360)
    assert desk.fits(page)
    page.click("#tab-traces")
    desk.ready(page)
    desk.pick(page, desk.departing(page))
    page.click("#traces-last")
    assert desk.fits(page)
