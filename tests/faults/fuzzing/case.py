"""One wrong input: its files, and the command that reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree

CANARY = "canary"
"""A file of this name in the folder of a case means that code of its input has run."""


@dataclass(frozen=True)
class Case:
    """A command line with the files that it names, in a folder of its own."""

    kind: str
    """As in `recipes`: the rows of the schedule."""
    what: str
    """What is wrong with the input; wrong by the way it was made, so that a command must refuse it."""
    words: tuple[str, ...]
    """The command line; files are named as they stand in the folder."""
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    """By name; None takes a file of a copy away."""
    copies: Mapping[str, Path] = field(default_factory=dict)
    """Folders of the corpus that are copied first, by the name that they get."""
    typed: bytes = b""
    """What stands on its standard input."""
    passes: bool = False
    """Whether the command may end well: only a UCI engine may, which by its protocol overlooks what it does
    not understand, and `status`, which tells of whatever it finds."""

    def write(self, folder: Path) -> None:
        """Put its files into a folder."""
        folder.mkdir(parents=True)
        for name, source in self.copies.items():
            copytree(source, folder / name)
        for name, content in self.files.items():
            path = folder / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
