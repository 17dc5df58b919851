"""`distill inspect --row ID --step`: what keys do in a terminal, and how they leave it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import finished
import polars as pl
import pytest

from pipeline.inspect.keys import ENTER, LEAVE, named, terminal
from pipeline.inspect.stepping import NOW, Reel, Stepper, follow

PATIENCE = 60.0
DRAWN = r"\x1b\[J"
"""The end of a screen."""


def reel(title: str = "teacher", count: int = 5, departure: int | None = None, lines: int = 1) -> Reel:
    frame = "\n".join(["{title} frame {step}", *[f"line {at}" for at in range(2, lines + 1)]])
    return Reel(title, count, lambda step: frame.format(title=title, step=step), departure, "no such cell")


class Window:
    """The other side of a pseudo-terminal."""

    def __init__(self, columns: int = 60, lines: int = 10) -> None:
        self.ours, self.theirs = pty.openpty()
        self.seen = ""
        self.size(columns, lines)

    def size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def until(self, pattern: str) -> str:
        """What was shown up to a pattern; what was before it is forgotten."""
        end = monotonic() + PATIENCE
        while not (found := re.search(pattern, self.seen, re.DOTALL)):
            assert monotonic() < end, f"{pattern!r} is not in {self.seen!r}"
            if select.select([self.ours], [], [], 0.1)[0]:
                self.seen += os.read(self.ours, 65536).decode()
        shown, self.seen = self.seen[: found.end()], self.seen[found.end() :]
        return shown

    def press(self, keys: str) -> None:
        os.write(self.ours, keys.encode())

    def close(self) -> None:
        os.close(self.ours)
        os.close(self.theirs)


@contextmanager
def played(stepper: Stepper, columns: int = 60, lines: int = 10) -> Iterator[Window]:
    """A player in a terminal; its mode afterwards is the one before."""
    window = Window(columns, lines)
    before = termios.tcgetattr(window.theirs)

    def run() -> None:
        with terminal(window.theirs, window.theirs) as screen:
            follow(stepper, screen)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        window.until(re.escape(ENTER))
        yield window
        window.until(re.escape(LEAVE))
    finally:
        window.press("q")
        thread.join(PATIENCE)
        after = termios.tcgetattr(window.theirs)
        window.close()
    assert not thread.is_alive()
    assert after == before


def test_keys_step_jump_and_leave() -> None:
    with played(Stepper([reel()])) as window:
        window.until("frame 0.*step 0 of 5")
        for keys, wanted in (
            ("\x1b[C", 1),
            ("n", 2),
            (" ", 3),
            ("\x1bOC", 4),
            ("\x1b[D", 3),
            ("p", 2),
            ("\x1b[F", 5),
            ("n", 5),
            ("\x1b[H", 0),
            ("p", 0),
            ("G", 5),
            ("g", 0),
            ("4\r", 4),
            ("999\n", 5),
            ("12\x7f\r", 1),
            ("nn", 3),
        ):
            window.press(keys)
            window.until(f"frame {wanted}\x1b.*step {wanted} of 5\x1b.*{DRAWN}")
        window.press("q")


@pytest.mark.parametrize("key", ["q", "\x1b", "\x03", "\x04"])
def test_several_keys_leave(key: str) -> None:
    with played(Stepper([reel()])) as window:
        window.until("step 0 of 5")
        window.press(key)


def test_traces_take_turns_and_keep_their_places() -> None:
    with played(Stepper([reel(), reel("model 1", 9, departure=7)])) as window:
        window.until("teacher · step 0 of 5")
        window.press("nt")
        window.until("model 1 · step 0 of 9 · first departure at step 7")
        window.press("d")
        window.until("model 1 · step 7 of 9 · first departure here: no such cel")
        window.press("t")
        window.until("teacher · step 1 of 5")
        window.press("dq")  # a trace without a departure stays where it is


def test_a_trace_plays_by_itself_until_a_key() -> None:
    long = reel(count=1000)
    with played(Stepper([long])) as window:
        window.press("a")
        window.until("step 3 of 1,000")
        window.press("a")
        window.press("998\ra")
        window.until("step 1,000 of 1,000")
        window.press("q")


def test_what_does_not_fit_is_said_and_can_be_reached() -> None:
    stepper = Stepper([reel(lines=30)])
    screen = stepper.screen(40, 12)
    assert len(screen) == 12
    assert screen[8] == "line 9"
    assert screen[9] == "… 21 below: ↑ ↓ or a higher window show…"
    for _ in range(5):
        stepper.press("page down")
        screen = stepper.screen(60, 12)
    assert screen[8] == "line 30"
    assert screen[9] == "… 21 lines above, 0 below: ↑ ↓ or a higher window show them"
    stepper.press("up")
    assert stepper.screen(60, 12)[8] == "line 29"
    stepper.press("t")
    assert all(len(line) <= 7 for line in stepper.screen(7, 3))
    assert len(stepper.screen(7, 1)) >= 1


def test_the_current_line_of_a_long_frame_is_in_sight() -> None:
    marked = "\n".join(f"{NOW if at == 20 else ' '} line {at}" for at in range(40))
    stepper = Stepper([Reel("teacher", 3, lambda step: marked if step else "nothing yet")])
    assert stepper.screen(60, 10)[0] == "nothing yet"
    stepper.press("n")
    assert any(line.startswith(NOW) for line in stepper.screen(60, 10)[:8])
    stepper.press("up")
    stepper.press("page up")
    assert not any(line.startswith(NOW) for line in stepper.screen(60, 10)[:8])


def test_another_window_size_is_drawn_at_once() -> None:
    with played(Stepper([reel(lines=9)]), 60, 20) as window:
        assert "below:" not in window.until(DRAWN)
        window.size(60, 6)
        window.press("n")
        window.until("6 below: ")
        window.press("q")


def test_a_fault_leaves_the_terminal_as_it_was() -> None:
    window = Window()
    before = termios.tcgetattr(window.theirs)
    with pytest.raises(ZeroDivisionError), terminal(window.theirs, window.theirs):
        raise ZeroDivisionError
    assert termios.tcgetattr(window.theirs) == before
    window.until(re.escape(LEAVE))
    window.close()


def test_keys_have_names_and_other_sequences_none() -> None:
    assert named("\x1b[C\x1bOD\x1b[1~\x1b[4~x") == ["right", "left", "home", "end", "x"]
    assert named("\x1b") == ["escape"]
    assert named("\x1b\x1b[C") == ["escape", "right"]
    assert named("\x1b[15~\x1b[1;5C\x1bx\x01") == []


@pytest.fixture(scope="module")
def problem(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A data set, and a problem of it."""
    job = finished.finished(finished.recipe(bootstrap=None), tmp_path_factory.mktemp("artifacts"))
    rows = pl.read_parquet(job.artifact.folder / "rollouts.parquet").filter(sample=-1)
    return job.artifact.folder, rows["problem_id"][0]


def command(folder: Path, row: str) -> list[str]:
    return [sys.executable, "-m", "pipeline", "inspect", str(folder), "--row", row, "--step"]


def begun(window: Window, folder: Path, row: str) -> subprocess.Popen[bytes]:
    """The command, at work in a window."""
    return subprocess.Popen(
        command(folder, row),
        stdin=window.theirs,
        stdout=window.theirs,
        stderr=window.theirs,
        env={**os.environ, "TERM": "xterm"},
        start_new_session=True,
    )


def test_the_command_plays_in_a_terminal(problem: tuple[Path, str]) -> None:
    window = Window(80, 24)
    before = termios.tcgetattr(window.theirs)
    started = begun(window, *problem)
    try:
        window.until(r"teacher, optimal, exact · step 0 of")
        window.press("\x1b[C")
        window.until(r"@ now.*step 1 of")
        window.size(80, 8)
        started.send_signal(signal.SIGWINCH)
        window.until("below: ")
        window.press("t")
        window.until("start 0, greedy")
        window.press("\x03")
        window.until(re.escape(LEAVE))
        assert started.wait(PATIENCE) == 0
        assert termios.tcgetattr(window.theirs) == before
    finally:
        started.kill()
        window.close()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_end_of_the_session_leaves_the_terminal_as_it_was(
    problem: tuple[Path, str], end: signal.Signals
) -> None:
    window = Window(80, 24)
    before = termios.tcgetattr(window.theirs)
    started = begun(window, *problem)
    try:
        window.until(r"step 0 of.*" + DRAWN)
        started.send_signal(end)
        window.until(re.escape(LEAVE))
        assert started.wait(PATIENCE) == 128 + end
        assert termios.tcgetattr(window.theirs) == before
    finally:
        started.kill()
        window.close()


def test_a_pipe_gets_every_frame_and_may_close(problem: tuple[Path, str]) -> None:
    whole = subprocess.run(command(*problem), capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert (whole.returncode, whole.stderr) == (0, "")
    steps = [int(at) for at in re.findall(r"(?m)^teacher.* · step (\d+) of", whole.stdout)]
    assert steps == list(range(len(steps)))
    assert "\x1b" not in whole.stdout
    started = subprocess.Popen(
        command(*problem), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert started.stdout is not None
    assert started.stderr is not None
    started.stdout.close()
    assert started.stderr.read() == b""
    started.stderr.close()
    assert started.wait(PATIENCE) in (0, 1)


@pytest.mark.parametrize("after", [0.0, 0.05, 0.15, 0.3, 0.6])
def test_ctrl_c_ends_a_command_quietly_at_any_moment(problem: tuple[Path, str], after: float) -> None:
    words = [sys.executable, "-c", START, "inspect", str(problem[0])]
    started = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    started.stdout.readline()
    sleep(after)
    started.send_signal(signal.SIGINT)
    _, told = started.communicate(timeout=PATIENCE)
    assert "Traceback" not in told
    assert started.returncode in (0, 130, -signal.SIGINT)  # the last one after the end of the program


START = """
import pipeline.__main__ as program, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = ["distill", *sys.argv[1:]]
was = signal.signal
def watched(number, handler):
    found = was(number, handler)
    if not hasattr(watched, "told"):
        watched.told = True
        print("ready", flush=True)
    return found
signal.signal = watched
sys.exit(program.main())
"""
"""The command line, which tells when it has begun to listen for Ctrl-C."""
