"""`make faults`: every fault at full size, a line for each trial that lost something, and the table."""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from faults.trial import Fault, Trial, table

MODULES = ("kills", "order", "deaths", "disk", "server", "fuzz", "soak")
"""Each has `FAULTS`, a tuple of them."""


def all_faults() -> list[Fault]:
    """Every kind of fault, in the order of the table."""
    return [fault for name in MODULES for fault in importlib.import_module(f"faults.{name}").FAULTS]


def main() -> int:
    """Run them; gives the exit code, 1 where something was lost."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of moments, victims and inputs (default 0)")
    parser.add_argument("--small", action="store_true", help="as in the tests: seconds each")
    parser.add_argument("--only", default="", help="faults whose names contain this")
    parser.add_argument("--to", type=Path, help="file to which the table is appended")
    asked = parser.parse_args()
    results: list[tuple[str, list[Trial], float]] = []
    for fault in all_faults():
        if asked.only in fault.name:
            began = perf_counter()
            trials = _run(fault, asked.seed, asked.small)
            results.append((fault.name, trials, perf_counter() - began))
    told = table(results)
    print(told)
    if asked.to is not None:
        with asked.to.open("a") as file:
            file.write(told + "\n")
    return int(any(trial.lost for _, trials, _ in results for trial in trials))


def _run(fault: Fault, seed: int, small: bool) -> list[Trial]:
    console = Console(stderr=True)
    columns = (TextColumn(fault.name), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    trials = []
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, Progress(*columns, console=console) as bar:
        shown = bar.add_task("", total=None)
        for trial in _until_broken(fault.trials(seed, "small" if small else "full", Path(folder))):
            trials.append(trial)
            bar.advance(shown)
            if trial.lost is not None:
                console.print(f"lost: {trial.what}: {trial.lost}", style="red", markup=False)
    return trials


def _until_broken(trials: Iterator[Trial]) -> Iterator[Trial]:
    """Trials up to one that the harness itself could not do, which counts as lost; other faults still run."""
    try:
        yield from trials
    except Exception as error:
        traceback.print_exc()
        yield Trial("the harness", f"it broke off: {error}")


if __name__ == "__main__":
    sys.exit(main())
