"""A real browser for the tests of pages, and what it must not see: errors, and any request but for files."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# Test files are imported by path, so that their helpers are made importable here.
sys.path.insert(0, str(Path(__file__).parent))

from generators import domain as domains

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SHOTS = Path(__file__).parents[2] / "artifacts" / "screenshots"
"""Where pictures of the views are kept."""

Open = Callable[..., "Page"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Opens a page of the disk at a width; when the test ends, nothing may have gone wrong in any."""
    trouble: list[str] = []
    contexts = []

    def load(path: Path, fragment: str = "", *, width: int = 1280, script: str = "", **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda told: trouble.append(f"{told.type}: {told.text}"))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("request", lambda asked: _foreign(asked.url, trouble))
        page.add_init_script(f"window.hacked = 0;{script}")
        page.goto(path.as_uri() + fragment)
        return page

    yield load
    hacked = [page.evaluate("window.hacked") for context in contexts for page in context.pages]
    for context in contexts:
        context.close()
    assert not trouble
    assert not any(hacked)


def _foreign(url: str, trouble: list[str]) -> None:
    if not url.startswith(("file:", "data:", "blob:")):
        trouble.append(f"request: {url}")


@pytest.fixture
def shot() -> Callable[[Any, str], None]:
    """Keeps a picture of the whole page."""

    def keep(page: Page, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"{name}.png", full_page=True)

    return keep


@pytest.fixture(scope="session", autouse=True)
def counting() -> Iterator[None]:
    """The tiny domain, which has no view of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(domains.DOMAINS, "counting", "tiny:Counting")
        yield
