"""Object storage: artifacts at a URL, mirrored in a folder of this machine; fsspec speaks to the store.

A file is written in the mirror, hashed, and uploaded whole; a finished upload appears in one step in every
store, so nothing needs to be renamed there. The order of uploads is the order of trust: a file, its sidecar,
and the manifest last. What a mirror lacks is fetched when it is read. A mirror may be deleted at any time.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from pipeline.console import say
from pipeline.errors import Refusal
from pipeline.files import digest, write_json
from pipeline.folders import STAGES, SWEEPS
from pipeline.temporary import temporary

MARK = "store.json"
"""The file at the root of a mirror that names its store."""

PAUSES = (0.5, 1, 2, 4, 8, 16, 30)
"""Seconds between attempts while a store does not answer: a minute in all."""

TOGETHER = 64
"""Files that are fetched in one step: what is fetched again when the store goes away meanwhile."""

HEAVY = (".safetensors", ".ckpt")

Given = TypeVar("Given")


@dataclass(frozen=True)
class Store:
    """A place behind a URL, and the folder that mirrors it."""

    url: str
    mirror: Path

    @cached_property
    def system(self) -> Any:
        """The file system of fsspec that reads and writes the URL."""
        return self._opened()

    def _opened(self, **options: Any) -> Any:
        import fsspec

        logging.getLogger("asyncio").addFilter(_worth_telling)
        scheme = self.url.partition("://")[0]
        try:
            folders = {"auto_mkdir": True} if scheme in ("file", "local") else {}
            return fsspec.filesystem(scheme, **folders, **options)
        except ImportError as error:
            raise Refusal(
                f"{self.url}: {error}; pip install 'search-trace-distillation[s3]' for s3://"
            ) from None
        except ValueError:
            raise Refusal(f"{self.url}: there is no store that is called {scheme}://") from None

    def place(self, path: Path) -> str:
        """The URL of a file of the mirror."""
        inner = path.relative_to(self.mirror).as_posix()
        return self.url if inner == "." else f"{self.url}/{inner}"

    def put(self, path: Path) -> None:
        """Upload a file of the mirror; large ones go in parts and appear when the last one is there."""
        self._patiently(lambda: self.system.put_file(str(path), self.place(path)), path)

    def get(self, path: Path) -> bool:
        """Fetch a file into the mirror; whether the store has it."""
        partly = temporary(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._patiently(lambda: self.system.get_file(self.place(path), str(partly)), path)
            partly.replace(path)
        except FileNotFoundError:
            return False
        finally:
            partly.unlink(missing_ok=True)
        return True

    def sizes(self, folder: Path) -> dict[str, int]:
        """Bytes of every file below a folder, by its name from there; one listing."""
        base = self.place(folder)

        def found() -> dict[str, Any]:
            self.system.invalidate_cache()
            listed: dict[str, Any] = self.system.find(base, detail=True)
            return listed

        try:
            listed = self._patiently(found, folder)
        except FileNotFoundError:
            return {}
        root = self.system._strip_protocol(base).rstrip("/") + "/"
        return {name.removeprefix(root): int(entry["size"]) for name, entry in listed.items()}

    def fetch(self, folder: Path, names: list[str]) -> None:
        """Fetch files of a folder, several at once; each appears whole, as large ones come in parts."""
        for at in range(0, len(names), TOGETHER):
            paths = [folder / name for name in names[at : at + TOGETHER]]
            for path in paths:
                path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = list(map(temporary, paths))
            remote, local = list(map(self.place, paths)), list(map(str, unfinished))
            try:
                self._patiently(partial(self._get_all, remote, local), folder)
                for partly, path in zip(unfinished, paths, strict=True):
                    partly.replace(path)
            finally:
                for partly in unfinished:
                    partly.unlink(missing_ok=True)

    def _get_all(self, remote: list[str], local: list[str]) -> None:
        self.system.get(remote, local)  # by the client of the moment, which each attempt may renew

    def text(self, path: Path) -> str | None:
        """The content of a small file of the store; None where it is not to be had at once."""
        try:
            content: bytes = self.system.cat_file(self.place(path))
            return content.decode()
        except Exception:  # it comes and goes, and nothing depends on it
            return None

    def remove(self, path: Path) -> None:
        """Delete a file of the store, if it is there."""
        try:
            self._patiently(lambda: self.system.rm_file(self.place(path)), path)
        except FileNotFoundError:
            return

    def _tell_away(self, attempt: int, pause: float) -> None:
        now = time.monotonic()
        if now >= _TOLD.get(self.url, now):
            _TOLD[self.url] = now + pause
            say("", f"[yellow]{self.url} does not answer; attempt {attempt} in {pause:g} s[/yellow]")

    def _patiently(self, action: Callable[[], Given], path: Path) -> Given:
        """Do it, and again while the store does not answer; a lasting fault becomes a sentence."""
        for attempt, pause in enumerate((*PAUSES, None), 1):
            try:
                return action()
            except Exception as error:
                if not _passing(error) or pause is None:
                    raise _told(error, self.url, self.place(path)) from None
                if attempt > 2:
                    self._tell_away(attempt + 1, pause)
                time.sleep(pause)
                # Connections that broke in the middle of a file may stay taken, and a client has only ten.
                self.__dict__["system"] = self._opened(skip_instance_cache=True)
        raise AssertionError("the last attempt returns or raises")


_TOLD: dict[str, float] = {}
"""Until when it is known of a store that it does not answer: several files are on their way at once."""


def _worth_telling(record: logging.LogRecord) -> bool:
    """Whether a message of asyncio is news: connections of a client that was given up are not."""
    return not record.getMessage().startswith("Unclosed")


PASSING = (
    "EndpointConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ConnectionClosedError",
    "HTTPClientError",
    "ConnectionError",
    "TimeoutError",
    "ClientError",  # of aiohttp
    "ResponseStreamingError",
    "IncompleteReadError",
    "ResponseParserError",  # a refusal that was cut short
)
"""Names of the errors of stores that pass by themselves; their classes are not imported for it."""

EREMOTEIO = getattr(errno, "EREMOTEIO", errno.EIO)
"""Linux alone has it; `s3fs` takes it for an internal error of the store."""

SILENT = (errno.EIO, errno.EAGAIN, errno.EBUSY, errno.ETIMEDOUT, EREMOTEIO)
"""Error numbers under which stores report an answer of theirs such as `503 slow down` or `500`."""


def _passing(error: Exception) -> bool:
    if isinstance(error, FileNotFoundError | PermissionError | Refusal):
        return False
    kinds = {kind.__name__ for kind in type(error).__mro__}
    return bool(kinds & set(PASSING)) or (isinstance(error, OSError) and error.errno in SILENT)


def _told(error: Exception, url: str, place: str) -> Exception:
    """The error as a user should read it; a file that is not there stays what it is."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, Refusal):
        return error
    if kinds & {"NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "TokenRetrievalError"}:
        return Refusal(
            f"there are no credentials for {url}:"
            " set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        )
    if isinstance(error, FileNotFoundError):
        if "bucket" in str(error).lower():
            return Refusal(f"{url}: there is no such bucket; create it first")
        return error
    if isinstance(error, PermissionError):
        return Refusal(
            f"{place}: the store refuses ({error}); look at the credentials and the bucket's rights"
        )
    if _passing(error):
        return Refusal(
            f"{url} does not answer ({' '.join(str(error).split())});"
            " what is finished is kept, run the same command again"
        )
    return error


def located(text: str) -> Path:
    """A path as it was typed; of a URL its place in the mirror. Nothing is read yet."""
    if "://" not in text:
        return Path(text)
    parts = text.rstrip("/").split("/")
    stage = next((at for at in reversed(range(3, len(parts))) if parts[at] in (*STAGES, SWEEPS)), None)
    root = text.rstrip("/") if stage is None else "/".join(parts[:stage])
    inner = [] if stage is None else parts[stage:]
    return _mirror(root).joinpath(*inner)


def present(text: str) -> Path:
    """A finished file or folder to read; of a URL all that the store has there is fetched first.

    Of a whole artifact weights and states of training stay where they are: looking at it needs none.
    """
    path = located(text)
    store = store_of(path)
    if "://" in text and store is not None:
        sizes = store.sizes(path)
        if not sizes and not store.get(path):
            raise Refusal(f"there is nothing at {text}")
        whole = len(path.relative_to(store.mirror).parts) <= 2
        wanted = [name for name in sizes if not (whole and name.endswith(HEAVY))]
        store.fetch(path, [name for name in wanted if _size(path / name) != sizes[name]])
    return path


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def store_of(folder: Path) -> Store | None:
    """The store that a folder mirrors; None for a folder of this machine alone."""
    return _store_at(folder.parent) if folder.name else None


@cache
def _store_at(folder: Path) -> Store | None:
    for root in (folder, *folder.parents):
        try:
            url = json.loads((root / MARK).read_text())["url"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        return Store(url, root)
    return None


def _mirror(url: str) -> Path:
    from fsspec import available_protocols

    scheme = url.partition("://")[0]
    if not scheme.isalnum() or scheme not in available_protocols():
        raise Refusal(f"{url} is no URL of a store, such as s3://bucket/prefix")
    above = os.environ.get("DISTILL_CACHE") or Path.home() / ".cache" / "distill"
    root = Path(above).absolute() / f"{scheme}-{digest(url)}"
    if not (root / MARK).is_file():
        write_json(root / MARK, {"url": url})
    return root
