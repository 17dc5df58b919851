"""Markdown whose texts stay texts: names and sources may come from a user's own files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

MEANT = re.compile(r"([\\`*|\[\]~]|(?<![^\W_])_|_(?![^\W_])|^[#+=-])")
"""What means something in Markdown: wherever it stands, around a word, or at the beginning of a line."""
NUMBERED = re.compile(r"^(\d+)([.)])")
"""What begins a numbered list."""
PLAIN = re.compile(r"[\w .,:+/()='-]*")
"""Texts that may stand as code as they are."""


def text(said: Any) -> str:
    """A text that shows as it is, in one line: neither Markdown nor HTML in it is obeyed."""
    line = " ".join(str(said).split())
    safe = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return NUMBERED.sub(r"\1\\\2", MEANT.sub(r"\\\1", safe))


def code(said: Any) -> str:
    """A value as code where it is plain, as text where it is not."""
    line = str(said)
    return f"`{line}`" if line.strip() and PLAIN.fullmatch(line) else text(line)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A table whose first `left` columns are words and whose others are numbers; cells are Markdown."""
    rule = ["---" if at < left else "---:" for at in range(len(head))]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *rows))


def image(alt: str, path: str) -> str:
    """A picture of the same folder; `alt` tells it to those who cannot see it."""
    return f"![{text(alt)}]({path})"


def fenced(said: str) -> str:
    """A text of several lines as it is; the fence is longer than any in it."""
    longest = max((len(run) for run in re.findall(r"`+", said)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{said}\n{fence}"


def head(configs: Mapping[str, Mapping[str, str]], more: Mapping[str, Any]) -> str:
    """The card's metadata: the files that `load_dataset(folder)` reads, by configuration and split."""
    listed = [
        {
            "config_name": name,
            "data_files": [{"split": split, "path": pattern} for split, pattern in files.items()],
        }
        for name, files in configs.items()
    ]
    content = yaml.safe_dump({**more, "license": "apache-2.0", "configs": listed}, sort_keys=False)
    return f"---\n{content.strip()}\n---"


def page(*parts: str) -> str:
    """Parts below each other, empty ones left out."""
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"
