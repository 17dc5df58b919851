"""A TCP proxy in front of a server, which breaks when it is told to."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

Mood = Literal["well", "refuses", "cuts up", "cuts down", "answers 500", "answers 503", "stalls"]
"""How the server seems: nobody listens, connections end within a body sent or received, errors, silence."""

BLOCK = 1 << 16
CUT = 700
"""Bytes of a body that pass before it is cut; the heads of S3's messages are about as long."""


@dataclass
class Proxy:
    """Passes connections on to a port of this machine; `mood` may be set at any time."""

    behind: int
    mood: Mood = "well"
    port: int = 0
    broken: int = 0
    """Connections that have felt a mood other than `well`."""
    sent: int = 0
    """Bytes that have gone up to the server, so that a fault can be put within an upload."""
    received: int = 0
    _listener: socket.socket | None = None
    _closing: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listen()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def running(self) -> Iterator[Proxy]:
        """Closed at the end."""
        try:
            yield self
        finally:
            self._closing.set()

    def breaks(self, mood: Mood, seconds: float, when: Callable[[], bool]) -> threading.Thread:
        """From the moment that `when` holds the mood lasts so long; the thread that sees to it has begun."""

        def run() -> None:
            while not when() and not self._closing.is_set():
                time.sleep(0.002)
            self.mood = mood
            self._closing.wait(seconds)
            self.mood = "well"

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        listener.settimeout(0.05)
        self.port = listener.getsockname()[1]
        self._listener = listener

    def _accept(self) -> None:
        while not self._closing.is_set():
            if self.mood == "refuses":
                if self._listener is not None:
                    self._listener.close()
                    self._listener = None
                time.sleep(0.02)
                continue
            if self._listener is None:
                self._listen()
            assert self._listener is not None
            with contextlib.suppress(TimeoutError):
                client, _ = self._listener.accept()
                client.setblocking(True)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()
        if self._listener is not None:
            self._listener.close()

    def _serve(self, client: socket.socket) -> None:
        with (
            client,
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.behind)) as server,
        ):
            self._pump(client, server)

    def _pump(self, client: socket.socket, server: socket.socket) -> None:
        """Pass bytes both ways until an end closes, or the mood ends it."""
        passed = {client: 0, server: 0}
        felt = False
        with selectors.DefaultSelector() as ready:
            for end in (client, server):
                ready.register(end, selectors.EVENT_READ)
            while not self._closing.is_set():
                if self.mood != "well" and not felt:
                    felt = True
                    self.broken += 1
                    passed = {client: 0, server: 0}
                if self.mood == "refuses":
                    return
                if self.mood == "stalls":
                    time.sleep(0.02)
                    continue
                for key, _ in ready.select(0.02):
                    source = key.fileobj
                    assert isinstance(source, socket.socket)
                    block = source.recv(BLOCK)
                    if not block or not self._pass(source, client, server, block, passed):
                        return

    def _pass(
        self, source: socket.socket, client: socket.socket, server: socket.socket, block: bytes,
        passed: dict[socket.socket, int],
    ) -> bool:  # fmt: skip
        """Hand a block on; False where the connection is to end."""
        up = source is client
        if self.mood.startswith("answers") and up:
            client.sendall(_refusal(self.mood.removeprefix("answers ")))
            return False
        if self.mood == ("cuts up" if up else "cuts down") and passed[source] + len(block) > CUT:
            with contextlib.suppress(OSError):
                (server if up else client).sendall(block[: max(0, CUT - passed[source])])
            return False
        passed[source] += len(block)
        self.sent += len(block) * up
        self.received += len(block) * (not up)
        (server if up else client).sendall(block)
        return True


def _refusal(code: str) -> bytes:
    said = {"500": ("InternalError", "Internal Server Error"), "503": ("SlowDown", "Service Unavailable")}
    name, line = said[code]
    body = f'<?xml version="1.0"?><Error><Code>{name}</Code><Message>broken</Message></Error>'.encode()
    head = f"HTTP/1.1 {code} {line}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body
