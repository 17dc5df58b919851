"""A worker of a cluster: it takes the driver's place, runs one shard at a time, and keeps a log of each."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pipeline.artifact import Artifact
from pipeline.errors import told
from pipeline.files import write_json
from pipeline.store import MARK, Store

LOGS = ".logs"
"""Folder of an artifact with what each shard of a cluster run had to say."""
KEPT = 64 * 1024
"""Bytes up to which the log of a shard that went well is kept."""

LIBRARIES = ("ray", "polars", "pyarrow", "numba", "numpy", "torch")
OURS = "this project's source"
SOURCES = (
    "pipeline/*.py",
    "pipeline/stages/*.py",
    "generators/**/*.py",
    "generators/**/*.pl",
    "trainers/*.py",
)
"""What of it can decide a shard: not the pages, not the command line's verbs."""

CREDENTIALS = ("AWS_", "AZURE_", "GOOGLE_", "FSSPEC_")
"""How the variables begin that a store is reached by."""
ENGINES = ("STOCKFISH_PATH", "LIBSWIPL_PATH")


@dataclass(frozen=True)
class Site:
    """The driver's place, as a worker on another machine must find it to write the same bytes."""

    here: Path
    """Where relative paths begin."""
    folder: Path
    """The artifact's, as the tasks name it."""
    token: str
    """A file of this name stands among the logs while the run goes on: who sees it shares the folder."""
    store: Store | None
    versions: Mapping[str, str]
    environment: Mapping[str, str]

    @property
    def logs(self) -> Path:
        """The folder of the logs."""
        return self.here / self.folder / LOGS

    def taken(self) -> str | None:
        """Take the place; gives what stands against it, said of this node, or None."""
        different = differences(self.versions, versions())
        if different:
            return f"has {different}: install the same on every node"
        try:
            return self._enter()
        except OSError as error:
            return f"cannot use {error.filename or self.here / self.folder}: {error.strerror or error}"

    def taken_once(self) -> str | None:
        """The same, asked once by a process for all shards of a run."""
        if self.token not in _PLACES:
            _PLACES[self.token] = self.taken()
        return _PLACES[self.token]

    def _enter(self) -> str | None:
        for name, value in self.environment.items():
            if name in ENGINES:
                os.environ.setdefault(name, value)
            else:
                os.environ[name] = value
        if self.here.is_dir():
            os.chdir(self.here)
        if self.store is not None:
            if not (self.store.mirror / MARK).is_file():
                write_json(self.store.mirror / MARK, {"url": self.store.url})
        elif not (self.logs / self.token).is_file() or not (self.folder.is_absolute() or self.here.is_dir()):
            return (
                f"cannot see {self.here / self.folder}: put --artifacts on a disk that every node shares,"
                " or into a store such as s3://bucket/prefix"
            )
        probe = self.logs / f"{self.token}-{os.getpid()}.tmp"
        self.logs.mkdir(parents=True, exist_ok=True)
        probe.write_text("")
        probe.unlink()
        return None


def _briefly(error: Exception) -> str:
    """A fault of ours in a line; the log has all of it."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[-1]}"


_PLACES: dict[str, str | None] = {}
"""What stands against each place that this process was to take."""


@contextlib.contextmanager
def marked(artifact: Artifact) -> Iterator[Site]:
    """This process's place, with a marker among the logs by which others see that they share the folder."""
    store = artifact.store
    token = f".site-{uuid.uuid4().hex}.tmp"
    site = Site(Path.cwd(), artifact.folder, token, store, versions(), environment(store))
    site.logs.mkdir(parents=True, exist_ok=True)
    marker = site.logs / token
    marker.write_text("")
    try:
        yield site
    finally:
        marker.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            site.logs.rmdir()  # unless there are logs


@dataclass(frozen=True)
class Outcome:
    """How a shard ended, and where."""

    node: str
    result: Any = None
    fault: str | None = None
    """A sentence about what went wrong with the shard."""
    unfit: str | None = None
    """A sentence about the node, which cannot take shards of this run."""


def run_shard(site: Site, task: Callable[[int], Any], shard: int, node: str) -> Outcome:
    """Run a task in the driver's place; whatever it says goes into the shard's log."""
    unfit = site.taken_once()
    if unfit:
        return Outcome(node, unfit=unfit)
    path = site.logs / log_name(shard)
    began = time.monotonic()
    try:
        with _written_to(path):
            _note(f"shard {shard} on {node}, process {os.getpid()}")
            try:
                result = task(shard)
            except Exception as error:
                traceback.print_exc()
                _note(f"failed after {time.monotonic() - began:.1f} s")
                outcome = Outcome(node, fault=told(error) or _briefly(error))
            else:
                _note(f"done in {time.monotonic() - began:.1f} s")
                outcome = Outcome(node, result)
        _filed(path, site.store, outcome)
    except OSError as error:
        return Outcome(node, fault=told(error))
    return outcome


def log_name(shard: int) -> str:
    """The file of a shard's log."""
    return f"shard-{shard:05d}.log"


@contextlib.contextmanager
def _written_to(path: Path) -> Iterator[None]:
    """Send what this process and its libraries print to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = [os.dup(1), os.dup(2)]
    with path.open("a") as log:
        _flush()
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            yield
        finally:
            _flush()
            for number, old in zip((1, 2), kept, strict=True):
                os.dup2(old, number)
                os.close(old)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()


def _note(text: str) -> None:
    line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n"
    _flush()
    os.write(2, line.encode())


def _filed(path: Path, store: Store | None, outcome: Outcome) -> None:
    """Keep the log where it can be found: of a shard in a store, if it failed."""
    if outcome.fault is None and (store is not None or path.stat().st_size > KEPT):
        path.unlink(missing_ok=True)
    elif store is not None:
        with contextlib.suppress(Exception):  # the shard's own fault counts
            store.put(path)


@cache
def versions() -> dict[str, str]:
    """What decides bytes, beside the recipe: Python, libraries, and this project's own source."""
    found = {"Python": platform.python_version()}
    for name in LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name).partition("+")[0]
    return {**found, OURS: _source()}


def differences(wanted: Mapping[str, str], found: Mapping[str, str]) -> str:
    """What is of another version there, in words; empty where all is equal."""
    other = [name for name in wanted if found.get(name) != wanted[name]]
    words = [
        f"another version of {name}" if name == OURS else f"{name} {found.get(name, 'missing')}"
        for name in other
    ]
    ours = [f"{name} {wanted[name]}" for name in other if name != OURS]
    told_ours = f" (this machine has {' and '.join(ours)})" if ours else ""
    return " and ".join(words) + told_ours


def environment(store: Store | None) -> dict[str, str]:
    """The variables that workers need too: the engines' places, and what a store is reached by."""
    wanted = ("DISTILL_", *(CREDENTIALS if store is not None else ()))
    return {name: value for name, value in os.environ.items() if name in ENGINES or name.startswith(wanted)}


def _source() -> str:
    root = Path(__file__).parent.parent
    found = hashlib.blake2b(digest_size=8)
    for path in sorted(path for pattern in SOURCES for path in root.glob(pattern)):
        found.update(path.relative_to(root).as_posix().encode())
        found.update(path.read_bytes())
    return found.hexdigest()
