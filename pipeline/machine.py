"""This machine and its processes, as notes and temporary files name them."""

from __future__ import annotations

import socket
from functools import cache
from pathlib import Path


@cache
def host() -> str:
    """This machine; containers of one name have process numbers of their own."""
    try:
        return f"{socket.gethostname()} {str(Path('/proc/self/ns/pid').readlink())[5:-1]}"
    except OSError:
        return socket.gethostname()
