"""The form of a manifest: what every reader of one relies on, whoever wrote it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

Test = Callable[[Any], bool]


def sound(loaded: Any) -> bool:
    """Whether what was read is a manifest: known fields of their types, no file outside of its folder."""
    return _typed(FIELDS)(loaded)


def is_entry(loaded: Any) -> bool:
    """Whether what was read says of a file what a sidecar does."""
    return (
        isinstance(loaded, dict)
        and _is_count(loaded.get("bytes"))
        and isinstance(loaded.get("blake2b"), str)
        and _is_count(loaded.get("rows", 0))
    )


def is_inside(name: str) -> bool:
    """Whether the name of a file leads to a place within the folder that it is named in."""
    path = PurePosixPath(name)
    return (
        name == str(path) != "." and name.isprintable() and not path.is_absolute() and ".." not in path.parts
    )


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is(*kinds: type) -> Test:
    return lambda value: isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds)


def _each(test: Test) -> Test:
    return lambda value: isinstance(value, list) and all(map(test, value))


def _with(fields: Mapping[str, Test]) -> Test:
    return lambda value: (
        isinstance(value, dict) and all(name in value and test(value[name]) for name, test in fields.items())
    )


def _typed(fields: Mapping[str, Test]) -> Test:
    return lambda value: (
        isinstance(value, dict) and all(test(value[name]) for name, test in fields.items() if name in value)
    )


def _are_files(value: Any) -> bool:
    return isinstance(value, dict) and all(is_inside(name) and is_entry(each) for name, each in value.items())


TEXT, FIGURE, BRANCH = _is(str), _is(int, float, type(None)), _is(dict)
MEASURE = _typed(
    {
        "label": TEXT,
        "metric": TEXT,
        "rule": TEXT,
        "subset": TEXT,
        "value": FIGURE,
        "low": FIGURE,
        "high": FIGURE,
    }
)
ORIGIN = _with({"made": TEXT, "commit": _is(str, type(None)), "machine": TEXT, "python": TEXT})
FIELDS: dict[str, Test] = {
    "files": _are_files,
    "stage": TEXT,
    "version": _is(int),
    "recipe": TEXT,
    "fingerprint": TEXT,
    "summary": TEXT,
    "domain": _with({"name": TEXT}),
    "settings": BRANCH,
    "inputs": _each(_with({"stage": TEXT, "fingerprint": TEXT, "folder": TEXT})),
    "provenance": lambda value: not value or ORIGIN(value),
    "seconds": FIGURE,
    "notation": TEXT,
    "training": BRANCH,
    "rounds": _each(BRANCH),
    "metrics": _each(MEASURE),
    "rivals": _each(MEASURE),
    "tables": _each(BRANCH),
    "lengths": _is(list, dict),
}
"""What is tested of the fields that are there."""
