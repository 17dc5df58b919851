"""Every domain's view in a real browser: states forth and back, departures where the verifier finds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import desk
import evaluations
import pages
import polars as pl
import pytest
from tiny import Counting

from generators.chess import Chess
from generators.domain import Domain
from generators.maze import Maze
from generators.prolog import Prolog
from pipeline.answering import ROLLOUTS
from pipeline.artifact import Artifact
from pipeline.asked import asked

if TYPE_CHECKING:
    from conftest import Open
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

STOCKFISH = Chess(nodes=20, root_nodes=200, game_nodes=20, mode="multipv")
RATED: dict[str, Any] = {"samples": 0, "checkpoints": [("start", 0)], "notation": "action-value", "rows": 8}
CASES: dict[str, tuple[Domain, dict[str, Any]]] = {
    "maze": (Maze(width=8, height=8, attempts_per_layout=2), {}),
    "maze-plans": (Maze(width=5, height=4), {"notation": "solution", "rows": 8}),
    "prolog": (Prolog(depth_to=2, families=("AttNoneg",)), {}),
    "prolog-forward": (Prolog(depth_to=2, mode="forward", families=("RelNoneg",)), {}),
    "chess": (STOCKFISH, {"notation": "deepening", "rows": 16}),
    "chess-values": (STOCKFISH, RATED),
    "counting": (Counting(), {}),
}
ENGINES = {"prolog", "chess"}


@dataclass(frozen=True)
class Shown:
    """A domain's evaluation and its page."""

    name: str
    domain: Domain
    artifact: Artifact
    path: Path


def case(name: str) -> Any:
    return pytest.param(name, marks=pytest.mark.engine if name.split("-")[0] in ENGINES else ())


@pytest.fixture(scope="module", params=[case(name) for name in CASES])
def shown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    domain, options = CASES[request.param]
    folder = tmp_path_factory.mktemp(request.param) / "evaluate" / request.param
    artifact = evaluations.evaluation(folder, domain, **{"rows": 12, "samples": 1, **options})
    path = pages.write(folder.parent / "page.html", (request.param, artifact))
    return Shown(request.param, domain, artifact, path)


def rows(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate("distill.data.rows")
    return found


def telling(page: Page) -> list[int]:
    """A row of each outcome, with a departure and without, and with one behind the last step."""
    kinds: dict[tuple[Any, ...], int] = {}
    for row in rows(page):
        after = row["departure"] is not None and row["departure"] >= row["steps"]
        kinds.setdefault((row["verdict"], row["level"], row["departure"] is None, after), row["at"])
    return list(kinds.values())[:5]


WALK = """() => {
  const slider = document.getElementById("traces-slider"), last = Number(slider.max);
  const panels = document.getElementById("traces-panels");
  const press = (key) => {
    slider.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    return panels.innerHTML;
  };
  const forth = [press("Home")], back = [], told = [];
  for (let n = 0; n < last; n++) {
    forth.push(press("ArrowRight"));
    told.push([...panels.querySelectorAll(".told")].every((one) => one.textContent));
  }
  for (let n = last; n >= 0; n--) back.unshift(n === last ? press("End") : press("ArrowLeft"));
  return {
    told: told.every(Boolean),
    moves: new Set(forth).size === last + 1,
    unlike: forth.findIndex((one, n) => one !== back[n]),
    jumps: press("End") === forth[last] && press("Home") === forth[0],
  };
}"""


def test_forth_and_back_end_alike(opened: Open, shown: Shown) -> None:
    page = desk.ready(opened(shown.path))
    for at in telling(page):
        desk.pick(page, at)
        walked = page.evaluate(WALK)
        assert walked == {"told": True, "moves": True, "unlike": -1, "jumps": True}, (shown.name, at)
        assert page.locator(".failed").count() == 0


def test_the_mark_stands_where_the_verifier_departs(opened: Open, shown: Shown) -> None:
    page = desk.ready(opened(shown.path))
    rollouts = pl.read_parquet(shown.artifact.folder / ROLLOUTS)
    problems = asked(shown.artifact, shown.domain, None)
    assert problems is not None
    seen = 0
    for at in telling(page):
        row = rows(page)[at]
        arm, _, number = row["by"].partition(" ")
        own = rollouts.filter(
            pl.col("arm") == arm,
            pl.col("round") == int(number or 0),
            pl.col("sample") == row["sample"],
            pl.col("problem_id") == row["id"],
        )
        judged = shown.domain.check(problems.filter(pl.col("problem_id") == row["id"]), own)
        found, reason = judged["first_departure"].item(), judged["departure_reason"].item()
        assert (row["departure"], row["why"], row["verdict"]) == (found, reason, judged["verdict"].item())
        desk.pick(page, at)
        page.click("#traces-last")
        response = page.locator("#traces-panels .panel").last
        marks = response.locator(".view .departure")
        if found is None:
            assert marks.count() == 0
            assert not response.locator(".departed").inner_text()
            continue
        assert reason in response.locator(".departed.happened").inner_text()
        count = page.evaluate("distill.stage.count()")
        if found < count:
            seen += 1
            steps = {mark.get_attribute("data-step") for mark in marks.all()}
            assert steps == {str(found)}, (shown.name, at)
            page.focus("#traces-slider")
            page.keyboard.press("d")
            assert desk.step(page) == found + 1
            assert marks.count() > 0
            page.keyboard.press("ArrowLeft")
            assert marks.count() == 0
            assert response.locator(".departed.happened").count() == 0
    assert seen or shown.artifact.folder.name in ("maze-plans", "chess-values")


def test_pictures_are_kept(opened: Open, shown: Shown, shot: Callable[[Page, str], None]) -> None:
    page = desk.ready(opened(shown.path))
    page.click("#traces-departure" if page.is_enabled("#traces-departure") else "#traces-last")
    for look, width, scheme in (("light", 1280, "light"), ("dark", 1280, "dark"), ("phone", 360, "light")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        assert desk.fits(page), look
        assert not desk.faint(page), look
        shot(page, f"traces-{shown.name}-{look}")


@pytest.mark.engine
def test_words_of_an_event_where_none_is_allowed_are_told_as_such(opened: Open, tmp_path: Path) -> None:
    domain = Prolog()
    artifact = evaluations.evaluation(
        tmp_path / "evaluate" / "prolog",
        domain,
        problems=domain.read("big(bob).\nkind(X) :- big(X).\n?- kind(bob).\n"),
        samples=0,
        trace=["use", "rule1"],
        first_departure=0,
        departure_reason="step 0: `use rule1` comes while no goal is open",
    )
    page = desk.ready(opened(pages.write(tmp_path / "page.html", ("theories", artifact))))
    page.keyboard.press("d")
    assert desk.step(page) == 1
    assert page.locator("#traces-panels .told").last.inner_text() == "out of place: use rule1"
    assert "step 0 departs" in page.locator(".prolog-judged").last.inner_text()  # as the verifier counts


def test_a_data_set_is_played_alone(opened: Open, tmp_path: Path, shot: Callable[[Page, str], None]) -> None:
    data = evaluations.dataset(tmp_path / "curate" / "maze", Maze(width=6, height=6))
    page = desk.ready(opened(pages.write(tmp_path / "page.html", ("mazes", data), playable=20)))
    assert desk.hits(page) == 40
    assert page.locator("select[name=split] option").all_inner_texts() == [
        *("all", "train (20)", "validation (10)", "test (10)")
    ]
    desk.pick(page, 3)
    assert page.locator("#traces-panels .panel").count() == 1
    page.click("#traces-last")
    assert page.locator("#traces-panels .departure").count() == 0
    shot(page, "traces-data-light")
    desk.pick(page, 30)
    assert page.locator(".missing").count() == 1
