"""What is wrong with the way in which a command has ended over a wrong input."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from faults.fuzzing.case import CANARY, Case
from faults.fuzzing.process import Ended
from faults.fuzzing.worker import HERE

Tree = dict[str, tuple[int, int]]
"""Files and folders by name, with size and time."""

LONGEST = 500
"""Characters of a sentence, paths not counted."""
MOST = 2 << 30
"""Bytes of memory."""

INNARDS = re.compile(
    r"Traceback|panicked at|RUST_BACKTRACE| object at 0x|<class '|<function |Error\(|Warning: "
)
"""What a user must not be shown."""
HUNG = "it hung"
SENTENCE = re.compile(r"^distill(?: [a-z]+: error)?: \S", re.MULTILINE)


def tree(*folders: Path) -> Tree:
    """All that stands in some folders."""
    return {
        str(path): (stat.st_size if path.is_file() else 0, stat.st_mtime_ns if path.is_file() else 0)
        for folder in folders
        for path in folder.rglob("*")
        if (stat := path.lstat())
    }


def fault(case: Case, ended: Ended, folder: Path, before: Tree, after: Tree) -> str | None:
    """The first thing that is wrong, as a sentence; None where the command did what it must."""
    return next(_faults(case, ended, folder, before, after), None)


def _faults(case: Case, ended: Ended, folder: Path, before: Tree, after: Tree) -> Iterator[str]:
    if (folder / HERE / CANARY).exists():
        yield "code of the input has run"
    if ended.code is None:
        yield HUNG
        return
    yield from _ending(case, ended)
    if ended.growth > MOST:
        yield f"it took {ended.growth >> 20:,} MB"
    if after != before:
        changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
        yield f"it wrote: {', '.join(changed)[:300]}"
    if ended.code:
        yield from _wording(ended.err, folder)


def _ending(case: Case, ended: Ended) -> Iterator[str]:
    if INNARDS.search(ended.err) or INNARDS.search(ended.out):
        yield f"it shows its innards: {_last(ended)}"
    if ended.code not in (0, 1, 2):
        yield f"it died with code {ended.code}: {_last(ended)}"
    if ended.code == 0 and not case.passes:
        yield f"it did not refuse; {_last(ended)}"


def _wording(err: str, folder: Path) -> Iterator[str]:
    sentences = list(SENTENCE.finditer(err))
    if len(sentences) != 1:
        yield f"{len(sentences)} sentences: {err[-300:]!r}"
        return
    said = err[sentences[0].start() :].replace(str(folder), "")
    if len(said) > LONGEST:
        yield f"its sentence has {len(said)} characters: {said[:200]!r}"
    if any(not letter.isprintable() and letter != "\n" for letter in said):
        yield f"its sentence has control characters: {said[:300]!r}"


def _last(ended: Ended) -> str:
    """The end of what it printed."""
    lines = (ended.err.strip() or ended.out.strip() or "nothing was printed").splitlines()
    return " | ".join(lines[-2:])[-300:]
