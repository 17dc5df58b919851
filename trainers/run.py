"""The folder of one training run: its settings, the state to go on from, and its summary when it is done."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trainers.config import BadSettings, Fit, Model

SETTINGS = "run.json"
SUMMARY = "fit.json"
UNSEEN = ("loggers", "log_every", "save_every", "devices", "nodes", "start")
"""Settings that decide no weight, and the path of the start, which can be written in several ways."""


@dataclass(frozen=True)
class Run:
    """What stands in `out` beside the checkpoints."""

    out: Path
    settings: dict[str, Any]

    @classmethod
    def of(cls, out: Path, model: Model, fit: Fit, examples: int, tokens: int) -> Run:
        """The run of these settings on this data, in the words of JSON."""
        settings = {
            "model": asdict(model),
            "fit": {name: value for name, value in asdict(fit).items() if name not in UNSEEN},
            "data": {"examples": examples, "tokens": tokens},
        }
        return cls(out, json.loads(json.dumps(settings)))

    def summary(self) -> dict[str, Any] | None:
        """What a finished run returned; None if there is none."""
        path = self.out / SUMMARY
        return json.loads(path.read_text()) if path.exists() else None

    def begin(self) -> None:
        """Write the settings; BadSettings when there is a state or a result of other ones."""
        path = self.out / SETTINGS
        if path.exists() and ((self.out / "last").exists() or (self.out / SUMMARY).exists()):
            _refuse_others(self.out, json.loads(path.read_text()), self.settings)
        else:
            write(path, self.settings)

    def clear(self) -> None:
        """Remove what an earlier run left."""
        for name in (SETTINGS, SUMMARY):
            (self.out / name).unlink(missing_ok=True)
        for path in (self.out / "best", self.out / "last", self.out / "logs", *self.out.glob("step-*")):
            shutil.rmtree(path, ignore_errors=True)

    def finish(self, summary: dict[str, Any]) -> None:
        """Write the summary, which makes the run finished."""
        write(self.out / SUMMARY, summary)


def _refuse_others(out: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    for part, settings in now.items():
        for name, value in settings.items():
            found = before.get(part, {}).get(name)
            if found != value:
                raise BadSettings(
                    f"{out} holds a run with {part}.{name} {found}, now it is {value}:"
                    " take another folder or start afresh"
                )


def write(path: Path, content: dict[str, Any]) -> None:
    """Publish a JSON file in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")  # a name that every stage clears away
    partial.write_text(json.dumps(content, indent=2) + "\n")
    partial.replace(path)
