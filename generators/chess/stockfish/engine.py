"""Where Stockfish is, what it is, and how much it is asked to search."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from generators.chess.alphabet import CLEARS, MODES, Clear, Mode
from generators.domain import BadProblem

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_NODES = 10_000_000
"""Of one search; with 218 moves, the most that a position has, the sum is still a UInt32."""

_USUAL = "/usr/games/stockfish"
_REMEDY = "install stockfish (apt) or set STOCKFISH_PATH to its file"
_SECONDS = 30.0


class NoStockfish(BadProblem):
    """Stockfish is not there, or what was named is not it."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much the teacher searches for each label and for each position, and with what."""

    nodes: int = 1000
    """Of a label; a `multipv` search gets so many for each legal move."""
    root_nodes: int = 10_000
    mode: Mode = "child"
    clear: Clear = "board"
    hash: int = 1
    """Megabytes. Clearing them costs time, and small searches do not fill them."""
    wdl: bool = False

    def __post_init__(self) -> None:
        for name in ("nodes", "root_nodes"):
            if not 1 <= getattr(self, name) <= MOST_NODES:
                raise ValueError(f"{name} must be from 1 to {MOST_NODES}, got {getattr(self, name)}")
        if not 1 <= self.hash <= 1 << 20:
            raise ValueError(f"hash must be from 1 to {1 << 20} (megabytes), got {self.hash}")
        if self.mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, got '{self.mode}'")
        if self.clear not in CLEARS:
            raise ValueError(f"clear must be one of {', '.join(CLEARS)}, got '{self.clear}'")
        if self.mode == "multipv" and self.clear == "move":
            raise ValueError("mode 'multipv' searches all moves at once, so clear cannot be 'move'")


def path() -> str:
    """The engine's file: STOCKFISH_PATH, `stockfish` on the path, or where Debian puts it.

    Raises NoStockfish.
    """
    named = os.environ.get("STOCKFISH_PATH", "")
    if named and not Path(named).is_file():
        raise NoStockfish(f"STOCKFISH_PATH={named}: there is no such file; {_REMEDY}")
    found = named or shutil.which("stockfish") or shutil.which(_USUAL)
    if not found:
        raise NoStockfish(f"Stockfish was not found: {_REMEDY}")
    return found


def identity() -> Mapping[str, str]:
    """The engine's name and, where it has one, the name of its net (`engine`, `net`). Raises NoStockfish."""
    return dict(_identity(path()))


@cache
def _identity(file: str) -> tuple[tuple[str, str], ...]:
    lines = _told(file).splitlines()
    if "uciok" not in lines:
        raise NoStockfish(f"{file} does not speak UCI, as it gave no `uciok`: {_REMEDY}")
    names = [line.removeprefix("id name ") for line in lines if line.startswith("id name ")]
    nets = [_default(line) for line in lines if line.startswith("option name EvalFile type string")]
    found = [("engine", names[0] if names else Path(file).name)]
    return tuple(found + [("net", net) for net in nets[:1] if net])


def _told(file: str, again: bool = True) -> str:
    """What it says to `uci`; one that is killed or stopped from outside meanwhile is asked once more."""
    try:
        told = subprocess.run(
            [file], input="uci\nquit\n", capture_output=True, text=True, errors="replace", timeout=_SECONDS
        )
    except OSError as fault:
        raise NoStockfish(f"{file} cannot be run ({fault.strerror}): {_REMEDY}") from None
    except subprocess.TimeoutExpired:
        if again:
            return _told(file, again=False)
        raise NoStockfish(f"{file} did not answer `uci` within {_SECONDS:.0f} seconds: {_REMEDY}") from None
    return _told(file, again=False) if told.returncode < 0 and again else told.stdout


def _default(option: str) -> str:
    words = option.split()
    value = words[words.index("default") + 1 :] if "default" in words else []
    return "" if value in ([], ["<empty>"]) else " ".join(value)
