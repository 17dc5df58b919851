"""Which of its checkpoints an evaluation is about."""

from __future__ import annotations

from collections.abc import Sequence

START = "start"
"""The arm of the checkpoint from which a bootstrap starts, and the only one without it."""


def final(arms: Sequence[str | None]) -> int:
    """The place of the checkpoint that an evaluation is about: the model arm's last, or else the first one.

    `arms` are those of its checkpoints in their order, in which the rounds of an arm follow each other.
    """
    return max((at for at, arm in enumerate(arms) if arm == "model"), default=0)
