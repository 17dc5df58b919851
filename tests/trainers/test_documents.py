"""Encoded data on disk, read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from encoded import write_split, write_tokens

from trainers.batches import Plan
from trainers.config import BadSettings
from trainers.documents import Documents

ROWS = [
    ([1, 5, 6], [[7, 2]]),
    ([1, 8], [[9, 9, 2]]),
    ([1, 4, 4, 4], [[2]]),
    ([1, 5], [[6, 2]]),
    ([1], [[7, 2]]),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tokens(tmp_path, 12)
    write_split(tmp_path, "train", ROWS, segment_rows=2)
    return tmp_path


def test_examples_read_as_they_were_written_over_all_segments(folder: Path) -> None:
    documents = Documents.open(folder, "train")
    assert len(documents) == 5
    for index, (prompt, (response,)) in enumerate(ROWS):
        ids, prompt_length, value = documents.example(index)
        assert ids.tolist() == [*prompt, *response]
        assert (prompt_length, value) == (len(prompt), None)
        assert documents.prompt(index).tolist() == prompt
    assert documents.lengths.tolist() == [5, 5, 5, 4, 3]
    assert documents.response_lengths.tolist() == [2, 3, 1, 2, 2]
    assert documents.keys.tolist() == [0, 1, 2, 3, 4]


def test_a_gathered_batch_is_the_examples_one_after_the_other(folder: Path) -> None:
    documents = Documents.open(folder, "train")
    out = np.zeros(12, np.int64)
    documents.gather(np.array([3, 0, 4]), out)
    assert out.tolist() == [1, 5, 6, 2, 1, 5, 6, 7, 2, 1, 7, 2]


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 99])
def test_rows_takes_the_nested_first_rows(folder: Path, rows: int) -> None:
    whole, part = Documents.open(folder, "train"), Documents.open(folder, "train", rows)
    assert len(part) == min(rows, 5)
    assert part.lengths.tolist() == whole.lengths.tolist()[:rows]
    assert part.keys.tolist() == whole.keys.tolist()[:rows]
    assert part.example(len(part) - 1)[0].tolist() == whole.example(len(part) - 1)[0].tolist()
    with pytest.raises(IndexError):
        part.prompt(len(part))


def test_several_responses_of_a_row_share_its_prompt_and_bring_values(tmp_path: Path) -> None:
    rows = [([1, 5], [[6], [7]]), ([1, 8], []), ([1, 9], [[], [4, 4]])]
    write_split(tmp_path, "train", rows, segment_rows=2, values=[0.1, 0.2, 0.3, 0.4])
    documents = Documents.open(tmp_path, "train")
    examples = [documents.example(index) for index in range(len(documents))]
    assert [ids.tolist() for ids, *_ in examples] == [[1, 5, 6], [1, 5, 7], [1, 9], [1, 9, 4, 4]]
    assert [value for *_, value in examples] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert documents.rows.tolist() == [0, 0, 2, 2]
    assert len(Documents.open(tmp_path, "train", 2)) == 2
    assert len(documents.keys) == 3


def test_only_values_and_no_candidates_can_be_mapped(tmp_path: Path) -> None:
    write_split(tmp_path, "train", [([1, 5], [[]])], values=[0.5])
    assert Documents.open(tmp_path, "train").example(0)[0].tolist() == [1, 5]


def test_a_missing_split_folder_or_file_is_named(folder: Path) -> None:
    with pytest.raises(BadSettings, match="has no split test"):
        Documents.open(folder, "test")
    with pytest.raises(BadSettings, match="nowhere does not exist"):
        Documents.open(folder / "nowhere", "train")
    (folder / "train-00001.keys.npy").unlink()
    with pytest.raises(BadSettings, match=r"train-00001\.keys\.npy is missing"):
        Documents.open(folder, "train")


def test_a_spoilt_file_is_named(folder: Path) -> None:
    (folder / "train-00000.prompts.npy").write_bytes(b"no array" * 40)
    with pytest.raises(BadSettings, match=r"train-00000\.prompts\.npy is not readable"):
        Documents.open(folder, "train")


def test_an_example_that_is_too_long_is_refused_with_its_row_and_length(folder: Path) -> None:
    documents = Documents.open(folder, "train")
    documents.refuse_longer_than(5, "model.context")
    with pytest.raises(BadSettings, match=r"row 0 has 5 tokens, model\.context is 4"):
        documents.refuse_longer_than(4, "model.context")


def held(kind: str) -> float:
    """Megabytes of this process: `RssAnon` are its own, `RssFile` are pages of files."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status[kind].split()[0]) / 1024


def test_ids_are_not_read_before_they_are_asked_for(tmp_path: Path) -> None:
    """A gigabyte of ids, which no disk holds: the files are holes."""
    rows, long = 100_000, 5_000
    write_tokens(tmp_path, 12)
    arrays = {
        "prompts": (rows, np.uint16),
        "prompt_offsets": np.arange(rows + 1),
        "responses": (rows * long, np.uint16),
        "response_offsets": long * np.arange(rows + 1),
        "rows": np.arange(rows, dtype=np.int32),
        "keys": np.arange(rows, dtype=np.uint64),
    }
    for name, array in arrays.items():
        path = tmp_path / f"train-00000.{name}.npy"
        if isinstance(array, tuple):
            np.lib.format.open_memmap(path, mode="w+", dtype=array[1], shape=array[:1])
        else:
            np.save(path, array)
    del arrays
    before = held("RssAnon"), held("RssFile")
    documents = Documents.open(tmp_path, "train")
    plan = Plan(documents.lengths, 8 * (long + 1), seed=0).rows()
    out = np.empty(8 * (long + 1), np.int64)
    for _ in range(20):
        documents.gather(next(plan), out)
    assert held("RssAnon") - before[0] < 80e-6 * rows + 10  # 80 bytes an example
    assert held("RssFile") - before[1] < 60  # the kernel reads ahead, by 128 KB a piece
