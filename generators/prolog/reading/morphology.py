"""Forms of English words: verbs in the third person, plural nouns as singular ones."""

from __future__ import annotations

from collections.abc import Collection

_THIRD = {"have": "has", "do": "does", "be": "is"}
_CHANGED = """
mice/mouse lice/louse geese/goose feet/foot teeth/tooth men/man women/woman children/child oxen/ox dice/die
wolves/wolf knives/knife lives/life leaves/leaf calves/calf halves/half elves/elf shelves/shelf thieves/thief
wives/wife cacti/cactus fungi/fungus larvae/larva vertices/vertex matrices/matrix indices/index
criteria/criterion phenomena/phenomenon
sheep/sheep fish/fish deer/deer moose/moose aircraft/aircraft bison/bison squid/squid cattle/cattle
series/series species/species bacteria/bacteria
"""
_SINGULARS = dict(pair.split("/") for pair in _CHANGED.split())
_SINGULAR_ENDS = ("ss", "us", "is")
"""Words that end so are no plurals: `fearless`, `wumpus`, `nervous`, `iris`."""


def third_person(verb: str) -> str:
    """`like` as `likes`, `carry` as `carries`, `run through` as `runs through`."""
    first, space, rest = verb.partition(" ")
    return _third(first) + space + rest


def _third(verb: str) -> str:
    if verb in _THIRD:
        return _THIRD[verb]
    if verb.endswith(("s", "x", "z", "ch", "sh", "o")):
        return f"{verb}es"
    if verb.endswith("y") and verb[-2:-1] not in tuple("aeiou"):
        return f"{verb[:-1]}ies"
    return f"{verb}s"


def is_third_person(word: str) -> bool:
    """Whether a word can be a verb in the third person by its look."""
    return len(word) > 2 and word.endswith("s") and not word.endswith(_SINGULAR_ENDS)


def singular(word: str, nouns: Collection[str] = ()) -> str | None:
    """The singular of a plural noun, None for a word that does not look like one.

    Of several possible ones (`axes`) the one among `nouns` is taken.
    """
    if word in _SINGULARS:
        return _SINGULARS[word]
    if not is_third_person(word):
        return None
    possible = _possible(word)
    return next((noun for noun in possible if noun in nouns), possible[0])


def _possible(word: str) -> tuple[str, ...]:
    """Singulars of a word in -s, the likeliest first."""
    if word.endswith("ies") and len(word) > 4:
        return (f"{word[:-3]}y", word[:-1])
    if word.endswith(("uses", "sses", "xes", "zzes", "ches", "shes", "oes")) and word != "houses":
        return (word[:-2], word[:-1])
    if word.endswith("ses"):
        return (word[:-1], word[:-2], f"{word[:-2]}is")
    return (word[:-1], word[:-2]) if word.endswith("es") else (word[:-1],)
