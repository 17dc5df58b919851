"""What tests do at a page of traces: pick, step, and read what it shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Page


def ready(page: Page) -> Page:
    """The page once a problem is open."""
    page.wait_for_selector("#traces-panels .panel")
    return page


def until(page: Page, expression: str) -> None:
    """Wait until an expression holds; Playwright's own way evaluates a text, which the page forbids."""
    for _ in range(500):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"it never came to {expression}")


def pick(page: Page, row: int) -> None:
    """Open a row of the page by its link, as the list may not show it."""
    page.evaluate("number => { location.hash = `trace=${distill.data.rows[number].id}&row=${number}` }", row)
    until(page, f"distill.stage.settled() && distill.stage.state().row.at === {row}")


def row(page: Page) -> dict[str, Any]:
    """The row that is open."""
    found: dict[str, Any] = page.evaluate("distill.stage.state().row")
    return found


def step(page: Page) -> int:
    return int(page.evaluate("distill.stage.state().step"))


def last(page: Page) -> int:
    return int(page.get_attribute("#traces-slider", "max") or 0)


def states(page: Page) -> list[str]:
    """The panels as markup."""
    found: list[str] = page.eval_on_selector_all(
        "#traces-panels .panel", "all => all.map(one => one.outerHTML)"
    )
    return found


def hits(page: Page) -> int:
    told = page.inner_text("#traces-hits")
    return int(re.match(r"[\d,]+", told)[0].replace(",", ""))  # type: ignore[index]


def address(page: Page) -> dict[str, str]:
    """The pairs of the address, once it has followed."""
    page.wait_for_timeout(300)
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).fragment).items()}


def fits(page: Page) -> bool:
    """Whether nothing reaches beyond the width of the window."""
    wide, room = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    return bool(wide <= room)


def faint(page: Page) -> list[str]:
    """Texts that stand out from their ground by less than 4.5 to 1; those of pictures are not looked at."""
    found: list[str] = page.evaluate(Path(__file__).with_name("faint.js").read_text("utf-8"))
    return found


def departing(page: Page) -> int:
    """The first row whose trace departs at one of its steps."""
    departs = "row.block !== null && row.departure !== null && row.departure < row.steps"
    return int(page.evaluate(f"distill.data.rows.find(row => {departs}).at"))
