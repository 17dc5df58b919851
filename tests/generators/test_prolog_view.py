"""Theories played step by step: the verifier's steps, the still picture's tree, whatever it holds."""

from __future__ import annotations

import json
import re
import zlib

import numpy as np
import polars as pl
import pytest
from theories import PROMPT, WORDS, random_prompt, solved, spelled, spoilt

from generators.prolog import Prolog
from generators.prolog.alphabet import MODES
from generators.prolog.drawing.film import film
from generators.prolog.drawing.scene import scene
from generators.prolog.view import KINDS, MARKS

DOMAINS = {mode: Prolog(mode=mode, largest_facts=24, largest_rules=24) for mode in MODES}
COLUMN = pl.List(pl.String)

NAMES = ["bob=Robert <script>alert(1)</script>", 'kind="><img src=x onerror=alert(1)>', "anne=Zoë\x1b[2J\n"]


def judged(rows, mode):
    """The rows' judgements; null words are words of no alphabet."""
    columns = {name: pl.Series(name, [row[name] for row in rows], COLUMN) for name in ("trace", "answer")}
    problems = pl.DataFrame({"prompt": pl.Series("prompt", [row["prompt"] for row in rows], COLUMN)})
    return DOMAINS[mode].check(problems, pl.DataFrame(columns)).rows(named=True)


def drawn(mode, spoil, rows=80, seed=3):
    rng = np.random.default_rng(seed)
    made = [solved(random_prompt(rng), mode) for _ in range(rows)]
    if spoil:
        for row in made:
            row["trace"] = spoilt(rng, row["trace"])
    return made


def reel(row, mode):
    told = scene(row, WORDS, mode)
    return film(row["trace"], told.theory, told.names, WORDS, mode)


def replayed(steps, states):
    """The lines after so many steps, as `view.js` reads them: depth, mark, head and detail."""
    texts, lines, at, place, due = steps["texts"], {}, 0, 0, 0

    def look(number, mark, head, detail):
        _, _, old_head, old_detail = lines.get(number, (0, "", "", ""))
        told = ["" if new < 0 else texts[new] or old for new, old in ((head, old_head), (detail, old_detail))]
        lines[number] = (steps["depths"][number], MARKS[mark], *told)

    for step in range(len(steps["kinds"])):
        at += steps["at"][step]
        if step >= states:
            break
        look(at, steps["marks"][step], steps["heads"][step], steps["details"][step])
        while place < len(steps["more"]) and due + steps["more"][place] == step:
            due += steps["more"][place]
            look(*steps["more"][place + 1 : place + 5])
            place += 5
    return dict(sorted(lines.items()))


def still(line):
    return (
        line.depth,
        "clause kept" if line.mark == "clause" and line.kept else line.mark,
        line.head,
        line.detail,
    )


@pytest.mark.parametrize("mode", MODES)
def test_steps_are_those_that_the_verifier_counts(mode):
    rows = [*drawn(mode, False, 20), *drawn(mode, True, 150), *drawn(mode, True, 150, seed=4)]
    # Words of the other mode's events begin steps too.
    rows += [{**row, "trace": spelled("bob loop obtain known + kind bob redo x finish")} for row in rows[:1]]
    departures = 0
    for row, verdict in zip(rows, judged(rows, mode), strict=True):
        cuts = DOMAINS[mode].cuts(row)
        assert len(cuts) == verdict["total_steps"]
        steps = DOMAINS[mode].play(row)
        assert steps["count"] == len(cuts) + 1
        departure = verdict["first_departure"]
        if departure is not None and departure < len(cuts):
            departures += 1
            end = [*cuts, len(row["trace"])][departure + 1]
            words = ["?" if word is None else word for word in row["trace"][cuts[departure] : end]]
            assert f"step {departure}: `{' '.join(words[:8])}" in verdict["departure_reason"]
            assert steps["kinds"][departure] in range(len(KINDS))
    assert departures > 100


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("spoil", [False, True])
def test_the_end_of_a_film_is_the_still_picture(mode, spoil):
    for row in drawn(mode, spoil):
        steps = DOMAINS[mode].play(row)
        shown = replayed(steps, steps["count"])
        assert list(shown) == list(range(len(shown))), "lines come in the order in which they stand"
        outline = scene(row, WORDS, mode).lines
        marks = [
            (depth, "clause" if mark == "left" else mark, *told) for depth, mark, *told in shown.values()
        ]
        assert marks == [still(line) for line in outline]


@pytest.mark.parametrize("mode", MODES)
def test_play_and_film_show_the_same_lines_after_every_step(mode):
    for row in drawn(mode, True, 25):
        made, steps = reel(row, mode), DOMAINS[mode].play(row)
        for state in range(len(made.steps) + 1):
            assert list(replayed(steps, state).values()) == [
                still(line) for line in made.lines(state).values()
            ]


def test_goals_in_the_middle_of_a_search_stand_as_in_the_picture_of_that_much_of_it():
    """A proven goal stands there, or was given up; which of the two only what follows it can tell."""
    proven = {"standing": "proven", "proof": "proven"}
    quiet = {"clause", "clause kept", "left", "note"}
    for row in drawn("backward", False, 30):
        cuts = [*DOMAINS["backward"].cuts(row), len(row["trace"])]
        made = reel(row, "backward")
        for state in range(0, len(cuts) - 1, 3):
            part = scene({**row, "trace": row["trace"][: cuts[state]]}, WORDS, "backward").lines
            expected = [
                (line.head, proven.get(line.mark, line.mark)) for line in part if line.mark not in quiet
            ]
            found = [
                (line.head, proven.get(line.mark, line.mark))
                for line in made.lines(state).values()
                if line.mark not in quiet
            ]
            assert found == expected


def test_a_proof_stands_until_the_search_takes_it_back():
    prompt = spelled(
        "fact1 + likes bob anne fact2 + likes bob cow fact3 + kind cow "
        "rule1 if + likes bob y + kind y then + nice bob ask + nice bob"
    )
    made = reel(solved(prompt, "backward"), "backward")
    marks = [
        next((line.mark for line in made.lines(state).values() if line.head == "likes(bob, anne)"), None)
        for state in range(len(made.steps) + 1)
    ]
    assert list(dict.fromkeys(marks)) == [None, "open", "standing", "proven"]
    bound = list(dict.fromkeys(step.bound for step in made.steps))
    assert "y = anne" in bound
    assert "y = cow" in bound
    final = {line.head: line.mark for line in made.lines(len(made.steps)).values()}
    assert final["likes(bob, cow)"] == final["nice(bob)"] == "proof"


def test_what_is_no_event_is_a_note_with_its_words():
    row = {
        "prompt": PROMPT,
        "trace": [*spelled("bob call + red bob use rule1 finish x"), None],
        "answer": None,
    }
    steps = DOMAINS["backward"].play(row)
    said = [
        (KINDS[kind], steps["texts"][what]) for kind, what in zip(steps["kinds"], steps["what"], strict=True)
    ]
    assert said == [("", "bob"), ("call", "red(bob)"), ("use", "rule1"), ("", "finish x ?")]
    assert steps["count"] == 4
    notes = [head for _, mark, head, _ in replayed(steps, 4).values() if mark == "note"]
    assert notes == ["bob", "finish x ?"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("trace", [None, []])
def test_a_row_without_a_trace_has_only_its_answer(mode, trace):
    domain = DOMAINS[mode]
    for answer, count in ((None, 0), ([], 0), (["answer", "true"], 1), (["answer", None], 1)):
        row = {"prompt": PROMPT, "trace": trace, "answer": answer, "names": None}
        steps = domain.play(row)
        assert steps["count"] == count
        assert steps["kinds"] == steps["depths"] == steps["more"] == []
        assert domain.cuts(row) == []
        assert [domain.frame(row, state).splitlines()[-1] for state in range(count + 1)]
    assert domain.frame({**row, "answer": ["answer", "true"]}, 1).endswith("answer  true")


def test_names_are_shown_as_they_are_and_stay_data():
    row = {**solved(PROMPT, "backward"), "names": NAMES}
    told = DOMAINS["backward"].scene(row)
    assert told["question"] == "red(Robert <script>alert(1)</script>)"
    assert told["facts"][0] == ["fact1", '"><img src=x onerror=alert(1)>(Robert <script>alert(1)</script>)']
    assert told["rules"][4] == ["rule5", "", "-blue(Robert <script>alert(1)</script>)"]
    steps = DOMAINS["backward"].play(row)
    assert "red(Robert <script>alert(1)</script>)" in steps["texts"]
    assert "x = Robert <script>alert(1)</script>" in steps["texts"]
    assert not [text for text in steps["texts"] if "\x1b" in text or "\n" in text]
    assert "\x1b" not in DOMAINS["backward"].frame(row, 12)


def test_the_script_knows_the_kinds_and_marks_and_makes_text_alone():
    player = DOMAINS["backward"].player()
    lists = {
        name: json.loads(told)
        for name, told in re.findall(r"const (KINDS|MARKS) = (\[[^\]]*\]);", player.script)
    }
    assert lists == {"KINDS": list(KINDS), "MARKS": list(MARKS)}
    assert not re.search(r"innerHTML|insertAdjacent|outerHTML|eval|new Function|fetch|https?:", player.script)
    rules = re.sub(r"@container[^{]*\{(.*?)\}\s*\}", r"\1}", player.style)
    selectors = [part.strip() for part in re.findall(r"([^{}]+)\{[^{}]*\}", rules)]
    assert selectors
    assert all(each.strip().startswith(".prolog") for part in selectors for each in part.split(","))


@pytest.mark.engine
@pytest.mark.parametrize("mode", MODES)
def test_a_step_takes_few_bytes(mode):
    domain = Prolog(mode=mode, depth_to=5)
    rows = domain.solve(domain.problems(np.random.default_rng(1), 150), np.random.default_rng(2))
    told = [domain.play(row) for row in rows.rows(named=True)]
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(json.dumps(told, separators=(",", ":")).encode()) + packer.flush()
    assert len(packed) < 6 * sum(len(each["kinds"]) for each in told)


@pytest.mark.parametrize("mode", MODES)
def test_frames_of_a_small_theory(mode, golden):
    row = {**solved(PROMPT, mode), "names": ["bob=Robert"]}
    domain = DOMAINS[mode]
    count = domain.play(row)["count"]
    frames = [domain.frame(row, state) for state in (0, 1, 12, 24, count - 1, count)]
    golden(f"prolog-frames-{mode}.txt", "\n\n----\n\n".join(frames) + "\n")


@pytest.mark.parametrize("mode", MODES)
def test_frames_keep_to_80_columns_and_mark_the_current_line(mode):
    for row in drawn(mode, True, 25):
        count = DOMAINS[mode].play(row)["count"]
        for state in {0, 1, count // 2, count - 1, count, count + 3}:
            lines = DOMAINS[mode].frame(row, state).splitlines()
            assert max(map(len, lines)) <= 80
            assert len(lines) < 80
            assert sum(line.startswith("►") for line in lines) == (0 < state < count)


def test_a_search_nested_without_end_has_frames_of_some_lines():
    words = spelled("call + red bob use rule1 call + young bob use rule2") * 600
    row = {"prompt": PROMPT, "trace": words, "answer": ["answer", "unknown"]}
    shown = DOMAINS["backward"].frame(row, 1500).splitlines()
    assert len(shown) < 60
    assert max(map(len, shown)) <= 80
    assert "step 1500 of 2401  call red(bob)" not in shown[0]


@pytest.mark.engine
def test_difficulties_are_named_for_a_reader_and_ordered():
    domain = Prolog(depth_to=3)
    rows = domain.solve(domain.problems(np.random.default_rng(1), 60), np.random.default_rng(2))
    made = domain.difficulties(rows.drop("prompt", "trace", "answer"))
    assert made.columns[:4] == ["proof depth", "answer", "kind of theory", "question"]
    assert made["answer"].dtype == pl.Enum(["true", "false", "unknown"])
    assert set(made["question"].cast(pl.String)) <= {"positive", "negative"}
    assert made["proof depth"].to_list() == rows["depth"].to_list()
    assert made.height == 60


def test_difficulties_of_rows_without_figures_are_null_or_missing():
    assert Prolog().difficulties(pl.DataFrame({"cost": [1, 2]})).width == 0
    kinds = {name: Prolog.columns[name] for name in ("depth", "label", "family", "polarity", "rules")}
    made = Prolog().difficulties(pl.DataFrame({name: [None, None] for name in kinds}, schema=kinds))
    assert made.null_count().row(0) == (2,) * made.width
    cut = pl.DataFrame({"label": pl.Series(["limit", "true"], dtype=Prolog.columns["label"])})
    assert Prolog().difficulties(cut)["answer"].to_list() == [None, "true"]
