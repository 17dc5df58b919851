"""A report's page as a test reads it: tags, links, ids, text, scripts and the policy that admits them."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser


class Page(HTMLParser):
    """What a test wants to know of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self.handlers: list[str] = []
        self.policy = ""
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        named = dict(attrs)
        # Scripts of another type are data: they hold what is played.
        self._script = tag == "script" and named.get("type") in (None, "")
        if self._script:
            self.scripts.append("")
        if named.get("http-equiv") == "Content-Security-Policy":
            self.policy = named["content"] or ""
        for name, value in attrs:
            if name.startswith("on"):
                self.handlers.append(name)
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src", "srcset", "action", "xlink:href"):
                self.links.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def handle_data(self, data: str) -> None:
        if self._script:
            self.scripts[-1] += data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        """All text, blanks as one."""
        return " ".join(" ".join(self.words).split())


def is_closed(text: str) -> bool:
    """Whether a page loads nothing, and runs the scripts alone that its policy names by their hashes."""
    page = Page(text)
    allowed = set(re.findall(r"'sha256-[^']+'", page.policy))
    bare = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    return (
        {_hash(script) for script in page.scripts} == allowed
        and "default-src 'none'" in page.policy
        and "unsafe-eval" not in page.policy
        and not page.tags & {"link", "iframe", "object", "embed", "base"}
        and not any(re.match(r"(\w+:)?//|javascript:", link) for link in page.links)
        and not page.handlers
        and not re.search(r"@import|url\((?!#)", bare)
    )


def _hash(script: str) -> str:
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"
