"""Encoded examples, memory-mapped: their ids are not read before a batch asks for them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainers.config import BadSettings
from trainers.mapped import expect, opened

Ids = NDArray[Any]
"""uint16 or uint32, as they lie on disk."""
Indices = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Segment:
    """One group of `.npy` files; `rows` names the prompt that each example continues."""

    prompts: Ids
    prompt_offsets: Indices
    responses: Ids
    response_offsets: Indices
    rows: NDArray[np.int32]
    keys: NDArray[np.uint64]
    values: Floats | None

    @classmethod
    def open(cls, folder: Path, stem: str) -> Segment:
        """Map the files `folder/stem.*.npy`; BadSettings names the first that is missing or spoilt."""
        arrays = {name: opened(folder / f"{stem}.{name}.npy", kinds) for name, kinds in NAMES.items()}
        values = folder / f"{stem}.values.npy"
        made = cls(**arrays, values=opened(values, "f") if values.exists() else None)
        if not made._fits():
            raise BadSettings(
                f"the arrays {folder / stem}.*.npy contradict each other: encode this data set again"
            )
        return made

    def _fits(self) -> bool:
        """Whether offsets and rows lead to what there is."""
        counted = len(self.prompt_offsets) == len(self.keys) + 1 and len(self.response_offsets) == (
            len(self.rows) + 1
        )
        named = not len(self.rows) or 0 <= self.rows.min() <= self.rows.max() < len(self.keys)
        valued = self.values is None or len(self.values) == len(self.rows)
        ends = ((self.prompt_offsets, self.prompts), (self.response_offsets, self.responses))
        return bool(counted and named and valued and all(_leads(*each) for each in ends))

    def head(self, rows: int) -> Segment:
        """The first rows and their examples."""
        examples = int(np.searchsorted(self.rows, rows))
        return Segment(
            prompts=self.prompts,
            prompt_offsets=self.prompt_offsets[: rows + 1],
            responses=self.responses,
            response_offsets=self.response_offsets[: examples + 1],
            rows=self.rows[:examples],
            keys=self.keys[:rows],
            values=None if self.values is None else self.values[:examples],
        )


NAMES = {
    "prompts": "u",
    "prompt_offsets": "i",
    "responses": "u",
    "response_offsets": "i",
    "rows": "i",
    "keys": "u",
}
"""The arrays of a segment, and the kind of their numbers."""


def _leads(offsets: Indices, flat: Ids) -> bool:
    """Whether offsets ascend from 0 to the end of what they part."""
    return (
        len(offsets) > 0 and offsets[0] == 0 and offsets[-1] == len(flat) and not (np.diff(offsets) < 0).any()
    )


class Documents:
    """The examples of one split; example i is `prompt(row of i)` followed by its response."""

    def __init__(self, segments: list[Segment]) -> None:
        self.segments = segments
        prompts = [np.diff(segment.prompt_offsets) for segment in segments]
        self.response_lengths: Indices = np.concatenate([np.diff(s.response_offsets) for s in segments])
        self.prompt_lengths: Indices = np.concatenate(
            [lengths[segment.rows] for lengths, segment in zip(prompts, segments, strict=True)]
        )
        """Of each example's prompt, as all arrays here are by example except `keys`."""
        self.lengths: Indices = self.prompt_lengths + self.response_lengths
        self.keys: NDArray[np.uint64] = np.concatenate([segment.keys for segment in segments])
        self._first_row = _firsts([len(segment.keys) for segment in segments])
        self._first_example = _firsts([len(segment.rows) for segment in segments])
        self.rows: Indices = np.concatenate(
            [segment.rows + first for segment, first in zip(segments, self._first_row[:-1], strict=True)]
        )
        self.values: Floats | None = None
        if segments[0].values is not None:
            self.values = np.concatenate([_values(segment) for segment in segments])

    @classmethod
    def open(cls, folder: Path, split: str, rows: int | None = None) -> Documents:
        """Open a split of encoded data, or its nested first `rows` rows."""
        stems = sorted(path.name.removesuffix(".rows.npy") for path in folder.glob(f"{split}-*.rows.npy"))
        if not stems:
            where = f"{folder} has no split {split}" if folder.is_dir() else f"{folder} does not exist"
            raise BadSettings(f"{where}: encode the data set first")
        segments, left = [], rows
        for stem in stems:
            segment = Segment.open(folder, stem)
            if left is not None:
                segment = segment.head(left)
                left -= len(segment.keys)
            segments.append(segment)
            if left == 0:
                break
        return cls(segments)

    def __len__(self) -> int:
        """The number of examples."""
        return len(self.lengths)

    def prompt(self, row: int) -> Ids:
        """The prompt ids of one row."""
        at, local = self._place(self._first_row, row)
        segment = self.segments[at]
        return segment.prompts[segment.prompt_offsets[local] : segment.prompt_offsets[local + 1]]

    def response(self, index: int) -> Ids:
        """The response ids of one example, the end word included."""
        at, local = self._place(self._first_example, index)
        segment = self.segments[at]
        return segment.responses[segment.response_offsets[local] : segment.response_offsets[local + 1]]

    def responses(self, examples: Indices) -> Ids:
        """The response ids of several examples of one row, one response after the other."""
        at, first = self._place(self._first_example, int(examples[0]))
        segment = self.segments[at]
        local = examples - int(examples[0]) + first
        return segment.responses[ranges(segment.response_offsets[local], self.response_lengths[examples])]

    def example(self, index: int) -> tuple[Ids, int, float | None]:
        """All ids of one example, the length of its prompt, and its value where the notation has one."""
        prompt = self.prompt(int(self.rows[index]))
        ids = np.concatenate((prompt, self.response(index)))
        return ids, len(prompt), None if self.values is None else float(self.values[index])

    def gather(self, examples: Indices, out: NDArray[np.int64]) -> None:
        """Write the ids of many examples one after the other into `out`."""
        # A slice per piece is a plain memory copy; a fancy index over all tokens was measured to be slower.
        at = 0
        for index in examples.tolist():
            for piece in (self.prompt(int(self.rows[index])), self.response(index)):
                out[at : at + len(piece)] = piece
                at += len(piece)

    def expect(self, examples: Indices) -> None:
        """Have the system fetch the ids of examples that will soon be asked for; nothing is waited for."""
        for at, local in _by_segment(self._first_row, np.unique(self.rows[examples])):
            segment = self.segments[at]
            _expect_pieces(segment.prompts, np.asarray(segment.prompt_offsets), local)
        for at, local in _by_segment(self._first_example, np.sort(examples)):
            segment = self.segments[at]
            _expect_pieces(segment.responses, np.asarray(segment.response_offsets), local)

    def refuse_longer_than(self, limit: int, name: str) -> None:
        """BadSettings when an example has more than `limit` tokens; `name` is the setting that limits."""
        if len(self) and self.lengths.max() > limit:
            longest = int(self.lengths.argmax())
            raise BadSettings(
                f"row {self.rows[longest]} has {self.lengths[longest]} tokens, {name} is {limit}:"
                f" raise {name} to at least {self.lengths[longest]}"
            )

    @staticmethod
    def _place(firsts: list[int], index: int) -> tuple[int, int]:
        if not 0 <= index < firsts[-1]:
            raise IndexError(f"{index} is not within the {firsts[-1]} that there are")
        at = bisect_right(firsts, index) - 1
        return at, index - firsts[at]


def _by_segment(firsts: list[int], ascending: Indices) -> Iterator[tuple[int, Indices]]:
    """Segments that are concerned, and the numbers of theirs."""
    borders = np.searchsorted(ascending, firsts)
    for at in np.flatnonzero(np.diff(borders)).tolist():
        yield at, ascending[borders[at] : borders[at + 1]] - firsts[at]


def _expect_pieces(array: Ids, offsets: Indices, pieces: Indices) -> None:
    """Expect pieces, in ascending order; those that lie close together as one stretch."""
    starts, ends = offsets[pieces], offsets[pieces + 1]
    apart = np.flatnonzero(starts[1:] > ends[:-1] + CLOSE)
    for start, end in zip(
        starts[np.append(0, apart + 1)].tolist(), ends[np.append(apart, -1)].tolist(), strict=True
    ):
        expect(array, start, end)


CLOSE = 2048
"""Ids between two pieces that are fetched along with them: about a page."""


def ranges(starts: Indices, lengths: Indices) -> Indices:
    """The numbers start, start + 1, ... of every range, one range after the other."""
    shifts = starts - (np.cumsum(lengths) - lengths)
    found: Indices = np.arange(int(lengths.sum())) + np.repeat(shifts, lengths)
    return found


def _firsts(counts: list[int]) -> list[int]:
    return [0, *np.cumsum(counts).tolist()]


def _values(segment: Segment) -> Floats:
    if segment.values is None:
        raise BadSettings("some segments of the encoded data have values and some have not: encode it again")
    return segment.values
