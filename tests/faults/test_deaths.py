"""Engines, workers and heads that die in the middle of a shard: the same bytes in the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults import deaths


def test_engines_that_die_are_replaced(tmp_path: Path) -> None:
    trials = list(deaths.engines(0, "small", tmp_path))
    assert len(trials) == 2
    assert [trial for trial in trials if trial.lost] == []


@pytest.mark.cluster
def test_a_head_that_dies_is_told(tmp_path: Path) -> None:
    trials = list(deaths.heads(0, "small", tmp_path))
    assert len(trials) == 1
    assert [trial for trial in trials if trial.lost] == []
