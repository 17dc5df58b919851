"""This process's Stockfish, supervised: texts of UCI commands go in, what it prints goes out."""

from __future__ import annotations

import atexit
from functools import cache
from typing import TYPE_CHECKING

from generators.chess.stockfish.engine import NoStockfish, identity, path
from generators.chess.stockfish.requests import END
from generators.supervision import Framing, NotStarted, Supervised

if TYPE_CHECKING:
    from collections.abc import Iterable

_BASE_SECONDS = 20.0
_SLOWEST = 20_000
"""Nodes a second, a fiftieth of what a core of today searches: one slower is held to hang."""
_START_SECONDS = 30.0
_PAUSE_SECONDS = 0.016
"""At 100 nodes a search the engine prints some 4 MiB a second, and the pipe holds one."""
_READY = b"readyok\n"


def ask(requests: Iterable[bytes], nodes: int, hash: int, wdl: bool = False) -> list[bytes | None]:
    """What the engine prints for each request of at most `nodes` nodes; None where it hung or died twice.

    A request ends in `requests.END`, so that the next one finds a cleared hash of `hash` megabytes. Raises
    NoStockfish.
    """
    try:
        return engine(hash, wdl).ask(requests, _BASE_SECONDS + nodes / _SLOWEST)
    except NotStarted:
        raise NoStockfish(
            f"{path()} speaks UCI, but ended or hung in its first search: its net may be missing;"
            " reinstall stockfish (apt) or set STOCKFISH_PATH to another one"
        ) from None


def engine(hash: int, wdl: bool) -> Supervised:
    """This process's engine of these options, started when first asked, then kept. Raises NoStockfish."""
    identity()
    return _engine(path(), hash, wdl)


@cache
def _engine(file: str, hash: int, wdl: bool) -> Supervised:
    greeting = "".join(
        (
            "uci\nsetoption name Threads value 1\n",
            f"setoption name Hash value {hash}\n",
            "setoption name UCI_ShowWDL value true\n" if wdl else "",
            # A net is looked for when the first search begins.
            "position startpos\ngo nodes 1\n",
            END,
        )
    )
    framing = Framing(
        pack=lambda request: (request,),
        split=_answers,
        # Whoever says `readyok` is: that it speaks UCI is known.
        welcome=lambda _: True,
        greeting=greeting.encode(),
        seconds=_START_SECONDS,
        pause=_PAUSE_SECONDS,
    )
    started = Supervised((file,), framing=framing)
    atexit.register(started.close)
    return started


def _answers(printed: bytes) -> tuple[list[bytes], int]:
    """What was printed up to each `readyok`, which nothing else prints."""
    answers, at = list[bytes](), 0
    while (end := printed.find(_READY, at)) >= 0:
        answers.append(printed[at:end])
        at = end + len(_READY)
    return answers, at
