"""Derivations as text and as pictures: what they show, and that nothing can break them."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from theories import PROMPT, WORDS, random_prompt, solved, spelled, spoilt

from generators.domain import BadProblem
from generators.prolog.alphabet import MODES
from generators.prolog.drawing.view import view


def test_a_backward_search_shows_proof_failures_and_loops():
    shown = view(solved(PROMPT, "backward"), WORDS, "backward", "text")
    assert "rule1  kind(x), young(x) -> red(x)" in shown
    assert "fact3 -nice(anne)" in shown
    assert "✓ red(bob)\n" in shown
    assert "↺ red(bob)  loop" in shown
    assert "✗ young(bob)  rule2 x=bob" in shown
    assert re.search(r"✓ chases\(bob, anne\)  fact4", shown)
    assert shown.endswith("answer  true")


def test_a_forward_search_shows_what_it_obtains_and_what_the_question_rests_on():
    shown = view(solved(PROMPT, "forward"), WORDS, "forward", "text")
    assert "✓ cold(bob)  rule3 x=bob y=anne" in shown
    assert "✓ red(bob)  rule4 x=bob" in shown
    assert "  ○ young(bob)  rule2 again x=bob" in shown
    assert "○ -blue(bob)  rule5" in shown


def test_the_proof_is_the_one_that_was_kept_after_backtracking():
    prompt = spelled(
        "fact1 + likes bob anne fact2 + likes bob cow fact3 + kind cow "
        "rule1 if + likes bob y + kind y then + nice bob ask + nice bob"
    )
    shown = view(solved(prompt, "backward"), WORDS, "backward", "text")
    assert "○ likes(bob, anne)  fact1" in shown
    assert "✓ likes(bob, cow)  fact2" in shown
    assert "✗ kind(anne)" in shown
    assert "✓ kind(cow)  fact3" in shown


def test_display_names_stand_in_place_of_words_and_are_escaped():
    row = {**solved(PROMPT, "backward"), "names": ["bob=Robert <b>&'\"", "chases=a=b", "anne=Zoë\x1b[2J\n"]}
    shown = view(row, WORDS, "backward", "text")
    assert "red(Robert <b>&'\")" in shown
    assert "a=b(Robert <b>&'\", Zoë [2J)" in shown
    assert "\x1b" not in shown
    drawn = view(row, WORDS, "backward", "svg")
    texts = [one.text for one in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]
    assert "red(Robert <b>&'\")?" in texts
    assert "<b>" not in drawn


@pytest.mark.parametrize("mode", MODES)
def test_text_keeps_to_80_columns_and_pictures_are_xml_for_any_theory(mode):
    rng = np.random.default_rng(5)
    for _ in range(60):
        row = solved(random_prompt(rng), mode)
        shown = view(row, WORDS, mode, "text")
        assert max(map(len, shown.splitlines())) <= 80
        assert len(shown.splitlines()) < 300
        drawn = view(row, WORDS, mode, "svg")
        picture = ElementTree.fromstring(drawn)
        assert picture[0].tag.endswith("title")
        assert picture[0].text
        assert len(drawn) < 60_000
        assert drawn == view(row, WORDS, mode, "svg")


@pytest.mark.parametrize("mode", MODES)
def test_no_spoilt_trace_breaks_a_drawing(mode):
    rng = np.random.default_rng(6)
    other = {"backward": "forward", "forward": "backward"}[mode]
    for _ in range(120):
        row = solved(random_prompt(rng), mode if rng.random() < 0.9 else other)
        row["trace"] = spoilt(rng, row["trace"])
        row["answer"] = [None, ["answer", None], [], ["true", "call", None, "<"]][int(rng.integers(0, 4))]
        view(row, WORDS, mode, "text")
        ElementTree.fromstring(view(row, WORDS, mode, "svg"))


def test_what_is_no_step_is_shown_as_it_stands():
    words = spelled("call + red bob bob anne use rule1 exit - nice cow bind x bind y")
    shown = view({"prompt": PROMPT, "trace": words, "answer": None}, WORDS, "backward", "text")
    for stray in ("! bob anne", "! exit - nice cow", "! bind x", "! bind y"):
        assert stray in shown
    assert "… red(bob)" in shown
    assert shown.endswith("answer  none")


def test_only_a_proof_of_the_question_or_its_complement_is_marked():
    words = spelled("call + rough bob use fact2 exit + rough bob")
    shown = view({"prompt": PROMPT, "trace": words, "answer": None}, WORDS, "backward", "text")
    assert "○ rough(bob)  fact2" in shown
    other = [*PROMPT[: PROMPT.index("ask")], "ask", "-", "rough", "bob"]
    shown = view({"prompt": other, "trace": words, "answer": None}, WORDS, "backward", "text")
    assert "✓ rough(bob)  fact2" in shown


def test_a_search_nested_without_end_is_shortened_and_says_by_how_much():
    words = spelled("call + red bob use rule1 call + young bob use rule2") * 2_000
    row = {"prompt": PROMPT, "trace": words, "answer": ["answer", "unknown"]}
    shown = view(row, WORDS, "backward", "text")
    assert "3800 more" in shown
    assert max(map(len, shown.splitlines())) <= 80
    drawn = view(row, WORDS, "backward", "svg")
    assert "3940 more" in drawn
    assert len(drawn) < 60_000


def test_a_problem_without_a_trace_is_drawn_too():
    row = {"prompt": PROMPT, "trace": None, "answer": None, "names": None}
    for mode in MODES:
        assert view(row, WORDS, mode, "text").endswith("answer  none")
        ElementTree.fromstring(view(row, WORDS, mode, "svg"))


@pytest.mark.parametrize("prompt", [[], ["bob"], ["fact1", "+", "kind"], PROMPT[:-3], [None, *PROMPT]])
def test_a_prompt_that_states_no_theory_is_refused_in_a_sentence(prompt):
    with pytest.raises(BadProblem, match="the prompt"):
        view({"prompt": prompt, "trace": None, "answer": None}, WORDS, "backward", "text")
