"""Notations of logic theories: what is written comes back, and what is left out is the right thing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.domain import LEVELS, BadProblem
from generators.prolog.alphabet import MODES, NOTATIONS, VARIABLES, VOCABULARIES, Words
from generators.prolog.notations import notation
from generators.prolog.stated import parsed
from generators.prolog.verification import verifier
from generators.words import SPECIALS, UNKNOWN, codes

WORDS = {vocabulary: Words(vocabulary, 16, 16) for vocabulary in VOCABULARIES}
Literal = tuple[str, ...]
Rule = tuple[list[Literal], Literal]


class Theory:
    """Facts, rules and a question, literals as tuples of stored words."""

    def __init__(self, facts: list[Literal], rules: list[Rule], question: Literal) -> None:
        self.facts, self.rules, self.question = facts, rules, question
        said = [*facts, *(part for body, head in rules for part in (*body, head)), question]
        names = [word for literal in said for word in literal[2:] if word not in VARIABLES]
        self.entities = list(dict.fromkeys(names))

    def prompt(self) -> list[str]:
        out: list[str] = []
        for at, fact in enumerate(self.facts, 1):
            out += [f"fact{at}", *fact]
        for at, (body, head) in enumerate(self.rules, 1):
            out += [f"rule{at}", "if", *(word for literal in body for word in literal), "then", *head]
        return [*out, "ask", *self.question]


Bound = dict[str, str]


class Cut(Exception):
    """The step limit was reached."""


class Search:
    """Both searches of the README as plain generators: each way in which a goal is proven is yielded.

    A lazy one leaves out what a legal trace may: clauses, entities, candidates and the way back into goals.
    """

    def __init__(self, theory: Theory, limit: int, lazy: random.Random | None = None) -> None:
        self.theory, self.limit, self.events, self.lazy = theory, limit, 0, lazy
        self.out: list[str] = []

    def skips(self) -> bool:
        return self.lazy is not None and self.lazy.random() < 0.25

    def say(self, *words: str) -> None:
        if self.events == self.limit:
            self.out.append("limit")
            raise Cut
        self.events += 1
        self.out += words

    def bound(self, pairs: list[tuple[str, str]]) -> Iterator[Bound]:
        for pair in pairs:
            self.say("bind", *pair)
        yield dict(pairs)
        for variable, _ in reversed(pairs):
            self.say("unbind", variable)

    def enumerated(self, literal: Literal, known: Bound) -> Iterator[Bound]:
        free = [word for word in literal[2:] if word in VARIABLES and word not in known]
        if not free:
            yield known
            return
        for entity in self.theory.entities:
            if self.skips():
                continue
            for one in self.bound([(free[0], entity)]):
                yield from self.enumerated(literal, known | one)

    def backward(self) -> tuple[list[str], str]:
        try:
            for answer, goal in (("true", self.theory.question), ("false", opposite(self.theory.question))):
                for _ in self.prove(goal, ()):
                    return self.out, answer
        except Cut:
            return self.out, "limit"
        return self.out, "unknown"

    def prove(self, goal: Literal, ancestors: tuple[Literal, ...]) -> Iterator[None]:
        self.say("call", *goal)
        if goal in ancestors:
            self.say("loop")
        else:
            for _ in self.ways(goal, (*ancestors, goal)):
                self.say("exit", *goal)
                yield
                if self.skips():
                    return
                self.say("redo", *goal)
        self.say("fail", *goal)

    def ways(self, goal: Literal, ancestors: tuple[Literal, ...]) -> Iterator[None]:
        for at, fact in enumerate(self.theory.facts, 1):
            if fact == goal and not self.skips():
                self.say("use", f"fact{at}")
                yield
        for at, (body, head) in enumerate(self.theory.rules, 1):
            given = unified(head, goal, {})
            if given is not None and not self.skips():
                self.say("use", f"rule{at}")
                for known in self.bound(list(given.items())):
                    yield from self.proven(body, known, ancestors)

    def proven(self, body: list[Literal], known: Bound, ancestors: tuple[Literal, ...]) -> Iterator[None]:
        if not body:
            yield
            return
        for more in self.enumerated(body[0], known):
            for _ in self.prove(ground(body[0], more), ancestors):
                yield from self.proven(body[1:], more, ancestors)

    def forward(self) -> tuple[list[str], str]:
        self.known = list(dict.fromkeys(self.theory.facts))
        self.used = 0
        try:
            for at in range(len(self.theory.rules)):
                self.used = at + 1
                self.fire("use", at, -1, ())
        except Cut:
            return self.out, "limit"
        question = self.theory.question
        return self.out, (
            "true" if question in self.known else "false" if opposite(question) in self.known else "unknown"
        )

    def fire(self, word: str, rule: int, only: int, new: Literal) -> None:
        self.say(word, f"rule{rule + 1}")
        self.run(rule, 0, {}, only, new)
        self.say("finish", f"rule{rule + 1}")

    def run(self, rule: int, at: int, known: Bound, only: int, new: Literal) -> None:
        body, head = self.theory.rules[rule]
        if at == len(body):
            for more in self.enumerated(head, known):
                self.conclude(ground(head, more))
            return
        fits = False
        for candidate in [new] if at == only else list(self.known):
            given = unified(body[at], candidate, known)
            if given is not None:
                fits = True
                if self.skips():
                    continue
                for more in self.bound(list(given.items())):
                    self.run(rule, at + 1, known | more, only, new)
        if not fits:
            self.say("fail")

    def conclude(self, head: Literal) -> None:
        if head in self.known:
            self.say("known", *head)
            return
        self.say("obtain", *head)
        self.known.append(head)
        for rule in range(self.used):
            for at, literal in enumerate(self.theory.rules[rule][0]):
                if unified(literal, head, {}) is not None and not self.skips():
                    self.fire("reuse", rule, at, head)


def opposite(literal: Literal) -> Literal:
    return ("-" if literal[0] == "+" else "+", *literal[1:])


def ground(literal: Literal, known: Bound) -> Literal:
    return tuple(known.get(word, word) for word in literal)


def unified(pattern: Literal, literal: Literal, known: Bound) -> Bound | None:
    """What must be bound beside `known`, in order of occurrence."""
    if pattern[:2] != literal[:2]:
        return None
    more: Bound = {}
    for word, value in zip(pattern[2:], literal[2:], strict=True):
        if word in VARIABLES and word not in known:
            if more.setdefault(word, value) != value:
                return None
        elif known.get(word, word) != value:
            return None
    return more


def theory(seed: int, vocabulary: str) -> Theory:
    """A small theory that searches a lot: few predicates and entities, up to three variables a rule."""
    rng, words = random.Random(seed), WORDS[vocabulary]
    names = rng.sample(words.entity_words, rng.randint(1, 3))
    kinds = list(zip(words.predicate_words, words.arities, strict=True))
    own = [kind for kind in kinds if kind[1] > 0]
    predicates = [*rng.sample(own, 3), rng.choice(kinds), rng.choice([k for k in kinds if k[1] != 1])]

    def literal(choices: list[str]) -> Literal:
        word, arity = rng.choice(predicates)
        return (rng.choice("+++-"), word, *(rng.choice(choices) for _ in range(arity)))

    rules = []
    for _ in range(rng.randint(0, 6)):
        choices = [*rng.sample(VARIABLES, rng.randint(1, 3)), rng.choice(names)]
        rules.append(([literal(choices) for _ in range(rng.randint(0, 3))], literal(choices)))
    facts = [literal(names) for _ in range(rng.randint(0, 7))]
    heads = [rule[1] for rule in rules] or facts or [literal(names)]
    question = tuple(rng.choice(names) if word in VARIABLES else word for word in rng.choice(heads))
    return Theory(facts, rules, question if rng.random() < 0.7 else opposite(question))


def rows(lists: list[list[str]], alphabet: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    return codes(pl.Series(lists, dtype=pl.List(pl.String)), alphabet)


def texts(stored: tuple[np.ndarray, np.ndarray], alphabet: tuple[str, ...]) -> list[list[str]]:
    flat, offsets = stored
    said = [alphabet[code] if code != UNKNOWN else "?" for code in flat]
    return [said[one:two] for one, two in pairwise(offsets)]


def events(trace: list[str], mode: str) -> list[list[str]]:
    heads = {"call", "use", "bind", "unbind", "exit", "redo", "fail", "loop", "limit"}
    heads |= {"reuse", "obtain", "known", "finish"}
    out: list[list[str]] = []
    for word in trace:
        out += [[word]] if word in heads else []
        out[-1] += [] if word in heads else [word]
    return out


class Solved:
    """Rows of solved theories, as words and as stored codes."""

    def __init__(
        self, mode: str, vocabulary: str, seeds: range, limit: int = 400, lazy: bool = False
    ) -> None:
        self.mode, self.words, self.lazy = mode, WORDS[vocabulary], lazy
        self.theories = [theory(seed, vocabulary) for seed in seeds]
        searches = [
            Search(one, limit if at % 3 else at % 50, random.Random(at) if lazy else None)
            for at, one in enumerate(self.theories)
        ]
        solved = [one.backward() if mode == "backward" else one.forward() for one in searches]
        self.traces = [trace for trace, _ in solved]
        self.answers = [answer for _, answer in solved]
        stored = self.words.alphabet
        self.prompt = rows([one.prompt() for one in self.theories], stored)
        self.trace = rows(self.traces, stored)
        self.answer = rows([["answer", answer] for answer in self.answers], stored)

    def written(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        return notation.written_response(self.trace, self.answer, self.words, name, self.mode)

    def said(self, name: str) -> list[list[str]]:
        return texts(self.written(name), notation.alphabet(self.words, name, self.mode))

    def restored(self, name: str):
        return notation.stored_response(self.written(name), self.words, name, self.mode)


@pytest.fixture(scope="module")
def many() -> list[Solved]:
    exact = [Solved(mode, vocabulary, range(300)) for mode in MODES for vocabulary in VOCABULARIES]
    return exact + [Solved(mode, "proofwriter", range(300, 600), lazy=True) for mode in MODES]


def same(one, two) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_the_searches_of_these_tests_meet_every_answer_and_event(many):
    for mode in MODES:
        solved = [one for one in many if one.mode == mode]
        assert {answer for one in solved for answer in one.answers} == {"true", "false", "unknown", "limit"}
        said = {word for one in solved for trace in one.traces for word in trace}
        heads = {"use", "bind", "unbind", "fail", "limit"}
        heads |= {"call", "exit", "redo", "loop"} if mode == "backward" else {"reuse", "obtain", "known"}
        assert heads <= said


@pytest.mark.parametrize("name", NOTATIONS)
def test_only_words_of_the_alphabet_are_written(many, name):
    for one in many:
        size = len(notation.alphabet(one.words, name, one.mode))
        written = one.written(name)
        prompt = notation.written_prompt(one.prompt, one.words, name, one.mode)
        assert written[0].max() < size
        assert prompt[0].max() < size


@pytest.mark.parametrize("name", ["symbolic", "compact", "without-unbind", "natural"])
def test_traces_and_answers_are_restored(many, name):
    for one in many:
        trace, answer = one.restored(name)
        traces = texts(trace, one.words.alphabet)
        assert same(answer, one.answer)
        if name == "without-unbind" and one.lazy:
            # Of two proven goals that are identical a lazy search may go back into the older one, unseen.
            alike = [back == trace for back, trace in zip(traces, one.traces, strict=True)]
            assert np.mean(alike) > 0.98
        else:
            assert traces == one.traces


@pytest.mark.parametrize("name", NOTATIONS)
def test_prompts_and_answers_are_restored_in_every_notation(many, name):
    for one in many:
        written = notation.written_prompt(one.prompt, one.words, name, one.mode)
        assert same(notation.stored_prompt(written, one.words, name, one.mode), one.prompt)
        assert same(one.restored(name)[1], one.answer)


def test_without_unbind_keeps_every_other_event(many):
    for one in many:
        for said, trace in zip(one.said("without-unbind"), one.traces, strict=True):
            kept = events(said[:-2], one.mode)
            assert [event for event in kept if event[0] != "unbind"] == [
                event for event in events(trace, one.mode) if event[0] != "unbind"
            ]
            if trace[-1:] != ["limit"]:
                assert "unbind" not in said


def proof(theory: Theory, said: list[str]) -> Literal | None:
    """Read a backward trace without failed branches by recursive descent; gives the goal proven."""
    steps = events(said, "backward")

    def goal(at: int) -> tuple[Literal, int]:
        literal = tuple(steps[at][1:])
        assert steps[at][0] == "call"
        word, clause = steps[at + 1]
        assert word == "use"
        at += 2
        if clause.startswith("fact"):
            assert theory.facts[int(clause[4:]) - 1] == literal
        else:
            body, head = theory.rules[int(clause[4:]) - 1]
            known: Bound = {}
            for wanted in (None, *body):
                while steps[at][0] == "bind":
                    known[steps[at][1]] = steps[at][2]
                    at += 1
                if wanted is not None:
                    assert tuple(steps[at][1:]) == ground(wanted, known)
                    _, at = goal(at)
            assert ground(head, known) == literal
        assert steps[at] == ["exit", *literal]
        return literal, at + 1

    if not steps:
        return None
    literal, end = goal(0)
    assert end == len(steps)
    return literal


def test_without_fail_keeps_the_proof_alone_backward(many):
    for one in many:
        if one.mode != "backward":
            continue
        restored = texts(one.restored("without-fail")[0], one.words.alphabet)
        for theory, answer, trace in zip(one.theories, one.answers, restored, strict=True):
            proven = {"true": theory.question, "false": opposite(theory.question)}.get(answer)
            assert proof(theory, trace) == proven


def replayed(theory: Theory, said: list[str]) -> list[Literal]:
    """What a forward trace obtains, each step checked: rules and bindings nest, and premises are known."""
    known, new = list(dict.fromkeys(theory.facts)), []
    stack: list[tuple[str, str, Bound]] = []
    gains = [0]
    for event in events(said, "forward"):
        word = event[0]
        assert word in ("use", "reuse", "bind", "unbind", "obtain", "finish")
        if word in ("use", "reuse"):
            stack.append(("rule", event[1], {}))
            gains.append(len(new))
        elif word == "bind":
            kind, rule, bound = stack[-1]
            assert event[1] not in bound
            stack.append(("bind", rule, bound | {event[1]: event[2]}))
            gains.append(len(new))
        elif word == "obtain":
            body, head = theory.rules[int(stack[-1][1][4:]) - 1]
            bound = stack[-1][2]
            assert ground(head, bound) == tuple(event[1:])
            assert all(ground(literal, bound) in known for literal in body)
            assert tuple(event[1:]) not in known
            known.append(tuple(event[1:]))
            new.append(tuple(event[1:]))
        else:
            kind, rule, bound = stack.pop()
            assert gains.pop() < len(new)
            assert (kind, event[1]) == (("rule", rule) if word == "finish" else ("bind", list(bound)[-1]))
    assert not stack
    return new


def test_without_fail_keeps_what_obtains_something_forward(many):
    for one in many:
        if one.mode != "forward":
            continue
        restored = texts(one.restored("without-fail")[0], one.words.alphabet)
        for theory, answer, full, trace in zip(one.theories, one.answers, one.traces, restored, strict=True):
            obtained = [tuple(event[1:]) for event in events(full, "forward") if event[0] == "obtain"]
            assert replayed(theory, trace) == (obtained if answer != "limit" else [])


def test_the_verifier_finds_restored_traces_exact_and_thinned_ones_sound(many):
    for one in many:
        theories = parsed(*one.prompt, one.words)

        def levels(name, one=one, theories=theories):
            return verifier.replay(theories, *one.restored(name), one.words, one.mode).level

        decided = np.isin(one.answers, ["true", "false"])
        assert (levels("without-fail")[decided] >= LEVELS.index("sound")).all()
        assert np.array_equal(levels("natural"), levels("symbolic"))
        if one.lazy:
            assert (levels("without-unbind")[decided] >= LEVELS.index("sound")).all()
        else:
            ended = decided | np.isin(one.answers, ["unknown"])
            assert (levels("without-unbind")[ended] == LEVELS.index("exact")).all()


def test_solution_is_the_answer_alone(many):
    for one in many:
        assert one.said("solution") == [["answer", answer] for answer in one.answers]
        assert one.restored("solution")[0][0].size == 0


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
@pytest.mark.parametrize("name", NOTATIONS)
def test_alphabets_are_closed_lists_of_single_words(name, vocabulary):
    words = WORDS[vocabulary]
    alphabet = notation.alphabet(words, name, "backward")
    assert len(set(alphabet)) == len(alphabet) < 65535
    assert not set(alphabet) & set(SPECIALS)
    assert all(len(word.split()) == 1 and word == word.lower() for word in alphabet)
    assert alphabet == notation.alphabet(words, name, "forward")
    if name not in ("compact", "natural"):
        assert alphabet == tuple(word for word in words.alphabet if word in alphabet)


def test_every_sentence_of_english_reads_back_for_every_predicate_and_name():
    for words in WORDS.values():
        lists = []
        names = words.entity_words
        for at, (word, arity) in enumerate(zip(words.predicate_words, words.arities, strict=True)):
            for polarity in "+-":
                given = [names[(at + step) % len(names)] for step in range(arity)]
                free = [VARIABLES[(at + step) % len(VARIABLES)] for step in range(arity)]
                lists.append(["fact1", polarity, word, *given, "ask", polarity, word, *given])
                lists.append(
                    ["rule2", "if", polarity, word, *free, "+", word, *free, "then", "-", word, *free]
                )
                lists.append(["rule16", "if", "then", polarity, word, *free])
        stored = rows(lists, words.alphabet)
        english = notation.written_prompt(stored, words, "natural", "backward")
        assert UNKNOWN not in english[0]
        assert len(
            {" ".join(said) for said in texts(english, notation.alphabet(words, "natural", "forward"))}
        ) == len(lists)
        assert same(notation.stored_prompt(english, words, "natural", "backward"), stored)


README = Path(notation.__file__).parents[1].joinpath("README.md").read_text()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NOTATIONS)
def test_the_example_of_the_readme_reads_so(name, mode):
    words = WORDS["proofwriter"]
    rules = [([("+", kind, "x")], ("+", "nice", "x")) for kind in ("big", "kind")]
    one = Theory([("+", "kind", "anne")], rules, ("+", "nice", "anne"))
    stored = rows([one.prompt()], words.alphabet)
    section = README.split(f"### {mode.capitalize()}\n")[1].split("\n### ")[0]
    trace, answer = getattr(Search(one, 100), mode)()
    solved = rows([trace], words.alphabet), rows([["answer", answer]], words.alphabet)
    alphabet = notation.alphabet(words, name, mode)
    response = notation.written_response(*solved, words, name, mode)
    assert f"| `{name}` | `{' '.join(texts(response, alphabet)[0])}` |" in section
    asked = " ".join(texts(notation.written_prompt(stored, words, name, mode), alphabet)[0])
    assert f"`{asked}`" in README.split("## Notations")[1].replace("\n", " ")


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ("so bob is nice . so bob nice . so bob is", "exit + nice bob exit ? exit ?"),
        ("so now bob is very nice . we know that the", "obtain ? known ?"),
        ("the cat . . let it be something . forget bob .", "? ? bind ? unbind ?"),
        ("any cat likes bob . let a third be the cat . try rule 99 .", "? bind z cat use ?"),
        ("nothing shows that the cat does not like another .", "fail - likes cat y"),
        ("the answer is nice . so the answer is true .", "answer ? exit ?"),
        ("fact 1 : bob is kind . and rule 2 : bob is kind .", "fact1 + kind bob ?"),
    ],
)
def test_sentences_that_say_nothing_are_one_strange_word(said, stored):
    words = WORDS["proofwriter"]
    given_rows = rows([said.split()], notation.alphabet(words, "natural", "forward"))
    trace, answer = notation.stored_response(given_rows, words, "natural", "forward")
    assert " ".join(texts(trace, words.alphabet)[0] + texts(answer, words.alphabet)[0]) == stored


def test_an_unknown_notation_is_refused_with_the_known_ones():
    with pytest.raises(BadProblem, match="no notation 'prose'; they have: symbolic, compact, without-unbind"):
        notation.alphabet(WORDS["invented"], "prose", "forward")


@st.composite
def responses(draw, name):
    """Words of a notation and strangers, some of them pieces of what a teacher writes."""
    mode = draw(st.sampled_from(MODES))
    solved = Solved(mode, "proofwriter", range(draw(st.integers(0, 300)), 301)[:1])
    said = solved.said(name)[0]
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(said)))
        alphabet = notation.alphabet(solved.words, name, mode)
        more = draw(st.lists(st.sampled_from([*alphabet[-60:], *said, "nonsense"]), max_size=4))
        said = said[:at] + more + said[at + draw(st.integers(0, 3)) :]
    return mode, said


@pytest.mark.parametrize("name", NOTATIONS)
def test_any_words_are_handed_on(name):
    words = WORDS["proofwriter"]

    @given(responses(name))
    def handed_on(response):
        mode, said = response
        given_rows = rows([said, [], said], notation.alphabet(words, name, mode))
        trace, answer = notation.stored_response(given_rows, words, name, mode)
        traces, answers = texts(trace, words.alphabet), texts(answer, words.alphabet)
        assert (traces[1], answers[1]) == ([], [])
        assert (traces[0], answers[0]) == (traces[2], answers[2])
        if name == "solution":
            assert traces[0] == []
        else:
            assert "answer" not in traces[0]
            assert answers[0][:1] in ([], ["answer"])
        if name in ("symbolic", "without-fail"):
            known = [word if word in words.alphabet else "?" for word in said]
            assert traces[0] + answers[0] == known
        if name == "without-unbind":
            plain = [event for event in " ".join(traces[0] + answers[0]).split() if event != "unbind"]
            assert len(plain) >= len([word for word in said if word != "unbind"])
        # Whatever is restored may be written again, as the rows of a bootstrap are.
        for view in NOTATIONS:
            notation.written_response(trace, answer, words, view, mode)

    handed_on()
