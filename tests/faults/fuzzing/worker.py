"""A process that runs command lines one after the other, as `distill` would, and tells how each has ended."""

from __future__ import annotations

import faulthandler
import os
import resource
import sys
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

from pipeline.cli import main

MEMORY = 6 << 30
"""Bytes of address space that a worker may take beyond what it has at the start."""


READY = "ready"
"""What a worker says before it takes its first case: until then it has imported what commands need."""


def serve(requests: Connection) -> None:
    """Run what arrives as (words, folder) until None does; what is printed goes to files of the folder."""
    os.setsid()  # whatever a command has started goes with it
    faulthandler.enable()
    _limit()
    requests.send(READY)
    while (asked := requests.recv()) is not None:
        words, folder = asked
        before = _begin_peak()
        code = _run(words, folder)
        requests.send((code, _peak() - before))


def _limit() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _run(words: list[str], folder: Path) -> int:
    os.environ.update(places(folder))
    os.chdir(folder / HERE)
    opened = [os.open(folder / "in", os.O_RDONLY)]
    opened += [os.open(folder / name, os.O_WRONLY | os.O_CREAT) for name in ("out", "err")]
    for number, file in enumerate(opened):
        os.dup2(file, number)
        os.close(file)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", errors="backslashreplace", closefd=False)
    try:
        return main(words)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # what Python would print as a command ends; a Rust panic is no Exception
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


HERE, HOME, SCRATCH = "here", "home", "tmp"
"""Folders of a case: where the command is started, and where else a program might write."""


def places(folder: Path) -> dict[str, str]:
    """Variables by which whatever a command writes lands in the folder of its case."""
    home, scratch = str(folder / HOME), str(folder / SCRATCH)
    fonts = str(folder / "fonts")  # of which matplotlib keeps a list, whatever the command
    own = {"HOME": home, "XDG_CACHE_HOME": home, "DISTILL_CACHE": home, "TMPDIR": scratch}
    return {**own, "MPLCONFIGDIR": fonts, "COLUMNS": "100"}


def _begin_peak() -> int:
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    return _peak()


def _peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))
