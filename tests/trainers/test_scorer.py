"""Values and likelihoods of candidates against one forward for each."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from students import TOKENS, student

from trainers import scorer
from trainers.config import BadSettings
from trainers.scorer import preferences, score
from trainers.tokens import Tokens

VALUES = Tokens(size=64, words=60, value_start=40, value_buckets=16)
RNG = np.random.default_rng(4)
PROMPTS = [RNG.integers(3, 40, length) for length in (5, 12, 3)]
CANDIDATES = [
    [RNG.integers(3, 40, length) for length in (1, 2, 1)],
    [],
    [np.empty(0, dtype=np.int64), RNG.integers(3, 40, 6)],
]


def test_scores_equal_a_forward_for_each_document(monkeypatch: pytest.MonkeyPatch) -> None:
    model = student(tokens=VALUES)
    found = score(model, PROMPTS, CANDIDATES, VALUES)
    assert [len(values) for values in found] == [3, 0, 2]
    middles = (np.arange(16) + 0.5) / 16
    for prompt, choices, values in zip(PROMPTS, CANDIDATES, found, strict=True):
        for candidate, value in zip(choices, values, strict=True):
            ids = torch.tensor(np.concatenate((prompt, candidate)))[None]
            chances = model(ids).logits[0, -1, 40:56].softmax(-1).detach().numpy()
            assert value == pytest.approx(float(chances @ middles), abs=1e-5)
    monkeypatch.setattr(scorer, "PACK_TOKENS", 15)
    for whole, packed in zip(found, score(model, PROMPTS, CANDIDATES, VALUES), strict=True):
        np.testing.assert_allclose(whole, packed, atol=1e-6)


def test_scores_are_numbers_between_0_and_1_that_tell_candidates_apart() -> None:
    values = score(student(tokens=VALUES), PROMPTS, CANDIDATES, VALUES)[0]
    assert values.dtype == np.float32
    assert ((values > 0) & (values < 1)).all()
    assert len(set(values.tolist())) == 3


def test_nothing_asked_nothing_scored() -> None:
    assert score(student(tokens=VALUES), [], [], VALUES) == []
    assert [len(values) for values in score(student(tokens=VALUES), PROMPTS[:1], [[]], VALUES)] == [0]


def test_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(BadSettings, match="hold no value buckets"):
        score(student(), PROMPTS, CANDIDATES, TOKENS)
    with pytest.raises(BadSettings, match="1 to 8 tokens, the longest has 9"):
        score(student(context=8, tokens=VALUES), PROMPTS[2:], CANDIDATES[2:], VALUES)


def test_outer_classes_take_a_score_beyond_1() -> None:
    model, outer = (
        student(tokens=VALUES),
        Tokens(size=64, words=60, value_start=40, value_buckets=16, value_outer=4),
    )
    with torch.no_grad():
        model.get_output_embeddings().weight[55] += (
            100 * model(torch.tensor(PROMPTS[0])[None], output_hidden_states=True).hidden_states[-1][0, -1]
        )
    (found,) = score(model, PROMPTS[:1], [[np.empty(0, dtype=np.int64)]], outer)
    assert found == pytest.approx([(8 + 4 - 0.5) / 8])


def test_preferences_are_log_probabilities_of_the_next_token() -> None:
    model = student()
    choices = [[7, 30, 3], [], [49]]
    found = preferences(model, PROMPTS, choices)
    assert [row.dtype for row in found] == [np.float32] * 3
    for prompt, chosen, row in zip(PROMPTS, choices, found, strict=True):
        logits = model(torch.tensor(prompt)[None]).logits[0, -1]
        np.testing.assert_allclose(row, logits.log_softmax(-1).detach().numpy()[chosen], atol=1e-5)
    assert preferences(model, [], []) == []
    with pytest.raises(BadSettings, match="1 to 8 tokens, the longest has 12"):
        preferences(student(context=8), PROMPTS[1:2], [[3]])
