"""Numbers as targets over return buckets."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from encoded import BOS, write_split, write_tokens

from trainers.config import BadSettings, Fit, Model, Values
from trainers.fit import fit
from trainers.targets import centres, distribution, expected, refuse_impossible, value_losses

NUMBERS = torch.tensor([0.0, 0.1, 0.5, 0.93, 1.0])


@pytest.mark.parametrize("target", ["hl-gauss", "one-hot"])
def test_a_target_is_a_distribution_around_its_number(target: str) -> None:
    found = distribution(NUMBERS, Values(buckets=32, target=target))
    assert found.min() >= 0
    assert torch.allclose(found.sum(-1), torch.ones(5))
    # At the ends the mass lies on one side only, so the mean is off by a bucket at most.
    assert ((found @ centres(32)) - NUMBERS).abs().max() < 1 / 32


def test_hl_gauss_integrates_a_normal_density_over_each_bucket() -> None:
    (found,) = distribution(torch.tensor([0.5]), Values(buckets=8, sigma=0.75))

    def below(edge: float) -> float:
        return (1 + math.erf((edge - 0.5) * 8 / 0.75 / math.sqrt(2))) / 2

    masses = [below((k + 1) / 8) - below(k / 8) for k in range(8)]
    assert found.tolist() == pytest.approx([mass / sum(masses) for mass in masses], abs=1e-6)


def test_one_hot_marks_the_bucket_that_holds_the_number() -> None:
    found = distribution(NUMBERS, Values(buckets=10, target="one-hot"))
    assert found.argmax(-1).tolist() == [0, 0, 4, 9, 9]
    assert found.max(-1).values.tolist() == [1.0] * 5


@pytest.mark.parametrize("buckets", [2, 16, 128])
def test_a_number_on_an_inner_edge_belongs_to_the_lower_bucket(buckets: int) -> None:
    edges = np.arange(buckets + 1, dtype=np.float32) / np.float32(buckets)
    numbers = np.concatenate([edges, edges[:-1] + 0.5 / buckets]).astype(np.float32)
    found = distribution(torch.from_numpy(numbers), Values(buckets=buckets, target="one-hot"))
    assert found.argmax(-1).tolist() == np.searchsorted(edges[1:-1], numbers, side="left").tolist()


OUTER = (-3.0, -2.0, -1.0, 2.0, 3.0, 4.0)


@pytest.mark.parametrize("target", ["hl-gauss", "one-hot"])
def test_outer_classes_stand_in_order_around_the_buckets(target: str) -> None:
    numbers = torch.tensor([*OUTER[:3], 0.0, 1.0, *OUTER[3:]])
    found = distribution(numbers, Values(buckets=8, target=target), outer=3)
    assert found.shape == (8, 14)
    assert found.argmax(-1).tolist() == [0, 1, 2, 3, 10, 11, 12, 13]
    assert torch.allclose(found.sum(-1), torch.ones(8))
    assert found[[0, 1, 2, 5, 6, 7]].max(-1).values.tolist() == [1.0] * 6


def test_numbers_between_0_and_1_give_nothing_to_outer_classes() -> None:
    plain = distribution(NUMBERS, Values(buckets=8))
    found = distribution(NUMBERS, Values(buckets=8), outer=2)
    assert torch.equal(found[:, 2:-2], plain)
    assert not found[:, :2].any()
    assert not found[:, -2:].any()


def test_middles_continue_the_grid_so_that_a_faster_mate_counts_for_more() -> None:
    middles = centres(8, outer=3).tolist()
    assert middles == pytest.approx([(place - 3 + 0.5) / 8 for place in range(14)])
    assert middles[-3:] == pytest.approx([(8 + j - 0.5) / 8 for j in (1, 2, 3)])
    assert middles[:3] == pytest.approx([-(j - 0.5) / 8 for j in (3, 2, 1)])
    certain = torch.full((14, 14), -50.0).fill_diagonal_(50.0)
    assert expected(certain, outer=3).tolist() == pytest.approx(middles)


def test_l2_takes_the_middle_of_an_outer_class() -> None:
    numbers = torch.tensor([-2.0, 0.3, 3.0])
    logits = torch.randn(3, 12, generator=torch.Generator().manual_seed(0))
    found = value_losses(logits, numbers, Values(buckets=8, target="l2"), outer=2)
    meant = torch.tensor([-1.5 / 8, 0.3, 9.5 / 8])
    assert torch.allclose(found, (expected(logits, outer=2) - meant) ** 2)


@pytest.mark.parametrize("value", [-0.1, 1.5, 1.0001, 5.0, -4.0, math.nan, math.inf])
def test_other_numbers_are_refused(value: float) -> None:
    refuse_impossible(np.array([*OUTER, 0.0, 0.5, 1.0], np.float32), 3)
    with pytest.raises(BadSettings, match=r"example 1 has the value .* whole numbers from -3 to 4"):
        refuse_impossible(np.array([0.5, value], np.float32), 3)


def test_l2_is_the_squared_error_of_the_expected_number() -> None:
    logits = torch.randn(5, 16, generator=torch.Generator().manual_seed(0))
    found = value_losses(logits, NUMBERS, Values(buckets=16, target="l2"))
    assert torch.allclose(found, (expected(logits) - NUMBERS) ** 2)


@pytest.mark.parametrize("target", ["hl-gauss", "one-hot"])
def test_cross_entropy_is_smallest_at_the_target_itself(target: str) -> None:
    values = Values(buckets=16, target=target)
    best = value_losses(distribution(NUMBERS, values).clamp(min=1e-9).log(), NUMBERS, values)
    other = value_losses(torch.zeros(5, 16), NUMBERS, values)
    assert (best < other).all()


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    """The value of a prompt is how many of its words are 4 rather than 5."""
    rng = np.random.default_rng(0)
    texts = rng.integers(4, 6, (300, 8))
    rows = [([BOS, *text], [[]]) for text in texts.tolist()]
    values = (texts == 4).mean(1)
    folder = tmp_path / "ids"
    write_tokens(folder, 6, buckets=16)
    write_split(folder, "train", rows[:260], values=values[:260])
    write_split(folder, "validation", rows[260:], values=values[260:])
    return folder


TINY = Model(layers=2, width=32, heads=2, kv_heads=1, context=16)


@pytest.mark.parametrize(("target", "below"), [("hl-gauss", 1.9), ("one-hot", 1.3), ("l2", 0.01)])
def test_values_are_learned(numbers: Path, tmp_path: Path, target: str, below: float) -> None:
    values = Values(buckets=16, target=target)
    settings = Fit(steps=120, batch_tokens=512, warmup=5, values=values, loggers=(), validate_every=60)
    found = fit(ids=numbers, out=tmp_path / "run", model=TINY, fit=settings, progress=False)
    assert found["best_validation_loss"] < below


def test_another_number_of_buckets_than_the_data_has_is_refused(numbers: Path, tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"fit\.values\.buckets is 128, the data was encoded with 16"):
        fit(ids=numbers, out=tmp_path / "run", model=TINY, fit=Fit(batch_tokens=512))
