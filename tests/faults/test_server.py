"""A store that breaks for two seconds, and a machine that dies while it uploads."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("moto.server", reason="moto is not installed (extra dev)")

from faults import server


def test_a_store_that_breaks_loses_nothing(tmp_path: Path) -> None:
    trials = list(server.broken(0, "small", tmp_path))
    assert len(trials) == 3
    assert [trial for trial in trials if trial.lost] == []


def test_a_machine_that_dies_in_mid_upload_loses_nothing(tmp_path: Path) -> None:
    trials = list(server.killed(0, "small", tmp_path))
    assert len(trials) == 1
    assert [trial for trial in trials if trial.lost] == []
