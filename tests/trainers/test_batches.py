"""The packing plan and the tensors that come of it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from encoded import write_split
from hypothesis import given
from hypothesis import strategies as st

from trainers import batches
from trainers.batches import AHEAD, Batch, Batches, Packer, Plan
from trainers.documents import Documents

Lengths = st.lists(st.integers(1, 50), min_size=1, max_size=200).map(np.array)


@given(Lengths, st.integers(50, 120), st.integers(0, 5))
def test_rows_hold_whole_documents_and_never_more_tokens_than_a_row_has(
    lengths: np.ndarray, capacity: int, seed: int
) -> None:
    rows = list(islice(Plan(lengths, capacity, seed).rows(), 50))
    assert all(0 < lengths[row].sum() <= capacity for row in rows)


@given(Lengths, st.integers(50, 120))
def test_one_epoch_holds_every_document_once(lengths: np.ndarray, capacity: int) -> None:
    rows = Plan(lengths, capacity, seed=0).once()
    assert sorted(np.concatenate(rows).tolist()) == list(range(len(lengths)))


def test_in_the_long_run_every_document_is_seen_equally_often() -> None:
    lengths = np.random.default_rng(0).integers(5, 60, 300)
    rows = islice(Plan(lengths, 200, seed=0).rows(), 2000)
    seen = np.bincount(np.concatenate(list(rows)), minlength=300)
    assert seen.max() - seen.min() <= 2  # of about 40; rows that wait make the difference


def test_documents_that_share_no_row_do_not_wait_for_ever() -> None:
    lengths = np.full(30, 60)
    rows = list(islice(Plan(lengths, 100, seed=0).rows(), 90))
    assert all(len(row) == 1 for row in rows)
    assert np.bincount(np.concatenate(rows)).tolist() == [3] * 30


def test_the_plan_depends_on_seed_and_step_alone_and_epochs_differ() -> None:
    lengths = np.random.default_rng(0).integers(5, 60, 100)

    def first(count: int, seed: int) -> list[list[int]]:
        return [row.tolist() for row in islice(Plan(lengths, 200, seed).rows(), count)]

    assert first(40, 0) == first(60, 0)[:40]
    assert first(40, 0) != first(40, 1)
    epoch = len(Plan(lengths, 200, 0).once())
    assert first(2 * epoch, 0)[epoch:] != first(epoch, 0)


def test_windows_make_rows_of_short_and_long_documents_alternate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "WINDOW", 256)
    lengths = np.random.default_rng(0).integers(10, 400, 2000)
    longest = np.array([lengths[row].max() for row in islice(Plan(lengths, 500, 0).rows(), 500)])
    assert abs(np.corrcoef(longest[:-1], longest[1:])[0, 1]) < 0.15


@pytest.mark.parametrize(("mean", "spread", "capacity"), [(2534, 0.6, 16384), (110, 0.4, 2048)])
def test_at_least_97_percent_of_tokens_are_real(mean: int, spread: float, capacity: int) -> None:
    drawn = np.random.default_rng(0).lognormal(np.log(mean) - spread**2 / 2, spread, 5000)
    lengths = drawn.astype(np.int64).clip(8, capacity)
    rows = list(islice(Plan(lengths, capacity, 0).rows(), int(lengths.sum() / capacity)))
    assert np.mean([lengths[row].sum() / capacity for row in rows]) >= 0.97


ROWS = [([1, 5, 6], [[7, 2]]), ([1, 8], [[9, 9, 2]]), ([1, 4, 4, 4], [[2]])]


@pytest.fixture
def packer(tmp_path: Path) -> Packer:
    write_split(tmp_path, "train", ROWS)
    return Packer(documents=Documents.open(tmp_path, "train"), batch_tokens=16, longest=5)


def test_a_batch_lays_documents_side_by_side_and_restarts_positions(packer: Packer) -> None:
    batch = packer.batch(np.array([1, 0]), total=5)
    assert batch.input_ids.tolist() == [[1, 8, 9, 9, 2, 1, 5, 6, 7, 2, 0, 0, 0, 0, 0, 0]]
    assert batch.position_ids.tolist() == [[0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0]]
    # The padding is cut into documents as well, none longer than the kernel was told.
    assert batch.boundaries.tolist()[:6] == [0, 5, 10, 15, 16, 16]
    assert set(batch.boundaries.tolist()[4:]) == {16}
    assert (batch.tokens, batch.squares) == (10, 50)


def test_labels_are_response_tokens_predicted_from_the_token_before(packer: Packer) -> None:
    batch = packer.batch(np.array([1, 0, 2]), total=6)
    assert batch.predicted.tolist() == [1, 2, 3, 7, 8, 13]
    assert batch.targets.tolist() == [9, 9, 2, 7, 2, 2]
    assert batch.weights.tolist() == pytest.approx([1 / 6] * 6)


def test_no_label_crosses_documents(packer: Packer) -> None:
    batch = packer.batch(np.array([2, 1, 0]), total=6)
    starts = set(batch.boundaries.tolist())
    assert not starts & {at + 1 for at in batch.predicted.tolist()}


def test_sequence_average_gives_every_sequence_the_same_weight(tmp_path: Path) -> None:
    write_split(tmp_path, "train", ROWS)
    documents = Documents.open(tmp_path, "train")
    packer = Packer(documents=documents, batch_tokens=16, longest=5, average="sequence")
    batch = packer.batch(np.array([1, 0, 2]), total=3)
    assert batch.weights.tolist() == pytest.approx([1 / 9] * 3 + [1 / 6] * 2 + [1 / 3])
    assert packer.weight(np.array([1, 0, 2])) == 3


def test_values_are_predicted_at_the_last_position(tmp_path: Path) -> None:
    write_split(tmp_path, "train", [([1, 5], [[6], []]), ([1, 7, 7], [[8, 8]])], values=[0.25, 0.5, 0.75])
    packer = Packer(documents=Documents.open(tmp_path, "train"), batch_tokens=16, longest=8)
    batch = packer.batch(np.array([0, 1, 2]), total=3)
    assert batch.predicted.tolist() == [2, 4, 9]
    assert batch.targets.tolist() == [0.25, 0.5, 0.75]
    assert batch.weights.tolist() == pytest.approx([1 / 3] * 3)


@given(st.integers(1, 7), st.integers(1, 4), st.integers(0, 4))
def test_any_number_of_ranks_and_a_restart_see_the_rows_of_one_undisturbed_process(
    accumulate: int, world: int, start: int
) -> None:
    packer, plan = _drawn(), Plan(DRAWN.lengths, 64, seed=0)
    steps = 3
    whole = list(
        islice(Batches(packer=packer, plan=plan, accumulate=accumulate), (start + steps) * accumulate)
    )
    ranks = [
        Batches(packer=packer, plan=plan, accumulate=accumulate, start=start, rank=rank, world=world)
        for rank in range(world)
    ]
    found = [list(islice(each, steps * each.share)) for each in ranks]
    for step in range(steps):
        ours = [batch for mine in found for batch in mine[step * ranks[0].share :][: ranks[0].share]]
        counted = [batch for batch in ours if batch.tokens]
        wanted = whole[(start + step) * accumulate :][:accumulate]
        assert sorted(map(_content, counted)) == sorted(map(_content, wanted))
        assert sum(float(batch.weights.sum()) for batch in ours) == pytest.approx(1, abs=1e-5)


def _content(batch: Batch) -> tuple[list[float], ...]:
    return batch.input_ids[0].tolist(), batch.weights.tolist(), [batch.tokens, batch.squares]


def test_a_row_that_counts_for_nothing_has_the_shape_of_the_others() -> None:
    plan = Plan(DRAWN.lengths, 64, seed=0)
    mine = Batches(packer=_drawn(), plan=plan, accumulate=3, rank=1, world=2)
    real, nothing = islice(mine, 2)
    assert (nothing.tokens, nothing.squares, float(nothing.weights.abs().sum())) == (0, 0, 0.0)
    assert nothing.input_ids.shape == real.input_ids.shape
    assert nothing.boundaries.shape == real.boundaries.shape


def test_weights_of_a_step_add_up_to_one_over_its_rows() -> None:
    plan = Plan(DRAWN.lengths, 64, seed=0)
    step = islice(Batches(packer=_drawn(), plan=plan, accumulate=4), 4)
    assert sum(float(batch.weights.sum()) for batch in step) == pytest.approx(1, abs=1e-6)


def test_shapes_do_not_change_from_batch_to_batch() -> None:
    stream = Batches(packer=_drawn(), plan=Plan(DRAWN.lengths, 64, seed=0), accumulate=1)
    shapes = {(b.input_ids.shape, b.position_ids.shape, b.boundaries.shape) for b in islice(stream, 30)}
    assert len(shapes) == 1


@pytest.mark.parametrize("accumulate", [1, 4, 100])
def test_ids_are_expected_before_they_are_read_and_not_long_before(accumulate: int) -> None:
    documents = _Drawn()
    packer = Packer(documents=documents, batch_tokens=64, longest=30)
    plan = Plan(documents.lengths, 64, seed=0)
    stream = iter(Batches(packer=packer, plan=plan, accumulate=accumulate))
    rows = list(islice(plan.rows(), 200))
    read: list[int] = []
    for row in rows:
        next(stream)
        read += row.tolist()
        assert documents.expected[: len(read)] == read
        assert len(documents.expected) - len(read) < (AHEAD + 2 * accumulate) * max(map(len, rows))


class _Drawn(Documents):
    """Documents without files."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.lengths = rng.integers(3, 30, 100)
        self.response_lengths = self.lengths - 2
        self.values = None
        self.expected: list[int] = []

    def expect(self, examples: np.ndarray) -> None:
        self.expected += examples.tolist()

    def gather(self, examples: np.ndarray, out: np.ndarray) -> None:
        flat = np.repeat(examples + 1, self.lengths[examples])
        out[: len(flat)] = flat


DRAWN = _Drawn()


def _drawn() -> Packer:
    return Packer(documents=DRAWN, batch_tokens=64, longest=30)
