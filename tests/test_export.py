"""What an export holds, whatever has become of the checkpoint's companions."""

from __future__ import annotations

from pathlib import Path

import pytest
from players import untrained

from pipeline.errors import Refusal
from pipeline.export import export


def test_an_export_has_the_tokenizer_of_its_words(tmp_path: Path) -> None:
    checkpoint = untrained(tmp_path / "made", "cells", domain="maze", width=5, height=5)
    whole = (checkpoint / "tokenizer.json").read_text()
    (checkpoint / "tokenizer.json").write_text("{")
    export(checkpoint, tmp_path / "out")
    assert (tmp_path / "out" / "tokenizer.json").read_text() == whole


def test_the_same_export_can_be_made_again_another_one_is_refused(tmp_path: Path) -> None:
    made = untrained(tmp_path / "made", "cells", domain="maze", width=5, height=5)
    other = untrained(tmp_path / "other", "search", domain="maze", width=5, height=5)
    export(made, tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    export(made, tmp_path / "out")
    with pytest.raises(Refusal, match="out holds another export; name a new folder"):
        export(other, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    with pytest.raises(Refusal, match="is not empty"):
        export(made, tmp_path)
