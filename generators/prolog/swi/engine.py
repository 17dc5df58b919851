"""This process's SWI-Prolog, which runs in a supervised child: texts go in, texts come out."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Literal

from generators.prolog.swi.library import NoProlog, located, version
from generators.supervision import NotStarted, Supervised

__all__ = ["NoProlog", "Predicate", "ask", "engine", "version"]

Predicate = Literal["solve", "clauses"]
"""What can be asked for; `child.py` knows the modules."""

PATIENCE = 20.0
"""Seconds for one answer. Searches end by counting their steps; this is for an engine that is broken."""

_HERE = Path(__file__).resolve().parent


def ask(predicate: Predicate, texts: Iterable[bytes]) -> list[bytes | None]:
    """What the predicate answers to each text (UTF-8); None where the engine hung or died on it twice.

    The texts are drawn while the engine works. Raises NoProlog.
    """
    prefix = predicate.encode() + b"\0"
    try:
        return engine().ask(prefix + text for text in texts)
    except NotStarted as fault:
        raise NoProlog(str(fault)) from None


@cache
def engine() -> Supervised:
    """This process's engine: it is started when first asked, and then kept. Raises NoProlog."""
    library, home = located()
    version()
    path = os.pathsep.join(filter(None, (str(_HERE.parents[1]), os.environ.get("PYTHONPATH"))))
    named = {"LIBSWIPL_PATH": library, "SWI_HOME_DIR": home, "PYTHONPATH": path}
    # A script, as the package would import what the child does not need; -P: modules are not to be looked for
    # beside it.
    command = (sys.executable, "-P", str(_HERE / "child.py"))
    started = Supervised(command, {**os.environ, **named}, PATIENCE)
    atexit.register(started.close)
    return started
