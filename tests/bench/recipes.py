"""The demonstration and the longer bootstrap, end to end: seconds, rates, and a finished recipe called again.

Runs into the project's own artifacts, so what is finished there is not made again: for the seconds of a whole
run, give `--artifacts` an empty folder.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from time import perf_counter

RECIPES = ("maze-demo", "maze-bootstrap")


def run(recipe: str, folder: Path) -> tuple[float, str]:
    """Seconds of `report` for a recipe, and what it said."""
    words = [sys.executable, "-m", "pipeline", "report", "--recipe", recipe, "--artifacts", str(folder)]
    begun = perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return perf_counter() - begun, done.stderr


def compare(folder: Path, recipes: tuple[str, ...]) -> dict[str, float]:
    """For each recipe: seconds, seconds when finished, rates and paired length ratios on the test split."""
    found: dict[str, float] = {}
    for recipe in recipes:
        found[f"{recipe}: seconds"], _ = run(recipe, folder)
        found[f"{recipe}: seconds when finished"], told = run(recipe, folder)
        (evaluation,) = re.findall(r"(\S*/evaluate/\S+)", told)
        facts = json.loads((Path(evaluation) / "metrics.json").read_text())
        for row in facts["metrics"]:
            if row["metric"] == "optimal" and row["subset"] == "all" and row["value"] is not None:
                found[f"{recipe}: optimal, {row['label']}, {row['rule']}"] = row["value"]
        for row in facts["lengths"]:
            label = f"{recipe}: trace over start's, {row['label']}, {row['rule']}"
            found[label] = row["to_start"]["value"]
    return found


if __name__ == "__main__":
    place = Path(sys.argv[sys.argv.index("--artifacts") + 1] if "--artifacts" in sys.argv else "artifacts")
    for name, value in compare(place, RECIPES).items():
        print(f"{name:66} {value:10.3f}")
