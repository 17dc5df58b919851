"""SWI-Prolog through PySwip, in a supervised child process: texts go in, texts come out.

Run as a script this file is the child. The parent's side finds the library and never loads the engine.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Literal

from generators.supervision import NotStarted, Supervised, serve

Predicate = Literal["solve", "clauses"]

PREDICATES: dict[str, str] = {"solve": "solver", "clauses": "reader"}
"""The predicates that can be called, with two arguments (text in, text out), and the packaged module of each."""

STACK_BYTES = 256 << 20
"""The default of 1 GiB lets a runaway recursion take seconds and 1.6 GB before it is an error."""

PATIENCE = 60.0
"""Seconds for one answer. Searches end by counting their steps; this is for an engine that is broken."""

_HERE = Path(__file__).resolve().parent
_SELF_TEST = ("b9;;k\u0200r\u01000\u0200;;0\u0201;", "c\u0201f\u0201c\u0200u\u0100x\u0200\n1 5\n")
"""A rule without a body, asked for its complement: the request, and the reply that it must get."""


class NoProlog(RuntimeError):
    """SWI-Prolog is not there, or what was named is not it."""


def ask(predicate: Predicate, texts: Iterable[bytes]) -> list[bytes | None]:
    """What the predicate answers to each text (UTF-8); None where the engine hung or died on it twice.

    Raises NoProlog.
    """
    prefix = predicate.encode() + b"\0"
    return engine().ask(prefix + text for text in texts)


@cache
def engine() -> Supervised:
    """This process's engine: it is started when first asked and then kept. Raises NoProlog."""
    library, home = located()
    version()
    path = os.pathsep.join(filter(None, (str(_HERE.parents[1]), os.environ.get("PYTHONPATH"))))
    named = {"LIBSWIPL_PATH": library, "SWI_HOME_DIR": home, "PYTHONPATH": path}
    # -P: this folder must not be where modules are looked for.
    return Supervised((sys.executable, "-P", __file__), {**os.environ, **named}, PATIENCE)


def version() -> str:
    """The version of the library that is used, as `9.0.4`. Raises NoProlog."""
    return _version(located()[0])


@cache
def _version(library: str) -> str:
    try:
        opened = ctypes.CDLL(library)
        # Renamed in 8.5.2; neither needs a started engine.
        asked = opened.PL_version_info if hasattr(opened, "PL_version_info") else opened.PL_version
    except (OSError, AttributeError):
        raise NoProlog(f"{library} is not SWI-Prolog's library (see LIBSWIPL_PATH)") from None
    number = asked(1)
    return f"{number // 10_000}.{number // 100 % 100}.{number % 100}"


def located() -> tuple[str, str]:
    """The path of the shared library and SWI-Prolog's home folder. Raises NoProlog.

    LIBSWIPL_PATH and SWI_HOME_DIR decide; if only one is set, the other is looked for near it, since parts of
    two installations do not work together. If none is, the `swipl` on the path is asked.
    """
    return _located(os.environ.get("LIBSWIPL_PATH", ""), os.environ.get("SWI_HOME_DIR", ""))


@cache
def _located(library: str, home: str) -> tuple[str, str]:
    if not library and not home:
        return _from_command()
    if not library:
        library = _library_near(Path(home))
    elif Path(library).is_dir():
        library = _library_near(Path(library))
    if not Path(library).is_file():
        raise NoProlog(f"LIBSWIPL_PATH={library}: there is no such file")
    home = home or _home_near(Path(library).resolve())
    if not (Path(home) / "boot.prc").is_file():
        raise NoProlog(f"SWI_HOME_DIR={home}: there is no SWI-Prolog, for it has no boot.prc")
    return library, home


def _library_near(folder: Path) -> str:
    for pattern in ("libswipl.so*", "lib/*/libswipl.so*", "lib/libswipl.so*", "../libswipl.so*"):
        found = sorted(folder.glob(pattern))
        if found:
            return str(found[0])
    raise NoProlog(f"there is no libswipl.so in or near {folder}; set LIBSWIPL_PATH to its file")


def _home_near(library: Path) -> str:
    for folder in library.parents:
        for home in (folder, folder / "swipl", folder / "swi-prolog", folder / "lib/swipl", folder / "home"):
            if (home / "boot.prc").is_file():
                return str(home)
    raise NoProlog(f"SWI-Prolog's home was not found near {library}; set SWI_HOME_DIR")


def _from_command() -> tuple[str, str]:
    try:
        asked = subprocess.run(
            ["swipl", "--dump-runtime-variables"], capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        raise NoProlog(
            "SWI-Prolog was not found: install swi-prolog-nox (apt) or set LIBSWIPL_PATH and SWI_HOME_DIR"
        ) from None
    pairs = (line.rstrip(";").split("=", 1) for line in asked.stdout.splitlines() if "=" in line)
    variables = {name: value.strip('"') for name, value in pairs}
    home = variables.get("PLBASE", "")
    if variables.get("PLSHARED") != "yes":
        raise NoProlog("the swipl on the path has no shared library; set LIBSWIPL_PATH and SWI_HOME_DIR")
    return variables.get("PLLIBSWIPL") or _library_near(Path(home)), home


def load() -> Callable[[bytes], bytes]:
    """Start the engine in this process, which has to be the child, and give the function that answers."""
    from pyswip import core
    from pyswip.prolog import Prolog

    setting = f"set_prolog_flag(stack_limit, {STACK_BYTES}), set_prolog_flag(debug_on_error, false)"
    next(Prolog.query(setting, catcherrors=True, maxresult=1))
    handles = {}
    for predicate, module in PREDICATES.items():
        path = _HERE / f"{module}.pl"
        if path.is_file():
            quoted = str(path).replace("\\", "\\\\").replace("'", "\\'")
            next(Prolog.query(f"use_module('{quoted}')", catcherrors=True, maxresult=1))
            handles[predicate.encode()] = core.PL_predicate(predicate.encode(), 2, module.encode())
    answer = _answering(core._lib, core, handles)
    request, reply = _SELF_TEST
    found = answer(b"solve\0" + request.encode()).decode()
    if found != reply:
        raise NotStarted(f"SWI-Prolog does not solve its self-test: {found!r} in place of {reply!r}")
    return answer


def _answering(library: ctypes.CDLL, core: object, handles: dict[bytes, int]) -> Callable[[bytes], bytes]:
    """Direct calls of the C interface: a query in text costs more than most problems take to solve."""
    constant = {name: int(getattr(core, name)) for name in _CONSTANTS}
    as_text = constant["PL_STRING"] | constant["REP_UTF8"]
    taken = constant["CVT_STRING"] | constant["REP_UTF8"] | constant["BUF_DISCARDABLE"]
    flags = constant["PL_Q_NODEBUG"] | constant["PL_Q_CATCH_EXCEPTION"]
    word, size = ctypes.c_size_t, ctypes.c_size_t()
    characters = ctypes.c_void_p()
    into_size, into_characters = ctypes.byref(size), ctypes.byref(characters)

    def declared(name: str, result: type | None, *arguments: type) -> Callable[..., int]:
        # Own prototypes: PySwip has none for some, and wraps others.
        return ctypes.CFUNCTYPE(result, *arguments)((name, library))

    pointer = ctypes.c_void_p
    open_frame = declared("PL_open_foreign_frame", word)
    discard_frame = declared("PL_discard_foreign_frame", None, word)
    new_terms = declared("PL_new_term_refs", word, ctypes.c_int)
    put_text = declared("PL_put_chars", ctypes.c_int, word, ctypes.c_int, word, ctypes.c_char_p)
    call = declared("PL_call_predicate", ctypes.c_int, pointer, ctypes.c_int, pointer, word)
    text_of = declared("PL_get_nchars", ctypes.c_int, word, pointer, pointer, ctypes.c_uint)

    def answer(request: bytes) -> bytes:
        predicate, _, text = request.partition(b"\0")
        handle = handles[predicate]
        frame = open_frame()
        try:
            terms = new_terms(2)
            if not put_text(terms, as_text, len(text), text):
                return b"\nerror the request is not UTF-8\n"
            if not call(None, flags, handle, terms):
                return b"\nerror the predicate failed or raised an exception\n"
            if not text_of(terms + 1, into_size, into_characters, taken):
                return b"\nerror the reply is no string\n"
            return ctypes.string_at(characters.value or 0, size.value)
        finally:
            discard_frame(frame)

    return answer


_CONSTANTS = (
    *("PL_STRING", "REP_UTF8", "CVT_STRING", "BUF_DISCARDABLE"),
    *("PL_Q_NODEBUG", "PL_Q_CATCH_EXCEPTION"),
)

if __name__ == "__main__":
    serve(load)
