"""Traces played in place: what keys do, what stands on the screen, and what a pipe gets instead."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipeline.inspect.keys import Screen, terminal
from pipeline.inspect.texts import cut

HELP = "q leave  ← → step  Home End  number Enter  a play  t trace  d departure"

NOW = "►"
"""Stands in the line of the current step, where a frame marks a line; it is kept in sight."""

BY = {"right": 1, "n": 1, " ": 1, "left": -1, "p": -1}
"""Steps that a key goes."""

SECONDS, SLOWEST, FASTEST = 30.0, 0.5, 0.04
"""What playing a trace takes at most, and the pause between two steps."""


@dataclass(frozen=True)
class Reel:
    """A trace as frames: frame n shows its first n steps."""

    title: str
    count: int
    frame: Callable[[int], str]
    departure: int | None = None
    """The frame that shows the first step in which it departs from the teacher's algorithm."""
    reason: str = ""

    def told(self, step: int) -> str:
        """Which step stands there, and what is wrong with it."""
        here = f"{self.title} · step {step:,} of {self.count:,}"
        if self.departure is None:
            return here
        if step == self.departure:
            return f"{here} · first departure here: {self.reason}"
        return f"{here} · first departure at step {self.departure:,}"


class Stepper:
    """Where a player of traces stands; each key leads to another place."""

    def __init__(self, reels: Sequence[Reel], piped: int | None = None) -> None:
        """`piped` is how many of the reels a pipe gets."""
        self.reels = reels
        self.piped = reels[:piped]
        self.at = 0
        self.steps = [0] * len(reels)
        self.typed = ""
        self.playing = False
        self.top = 0
        self.following = True
        self._frame = lru_cache(64)(lambda at, step: self.reels[at].frame(step))

    @property
    def reel(self) -> Reel:
        """The trace that is shown."""
        return self.reels[self.at]

    @property
    def step(self) -> int:
        """The steps of it that are shown."""
        return self.steps[self.at]

    @property
    def pause(self) -> float | None:
        """Seconds until the next step comes by itself; None: it waits for a key."""
        if not self.playing:
            return None
        return min(max(SECONDS / max(self.reel.count, 1), FASTEST), SLOWEST)

    def press(self, key: str) -> bool:
        """Do what a key asks for; whether to go on."""
        if key in ("q", "escape", "ctrl-c", "ctrl-d"):
            return False
        if key.isdecimal() and key.isascii():
            self.typed = (self.typed + key)[-9:]
            return True
        typed, self.typed = self.typed, ""
        if key == "backspace":
            self.typed = typed[:-1]
        elif key == "enter" and typed:
            self.go(int(typed))
        elif key in ("up", "down", "page up", "page down"):
            self.top += {"up": -1, "down": 1, "page up": -10, "page down": 10}[key]
            self.following = False
        else:
            self._move(key)
        return True

    def _move(self, key: str) -> None:
        """Keys that lead to another step or another trace."""
        was, self.playing, self.following = self.playing, False, True
        if key in BY:
            self.go(self.step + BY[key])
        elif key in ("home", "g", "end", "G"):
            self.go(0 if key in ("home", "g") else self.reel.count)
        elif key == "d" and self.reel.departure is not None:
            self.go(self.reel.departure)
        elif key == "t":
            self.at = (self.at + 1) % len(self.reels)
        elif key == "a" and not was:
            self.go(0 if self.step == self.reel.count else self.step)
            self.playing = True

    def go(self, step: int) -> None:
        """Stand at a step, or at the nearest one that there is."""
        self.steps[self.at] = min(max(step, 0), self.reel.count)

    def tick(self) -> None:
        """One step by itself; the last one ends it."""
        self.go(self.step + 1)
        self.playing = self.playing and self.step < self.reel.count

    def screen(self, width: int, height: int) -> list[str]:
        """The lines of a screen of that size: the frame, where it stands, and the keys."""
        body = max(height - 2, 1)
        lines = self._frame(self.at, self.step).splitlines()
        if self.following:
            self.top = max((at for at, line in enumerate(lines) if NOW in line), default=0) - body + 3
        self.top = min(max(self.top, 0), max(len(lines) - body + 1, 0) if len(lines) > body else 0)
        shown = lines[self.top : self.top + body]
        below = len(lines) - self.top - len(shown)
        if below or self.top:
            shown = lines[self.top : self.top + body - 1]
            below = len(lines) - self.top - len(shown)
            above = f"{self.top} lines above, " if self.top else ""
            shown.append(f"… {above}{below} below: ↑ ↓ or a higher window show them")
        told = self.reel.told(self.step) + (f" · go to {self.typed}" if self.typed else "")
        return [cut(line, width) for line in (*shown, *[""] * (body - len(shown)), told, HELP)]


def play(stepper: Stepper) -> None:
    """Play in the terminal; print every frame where there is none."""
    if sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        with terminal(sys.stdin.fileno(), sys.stdout.fileno()) as screen:
            follow(stepper, screen)
        return
    try:
        _print_all(stepper)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more at its end: what it has left goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def follow(stepper: Stepper, screen: Screen) -> None:
    """Show where the player stands and do what the keys say, until one of them leaves."""
    while True:
        screen.draw(stepper.screen(*screen.size()))
        keys = screen.keys(stepper.pause)
        if keys is None:
            stepper.tick()
        elif not all(stepper.press(key) for key in keys):
            return


def _print_all(stepper: Stepper) -> None:
    for reel in stepper.piped:
        for step in range(reel.count + 1):
            sys.stdout.write(f"{reel.told(step)}\n\n{reel.frame(step)}\n\n")
    left = len(stepper.reels) - len(stepper.piped)
    if left:
        sys.stdout.write(f"{left:,} more responses can be played in a terminal\n")
