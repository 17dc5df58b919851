"""A page of 1,000 rollouts of 30x30 mazes, 300 of them to play: bytes, seconds to build, milliseconds to use.

Needs Chromium (`make setup` installs it); without it the size and the time to build are told alone.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

import evaluations

from generators.maze import Maze
from pipeline.page.command import write

ROUNDS = 5
LAYOUTS = 170
"""Problems: three checkpoints, each greedy and once sampled, give a bit more than 1,000 responses."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        mazes = Maze(width=30, height=30, attempts_per_layout=2)
        judged = evaluations.evaluation(
            Path(folder) / "evaluate" / "mazes", mazes, rows=LAYOUTS, samples=1, figures=True
        )
        page = Path(folder) / "page.html"
        seconds = []
        for _ in range(2):  # the first one compiles
            start = time.perf_counter()
            write([judged.folder], page)
            seconds.append(time.perf_counter() - start)
        tell("MB of the page (target: 6)", page.stat().st_size / 1e6)
        tell("seconds to build it", seconds[-1])
        if shutil.which("chromium") is None:
            print("no Chromium: nothing is measured in a browser")
        else:
            browse(page)


def browse(page: Path) -> None:
    """What a reader waits for, the median of some rounds."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        ready, opening = [], []
        for _ in range(ROUNDS):
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            tab = context.new_page()
            tab.goto(page.as_uri())
            ready.append(tab.evaluate("performance.getEntriesByName('distill-traces')[0].startTime"))
            opening.append(
                tab.evaluate(
                    """async () => {
                      const begin = performance.now();
                      await distill.stage.show(distill.data.rows.findLast((row) => row.block !== null), 0);
                      return performance.now() - begin;
                    }"""
                )
            )
            context.close()
        rows = "[distill.data.rows.length, distill.data.rows.filter((row) => row.block !== null).length]"
        tab = browser.new_page()
        tab.goto(page.as_uri())
        listed, played = tab.evaluate(rows)
        browser.close()
    print(f"{listed:,} rollouts, {played:,} with steps")
    tell("ms until the list can be used (target: 2000)", median(ready))
    tell("ms to open a problem", median(opening))


def tell(what: str, value: float) -> None:
    print(f"{what:<60} {value:10.2f}")


if __name__ == "__main__":
    main()
