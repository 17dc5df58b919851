"""What the pipeline refuses, in sentences that a user can act on."""

from __future__ import annotations

import errno


class Refusal(Exception):
    """Something the user asked for cannot be done; the message says why and what to do next."""


class Damaged(Refusal):
    """A file of an artifact is missing or is not what its manifest says."""


class Unfinished(Refusal):
    """An artifact has no manifest: it was never finished."""


def brief(text: object, most: int = 80) -> str:
    """The beginning of something that a user has written, for a sentence about it."""
    words = str(text)
    return words if len(words) <= most else f"{words[:most]}…"


def told(error: Exception) -> str | None:
    """What to tell a user about a fault, or None for a fault of ours."""
    from concurrent.futures.process import BrokenProcessPool

    from generators.domain import BadProblem
    from trainers.config import BadSettings

    if isinstance(error, Refusal | BadProblem | BadSettings):
        return str(error)
    if isinstance(error, BrokenProcessPool):
        return (
            "a worker process died, perhaps for want of memory; finished shards are kept."
            " Run the same command again, with fewer --workers"
        )
    if isinstance(error, OSError):
        place = f": {brief(error.filename, 300)}" if error.filename else ""
        if error.errno == errno.ENOSPC or "No space left" in str(error):
            return (
                f"the disk is full{place}; what is finished is kept, make room and run the same command again"
            )
        return f"{error.strerror or error}{place}; what is finished is kept, run the same command again"
    return None
