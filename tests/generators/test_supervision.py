"""A supervised child: order, faults, and who outlives whom."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from generators.supervision import Framing, NotStarted, Supervised

CHILD = """
import os, sys, time
from pathlib import Path
from generators.supervision import serve

def answer(request):
    word, _, rest = request.partition(b" ")
    if word == b"hang":
        time.sleep(3600)
    if word == b"die":
        os._exit(3)
    if word == b"once":  # dies unless the named file is there, and leaves it there
        path = Path(rest.decode())
        if not path.exists():
            path.touch()
            os._exit(3)
    if word == b"wait":
        time.sleep(float(rest))
    if word == b"pid":
        return str(os.getpid()).encode()
    if word == b"print":
        print("noise", flush=True)
        os.system("echo noise")
        return sys.stdin.read().encode()
    return request[::-1]

def load():
    if len(sys.argv) > 1:
        raise ValueError(sys.argv[1])
    return answer

serve(load)
"""
DYING = """
if not once.exists():
    once.touch()
    os.kill(os.getpid(), 9)
"""
ROOT = Path(__file__).parents[2]

Start = Callable[..., Supervised]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    script, started = tmp_path / "child.py", list[Supervised]()
    script.write_text(CHILD)

    def begin(*arguments: str, patience: float = 30.0, recycle: int = 200_000) -> Supervised:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        child = Supervised((sys.executable, str(script), *arguments), environment, patience, recycle)
        started.append(child)
        return child

    yield begin
    for child in started:
        child.close()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_answers_keep_the_order_of_the_requests(start: Start) -> None:
    requests = [str(number).encode() for number in range(50_000)]
    assert start().ask(requests) == [request[::-1] for request in requests]


def test_requests_and_answers_larger_than_any_pipe_do_not_block(start: Start) -> None:
    requests = [bytes([65 + at]) * (3 << 20) for at in range(8)]
    assert start().ask(requests) == requests
    assert start().ask([b"", b"a", b""]) == [b"", b"a", b""]
    assert start().ask([]) == []


def test_requests_are_drawn_while_the_child_works(start: Start) -> None:
    child, drawn = start(), list[float]()

    def requests() -> Iterator[bytes]:
        for _ in range(20):
            drawn.append(time.monotonic())
            yield b"wait 0.02 ".ljust(1 << 20, b"0")

    child.ask(requests())
    assert drawn[-1] - drawn[0] > 0.2


def test_the_child_is_kept_between_calls(start: Start) -> None:
    child = start()
    assert child.pid is None
    (first,), (second,) = child.ask([b"pid"]), child.ask([b"pid"])
    assert first == second == str(child.pid).encode()


def test_a_child_that_hangs_is_replaced_and_its_request_named(start: Start) -> None:
    child = start(patience=0.4)
    begun = time.monotonic()
    assert child.ask([b"ab", b"hang", b"cd", b"hang x", b"ef"]) == [b"ba", None, b"dc", None, b"fe"]
    assert time.monotonic() - begun < 10
    assert child.ask([b"gh"]) == [b"hg"]


def test_a_child_that_dies_is_replaced_and_its_request_named(start: Start) -> None:
    requests = [b"ab", b"die", b"cd", b"die", b"die"] + [b"ef"] * 1_000
    assert start().ask(requests) == [b"ba", None, b"dc", None, None] + [b"fe"] * 1_000


def test_a_request_is_tried_a_second_time(start: Start, tmp_path: Path) -> None:
    once = f"once {tmp_path / 'tried'}".encode()
    assert start().ask([b"ab", once, b"cd"]) == [b"ba", once[::-1], b"dc"]


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV])
def test_a_blow_from_outside_changes_no_answer(start: Start, blow: signal.Signals) -> None:
    child = start(patience=0.5)
    child.ask([b"ab"])
    first = child.pid
    assert first is not None
    threading.Timer(0.15, os.kill, (first, blow)).start()
    requests = [f"wait 0.002 {number}".encode()[:10] + b"%d" % (number % 9 + 1) for number in range(150)]
    assert child.ask(requests) == [request[::-1] for request in requests]
    assert child.pid != first
    assert gone_within(first, 1)


def test_sigint_does_not_end_the_child(start: Start) -> None:
    child = start()
    (told,) = child.ask([b"pid"])
    assert told is not None
    os.kill(int(told), signal.SIGINT)
    assert child.ask([b"pid"]) == [told]


def test_a_fresh_child_takes_over_after_its_share(start: Start) -> None:
    told = start(recycle=10).ask([b"pid"] * 35)
    assert [told.count(pid) for pid in dict.fromkeys(told)] == [10, 10, 10, 5]


def test_threads_take_turns(start: Start) -> None:
    child, found = start(), dict[int, list[bytes | None]]()

    def ask(name: int) -> None:
        found[name] = child.ask([b"%d" % name] * 2_000)

    threads = [threading.Thread(target=ask, args=(name,)) for name in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {name: [b"%d" % name] * 2_000 for name in range(1, 5)}


def test_a_child_that_cannot_start_says_why(start: Start) -> None:
    with pytest.raises(NotStarted, match="there is no engine"):
        start("there is no engine").ask([b"ab"])
    with pytest.raises(NotStarted, match="ended or hung while starting"):
        Supervised((sys.executable, "-c", "")).ask([b"ab"])


def test_what_the_child_prints_or_reads_does_not_disturb(start: Start) -> None:
    assert start().ask([b"print", b"ab"]) == [b"", b"ba"]


def test_an_error_while_requests_are_made_ends_the_child(start: Start) -> None:
    child = start()

    def requests() -> Iterator[bytes]:
        yield b"wait 0.1"
        raise KeyError("spoilt")

    with pytest.raises(KeyError):
        child.ask(requests())
    assert child.pid is None
    assert child.ask([b"ab"]) == [b"ba"]


PARENT = """
import sys
from generators.supervision import Supervised
child = Supervised((sys.executable, sys.argv[1]), patience=60)
print(child.ask([b"pid"])[0].decode(), flush=True)
child.ask([b"hang"])
"""


def parent_with_a_busy_child(tmp_path: Path) -> tuple[subprocess.Popen[str], int]:
    (tmp_path / "child.py").write_text(CHILD)
    words = [sys.executable, "-c", textwrap.dedent(PARENT), str(tmp_path / "child.py")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    assert parent.stdout
    pid = int(parent.stdout.readline())
    time.sleep(0.1)
    return parent, pid


def test_ctrl_c_ends_parent_and_busy_child_within_a_second(tmp_path: Path) -> None:
    parent, pid = parent_with_a_busy_child(tmp_path)
    with parent:
        begun = time.monotonic()
        parent.send_signal(signal.SIGINT)
        assert parent.wait(10) != 0
        assert time.monotonic() - begun < 1
        assert gone_within(pid, 1)


def test_a_busy_child_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    parent, pid = parent_with_a_busy_child(tmp_path)
    with parent:
        parent.kill()
        assert gone_within(pid, 2)


def test_a_forked_process_leaves_the_child_alone(start: Start) -> None:
    child = start()
    (told,) = child.ask([b"pid"])
    forked = os.fork()
    if not forked:
        child.close()
        os._exit(0)
    os.waitpid(forked, 0)
    assert child.ask([b"pid"]) == [told]


LINES = """
import sys, time
for line in sys.stdin:
    word, _, rest = line.strip().partition(" ")
    if word == "hello":
        print(rest, flush=True)
    if word == "dribble":
        while True:
            print("drip", flush=True)
            time.sleep(0.05)
    if word == "slowly":
        for letter in rest:
            print(letter, flush=True)
            time.sleep(0.05)
    print("done " + word, flush=True)
"""


def paragraphs(printed: bytes) -> tuple[list[bytes], int]:
    """Answers that end in a line with `done`."""
    answers, at = list[bytes](), 0
    while (found := printed.find(b"done ", at)) >= 0 and (end := printed.find(b"\n", found)) >= 0:
        answers.append(printed[at:found])
        at = end + 1
    return answers, at


@pytest.fixture
def lined(tmp_path: Path) -> Iterator[Callable[..., Supervised]]:
    """A child that reads and writes lines, and is greeted with what it shall say to that."""
    script, started = tmp_path / "lines.py", list[Supervised]()
    script.write_text(LINES)

    def begin(greeting: bytes = b"hello ready\n", patience: float = 30.0) -> Supervised:
        framing = Framing(
            pack=lambda request: (request, b"\n"),
            split=paragraphs,
            welcome=lambda said: said == b"ready\n",
            greeting=greeting,
            seconds=1.0,
            pause=0.01,
        )
        started.append(Supervised((sys.executable, str(script)), patience=patience, framing=framing))
        return started[-1]

    yield begin
    for child in started:
        child.close()


def test_a_child_may_have_another_framing(lined: Callable[..., Supervised]) -> None:
    child = lined()
    assert child.ask([b"slowly abc", b"none", b"slowly d"] * 5) == [b"a\nb\nc\n", b"", b"d\n"] * 5
    large = [b"slowly " + bytes([65 + at]) for at in range(3)] + [b"x" * (1 << 21)] * 3
    assert child.ask(large) == [b"A\n", b"B\n", b"C\n", b"", b"", b""]


def test_patience_is_for_a_whole_answer(lined: Callable[..., Supervised]) -> None:
    child = lined(patience=0.6)
    begun = time.monotonic()
    assert child.ask([b"slowly ab", b"dribble", b"slowly c"]) == [b"a\nb\n", None, b"c\n"]
    assert time.monotonic() - begun < 10
    assert child.ask([b"slowly " + b"a" * 30], patience=20) == [b"a\n" * 30]
    assert child.ask([b"slowly " + b"a" * 30]) == [None]


def test_a_greeting_without_the_welcome_is_an_error_with_what_was_said(
    lined: Callable[..., Supervised],
) -> None:
    with pytest.raises(NotStarted, match="not today"):
        lined(b"hello not today\n").ask([b"none"])
    with pytest.raises(NotStarted, match="ended or hung while starting"):
        lined(b"dribble\n").ask([b"none"])


def test_a_child_that_is_killed_while_it_starts_is_started_again(tmp_path: Path) -> None:
    script, once = tmp_path / "child.py", tmp_path / "once"
    script.write_text(f"import os\nfrom pathlib import Path\nonce = Path({str(once)!r})\n" + DYING + CHILD)
    child = Supervised((sys.executable, str(script)), {**os.environ, "PYTHONPATH": str(ROOT)})
    assert child.ask([b"ab"]) == [b"ba"]
    assert once.exists()
    child.close()
