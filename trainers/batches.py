"""Packed batches: who shares a row is a pure function of (lengths, seed, step); nothing is ever cropped.

Shapes: T tokens of a packed row (always `batch_tokens`), N documents of it, P positions that are predicted.

What is packed is a document: an example, or a bundle of examples that share a prompt (`bundles.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainers.documents import Documents, Indices, ranges

WINDOW = 1024
"""Documents that are packed at once: enough to fill rows, few enough to start at once on any data set."""
FULL = 0.99
"""A row this full leaves its window; an emptier one waits for the next window's documents."""
AHEAD = 32
"""Rows whose ids are fetched from the disk before they are asked for: they may be larger than the memory."""


class Batch(NamedTuple):
    """One packed row of several documents, and what is to be predicted in it."""

    input_ids: Tensor
    """int64, 1,T; padding behind the documents."""
    position_ids: Tensor
    """int64, 1,T; starting again with every document."""
    boundaries: Tensor
    """int32, fixed length: where documents begin and end, filled up with T (bundles: with the last end)."""
    predicted: Tensor
    """int64, P: positions whose output is judged (the token before each token of a response)."""
    targets: Tensor
    """P: the ids to be predicted there (int64), or the numbers (float32) of a notation with values."""
    weights: Tensor
    """float32, P: the share of each position in the loss of the whole step, over all rows and ranks."""
    tokens: int
    """Real tokens, padding excluded; 0 in a row that counts for nothing."""
    squares: int
    """For the FLOPs of attention: twice the pairs that see each other; if causal, squared lengths."""
    longest: int
    """What attention is told: no document has more tokens."""
    branches: Tensor | None = None
    """int64, T, for bundles alone: 0 in a prompt, c in its c-th candidate."""


class Lengths(Protocol):
    """Tokens of documents by their numbers: an array, or something that works them out."""

    def __len__(self) -> int:
        """How many documents an epoch has."""

    def __getitem__(self, documents: Indices, /) -> Indices:
        """The tokens of some of them."""


class Plan:
    """The endless stream of packed rows over shuffled epochs of documents.

    Documents that are drawn anew every epoch are numbered on from one epoch to the next.
    """

    def __init__(
        self, lengths: Lengths, capacity: int, seed: int, shuffle: bool = True, *, renewed: bool = False
    ) -> None:
        self.lengths, self.capacity, self.seed = lengths, capacity, seed
        self.shuffle, self.renewed = shuffle, renewed

    def rows(self) -> Iterator[Indices]:
        """Rows as arrays of document numbers, the same ones in every process that asks.

        The last rows of a window are poorly filled: they wait for the documents of the next one, over the
        border of epochs too, as long as those help to fill them.
        """
        epoch, waiting = 0, _Rows(self.lengths, self.capacity)
        while True:
            for emitted in self._epoch(epoch, waiting):
                yield from emitted
            epoch += 1

    def once(self) -> list[Indices]:
        """The rows of exactly one epoch, in the order of packing."""
        emitted: list[Indices] = []
        waiting = _Rows(self.lengths, self.capacity)
        for rows in self._epoch(0, waiting):
            emitted += rows
        return emitted + waiting.all()

    def _epoch(self, epoch: int, waiting: _Rows) -> Iterator[list[Indices]]:
        order = np.arange(len(self.lengths))
        if self.shuffle:
            order = np.random.default_rng((self.seed, epoch)).permutation(len(order))
        if self.renewed:
            order += epoch * len(order)
        for start in range(0, len(order), WINDOW):
            emitted = waiting.pack(order[start : start + WINDOW])
            # First-fit-decreasing leaves the rows of long documents in front: short and long must alternate.
            if self.shuffle:
                np.random.default_rng((self.seed, epoch, start)).shuffle(emitted)
            yield emitted


class _Rows:
    """Open rows and the room left in them."""

    def __init__(self, lengths: Lengths, capacity: int) -> None:
        self.lengths, self.capacity = lengths, capacity
        self.open: list[list[int]] = []
        self.room = np.zeros(0, np.int64)

    def pack(self, documents: Indices) -> list[Indices]:
        """Add documents, first-fit-decreasing, and hand over the rows that need not wait any longer."""
        before, rows = len(self.open), self.open + [[] for _ in documents]
        room = np.full(len(rows), self.capacity)
        room[:before] = self.room
        lengths = self.lengths[documents]
        used = before
        order = np.argsort(-lengths, kind="stable")
        for document, length in zip(documents[order].tolist(), lengths[order].tolist(), strict=True):
            # One row that is still empty closes the search, so the first fit always exists.
            first = int((room[: used + 1] >= length).argmax())
            rows[first].append(document)
            room[first] -= length
            used = max(used, first + 1)
        waits = room[:used] > self.capacity * (1 - FULL)
        # A row that gained nothing from a whole window would wait for ever.
        waits[:before] &= room[:before] < self.room
        self.open, self.room = [rows[i] for i in np.flatnonzero(waits)], room[:used][waits]
        return [np.array(rows[i]) for i in np.flatnonzero(~waits)]

    def all(self) -> list[Indices]:
        """Hand over whatever still waits."""
        rest, self.open, self.room = [np.array(row) for row in self.open], [], np.zeros(0, np.int64)
        return rest


@dataclass(frozen=True, kw_only=True)
class Packer:
    """Turns rows of documents into batches of tensors of fixed shape; here a document is an example."""

    documents: Documents
    batch_tokens: int
    longest: int
    """Of any document, padding included: what the attention kernel is told."""
    average: Literal["token", "sequence"] = "token"
    causal: bool = True

    @cached_property
    def epoch_tokens(self) -> float:
        """Tokens of one epoch, padding excluded."""
        return int(self.documents.lengths.sum())

    def plan(self, seed: int, shuffle: bool = True) -> Plan:
        """Which documents share a row."""
        return Plan(self.documents.lengths, self.batch_tokens, seed, shuffle)

    def weight(self, row: Indices) -> float:
        """What a row adds to the denominator of a step's loss: its predicted tokens, or its sequences."""
        by_sequence = self.documents.values is not None or self.average == "sequence"
        return len(row) if by_sequence else int(self.documents.response_lengths[row].sum())

    def expect(self, row: Indices) -> None:
        """Have what a row needs fetched from the disk."""
        self.documents.expect(row)

    def batch(self, row: Indices, total: float) -> Batch:
        """The tensors of a row; `total` is the weight of all rows of its step."""
        documents = self.documents
        lengths, responses = documents.lengths[row], documents.response_lengths[row]
        ends = np.cumsum(lengths)
        used = int(ends[-1])
        ids = np.zeros(self.batch_tokens, np.int64)
        documents.gather(row, ids)
        tail = np.arange(used, self.batch_tokens, self.longest)
        starts = np.concatenate((ends - lengths, tail))
        boundaries = np.full(self._documents_at_most, self.batch_tokens, np.int32)
        boundaries[: len(starts)] = starts
        positions = np.arange(self.batch_tokens)
        positions -= np.repeat(starts, np.diff(np.append(starts, self.batch_tokens)))
        if documents.values is None:
            predicted: Indices = ranges(ends - responses - 1, responses)
            targets: NDArray[Any] = ids[predicted + 1]
            weights = np.repeat(1 / responses, responses) if self.average == "sequence" else np.ones(1)
        else:
            predicted, targets, weights = ends - 1, documents.values[row], np.ones(1)
        return Batch(
            input_ids=torch.from_numpy(ids)[None],
            position_ids=torch.from_numpy(positions)[None],
            boundaries=torch.from_numpy(boundaries),
            predicted=torch.from_numpy(predicted),
            targets=torch.from_numpy(targets),
            weights=torch.from_numpy(np.broadcast_to(weights / total, predicted.shape).astype(np.float32)),
            tokens=used,
            squares=int((lengths**2).sum()) * (1 if self.causal else 2),
            longest=self.longest,
        )

    @cached_property
    def _documents_at_most(self) -> int:
        # A fixed length keeps compiled code from compiling again; the tail is cut into pieces as well.
        shortest = int(self.documents.lengths.min())
        return self.batch_tokens // shortest + -(-self.batch_tokens // self.longest) + 2


@dataclass(frozen=True, kw_only=True)
class Batches:
    """What one rank sees from step `start` on, without end: its share of the `accumulate` rows of each step.

    The rows of a step are dealt to the ranks in turn, so a step is the same for any number of them. Where
    they do not come out even, ranks without a row get one that counts for nothing: all take part in every
    sum. The plan is all there is to resume: the index of the next step.
    """

    packer: Packer
    plan: Plan
    accumulate: int
    start: int = 0
    rank: int = 0
    world: int = 1

    @property
    def share(self) -> int:
        """Rows of a step that each rank sees, those without weight among them."""
        return -(-self.accumulate // self.world)

    def __iter__(self) -> Iterator[Batch]:
        """Batches one by one."""
        rows = self.plan.rows()
        next(islice(rows, self.start * self.accumulate, self.start * self.accumulate), None)
        coming: deque[list[Indices]] = deque()
        while True:
            while len(coming) <= AHEAD // self.accumulate:
                coming.append(list(islice(rows, self.accumulate)))
                for row in coming[-1][self.rank :: self.world]:
                    self.packer.expect(row)
            step = coming.popleft()
            total = sum(map(self.packer.weight, step))
            mine = step[self.rank :: self.world]
            for row in mine:
                yield self.packer.batch(row, total)
            for _ in range(self.share - len(mine)):
                yield weightless(self.packer.batch(step[0], total))


def weightless(batch: Batch) -> Batch:
    """A row of the same shape that adds nothing to the loss of its step, nor to what is counted."""
    return batch._replace(weights=torch.zeros_like(batch.weights), tokens=0, squares=0)
