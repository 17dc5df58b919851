"""The UCI engine on this process's own pipes."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from pipeline.errors import Refusal
from pipeline.play.options import BadOption, Settings, changed
from pipeline.play.player import Player
from pipeline.play.uci import Engine

BLOCK = 65536

Line = str | BaseException | None
"""What the engine is told: a line, an error of its search, or that there are no more lines."""


def serve(checkpoint: Path, asked: Mapping[str, str]) -> None:
    """Answer UCI on standard input and output until `quit` or the end of the input.

    `asked` has values of options by their UCI names. Nothing but UCI reaches the standard output: what
    libraries write there goes to the standard error. Raises Refusal.
    """
    settings = Settings()
    for name, value in asked.items():
        try:
            settings = changed(settings, ["name", name, "value", value])
        except BadOption as why:
            raise Refusal(str(why)) from None
    player = Player.of(checkpoint)
    told: SimpleQueue[Line] = SimpleQueue()
    output = _claimed()
    # A thread of its own reads, so that a search that fails can end the process in the middle of a read.
    Thread(target=_listen, args=(told,), daemon=True).start()

    def write(line: str) -> None:
        output.write(f"{line}\n".encode())

    Engine(player, settings, write, told.put).serve(_lines(told))


def _claimed() -> io.FileIO:
    """The standard output for us alone, unbuffered: its number now leads to the standard error."""
    own = os.dup(1)
    os.dup2(2, 1)
    return io.FileIO(own, "wb")


def _listen(told: SimpleQueue[Line]) -> None:
    """Read lines without Python's own buffers, whose locks a thread must not hold when the process ends."""
    rest = b""
    while block := os.read(0, BLOCK):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            told.put(line.decode(errors="replace"))
    told.put(rest.decode(errors="replace"))
    told.put(None)


def _lines(told: SimpleQueue[Line]) -> Iterator[str]:
    while (line := told.get()) is not None:
        if isinstance(line, BaseException):
            raise line
        yield line
