"""Clauses of English: `N is [not] [a] A`, `N Rs N`, `they do not R it`, and what shortens them.

Who or what is spoken of is open: names, nouns, adjectives and verbs of relations are whatever stands in their
places. A clause that cannot be read in one way is outside the grammar.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from generators.prolog.reading.lexicon import (
    ARTICLES,
    AUXILIARIES,
    BEINGS,
    FRAME,
    LONGEST,
    LOOSE,
    OBJECTS,
    PARTICLES,
    PARTS,
    REFLEXIVE,
    SOME,
    SUBJECTS,
    Lexicon,
    Outside,
    Tokens,
    name,
    parts,
)
from generators.prolog.reading.morphology import is_third_person, singular, third_person
from generators.prolog.reading.naming import Literal

Term = str | int
"""A name, or the number of a variable."""
DENIALS = (("it", "is", "not", "true", "that"), ("it", "is", "not", "the", "case", "that"))
_OF_THINGS = ("something", "anything", "thing")


@dataclass
class Mentions:
    """Who has been spoken of in a sentence so far."""

    variables: dict[str, int] = field(default_factory=dict)
    """By `someone`, `something`, or the noun of `a person`."""
    conditions: list[Literal] = field(default_factory=list)
    """What their nouns say: of `a cat`, that it is a cat."""
    subject: str | None = None
    """The subject that was named first."""

    def variable(self, word: str) -> int:
        """The variable of that word, a new one the first time."""
        return self.variables.setdefault(word, len(self.variables))

    def pronoun(self, word: str) -> Term:
        """Whom it means: the only variable; of several the only thing (`it`) or being (`they`); without one
        the subject that was named first."""
        known = self.variables
        if len(known) > 1:
            known = {noun: at for noun, at in known.items() if (noun in _OF_THINGS) == (word == "it")}
        meant: list[Term] = [*known.values()]
        if not self.variables and self.subject is not None:
            meant = [self.subject]
        if len(meant) != 1:
            raise Outside
        return meant[0]


@dataclass(frozen=True)
class Spoken:
    """The literal that was read last, and how: what a shortened clause (`and not red`) continues."""

    literal: Literal
    plural: bool
    of_being: bool


@dataclass
class Clauses:
    """The clauses of one sentence as they are read, from the left."""

    lexicon: Lexicon
    mentions: Mentions = field(default_factory=Mentions)
    last: Spoken | None = None
    doubtful: bool = False
    """Whether `not` may or may not reach further than its own word (`is not red and kind`)."""

    def read(self, words: Tokens) -> list[Literal]:
        """Literals joined by `and`, `but` or commas."""
        return [self._part(part) for part in parts(words, PARTS)]

    def follow(self, subject: Term, plural: bool, words: Tokens) -> list[Literal]:
        """Literals about a subject, from its verb on."""
        first, *others = parts(words, PARTS) or [()]
        return [self.predicate(subject, plural, first), *(self._part(part) for part in others)]

    def predicate(self, subject: Term, plural: bool, words: Tokens) -> Literal:
        """The literal that a verb with what follows it says of a subject."""
        if not words:
            raise Outside
        verb, denied = words[0], words[1:2] == ("not",)
        of_being = verb in ("is", "are")
        if of_being:
            literal = Literal(not denied, self._quality(words[1 + denied :], plural), (subject,))
        elif verb in ("can", "cannot"):
            able = Literal(not denied and verb == "can", f"can {name(words[1 + denied :])}", (subject,))
            literal = able
        elif verb in ("do", "does"):
            if not denied:
                raise Outside
            literal = self._relation(subject, words[2:], True, False)
        else:
            literal = self._relation(subject, words, plural, True)
        self.last = Spoken(literal, plural, of_being)
        return literal

    def _part(self, words: Tokens) -> Literal:
        for denial in DENIALS:
            if words[: len(denial)] == denial:
                literal = self._clause(words[len(denial) :])
                return replace(literal, positive=not literal.positive)
        return self._clause(words) if self.last is None else self._next(self.last, words)

    def _next(self, last: Spoken, words: Tokens) -> Literal:
        """A clause after another one, of which it may leave out the subject or all but the object."""
        subject: Term = last.literal.arguments[0]
        if words[0] in AUXILIARIES:
            return self.predicate(subject, last.plural, words)
        if last.of_being and (len(words) == 1 or words[0] in ("not", *ARTICLES)) and not self._verb(words):
            self.doubtful |= words[0] != "not" and not last.literal.positive
            return self.predicate(subject, last.plural, ("are" if last.plural else "is", *words))
        if self._verb(words):
            return self._clause(words)
        begin = self._object_begin(words) if words[0] != "the" else 0
        if begin:
            return self.predicate(subject, last.plural, words)
        if last.of_being:
            raise Outside
        self.doubtful |= not last.literal.positive
        literal = replace(last.literal, arguments=(subject, self._object(subject, words)))
        self.last = replace(last, literal=literal)
        return literal

    def _verb(self, words: Tokens) -> int:
        """Where the verb begins in a clause with a subject; 0 in one without."""
        found = next((at for at, word in enumerate(words) if word in AUXILIARIES), None)
        if found is not None:
            return found
        try:
            end = self._object_begin(words)
        except Outside:
            return 0
        if words[0] in SUBJECTS or words[0] in SOME:
            return 1 if end > 1 else 0
        begin = 1 if words[0] == "the" or words[0] in ARTICLES else 0
        for at in range(min(end - 1, begin + LONGEST), begin, -1):
            if words[begin:at] in self.lexicon.names:
                return at
        return next((at for at in range(begin + 1, end) if is_third_person(words[at])), 0)

    def _clause(self, words: Tokens) -> Literal:
        verb = self._verb(words)
        if not verb:
            raise Outside
        plural = words[0] == "they"
        if words[verb] in ("are", "do") and not plural:
            raise Outside
        subject = self._who(words[:verb])
        if isinstance(subject, str) and self.mentions.subject is None:
            self.mentions.subject = subject
        return self.predicate(subject, plural, words[verb:])

    def _who(self, words: Tokens) -> Term:
        """Somebody or something that is spoken of."""
        if len(words) == 1 and words[0] in SUBJECTS | OBJECTS:
            return self.mentions.pronoun(words[0])
        if len(words) == 1 and words[0] in SOME:
            return self.mentions.variable(words[0])
        if words[0] in ARTICLES:
            return self._indefinite(words[1:])
        with_article = words[0] == "the"
        words = words[1:] if with_article else words
        if with_article and " ".join(words) in self.mentions.variables:
            return self.mentions.variables[" ".join(words)]
        return self.lexicon.entity(words, with_article)

    def _indefinite(self, words: Tokens) -> int:
        """The variable of `a cat` or of `a kind person`, with what is thereby said of it."""
        noun = name(words)
        *qualities, last = words
        variable = self.mentions.variable(last if last in BEINGS else noun)
        said = qualities if last in BEINGS else [noun]
        self.mentions.conditions.extend(Literal(True, quality, (variable,)) for quality in said)
        return variable

    def _quality(self, words: Tokens, plural: bool) -> str:
        """The predicate of an adjective or a noun behind a form of `be`."""
        if words[:1] and words[0] in ARTICLES:
            noun = name(words[1:])
            if words[-1] not in BEINGS or len(words) == 2:
                return noun
            words = words[1:-1]
        if plural and words and (one := singular(words[-1], self.lexicon.nouns)):
            return name((*words[:-1], one))
        if len(words) != 1:
            raise Outside
        return name(words)

    def _relation(self, subject: Term, words: Tokens, base: bool, positive: bool) -> Literal:
        """`likes the cat`, or `like the cat` in the base form."""
        end = self._object_begin(words)
        verb = words[:end]
        if len(verb) > LONGEST or (FRAME - {"has", "have"}) & set(verb):
            raise Outside
        # Several words are a verb with its particles: `depends on`, but not `never likes` or `gave Anne`.
        if verb[0] in LOOSE - {"like"} or not PARTICLES.issuperset(verb[1:]):
            raise Outside
        phrase = " ".join(verb)
        other = self._object(subject, words[end:])
        return Literal(positive, phrase if not base else third_person(phrase), (subject, other))

    def _object(self, subject: Term, words: Tokens) -> Term:
        if words[0] in REFLEXIVE and len(words) == 1:
            return subject
        other = self._who(words)
        # 'Bob likes him' means another one, as 'someone likes someone' does.
        if words[0] in SUBJECTS - OBJECTS or (other == subject and words[0] in OBJECTS | SOME):
            raise Outside
        return other

    def _object_begin(self, words: Tokens) -> int:
        """Where the object begins at the end of a clause, at least 1. Raises Outside."""
        article = next((at for at in range(len(words) - 1, 0, -1) if words[at] in ("the", *ARTICLES)), 0)
        if article:
            return article
        for at in range(max(1, len(words) - LONGEST), len(words)):
            if words[at:] in self.lexicon.names:
                return at
        if len(words) > 1 and words[-1] in OBJECTS | SOME | REFLEXIVE:
            return len(words) - 1
        raise Outside
