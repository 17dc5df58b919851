"""Problems of the user's own: records, Prolog files, their names as words, and what is refused."""

from __future__ import annotations

import itertools
import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.domain import BadProblem
from generators.prolog.alphabet import ANSWERS, Words
from generators.prolog.closure import closures
from generators.prolog.reading import clauses
from generators.prolog.reading.naming import Literal, Names, Problem
from generators.prolog.reading.sources import Read, read
from generators.prolog.stated import parsed, prompts

PROOFWRITER = Words("proofwriter", 32, 32)
RECORD = {
    "id": "One_Q1",
    "context": "Bob is red. The bald eagle likes Bob. If someone is red then they are not kind.",
    "question": "Based on the above, is the following statement true, false, or unknown? Bob is kind.",
    "options": ["A) True", "B) False", "C) Unknown"],
    "answer": "B",
}


def told(found: Read, words: Words = PROOFWRITER) -> list[str]:
    """The prompts as text."""
    codes, offsets = prompts(found.theories, words)
    alphabet = words.alphabet
    rows = itertools.pairwise(offsets)
    return [" ".join(alphabet[code] for code in codes[begin:end]) for begin, end in rows]


def answers(found: Read, words: Words = PROOFWRITER) -> list[str]:
    return [ANSWERS[answer] for answer in closures(found.theories, words).answer]


def refusal(source: str, words: Words = PROOFWRITER) -> str:
    with pytest.raises(BadProblem) as refused:
        read(source, words, False)
    message = str(refused.value)
    assert "\n" not in message
    return message


# ---- records


def test_a_record_reads_as_words_with_its_label():
    found = read(json.dumps([RECORD]), PROOFWRITER, False)
    assert told(found) == [
        "fact1 + red bob fact2 + likes bald-eagle bob rule1 if + red x then - kind x ask + kind bob"
    ]
    assert (found.ids, found.given, found.names) == (["One_Q1"], ["false"], [[]])
    assert answers(found) == ["false"]


def test_records_read_alike_as_list_alone_and_one_a_line(tmp_path):
    others = [{**RECORD, "id": str(at)} for at in range(3)]
    forms = {
        "list.json": json.dumps(others),
        "lines.jsonl": "\n".join(map(json.dumps, others)) + "\n",
        "lines.txt": "\n\n".join(map(json.dumps, others)),
        "bom.json": "\ufeff" + json.dumps(others, indent=1),
    }
    for name, text in forms.items():
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        found = read(str(path), PROOFWRITER, False)
        assert found.ids == ["0", "1", "2"]
        assert len(found.theories) == 3
    path = tmp_path / "one.json"
    path.write_text(json.dumps(RECORD))
    assert told(read(str(path), PROOFWRITER, False)) == told(read(json.dumps(RECORD), PROOFWRITER, False))


def test_a_record_needs_neither_id_nor_answer_nor_options(tmp_path):
    path = tmp_path / "few.json"
    path.write_text(json.dumps({key: RECORD[key] for key in ("context", "question")}))
    found = read(str(path), PROOFWRITER, False)
    assert (found.ids, found.given) == (["few.json:record 1"], [None])


def test_a_chain_of_concepts_is_followed():
    context = "Every wumpus is a yumpus. Yumpuses are impuses. Each impus is not sour. Max is a wumpus."
    records = [
        {"context": context, "question": f"True or false? Max is {said}."} for said in ("sour", "an impus")
    ]
    words = Words("prontoqa", 32, 32)
    found = read(json.dumps(records), words, False)
    assert answers(found, words) == ["false", "true"]
    assert found.names == [[], []]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"context": "Bob is red. Foo bars. It."},
            "record One_Q1: sentence 'Foo bars.' is outside the grammar",
        ),
        ({"question": "Is it? Foo bars."}, "record One_Q1: sentence 'Foo bars.' is outside the grammar"),
        ({"context": None}, "its context is no text but null"),
        ({"answer": "E"}, "its answer 'E' is none of its options (A, B, C)"),
        ({"answer": ["A"]}, "its answer '['A']' is none of its options"),
        ({"options": ["A) Yes"]}, "its option \"A) Yes\" is not like 'A) True'"),
    ],
)
def test_a_record_that_cannot_be_read_is_named_with_the_cause(change, said):
    assert said in refusal(json.dumps({**RECORD, **change}))


def test_a_missing_key_is_named():
    assert "the key 'question' is missing" in refusal(json.dumps([{"context": "Bob is red."}]))


def test_all_records_that_cannot_be_read_are_counted(tmp_path):
    bad = {**RECORD, "id": "Bad", "context": "Foo bars."}
    path = tmp_path / "mixed.jsonl"
    path.write_text("\n".join([*map(json.dumps, [RECORD, bad, RECORD, bad]), "{"]))
    assert refusal(str(path)) == (
        "3 of 5 problems cannot be read; the first: mixed.jsonl: record Bad: sentence 'Foo bars.' "
        "is outside the grammar"
    )


# ---- sources


def test_a_source_that_is_no_text_of_problems_is_refused(tmp_path):
    files = {
        "empty.json": (b" \n", "is empty"),
        "broken.json": (b"[{", "broken.json is not JSON"),
        "broken.jsonl": (b'{"a": 1', "broken.jsonl:1: this line is not JSON"),
        "none.json": (b"[]", "none.json holds no record"),
        "numbers.json": (b"[1]", "numbers.json:record 1: a record is an object"),
        "strings.json": (b'["Bob"]', "strings.json:record 1: "),
        "number.json": (b"7", "number.json:record 1: a record is an object"),
        "binary.pl": (b"\x80\x81\xff", "is no text in UTF-8"),
        "null.pl": (b"p(a).\0", "code 0"),
        "deep.json": (b"[" * 100_000, "deep.json is not JSON"),
        "prose.txt": (b"Bob is red.\n", "neither JSON records nor a Prolog theory"),
    }
    for name, (content, said) in files.items():
        path = tmp_path / name
        path.write_bytes(content)
        assert said in refusal(str(path)), name
    assert refusal(str(tmp_path / "no.pl")) == f"there is no file {tmp_path / 'no.pl'}"
    assert "is a folder" in refusal(str(tmp_path))
    assert "is empty" in refusal("")
    assert refusal("a" * 10_000)


# ---- names


def literal(sign: str, predicate: str, *arguments: str) -> Literal:
    return Literal(sign == "+", predicate, arguments)


def numbered(literals: list[Literal], words: Words, invented: bool) -> list[str]:
    return Names(words, invented).numbered(Problem("one", literals[:-1], [], literals[-1], None))[1]


OWN = [
    *(
        literal("+", "zonk", "Zoe"),
        literal("+", "kind", "Bald Eagle"),
        literal("-", "like", "bob", "bald_eagle"),
    ),
    *(literal("+", "rains"), literal("+", "gives", "bob", "Zoe", "cat")),
]


def test_a_name_that_is_a_word_in_its_role_keeps_it():
    shown = numbered(OWN, PROOFWRITER, True)
    assert shown == [
        *("name1=Zoe", "name2=bald_eagle", "trait1=zonk", "likes=like", "claim1=rains", "triple1=gives"),
    ]


def test_other_names_get_own_words_first_unless_names_were_invented_in_training():
    shown = numbered(OWN, PROOFWRITER, False)
    assert shown[:3] == ["anne=Zoe", "charlie=bald_eagle", "red=zonk"]  # bob keeps his word
    assert numbered(OWN, Words("invented", 9, 9), False)[:2] == ["name1=Zoe", "name2=Bald Eagle"]


def test_spare_words_are_followed_by_own_ones_and_then_by_a_refusal():
    def asked(count):
        return [literal("+", "kind", f"who{at}") for at in range(count)]

    many = Words("proofwriter", 99, 9)
    assert numbered(asked(42), many, True)[-1] == "cow=who41"  # 24 spare words, 18 of the vocabulary's own
    with pytest.raises(BadProblem, match="it has 43 names, the vocabulary has words for 42"):
        numbered(asked(43), many, True)
    with pytest.raises(BadProblem, match="it has 42 facts, the vocabulary ends at 32; raise largest_facts"):
        numbered(asked(43), PROOFWRITER, True)
    with pytest.raises(
        BadProblem, match="it has 9 predicates of 3 arguments, the vocabulary has words for 8"
    ):
        numbered([literal("+", f"of{at}", "a", "b", "c") for at in range(9)], many, True)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("abBo-_ 1", min_size=1, max_size=4), min_size=1, max_size=12), st.booleans())
def test_names_that_differ_never_get_the_same_word(names, invented):
    facts = [literal("+", name, name, "bob") for name in names]
    (plain, _, question), _ = Names(PROOFWRITER, invented).numbered(Problem("one", facts, [], facts[0], None))
    by_name = {(fact.predicate, row[1]) for fact, row in zip(facts, plain, strict=True)}
    assert len(by_name) == len({name for name, _ in by_name}) == len({number for _, number in by_name})
    entities = {(fact.arguments[0], row[2]) for fact, row in zip(facts, plain, strict=True)}
    assert len(entities) == len({name for name, _ in entities}) == len({number for _, number in entities})
    assert question == plain[0]


# ---- Prolog


THEORY = """
% Who likes whom.
likes(bob, 'Anne B').   likes('Anne B', 7).
-kind(bob).
likes(X, Z) :- likes(X, Y), likes(Y, Z).
neg(kind(X)) :- likes(bob, X), -kind(bob).
above(_, _).
rains.
?- likes(bob, 7).  % answer: true

% answer: false
?- kind('Anne B').
?- -rains.
"""


@pytest.mark.engine
def test_a_prolog_file_reads_as_one_problem_for_each_goal(tmp_path):
    path = tmp_path / "theory.pl"
    path.write_text(THEORY)
    found = read(str(path), PROOFWRITER, True)
    assert told(found)[0] == (
        "fact1 + likes bob name1 fact2 + likes name1 name2 fact3 - kind bob fact4 + claim1 "
        "rule1 if + likes x y + likes y z then + likes x z "
        "rule2 if + likes bob x - kind bob then - kind x "
        "rule3 if then + link1 x y ask + likes bob name2"
    )
    assert found.ids == ["theory.pl:9", "theory.pl:12", "theory.pl:13"]
    assert found.given == ["true", "false", None]
    assert answers(found) == ["true", "false", "false"]
    assert found.names[0] == ["name1=Anne B", "name2=7", "claim1=rains", "link1=above"]
    assert told(read(THEORY, PROOFWRITER, True)) == told(found)


@pytest.mark.engine
def test_a_label_belongs_to_the_goal_in_its_line():
    text = (
        "p(a).\n?- p(a). % answer: true\n?- -p(a).\n% answer: false\n?- -p(a).\n/* answer: true */ ?- p(a).\n"
    )
    assert read(text, PROOFWRITER, False).given == ["true", None, "false", None]
    assert "'maybe' is none of true, false, unknown" in refusal("p(a).\n?- p(a). % answer: maybe\n")


REFUSED = {
    "p(a).\nq(b.\n?- p(a).": "the text:2: syntax error: ",
    "p(a).\n\n'open.\n?- p(a).": "syntax error: ",
    "p(a). q(a)\n?- p(a).": "syntax error: operator expected",
    "p(a).\n/* open\n?- p(a).": "the text: syntax error: end of file in block comment",
    ":- dynamic p/1.\n?- p(a).": "the text:1: the directive `:- dynamic p/1` is not obeyed",
    "p(a).\n?- q(a).": "the text:2: unknown predicate q/1: no fact or rule has it",
    "p(a,b).\n?- p(a).": "the text:2: unknown predicate p/1: no fact or rule has it; there is p/2",
    "p(a).\n?- p(X).": "the text:2: the goal p(X) has a variable; ask a ground one",
    "p(a).\n?- p(_).": "has a variable",
    "p(a).\n?- p(a), p(b).": "the text:2: p(a), p(b) is a conjunction",
    "p(a) :- q.\n/* no goal, no ?- goal */\n": "the text asks nothing: add a line `?- goal.`",
    "p(a).\np(s(X)) :- p(X).\n?- p(a).": (
        "the text:2: s(X) is a compound term: with function symbols a theory can be infinite, and a search "
        "that is cut answers nothing; only names and variables are read"
    ),
    "p([a]).\n?- p(a).": "[a] is a list",
    "p([]).\n?- p(a).": "[] is a list",
    'p("a").\n?- p(a).': '"a" is a string',
    "p(1.5).\n?- p(a).": "1.5 is a number of a kind that is no name",
    "p(_{a:1}).\n?- p(a).": "is a dict",
    "p().\n?- p(a).": "has empty parentheses",
    "p({|html||<b>|}).\n?- p(a).": "has a quasi quotation",
    "p(a) :- \\+ q(a).\n?- p(a).": "the text:1: \\+q(a) is negation as failure",
    "p(a) :- not(q(a)).\n?- p(a).": "write -p(X) for what is false",
    "p(a) :- q(a); r(a).\n?- p(a).": "is a disjunction",
    "p(a) :- q(a) -> r(a).\n?- p(a).": "is a condition",
    "p(a) :- q(a), !.\n?- p(a).": "! is a cut",
    "p(X) :- q(X), X > 3.\n?- p(a).": "X>3 is arithmetic or a comparison",
    "p(X) :- X = a.\n?- p(a).": "X=a is arithmetic or a comparison",
    "p(X) :- halt.\n?- p(a).": "halt is a builtin of Prolog: nothing is run",
    "p(X) :- shell(X).\n?- p(a).": "shell(X) is a builtin",
    "p(a).\n?- shell(ls).": "shell(ls) is a builtin",
    "p(X) :- call(X).\n?- p(a).": "is a builtin",
    "p(X) :- X.\n?- p(a).": "the text:1: X is a variable where a literal belongs",
    "p(X) :- m:q(X).\n?- p(a).": "names a module",
    "p --> q.\n?- p.": "is no literal",
    "p(a) => q(a).\n?- p.": "is no literal",
    "-(-p(a)).\n?- p(a).": "is negated twice",
    "neg(a).\n?- neg(a).": "neg(a) can be read in two ways: write -a if it is the negation",
    "3.\n?- p(a).": "3 is a number",
    "p(a,b,c,d).\n?- p(a,b,c,d).": "p has 4 arguments, the vocabulary has words for at most 3",
    "p(a).\np(A) :- q(A,B,C), q(D,E,F), p(G).\n?- p(a).": "the text:2: the rule has 7 variables",
    "p(a).\nend_of_file.\nq(a).\n?- p(a).": "end_of_file stands within the text",
    "X.\n?- p(a).": "X is a variable where",
}


@pytest.mark.engine
@pytest.mark.parametrize(("text", "said"), REFUSED.items())
def test_what_is_no_theory_is_refused_with_its_line(text, said):
    assert said in refusal(text)


@pytest.mark.engine
@pytest.mark.parametrize(
    "attempt",
    [
        ":- shell('touch {0}').",
        ":- initialization(shell('touch {0}')).",
        "?- shell('touch {0}').",
        "term_expansion(p, q) :- shell('touch {0}').\np.",
        "user:portray(_) :- shell('touch {0}').",
        "p(X) :- open('{0}', write, X).",
        ":- use_module(library(process)).",
        "goal_expansion(A, B) :- open('{0}', write, _).",
        "p({{|shell('touch {0}')||x|}}).",
        "p(`touch {0}`).",
        "p :- {{shell('touch {0}')}}.",
        ":- op(700, xfx, likes).\nbob likes anne.",
        'p("\\x0a\\").',
        '#!/usr/bin/env swipl\n:- shell("touch {0}").',
    ],
)
def test_no_input_runs_code(tmp_path, attempt):
    touched = tmp_path / "touched"
    path = tmp_path / "attack.pl"
    path.write_text(f"q(a).\n{attempt.format(touched)}\n?- q(a).\n")
    refusal(str(path))
    assert not touched.exists()
    assert answers(read("q(a).\n?- q(a).\n", PROOFWRITER, False)) == ["true"]


@pytest.mark.engine
def test_operators_of_a_text_have_no_effect_on_the_next_one():
    refusal(":- op(700, xfx, likes).\np(a).\n?- p(a).\n")
    assert "syntax error" in refusal("bob likes anne.\n?- p(a).\n")


@pytest.mark.engine
def test_a_text_that_kills_the_engine_is_refused_and_the_next_one_is_read():
    assert "hung or died on it twice" in refusal(f"p({'f(' * 300_000}.\n?- p(a).\n")
    assert answers(read("q(a).\n?- q(a).\n", PROOFWRITER, False)) == ["true"]


@pytest.mark.engine
def test_every_quoted_name_comes_back():
    names = [
        "a b",
        "a'b",
        'a"b',
        "a\\b",
        "tab\there",
        "ö, ü",
        "名前",
        "[]",
        "{}",
        "X",
        "_x",
        "'",
        "%",
        "\u2028",
        "\x7f",
    ]
    quoted = ["'" + re.sub(r"(['\\])", r"\\\1", name) + "'" for name in names]
    text = "".join(f"p({name}).\n" for name in quoted) + "?- p(bob).\n"
    ((_, problem),) = clauses.stated("names", text)
    assert [fact.arguments[0] for fact in problem().facts] == names


@pytest.mark.engine
def test_an_atom_of_digits_is_not_the_integer():
    found = read("p(1). p('1').\n?- p('1').\n", PROOFWRITER, True)
    assert found.names == [["name1=1", "name2='1'", "trait1=p"]]


@pytest.mark.engine
def test_ten_thousand_lines_are_read():
    rng = random.Random(0)
    lines = [f"likes(n{rng.randrange(20)}, n{rng.randrange(20)})." for _ in range(10_000)]
    text = "\n".join([*lines, "?- likes(n1, n2).", ""])
    found = read(text, Words("proofwriter", 20_000, 9), True)
    assert len(found.theories.facts) == 10_000
    assert found.ids == ["the text:10001"]
    assert "it has 10000 facts, the vocabulary ends at 32" in refusal(text)


@pytest.mark.engine
@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="pqXY(),.:-?\\+ \n'\"%[]|{}0_ab!;>", max_size=40))
def test_any_characters_are_a_theory_or_refused(text):
    try:
        found = read(f"p(a).\n{text}\n?- p(a).\n", PROOFWRITER, False)
    except BadProblem:
        return
    codes, offsets = prompts(found.theories, PROOFWRITER)
    again = parsed(codes, offsets, PROOFWRITER)
    assert (again.questions == found.theories.questions).all()


@pytest.mark.engine
def test_prolog_and_english_say_the_same(tmp_path):
    english = {
        **RECORD,
        "context": "Bob is red. Bob likes Anne. If someone likes Anne and they are red then Anne is kind.",
    }
    prolog = "red(bob). likes(bob, anne).\nkind(anne) :- likes(X, anne), red(X).\n?- kind(bob).\n"
    path = Path(tmp_path) / "theory.pl"
    path.write_text(prolog)
    assert told(read(json.dumps(english), PROOFWRITER, False)) == told(read(str(path), PROOFWRITER, False))
