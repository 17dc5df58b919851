"""What a page is put together from; the template has a macro for each kind of item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pipeline.page.plots import Plot


@dataclass(frozen=True)
class Cell:
    """A text with a smaller one below it (an interval, a count), or a link to a folder."""

    text: str
    detail: str = ""
    strong: bool = False
    link: str = ""


@dataclass(frozen=True)
class Table:
    """Rows below titled columns; the first `left` of them are words, the others numbers.

    `look` is `full` for the whole width, `facts` for names and values without a head.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    left: int = 1
    caption: str = ""
    hints: Mapping[str, str] = field(default_factory=dict)
    """What a column or a first cell means, shown when pointed at."""
    look: str = ""
    kind: ClassVar[str] = "table"


def facts(pairs: Sequence[tuple[str, str]]) -> Table:
    """Names and values."""
    return Table(("", ""), [[Cell(name), Cell(text)] for name, text in pairs], look="facts")


@dataclass(frozen=True)
class Text:
    """A paragraph; its look is that of a `caption`, a `claim`, a `note`, or a usual one."""

    text: str
    look: str = ""
    kind: ClassVar[str] = "text"


@dataclass(frozen=True)
class Code:
    """Lines as they are."""

    text: str
    kind: ClassVar[str] = "code"


@dataclass(frozen=True)
class Gallery:
    """Pictures side by side."""

    plots: Sequence[Plot]
    kind: ClassVar[str] = "gallery"


@dataclass(frozen=True)
class Fold:
    """Items that open when asked for; printers show them where `printed`."""

    title: str
    items: Sequence[Any]
    printed: bool = True
    kind: ClassVar[str] = "fold"


@dataclass(frozen=True)
class Pair:
    """Tables side by side, each with a title, which may be empty."""

    items: Sequence[tuple[str, Table]]
    kind: ClassVar[str] = "pair"


@dataclass(frozen=True)
class Panel:
    """One search of a problem: the solver's or a checkpoint's."""

    title: str
    picture: str
    """A data URI; empty where the view is a text."""
    text: str
    """The view as text where there is no picture."""
    verdict: str
    facts: Sequence[str]
    words: str
    more: int
    """Words of the response that are not spelled out."""


@dataclass(frozen=True)
class Example:
    """A problem with its searches, and why it was picked."""

    problem_id: str
    why: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Examples:
    """Problems, one below the other."""

    examples: Sequence[Example]
    kind: ClassVar[str] = "examples"


@dataclass(frozen=True)
class Tile:
    """A key figure."""

    name: str
    value: str
    interval: str = ""
    note: str = ""


@dataclass(frozen=True)
class Block:
    """Items under a title; `anchor` is the end of its id."""

    anchor: str
    title: str
    items: Sequence[Any]

    @property
    def filled(self) -> Block | None:
        """The block without items that hold nothing; None where nothing is left."""
        kept = [each for each in self.items if each is not None and not _empty(each)]
        return Block(self.anchor, self.title, kept) if any(_tells(each) for each in kept) else None


@dataclass(frozen=True)
class Section:
    """All that the page says of one artifact."""

    anchor: str
    name: str
    about: str
    stage: str
    notes: Sequence[str]
    """What a reader must know first, such as that inputs have gone."""
    tiles: Sequence[Tile]
    blocks: Sequence[Block]


def _empty(item: Any) -> bool:
    """Whether an item holds nothing."""
    held = {"table": "rows", "gallery": "plots", "pair": "items", "fold": "items", "examples": "examples"}
    name = held.get(item.kind)
    return not bool(getattr(item, name) if name else item.text)


def _tells(item: Any) -> bool:
    """Whether an item is more than words about others."""
    kind: str = item.kind
    return kind != "text"
