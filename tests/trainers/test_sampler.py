"""The sampler against `generate`, against exact probabilities, and against itself in another order."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from students import FAMILIES, TOKENS, prompts_of, student
from transformers import PreTrainedModel

from trainers.cache import Geometry, RaggedCache, WindowCache
from trainers.config import BadSettings, Sampling
from trainers.decoding import Decoder, prefill
from trainers.drawing import allowed, drawer, probabilities
from trainers.engine import Engine
from trainers.randomness import philox, uniforms
from trainers.responses import Jobs, Queue, Response, Rollouts, response_limits
from trainers.sampler import sample
from trainers.tokens import Tokens

CPU = torch.device("cpu")
Prompts = tuple[list[NDArray[np.int64]], NDArray[np.uint64]]


def draw(
    model: PreTrainedModel, prompts: Prompts, samples: int = 1, seed: int = 0, **settings: Any
) -> Rollouts:
    return sample(model, *prompts, samples, Sampling(**settings), TOKENS, seed)


def same(one: Rollouts, two: Rollouts, pairs: Sequence[tuple[int, int]] | None = None) -> bool:
    """Whether ids and log-probabilities are equal to the last bit."""
    pairs = pairs if pairs is not None else [(i, i) for i in range(max(len(one), len(two)))]
    return all(
        np.array_equal(one.ids[i], two.ids[j])
        and np.array_equal(one.logprobs[i], two.logprobs[j])
        and one.ended[i] == two.ended[j]
        for i, j in pairs
    )


def close(one: Rollouts, two: Rollouts) -> bool:
    """Equal ids, and log-probabilities up to rounding."""
    ids = all(np.array_equal(a, b) for a, b in zip(one.ids, two.ids, strict=True))
    ended = np.array_equal(one.ended, two.ended)
    return (
        ids and ended and np.allclose(np.concatenate(one.logprobs), np.concatenate(two.logprobs), atol=2e-5)
    )


@pytest.fixture
def threads() -> Iterator[None]:
    """Two threads, and the old number again after."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("family", "kv_heads"), FAMILIES)
def test_greedy_equals_generate(family: str, kv_heads: int) -> None:
    model = student(family, kv_heads)  # type: ignore[arg-type]
    prompts = prompts_of(1, 2, 7, 30, 13)
    ours, theirs = (
        draw(model, prompts, temperature=0.0, max_new_tokens=40, sampler=name) for name in ("slots", "hf")
    )
    assert close(ours, theirs)


def test_greedy_ends_where_generate_ends() -> None:
    model = student()
    prompts = prompts_of(9)
    free = draw(model, prompts, temperature=0.0, max_new_tokens=12)
    # A word that the model writes becomes the end: both must stop there.
    tokens = Tokens(size=64, words=50, eos=int(free.ids[0][5]))
    ours, theirs = (
        sample(model, *prompts, 2, Sampling(temperature=0.0, sampler=name), tokens, 0)  # type: ignore[arg-type]
        for name in ("slots", "hf")
    )
    assert ours.ended.all()
    assert len(ours.ids[0]) == list(free.ids[0]).index(tokens.eos)
    assert close(ours, theirs)


def test_a_response_depends_on_its_own_prompt_and_key_alone() -> None:
    model = student()
    prompts, keys = prompts_of(4, 30, 1, 12, 7)
    whole = draw(model, (prompts, keys), 20)
    chosen = [3, 0, 4]
    part = draw(model, ([prompts[i] for i in chosen], keys[chosen]), 33)
    assert same(whole, part, [(i * 20 + j, k * 33 + j) for k, i in enumerate(chosen) for j in range(20)])
    assert len(np.unique([len(ids) for ids in whole.ids])) > 5


@pytest.mark.parametrize(
    "settings", [{"slots": 1}, {"slots": 5}, {"slots": 200}, {"token_budget": 1}, {"token_budget": 300}]
)
def test_slots_and_budget_do_not_change_a_response(settings: dict[str, Any]) -> None:
    model, prompts = student(), prompts_of(4, 11, 2)
    assert same(draw(model, prompts, 12), draw(model, prompts, 12, **settings))


@pytest.mark.usefixtures("threads")
def test_threads_do_not_change_a_response() -> None:
    model, prompts = student(), prompts_of(4, 11, 2)
    two = draw(model, prompts, 30)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    assert same(draw(model, prompts, 30), two)


def test_the_order_is_by_prompt_and_sample_and_progress_counts_all() -> None:
    told: list[int] = []
    prompts, keys = prompts_of(4, 11, 2)
    found = sample(student(), prompts, keys, 5, Sampling(), TOKENS, 0, told.append)
    assert found.prompt.tolist() == [0] * 5 + [1] * 5 + [2] * 5
    assert found.sample.tolist() == [*range(5)] * 3
    assert sum(told) == len(found) == 15


def test_seed_and_key_change_the_draws() -> None:
    model, (prompts, keys) = student(), prompts_of(6)
    base = draw(model, (prompts, keys), 4)
    assert same(base, draw(model, (prompts, keys), 4))
    assert not same(base, draw(model, (prompts, keys), 4, seed=1))
    assert not same(base, draw(model, (prompts, keys + np.uint64(1)), 4))
    assert len({ids.tobytes() for ids in base.ids}) == 4


def test_responses_are_cut_at_the_longest_length_or_the_context() -> None:
    model, prompts = student(context=40), prompts_of(5, 30)
    cut = draw(model, prompts, 30, max_new_tokens=6)
    lengths = np.array([len(logprobs) for logprobs in cut.logprobs])
    assert lengths.max() == 6
    assert (lengths[~cut.ended] == 6).all()
    full = draw(model, prompts, 30)
    lengths = np.array([len(logprobs) for logprobs in full.logprobs])
    assert set(lengths[(full.prompt == 1) & ~full.ended]) == {10}
    for ids, logprobs, ended in zip(full.ids, full.logprobs, full.ended, strict=True):
        assert len(logprobs) == len(ids) + ended
        assert TOKENS.eos not in ids


def test_only_words_are_ever_written() -> None:
    found = np.concatenate(draw(student(), prompts_of(3, 9), 60).ids)
    assert found.min() >= 3
    assert found.max() < TOKENS.words
    buckets = Tokens(size=64, words=50, value_start=40, value_buckets=10)
    assert allowed(buckets).nonzero()[:, 0].tolist() == [2, *range(3, 40)]


def test_log_probabilities_are_those_of_a_teacher_forced_forward() -> None:
    model, (prompts, keys) = student("qwen3"), prompts_of(5, 20)
    found = draw(model, (prompts, keys), 3, temperature=0.7, top_k=9)
    for row, (ids, logprobs) in enumerate(zip(found.ids, found.logprobs, strict=True)):
        prompt = prompts[found.prompt[row]]
        response = np.r_[ids, TOKENS.eos] if found.ended[row] else ids
        logits = model(torch.tensor(np.r_[prompt, response])[None]).logits[0, len(prompt) - 1 : -1]
        exact = logits.masked_fill(~allowed(TOKENS), -torch.inf).log_softmax(-1)
        chosen = exact[torch.arange(len(response)), torch.tensor(response)].detach().numpy()
        np.testing.assert_allclose(logprobs, chosen, atol=2e-5)


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(),
        Sampling(temperature=0.5),
        Sampling(temperature=2.0, top_k=5),
        Sampling(top_p=0.8),
        Sampling(temperature=1.5, top_k=12, top_p=0.9),
    ],
)
def test_draws_follow_the_exact_distribution(sampling: Sampling) -> None:
    rows, logits = 20_000, torch.randn(64, generator=torch.Generator().manual_seed(3)) * 2
    numbers = uniforms(1, 2, list(range(rows)), 1, CPU)[:, 0]
    choice, _ = drawer(sampling, allowed(TOKENS))(logits.expand(rows, -1), numbers)
    exact = by_hand(logits, sampling)
    counts = np.bincount(choice.numpy(), minlength=64)
    assert not counts[exact == 0].any()
    likely = exact * rows >= 5
    statistic = ((counts - exact * rows)[likely] ** 2 / (exact * rows)[likely]).sum()
    freedom = likely.sum()
    # Beyond five standard deviations of a chi-square variable: chance is out.
    assert statistic < freedom + 5 * np.sqrt(2 * freedom)


def by_hand(logits: torch.Tensor, sampling: Sampling) -> NDArray[np.float64]:
    """Temperature, then top-k, then top-p, over the allowed ids, one id at a time."""
    weights = np.exp(logits.double().numpy() / sampling.temperature)
    order = [i for i in np.argsort(-weights) if allowed(TOKENS)[i]]
    order = order[: sampling.top_k or None]
    share = weights[order] / weights[order].sum()
    kept = [i for i, before in zip(order, np.cumsum(share) - share, strict=True) if before < sampling.top_p]
    exact = np.zeros(64)
    exact[kept] = weights[kept] / weights[kept].sum()
    return exact


def test_top_k_keeps_exactly_k_of_equal_logits() -> None:
    kept = probabilities(torch.zeros(1, 64), Sampling(top_k=3))[0]
    assert kept.nonzero()[:, 0].tolist() == [0, 1, 2]


def test_a_whole_response_follows_the_model() -> None:
    """Frequencies of the first two words over many samples, against the product of exact probabilities."""
    model, samples = student(), 4000
    prompts, keys = prompts_of(3)
    found = draw(model, (prompts, keys), samples, temperature=0.4, max_new_tokens=2)
    pairs = [tuple(ids[:2]) for ids in found.ids if len(ids) == 2]
    commonest = max(set(pairs), key=pairs.count)
    ids = torch.tensor(np.r_[prompts[0], commonest])[None]
    logits = model(ids).logits[0, 2:4].double().masked_fill(~allowed(TOKENS), -torch.inf) / 0.4
    exact = float(logits.detach().softmax(-1)[torch.arange(2), torch.tensor(commonest)].prod())
    assert abs(pairs.count(commonest) / samples - exact) < 5 * np.sqrt(exact * (1 - exact) / samples)


def test_the_cipher_gives_the_published_numbers() -> None:
    """Known answers of philox4x32-10 from the Random123 distribution."""
    zeros, ones = torch.zeros(1, dtype=torch.int64), torch.full((1,), 0xFFFFFFFF)
    found = [int(word) for word in philox((zeros, zeros, zeros, zeros), (0, 0))]
    assert found == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    found = [int(word) for word in philox((ones, ones, ones, ones), (0xFFFFFFFF, 0xFFFFFFFF))]
    assert found == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]


def test_keyed_numbers_are_uniform_and_pure() -> None:
    numbers = uniforms(7, 2**63 + 5, list(range(200)), 500, CPU)
    counts = torch.histc(numbers, 100, 0, 1)
    assert float(((counts - 1000) ** 2 / 1000).sum()) < 99 + 5 * np.sqrt(2 * 99)
    assert ((numbers >= 0) & (numbers < 1)).all()
    assert (
        abs(float(torch.corrcoef(torch.stack((numbers[:, :-1].ravel(), numbers[:, 1:].ravel())))[0, 1]))
        < 0.02
    )
    assert torch.equal(uniforms(7, 2**63 + 5, [11, 3], 40, CPU), numbers[[11, 3], :40])
    for other in (uniforms(8, 2**63 + 5, [0], 5, CPU), uniforms(7, 5, [0], 5, CPU)):
        assert not (other == numbers[:1, :5]).any()


@pytest.mark.parametrize(("family", "kv_heads"), FAMILIES)
@pytest.mark.parametrize("cache_type", [RaggedCache, WindowCache])
def test_a_decoding_step_equals_the_models_forward(
    family: str, kv_heads: int, cache_type: type[RaggedCache | WindowCache]
) -> None:
    model = student(family, kv_heads)  # type: ignore[arg-type]
    lengths = [3, 9, 1, 70]
    rows = [torch.randint(3, 50, (length + 1,)) for length in lengths]
    with torch.inference_mode():
        cache = cache_type(Geometry(model, torch.float32), len(rows), 96)
        for slot, kept in enumerate(prefill(model, [row[:-1] for row in rows])):
            cache.write(torch.tensor([slot]), kept)
        last = torch.stack([row[-1] for row in rows])
        logits = Decoder(model, torch.float32).logits(last, torch.tensor(lengths), cache, 0, 96)
        exact = torch.stack([model(row[None]).logits[0, -1] for row in rows])
    torch.testing.assert_close(logits, exact, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("deterministic", [False, True])
def test_the_window_engine_of_a_gpu_draws_the_same(deterministic: bool) -> None:
    """Its shapes and its compaction, tried on a CPU: equal up to the rounding of logits."""
    model, prompts = student(), prompts_of(4, 11, 2)
    sampling = Sampling(slots=8, deterministic=deterministic)
    limits = response_limits(prompts[0], 0, 96)
    jobs = Jobs(*prompts, limits, 12, 0)
    found: dict[int, Response] = {}
    with torch.inference_mode():
        Engine(model, jobs, Queue(3, 12), sampling, TOKENS, ragged=False).run(found.__setitem__)
    windowed = Rollouts.collect(12, [found[i] for i in range(36)], TOKENS.eos)
    assert close(windowed, draw(model, prompts, 12))


def test_several_prompts_prefilled_together_equal_single_ones() -> None:
    model = student()
    prompts = [torch.tensor(prompt) for prompt in prompts_of(5, 17, 2)[0]]
    with torch.inference_mode():
        for one, together in zip(prompts, prefill(model, prompts), strict=True):
            torch.testing.assert_close(prefill(model, [one])[0], together, rtol=1e-5, atol=1e-5)


def test_prompts_without_room_are_refused() -> None:
    model = student(context=20)
    with pytest.raises(BadSettings, match="prompt 1 has 20 tokens; a context of 20 takes 1 to 19"):
        draw(model, prompts_of(4, 20))
    with pytest.raises(BadSettings, match="prompt 0 has 0 tokens"):
        draw(model, ([np.empty(0, dtype=np.int64)], np.zeros(1, dtype=np.uint64)))


def test_nothing_asked_nothing_drawn() -> None:
    assert len(draw(student(), ([], np.empty(0, dtype=np.uint64)), 3)) == 0
    assert len(draw(student(), prompts_of(3), 0)) == 0


def test_the_model_is_left_as_it_was() -> None:
    model = student().train()
    draw(model, prompts_of(3), 2)
    assert model.training
    assert all(weight.requires_grad and weight.grad is None for weight in model.parameters())


def test_a_fault_in_a_worker_reaches_the_caller() -> None:
    model, told = student(), RuntimeError("stop")

    def stop(_: int) -> None:
        raise told

    with pytest.raises(RuntimeError, match="stop"):
        sample(model, *prompts_of(3, 4), 40, Sampling(), TOKENS, 0, stop)
    model.lm_head = None
    with pytest.raises(AttributeError):
        draw(model, prompts_of(3))


def test_the_oracle_draws_reproducibly_and_within_top_k() -> None:
    model, prompts = student(), prompts_of(3, 8)
    settings = {"sampler": "hf", "top_k": 4, "max_new_tokens": 10}
    one, two = (draw(model, prompts, 3, **settings) for _ in range(2))
    assert same(one, two)
    assert not same(one, draw(model, prompts, 3, seed=1, **settings))
    assert [len(logprobs) - len(ids) for ids, logprobs in zip(one.ids, one.logprobs, strict=True)] == list(
        one.ended
    )


def test_the_cache_goes_with_the_call_that_reserved_it() -> None:
    """Without a garbage collection: on a GPU the next call would find the memory taken."""
    gc.collect()
    gc.disable()
    try:
        draw(student(), prompts_of(3, 5), samples=2)
        left = [each for each in gc.get_objects() if type(each) in (RaggedCache, WindowCache)]
    finally:
        gc.enable()
    assert not left
