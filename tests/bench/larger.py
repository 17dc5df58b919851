"""Training on data ten times the memory against training on data that fits, tokens/s, in turns.

The data are made up, as `encode` writes them: documents of some 1,500 tokens, as of 30x30 mazes. Each run is
a process in a memory cgroup of its own (version 1 or 2, where this process may make one), which counts the
pages of files that it reads; before it starts, the system forgets all pages of the data. The model is small:
the larger a model, the fewer documents it takes in a second.

    python tests/bench/larger.py [MEGABYTES of memory, default 1024]
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from trainers.config import Fit, Model
from trainers.fit import fit
from trainers.tokens import Tokens

LARGER = 10
MEMORY = 1024
"""Megabytes; torch alone takes some 400."""
SEGMENT_ROWS = 40_000
LONG = 1500
TURNS = int(os.environ.get("TURNS", "3"))
STEPS = int(os.environ.get("STEPS", "100"))
TARGET = 0.95
GROUPS = Path("/sys/fs/cgroup")


def write_data(folder: Path, megabytes: int) -> int:
    """Segments of random ids until there are as many megabytes; gives their number of tokens."""
    folder.mkdir()
    (folder / "tokens.json").write_text(json.dumps(vars(Tokens(size=128, words=100))))
    rng = np.random.default_rng(0)
    tokens = 0
    for segment in range(-(-megabytes * 2**20 // (2 * LONG * SEGMENT_ROWS))):
        lengths = rng.integers(LONG // 2, LONG * 3 // 2, SEGMENT_ROWS)
        stem = folder / f"train-{segment:05d}"
        for name, sizes in (("prompt", lengths // 5), ("response", lengths - lengths // 5)):
            np.save(f"{stem}.{name}s.npy", rng.integers(3, 100, sizes.sum(), np.uint16))
            np.save(f"{stem}.{name}_offsets.npy", np.append(0, sizes.cumsum()))
        np.save(f"{stem}.rows.npy", np.arange(SEGMENT_ROWS, dtype=np.int32))
        np.save(f"{stem}.keys.npy", np.arange(SEGMENT_ROWS, dtype=np.uint64))
        tokens += int(lengths.sum())
    return tokens


def forget(folder: Path) -> None:
    """Have the system drop the pages of the files, which it keeps as long as there is room."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


@contextmanager
def memory(megabytes: int) -> Iterator[Path | None]:
    """A cgroup that has no more memory than that; None where there can be none."""
    old = (GROUPS / "memory").is_dir()
    group = (GROUPS / "memory" if old else GROUPS) / f"distill-bench-{os.getpid()}"
    try:
        group.mkdir()
        (group / ("memory.limit_in_bytes" if old else "memory.max")).write_text(str(megabytes * 2**20))
    except OSError as fault:
        print(f"  no memory cgroup here ({fault}): files are read afresh by each run, without a limit")
        yield None
        return
    try:
        yield group
    finally:
        group.rmdir()


def run(ids: Path, group: Path | None) -> dict[str, float]:
    """What a training in a process of its own says of itself."""
    forget(ids)
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, __file__, "--train", str(ids), out, str(group or "")]
        told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    found: dict[str, float] = json.loads(told.splitlines()[-1])
    return found


def train(ids: Path, out: Path, group: str) -> None:
    """The child: join the group, train, tell."""
    if group:
        (Path(group) / "cgroup.procs").write_text(str(os.getpid()))
    begun = perf_counter()
    settings = Fit(
        steps=STEPS, batch_tokens=4096, validation_rows=0, save_every=STEPS, precision="32-true", loggers=()
    )
    model = Model(layers=2, width=64, heads=1, kv_heads=1, context=3 * LONG // 2)
    done = fit(ids=ids, out=out, model=model, fit=settings, progress=False)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    whole = perf_counter() - begun
    told = {"speed": done["tokens_per_second"], "start": whole - done["seconds"]}
    told["anonymous"] = int(status["RssAnon"].split()[0]) / 1024
    print(json.dumps(told))


def _told(name: str, found: dict[str, float]) -> str:
    """A run in a few words; its memory is what is no page of a file."""
    return f"{name} {found['speed']:,.0f}/s, {found['start']:.1f} s to start, {found['anonymous']:.0f} MB"


def main(megabytes: int) -> None:
    with tempfile.TemporaryDirectory() as place, memory(megabytes) as group:
        large, small = Path(place) / "large", Path(place) / "small"
        need = LARGER * megabytes
        if shutil.disk_usage(place).free < 2 * need * 2**20:
            sys.exit(f"{place} has no room for {2 * need} megabytes")
        tokens = write_data(large, need), write_data(small, megabytes // 8)
        size = sum(path.stat().st_size for path in large.iterdir()) / 2**20
        print(f"within {megabytes} MB: {size:,.0f} MB of {tokens[0]:,} tokens, and {tokens[1]:,} tokens")
        ratios = []
        for turn in range(TURNS):
            fits, exceeds = run(small, group), run(large, group)
            ratios.append(exceeds["speed"] / fits["speed"])
            told = ", ".join(_told(name, found) for name, found in (("fits", fits), ("larger", exceeds)))
            print(f"  turn {turn + 1}: {told}: {ratios[-1]:.2f}", flush=True)
        print(f"tokens/s on data of {LARGER} times the memory over data that fit (target: {TARGET})")
        print(f"  {'median':<60} {statistics.median(ratios):8.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--train"]:
        train(Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else MEMORY)
