"""What an export holds, whatever has become of the checkpoint's companions."""

from __future__ import annotations

from pathlib import Path

from players import untrained

from pipeline.export import export


def test_an_export_has_the_tokenizer_of_its_words(tmp_path: Path) -> None:
    checkpoint = untrained(tmp_path / "made", "cells", domain="maze", width=5, height=5)
    whole = (checkpoint / "tokenizer.json").read_text()
    (checkpoint / "tokenizer.json").write_text("{")
    export(checkpoint, tmp_path / "out")
    assert (tmp_path / "out" / "tokenizer.json").read_text() == whole
