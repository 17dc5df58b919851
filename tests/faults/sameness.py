"""Whether two folders hold the same: every byte, but for a few named figures of time, speed and commit."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any

MADE = ("provenance.made", "provenance.commit", "seconds", "check")
"""The last one is the hash of the others."""
SPEED = ("seconds", "tokens_per_second", "mfu")
"""Of a training: they depend on the machine's load."""
STATE = "state.ckpt"
"""It holds the seconds of training so far, so its hash depends on them; and Python pickles equal texts once
or twice, as they are one object or two, so its size depends on where it was resumed. Its content does not."""

JSON = {
    "*/manifest.json": (
        *MADE,
        "summary",  # of a training it has the tokens of a second; of other stages it repeats other fields
        *(f"training.{name}" for name in SPEED),
        *(f"rounds.*.fine_tuning.{name}" for name in SPEED),
        *(
            f"files.{file}.{name}"
            for file in (f"last/{STATE}", "rounds.json", "report.html")
            for name in ("blake2b", "bytes")
        ),
    ),
    "*/.begun.json": ("time",),
    "*/fit.json": SPEED,
    "*/rounds.json": tuple(f"rounds.*.fine_tuning.{name}" for name in SPEED),
    f"*/.written/last/{STATE}.json": ("blake2b", "bytes", "check"),
    "*/.written/rounds.json.json": ("blake2b", "bytes", "check"),
    "*/.written/report.html.json": ("blake2b", "bytes", "check"),
}
"""The fields that may differ, by the file: patterns of paths within it."""

TOLD_SPEED = re.compile(r"[\d,]+ tokens/s")
"""In the sentence that sums up a training."""

METER = tuple(
    f"callbacks.Meter.{name}"
    for name in (
        "window.seconds",
        "total.seconds",
        "steady.*",
        "latest.seconds",
        "latest.tokens_per_second",
    )
)
"""`steady` is what the speed is measured over: all windows but the first of each process."""

TEXTS = {
    "*.html": (r'"made": ?"[^"]*"', r'"commit": ?"[^"]*"'),
    "*/README.md": (r"(?m)^\| commit, .*$",),
}
"""The places of pages and cards that may differ: patterns."""
EVENTS = "*/logs/tensorboard/events.out.tfevents.*"


def difference(ours: Path, theirs: Path) -> str | None:
    """The first file in which two folders differ, and how; None for none."""
    here, there = names(ours), names(theirs)
    for name in sorted(here ^ there):
        return f"{name} is {'left over' if name in here else 'missing'}"
    for name in sorted(here):
        found = _of_file(name, ours / name, theirs / name)
        if found:
            return f"{name}: {found}"
    for folder in sorted({Path(path).parent for path in theirs.rglob("events.out.tfevents.*")}):
        name = folder.relative_to(theirs)
        if scalars(ours / name) != scalars(folder):
            return f"{name}: other figures"
    return None


def names(folder: Path) -> set[str]:
    """Every file and folder below one, without TensorBoard's files: their names are of time and process."""
    found = set()
    for place, folders, files in os.walk(folder):
        inside = Path(place).relative_to(folder)
        found |= {str(inside / name) for name in (*folders, *files)}
    return {name for name in found if not fnmatch(name, EVENTS)}


def _of_file(name: str, ours: Path, theirs: Path) -> str | None:
    if ours.is_dir() or ours.read_bytes() == theirs.read_bytes():
        return None
    fields = next((fields for pattern, fields in JSON.items() if fnmatch(name, pattern)), None)
    if fields is not None:
        try:
            made = json.loads(ours.read_text())
        except ValueError:
            return "no JSON"
        return _of_trees(made, json.loads(theirs.read_text()), fields)
    compare = next((compare for pattern, compare in READ.items() if fnmatch(name, pattern)), None)
    return compare(ours, theirs) if compare else "other bytes"


def _of_trees(ours: Any, theirs: Any, may_differ: tuple[str, ...]) -> str | None:
    here, there = dict(leaves(ours)), dict(leaves(theirs))
    for each in (here, there):
        if "summary" in each:
            each["summary"] = TOLD_SPEED.sub("", each["summary"])
    for path in sorted(here.keys() | there.keys()):
        if path in here and path in there and any(fnmatch(path, pattern) for pattern in may_differ):
            continue
        if here.get(path, "nothing") != there.get(path, "nothing"):
            return f"{path} is {here.get(path, 'nothing')} and not {there.get(path, 'nothing')}"
    return None


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The values of nested dicts and lists, as texts that are equal for equal bits, by their paths."""
    if isinstance(tree, dict | list | tuple):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from leaves(value, f"{path}.{key}" if path else str(key))
        yield f"{path}.", f"{type(tree).__name__} of {len(tree)}"
    elif hasattr(tree, "numpy"):
        yield path, f"{tree.dtype} {tuple(tree.shape)} {tree.numpy().tobytes().hex()}"
    else:
        yield path, repr(tree)


def _of_states(ours: Path, theirs: Path) -> str | None:
    import torch

    here, there = (torch.load(path, weights_only=True) for path in (ours, theirs))
    return _of_trees(here, there, METER)


def _of_logs(ours: Path, theirs: Path) -> str | None:
    def lines(path: Path) -> list[dict[str, str]]:
        with path.open(newline="") as file:
            return [
                {name: value for name, value in line.items() if name not in SPEED}
                for line in csv.DictReader(file)
            ]

    return _of_trees(lines(ours), lines(theirs), ())


def _of_texts(ours: Path, theirs: Path, may_differ: tuple[str, ...]) -> str | None:
    here, there = (path.read_text() for path in (ours, theirs))
    for pattern in may_differ:
        here, there = re.sub(pattern, "", here), re.sub(pattern, "", there)
    if here == there:
        return None
    at = next((at for at, (a, b) in enumerate(zip(here, there, strict=False)) if a != b), 0)
    return f"'{here[max(at - 40, 0) : at + 80]}' and not '{there[max(at - 40, 0) : at + 80]}'"


READ: dict[str, Callable[[Path, Path], str | None]] = {
    f"*/{STATE}": _of_states,
    "*/logs/metrics.csv": _of_logs,
    **{pattern: partial(_of_texts, may_differ=places) for pattern, places in TEXTS.items()},
}


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard shows of a run, speeds left out: steps and values of each figure."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    tags = [tag for tag in read.Tags()["scalars"] if tag not in SPEED]
    return {tag: [(each.step, each.value) for each in read.Scalars(tag)] for tag in tags}
