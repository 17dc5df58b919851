"""Who makes the shards, in which order and beside whom, a little of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faults.order import FAULTS, Array


@pytest.mark.parametrize(
    "teacher",
    ["mazes", *(pytest.param(name, marks=pytest.mark.engine) for name in ("theories", "chess"))],
)
def test_the_bytes_do_not_depend_on_who_makes_the_shards(teacher: str, tmp_path: Path) -> None:
    fault = next(each for each in FAULTS if each.name.endswith(teacher))
    trials = list(fault.trials(0, "small", tmp_path))
    assert [trial.lost for trial in trials] == [None, None]


def test_an_array_makes_every_shard_and_some_at_the_same_time() -> None:
    for seed in range(50):
        array = Array.drawn(10, np.random.default_rng(seed))
        assert {shard for wave in array.waves for shards in wave for shard in shards} == set(range(10))
        first, second, third = map(set, array.waves[0])
        assert first & second
        assert first & third
