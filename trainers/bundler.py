"""Rows of bundles as tensors: one reading of a prompt for several candidates, each with its value.

Shapes: T tokens of a packed row (always `batch_tokens`), N bundles of it, C candidates of all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from trainers.batches import Batch, Packer, Plan
from trainers.bundles import Bundles, layout, squares
from trainers.config import BadSettings
from trainers.documents import Documents, Indices


@dataclass(frozen=True, kw_only=True)
class Bundler(Packer):
    """Turns rows of bundle numbers into batches."""

    bundles: Bundles
    fixed: bool
    """Shapes that no batch changes, for compiled code; else they are as small as a batch allows."""

    @cached_property
    def epoch_tokens(self) -> float:
        """Tokens of one epoch, padding excluded."""
        return self.bundles.tokens()

    def plan(self, seed: int, shuffle: bool = True) -> Plan:
        """Which bundles share a row."""
        return Plan(self.bundles, self.batch_tokens, seed, shuffle, renewed=True)

    def weight(self, row: Indices) -> float:
        """What a row adds to the denominator of a step's loss: its values."""
        return int(self.bundles.sizes(row).sum())

    def expect(self, row: Indices) -> None:
        """Have what a row needs fetched from the disk."""
        self.documents.expect(self.bundles.examples(row)[0])

    def batch(self, row: Indices, total: float) -> Batch:
        """The tensors of a row; `total` is the weight of all rows of its step."""
        documents = self.documents
        examples, counts = self.bundles.examples(row)
        prompts = documents.prompt_lengths[examples[np.cumsum(counts) - counts]]
        candidates = documents.response_lengths[examples]
        found = layout(prompts, counts, candidates)
        ends = np.cumsum(found.lengths)
        used = int(ends[-1])
        ids, positions, branches = np.zeros((3, self.batch_tokens), np.int64)
        self.gather(examples, counts, ids)
        positions[:used], branches[:used] = found.positions, found.branches
        boundaries = np.full(1 + (self._bundles_at_most if self.fixed else len(row)), used, np.int32)
        boundaries[0], boundaries[1 : 1 + len(row)] = 0, ends
        assert documents.values is not None
        return Batch(
            input_ids=torch.from_numpy(ids)[None],
            position_ids=torch.from_numpy(positions)[None],
            boundaries=torch.from_numpy(boundaries),
            predicted=torch.from_numpy(found.last),
            targets=torch.from_numpy(documents.values[examples]),
            weights=torch.full((len(examples),), 1 / total),
            tokens=used,
            squares=squares(prompts, counts, candidates, causal=self.causal),
            longest=self.longest if self.fixed else int(found.lengths.max()),
            branches=torch.from_numpy(branches),
        )

    def gather(self, examples: Indices, counts: Indices, out: NDArray[np.int64]) -> None:
        """Write the ids of bundles one after the other into `out`."""
        at = 0
        for mine in np.split(examples, np.cumsum(counts)[:-1]):
            for piece in (
                self.documents.prompt(int(self.documents.rows[mine[0]])),
                self.documents.responses(mine),
            ):
                out[at : at + len(piece)] = piece
                at += len(piece)

    @cached_property
    def _bundles_at_most(self) -> int:
        return self.batch_tokens // int(self.bundles.bounds()[0].min())


def bundler(
    documents: Documents, bundles: Bundles, batch_tokens: int, *, causal: bool, fixed: bool
) -> Bundler:
    """How these bundles become tensors; BadSettings where one of them fits into no row."""
    most = bundles.bounds()[1]
    longest = int(most.max())
    if longest > batch_tokens:
        row = documents.rows[bundles.firsts[int(most.argmax())]]
        raise BadSettings(
            f"row {row} has up to {longest} tokens with {bundles.together} candidates (values.together),"
            f" fit.batch_tokens is {batch_tokens}: raise it to at least {longest} or take fewer candidates"
        )
    return Bundler(
        documents=documents,
        bundles=bundles,
        batch_tokens=batch_tokens,
        longest=-(-longest // 8) * 8,  # masked kernels want aligned rows
        causal=causal,
        fixed=fixed,
    )
