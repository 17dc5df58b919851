"""What users wrote is shown as text: names of recipes and theories, headers, reasons, words of a link."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import desk
import evaluations
import pages
import polars as pl
import pytest
from tiny import Counting

from generators.chess import Chess
from generators.maze import Maze
from generators.prolog import Prolog
from pipeline.page.command import write

if TYPE_CHECKING:
    from conftest import Open
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

EVIL = (
    "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=2>"
    "<svg onload=window.hacked=3><!-- ' \" ` ${window.hacked=4} \u2028 \\u003c"
)
SAFE = "<img src=x onerror=window.hacked=2>"
"""The part of it that no writing of strings changes."""


def unharmed(page: Page) -> bool:
    """Whether nothing of the text became an element; that nothing ran is seen when the page closes."""
    return bool(
        page.evaluate("document.querySelectorAll('img[src=x], [onload], [onerror]').length === 0")
        and page.locator("script:not([type])").count() < 12
    )


def test_names_and_reasons_of_an_evaluation(opened: Open, tmp_path: Path) -> None:
    artifact = evaluations.evaluation(
        tmp_path / "evaluate" / "maze",
        Maze(width=5, height=5, attempts_per_layout=2),
        checkpoints=[("start", 0), (EVIL, 1)],
        rows=9,
        samples=0,
        figures=True,
        recipe=EVIL,
        departure_reason=EVIL,
        answer_reason=EVIL,
    )
    write([artifact.folder], tmp_path / "page.html")
    page = opened(tmp_path / "page.html")
    assert unharmed(page)
    assert SAFE in page.title()
    desk.pick(page, desk.departing(page))
    page.click("#traces-last")
    for part in (
        "#traces-source",
        "#traces-list",
        "#traces-panels .departed.happened",
        "#traces-panels .facts >> nth=1",
    ):
        assert SAFE in page.inner_text(part), part
    assert SAFE in page.locator("select[name=by]").inner_text()
    page.select_option("select[name=by]", index=2)
    assert desk.hits(page) > 0
    desk.address(page)
    assert unharmed(page)
    again = opened(tmp_path / "page.html", "#" + page.url.split("#")[1])
    assert desk.hits(again) == desk.hits(page)
    assert unharmed(again)


def test_the_words_of_a_link(opened: Open, tmp_path: Path) -> None:
    artifact = evaluations.evaluation(tmp_path / "evaluate" / "counting", Counting(), rows=6, samples=0)
    path = pages.write(tmp_path / "page.html", (EVIL, artifact))
    page = opened(path, f"#trace={quote(EVIL)}&verdict={quote(EVIL)}&id={quote(EVIL)}")
    assert SAFE in page.inner_text("#traces-said")
    assert page.input_value("input[name=id]").startswith("</script>")
    assert unharmed(page)


def test_words_and_reasons_in_the_view_of_words(opened: Open, tmp_path: Path) -> None:
    artifact = evaluations.evaluation(
        tmp_path / "evaluate" / "counting", Counting(), rows=12, samples=0, departure_reason=EVIL
    )
    page = desk.ready(opened(pages.write(tmp_path / "page.html", ("sums", artifact))))
    desk.pick(page, desk.departing(page))
    page.click("#traces-last")
    assert SAFE in str(page.get_attribute("#traces-panels .departure", "title"))
    assert unharmed(page)


@pytest.mark.engine
def test_the_names_of_a_theory(opened: Open, tmp_path: Path) -> None:
    domain = Prolog()
    name = SAFE + "</script>"
    theory = f"big('{name}').\nkind(X) :- big(X).\nsad('{name}').\n?- kind('{name}').\n"
    artifact = evaluations.evaluation(
        tmp_path / "evaluate" / "prolog",
        domain,
        problems=domain.read(theory).with_columns(source_id=pl.lit(EVIL)),
        departure_reason=EVIL,
        answer_reason=EVIL,
    )
    page = desk.ready(opened(pages.write(tmp_path / "page.html", ("theories", artifact))))
    desk.pick(page, desk.departing(page))
    page.click("#traces-last")
    assert SAFE in page.inner_text("#traces-panels .view >> nth=0")
    assert unharmed(page)


@pytest.mark.engine
def test_the_headers_of_a_game(opened: Open, tmp_path: Path) -> None:
    domain = Chess(nodes=20, root_nodes=200, positions_per_game=3, mode="multipv")
    headers = "".join(f'[{name} "{SAFE}"]\n' for name in ("Event", "Site", "White", "Black"))
    game = f'{headers}[Result "1-0"]\n\n1. e4 e5 2. Qh5 Nc6 3. Bc4 Nf6 1-0\n'
    drawn = domain.read(game)
    strange = [pl.lit(EVIL).alias(each) for each in ("game", "source_id", "puzzle") if each in drawn.columns]
    artifact = evaluations.evaluation(
        tmp_path / "evaluate" / "chess",
        domain,
        notation="deepening",
        problems=drawn.with_columns(strange),
        departure_reason=EVIL,
        answer_reason=EVIL,
    )
    page = desk.ready(opened(pages.write(tmp_path / "page.html", ("games", artifact))))
    desk.pick(page, desk.departing(page))
    page.click("#traces-last")
    assert SAFE in page.inner_text("#traces-panels")
    assert unharmed(page)
