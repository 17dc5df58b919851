"""A child process that answers requests, supervised: one that hangs or dies is replaced, and asked once more.

Parent and child exchange requests and answers over two pipes; `Framing` says where each ends. FRAMES are four
bytes of length, then the bytes. The child answers one request after the other and writes each answer at once,
so that the first unanswered request is the one that it was busy with when it went wrong. The child's side of
FRAMES, `serve`, imports the standard library alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

_HEAD = 4
_PIPE_BYTES = 1 << 20
_BUSY = 64
"""From so many unanswered requests on, answers are collected in pauses: waking up for each costs more."""
_NAP = 0.0002
"""The first pause after a part of an answer, as some children write line by line: each pause without a whole
answer doubles the next one, each with one halves it."""
_READY = b"ready"


class NotStarted(RuntimeError):
    """The child could not be made ready; the message says why."""


class _Silent(NotStarted):
    """It ended or hung before it said anything, as one does that is killed while it starts."""


class _Gone(Exception):
    """The child died, or gave no answer for too long."""


@dataclass(frozen=True)
class Framing:
    """How requests and answers stand in the pipes, and how a child says that it is ready."""

    pack: Callable[[bytes], tuple[bytes, ...]]
    """A request as the pieces to write."""
    split: Callable[[bytes], tuple[list[bytes], int]]
    """The whole answers at the head of what has come, and how many bytes they take there."""
    welcome: Callable[[bytes], bool]
    """Whether the first answer says that the child is ready; any other one says what is wrong."""
    greeting: bytes = b""
    """What is written first, to have that answer."""
    seconds: float = 60.0
    """How long that answer may take."""
    pause: float = 0.004
    """Seconds between collections of answers at most; in this time they must not fill the pipe."""


class Supervised:
    """A command whose process answers requests; it is started when first asked, and kept.

    `patience` is how many seconds it may take for one answer. After `recycle` requests a fresh process takes
    its place, which bounds what a leak can do.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        patience: float = 60.0,
        recycle: int = 200_000,
        framing: Framing | None = None,
    ) -> None:
        self.command = tuple(command)
        self.environment = environment
        self.patience = patience
        self.recycle = recycle
        self.framing = framing or FRAMES
        self._child: _Child | None = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """The process that would answer now, if one is running."""
        return self._child.process.pid if self._child else None

    def ask(self, requests: Iterable[bytes], patience: float | None = None) -> list[bytes | None]:
        """The answer to each request, in order; None where the child hung or died twice.

        Requests are drawn as the child takes them, so that they may be made while it works. `patience` stands
        in for the usual one. Whatever else ends this call, Ctrl-C above all, ends the child too.
        """
        with self._lock:
            try:
                return self._answers(iter(requests), self.patience if patience is None else patience)
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        # After a fork the child is the other process's.
        if child and child.owner == os.getpid():
            child.kill()

    def _answers(self, feed: Iterator[bytes], patience: float) -> list[bytes | None]:
        answers, waiting, tries = list[bytes | None](), deque[bytes](), 0
        child = self._ready()
        while True:
            child = self._fed(child, feed, waiting)
            if not waiting:
                return answers
            try:
                given = child.turn(patience, len(waiting))
            except _Gone:
                tries += 1
                if tries == 2:
                    waiting.popleft()
                    answers.append(None)
                    tries = 0
                child = self._afresh(waiting)
                continue
            if given:
                tries = 0
            for answer in given:
                waiting.popleft()
                answers.append(answer)

    def _fed(self, child: _Child, feed: Iterator[bytes], waiting: deque[bytes]) -> _Child:
        """Draw as many requests as the child takes; a fresh one takes over when it has had its share."""
        if child.asked >= self.recycle and not waiting:
            child = self._afresh(waiting)
        while child.takes_more and child.asked < self.recycle:
            request = next(feed, None)
            if request is None:
                break
            waiting.append(request)
            child.send(request)
        return child

    def _afresh(self, waiting: Iterable[bytes]) -> _Child:
        self.close()
        child = self._ready()
        for request in waiting:
            child.send(request)
        return child

    def _ready(self) -> _Child:
        child = self._child
        if child is None or child.owner != os.getpid() or child.process.poll() is not None:
            self.close()
            try:
                child = self._begun()
            except _Silent:
                child = self._begun()
        return child

    def _begun(self) -> _Child:
        child = self._child = _Child(self.command, self.environment, self.framing)
        child.greet()
        return child

    def __del__(self) -> None:
        self.close()


class _Child:
    """A running process with what is on its way to and from it."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str] | None, framing: Framing
    ) -> None:
        self.owner = os.getpid()
        self.framing = framing
        # A session of its own: Ctrl-C in a terminal goes to the parent alone.
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, bufsize=0,
            start_new_session=True,
        )  # fmt: skip
        self._pipes = [pipe for pipe in (self.process.stdin, self.process.stdout) if pipe]
        self.input, self.output = (pipe.fileno() for pipe in self._pipes)
        for pipe in (self.input, self.output):
            os.set_blocking(pipe, False)
            # The usual 64 KiB stop the child when the parent is busy for some milliseconds.
            with contextlib.suppress(OSError, AttributeError):
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self.asked = 0
        self._queue: list[bytes] = [framing.greeting]
        self._block = memoryview(b"")
        self._unsent = len(framing.greeting)
        self._received = bytearray()
        self._nap = self._waited = 0.0

    @property
    def takes_more(self) -> bool:
        """Whether more requests should be handed to it."""
        return self._unsent < _PIPE_BYTES

    def send(self, request: bytes) -> None:
        """Put a request on its way."""
        pieces = self.framing.pack(request)
        self._queue += pieces
        self._unsent += sum(map(len, pieces))
        self.asked += 1

    def turn(self, patience: float, waiting: int) -> list[bytes]:
        """Write what the pipe takes and give the whole answers that have come; none after a part of one.

        Raises _Gone when all turns since the last whole answer took longer than `patience` seconds.
        """
        begun = time.monotonic()
        pause = self.framing.pause if waiting > _BUSY else self._nap
        if pause:
            self._write()
            time.sleep(pause)
        self._await(begun + patience - self._waited)
        answers = self._read()
        nap = self._nap / 2 if answers else max(2 * self._nap, _NAP)
        self._nap = min(nap, self.framing.pause) if nap >= _NAP else 0.0
        self._waited = 0.0 if answers else self._waited + time.monotonic() - begun
        if self._waited > patience:
            raise _Gone
        return answers

    def greet(self) -> None:
        """Wait until it is ready. Raises NotStarted with what it says otherwise."""
        heard: list[bytes] = []
        with contextlib.suppress(_Gone):
            while not heard:
                heard = self.turn(self.framing.seconds, 1)
        if len(heard) != 1 or not self.framing.welcome(heard[0]):
            self.kill()
            if heard:
                raise NotStarted(heard[0].decode())
            command = " ".join(map(str, self.process.args))  # type: ignore[arg-type]
            raise _Silent(f"`{command}` ended or hung while starting")

    def kill(self) -> None:
        """End it, whatever it is doing."""
        self.process.kill()
        self.process.wait()
        for pipe in self._pipes:
            pipe.close()

    def _await(self, deadline: float) -> None:
        """Write what the pipe takes until there is something to read. Raises _Gone past the deadline."""
        poll = select.poll()
        poll.register(self.output, select.POLLIN)
        if self._unsent:
            poll.register(self.input, select.POLLOUT)
        while True:
            left = deadline - time.monotonic()
            events = dict(poll.poll(max(left, 0) * 1000))
            if self.output in events:
                return
            if not events:
                raise _Gone
            self._write()
            if not self._unsent:
                poll.unregister(self.input)

    def _write(self) -> None:
        try:
            while self._unsent:
                if not self._block:
                    self._block = memoryview(b"".join(self._queue))
                    self._queue.clear()
                sent = os.write(self.input, self._block)
                self._block = self._block[sent:]
                self._unsent -= sent
        except BlockingIOError:
            return
        except BrokenPipeError:
            # It is dead, but what it answered before is still to be read.
            self._unsent = 0

    def _read(self) -> list[bytes]:
        part = os.read(self.output, _PIPE_BYTES)
        if not part:
            raise _Gone
        self._received += part
        answers, used = self.framing.split(bytes(self._received))
        del self._received[:used]
        return answers


def _framed(content: bytes) -> tuple[bytes, ...]:
    return len(content).to_bytes(_HEAD, "little"), content


def _frames(received: bytes) -> tuple[list[bytes], int]:
    answers, at = list[bytes](), 0
    while at + _HEAD <= len(received):
        stop = at + _HEAD + int.from_bytes(received[at : at + _HEAD], "little")
        if stop > len(received):
            break
        answers.append(received[at + _HEAD : stop])
        at = stop
    return answers, at


FRAMES = Framing(_framed, _frames, _READY.__eq__)
"""Four bytes of length, then the bytes; `serve` is the child's side."""


def serve(start: Callable[[], Callable[[bytes], bytes]]) -> NoReturn:
    """The child's side: make ready with `start`, then answer each request with what that gave.

    Leaves when the parent closes the pipe or dies. Standard input and output are taken away from `start`, so
    that nothing it calls can read or write frames; what it prints goes to standard error.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = os.fdopen(os.dup(0), "rb", _PIPE_BYTES), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    threading.Thread(target=_outlive_no, args=(os.getppid(),), daemon=True).start()
    try:
        try:
            answer = start()
        except Exception as fault:
            _write_all(answers, *_framed(str(fault).encode()))
            os._exit(1)
        _write_all(answers, *_framed(_READY))
        while len(head := requests.read(_HEAD)) == _HEAD:
            _write_all(answers, *_framed(answer(requests.read(int.from_bytes(head, "little")))))
    except BrokenPipeError:
        pass
    # Not through the interpreter's end, where an engine may clean up for long.
    os._exit(0)


def _outlive_no(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)


def _write_all(pipe: int, *pieces: bytes) -> None:
    rest = memoryview(b"".join(pieces))
    while rest:
        rest = rest[os.write(pipe, rest) :]
