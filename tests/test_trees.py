"""Plain data out of texts: what is read as ever, and what is refused before it costs anything."""

from __future__ import annotations

import pytest
import yaml

from pipeline import manifest, plain, trees
from pipeline.errors import Refusal

LEVELS = "\n".join(f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]" for at in range(1, 9))


def test_yaml_is_read_as_ever() -> None:
    text = "base: &base {rows: 1, level: exact}\nmore: {<<: *base, rows: 2}\nnone: ~\nlist: [1.5, on, 'x']\n"
    assert trees.from_yaml(text) == yaml.safe_load(text)
    assert trees.from_yaml("") is None


@pytest.mark.parametrize("text", ["a: 1\na: 2", "a: !!int 5", "a: !x {}", "a: 2001-99-99", "a: [", "a: *b"])
def test_what_is_no_yaml_of_ours_is_told(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        trees.from_yaml(text)


@pytest.mark.parametrize(
    "text",
    [f"a0: &a0 [x, x]\n{LEVELS}", "a: &a [*a]", "[" * 1000 + "]" * 1000, "- a\n" * 20_000, "x" * 300_000],
)
def test_what_is_beyond_reason_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        trees.from_yaml(text)


def test_json_without_end_is_no_json() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        plain.from_json("[" * 100_000)


ENTRY = {"bytes": 5, "blake2b": "x"}


@pytest.mark.parametrize("name", ["../x", "/x", "", ".", "a/../b", "a//b", "./a", "a\x00", "\u202ea"])
def test_files_of_a_manifest_stand_within_its_folder(name: str) -> None:
    assert manifest.sound({"stage": "generate", "files": {"data/part-00000.parquet": ENTRY}})
    assert not manifest.sound({"stage": "generate", "files": {name: ENTRY}})


@pytest.mark.parametrize(
    "entry", [{}, [], {"bytes": "5", "blake2b": "x"}, {"bytes": -1, "blake2b": "x"}, {**ENTRY, "rows": True}]
)
def test_an_entry_has_size_and_hash(entry: object) -> None:
    assert not manifest.is_entry(entry)
    assert not manifest.sound({"files": {"a": entry}})
