"""Words of English sentences: those of the grammar itself, and the names that a text uses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Tokens = tuple[str, ...]
"""Words of a sentence in lower case, and commas."""

AUXILIARIES = frozenset(("is", "are", "does", "do", "can", "cannot"))
PARTS = frozenset(("and", "but", ","))
ARTICLES = frozenset(("a", "an"))
EVERY = frozenset(("all", "every", "each", "any", "no"))
RELATIVE = frozenset(("that", "who", "which"))
BEINGS = frozenset(("people", "things", "person", "thing", "persons", "individuals", "individual"))
"""Nouns that say nothing of whom they are about."""
SOME = frozenset(("someone", "something", "somebody", "anyone", "anything", "anybody"))
"""Within a rule each of them is a variable, the same wherever it stands (as in RuleTaker's common.py)."""
NO_ONE = frozenset(("nobody", "nothing", "noone"))
EVERYONE = frozenset(("everyone", "everything", "everybody", "anyone", "anything", "anybody", *NO_ONE))
SUBJECTS = frozenset(("they", "it", "he", "she"))
OBJECTS = frozenset(("them", "it", "him", "her"))
REFLEXIVE = frozenset(("themselves", "themself", "itself", "himself", "herself"))
FRAME = frozenset(
    (
        *(
            *AUXILIARIES,
            *PARTS,
            *ARTICLES,
            *EVERY,
            *RELATIVE,
            *SOME,
            *EVERYONE,
            *SUBJECTS,
            *OBJECTS,
            *REFLEXIVE,
        ),
        *("if", "then", "or", "not", "the", "some", "none", "only", "unless", "than", "because", "most"),
        *(
            "be",
            "was",
            "were",
            "been",
            "being",
            "his",
            "its",
            "their",
            "these",
            "those",
            "this",
            "has",
            "have",
        ),
    )
)
"""Words that are part of no name."""
PARTICLES = frozenset(
    (
        *("of", "to", "with", "in", "on", "at", "by", "for", "from", "after", "up", "over", "through"),
        *("into", "onto", "under", "about", "against", "around"),
    )
)
"""Words that may follow a verb as a part of it."""
LOOSE = frozenset(
    (
        *PARTICLES,
        *("as", "like", "when", "while", "where"),
        *("very", "so", "too", "also", "quite", "really", "always", "often", "never", "sometimes", "both"),
    )
)
"""Words that make several words more than a noun: a paraphrase, which is not read."""
LONGEST = 3
"""The most words of a name, a noun or a verb."""

_TOKEN = re.compile(r"[^\W_][\w'\u2019-]*|,")
_SHORT = ((r"\bcan't\b", "cannot"), (r"\bcan not\b", "cannot"), (r"n't\b", " not"), (r"\bno one\b", "noone"))


class Outside(ValueError):
    """A sentence is outside the grammar."""


def sentences(text: str) -> list[str]:
    """The sentences of a text: they end with `.`, `!` or `?` before a blank, or with their line."""
    return [part.strip() for part in re.split(r"(?<=[.!?])\s+|\n+", text) if part.strip()]


def tokens(sentence: str) -> Tokens:
    """The words of a sentence. Raises Outside for one with marks other than commas, or without words."""
    text = sentence.rstrip(" .!").replace("\u2019", "'").lower()
    for short, long in _SHORT:
        text = re.sub(short, long, text)
    found = tuple(_TOKEN.findall(text))
    if not found or sum(map(len, found)) != len("".join(text.split())):
        raise Outside
    return found


def parts(words: Sequence[str], marks: Iterable[str]) -> list[Tokens]:
    """The stretches of words between marks, without empty ones."""
    found: list[list[str]] = [[]]
    for word in words:
        if word.lower() in marks:
            found.append([])
        else:
            found[-1].append(word)
    return [tuple(part) for part in found if part]


def name(words: Tokens) -> str:
    """Words as one name. Raises Outside where they cannot be one."""
    if not 1 <= len(words) <= LONGEST or FRAME & set(words):
        raise Outside
    if len(words) > 1 and (LOOSE & set(words) or words[-1].endswith("ly")):
        raise Outside
    return " ".join(words)


@dataclass
class Lexicon:
    """What the sentences of one problem show of their words before any of them is read."""

    names: dict[Tokens, str] = field(default_factory=dict)
    """Entities as they are written."""
    nouns: set[str] = field(default_factory=set)
    """Nouns in the singular."""

    @classmethod
    def of(cls, text: Iterable[str]) -> Lexicon:
        """The lexicon of sentences."""
        lexicon = cls()
        for sentence in text:
            for part in parts(_TOKEN.findall(sentence), (*PARTS, "if", "then")):
                lexicon._learn(part)
        return lexicon

    def _learn(self, written: Tokens) -> None:
        low = tuple(word.lower() for word in written)
        verb = next((at for at, word in enumerate(low) if word in ("is", "does", "can", "cannot")), 0)
        self._name(written[:verb])
        begin = max((at for at, word in enumerate(low) if word == "the"), default=0)
        if begin:
            self._name(written[begin:])
        # A capital begins a sentence, too, unless it is followed by another one (`Bob Smith`).
        at = 0 if _capitals(written) > 1 and low[0] not in FRAME else 1
        while at < len(written):
            run = _capitals(written[at:])
            self._name(written[at : at + run])
            at += run + 1
        self.nouns.update(noun for before, noun in pairwise(low) if before in _SINGULAR)

    def _name(self, written: Tokens) -> None:
        low = tuple(word.lower() for word in written)
        if low[:1] == ("the",):
            low, written = low[1:], written[1:]
        if low and len(low) <= LONGEST and not FRAME & set(low):
            self.names.setdefault(low, " ".join(written))

    def entity(self, words: Tokens, with_article: bool) -> str:
        """The name of somebody. Raises Outside for what may describe: `young Bob` beside `Bob`."""
        plain = name(words)
        if words[-1] in BEINGS:
            raise Outside
        if not with_article and any(words[at:] in self.names for at in range(1, len(words))):
            raise Outside
        return self.names.setdefault(words, plain if with_article else plain.title())


_SINGULAR = (*ARTICLES, "every", "each")


def _capitals(written: Tokens) -> int:
    return next((at for at, word in enumerate(written) if not word[0].isupper()), len(written))
