"""Several devices: any number of them trains on the same steps, and goes on where another was stopped."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from encoded import write_copying
from joined import together
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from trainers.config import BadSettings, Fit, Model
from trainers.fit import fit

TINY = Model(layers=1, width=32, heads=2, kv_heads=1, context=32)
FIVE = Fit(
    steps=6,
    batch_tokens=128,
    accumulate=5,
    warmup=2,
    log_every=2,
    save_every=3,
    validate_every=3,
    validation_rows=20,
    loggers=("csv",),
)


@pytest.fixture(scope="module")
def alone(copying: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("alone") / "run"
    summary = fit(ids=copying, out=out, model=TINY, fit=FIVE, progress=False)
    (out / "told.json").write_text(json.dumps(summary))
    return out


def figures(out: Path) -> list[dict[str, str]]:
    with (out / "logs" / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def assert_same_run(ours: Path, theirs: Path) -> None:
    """The same steps: counts are equal, losses and weights up to the rounding of sums."""
    for mine, other in zip(figures(ours), figures(theirs), strict=True):
        for name in ("step", "tokens", "predicted", "epoch", "real_share"):
            assert mine[name] == other[name], name
        for name in ("train_loss", "validation_loss"):
            assert float(mine[name] or 0) == pytest.approx(float(other[name] or 0), rel=1e-4)
    for name in ("best", "last"):
        one, two = (load_file(out / name / "model.safetensors") for out in (ours, theirs))
        for key in one:
            torch.testing.assert_close(one[key], two[key], atol=1e-3, rtol=1e-2)


def test_three_processes_train_on_the_steps_of_one(copying: Path, alone: Path, tmp_path: Path) -> None:
    assert together(3, copying, tmp_path / "run", TINY, FIVE) == [0, 0, 0]
    assert_same_run(tmp_path / "run", alone)
    ours, theirs = (json.loads((out / "told.json").read_text()) for out in (tmp_path / "run", alone))
    assert (ours["devices"], theirs["devices"]) == (3, 1)
    for name in ("steps", "tokens", "predicted", "real_share", "best_step"):
        assert ours[name] == theirs[name]
    assert 0 < ours["tokens_per_second"] <= ours["tokens"] / 0.01
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "run" / "last").config.vocab_size == 64


def test_a_run_killed_on_two_devices_goes_on_with_one(copying: Path, alone: Path, tmp_path: Path) -> None:
    codes = together(2, copying, tmp_path / "run", TINY, FIVE, dies=True)
    assert codes[0] == -9
    assert codes[1] not in (0, -9)  # the other one notices by itself
    summary = fit(ids=copying, out=tmp_path / "run", model=TINY, fit=FIVE, progress=False)
    assert (summary["steps"], summary["devices"]) == (6, 1)
    assert_same_run(tmp_path / "run", alone)


def test_settings_that_name_other_processes_are_refused(copying: Path, tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"fit\.devices 2 and .* do not match .* 1 on each of 1"):
        fit(ids=copying, out=tmp_path, model=TINY, fit=replace(FIVE, devices=2), progress=False)


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_two_gpus_train_on_the_steps_of_one(tmp_path: Path) -> None:
    ids = write_copying(tmp_path / "ids")
    model, settings = replace(TINY, width=128), replace(FIVE, precision="32-true", compile="off")
    fit(ids=ids, out=tmp_path / "one", model=model, fit=settings, progress=False)
    assert together(2, ids, tmp_path / "two", model, settings) == [0, 0]
    one, two = (float(figures(tmp_path / name)[-1]["train_loss"]) for name in ("one", "two"))
    assert one == pytest.approx(two, rel=1e-3)
