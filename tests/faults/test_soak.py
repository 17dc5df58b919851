"""Generation with flat memory, some seconds of it; and leaks, which must be seen."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from faults.census import marked
from faults.leaks import Leaking
from faults.soak import FAULTS, MARK, SECONDS, soaked
from faults.trend import trend
from faults.trial import Trial
from pipeline.recipe import Generate, Recipe
from pipeline.stages.generate import WriteShard

TEACHERS = ("mazes", "theories backward", "theories forward", "chess")


@pytest.mark.engine
def test_every_teacher_generates_with_flat_memory(tmp_path: Path) -> None:
    asked = [fault for fault in FAULTS if fault.name.removeprefix("soak, ") in TEACHERS]
    assert len(asked) == len(TEACHERS)

    def tried(at: int) -> list[Trial]:
        return list(asked[at].trials(0, "small", tmp_path / str(at)))

    with ThreadPoolExecutor() as side_by_side:
        trials = [trial for each in side_by_side.map(tried, range(len(asked))) for trial in each]
    assert len(trials) == len(TEACHERS)
    assert [trial for trial in trials if trial.lost] == []


def leaking(leak: str) -> Callable[[Path], WriteShard]:
    """Shards of a stand-in that keeps something of each."""
    recipe = Recipe(name="leaking", domain=Leaking(leak=leak), generate=Generate(rows=50, shard_rows=50))  # type: ignore[arg-type]
    return lambda folder: WriteShard(recipe, folder, "soak")


@pytest.mark.parametrize(
    ("leak", "told"),
    [
        ("nothing", None),
        ("memory", "memory grows"),
        ("handles", "handles"),
        ("processes", "processes left behind"),
        ("zombies", "zombies"),
        ("files", "left behind"),
    ],
)
def test_a_leak_is_seen(leak: str, told: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SECONDS, "small", 1.0)
    (trial,) = soaked(leak, leaking(leak), 0, "small", tmp_path)
    assert not marked(f"{MARK}={tmp_path / leak}")
    assert (trial.lost is None) == (told is None)
    assert told is None or told in str(trial.lost)


def test_a_trend_is_not_moved_by_outliers() -> None:
    times = np.arange(40.0)
    values = 3 * times + np.random.default_rng(0).normal(0, 1, 40)
    values[::7] += 500
    found = trend(times.tolist(), values.tolist())
    assert found.low < 3 < found.high
    assert found.high - found.low < 0.5
    assert trend([0, 1, 2, 3], [5, 5, 5, 5]).high == 0
    with pytest.raises(ValueError, match="3 samples"):
        trend([0, 1, 2], [1, 2, 3])
