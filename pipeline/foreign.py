"""What goes wrong in a domain of an installed package, as a sentence that names the package."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from generators.domain import BadProblem, Domain
from generators.installed import package_of
from pipeline.errors import Refusal


@contextmanager
def blamed(domain: Domain) -> Iterator[None]:
    """Faults of a foreign domain's code become Refusals; those of ours stay what they are."""
    package = package_of(domain.name)
    try:
        yield
    except (BadProblem, Refusal, OSError, MemoryError):
        raise
    except Exception as error:  # whatever a foreign module raises
        if package is None or os.environ.get("DISTILL_TRACEBACK"):
            raise
        raise Refusal(
            f"the domain '{domain.name}' of the package {package} fails: {fault(error)};"
            f" `distill conform {domain.name}` tells more, DISTILL_TRACEBACK=1 where it is raised"
        ) from error


def fault(error: Exception) -> str:
    """An error with the place at which it was raised, in one line."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    told = " ".join(str(error).split())[:200]
    return f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}: {told}"


def require_columns(
    domain: Domain, frame: pl.DataFrame, columns: Mapping[str, pl.DataType], method: str
) -> None:
    """Raise Refusal where a foreign domain gives a column in another type than it declares, or not at all."""
    package = package_of(domain.name)
    if package is None:
        return
    for name, kind in columns.items():
        found = frame.schema.get(name)
        if found != kind:
            gives = f"gives no column '{name}'" if found is None else f"gives the column '{name}' as {found}"
            raise Refusal(
                f"`{method}` of the domain '{domain.name}' of the package {package} {gives}, but it must be"
                f" {str(kind)[:60]}; `distill conform {domain.name}` tells more"
            )
