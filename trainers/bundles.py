"""Bundles: a row's prompt once with several of its candidates behind it, as one document.

Shapes: N bundles, C candidates of all of them, P pieces (N + C: a prompt, then its candidates), T tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from trainers.documents import Documents, Indices, ranges
from trainers.randomness import WORD, philox


class Layout(NamedTuple):
    """Where the tokens of bundles stand that are laid one after the other."""

    lengths: Indices
    """N: tokens of each bundle."""
    positions: Indices
    """T: counted on from the prompt in every candidate, as if it stood alone behind it."""
    branches: Indices
    """T: 0 in a prompt, c in its c-th candidate."""
    last: Indices
    """C: the last token of each candidate with its prompt: the prompt's last one where it is empty."""


def layout(prompts_N: Indices, counts_N: Indices, lengths_C: Indices) -> Layout:
    """Lay out bundles of these prompt lengths, numbers of candidates and candidate lengths."""
    bundles, owners_C = len(prompts_N), np.repeat(np.arange(len(prompts_N)), counts_N)
    at_N = np.cumsum(counts_N) - counts_N + np.arange(bundles)
    branches_P = ranges(np.zeros_like(counts_N), counts_N + 1)
    is_prompt = branches_P == 0
    pieces_P = np.empty(len(branches_P), np.int64)
    pieces_P[is_prompt], pieces_P[~is_prompt] = prompts_N, lengths_C
    offsets_P = np.where(is_prompt, 0, np.repeat(prompts_N, counts_N + 1))
    ends_P = np.cumsum(pieces_P)
    last_C = np.where(lengths_C > 0, ends_P[~is_prompt], ends_P[at_N][owners_C]) - 1
    return Layout(
        lengths=np.add.reduceat(pieces_P, at_N) if bundles else prompts_N,
        positions=ranges(offsets_P, pieces_P),
        branches=np.repeat(branches_P, pieces_P),
        last=last_C,
    )


def squares(prompts_N: Indices, counts_N: Indices, lengths_C: Indices, *, causal: bool) -> int:
    """Twice the pairs of tokens of which one sees the other, itself by halves if `causal`."""
    prompts_C = np.repeat(prompts_N, counts_N)
    if causal:
        return int((prompts_N**2).sum() + (lengths_C * (2 * prompts_C + lengths_C)).sum())
    return 2 * int((prompts_N**2).sum() + (lengths_C * (prompts_C + lengths_C)).sum())


@dataclass(frozen=True, eq=False)
class Bundles:
    """The bundles of an epoch: bundle b takes up to `together` of `counts[b]` examples from `firsts[b]` on.

    Bundle e * len + b is bundle b of epoch e: the examples that it takes, none of them twice, are a pure
    function of (seed, e, b).
    """

    documents: Documents
    firsts: Indices
    counts: Indices
    together: int
    seed: int = 0

    @classmethod
    def drawn(cls, documents: Documents, together: int, seed: int) -> Bundles:
        """One bundle for each row that has examples, its candidates drawn anew every epoch."""
        firsts = np.flatnonzero(np.diff(documents.rows, prepend=-1))
        return cls(documents, firsts, np.diff(np.append(firsts, len(documents))), together, seed)

    @classmethod
    def listed(cls, documents: Documents, together: int) -> Bundles:
        """As many bundles for a row as hold all its examples, each of them once."""
        rows = cls.drawn(documents, together, 0)
        several = -(-rows.counts // together)
        firsts = np.repeat(rows.firsts, several) + together * ranges(np.zeros_like(several), several)
        ends = np.repeat(rows.firsts + rows.counts, several)
        return cls(documents, firsts, np.minimum(ends - firsts, together), together)

    def __len__(self) -> int:
        """How many an epoch has."""
        return len(self.firsts)

    def __getitem__(self, bundles: Indices) -> Indices:
        """Tokens of some bundles."""
        examples, counts = self.examples(bundles)
        starts = np.cumsum(counts) - counts
        found: Indices = self.documents.prompt_lengths[examples[starts]]
        return found + np.add.reduceat(self.documents.response_lengths[examples], starts)

    def examples(self, bundles: Indices) -> tuple[Indices, Indices]:
        """The examples of some bundles, one bundle after the other as they are stored; how many each has."""
        epochs, places = np.divmod(bundles, len(self))
        counts = self.counts[places]
        found = ranges(self.firsts[places], counts)
        if counts.max() <= self.together:
            return found, counts
        keys = chances(self.seed, np.repeat(epochs, counts), found)
        # The candidates with the smallest keys of their bundle.
        order = np.lexsort((keys, np.repeat(np.arange(len(bundles)), counts)))
        chosen = order[ranges(np.zeros_like(counts), counts) < self.together]
        return found[np.sort(chosen)], np.minimum(counts, self.together)

    def sizes(self, bundles: Indices) -> Indices:
        """How many examples some bundles take."""
        return np.minimum(self.counts[bundles % len(self)], self.together)

    def tokens(self) -> float:
        """Of an epoch; where the candidates of a row differ in length the mean over all epochs."""
        candidates = np.add.reduceat(self.documents.response_lengths, self.firsts)
        share = np.minimum(self.counts, self.together) / self.counts
        return float((self.documents.prompt_lengths[self.firsts] + candidates * share).sum())

    def bounds(self) -> tuple[Indices, Indices]:
        """The least and the most tokens that each bundle can have."""
        prompts, lengths = self.documents.prompt_lengths[self.firsts], self.documents.response_lengths
        sizes = np.minimum(self.counts, self.together)
        least, most = (of.reduceat(lengths, self.firsts) for of in (np.minimum, np.maximum))
        return prompts + least * sizes, prompts + most * sizes


def chances(seed: int, epochs: Indices, examples: Indices) -> NDArray[np.int64]:
    """32 random bits for each example of an epoch."""
    example, epoch = torch.from_numpy(examples), torch.from_numpy(epochs)
    counter = (example & WORD, example >> 32 & WORD, epoch & WORD, epoch >> 32 & WORD)
    bits: NDArray[np.int64] = philox(counter, (seed & WORD, seed >> 32 & WORD))[0].numpy()
    return bits
