"""English theories: which sentences are read, as what, and which are refused."""

from __future__ import annotations

import contextlib
import random
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.domain import BadProblem
from generators.prolog.alphabet import ANIMALS, CONCEPTS, PEOPLE, QUALITIES, RELATIONS
from generators.prolog.reading import english, records
from generators.prolog.reading.morphology import singular, third_person
from generators.prolog.reading.naming import Literal


def shown(literal: Literal) -> str:
    names = ["XYZUVW"[name] if isinstance(name, int) else name for name in literal.arguments]
    return f"{'' if literal.positive else '-'}{literal.predicate}({', '.join(names)})"


def clauses(context: str, question: str = "Zed is zealous.") -> list[str]:
    """Facts, then rules as `head :- body`."""
    read = english.problem("one", context, question)
    rules = [f"{shown(head)} :- {', '.join(map(shown, body))}".rstrip() for body, head in read.rules]
    return [*map(shown, read.facts), *rules]


FACTS = {
    "Bob is kind.": "kind(Bob)",
    "Bob is not kind.": "-kind(Bob)",
    "Bob isn't kind.": "-kind(Bob)",
    "It is not true that Bob is kind.": "-kind(Bob)",
    "The bald eagle is round.": "round(bald eagle)",
    "The bald eagle likes the cat.": "likes(bald eagle, cat)",
    "The cat does not like the bald eagle.": "-likes(cat, bald eagle)",
    "The cat doesn't see Bob.": "-sees(cat, Bob)",
    "Anne needs Bob.": "needs(Anne, Bob)",
    "Bob Smith likes Charlie Brown.": "likes(Bob Smith, Charlie Brown)",
    "Bob likes himself.": "likes(Bob, Bob)",
    "The light bulb is glowing.": "glowing(light bulb)",
    "The switch is on.": "on(switch)",
    "The current runs through the circuit.": "runs through(current, circuit)",
    "The current does not run through the light bulb.": "-runs through(current, light bulb)",
    "The circuit has the switch.": "has(circuit, switch)",
    "The circuit does not have the switch.": "-has(circuit, switch)",
    "Max is an impus.": "impus(Max)",
    "Max is not a wumpus.": "-wumpus(Max)",
    "Max is a kind person.": "kind(Max)",
    "7 is a natural number.": "natural number(7)",
    "Arthur can fly.": "can fly(Arthur)",
    "Arthur cannot fly.": "-can fly(Arthur)",
    "Max is sour!": "sour(Max)",
}


@pytest.mark.parametrize(("sentence", "meant"), FACTS.items())
def test_a_fact_is_read_in_every_form(sentence, meant):
    assert clauses(sentence) == [meant]


def test_a_sentence_with_and_is_several_facts():
    assert clauses("Bob is red, cold and not nice.") == ["red(Bob)", "cold(Bob)", "-nice(Bob)"]
    assert clauses("Bob likes Anne and chases the cat.") == ["likes(Bob, Anne)", "chases(Bob, cat)"]
    assert clauses("Bob likes Anne and the cat.") == ["likes(Bob, Anne)", "likes(Bob, cat)"]


RULES = {
    # ProofWriter and RuleTaker
    "If someone is red then they are kind.": "kind(X) :- red(X)",
    "If something is red and not big then it is not kind.": "-kind(X) :- red(X), -big(X)",
    "If someone is red and they are not big then they are kind.": "kind(X) :- red(X), -big(X)",
    "If someone is red and they like the cat then they do not see the dog.": (
        "-sees(X, dog) :- red(X), likes(X, cat)"
    ),
    "If something visits the mouse and the mouse visits the dog then it is cold.": (
        "cold(X) :- visits(X, mouse), visits(mouse, dog)"
    ),
    "If something sees the bald eagle and it does not chase the cat then the cat chases the bald eagle.": (
        "chases(cat, bald eagle) :- sees(X, bald eagle), -chases(X, cat)"
    ),
    "If someone chases the mouse then the mouse is cold.": "cold(mouse) :- chases(X, mouse)",
    "If Bob is red and Bob is not big then Bob is kind.": "kind(Bob) :- red(Bob), -big(Bob)",
    "If the bald eagle likes the dog then the dog does not like the bald eagle.": (
        "-likes(dog, bald eagle) :- likes(bald eagle, dog)"
    ),
    "If the cat is cold and it likes the dog then it is nice.": "nice(cat) :- cold(cat), likes(cat, dog)",
    "If Anne is kind then she is nice.": "nice(Anne) :- kind(Anne)",
    "If the cat likes someone then they are kind.": "kind(X) :- likes(cat, X)",
    "If someone is kind then the cat likes them.": "likes(cat, X) :- kind(X)",
    "If someone is kind and someone is nice then someone is red.": "red(X) :- kind(X), nice(X)",
    "If someone is kind, then they are nice.": "nice(X) :- kind(X)",
    "If someone likes something then it likes them.": "likes(Y, X) :- likes(X, Y)",
    "If a cat is red then it likes the dog.": "likes(X, dog) :- cat(X), red(X)",
    "If a person is kind then the person is nice.": "nice(X) :- kind(X)",
    "If someone is a bird and not abnormal then they can fly.": "can fly(X) :- bird(X), -abnormal(X)",
    "If it is not true that someone is kind then they are nice.": "nice(X) :- -kind(X)",
    "If the circuit has the bell and the current runs through the bell then the bell is ringing.": (
        "ringing(bell) :- has(circuit, bell), runs through(current, bell)"
    ),
    "Red people are kind.": "kind(X) :- red(X)",
    "All red things are not kind.": "-kind(X) :- red(X)",
    "Red, cold things are kind.": "kind(X) :- red(X), cold(X)",
    "All big, red people are kind.": "kind(X) :- big(X), red(X)",
    "Big and red people are kind.": "kind(X) :- big(X), red(X)",
    "All kind people like the cat.": "likes(X, cat) :- kind(X)",
    "Kind people do not like the cat.": "-likes(X, cat) :- kind(X)",
    "People that like the cat are nice.": "nice(X) :- likes(X, cat)",
    "All people are kind.": "kind(X) :-",
    "Everyone is kind.": "kind(X) :-",
    "No one is kind.": "-kind(X) :-",
    "Everything likes the cat.": "likes(X, cat) :-",
    # PrOntoQA
    "Every wumpus is a yumpus.": "yumpus(X) :- wumpus(X)",
    "Each wumpus is not sour.": "-sour(X) :- wumpus(X)",
    "Wumpuses are yumpuses.": "yumpus(X) :- wumpus(X)",
    "Impuses are not nervous.": "-nervous(X) :- impus(X)",
    "All wumpuses are not yumpuses.": "-yumpus(X) :- wumpus(X)",
    "No wumpus is an impus.": "-impus(X) :- wumpus(X)",
    "No wumpuses are red.": "-red(X) :- wumpus(X)",
    "A wumpus is a yumpus.": "yumpus(X) :- wumpus(X)",
    "Sheep are animals.": "animal(X) :- sheep(X)",
    "Bacteria are not multicellular.": "-multicellular(X) :- bacteria(X)",
    "Painted ladies are butterflies.": "butterfly(X) :- painted lady(X)",
    "Each Mersenne prime is not composite.": "-composite(X) :- mersenne prime(X)",
    "Mice are not fearless.": "-fearless(X) :- mouse(X)",
    "Real numbers are not imaginary numbers.": "-imaginary number(X) :- real number(X)",
    "Everything that is a wumpus and a yumpus is a zumpus.": "zumpus(X) :- wumpus(X), yumpus(X)",
    "Every wumpus likes the cat.": "likes(X, cat) :- wumpus(X)",
}


@pytest.mark.parametrize(("sentence", "meant"), RULES.items())
def test_a_rule_is_read_in_every_form(sentence, meant):
    assert clauses(sentence) == [meant]


def test_a_conclusion_with_and_is_several_rules():
    assert clauses("Every wumpus is a yumpus, a zumpus, and red.") == [
        *("yumpus(X) :- wumpus(X)", "zumpus(X) :- wumpus(X)", "red(X) :- wumpus(X)"),
    ]
    assert clauses("If someone is kind then they are nice and not red.") == [
        *("nice(X) :- kind(X)", "-red(X) :- kind(X)"),
    ]


def test_a_condition_with_or_is_several_rules():
    assert clauses("Everything that is red, a wumpus, or a yumpus is big.") == [
        *("big(X) :- red(X)", "big(X) :- wumpus(X)", "big(X) :- yumpus(X)"),
    ]


def test_the_noun_of_a_text_decides_between_possible_singulars():
    assert clauses("Every axe is red. Axes are big.") == ["red(X) :- axe(X)", "big(X) :- axe(X)"]


def test_two_words_that_nothing_is_said_to_be_are_a_quality_and_a_noun():
    said = "Max is red. Max is a wumpus. Every red wumpus is big."
    assert clauses(said)[-1] == "big(X) :- red(X), wumpus(X)"
    assert clauses(f"{said} Fae is a red wumpus.")[-1] == "big(X) :- red wumpus(X)"


REFUSED = (
    "Foo bars.",
    "Bob runs fast.",
    "Bob is very cold.",
    "Bob is kind to the cat.",
    "Bob is nicer than Anne.",
    "Bob is either red or blue.",
    "Bob is not red and nice.",
    "Bob, who is round, is kind.",
    "Bob and Anne are kind.",
    "That guy Charlie sure is cold.",
    "Someone is kind.",
    "It is red.",
    "The cat is the dog.",
    "Cats chase mice.",
    "All cats.",
    "If Bob is kind.",
    "If then Bob is kind.",
    "If someone likes someone then they are nice.",
    "If someone is kind then they are not nice and red.",
    "If the cat is red then people are nice.",
    "If everyone is kind then Bob is nice.",
    "Bob likes him.",
    "Bob is kind; Anne is nice.",
    "Bob is.",
    "?",
    "Is Bob kind?",
)


@pytest.mark.parametrize("sentence", REFUSED)
def test_a_sentence_outside_the_grammar_is_quoted(sentence):
    with pytest.raises(BadProblem) as refused:
        clauses(f"Anne is nice. {sentence}")
    assert f"sentence '{sentence}' is outside the grammar" in str(refused.value)


def test_a_description_is_not_taken_for_another_name():
    with pytest.raises(BadProblem, match=r"'Young Bob is cold\."):
        clauses("Young Bob is cold. Bob is red.")


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("Is the following statement true or false? Max is not sour.", "-sour(Max)"),
        ("Based on the above, is the following statement true, false, or unknown? Max is sour.", "sour(Max)"),
        ("The cat does not like the bald eagle.", "-likes(cat, bald eagle)"),
        ("Max is sour. True or false?", "sour(Max)"),
        ("Max can fly?", "can fly(Max)"),
        ("True or false: Max is a zumpus.", "zumpus(Max)"),
        ("Does it follow?\nMax is sour", "sour(Max)"),
    ],
)
def test_a_question_is_its_statement(question, meant):
    assert shown(english.problem("one", "Anne is nice.", question).question) == meant


@pytest.mark.parametrize("question", ["Is Max sour?", "Every cat is red.", "Max is red and big."])
def test_a_question_that_is_no_literal_is_quoted(question):
    with pytest.raises(BadProblem) as refused:
        english.problem("one", "Anne is nice.", question)
    assert question.rstrip("?") in str(refused.value)
    with pytest.raises(BadProblem, match="the question is empty"):
        english.problem("one", "Anne is nice.", " ")


def test_verbs_and_nouns_take_their_forms():
    forms = "like likes, chase chases, carry carries, play plays, go goes, miss misses, have has, fix fixes"
    for pair in forms.split(", "):
        base, third = pair.split()
        assert third_person(base) == third
    assert third_person("run through") == "runs through"
    for concept in CONCEPTS:
        assert singular(f"{concept}es") == concept
        assert singular(concept) is None
    plurals = (
        "cats cat, foxes fox, horses horse, houses house, butterflies butterfly, wolves wolf, mice mouse"
    )
    for pair in f"{plurals}, classes class, buses bus, sheep sheep, heroes hero, mazes maze".split(", "):
        plural, one = pair.split()
        assert singular(plural) == one
    assert [singular(word) for word in ("kind", "fearless", "nervous")] == [None] * 3


# An independent writer of ProofWriter's sentences, for the vocabulary alone.

BASES = {f"{verb}s": verb for verb in ("like", "chase", "eat", "see", "visit", "need")}


class Writer:
    """Random theories, with their sentences and with what those mean."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.animals = self.rng.random() < 0.5
        self.someone = self.rng.choice(["someone", "something"])

    def entity(self) -> str:
        return self.rng.choice(ANIMALS if self.animals else PEOPLE).replace("-", " ")

    def said(self, name: str) -> str:
        return f"the {name}" if self.animals else name.capitalize()

    def literal(self, subject: str | None, mention: str) -> tuple[str, str]:
        """English and meaning; `subject` None is the variable, spoken of as `mention`."""
        positive = self.rng.random() < 0.7
        sign = "" if positive else "-"
        shown = "X" if subject is None else subject
        plural = mention == "they"
        if self.rng.random() < 0.5:
            quality = self.rng.choice(QUALITIES)
            be = "are" if plural else "is"
            return f"{mention} {be} {'' if positive else 'not '}{quality}", f"{sign}{quality}({shown})"
        relation, other = self.rng.choice(RELATIONS), self.entity()
        base = BASES[relation]
        verb = (base if plural else relation) if positive else f"{'do' if plural else 'does'} not {base}"
        return f"{mention} {verb} {self.said(other)}", f"{sign}{relation}({shown}, {other})"

    def part(self, variable: bool, first: bool) -> tuple[str, str]:
        if variable and (first or self.rng.random() < 0.6):
            pronoun = "they" if self.someone == "someone" else "it"
            return self.literal(None, self.someone if first else pronoun)
        name = self.entity()
        return self.literal(name, self.said(name))

    def rule(self) -> tuple[str, str]:
        if self.rng.random() < 0.3:
            qualities = self.rng.sample(QUALITIES, self.rng.randint(1, 2))
            head, negative = self.rng.choice(QUALITIES), self.rng.random() < 0.3
            people = "people" if self.someone == "someone" else "things"
            start = f"{self.rng.choice(['All ', ''])}{', '.join(qualities)} {people} are"
            meant = ", ".join(f"{quality}(X)" for quality in qualities)
            return f"{start} {'not ' if negative else ''}{head}", f"{'-' * negative}{head}(X) :- {meant}"
        variable = self.rng.random() < 0.7
        body = [self.part(variable, at == 0) for at in range(self.rng.randint(1, 3))]
        head = self.part(variable, False)
        english = f"if {' and '.join(said for said, _ in body)} then {head[0]}"
        return english, f"{head[1]} :- {', '.join(meant for _, meant in body)}"

    def theory(self) -> tuple[str, list[str]]:
        facts = [self.part(False, True) for _ in range(self.rng.randint(1, 8))]
        rules = [self.rule() for _ in range(self.rng.randint(0, 6))]
        sentences = [*facts, *rules]
        text = " ".join(f"{said[0].upper()}{said[1:]}." for said, _ in sentences)
        return text, [meant for _, meant in sentences]


@pytest.mark.parametrize("seed", range(150))
def test_what_was_written_is_what_is_read(seed):
    text, meant = Writer(seed).theory()
    assert [line.lower() for line in clauses(text)] == [line.lower() for line in meant], text


WORDS = """
if then and not is are does do can the a an all every no someone something they it them people things
that who or but , bob cat bald eagle red kind likes like chases chase wumpus wumpuses Bob Anne
"""


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=9))
def test_any_words_are_read_or_refused(words):
    sentence = f"{' '.join(words)}."
    with contextlib.suppress(BadProblem):
        assert clauses(f"Anne likes the cat. {sentence}")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_read_or_refused(context, question):
    with contextlib.suppress(BadProblem):
        english.problem("one", context, question)


def test_a_theory_of_600_records_is_read_in_seconds():
    text, _ = Writer(1).theory()
    begun = perf_counter()
    for _ in range(600):
        english.problem("one", text, "Bob is red.")
    assert perf_counter() - begun < 5


def test_the_labels_of_records_are_read_in_every_form():
    record = {"id": "one", "context": "Bob is red.", "question": "Bob is red.", "options": ["A) True"]}
    options = ["A) True", "B) False", "C) Uncertain"]
    for answer, given_options, label in (
        *(
            ("A", options, "true"),
            ("B", options, "false"),
            ("C", options, "unknown"),
            ("c", options, "unknown"),
        ),
        *(("True", options, "true"), ("Unknown", options, "unknown"), ("B) False", options, "false")),
        *((True, options, "true"), (False, None, "false"), ("B", None, "false"), (None, options, None)),
        *((("A", ["(A) False", "(B) True"], "false")), ("A", ["A. true", "B. false"], "true")),
    ):
        whole = {**record, "options": given_options, "answer": answer}
        assert records.problem("there", whole).given == label
