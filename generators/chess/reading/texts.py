"""A source of positions opened line by line: a file, perhaps packed with zstd or gzip, or the text itself."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple, TextIO

import pyarrow as pa

from generators.domain import BadProblem

Kind = Literal["positions", "games", "puzzles"]

SUFFIXES: dict[str, Kind] = {".fen": "positions", ".epd": "positions", ".pgn": "games", ".csv": "puzzles"}
"""What files hold by their names, with `.zst` or `.gz` taken off; of others the content decides."""
PACKED = {b"\x28\xb5\x2f\xfd": "zstd", b"\x1f\x8b": "gzip"}
"""What packed files begin with, whatever their names."""
HEAD = 65536
"""Characters that are enough to see what a text holds."""
DOS_END = "\x1a"
"""With which files of old programs end; behind it another one may have been appended."""

_FEN = re.compile(r"\s*[1-8pnbrqkPNBRQK]+(/[1-8pnbrqkPNBRQK]+){3,}\s")
# Blanks and DOS_END aside. What else there is of them would reach the terminal with an error's message.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1b\x7f]")
_GAME = re.compile(r"\[|\{|[%;]|\d+\s*\.")


class Opened(NamedTuple):
    """How errors name the source, what it holds, and its lines."""

    title: str
    kind: Kind
    lines: TextIO


@contextmanager
def opened(source: str) -> Iterator[Opened]:
    """A file's lines, or those of the text itself: more than one line, a FEN, or what begins like a PGN.

    Raises BadProblem for what cannot be read, also while it is being read.
    """
    if not source.strip():
        raise BadProblem("the source is empty; name a file, or give the position or the game itself")
    if _is_text(source):
        yield Opened("the text", _kind("the text", source), io.StringIO(source))
        return
    try:
        with _lines(source) as lines:
            head = lines.read(HEAD)
        stem = Path(source.lower().removesuffix(".zst").removesuffix(".gz"))
        kind = SUFFIXES.get(stem.suffix) or _kind(source, head)
        _refuse_empty(source, head)
        with _lines(source) as lines:
            yield Opened(Path(source).name, kind, lines)
    except FileNotFoundError:
        raise BadProblem(f"{source} is neither a file nor a FEN, EPD or PGN") from None
    except IsADirectoryError:
        raise BadProblem(f"{source} is a folder; name a file of positions, games or puzzles") from None
    except OSError as cause:
        raise BadProblem(f"{source} cannot be read: {cause}") from None


def _is_text(source: str) -> bool:
    return (
        "\n" in source or "\0" in source or _FEN.match(source) is not None or source.startswith(("[", "1."))
    )


def _lines(path: str) -> TextIO:
    """The lines of a file, unpacked. What is not UTF-8 is a name or a comment of an old PGN."""
    with Path(path).open("rb") as file:
        start = file.read(4)
    packing = next((name for magic, name in PACKED.items() if start.startswith(magic)), None)
    stream = pa.input_stream(path, compression=packing, buffer_size=1 << 16)
    return io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace")


def _refuse_empty(title: str, head: str) -> None:
    if not head.strip():
        raise BadProblem(f"{title} is empty")
    if control := _CONTROL.search(head):
        raise BadProblem(f"{title} is no text: it has a character of code {ord(control[0])}")


def _kind(title: str, head: str) -> Kind:
    _refuse_empty(title, head)
    first = next((line for line in head.splitlines() if line.strip() and not line.startswith("#")), "")
    if _GAME.match(first.strip()):
        return "games"
    return "puzzles" if first.count(",") > 1 and "/" not in first else "positions"
