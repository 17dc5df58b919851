"""Plain files that appear in one step, their hashes, and the digest by which a change of plain data shows."""

from __future__ import annotations

import errno
import hashlib
import json
from glob import escape
from pathlib import Path
from typing import Any

from pipeline.temporary import temporary

Json = dict[str, Any]

CHECK = "check"
"""The last field of manifests and sidecars: a digest of the others, so that a changed byte is noticed."""


def write_json(path: Path, content: Json, alone: bool = False) -> None:
    """Write JSON in one step: readers see the old file or the new one."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, default=str) + "\n", alone)


def write_text(path: Path, text: str, alone: bool = False) -> None:
    """Write a text file in one step; who is `alone` in writing it clears away what a killed command left."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "a folder stands where a file is to be written", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    if alone:
        sweep_beside(path)
    partial = temporary(path)
    try:
        partial.write_text(text)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def sweep_beside(path: Path) -> None:
    """Remove what commands that were killed left half-written under temporary names of this file."""
    for leftover in path.parent.glob(f".{escape(path.name)}.*.tmp"):
        leftover.unlink(missing_ok=True)


def file_hash(path: Path) -> str:
    """The BLAKE2b hash of a file's content, 128 bits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def digest(content: Any) -> str:
    """A 64-bit hash of plain data, the same for the same content."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def marked(content: Json) -> Json:
    """Plain data with the digest by which a change of it is noticed."""
    plain: Json = json.loads(json.dumps(content, default=str))
    plain.pop(CHECK, None)  # of a manifest that was read and is written anew
    return {**plain, CHECK: digest(plain)}


def intact(loaded: Json) -> bool:
    """Whether the digest, if there is one, is that of the other fields; earlier versions wrote none."""
    content = {name: each for name, each in loaded.items() if name != CHECK}
    return CHECK not in loaded or bool(loaded[CHECK] == digest(content))
