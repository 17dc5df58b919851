"""Theories a second through the pipeline's own path, beside raw `swipl` with the same solver; and memory.

Raw is a `swipl` that reads prepared requests from a file and writes its replies to another one, timed from
within, without its start. Ours writes requests, has the engine solve them and decodes the traces. Both are
wall clock; they are run in turns, and the ratio is the median over the turns, as shared machines vary.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from generators.prolog import Prolog
from generators.prolog.alphabet import MODES, Mode
from generators.prolog.stated import parsed
from generators.prolog.swi import engine, teacher
from generators.prolog.swi.requests import requests
from generators.prolog.theory import Theories
from generators.words import codes

ROWS: dict[Mode, int] = {"backward": 20_000, "forward": 6_000}
TURNS = 5
STEPS = 20_000
MEMORY_ROWS = 100_000
SOLVER = Path(teacher.__file__).with_name("solver.pl")

DRIVER = """
:- use_module('{solver}').
:- use_module(library(readutil)).
:- initialization(main, main).
main :-
    open('{requests}', read, In, [encoding(utf8)]), open('{replies}', write, Out, [encoding(utf8)]),
    get_time(Begun), statistics(cputime, Cpu0),
    each(In, Out),
    close(Out), get_time(Ended), statistics(cputime, Cpu1),
    Wall is Ended - Begun, Cpu is Cpu1 - Cpu0, format("~6f ~6f", [Wall, Cpu]).
each(In, Out) :-
    repeat,
    read_line_to_string(In, Request),
    (   Request == end_of_file -> !
    ;   solve(Request, Reply), write(Out, Reply), fail
    ).
"""


def theories(rows: int) -> tuple[Prolog, Theories]:
    """Theories as a recipe draws them: depths 0 to 5, answers in equal shares."""
    domain = Prolog(families=("AttNeg", "RelNeg"), depth_from=0, depth_to=5)
    prompts = domain.problems(np.random.default_rng(0), rows)["prompt"]
    return domain, parsed(*codes(prompts, domain.words.alphabet), domain.words)


def raw(folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds of raw `swipl` on the prepared file."""
    told = subprocess.run(["swipl", folder / "driver.pl"], capture_output=True, text=True, check=True).stdout
    wall, cpu = told.split()
    return float(wall), float(cpu)


def prepare(folder: Path, texts: list[bytes]) -> None:
    """The driver and its file of requests."""
    (folder / "requests").write_bytes(b"\n".join(texts) + b"\n")
    files = {"solver": SOLVER, "requests": folder / "requests", "replies": folder / "replies"}
    (folder / "driver.pl").write_text(DRIVER.format(**files))


def compare() -> dict[str, float]:
    """Both modes: theories a second, events, and the ratio to raw (target: 0.85)."""
    domain, drawn = theories(max(ROWS.values()))
    found: dict[str, float] = {}
    for mode in MODES:
        given, rows = drawn.part(0, ROWS[mode]), ROWS[mode]
        data, _ = requests(given, domain.words, mode, STEPS, None)
        texts = data.tobytes().split(b"\n")[:-1]
        solved = teacher.solve(given.part(0, 1_000), domain.words, mode, STEPS)
        ours, raws, cpus = [], [], []
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            prepare(folder, texts)
            for _ in range(TURNS):
                raws.append(raw(folder)[0])
                begun, worked = perf_counter(), process_time()
                solved = teacher.solve(given, domain.words, mode, STEPS)
                ours.append(perf_counter() - begun)
                cpus.append(process_time() - worked)
            replies = (folder / "replies").read_bytes()
        assert replies == b"".join(reply or b"" for reply in engine.ask("solve", texts))
        found[f"{mode}: problems/s, raw swipl"] = rows / statistics.median(raws)
        found[f"{mode}: problems/s"] = rows / statistics.median(ours)
        found[f"{mode}: ratio"] = statistics.median(
            one / other for one, other in zip(raws, ours, strict=True)
        )
        found[f"{mode}: microseconds of the parent's CPU for a problem"] = (
            statistics.median(cpus) / rows * 1e6
        )
        found[f"{mode}: events of a problem"] = float(solved.events.mean())
    return found | memory()


def memory() -> dict[str, float]:
    """Megabytes by which this process and its engine grow from 1,000 to 100,000 problems (target: 50)."""
    domain, drawn = theories(1_000)
    teacher.solve(drawn, domain.words, "backward", STEPS)
    before = _resident()
    for _ in range(MEMORY_ROWS // 1_000 - 1):
        teacher.solve(drawn, domain.words, "backward", STEPS)
    after = _resident()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "MB of the parent after 1,000 problems": before[0],
        "MB by which it grows up to 100,000": after[0] - before[0],
        "MB of the engine after 1,000 problems": before[1],
        "MB by which it grows up to 100,000 ": after[1] - before[1],
        "MB of the parent at its peak": peak,
    }


def _resident() -> tuple[float, float]:
    """Megabytes of memory that this process and the engine hold."""
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in ("self", engine.engine().pid)]
    return pages[0] * resource.getpagesize() / 2**20, pages[1] * resource.getpagesize() / 2**20


if __name__ == "__main__":
    for name, value in (memory() if "memory" in sys.argv else compare()).items():
        print(f"{name:66} {value:16,.2f}")
