"""The two tabs of a report in a real browser: addresses, keys, no script, narrow screens."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import finished
import pytest

from generators import domain as domains
from pipeline.cli import main
from pipeline.recipe import build

if TYPE_CHECKING:
    from conftest import Open
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SUMS = {
    "name": "sums",
    "about": "Sums <script>window.hacked = 1</script> & more.",
    "domain": {"name": "counting"},
    "generate": {"rows": 100, "shard_rows": 100},
    "curate": {"test": 0.3, "validation": 0.1},
    "bootstrap": None,
    "evaluate": {"problems": 20, "samples": 1},
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("page") / "page.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(domains.DOMAINS, "counting", "tiny:Counting")
        made = finished.finished(build(SUMS), tmp_path_factory.mktemp("artifacts"))
        train, curate = (made.input(stage).artifact.folder for stage in ("train", "curate"))
        assert main(["report", str(made.artifact.folder), str(train), str(curate), "--to", str(to)]) == 0
    return to


def shown(page: Page) -> list[str]:
    """The parts that can be seen."""
    return [name for name in ("results", "traces") if page.locator(f"#part-{name}").is_visible()]


ADDRESSES = {
    "": "results",
    "#results": "results",
    "#traces": "traces",
    "#trace=0123456789": "traces",
    "#verdict=wrong": "traces",
    "#r0-provenance": "results",
    "#nothing": "results",
    "#%E0%A4%A": "results",
}


def test_the_address_decides_what_is_open(opened: Open, path: Path) -> None:
    page = opened(path)
    for fragment, part in ADDRESSES.items():
        page.goto("about:blank")  # so that the page is loaded again
        page.goto(path.as_uri() + fragment)
        assert shown(page) == [part], fragment


def test_tabs_are_turned_by_mouse_keys_and_links(opened: Open, path: Path) -> None:
    page = opened(path)
    page.click("#tab-traces")
    assert shown(page) == ["traces"]
    assert page.url.endswith("#traces")
    assert page.get_attribute("#tab-traces", "aria-selected") == "true"
    page.keyboard.press("ArrowRight")
    assert shown(page) == ["results"]
    assert page.evaluate("document.activeElement.id") == "tab-results"
    page.keyboard.press("End")
    assert shown(page) == ["traces"]
    page.keyboard.press("Home")
    assert shown(page) == ["results"]
    page.evaluate("location.hash = 'traces'")
    page.wait_for_selector("#part-traces", state="visible")
    page.evaluate("location.hash = 'r1-provenance'")
    page.wait_for_selector("#r1-provenance", state="visible")
    assert shown(page) == ["results"]
    assert page.evaluate("document.getElementById('r1-provenance').getBoundingClientRect().top") < 700


def test_without_scripts_both_parts_stand_one_after_the_other(opened: Open, path: Path) -> None:
    page = opened(path, java_script_enabled=False)
    assert page.locator("#part-results").is_visible()
    assert page.locator("#traces").is_visible()


def test_nothing_is_wider_than_the_screen(
    opened: Open, path: Path, shot: Callable[[Page, str], None]
) -> None:
    page = opened(path)
    for width, scheme in product((360, 1400), ("light", "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        for name in ("results", "traces"):
            page.click(f"#tab-{name}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (width, scheme, name)
            shot(page, f"report-{name}-{width}-{scheme}")
