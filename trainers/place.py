"""Where a process stands among those that train and sample together; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """One process among several, each with a device of its own; the only one of one by default."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    """Its number on its node, which is that of its device."""
    local_size: int = 1

    @property
    def node(self) -> int:
        """The number of its node; nodes have equal numbers of processes."""
        return self.rank // self.local_size

    @property
    def nodes(self) -> int:
        """How many there are."""
        return self.size // self.local_size
