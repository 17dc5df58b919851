"""Depths of the same number of parameters."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from trainers import checkpoint
from trainers.config import BadSettings, Model, Shape
from trainers.model import build
from trainers.shape import parameters, resolved
from trainers.tokens import Tokens

CHESS = Tokens(size=3200, words=3190)


@pytest.mark.parametrize("layers", [2, 4, 8, 16])
@pytest.mark.parametrize("kv_heads", [8, 2, 1])
def test_depths_of_9_million_parameters_come_within_2_percent(layers: int, kv_heads: int) -> None:
    model = Model(shape=Shape(parameters=9_000_000, layers=layers), heads=8, kv_heads=kv_heads)
    found = resolved(model, CHESS)
    with torch.device("meta"):
        made = checkpoint.parameters(build(model, CHESS))
    assert abs(made / 9e6 - 1) < 0.02
    assert (found.layers, found.shape, found.width % 16) == (layers, None, 0)
    assert 2 <= found.feedforward / found.width <= 3.5  # about 8/3


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"family": "qwen3", "kv_heads": 4},
        {"tied": False, "heads": 2},
        {"feedforward": 100},
        {"shape": Shape(parameters=300_000, layers=3), "family": "qwen3"},
    ],
)
def test_parameters_are_counted_as_they_are_built(settings: dict[str, Any]) -> None:
    model = Model(**settings)
    assert parameters(resolved(model, CHESS), CHESS) == checkpoint.parameters(build(model, CHESS))


def test_the_width_is_the_one_that_comes_nearest() -> None:
    model = Model(shape=Shape(parameters=1_000_000, layers=3), feedforward=512)
    found = resolved(model, CHESS)
    off = {width: abs(parameters(Model(layers=3, width=width, feedforward=512), CHESS) - 10**6)
           for width in range(8, 512, 8)}  # fmt: skip
    assert off[found.width] == min(off.values())


def test_a_model_without_a_shape_stays_as_it_is() -> None:
    assert resolved(Model(layers=3, width=64), CHESS) == Model(layers=3, width=64)


def test_what_no_width_can_meet_is_refused() -> None:
    model = Model(shape=Shape(parameters=10_000, layers=4), heads=8)
    with pytest.raises(
        BadSettings, match=r"asks for 10,000 parameters in 4 layers; .* 16 wide and has 5\d,\d+"
    ):
        resolved(model, CHESS)


@pytest.mark.parametrize(("name", "value"), [("layers", 6), ("width", 256)])
def test_two_shapes_are_refused(name: str, value: int) -> None:
    with pytest.raises(BadSettings, match=rf"model\.{name} is {value}, but model\.shape decides it"):
        Model(shape=Shape(parameters=10**6, layers=4), **{name: value})  # type: ignore[arg-type]
    with pytest.raises(BadSettings, match="at least 1, got 0 and 2"):
        Shape(parameters=0, layers=2)


def test_heads_need_not_divide_a_width_that_is_not_used() -> None:
    assert (
        resolved(Model(shape=Shape(parameters=10**6, layers=4), heads=6, kv_heads=2), CHESS).width % 12 == 0
    )
