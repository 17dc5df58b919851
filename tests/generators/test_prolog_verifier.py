"""The verifier of theories: the search is exact, shorter proofs are sound, and nothing sound is wrong."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl
import pytest

from generators.domain import JUDGEMENT, LEVELS
from generators.prolog import closure
from generators.prolog.alphabet import ANSWERS, BACKWARD, EVENTS, FORWARD, MODES, VARIABLES, Words
from generators.prolog.stated import parsed, prompts
from generators.prolog.theory import NONE, VARIABLE, assembled
from generators.prolog.verification import levels, search_backward, search_forward, verifier

WORDS = Words("invented", 8, 8)
ALPHABET = WORDS.alphabet
CODE = {word: code for code, word in enumerate(ALPHABET)}
CAP, PROBLEMS, ROUNDS = 120, 600, 50
"""Events of the searches that are compared (longer ones are left out), how many, how often each is spoilt."""
WALKS, TRIES = 120, 12


class Cut(Exception):
    pass


# Literals of the oracles are tuples (polarity, predicate, arguments ...); 1000 and above are variables.


def entities_of(facts, rules, question):
    literals = [*facts, *(part for body, head in rules for part in (*body, head)), question]
    return list(dict.fromkeys(term for literal in literals for term in literal[2:] if term < VARIABLE))


def variables_of(*literals):
    return list(dict.fromkeys(term for literal in literals for term in literal[2:] if term >= VARIABLE))


def under(literal, bindings):
    return (*literal[:2], *(bindings.get(term, term) for term in literal[2:]))


def unified(pattern, literal, bindings):
    if pattern[:2] != literal[:2]:
        return None
    bindings = dict(bindings)
    for wanted, term in zip(pattern[2:], literal[2:], strict=True):
        if wanted >= VARIABLE:
            wanted = bindings.setdefault(wanted, term)
        if wanted != term:
            return None
    return bindings


def complement(literal):
    return (1 - literal[0], *literal[1:])


class Search:
    """Events as lists of words, in the order of the README."""

    def __init__(self, facts, rules, question):
        self.facts, self.rules, self.question = facts, rules, question
        self.entities = entities_of(facts, rules, question)
        self.events = []

    def say(self, event, *terms):
        if len(self.events) == CAP:
            raise Cut
        words = [event]
        for term in terms:
            words += spelled(term) if isinstance(term, tuple) else [term]
        self.events.append(words)

    def bind(self, variable, entity):
        self.say("bind", VARIABLES[variable - VARIABLE], WORDS.entity_words[entity])

    def unbind(self, variable):
        self.say("unbind", VARIABLES[variable - VARIABLE])


def spelled(literal):
    sign, predicate, *terms = literal
    return ["-+"[sign], WORDS.predicate_words[predicate], *(WORDS.entity_words[term] for term in terms)]


class Backward(Search):
    def answer(self):
        for name, goal in (("true", self.question), ("false", complement(self.question))):
            if any(True for _ in self.proofs(goal, ())):
                return name
        return "unknown"

    def proofs(self, goal, above):
        self.say("call", goal)
        if goal in above:
            self.say("loop")
            self.say("fail", goal)
            return
        for number in (number for number, fact in enumerate(self.facts, 1) if fact == goal):
            self.say("use", f"fact{number}")
            yield from self.exits(goal)
        for number, (body, head) in enumerate(self.rules, 1):
            bindings = unified(head, goal, {})
            if bindings is None:
                continue
            self.say("use", f"rule{number}")
            for variable in bindings:
                self.bind(variable, bindings[variable])
            for _ in self.body(body, bindings, (*above, goal)):
                yield from self.exits(goal)
            for variable in reversed(bindings):
                self.unbind(variable)
        self.say("fail", goal)

    def exits(self, goal):
        self.say("exit", goal)
        yield
        self.say("redo", goal)

    def body(self, body, bindings, above):
        if not body:
            yield
            return
        free = [variable for variable in variables_of(body[0]) if variable not in bindings]
        if not free:
            for _ in self.proofs(under(body[0], bindings), above):
                yield from self.body(body[1:], bindings, above)
            return
        for entity in self.entities:
            self.bind(free[0], entity)
            yield from self.body(body, bindings | {free[0]: entity}, above)
            self.unbind(free[0])


class Forward(Search):
    def answer(self):
        self.known = list(dict.fromkeys(self.facts))
        self.used = 0
        for number in range(len(self.rules)):
            self.used += 1
            self.fire("use", number, None, None)
        if self.question in self.known:
            return "true"
        return "false" if complement(self.question) in self.known else "unknown"

    def fire(self, event, number, pin, given):
        self.say(event, f"rule{number + 1}")
        self.run(number, 0, {}, pin, given)
        self.say("finish", f"rule{number + 1}")

    def run(self, number, place, bindings, pin, given):
        body, head = self.rules[number]
        if place == len(body):
            self.conclude(head, bindings)
            return
        matched = False
        for literal in [given] if place == pin else list(self.known):
            after = unified(body[place], literal, bindings)
            if after is None:
                continue
            matched = True
            new = [variable for variable in after if variable not in bindings]
            for variable in new:
                self.bind(variable, after[variable])
            self.run(number, place + 1, after, pin, given)
            for variable in reversed(new):
                self.unbind(variable)
        if not matched:
            self.say("fail")

    def conclude(self, head, bindings):
        free = [variable for variable in variables_of(head) if variable not in bindings]
        if free:
            for entity in self.entities:
                self.bind(free[0], entity)
                self.conclude(head, bindings | {free[0]: entity})
                self.unbind(free[0])
            return
        new = under(head, bindings)
        if new in self.known:
            self.say("known", new)
            return
        self.say("obtain", new)
        self.known.append(new)
        for number in range(self.used):
            for pin, literal in enumerate(self.rules[number][0]):
                if unified(literal, new, {}) is not None:
                    self.fire("reuse", number, pin, new)


ORACLES = {"backward": Backward, "forward": Forward}


def random_theory(rng):
    """Small enough that rules meet each other: few names, all arities, empty bodies, variables everywhere."""
    names = rng.choice(len(WORDS.entity_words), rng.integers(1, 4), replace=False)
    wanted = rng.choice(4, rng.integers(2, 5), p=[0.15, 0.4, 0.35, 0.1])
    predicates = [int(rng.choice(np.flatnonzero(np.array(WORDS.arities) == arity))) for arity in wanted]

    def literal(variables):
        predicate = predicates[rng.integers(len(predicates))]
        terms = [
            int(VARIABLE + rng.integers(variables))
            if variables and rng.random() < 0.7
            else int(rng.choice(names))
            for _ in range(WORDS.arities[predicate])
        ]
        return (int(rng.random() < 0.75), predicate, *terms)

    facts = [literal(0) for _ in range(rng.integers(0, 7))]
    rules = [
        (tuple(literal(3) for _ in range(rng.choice(4, p=[0.08, 0.42, 0.38, 0.12]))), literal(3))
        for _ in range(rng.integers(0, 7))
    ]
    return facts, rules, literal(0)


def rows_of(problems):
    def row(literal):
        return [*literal, *[NONE] * (5 - len(literal))]

    return assembled(
        [
            (
                [row(fact) for fact in facts],
                [([row(part) for part in body], row(head)) for body, head in rules],
                row(asked),
            )
            for facts, rules, asked in problems
        ]
    )


def encoded(texts):
    """Flat codes and offsets of lists of words."""
    flat = [CODE.get(word, 0xFFFF) for words in texts for word in words]
    return np.array(flat, np.uint16), np.cumsum([0, *(len(words) for words in texts)])


def flat(events):
    return [word for event in events for word in event]


@cache
def solved(mode, count=PROBLEMS, seed=0):
    """Consistent problems with the oracle's events and answers."""
    rng = np.random.default_rng(seed)
    problems, searches, answers = [], [], []
    while len(problems) < count:
        drawn = [random_theory(rng) for _ in range(count)]
        contradictory = closure.closures(rows_of(drawn), WORDS).contradictory
        for problem in (problem for problem, bad in zip(drawn, contradictory, strict=True) if not bad):
            search = ORACLES[mode](*problem)
            try:
                answer = search.answer()
            except Cut:
                continue
            # Nearly all questions are unknown, and the search of one without rules is three events.
            if len(search.events) < 6 or (answer == "unknown" and rng.random() < 0.6):
                continue
            problems.append(problem)
            searches.append(search.events)
            answers.append(answer)
    return problems[:count], searches[:count], answers[:count]


def replayed(mode, problems, traces, answers):
    answer = encoded([["answer", said] for said in answers])
    return verifier.replay(rows_of(problems), encoded(traces), answer, WORDS, mode)


def level(names):
    return [LEVELS[number] for number in names.level]


@pytest.mark.parametrize("mode", MODES)
def test_the_search_of_the_readme_is_exact(mode):
    problems, searches, answers = solved(mode)
    assert {answers.count(name) > 50 for name in ANSWERS[:-1]} == {True}
    said = {event[0] for events in searches for event in events}
    assert said == {"backward": set(BACKWARD), "forward": set(FORWARD)}[mode] - {"limit"}
    found = replayed(mode, problems, [flat(events) for events in searches], answers)
    assert set(level(found)) == {"exact"}
    assert (found.departure == -1).all()
    assert found.total.tolist() == found.faithful.tolist() == [len(events) for events in searches]
    assert [ANSWERS[at] for at in closure.closures(rows_of(problems), WORDS).answer] == answers


@pytest.mark.parametrize("mode", MODES)
def test_the_compiled_search_writes_what_the_oracle_writes(mode):
    problems, searches, answers = solved(mode)
    search = {"backward": search_backward.search, "forward": search_forward.search}[mode]
    traces, offsets = encoded([flat(events) for events in searches])
    room = np.full(len(problems), 5 * CAP)
    found = search(rows_of(problems), WORDS, room)
    assert found.codes.tolist() == traces.tolist()
    assert found.offsets.tolist() == offsets.tolist()
    assert [ANSWERS[at] for at in found.answers] == answers
    # With one word less there is no answer, and never a word more than there is room.
    found = search(rows_of(problems), WORDS, np.diff(offsets) - 1)
    assert set(found.answers.tolist()) == {levels.LIMIT}
    assert (np.diff(found.offsets) < np.diff(offsets)).all()


def spoilt(rng, events, others):
    """A trace with one fault: some kinds of faults are near misses, and some only leave a branch out."""
    events = [list(event) for event in events]
    at, other = (int(rng.integers(len(events))) for _ in range(2))
    kind = int(rng.integers(11))
    if kind == 0:
        events[at][int(rng.integers(len(events[at])))] = ALPHABET[int(rng.integers(len(ALPHABET)))]
    elif kind <= 2:
        place = int(rng.integers(len(events[at])))
        events[at][place] = near(rng, events[at][place], events)
    elif kind <= 4:
        del events[at : at + (1 if kind == 3 else int(rng.integers(2, 9)))]
    elif kind == 5:
        events[at], events[other] = events[other], events[at]
    elif kind == 6:
        events.insert(at, list(events[other]))
    elif kind == 7:
        start = int(rng.integers(len(others)))
        events[at : at + int(rng.integers(4))] = others[start : start + int(rng.integers(1, 9))]
    else:
        without_branch(events, at)
    return events


def without_branch(events, at):
    """Leave out what begins at `at`, or at the next event of a kind that has an end."""
    ends = {"call": "fail", "redo": "fail", "use": "finish", "reuse": "finish", "bind": "unbind"}
    for begin in range(at, len(events)):
        kind, *about = events[begin]
        end = [ends.get(kind), *(about[:1] if kind == "bind" else about)]
        if end in events[begin:]:
            del events[begin : begin + events[begin:].index(end) + 1]
            return


def near(rng, word, events):
    """Another word of the same kind that stands in the trace."""
    for group in (("+", "-"), WORDS.entity_words, WORDS.predicate_words, VARIABLES, EVENTS):
        if word in group:
            there = sorted({other for event in events for other in event if other in group})
            return there[int(rng.integers(len(there)))] if group != ("+", "-") else "-+"[word == "-"]
    return f"{word[:4]}{int(rng.integers(1, 9))}"


@pytest.mark.parametrize("mode", MODES)
def test_a_spoilt_trace_is_always_caught_and_is_never_sound_with_a_wrong_answer(mode):
    problems, searches, answers = solved(mode)
    rng = np.random.default_rng(1)
    right = np.array([ANSWERS.index(answer) for answer in answers])
    theories, sound, spoilt_traces = rows_of(problems), 0, 0
    for _ in range(ROUNDS):
        changed = []
        for number in range(len(problems)):
            events = searches[number]
            for _ in range(int(rng.integers(1, 4))):
                events = spoilt(rng, events, searches[(number + 1) % len(problems)]) or events
            changed.append(events)
        same = np.array([flat(new) == flat(old) for new, old in zip(changed, searches, strict=True)])
        spoilt_traces += int((~same).sum())
        traces = encoded([flat(events) for events in changed])
        for claimed in range(levels.LIMIT):
            found = verifier.replay(theories, traces, claims(claimed, len(problems)), WORDS, mode)
            assert (right[found.level >= levels.SOUND] == claimed).all()
            assert (found.level[~same] < levels.EXACT).all()
            assert (found.departure[found.level == levels.NONE] >= 0).all()
            sound += int((found.level[~same] == levels.SOUND).sum())
    assert spoilt_traces > 25_000
    assert sound > 1_000


def claims(answer, rows):
    return encoded([["answer", ANSWERS[answer]]] * rows)


@pytest.mark.parametrize("mode", MODES)
def test_no_walk_of_legal_steps_leads_to_a_wrong_answer(mode):
    """Steps are drawn at random and kept when they are legal, so traces go where no search goes."""
    problems, _, answers = (column[:WALKS] for column in solved(mode))
    right = np.array([ANSWERS.index(answer) for answer in answers])
    rng = np.random.default_rng(2)
    steps = [[encoded([step])[0] for step in possible_steps(mode, problem)] for problem in problems]
    walks = [np.zeros(0, np.uint16) for _ in problems]
    theories = rows_of([problem for problem in problems for _ in range(TRIES)])
    reached, lengths = set(), np.zeros(WALKS)
    for _ in range(50):
        drawn = [[own[at] for at in rng.integers(len(own), size=TRIES)] for own in steps]
        traces = [np.append(walk, step) for walk, own in zip(walks, drawn, strict=True) for step in own]
        given = np.concatenate(traces), np.cumsum([0, *map(len, traces)])
        legal = np.ones((WALKS, TRIES), bool)
        for claimed in (levels.TRUE, levels.FALSE):
            found = verifier.replay(theories, given, claims(claimed, len(traces)), WORDS, mode)
            level = found.level.reshape(WALKS, TRIES)
            assert (right[(level >= levels.SOUND).any(axis=1)] == claimed).all()
            reached |= set(np.flatnonzero((level >= levels.SOUND).any(axis=1)).tolist())
            # A backward trace ends with its answer: the walk goes on without that step.
            legal &= (level == levels.LEGAL) | ((level > levels.NONE) & (mode == "forward"))
        for number in np.flatnonzero(legal.any(axis=1)):
            chosen = drawn[number][int(rng.choice(np.flatnonzero(legal[number])))]
            walks[number] = np.append(walks[number], chosen)
            lengths[number] += 1
    assert len(reached) > WALKS // 10
    assert lengths.mean() > 25


def possible_steps(mode, problem):
    facts, rules, asked = problem
    names = [WORDS.entity_words[entity] for entity in entities_of(*problem)]
    literals = {*facts, asked, complement(asked)}
    search = ORACLES[mode](*problem)
    search.answer()
    kinds = {"call", "exit", "redo", "fail", "obtain", "known"}
    said = {tuple(event[1:]) for event in search.events if event[0] in kinds and len(event) > 1}
    said |= {tuple(spelled(literal)) for literal in literals}
    clauses = [f"rule{at + 1}" for at in range(len(rules))]
    binds = [["bind", name, entity] for name in VARIABLES[:3] for entity in names]
    steps = [*binds, *(["unbind", name] for name in VARIABLES[:3])]
    if mode == "backward":
        clauses += [f"fact{at + 1}" for at in range(len(facts))]
        # Exits and calls twice, as walks that give up all the time go nowhere.
        kinds = ("call", "call", "exit", "exit", "redo", "fail")
        return [
            *steps,
            *(["use", name] for name in clauses * 2),
            *([kind, *each] for kind in kinds for each in sorted(said)),
        ]
    steps += [[kind, name] for kind in ("use", "reuse", "finish") for name in clauses]
    return [
        *steps,
        ["fail"],
        *([kind, *each] for kind in ("obtain", "obtain", "known") for each in sorted(said)),
    ]


def proofs_of(facts, rules, question):
    """Of each derivable literal: the rule with its bindings (None for a fact), by naive closure."""
    names = entities_of(facts, rules, question)
    proofs = dict.fromkeys(facts)
    grown = True
    while grown:
        grown = False
        for number, (body, head) in enumerate(rules, 1):
            for bindings in instances(body, variables_of(head), list(proofs), names):
                new = under(head, bindings)
                if new not in proofs:
                    proofs[new], grown = (number, bindings, [under(part, bindings) for part in body]), True
    return proofs


def instances(body, wanted, known, names):
    found = [{}]
    for part in body:
        found = [after for each in found for old in known if (after := unified(part, old, each)) is not None]
    for variable in wanted:
        found = [each if variable in each else each | {variable: name} for each in found for name in names]
    return found


class Direct(Search):
    """A proof said directly: no failed branch, the right clause and the right entities at once."""

    def __init__(self, problem):
        super().__init__(*problem)
        self.proofs = proofs_of(*problem)
        self.said = set()

    def backward(self, goal):
        self.say("call", goal)
        if self.proofs[goal] is None:
            self.say("use", f"fact{self.facts.index(goal) + 1}")
        else:
            number, bindings, body = self.proofs[goal]
            self.say("use", f"rule{number}")
            for variable in sorted(bindings, reverse=True):
                self.bind(variable, bindings[variable])
            for part in body:
                self.backward(part)
        self.say("exit", goal)

    def forward(self, goal):
        if self.proofs[goal] is None or goal in self.said:
            return
        number, bindings, body = self.proofs[goal]
        for part in body:
            self.forward(part)
        self.say("use", f"rule{number}")
        literals, head = self.rules[number - 1]
        for variable in variables_of(*literals, head):
            self.bind(variable, bindings[variable])
        self.say("obtain", goal)
        self.say("finish", f"rule{number}")
        self.said.add(goal)


def direct(mode, problem, goal):
    said = Direct(problem)
    getattr(said, mode)(goal)
    return said.events


@pytest.mark.parametrize("mode", MODES)
def test_a_proof_without_failed_branches_is_sound(mode):
    problems, searches, answers = solved(mode)
    chosen = [at for at, answer in enumerate(answers) if answer != "unknown"]
    goals = [problems[at][2] if answers[at] == "true" else complement(problems[at][2]) for at in chosen]
    shorter = [direct(mode, problems[at], goal) for at, goal in zip(chosen, goals, strict=True)]
    found = replayed(
        mode,
        [problems[at] for at in chosen],
        [flat(events) for events in shorter],
        [answers[at] for at in chosen],
    )
    assert set(level(found)) <= {"sound", "exact"}
    assert (found.departure == -1).all()
    same = [events == searches[at] for at, events in zip(chosen, shorter, strict=True)]
    assert [name == "exact" for name in level(found)] == same
    assert same.count(False) > 100


def test_branches_may_be_given_up_and_gone_over_again():
    assert judge(PROOF.replace("use rule2", "use rule1 use rule2", 1))["level"] == "sound"
    again = f"call {ASKED} fail {ASKED} call - trait2 name1 fail - trait2 name1 {PROOF}"
    assert judge(again)["level"] == "sound"
    redone = "exit + link1 name1 name2 redo + link1 name1 name2 use fact1 exit + link1 name1 name2"
    assert judge(PROOF.replace("exit + link1 name1 name2", redone))["level"] == "sound"
    # What is bound otherwise is due again.
    again = "unbind y bind y name2 call + link1 name1 name2 use fact1 exit + link1 name1 name2"
    assert (
        judge(PROOF.replace("exit + link1 name1 name2", f"exit + link1 name1 name2 {again}"))["level"]
        == "sound"
    )
    skipped = PROOF.replace("exit + link1 name1 name2", "exit + link1 name1 name2 unbind y bind y name2")
    reason = "`call + trait2 name2` is not due; `+ link1 name1 name2` is"
    assert judge(skipped)["departure_reason"] == f"step 9: {reason}"


@pytest.mark.parametrize("mode", MODES)
def test_unknown_needs_the_whole_search(mode):
    problems, searches, answers = solved(mode)
    chosen = [at for at, answer in enumerate(answers) if answer == "unknown"]
    whole = [searches[at] for at in chosen]
    for shorter in ([events[:-1] for events in whole], [[] for _ in whole], [events[1:] for events in whole]):
        found = replayed(
            mode,
            [problems[at] for at in chosen],
            [flat(events) for events in shorter],
            ["unknown"] * len(chosen),
        )
        assert set(level(found)) <= {"none", "legal"}
        assert (found.departure >= 0).all()


THEORY = """fact1 + link1 name1 name2 fact2 + trait1 name2 rule1 if + trait2 y + link1 x y then + trait2 x
rule2 if + link1 x y + trait2 y then + trait2 x rule3 if + trait1 y then + trait2 y"""
ASKED = "+ trait2 name1"
PROOF = " ".join(
    f"""call {ASKED} use rule2 bind x name1 bind y name2 call + link1 name1 name2 use fact1
    exit + link1 name1 name2 call + trait2 name2 use rule3 bind y name2 call + trait1 name2 use fact2
    exit + trait1 name2 exit + trait2 name2 exit {ASKED}""".split()
)
RUN = " ".join(
    f"""use rule3 bind y name2 obtain + trait2 name2 reuse rule2 bind x name1 bind y name2 obtain {ASKED}
    unbind y unbind x finish rule2 unbind y finish rule3""".split()
)


def judge(trace, answer="answer true", mode="backward", asked=ASKED, ended=True, replayable=True):
    theory = parsed(*encoded([f"{THEORY} ask {asked}".split()]), WORDS)
    judged = verifier.judge(
        theory,
        encoded([trace.split()]),
        encoded([answer.split()]),
        WORDS,
        mode,
        ended=pl.Series([ended]),
        replayable=pl.Series([replayable]),
    )
    assert dict(judged.schema) == dict(JUDGEMENT)
    return judged.row(0, named=True)


def test_a_right_response_is_optimal():
    assert judge(PROOF) == {
        "verdict": "optimal",
        "level": "sound",
        "faithful_steps": 15,
        "total_steps": 15,
        "first_departure": None,
        "departure_reason": None,
        "answer_cost": 2,
        "answer_reason": None,
    }
    assert judge(RUN, mode="forward")["level"] == "sound"
    told = judge("", "answer true", replayable=False)
    assert (told["verdict"], told["answer_cost"]) == ("optimal", 2)
    assert [told[name] for name in ("level", "faithful_steps", "total_steps", "first_departure")] == [
        None
    ] * 4
    assert judge("", asked="+ trait1 name2", mode="forward")["level"] == "sound"


@pytest.mark.parametrize(
    ("answer", "ended", "verdict", "reason"),
    [
        ("", True, "malformed", "there is no answer"),
        ("answer", True, "malformed", verifier.BAD_ANSWER),
        ("answer true true", True, "malformed", verifier.BAD_ANSWER),
        ("true answer", True, "malformed", verifier.BAD_ANSWER),
        ("ask true", True, "malformed", verifier.BAD_ANSWER),
        ("answer nonsense", True, "malformed", verifier.BAD_ANSWER),
        ("answer limit", True, "malformed", "the search was cut at its limit"),
        ("answer true", False, "malformed", "the response does not end"),
        ("answer false", True, "wrong", "the answer is false where true is right"),
        ("answer unknown", True, "wrong", "the answer is unknown where true is right"),
    ],
)
def test_answers_are_named_for_what_is_wrong(answer, ended, verdict, reason):
    judged = judge(PROOF, answer, ended=ended)
    assert (judged["verdict"], judged["answer_reason"], judged["answer_cost"]) == (verdict, reason, None)
    assert judged["level"] == ("sound" if answer == "answer true" else "legal")


@pytest.mark.parametrize(
    ("trace", "step", "reason"),
    [
        ("", 0, "the trace is empty"),
        ("use fact1", 0, "`use fact1` comes while no goal is open"),
        ("call + trait2 name2", 0, "`call + trait2 name2` is neither the question nor its complement"),
        ("name1 call", 0, "`name1` is no event"),
        ("call + trait2", 0, "`call + trait2` is no event"),
        ("call + trait2 name1 name1", 0, "`call + trait2 name1 name1` is no event"),
        ("call + trait2 x", 0, "`call + trait2 x` is no event"),
        ("call + what name1", 0, "`call + ? name1` is no event"),
        ("obtain + trait2 name1", 0, "`obtain + trait2 name1` is no event"),
        (f"call {ASKED} call {ASKED}", 1, f"`call {ASKED}` comes while no rule is in use for `{ASKED}`"),
        (f"call {ASKED} use fact8", 1, "`use fact8` names a clause that is not stated"),
        (f"call {ASKED} use fact1", 1, f"`use fact1` uses a fact that is not the goal `{ASKED}`"),
        (
            f"call {ASKED} use rule2 bind z name1",
            2,
            "`bind z name1` names a variable that is not in the rule",
        ),
        (
            f"call {ASKED} use rule2 bind x name2",
            2,
            f"`bind x name2` binds a variable of the head against the goal `{ASKED}`",
        ),
        (
            f"call {ASKED} use rule2 bind y name3",
            2,
            "`bind y name3` names an entity that is not in the problem",
        ),
        (f"call {ASKED} use rule2 unbind y", 2, "`unbind y` names a variable that is not bound"),
        (
            f"call {ASKED} use rule2 bind y name1 bind y name1",
            3,
            "`bind y name1` names a variable that is bound",
        ),
        (f"call {ASKED} use rule3 exit {ASKED}", 2, f"`exit {ASKED}` comes before the goal is proven"),
        (f"call {ASKED} exit - trait2 name1", 1, f"`exit - trait2 name1` is not the goal; `{ASKED}` is"),
        (
            f"call {ASKED} use rule2 redo {ASKED}",
            2,
            f"`redo {ASKED}` comes while nothing is proven for `{ASKED}`",
        ),
        (f"call {ASKED} loop", 1, f"`loop` comes while the goal `{ASKED}` is none of its ancestors"),
        (f"{PROOF} redo {ASKED}", 15, f"`redo {ASKED}` follows the end of the search"),
        (f"{PROOF} x", 14, f"`exit {ASKED} x` is no event"),
        (f"limit call {ASKED}", 1, f"`call {ASKED}` follows the end of the search"),
        (f"call {ASKED}", 1, "the trace ends before the search does"),
        (
            f"call {ASKED} use rule1 bind x name1 bind y name1 call {ASKED} loop use rule2",
            6,
            "`use rule2` follows a loop, which fails",
        ),
    ],
)
def test_departures_of_backward_traces_are_named(trace, step, reason):
    judged = judge(trace)
    assert judged["departure_reason"] == f"step {step}: {reason}"
    assert judged["first_departure"] == judged["faithful_steps"] == step
    assert judged["level"] == ("legal" if "ends before" in reason else "none")


@pytest.mark.parametrize(
    ("trace", "step", "reason"),
    [
        ("bind x name1", 0, "`bind x name1` comes while no rule is in use"),
        ("use fact1", 0, "`use fact1` is no event"),
        ("use rule1 use rule2", 1, "`use rule2` comes before the rule in use is finished"),
        ("use rule7", 0, "`use rule7` names a rule that is not stated"),
        ("use rule3 reuse rule1", 1, "`reuse rule1` does not follow an `obtain`"),
        ("use rule3 finish rule1", 1, "`finish rule1` finishes another rule than the one in use"),
        ("use rule3 bind x name1", 1, "`bind x name1` names a variable that is not in the rule"),
        ("use rule3 bind y name1", 1, "`bind y name1` makes `+ trait1 name1` something that is not known"),
        ("use rule3 bind y name3", 1, "`bind y name3` names an entity that is not in the problem"),
        (
            "use rule1 bind x name1",
            1,
            "`bind x name1` is no variable of `+ trait2 y`, which is to be matched first",
        ),
        ("use rule3 unbind y", 1, "`unbind y` names a variable that is not bound"),
        ("use rule3 bind y name2 bind y name2", 2, "`bind y name2` names a variable that is bound"),
        (
            "use rule3 obtain + trait2 name2",
            1,
            "`obtain + trait2 name2` comes while `+ trait1 y` is not known",
        ),
        (
            "use rule3 bind y name2 obtain + trait2 name1",
            2,
            "`obtain + trait2 name1` is not the head of the rule under its bindings, `+ trait2 name2`",
        ),
        ("use rule3 bind y name2 known + trait2 name2", 2, "`known + trait2 name2` is not known yet"),
        (
            "use rule3 bind y name2 obtain + trait2 name2 obtain + trait2 name2",
            3,
            "`obtain + trait2 name2` is not new",
        ),
        (
            "use rule3 bind y name2 obtain + trait2 name2 reuse rule3",
            3,
            "`reuse rule3` fires a rule without a literal for `+ trait2 name2`",
        ),
        (RUN.removesuffix(" finish rule3"), 11, "the trace ends before the search does"),
    ],
)
def test_departures_of_forward_traces_are_named(trace, step, reason):
    judged = judge(trace, mode="forward")
    assert judged["departure_reason"] == f"step {step}: {reason}"
    assert judged["first_departure"] == judged["faithful_steps"] == step
    assert judged["level"] == ("legal" if "ends before" in reason else "none")


@pytest.mark.parametrize("mode", MODES)
def test_any_garbage_is_judged(mode):
    problems = solved(mode)[0]
    rng = np.random.default_rng(3)
    lengths = rng.integers(0, 40, len(problems))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    codes = rng.integers(0, len(ALPHABET) + 3, offsets[-1]).astype(np.uint16)
    codes[codes >= len(ALPHABET)] = 0xFFFF
    answers = encoded([["answer", ANSWERS[at]] for at in rng.integers(4, size=len(problems))])
    found = verifier.replay(rows_of(problems), (codes, offsets), answers, WORDS, mode)
    assert (found.level[lengths > 0] == levels.NONE).all()
    assert (found.total[lengths > 0] > 0).all()


def test_no_rows_are_no_trouble():
    nothing = rows_of([])
    empty = np.zeros(0, np.uint16), np.zeros(1, np.int64)
    for mode in MODES:
        judged = verifier.judge(
            nothing,
            empty,
            empty,
            WORDS,
            mode,
            ended=pl.Series([], dtype=pl.Boolean),
            replayable=pl.Series([], dtype=pl.Boolean),
        )
        assert len(judged) == 0
        assert dict(judged.schema) == dict(JUDGEMENT)


@pytest.mark.engine
@pytest.mark.parametrize("mode", MODES)
def test_the_search_of_swi_prolog_is_exact(mode):
    from generators.prolog.swi import teacher

    rng = np.random.default_rng(4)
    theories = rows_of([random_theory(rng) for _ in range(2000)])
    theories = parsed(*prompts(theories, WORDS), WORDS)
    found = teacher.solve(theories, WORDS, mode, 2000)
    done = found.answer != levels.LIMIT
    assert done.mean() > 0.8
    claimed = encoded([["answer", ANSWERS[at]] for at in found.answer])
    replay = verifier.replay(theories, (found.codes, found.offsets), claimed, WORDS, mode)
    assert (replay.level[done] == levels.EXACT).all()
    assert (replay.level[~done] == levels.LEGAL).all()
    assert (replay.total == found.events).all()
    assert (closure.closures(theories, WORDS).answer[done] == found.answer[done]).all()
