"""Which candidates share a prompt, and the rows that come of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from encoded import write_split
from hypothesis import given
from hypothesis import strategies as st

from trainers.batches import Batches
from trainers.bundler import Bundler, bundler
from trainers.bundles import Bundles, squares
from trainers.config import BadSettings
from trainers.documents import Documents

COUNTS = (5, 0, 1, 9, 3, 0, 12)
ROWS = len(COUNTS) - COUNTS.count(0)


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Documents:
    """Rows of so many candidates of 0 to 3 tokens; prompts and candidates tell whose they are."""
    folder, rng = tmp_path_factory.mktemp("ids"), np.random.default_rng(0)
    rows = [
        ([1] + [10 + row] * (3 + row), [[100 * (1 + row) + at] * rng.integers(0, 4) for at in range(count)])
        for row, count in enumerate(COUNTS)
    ]
    write_split(folder, "train", rows, segment_rows=3, values=rng.random(sum(COUNTS)))
    return Documents.open(folder, "train")


def taken(bundles: Bundles, numbers: np.ndarray) -> list[list[int]]:
    examples, counts = bundles.examples(numbers)
    return [part.tolist() for part in np.split(examples, np.cumsum(counts)[:-1])]


def test_a_bundle_draws_candidates_of_its_row_without_repeating_any(documents: Documents) -> None:
    bundles = Bundles.drawn(documents, 4, seed=0)
    assert len(bundles) == ROWS
    rows = np.flatnonzero(COUNTS)
    for number, examples in enumerate(taken(bundles, np.arange(ROWS * 50))):
        row = rows[number % ROWS]
        assert set(documents.rows[examples]) == {row}
        assert len(set(examples)) == len(examples) == min(COUNTS[row], 4)
        assert examples == sorted(examples)


def test_a_draw_depends_on_seed_epoch_and_row_alone(documents: Documents) -> None:
    bundles = Bundles.drawn(documents, 4, seed=0)
    numbers = np.arange(ROWS * 6)
    whole = taken(bundles, numbers)
    mixed = np.random.default_rng(1).permutation(numbers)
    assert [whole[number] for number in mixed] == taken(bundles, mixed)
    assert [taken(bundles, np.array([number]))[0] for number in numbers] == whole
    assert taken(Bundles.drawn(documents, 4, seed=1), numbers) != whole
    assert len({str(whole[ROWS * epoch : ROWS * (epoch + 1)]) for epoch in range(6)}) == 6


def test_in_the_long_run_every_candidate_is_drawn_equally_often(documents: Documents) -> None:
    examples, _ = Bundles.drawn(documents, 4, seed=0).examples(np.arange(ROWS * 3000))
    seen = np.bincount(examples, minlength=sum(COUNTS)) / 3000
    fair = [min(4 / count, 1) for count in COUNTS for _ in range(count)]
    assert np.abs(seen - fair).max() < 0.04  # four deviations of 0.009


@given(st.integers(1, 14))
def test_listed_bundles_hold_every_candidate_once(together: int) -> None:
    bundles = Bundles.listed(_documents(COUNTS), together)
    found = taken(bundles, np.arange(len(bundles)))
    assert np.concatenate(found).tolist() == list(range(sum(COUNTS)))
    assert all(0 < len(examples) <= together for examples in found)
    assert len(found) == sum(-(-count // together) for count in COUNTS)


def test_tokens_are_those_of_the_prompt_and_of_the_candidates_drawn(documents: Documents) -> None:
    bundles = Bundles.drawn(documents, 4, seed=0)
    numbers = np.arange(ROWS * 400)
    wanted = []
    for examples in taken(bundles, numbers):
        ids = [documents.example(example) for example in examples]
        wanted.append(ids[0][1] + sum(len(own) - prompt for own, prompt, _ in ids))
    assert bundles[numbers].tolist() == wanted
    assert bundles.tokens() == pytest.approx(sum(wanted) / 400, rel=0.01)
    least, most = bundles.bounds()
    by_row = np.array(wanted).reshape(400, ROWS)
    assert (least <= by_row.min(0)).all()
    assert (most >= by_row.max(0)).all()


def test_a_batch_reads_a_prompt_once_and_places_every_candidate_behind_it(tmp_path: Path) -> None:
    rows = [([1, 5], [[6], [], [7, 8]]), ([1], [[9, 9]])]
    write_split(tmp_path, "train", rows, values=[0.25, 0.5, 0.75, 1.0])
    documents = Documents.open(tmp_path, "train")
    made = bundler(documents, Bundles.drawn(documents, 3, 0), 12, causal=True, fixed=False)
    batch = made.batch(np.array([1, 0]), total=4)
    assert batch.input_ids.tolist() == [[1, 9, 9, 1, 5, 6, 7, 8, 0, 0, 0, 0]]
    assert batch.position_ids.tolist() == [[0, 1, 2, 0, 1, 2, 2, 3, 0, 0, 0, 0]]
    assert batch.branches is not None
    assert batch.branches.tolist() == [0, 1, 1, 0, 0, 1, 3, 3, 0, 0, 0, 0]
    assert batch.boundaries.tolist() == [0, 3, 8]
    # The value of an empty candidate stands at the end of its prompt.
    assert batch.predicted.tolist() == [2, 5, 4, 7]
    assert batch.targets.tolist() == [1.0, 0.25, 0.5, 0.75]
    assert batch.weights.tolist() == [0.25] * 4
    assert (batch.tokens, batch.longest) == (8, 5)
    # 9 for the first; 4 for the second's prompt, 5 and 12 for its candidates.
    assert batch.squares == 9 + 4 + 5 + 12
    assert made.weight(np.array([1, 0])) == 4
    assert made.weight(np.array([3])) == 1  # of the second epoch


@pytest.mark.parametrize("causal", [True, False])
def test_squares_are_twice_the_pairs_that_see_each_other(causal: bool) -> None:
    prompts, counts, lengths = np.array([4, 2]), np.array([3, 1]), np.array([2, 0, 1, 3])
    pairs = 0.0
    for prompt, candidates in ((4, [2, 0, 1]), (2, [3])):
        tokens = [(0, at) for at in range(prompt)]
        tokens += [(c, prompt + at) for c, size in enumerate(candidates, 1) for at in range(size)]
        for own, place in tokens:
            for other, there in tokens:
                if other in (0, own) and (there <= place or not causal):
                    pairs += 0.5 if causal and (other, there) == (own, place) else 1
    assert squares(prompts, counts, lengths, causal=causal) == 2 * pairs


def test_one_token_candidates_behind_a_board_cost_a_twentieth() -> None:
    documents = _documents((30,) * 8, prompt=77, response=1)
    assert documents.lengths.sum() / Bundles.drawn(documents, 30, 0).tokens() > 20


@given(st.integers(1, 5), st.integers(1, 3), st.integers(0, 9), st.booleans())
def test_any_number_of_ranks_and_a_restart_see_the_rows_of_one_undisturbed_process(
    accumulate: int, world: int, start: int, fixed: bool
) -> None:
    made, steps = _made(fixed), 3
    alone = Batches(packer=made, plan=made.plan(0), accumulate=accumulate)
    whole = list(islice(alone, (start + steps) * accumulate))[start * accumulate :]
    for rank in range(world):
        mine = replace(alone, start=start, rank=rank, world=world)
        found = [batch for batch in islice(mine, steps * mine.share) if batch.tokens]
        wanted = [
            row for step in range(steps) for row in whole[step * accumulate :][:accumulate][rank::world]
        ]
        for ours, theirs in zip(found, wanted, strict=True):
            assert all(
                torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other
                for one, other in zip(ours, theirs, strict=True)
            )


def test_no_row_is_overfull_and_the_values_of_a_step_weigh_one() -> None:
    made = _made(True)
    batches = list(islice(Batches(packer=made, plan=made.plan(0), accumulate=4), 400))
    assert all(batch.tokens <= 64 for batch in batches)
    for step in range(0, 400, 4):
        weights = torch.cat([batch.weights for batch in batches[step : step + 4]])
        assert weights.unique().numel() == 1
        assert float(weights.sum()) == pytest.approx(1, abs=1e-6)
    assert np.mean([batch.tokens for batch in batches]) > 0.9 * 64
    shapes = {(b.boundaries.shape, b.input_ids.shape, b.longest) for b in batches}
    assert len(shapes) == 1


def test_a_bundle_that_fits_into_no_row_is_refused(documents: Documents) -> None:
    with pytest.raises(
        BadSettings, match=r"row 6 has up to 34 tokens with 8 .* fit\.batch_tokens is 33: raise it"
    ):
        bundler(documents, Bundles.drawn(documents, 8, 0), 33, causal=True, fixed=False)


class _Counted(Documents):
    """Documents without files."""

    def __init__(self, counts: tuple[int, ...], prompt: int, response: int) -> None:
        self.rows = np.repeat(np.arange(len(counts)), counts)
        self.prompt_lengths = np.full(len(self.rows), prompt)
        self.response_lengths = np.full(len(self.rows), response)
        self.lengths = self.prompt_lengths + self.response_lengths
        self.values = np.linspace(0, 1, len(self.rows), dtype=np.float32)

    def expect(self, examples: np.ndarray) -> None:
        assert len(examples)  # they are in memory

    def prompt(self, row: int) -> np.ndarray:
        return np.full(self.prompt_lengths[0], row)

    def responses(self, examples: np.ndarray) -> np.ndarray:
        return np.repeat(examples, self.response_lengths[examples])


def _documents(counts: tuple[int, ...], prompt: int = 3, response: int = 1) -> Documents:
    return _Counted(counts, prompt, response)


def _made(fixed: bool) -> Bundler:
    counts = tuple(np.random.default_rng(0).integers(1, 20, 60).tolist())
    documents = _documents(counts, prompt=6, response=2)
    return bundler(documents, Bundles.drawn(documents, 5, 0), 64, causal=True, fixed=fixed)
