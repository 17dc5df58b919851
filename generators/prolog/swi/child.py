"""The process that holds SWI-Prolog, as a script; `engine.py` is its parent's side.

It imports little, so that it starts quickly and stays small.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

from generators.supervision import serve

PREDICATES = {b"solve": "solver", b"clauses": "reader"}
"""The predicates that can be called, text in and text out, and the packaged module of each."""

STACK_BYTES = 256 << 20
"""With the default of 1 GiB a runaway recursion takes seconds and 1.6 GB before it is an error."""

_SELF_TEST = "b9;;k\u0200r\u01000\u0200;;0\u0201;", "c\u0201f\u0201c\u0200u\u0100x\u0200\n1 5\n"
"""A rule without a body, and the complement of its head as the question; the reply that this must get."""

_CONSTANTS = (
    *("PL_STRING", "REP_UTF8", "CVT_STRING", "BUF_STACK"),
    *("PL_Q_NODEBUG", "PL_Q_CATCH_EXCEPTION"),
)


def load() -> Callable[[bytes], bytes]:
    """Start the engine and give the function that answers: a predicate's name, a NUL, then its text."""
    # The import starts it.
    from pyswip import core
    from pyswip.prolog import Prolog

    # Without these two flags an error makes Prolog's debugger read the terminal.
    _query(Prolog, "set_prolog_flag(debug_on_error, false), set_prolog_flag(report_error, false)")
    _query(Prolog, f"set_prolog_flag(stack_limit, {STACK_BYTES})")
    handles = {}
    for predicate, module in PREDICATES.items():
        path = Path(__file__).resolve().with_name(f"{module}.pl")
        if path.is_file():
            quoted = str(path).replace("\\", "\\\\").replace("'", "\\'")
            _query(Prolog, f"use_module('{quoted}')")
            handles[predicate] = core.PL_predicate(predicate, 2, module.encode())
    answer = _answering(core, handles)
    # A file with a syntax error loads, without its clause, and reports success.
    request, reply = _SELF_TEST
    found = answer(b"solve\0" + request.encode()).decode()
    if found != reply:
        raise RuntimeError(f"SWI-Prolog does not solve its self-test: {found!r} in place of {reply!r}")
    return answer


def _query(prolog: Any, goal: str) -> None:
    if next(prolog.query(goal, catcherrors=True, maxresult=1), None) is None:
        raise RuntimeError(f"SWI-Prolog does not do `{goal}`")


def _answering(core: Any, handles: dict[bytes, int]) -> Callable[[bytes], bytes]:
    """Direct calls of the C interface: a query in text costs more than most problems take to solve."""
    constant = {name: int(getattr(core, name)) for name in _CONSTANTS}
    as_text = constant["PL_STRING"] | constant["REP_UTF8"]
    taken = constant["CVT_STRING"] | constant["REP_UTF8"] | constant["BUF_STACK"]
    flags = constant["PL_Q_NODEBUG"] | constant["PL_Q_CATCH_EXCEPTION"]

    def declared(name: str, result: Any, *arguments: Any) -> Callable[..., int]:
        # Own prototypes: PySwip has none for some, and wraps others.
        return ctypes.CFUNCTYPE(result, *arguments)((name, core._lib))

    pointer, word, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    open_frame = declared("PL_open_foreign_frame", word)
    discard_frame = declared("PL_discard_foreign_frame", None, word)
    new_terms = declared("PL_new_term_refs", word, number)
    put_text = declared("PL_put_chars", number, word, number, word, ctypes.c_char_p)
    call = declared("PL_call_predicate", number, pointer, number, pointer, word)
    text_of = declared("PL_get_nchars", number, word, pointer, pointer, ctypes.c_uint)
    mark_texts = declared("PL_mark_string_buffers", None, pointer)
    release_texts = declared("PL_release_string_buffers_from_mark", None, word)
    size, characters, mark = ctypes.c_size_t(), ctypes.c_void_p(), ctypes.c_size_t()
    into_size, into_characters, into_mark = map(ctypes.byref, (size, characters, mark))

    def answer(request: bytes) -> bytes:
        predicate, _, text = request.partition(b"\0")
        # Without a mark the texts that it converts to UTF-8 are kept for ever.
        mark_texts(into_mark)
        frame = open_frame()
        try:
            terms = new_terms(2)
            if not put_text(terms, as_text, len(text), text):
                return b"\nerror the request is no text\n"
            if not call(None, flags, handles[predicate], terms):
                return b"\nerror the predicate failed or raised an exception\n"
            if not text_of(terms + 1, into_size, into_characters, taken):
                return b"\nerror the reply is no string\n"
            # Copied before the frame, and with it the text, is gone.
            return ctypes.string_at(characters.value or 0, size.value)
        finally:
            discard_frame(frame)
            release_texts(mark.value)

    return answer


if __name__ == "__main__":
    serve(load)
