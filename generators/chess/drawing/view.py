"""A row as text or as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generators.chess.drawing import picture, text
from generators.chess.drawing.scene import scene
from generators.domain import Form


def view(row: Mapping[str, Any], form: Form) -> str:
    """A row with `fen` or `prompt`, and perhaps labels, `trace` and `answer`, as text or SVG.

    Of a response, whatever is grammatical is drawn, and the rest is shown as it stands. Raises BadProblem
    for a prompt that states no position.
    """
    drawn = scene(row)
    return text.text(drawn) if form == "text" else picture.svg(drawn)
