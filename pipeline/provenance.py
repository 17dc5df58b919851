"""Where an artifact came from: commit, machine, library and engine versions. Never part of a fingerprint."""

from __future__ import annotations

import inspect
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from generators.domain import Domain, domain_class

LIBRARIES = (
    *(
        "search-trace-distillation",
        "torch",
        "lightning",
        "transformers",
        "polars",
        "pyarrow",
        "numpy",
        "numba",
    ),
    *("chess", "pyswip"),
)
ROOT = Path(__file__).parent.parent


def provenance() -> dict[str, Any]:
    """Commit, Python, machine and library versions of this process; `made` is the time of the call."""
    return {"made": datetime.now(UTC).isoformat(timespec="seconds"), **_process()}


@cache
def _process() -> dict[str, Any]:
    return {
        "commit": _commit(),
        "python": sys.version.split()[0],
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {_processor()}",
        "libraries": {name: found for name in LIBRARIES if (found := _version(name))},
    }


@cache
def source_hash(domain: str) -> str:
    """A hash of the Python (and Prolog) source of a domain: a folder of ours, or of an installed package.

    A teacher that is derived from another domain counts with the source of both.
    """
    digest = blake2b(digest_size=8)
    for place in _sources(domain):
        folder = place if place.is_dir() else place.parent
        for path in sorted([*place.rglob("*.py"), *place.rglob("*.pl")]) if place.is_dir() else [place]:
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources(domain: str) -> list[Path]:
    """The packages (or single modules) that define a domain's class and what it is derived from."""
    places: list[Path] = []
    for kind in domain_class(domain).__mro__:
        if issubclass(kind, Domain) and kind is not Domain:
            file = Path(inspect.getfile(kind))
            places.append(file.parent if (file.parent / "__init__.py").is_file() else file)
    return list(dict.fromkeys(places))


def _commit() -> str | None:
    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        git(
            "ls-files", "--error-unmatch", "pipeline/provenance.py"
        )  # a wheel may lie within others' repository
        changed = "+changes" if git("status", "--porcelain", "--untracked-files=no") else ""
        return git("rev-parse", "--short=12", "HEAD") + changed
    except (OSError, subprocess.CalledProcessError):
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
