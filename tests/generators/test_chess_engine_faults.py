"""Engines that are missing, silent, dying, hanging or talking nonsense; and that none outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import chess
import polars as pl
import pytest

from generators.chess.alphabet import ACTIONS
from generators.chess.stockfish import engine as engine_room
from generators.chess.stockfish import pipe
from generators.chess.stockfish.choices import choices
from generators.chess.stockfish.engine import Limits, NoStockfish, identity, path
from generators.chess.stockfish.labels import labels
from generators.domain import Hung

ROOT = Path(__file__).parents[2]
ACTION = {move: action for action, move in enumerate(ACTIONS)}
LIMITS = Limits(nodes=10, root_nodes=10, mode="searchmoves")
SMALL = "7k/8/8/8/8/8/P7/K7 w - - 0 1"
OTHER = "7k/8/8/8/8/8/7P/K7 w - - 0 1"

FAKE = """#!{python} -S
import os, sys, time
from pathlib import Path

def say(*lines):
    print(*lines, sep="\\n", flush=True)

def info(move, score=1, depth=1, rank=1, flag=""):
    say(f"info depth {{depth}} multipv {{rank}} score cp {{score}} {{flag}} nodes 9 pv {{move}}")

def search(position, words):
    move = words[-1] if "searchmoves" in words else "a1b1"
    info(move, 7)
    say("bestmove " + move)

options, position = {{}}, ""
{part}
for line in sys.stdin:
    words = line.split()
    if words == ["uci"]:
        say("id name Fake 3", "option name Hash type spin default 1 min 1 max 2", "uciok")
    elif words == ["isready"]:
        say("readyok")
    elif words == ["quit"]:
        break
    elif words[0] == "position":
        position = line
    elif words[0] == "setoption":
        options[words[2]] = words[-1]
    elif words[0] == "go":
        search(position, words)
"""

Fake = Callable[..., Path]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    """Makes an engine whose `search` or other parts are given, and has it used with little patience."""
    monkeypatch.setattr(pipe, "_BASE_SECONDS", 0.7)
    monkeypatch.setattr(pipe, "_START_SECONDS", 3.0)
    monkeypatch.setattr(engine_room, "_SECONDS", 3.0)
    used = list[Path]()

    def make(part: str = "", text: str = FAKE) -> Path:
        file = tmp_path / f"engine{len(used)}"
        file.write_text(text.format(python=sys.executable, part=textwrap.dedent(part)))
        file.chmod(0o755)
        monkeypatch.setenv("STOCKFISH_PATH", str(file))
        used.append(file)
        return file

    yield make
    for file in used:
        pipe._engine(str(file), LIMITS.hash, LIMITS.wdl).close()


def legal(fen: str) -> list[int]:
    return sorted(ACTION[move.uci()] for move in chess.Board(fen).legal_moves)


def frame(fens: Sequence[str], **columns: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {"problem_id": [f"id{row}" for row in range(len(fens))], "fen": fens, **columns}
    ).with_columns(moves=pl.Series([legal(fen) for fen in fens], dtype=pl.List(pl.UInt16)))


def children_of(parent: int) -> dict[int, str]:
    """The processes that this one started and that are still there, with their states."""
    found = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, started_by = file.read_text().rsplit(")", 1)[1].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(started_by) == parent:
            found[int(file.parent.name)] = state
    return found


def gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return not Path(f"/proc/{pid}").exists()


# Engines that are no engines.


def test_a_path_without_a_file_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKFISH_PATH", "/nowhere/stockfish")
    with pytest.raises(
        NoStockfish, match="STOCKFISH_PATH=/nowhere/stockfish: there is no such file; install"
    ):
        labels(frame([SMALL]), LIMITS)


def test_no_engine_at_all_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STOCKFISH_PATH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(engine_room, "_USUAL", str(tmp_path / "stockfish"))
    with pytest.raises(
        NoStockfish, match=r"Stockfish was not found: install stockfish \(apt\) or set STOCKFISH"
    ):
        path()
    (tmp_path / "stockfish").write_text("#!/bin/sh\n")
    (tmp_path / "stockfish").chmod(0o755)
    assert path() == str(tmp_path / "stockfish")


@pytest.mark.parametrize(
    "text", ["#!/bin/cat\n", "#!/bin/sh\nexit 3\n", "#!/bin/sh\nread line\necho hello\n"]
)
def test_a_program_that_does_not_speak_uci_is_named(fake: Fake, text: str) -> None:
    file = fake(text=text)
    for ask in (identity, lambda: labels(frame([SMALL]), LIMITS), lambda: choices([f"fen {SMALL}"], 9, 1)):
        with pytest.raises(NoStockfish, match=f"{file} does not speak UCI, as it gave no `uciok`: install"):
            ask()


def test_files_that_cannot_be_run_or_do_not_answer_are_named(fake: Fake) -> None:
    fake(text="#!/bin/sh\n").chmod(0o644)
    with pytest.raises(NoStockfish, match=r"cannot be run \(Permission denied\): install"):
        identity()
    fake(text="#!/bin/sh\nexec sleep 60\n")
    with pytest.raises(NoStockfish, match="did not answer `uci` within 3 seconds"):
        identity()


@pytest.mark.parametrize("fault", ["os._exit(1)", "time.sleep(60)"])
def test_an_engine_that_fails_in_its_first_search_is_named(fake: Fake, fault: str) -> None:
    file = fake(f"def search(position, words): {fault}")
    with pytest.raises(NoStockfish, match=f"{file} speaks UCI, but ended or hung in its first search"):
        labels(frame([SMALL]), LIMITS)


def test_an_engine_without_a_net_has_only_a_name(fake: Fake) -> None:
    fake()
    assert identity() == {"engine": "Fake 3"}


# Engines that fail later.

BREAKS = """
def search(position, words):
    if "{fen}" in position:
        {fault}
    info(words[-1] if "searchmoves" in words else "a1b1", 7)
    say("bestmove a1b1")
"""


@pytest.mark.parametrize(
    "fault",
    [
        "os._exit(3)",
        "time.sleep(60)",
        "os.kill(os.getpid(), 11)",
        "while True: say('info string'); time.sleep(.1)",
    ],
)
def test_a_position_that_ends_the_engine_twice_is_named(fake: Fake, fault: str) -> None:
    fake(BREAKS.format(fen=OTHER, fault=fault))
    fens = [SMALL, OTHER, SMALL, OTHER, SMALL]
    with pytest.raises(Hung) as caught:
        labels(frame(fens), LIMITS)
    assert caught.value.rows == (1, 3)
    said = f"Stockfish gave no reply to position id1 ({OTHER}), twice (2 positions of the shard)"
    assert str(caught.value).startswith(said)
    assert "`distill generate --skip-hung`" in str(caught.value)
    with pytest.raises(Hung, match=r"to position games.pgn:7 \("):
        labels(frame(fens, source_id=["a", "games.pgn:7", "b", "c", "d"]), LIMITS)
    assert len(labels(frame([SMALL, SMALL]), LIMITS)) == 2
    with pytest.raises(Hung, match=f"to position `fen {OTHER}`, twice") as caught:
        choices([f"fen {fen}" for fen in fens], 9, 1)
    assert caught.value.rows == (1, 3)


def test_an_engine_that_dies_once_is_asked_again(fake: Fake, tmp_path: Path) -> None:
    flag = tmp_path / "died"
    fake(
        f"""
        def search(position, words):
            if "{OTHER}" in position and not Path("{flag}").exists():
                Path("{flag}").touch()
                os._exit(3)
            info(words[-1] if "searchmoves" in words else "a1b1", 7)
            say("bestmove a1b1")
        """
    )
    found = labels(frame([SMALL, OTHER, SMALL]), LIMITS)
    assert flag.exists()
    assert found["centipawns"].to_list() == [[7] * len(legal(fen)) for fen in (SMALL, OTHER, SMALL)]


def test_nonsense_between_the_lines_changes_nothing(fake: Fake) -> None:
    fake()
    expected = labels(frame([SMALL, OTHER]), LIMITS)
    fake(
        """
        def search(position, words):
            move = words[-1] if "searchmoves" in words else "a1b1"
            say("info string score cp 99 depth 3", "", "hello", "info", "info depth 5")
            say("info depth x score cp 1")
            info(move, 7)
            os.write(1, bytes(range(11, 256)) + b"\\n")
            say("info depth 9 currmove a2a4", "bestmove " + move, "Segmentation fault? No.")
        """
    )
    assert labels(frame([SMALL, OTHER]), LIMITS).equals(expected)


@pytest.mark.parametrize(
    ("search", "sentence"),
    [
        ("say('bestmove a1b1')", "has a search without a score"),
        ("info('a1b1')", "tells of 0 searches, not of 5"),
        ("info('a1b1'); say('bestmove (none)')", "Stockfish names no best move for"),
    ],
)
def test_a_reply_that_is_none_is_refused_with_its_position(fake: Fake, search: str, sentence: str) -> None:
    fake(f"def search(position, words): {search}")
    with pytest.raises(RuntimeError, match=sentence) as caught:
        labels(frame([SMALL]), LIMITS)
    assert SMALL in str(caught.value)


MULTIPV = """
def search(position, words):
    if "searchmoves" in words:
        info(words[-1], 77)
    elif options.get("MultiPV", "1") == "1":
        info("a1b1", 5)
    else:
        info("a1b1", 50, rank=1), info("a1b2", 40, rank=2), info("a2a4", 30, rank=3, flag="upperbound")
        info("a1b2", 60, 2, 1, "lowerbound"), info("a1b1", 45, 2, 2), info("a2a4", 31, 2, 3, "upperbound")
    say("bestmove a1b1")
"""


def test_in_multipv_bounds_give_way_and_missing_moves_are_searched_alone(fake: Fake) -> None:
    fake(MULTIPV)
    found = labels(frame([SMALL, SMALL]), Limits(nodes=10, root_nodes=10, mode="multipv"))
    expected = {"a1b1": 45, "a1b2": 40, "a2a4": 31, "a2a3": 77}
    for row in found["centipawns"]:
        assert [expected[ACTIONS[move]] for move in legal(SMALL)] == row.to_list()
    assert choices([f"fen {SMALL}"], 10, 3) == [
        [(ACTION["a1b2"], 40, None), (ACTION["a1b1"], 45, None), (ACTION["a2a4"], 31, None)]
    ]


def test_a_missing_move_over_which_the_engine_hangs_is_told_too(fake: Fake) -> None:
    fake(MULTIPV.replace("info(words[-1], 77)", "time.sleep(60)"))
    with pytest.raises(Hung) as caught:
        labels(frame([SMALL, SMALL]), Limits(nodes=10, root_nodes=10, mode="multipv"))
    assert caught.value.rows == (0, 1)


def test_scores_beyond_their_types_are_clipped(fake: Fake) -> None:
    fake(
        """
        def search(position, words):
            kind = "mate -300" if words[-1] == "a2a3" else "mate 300" if words[-1] == "a2a4" else "cp -99999"
            say(f"info depth 1 score {kind} nodes 9 pv a1b1", "bestmove a1b1")
        """
    )
    (row,) = labels(frame([SMALL]), LIMITS).iter_rows(named=True)
    mates = dict(zip((ACTIONS[move] for move in legal(SMALL)), row["mates"], strict=True))
    assert mates == {"a1b1": None, "a1b2": None, "a2a3": -127, "a2a4": 127}
    assert {cp for cp in row["centipawns"] if cp is not None} == {row["root_centipawns"]} == {-32_000}


# Who outlives whom.

PARENT = """
import sys
import polars as pl
from generators.chess.stockfish import pipe
from generators.chess.stockfish.engine import Limits
from generators.chess.stockfish.labels import labels
problems = pl.read_parquet(sys.argv[1])
labels(problems[:1], Limits(nodes=10, root_nodes=10))
print(pipe.engine(1, False).pid, flush=True)
labels(problems, Limits(nodes=1_000_000, root_nodes=1_000_000))
"""


@pytest.mark.engine
@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_engine_does_not_outlive_its_parent(tmp_path: Path, blow: signal.Signals) -> None:
    frame([chess.STARTING_FEN] * 40).write_parquet(tmp_path / "problems")
    words = [sys.executable, "-c", PARENT, str(tmp_path / "problems")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        time.sleep(0.5)
        parent.send_signal(blow)
        assert parent.wait(10) != 0
        assert gone_within(pid, 10)


@pytest.mark.engine
def test_killed_engines_leave_no_zombies() -> None:
    problems, limits = frame([chess.STARTING_FEN] * 20), Limits(nodes=300, root_nodes=300)
    labels(problems, limits)
    for _ in range(3):
        pid = pipe.engine(1, False).pid
        assert pid
        threading.Timer(0.05, os.kill, (pid, signal.SIGKILL)).start()
        labels(problems, limits)
        assert not Path(f"/proc/{pid}").exists()
    pipe.engine(1, False).close()
    assert "Z" not in children_of(os.getpid()).values()
