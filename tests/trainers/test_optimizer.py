"""Muon with AdamW as one optimizer, and the schedule."""

from __future__ import annotations

import copy

import pytest
import torch
from transformers import PreTrainedModel

from trainers.config import Fit, Model
from trainers.model import build
from trainers.optimizer import MuonAdamW, adopt, optimizer, orthogonal, schedule
from trainers.tokens import Tokens

TINY = Model(layers=2, width=32, heads=2, kv_heads=1, context=32)
TOKENS = Tokens(size=64, words=20)


def network(**changes: object) -> PreTrainedModel:
    torch.manual_seed(0)
    return build(Model(**{**vars(TINY), **changes}), TOKENS)


def give_gradients(model: PreTrainedModel, seed: int) -> None:
    drawn = torch.Generator().manual_seed(seed)
    for weight in model.parameters():
        weight.grad = torch.randn(weight.shape, generator=drawn) * 0.01


def test_muon_equals_torch_up_to_its_bfloat16() -> None:
    ours, theirs = network(), network()
    hidden = [weight for weight in theirs.base_model.layers.parameters() if weight.ndim == 2]
    fit = Fit(muon_learning_rate=0.02, weight_decay=0.1)
    step, reference = optimizer(ours, fit), torch.optim.Muon(hidden, lr=0.02, weight_decay=0.1)
    before = copy.deepcopy(ours)
    for seed in range(3):
        give_gradients(ours, seed)
        give_gradients(theirs, seed)
        step.step()
        reference.step()
    for name, start in before.base_model.layers.named_parameters():
        if start.ndim == 2:
            moved = ours.base_model.layers.get_parameter(name) - start
            expected = theirs.base_model.layers.get_parameter(name) - start
            assert (moved - expected).norm() < 0.02 * expected.norm()


@pytest.mark.parametrize("tied", [True, False])
def test_the_rest_equals_adamw(tied: bool) -> None:
    ours, theirs = network(tied=tied), network(tied=tied)
    names = [n for n, w in ours.named_parameters() if w.ndim == 1 or "embed" in n or "lm_head" in n]
    assert ("lm_head.weight" in names) != tied
    fit = Fit(learning_rate=0.01)
    reference = torch.optim.AdamW(
        [theirs.get_parameter(name) for name in names], lr=0.01, betas=(0.9, 0.99), weight_decay=0
    )
    step = optimizer(ours, fit)
    for seed in range(3):
        give_gradients(ours, seed)
        give_gradients(theirs, seed)
        step.step()
        reference.step()
    for name in names:
        torch.testing.assert_close(ours.get_parameter(name), theirs.get_parameter(name))


@pytest.mark.parametrize("kind", ["muon", "adamw"])
def test_every_weight_is_trained_once(kind: str) -> None:
    model = network()
    groups = optimizer(model, Fit(optimizer=kind)).param_groups
    held = [id(weight) for group in groups for weight in group["params"]]
    assert sorted(held) == sorted(id(weight) for weight in model.parameters())


@pytest.mark.parametrize("shape", [(3, 32, 32), (2, 96, 32), (2, 8, 64)])
def test_updates_become_nearly_orthogonal(shape: tuple[int, int, int]) -> None:
    found = orthogonal(torch.randn(shape, generator=torch.Generator().manual_seed(0)))
    assert found.shape == shape
    values = torch.linalg.svdvals(found)
    assert values.max() < 1.3
    assert values.median() > 0.6


@pytest.mark.parametrize("kind", ["muon", "adamw"])
def test_a_restored_state_goes_on_as_if_nothing_had_happened(kind: str) -> None:
    model = network()
    fit = Fit(optimizer=kind)
    first = optimizer(model, fit)
    give_gradients(model, 0)
    first.step()
    twin = copy.deepcopy(model)
    second = optimizer(twin, fit)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for one, chosen in ((model, first), (twin, second)):
        give_gradients(one, 1)
        chosen.step()
    for one, other in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(one, other)


def test_adopted_moments_keep_the_new_rates() -> None:
    model = network()
    old, new = optimizer(model, Fit(learning_rate=0.1)), optimizer(model, Fit(learning_rate=0.2))
    give_gradients(model, 0)
    old.step()
    adopt(new, old.state_dict())
    assert isinstance(new, MuonAdamW)
    assert new.param_groups[1]["lr"] == 0.2
    weight = model.get_input_embeddings().weight
    assert torch.equal(new.state[weight]["exp_avg"], old.state[weight]["exp_avg"])
    assert new.state[weight]["step"] == 1


def test_moments_of_another_model_are_refused() -> None:
    other = optimizer(network(layers=1), Fit())
    with pytest.raises(ValueError, match="do not fit"):
        adopt(optimizer(network(), Fit()), other.state_dict())


def test_the_rate_warms_up_and_decays_to_its_final_fraction() -> None:
    linear = schedule(Fit(steps=100, warmup=10, decay="linear", final_fraction=0.1))
    assert linear(0) == pytest.approx(1 / 11)
    assert max(range(100), key=linear) == 10
    assert linear(55) == pytest.approx(0.55)
    assert linear(100) == pytest.approx(0.1)
    cosine = schedule(Fit(steps=100, warmup=0, decay="cosine"))
    assert [cosine(step) for step in (0, 50, 100)] == pytest.approx([1, 0.5, 0])
    assert schedule(Fit(steps=100, warmup=10, decay="none"))(99) == 1
