"""What is right before it is spoilt: small artifacts of every stage, and a checkpoint of each domain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import finished
import players

SMALL = {
    "generate": {"rows": 200, "shard_rows": 100},
    "evaluate": {"problems": 12, "samples": 2},
    "bootstrap": {"rounds": 1, "samples": 2, "prompts": 10},
}
STAGES = ("generate", "curate", "encode", "train", "bootstrap", "evaluate")


@dataclass(frozen=True)
class Corpus:
    """A folder with all of it, which no case changes: each has copies."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Corpus:
        """Make it; takes some seconds."""
        finished.finished(finished.recipe(**SMALL), folder / "artifacts")
        knobs = {"width": 5, "height": 5}
        players.untrained(folder / "maze", "cells", **knobs, domain="maze")
        players.untrained(folder / "prolog", "symbolic", domain="prolog")
        players.untrained(folder / "chess", "action-value")
        return cls(folder)

    @cached_property
    def artifacts(self) -> dict[str, Path]:
        """The artifact of each stage."""
        return {stage: next((self.folder / "artifacts" / stage).iterdir()) for stage in STAGES}

    def checkpoint(self, domain: str) -> Path:
        """A checkpoint with random weights."""
        return self.folder / domain / "last"
