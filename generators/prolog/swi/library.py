"""Where SWI-Prolog's shared library and its home folder are, and which version it is."""

from __future__ import annotations

import ctypes
import os
import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path

from generators.domain import BadProblem

_MISSING = "SWI-Prolog was not found: install swi-prolog-nox (apt) or set LIBSWIPL_PATH and SWI_HOME_DIR"


class NoProlog(BadProblem):
    """SWI-Prolog is not there, or what was named is not it."""


def located() -> tuple[str, str]:
    """The path of the shared library and SWI-Prolog's home folder. Raises NoProlog.

    LIBSWIPL_PATH and SWI_HOME_DIR decide; if only one is set, the other is looked for near it, since parts of
    two installations do not work together. If none is, the `swipl` on the path is asked.
    """
    return _located(os.environ.get("LIBSWIPL_PATH", ""), os.environ.get("SWI_HOME_DIR", ""))


def version() -> str:
    """The version of that library, as `9.0.4`, without starting an engine. Raises NoProlog."""
    return _version(located()[0])


@cache
def _version(library: str) -> str:
    try:
        opened = ctypes.CDLL(library)
        # Renamed in 8.5.2; neither needs a started engine.
        asked = opened.PL_version_info if hasattr(opened, "PL_version_info") else opened.PL_version
    except (OSError, AttributeError):
        raise NoProlog(f"{library} is not SWI-Prolog's shared library; see LIBSWIPL_PATH") from None
    number = asked(1)
    return f"{number // 10_000}.{number // 100 % 100}.{number % 100}"


@cache
def _located(library: str, home: str) -> tuple[str, str]:
    if not library and not home:
        return _from_command()
    if not library:
        library = _library_of(Path(home))
    elif Path(library).is_dir():
        library = _library_near(Path(library))
    if not Path(library).is_file():
        raise NoProlog(f"LIBSWIPL_PATH={library}: there is no such file")
    home = home or _home_near(Path(library).resolve())
    if not (Path(home) / "boot.prc").is_file():
        raise NoProlog(f"SWI_HOME_DIR={home}: this is no home of SWI-Prolog, for it has no boot.prc")
    return library, home


def _library_of(home: Path) -> str:
    with suppress(NoProlog):
        return _library_near(home)
    # A distribution puts it where all libraries are.
    with suppress(NoProlog):
        library, other = _from_command()
        if home.resolve() == Path(other).resolve():
            return library
    raise NoProlog(f"SWI_HOME_DIR={home}: its library was not found; set LIBSWIPL_PATH to libswipl.so")


def _library_near(folder: Path) -> str:
    for pattern in ("libswipl.so*", "lib/*/libswipl.so*", "lib/libswipl.so*", "../libswipl.so*"):
        found = sorted(folder.glob(pattern))
        if found:
            return str(found[0].resolve())
    raise NoProlog(f"there is no libswipl.so in or near {folder}; set LIBSWIPL_PATH to its file")


def _home_near(library: Path) -> str:
    for folder in library.parents:
        for home in ("", "swipl", "swi-prolog", "lib/swipl", "lib/swi-prolog", "home"):
            if (folder / home / "boot.prc").is_file():
                return str(folder / home)
    raise NoProlog(f"SWI-Prolog's home was not found near {library}; set SWI_HOME_DIR")


def _from_command() -> tuple[str, str]:
    command = ["swipl", "--dump-runtime-variables"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        raise NoProlog(_MISSING) from None
    pairs = (line.rstrip(";").split("=", 1) for line in told.splitlines() if "=" in line)
    variables = {name: value.strip('"') for name, value in pairs}
    home = variables.get("PLBASE", "")
    if variables.get("PLSHARED") != "yes":
        raise NoProlog("the swipl on the path has no shared library; set LIBSWIPL_PATH and SWI_HOME_DIR")
    # Before 9.0.1 it did not say where the library is.
    return variables.get("PLLIBSWIPL") or _library_near(Path(home)), home
