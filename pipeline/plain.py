"""Plain data out of JSON of others; apart from YAML's, which takes longer to import."""

from __future__ import annotations

import json
from typing import Any


def from_json(text: str | bytes) -> Any:
    """What a JSON text holds; raises ValueError for what is none, also where it is nested without end."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
