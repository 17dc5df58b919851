"""Fixtures that several test files of the trainers share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# Test files are imported by path, so `encoded` is made importable for them and for their child processes.
sys.path.insert(0, str(Path(__file__).parent))

from encoded import write_copying


@pytest.fixture(scope="session")
def copying(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy task, encoded; nobody writes to it."""
    return write_copying(tmp_path_factory.mktemp("copying") / "ids")
