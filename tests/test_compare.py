"""`distill compare A B`: what it says is what the rollouts say, and what it cannot compare it refuses."""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Callable
from itertools import product
from pathlib import Path
from statistics import NormalDist
from typing import Any

import finished
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators import domain as domains
from pipeline import console, metrics
from pipeline.answering import ROLLOUTS
from pipeline.artifact import Artifact
from pipeline.cli import main
from pipeline.comparison.pair import Agreement, Pair
from pipeline.comparison.side import load
from pipeline.examination import EXAMINED
from pipeline.files import write_json
from pipeline.intervals import Estimate, difference
from pipeline.stage import Job

Told = Callable[..., str]


@pytest.fixture(autouse=True)
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(domains.DOMAINS, "counting", "tiny:Counting")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, Job]:
    """Of the same problems: one with a bootstrap, and one without that fails more often."""
    artifacts = tmp_path_factory.mktemp("artifacts")
    other = finished.recipe(name="worse", bootstrap=None, model={"layers": 2, "width": 16, "heads": 2})
    return finished.finished(finished.recipe(), artifacts), finished.finished(other, artifacts, failures=0.3)


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Told:
    """What a command prints in a terminal of so many columns; its folders are called FIRST and SECOND."""

    def run(first: Path, second: Path, *options: str, columns: int = 80, code: int = 0) -> str:
        monkeypatch.setattr(console.OUT, "_width", columns)
        assert main(["compare", str(first), str(second), *options]) == code
        out, err = capsys.readouterr()
        text = "".join(line.rstrip() + "\n" for line in (err if code else out).splitlines())
        return text.replace(str(first), "FIRST").replace(str(second), "SECOND")

    return run


def folders(two: tuple[Job, Job]) -> tuple[Path, Path]:
    return two[0].artifact.folder, two[1].artifact.folder


ANSWER: dict[str, Any] = {"arm": "start", "round": 0, "sample": -1, "temperature": 0.0, "cost": 10}


def evaluation(folder: Path, rows: list[dict[str, Any]], **facts: Any) -> Path:
    """A finished evaluation of whatever answers."""
    columns = {**metrics.COLUMNS, "arm": pl.String(), "round": pl.Int32(), "temperature": pl.Float64()}
    columns |= {"verdict": pl.String(), "level": pl.String(), "answer_reason": pl.String()}
    frame = pl.DataFrame([{**ANSWER, **row} for row in rows], schema=columns)
    artifact = Artifact(folder)
    artifact.publish(ROLLOUTS, frame.write_parquet)
    artifact.seal({"stage": "evaluate", "recipe": "made", "domain": {"name": "counting"}, **facts})
    return folder


def answers(verdicts: str, start: int = 0, per_group: int = 1, **more: Any) -> list[dict[str, Any]]:
    """An answer a letter: optimal, valid, wrong, malformed."""
    names = {"o": "optimal", "v": "valid", "w": "wrong", "m": "malformed"}
    return [
        {
            "problem_id": f"{at:032x}",
            "split_key": f"g{at // per_group}",
            "verdict": names[letter],
            "answer_cost": {"o": 10, "v": 12}.get(letter),
            "answer_reason": None if letter == "o" else "why not",
            "reference_words": 50.0,
            **more,
        }
        for at, letter in enumerate(verdicts, start)
    ]


def pair(first: Path, second: Path, rule: Any = "greedy") -> Pair:
    return Pair(load(first, "A", None, rule), load(second, "B", None, rule))


# What is printed


@pytest.mark.parametrize("columns", [80, 120])
def test_two_evaluations_in_a_terminal(
    two: tuple[Job, Job], told: Told, golden: Callable[[str, str], None], columns: int
) -> None:
    shown = told(*folders(two), "--list", "3", columns=columns)
    golden(f"compare-{columns}.txt", shown)
    assert max(map(len, shown.splitlines())) <= columns


def test_two_checkpoints_of_one_evaluation_by_their_samples(
    two: tuple[Job, Job], told: Told, golden: Callable[[str, str], None]
) -> None:
    folder = folders(two)[0]
    shown = told(folder, folder, "--checkpoint-a", "start", "--rule", "sampled", "--list", "2")
    golden("compare-samples.txt", shown)
    assert "small, start" in shown
    assert "small, model 2" in shown
    assert "any-optimal-k" in shown


def test_the_json_has_every_number_and_every_problem(
    two: tuple[Job, Job], told: Told, tmp_path: Path
) -> None:
    told(*folders(two), "--list", "0", "--json", str(tmp_path / "new" / "all.json"))
    found = json.loads((tmp_path / "new" / "all.json").read_text())
    assert found["a"]["checkpoint"] == "model 2"
    assert found["b"]["checkpoint"] == "start"
    frames = [pl.read_parquet(folder / ROLLOUTS) for folder in folders(two)]
    ours = frames[0].filter(arm="model", round=2, sample=-1)
    theirs = frames[1].filter(sample=-1)
    optimal = [set(frame.filter(pl.col("verdict") == "optimal")["problem_id"]) for frame in (ours, theirs)]
    assert found["shared_problems"] == len(ours) == len(theirs)
    assert {row["problem_id"] for row in found["only_a"]} == optimal[0] - optimal[1]
    assert {row["problem_id"] for row in found["only_b"]} == optimal[1] - optimal[0]
    counts = found["agreement"]["optimal"]
    assert counts["both"] == len(optimal[0] & optimal[1])
    assert counts["both"] + counts["only_a"] + counts["only_b"] + counts["neither"] == len(ours)
    row = next(each for each in found["metrics"] if each["metric"] == "optimal")
    assert row["difference"]["value"] == pytest.approx((len(optimal[1]) - len(optimal[0])) / len(ours))
    assert {each["own"] for each in found["metrics"]} == {None, "number"}
    assert any(each["metric"] == "closed-cells" for each in found["metrics"])


def test_values_are_those_of_the_evaluation_where_all_problems_are_shared(two: tuple[Job, Job]) -> None:
    both = pair(*folders(two))
    for side, name in ((both.first, "first"), (both.second, "second")):
        rows = side.artifact.manifest["metrics"]
        known = {
            row["metric"]: row
            for row in rows
            if (row["label"], row["rule"], row["subset"]) == (side.label, "greedy", "all")
        }
        for line in both.lines:
            if line.difference["n"] == len(both.shared) and line.own is None:
                found = getattr(line, name)
                assert found == pytest.approx({key: known[line.metric][key] for key in found})


def test_an_evaluation_without_its_inputs_is_compared_all_the_same(
    two: tuple[Job, Job], told: Told, tmp_path: Path
) -> None:
    first, second = folders(two)
    moved = tmp_path / "far" / "away" / "alone"
    shutil.copytree(first, moved)
    assert told(moved, second) == told(first, second)
    bare = Artifact(moved)
    manifest = {key: value for key, value in bare.manifest.items() if key not in ("files", "inputs")}
    bare.discard("problems.parquet")
    bare.seal(manifest)
    shown = told(moved, second)
    assert "closed-cells" not in shown
    assert "Measures of the domain's own are left out" in " ".join(shown.split())


def test_successes_may_be_correct_answers(told: Told, tmp_path: Path) -> None:
    first = evaluation(tmp_path / "a", answers("ovvww"))
    second = evaluation(tmp_path / "b", answers("oowvw"))
    by_optimum = told(first, second)
    assert "No problem that A answers optimally and B does not." in by_optimum
    assert "1 problem that B answers optimally and A does not" in by_optimum
    assert "distill inspect FIRST --row 000000000000 --step" in by_optimum
    by_answer = told(first, second, "--by", "solved")
    assert "1 problem that A solves and B does not" in by_answer
    assert "why not" in by_answer


def test_no_more_problems_are_listed_than_asked_for(told: Told, tmp_path: Path) -> None:
    first, second = (
        evaluation(tmp_path / "a", answers("o" * 30)),
        evaluation(tmp_path / "b", answers("w" * 30)),
    )
    assert told(first, second).count("why not") == 10
    assert told(first, second, "--list", "25").count("why not") == 25
    assert "30 problems that A" not in told(first, second, "--list", "0")


def test_texts_of_others_do_not_move_the_cursor(told: Told, tmp_path: Path) -> None:
    wrong = answers("w", answer_reason="\x1b[2J[red]why[/red]")
    first = evaluation(tmp_path / "a", answers("o"), recipe="\x1b[31m[bold]mine")
    shown = told(first, evaluation(tmp_path / "b", wrong))
    assert "\x1b" not in shown
    assert "[bold]mine" in shown
    assert "[red]why[/red]" in shown


# What is remarked


def test_the_same_checkpoint_twice_has_no_difference(two: tuple[Job, Job], told: Told) -> None:
    folder = folders(two)[0]
    both = pair(folder, folder)
    for line in both.lines:
        assert line.difference["value"] == 0
        assert (line.difference["low"] or 0) <= 0 <= (line.difference["high"] or 0)
    assert both.lengths is not None
    assert both.lengths[2]["value"] == 1
    assert both.agreement("optimal").p == 1
    shown = " ".join(told(folder, folder).split())
    assert "the same checkpoint of the same evaluation" in shown
    assert "the interval holds 0" in shown


def test_other_labels_are_remarked(told: Told, tmp_path: Path) -> None:
    def examined(name: str, labels: list[int]) -> Path:
        folder = tmp_path / name
        frame = pl.DataFrame(
            {"problem_id": [f"{at:032x}" for at in range(4)], "centipawns": [[n] for n in labels]}
        )
        Artifact(folder).publish(EXAMINED, frame.write_parquet)
        return evaluation(folder, answers("owow"))

    first, same, other = examined("a", [1, 2, 3, 4]), examined("b", [1, 2, 3, 4]), examined("c", [1, 2, 9, 4])
    assert "labels" not in told(first, same)
    assert "different labels on 1 of 4 shared problems" in " ".join(told(first, other).split())
    plain = evaluation(tmp_path / "d", answers("owow"))
    assert "Only A was judged by the labels of an examiner" in " ".join(told(first, plain).split())


def test_other_costs_knobs_samples_and_repeats_are_remarked(told: Told, tmp_path: Path) -> None:
    first = evaluation(tmp_path / "a", answers("owo"))
    costly = evaluation(tmp_path / "b", answers("owo", cost=11), domain={"name": "counting", "largest": 4})
    shown = " ".join(told(first, costly).split())
    assert "3 of 3 shared problems have different stored costs" in shown
    assert "differ in knobs of the domain: largest None and 4" in shown
    twice = evaluation(tmp_path / "c", [*answers("owo"), *answers("w")])
    assert "B was asked 1 of its problems more than once" in " ".join(told(first, twice).split())
    two_samples = [*answers("oww", sample=0, temperature=1.0), *answers("wow", sample=1, temperature=1.0)]
    one_sample = answers("wwo", sample=0, temperature=0.5)
    a, b = evaluation(tmp_path / "d", two_samples), evaluation(tmp_path / "e", one_sample)
    shown = " ".join(told(a, b, "--rule", "sampled").split())
    assert "A has 2 samples of a problem, B 1: the first 1 of each count" in shown
    assert "different temperatures: 1.0 and 0.5" in shown


def test_only_shared_problems_count(told: Told, tmp_path: Path) -> None:
    first = evaluation(tmp_path / "a", answers("o" * 6))
    second = evaluation(tmp_path / "b", answers("wwoo", start=4))
    assert "2 problems shared" in told(first, second)
    assert pair(first, second).line("optimal").difference["value"] == -1


# What is refused


def test_what_cannot_be_compared_is_refused_in_a_sentence(
    two: tuple[Job, Job], told: Told, tmp_path: Path
) -> None:
    good, other = folders(two)
    unfinished = tmp_path / "maze-unfinished"
    shutil.copytree(good, unfinished)
    (unfinished / "manifest.json").unlink()
    newer = evaluation(tmp_path / "maze-newer", answers("o"))
    Artifact(newer).publish(ROLLOUTS, _of_another_schema(newer / ROLLOUTS))
    Artifact(newer).seal({"stage": "evaluate", "domain": {"name": "maze"}})
    changed = evaluation(tmp_path / "maze-changed", answers("o"))
    (changed / ROLLOUTS).write_bytes(b"PAR1")
    write_json(tmp_path / "stranger" / "manifest.json", {"name": "a web app"})
    apart = evaluation(tmp_path / "maze-apart", answers("ow"), domain={"name": "maze"})
    for folder, sentence in {
        unfinished: "has no manifest: it was never finished",
        tmp_path / "nowhere": "there is no folder",
        newer: "has schema version 99",
        changed: "rollouts.parquet is missing or was changed",
        tmp_path / "stranger": "is no artifact of a stage",
        two[0].input("curate").artifact.folder: "is no evaluation but an artifact of the stage curate",
        evaluation(tmp_path / "empty", []): "is empty: it holds no answer",
        evaluation(tmp_path / "sums", answers("ow")): "they have no problem in common",
        apart: "share no problem",
    }.items():
        for pair_ in ((good, folder), (folder, good)):
            said = told(*pair_, code=1)
            assert said.startswith("distill: ")
            assert sentence in said, said
    assert "has no checkpoint 'model 7'; it has 'start', 'model 1'" in told(
        good, other, "--checkpoint-a", "model 7", code=1
    )
    greedy = evaluation(tmp_path / "greedy", answers("ow"))
    assert "has no sampled answers" in told(greedy, greedy, "--rule", "sampled", code=1)
    assert "--list must be 0 or more" in told(good, other, "--list", "-1", code=1)


def _of_another_schema(path: Path) -> Callable[[Path], None]:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    note = {b"distill": b'{"schema_version": 99}'}
    return lambda to: pq.write_table(table.replace_schema_metadata(note), to)


def test_names_of_folders_are_no_patterns(told: Told, tmp_path: Path) -> None:
    first, second = (evaluation(tmp_path / f"[{name}] *?", answers(name)) for name in ("ow", "oo"))
    assert "2 problems shared" in told(first, second)


def test_a_trained_checkpoint_alone_is_called_the_model_too(two: tuple[Job, Job]) -> None:
    assert load(folders(two)[1], "A", "model", "greedy").label == "start"


# The numbers


def newcombe(both: int, first: int, second: int, neither: int) -> tuple[float, float]:
    """Method 10 of Newcombe (1998) from the counts of a table, written down apart from ours."""
    n, z = both + first + second + neither, NormalDist().inv_cdf(0.975)

    def wilson(hits: int) -> tuple[float, float]:
        centre, spread = 2 * hits + z * z, z * math.sqrt(z * z + 4 * hits * (1 - hits / n))
        return (centre - spread) / (2 * (n + z * z)), (centre + spread) / (2 * (n + z * z))

    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    top = both * neither - first * second
    top = max(top - n / 2, 0) if top > 0 else top
    phi = top / math.sqrt(margins) if margins else 0.0
    (la, ua), (lb, ub) = wilson(both + first), wilson(both + second)
    a, b = (both + first) / n, (both + second) / n
    low = math.sqrt((b - lb) ** 2 - 2 * phi * (b - lb) * (ua - a) + (ua - a) ** 2)
    high = math.sqrt((ub - b) ** 2 - 2 * phi * (ub - b) * (a - la) + (a - la) ** 2)
    return b - a - low, b - a + high


def terms(top: Any) -> pl.DataFrame:
    values = np.asarray(top, float)
    return pl.DataFrame({"top": values, "bottom": np.ones(len(values))})


@pytest.mark.parametrize(
    "counts", [(1500, 120, 200, 900), (2400, 3, 9, 30), (40, 0, 0, 2500), (900, 5, 80, 900)]
)
def test_shares_of_single_problems_have_newcombes_interval(counts: tuple[int, int, int, int]) -> None:
    both, first, second, neither = counts
    a = [1] * (both + first) + [0] * (second + neither)
    b = [1] * both + [0] * first + [1] * second + [0] * neither
    found = difference(terms(a), terms(b), pl.Series(range(sum(counts))), bounded=True)
    # Student's t in place of the normal quantile widens ours by less than a thousandth.
    assert (found["low"], found["high"]) == pytest.approx(newcombe(*counts), abs=3e-5, rel=3e-3)


def test_a_number_of_single_problems_has_the_interval_of_a_paired_t() -> None:
    rng = np.random.default_rng(4)
    a = rng.normal(10, 3, 40)
    b = a + rng.normal(1, 1, 40)
    found = difference(terms(a), terms(b), pl.Series(range(40)), bounded=False)
    gaps = b - a
    half = 2.022691 * gaps.std(ddof=1) / math.sqrt(40)  # t of 39 degrees of freedom
    assert found["value"] == pytest.approx(gaps.mean())
    assert (found["low"], found["high"]) == pytest.approx((gaps.mean() - half, gaps.mean() + half), rel=1e-4)


@pytest.mark.parametrize("bounded", [True, False])
def test_clusters_are_heeded_as_a_bootstrap_of_them_does(bounded: bool) -> None:
    rng = np.random.default_rng(7)
    groups, each = 150, 4
    ease = rng.normal(0.6, 0.25, groups).repeat(each)
    a, b = ((rng.random(groups * each) < ease + shift).astype(float) for shift in (0.0, 0.06))
    keys = np.arange(groups).repeat(each)
    found = difference(terms(a), terms(b), pl.Series(keys), bounded=bounded)
    gaps = (b - a).reshape(groups, each).mean(axis=1)
    draws = gaps[rng.integers(0, groups, (4000, groups))].mean(axis=1)
    assert (found["low"], found["high"]) == pytest.approx(
        tuple(np.quantile(draws, [0.025, 0.975])), abs=0.008
    )


def test_ratios_are_linearised_as_a_bootstrap_of_them_does() -> None:
    """Steps before the first departure over all steps: both sums vary from problem to problem."""
    rng = np.random.default_rng(8)
    bottoms = [rng.integers(5, 60, 300) for _ in range(2)]
    tops = [rng.binomial(bottom, share) for bottom, share in zip(bottoms, (0.8, 0.85), strict=True)]
    sides = [pl.DataFrame({"top": t * 1.0, "bottom": b * 1.0}) for t, b in zip(tops, bottoms, strict=True)]
    found = difference(*sides, pl.Series(range(300)), bounded=True)
    places = rng.integers(0, 300, (4000, 300))
    first, second = (t[places].sum(1) / b[places].sum(1) for t, b in zip(tops, bottoms, strict=True))
    ends = tuple(np.quantile(second - first, [0.025, 0.975]))
    assert (found["low"], found["high"]) == pytest.approx(ends, abs=0.004)


pairs = st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 5)), min_size=1, max_size=40)


@given(rows=pairs, bounded=st.booleans())
def test_swapping_the_sides_flips_the_signs(rows: list[tuple[bool, bool, int]], bounded: bool) -> None:
    a, b = (terms([row[at] for row in rows]) for at in (0, 1))
    keys = pl.Series([row[2] for row in rows])
    ours, theirs = difference(a, b, keys, bounded=bounded), difference(b, a, keys, bounded=bounded)
    assert ours["value"] == pytest.approx(-(theirs["value"] or 0.0))
    if ours["low"] is None or ours["high"] is None:
        assert ours["clusters"] == 1
        return
    assert (ours["low"], ours["high"]) == pytest.approx(
        (-(theirs["high"] or 0.0), -(theirs["low"] or 0.0)), abs=1e-9
    )
    assert -1 <= ours["low"] <= (ours["value"] or 0.0) <= ours["high"] <= 1 or not bounded


@given(hits=st.lists(st.booleans(), min_size=2, max_size=60))
def test_a_side_against_itself_differs_by_nothing_and_by_no_false_certainty(hits: list[bool]) -> None:
    found: Estimate = difference(terms(hits), terms(hits), pl.Series(range(len(hits))), bounded=True)
    assert found["value"] == 0
    assert (found["low"] or 0.0) < 0 < (found["high"] or 0.0)


def test_a_term_that_one_side_lacks_does_not_count() -> None:
    a, b = terms([1, 1, 0, 1]), terms([1, 0, 0, 0])
    a = a.with_columns(top=pl.Series([1.0, None, 0.0, 1.0]))
    b = b.with_columns(bottom=pl.Series([1.0, 1.0, 1.0, 0.0]))
    found = difference(a, b, pl.Series(range(4)), bounded=True)
    assert (found["value"], found["n"]) == (0.0, 2)
    nothing = difference(a.clear(), b.clear(), pl.Series([], dtype=pl.Int64), bounded=True)
    assert nothing == {"value": None, "low": None, "high": None, "n": 0, "clusters": 0}


@given(first=st.integers(0, 6), second=st.integers(0, 6))
def test_mcnemars_test_counts_the_throws_of_a_coin(first: int, second: int) -> None:
    trials = first + second
    throws = [sum(throw) for throw in product((0, 1), repeat=trials)]
    fewer = min(first, second)
    extreme = sum(heads <= fewer or heads >= trials - fewer for heads in throws)
    assert Agreement(3, first, second, 4).p == pytest.approx(extreme / len(throws))


def test_mcnemars_test_by_hand() -> None:
    assert Agreement(0, 5, 15, 0).p == pytest.approx(0.041389, abs=1e-6)  # binom.test(5, 20) in R
    assert Agreement(10, 0, 0, 10).p == 1.0
    assert Agreement(0, 3000, 0, 0).p == pytest.approx(0.0, abs=1e-300)


def test_the_sentences_say_what_the_interval_says(told: Told, tmp_path: Path) -> None:
    most = evaluation(tmp_path / "a", answers("o" * 95 + "w" * 5, trace_words=90))
    fewer = evaluation(tmp_path / "b", answers("o" * 60 + "w" * 40, trace_words=60))
    shown = " ".join(told(most, fewer).split())
    found = re.search(
        r"A answers 35\.0 points more of the problems optimally \(95 % ([\d.]+) to ([\d.]+)\)\.", shown
    )
    assert found
    assert 20 < float(found[1]) < 35 < float(found[2]) < 50
    swapped = " ".join(told(fewer, most).split())
    assert f"B answers 35.0 points more of the problems optimally (95 % {found[1]} to {found[2]})." in swapped
    alike = " ".join(told(most, most).split())
    assert "A and B answer equally many problems optimally" in alike
    one = evaluation(tmp_path / "c", answers("ow", per_group=2))
    assert "one group of problems has no interval" in " ".join(told(one, one).split())
