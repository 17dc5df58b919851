"""Mapped arrays: what is expected is what is read, and asking for it changes nothing."""

from __future__ import annotations

import mmap
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainers.documents import Documents, Segment
from trainers.mapped import expect, opened


@pytest.fixture
def long(tmp_path: Path) -> Any:
    path = tmp_path / "long.npy"
    np.save(path, np.arange(50_000, dtype=np.uint16))
    return opened(path, "u")


@pytest.mark.parametrize(("start", "end"), [(0, 1), (0, 50_000), (49_999, 50_000), (2_000, 2_100), (7, 7)])
def test_any_stretch_may_be_expected(long: Any, start: int, end: int) -> None:
    expect(long, start, end)
    assert long.tolist() == list(range(50_000))


def test_an_array_in_memory_may_be_expected() -> None:
    expect(np.arange(10), 0, 10)


def test_the_stretch_that_is_asked_for_covers_it_and_begins_with_a_page(
    long: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []

    class Held(mmap.mmap):
        def madvise(self, option: int, start: int = 0, length: int = 0) -> None:
            asked.append((start, start + length))

    class View(np.memmap):  # type: ignore[type-arg]
        base = Held(-1, 2**20)

    view = long.view(View)
    view.offset = long.offset
    for start, end in ((0, 10), (5_000, 5_001), (40_000, 50_000)):
        expect(view, start, end)
        first, last = asked[-1]
        assert first % mmap.PAGESIZE == 0
        assert first <= 128 + 2 * start < first + mmap.PAGESIZE
        assert last == 128 + 2 * end


@pytest.mark.parametrize("close", [0, 20, 1000])
def test_what_documents_expect_is_what_they_read(
    close: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = {
        "prompts": np.arange(100, dtype=np.uint16),
        "prompt_offsets": np.array([0, 30, 60, 100]),
        "responses": np.arange(200, 260, dtype=np.uint16),
        "response_offsets": np.array([0, 10, 30, 60]),
        "rows": np.array([0, 2, 2], np.int32),
        "keys": np.arange(3, dtype=np.uint64),
    }
    for segment, shift in enumerate((0, 1000)):
        for name, array in arrays.items():
            ids = name in ("prompts", "responses")
            np.save(tmp_path / f"train-0000{segment}.{name}.npy", array + np.uint16(shift) if ids else array)
    documents = Documents([Segment.open(tmp_path, f"train-0000{segment}") for segment in range(2)])
    asked: list[np.ndarray[Any, Any]] = []
    monkeypatch.setattr("trainers.documents.expect", lambda array, start, end: asked.append(array[start:end]))
    monkeypatch.setattr("trainers.documents.CLOSE", close)
    for count in range(1, 7):
        for examples in permutations(range(6), count):
            asked.clear()
            documents.expect(np.array(examples))
            read = set(np.concatenate([documents.example(index)[0] for index in examples]).tolist())
            found = set(np.concatenate(asked).tolist())
            assert read <= found
            assert close or read == found
