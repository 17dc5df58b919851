"""What a process leaves in an artifact while it works there, and when it fails: small notes, never data.

A note at work is rewritten every two seconds and goes when the stage is done; one whose process has died
tells that the work stopped. Neither kind decides anything: manifests and sidecars alone say what is there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from threading import Event, Thread
from types import TracebackType

from pipeline import console
from pipeline.artifact import FAILED, RUNNING, Artifact, is_note
from pipeline.errors import told
from pipeline.files import Json, write_json
from pipeline.machine import host
from pipeline.plain import from_json

BEAT = 2.0
"""Seconds between two rewritings of a note."""
UPLOAD = 30.0
"""Seconds between two uploads of a note to a store."""
PATIENCE = 30.0
"""Seconds in which the last note may go up: a store that answers nobody does not hold up who is done."""
SILENT = 90.0
"""Seconds after which a note of a process that cannot be looked for counts as left behind."""


@dataclass(frozen=True)
class Note:
    """Who works, or worked, in an artifact, and how far that has come."""

    stage: str
    recipe: str
    host: str
    pid: int
    born: str
    """When the process began, in the clock of its machine: its number may have been given again."""
    started: float
    beat: float
    shards: str = ""
    """The shards that it was told to make; empty for all."""
    size: int | None = None
    """How many shards or steps the whole artifact takes, where the recipe says so."""
    works: list[Json] = field(default_factory=list)
    """What it is at, the outermost first: title, total, done, before, began."""
    failed: str | None = None
    """Why it ended; None while it works, or where nobody could tell any more."""

    @property
    def name(self) -> str:
        """Its file in the artifact."""
        return f"{FAILED if self.failed is not None else RUNNING}{_slug(self.host)}-{self.pid}.json"

    def alive(self) -> bool:
        """Whether its process is at work still; of another machine it must have said so a moment ago."""
        if self.failed is not None:
            return False
        if self.host == host():
            return self.born != "" and _born(self.pid) == self.born
        return time.time() - self.beat < SILENT


def notes(artifact: Artifact, stored: Iterable[str] | None = None) -> list[Note]:
    """The notes in an artifact, the oldest first; of those in the store only what is newer than here.

    `stored` are the names in the store, where they are known already.
    """
    found = dict(_local(artifact.folder))
    if artifact.store is not None:
        names = artifact.store.sizes(artifact.folder) if stored is None else stored
        for name in filter(is_note, names):
            note = _parsed(artifact.store.text(artifact.folder / name))
            if note is not None and (name not in found or found[name].beat < note.beat):
                found[name] = note
    return sorted(found.values(), key=lambda note: (note.started, note.name))


class Heartbeat:
    """Says that this process is at work in an artifact, until `rest` or the end of the block.

    A fault that ends the block leaves a note with its sentence. Whatever the notes cannot do is left undone:
    they never end a run.
    """

    def __init__(
        self, artifact: Artifact, stage: str, recipe: str, shards: str = "", size: int | None = None
    ) -> None:
        self.artifact, self.shards = artifact, shards
        now = time.time()
        pid = os.getpid()
        self.note = Note(stage, recipe, host(), pid, _born(pid), now, now, shards, size)
        self._rested = Event()
        self._uploaded = 0.0
        self._thread = Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        if first_rank():
            self._clear()
            self._write()
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not first_rank():
            return
        if isinstance(fault, Exception):
            self._write(vars(fault).get(console.LEFT), told(fault) or f"{type(fault).__name__}: {fault}")
        self.rest(keep=vars(fault).get(console.LEFT, []) if isinstance(fault, KeyboardInterrupt) else None)

    def rest(self, keep: list[Json] | None = None) -> None:
        """Stop, and take the note away; kept with what it was at, it tells that the work was stopped."""
        if self._thread.is_alive():
            self._rested.set()
            self._thread.join(PATIENCE)
            if keep is None:
                _remove(self.artifact, self.note.name)
            else:
                self._write(keep, at_once=True)

    def _beat(self) -> None:
        while not self._rested.wait(BEAT):
            self._write()

    def _write(
        self, works: list[Json] | None = None, failed: str | None = None, at_once: bool = False
    ) -> None:
        try:
            now = console.works() if works is None else works
            note = replace(self.note, beat=time.time(), works=now, failed=failed)
            path = self.artifact.folder / note.name
            write_json(path, asdict(note))
            if self.artifact.store is not None and (
                at_once or failed or time.time() - self._uploaded >= UPLOAD
            ):
                self._uploaded = time.time()
                self.artifact.store.system.put_file(str(path), self.artifact.store.place(path))
        except Exception:  # a full disk, a store that does not answer: the run itself will say so
            return

    def _clear(self) -> None:
        """Take away what runs left here that have ended, as far as this one does their work again."""
        for note in notes(self.artifact):
            mine = not self.shards or note.shards == self.shards
            if not note.alive() and (mine or note.failed is None):
                _remove(self.artifact, note.name)


def _local(folder: Path) -> Iterator[tuple[str, Note]]:
    try:
        paths = [entry.path for entry in os.scandir(folder) if is_note(entry.name)]
    except OSError:
        return
    for path in map(Path, paths):
        try:
            note = _parsed(path.read_text())
        except (OSError, UnicodeDecodeError):
            continue
        if note is not None:
            yield path.name, note


def _parsed(text: str | None) -> Note | None:
    """A note from its text; None for what is none."""
    try:
        return _checked(Note(**from_json(text or "")))
    except (ValueError, TypeError, KeyError):
        return None


def _checked(note: Note) -> Note:
    """The note, if its values are of their kinds; raises TypeError where they are not."""
    texts: tuple[object, ...] = (
        note.stage,
        note.recipe,
        note.host,
        note.born,
        note.shards,
        note.failed or "",
    )
    numbers: tuple[object, ...] = (note.pid, note.started, note.beat, note.size or 0)
    for work in note.works:
        numbers += tuple(work[name] or 0 for name in ("total", "done", "before", "began"))
        texts += (work["title"],)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("texts are texts")
    if not all(isinstance(number, int | float) and number >= 0 for number in numbers):
        raise TypeError("numbers are numbers")
    return note


def _remove(artifact: Artifact, name: str) -> None:
    try:
        (artifact.folder / name).unlink(missing_ok=True)
        if artifact.store is not None:
            artifact.store.system.rm_file(artifact.store.place(artifact.folder / name))
    except Exception:  # it may have gone already, or the store does not answer
        return


def first_rank() -> bool:
    """Of several processes that train together, the first one speaks."""
    return all(os.environ.get(name, "0") in ("", "0") for name in ("RANK", "LOCAL_RANK", "NODE_RANK"))


def _born(pid: int) -> str:
    """When a process of this machine began, as the kernel counts; empty where there is none."""
    try:
        # The name in brackets may hold spaces: what follows the last bracket is fields 3 and on.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "" if Path("/proc/self").exists() else _answers(pid)
    return "" if fields[0] in "ZX" else fields[19]


def _answers(pid: int) -> str:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return "there"
    except OSError:
        return ""
    return "there"


def _slug(text: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in text)
