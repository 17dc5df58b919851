"""Ways to spoil what is right: bytes, texts, trees of plain data."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

Path = tuple[Any, ...]
"""Keys from the root of a tree."""

STRANGE: tuple[Any, ...] = (
    [], {}, [1, "a", None], {"a": {"b": []}}, "nonsense", "../../etc/passwd", "\u202e\u0000\x1b[31m", 
    -1, 10**30, 1e308, float("nan"), float("-inf"), True, None, "", "é" * 300,
)  # fmt: skip


def places(tree: Any, at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value of a tree with its place, branches before their leaves."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in pairs:
        yield (*at, key), value
        yield from places(value, (*at, key))


def put(tree: Any, place: Path, value: Any) -> Any:
    """A copy of a tree with another value at a place."""
    made = copy.deepcopy(tree)
    inner = made
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return made


def lacking(tree: Any, place: Path) -> Any:
    """A copy of a tree without a place."""
    made = copy.deepcopy(tree)
    inner = made
    for key in place[:-1]:
        inner = inner[key]
    del inner[place[-1]]
    return made


def otherwise(rng: Random, value: Any) -> Any:
    """A value of another type than this one."""
    kinds = (int, float) if isinstance(value, int | float) and not isinstance(value, bool) else (type(value),)
    return rng.choice([each for each in STRANGE if not isinstance(each, kinds)])


def dumped(tree: Any) -> bytes:
    """JSON, with the numbers that are none."""
    return json.dumps(tree).encode()


def deep(levels: int) -> bytes:
    """JSON and YAML that is nested."""
    return b"[" * levels + b"]" * levels


def cut(rng: Random, content: bytes) -> bytes:
    """The beginning of a content."""
    return content[: rng.randrange(1, max(len(content) - 1, 2))]


def noise(rng: Random) -> bytes:
    """Bytes that are nothing at all."""
    return b"\x00\xff" + rng.randbytes(rng.randrange(20, 4000))


def no_json(rng: Random, content: bytes) -> tuple[str, bytes]:
    """Something in place of a JSON object that is none."""
    ways: tuple[tuple[str, Callable[[], bytes]], ...] = (
        ("cut short", lambda: cut(rng, content.strip())),
        ("nested 100,000 deep", lambda: deep(100_000)),
        ("binary", lambda: noise(rng)),
        ("empty", lambda: b""),
        ("a list", lambda: b"[" + content + b"]"),
        ("a text", lambda: b'"nonsense"'),
        ("null", lambda: b"null"),
        ("a number without end", lambda: b"9" * 6000),
        ("in UTF-16", lambda: content.decode().encode("utf-16")),
    )
    what, way = rng.choice(ways)
    return what, way()
