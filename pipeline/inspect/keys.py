"""A terminal of which every key is heard at once and the whole screen is drawn; left as it was found."""

from __future__ import annotations

import os
import re
import select
import signal
import termios
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

NAMES = {
    "\x1b[C": "right",
    "\x1b[D": "left",
    "\x1b[A": "up",
    "\x1b[B": "down",
    "\x1b[H": "home",
    "\x1b[1~": "home",
    "\x1b[7~": "home",
    "\x1b[F": "end",
    "\x1b[4~": "end",
    "\x1b[8~": "end",
    "\x1b[5~": "page up",
    "\x1b[6~": "page down",
    "\x1b": "escape",
    "\x03": "ctrl-c",
    "\x04": "ctrl-d",
    "\x1a": "ctrl-z",
    "\r": "enter",
    "\n": "enter",
    "\x7f": "backspace",
    "\b": "backspace",
}

KEY = re.compile(r"\x1b[\[O][0-9;?]*[@-~]|\x1b(?=\x1b|$)|\x1b[^\[O]|.", re.DOTALL)
"""A sequence that a key sends, Escape alone, a key with Alt, or a character."""

ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
"""To the other screen without a cursor, and back."""

ESCAPE_SECONDS = 0.05
"""After Escape: a key whose sequence begins with it has sent the rest by then."""


class Screen:
    """The other screen of a terminal, with its keys."""

    def __init__(self, source: int, target: int, wake: int | None = None) -> None:
        """File descriptors of the terminal's two sides, and of a pipe that tells of another window size."""
        self._source = source
        self._target = target
        self._wake = wake
        self._saved: list[Any] = termios.tcgetattr(source)

    def size(self) -> tuple[int, int]:
        """Columns and lines of the window."""
        try:
            columns, lines = os.get_terminal_size(self._target)
        except OSError:
            columns, lines = 0, 0
        return columns or 80, lines or 24

    def draw(self, lines: Sequence[str]) -> None:
        """Put lines in the place of those before."""
        self._write("\x1b[H" + "\r\n".join(f"{line}\x1b[K" for line in lines) + "\x1b[J")

    def keys(self, seconds: float | None) -> list[str] | None:
        """The keys that were pressed; none of them at another window size, None after so many seconds."""
        watched = [self._source] + ([] if self._wake is None else [self._wake])
        ready, _, _ = select.select(watched, [], [], seconds)
        if not ready:
            return None
        if self._wake in ready:
            os.read(self._wake, 1024)
        if self._source not in ready:
            return []
        text = self._read()
        if not text:
            return ["q"]
        found = named(text)
        if "ctrl-z" in found:
            self._suspend()
        return [key for key in found if key != "ctrl-z"]

    def enter(self) -> None:
        """Hear every key, Ctrl-C too, and show the other screen."""
        mode = termios.tcgetattr(self._source)
        mode[0] &= ~termios.IXON
        mode[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self._source, termios.TCSADRAIN, mode)
        self._write(ENTER)

    def leave(self) -> None:
        """The terminal as it was."""
        try:
            self._write(LEAVE)
        finally:
            termios.tcsetattr(self._source, termios.TCSADRAIN, self._saved)

    def _read(self) -> str:
        try:
            text = os.read(self._source, 1024)
            if text.endswith(b"\x1b") and select.select([self._source], [], [], ESCAPE_SECONDS)[0]:
                text += os.read(self._source, 1024)
        except OSError:  # the terminal has gone
            return ""
        return text.decode("utf-8", "replace")

    def _suspend(self) -> None:
        """Stop as Ctrl-Z does; when the shell goes on with it, the screen comes back."""
        self.leave()
        os.kill(0, signal.SIGTSTP)
        self.enter()

    def _write(self, text: str) -> None:
        rest = text.encode("utf-8", "replace")
        while rest:
            rest = rest[os.write(self._target, rest) :]


def named(text: str) -> list[str]:
    """The keys that sent a text, by name; sequences of other keys are left out."""
    found = []
    for sent in KEY.findall(text):
        sent = sent.replace("\x1bO", "\x1b[")
        if sent in NAMES or (len(sent) == 1 and sent.isprintable()):
            found.append(NAMES.get(sent, sent))
    return found


@contextmanager
def terminal(source: int, target: int) -> Iterator[Screen]:
    """The other screen of a terminal; whatever ends it, the terminal is as it was."""
    ends, tells = os.pipe()
    os.set_blocking(tells, False)
    screen = Screen(source, target, ends)
    before = _signals(tells) if threading.current_thread() is threading.main_thread() else None
    try:
        screen.enter()
        yield screen
    finally:
        screen.leave()
        if before is not None:
            before()
        os.close(ends)
        os.close(tells)


def _signals(tells: int) -> Callable[[], None]:
    """Let other window sizes be told to a pipe, and the end of the session end this; gives the way back."""

    def ended(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    kept = {
        signal.SIGWINCH: signal.signal(signal.SIGWINCH, lambda *_: None),
        signal.SIGINT: signal.signal(signal.SIGINT, ended),
        signal.SIGTERM: signal.signal(signal.SIGTERM, ended),
        signal.SIGHUP: signal.signal(signal.SIGHUP, ended),
    }
    pipe = signal.set_wakeup_fd(tells, warn_on_full_buffer=False)

    def back() -> None:
        signal.set_wakeup_fd(pipe)
        for number, handler in kept.items():
            signal.signal(number, handler)

    return back
