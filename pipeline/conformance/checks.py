"""The contract of `generators/domain.py`, a check each; the first line of a docstring is its title."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl

from generators.domain import JUDGEMENT, BadProblem, problem_columns, solution_columns
from pipeline import schema
from pipeline.conformance.subject import (
    TEXTS,
    Breach,
    Inapplicable,
    Subject,
    judged,
    require,
    rng,
    same,
    typed,
    words,
)
from pipeline.recipe import domain_fields

BAD_SOURCES = ("", "?!\n", "no/such/file.txt")
NOISE = 200
"""Random responses that the verifier must bear."""


def plain_data(subject: Subject) -> None:
    """It is plain data: its knobs make it again, it is hashed, and it goes to other processes."""
    domain = subject.domain
    knobs = {key: value for key, value in domain_fields(domain).items() if key != "name"}
    again = type(domain)(**knobs)
    same(again, domain, "the domain made from its knobs")
    same(hash(again), hash(domain), "its hash")
    same(pickle.loads(pickle.dumps(domain)), domain, "the domain in another process")
    same(type(domain.randomized()), type(domain), "the class of `randomized`")


def alphabets(subject: Subject) -> None:
    """Alphabets are fixed: words without blanks, each once, none of pad, bos and eos."""
    for notation in subject.domain.notations:
        told = subject.domain.alphabet(notation)
        same(subject.domain.alphabet(notation), told, f"the alphabet of '{notation}', asked again")
        same(len(set(told)), len(told), f"the different words of '{notation}'")
        for word in told:
            require(word.split() == [word], f"the word {word!r} of '{notation}' is empty or has a blank")
            require(word not in ("pad", "bos", "eos"), f"'{word}' of '{notation}' is a word of the stages")


def drawing(subject: Subject) -> None:
    """Problems are a function of the generator that is handed in, and have their columns."""
    domain, problems = subject.domain, subject.problems
    typed(problems, problem_columns(domain.alphabet(subject.stored)), "problems")
    same(len(problems), subject.rows, "the rows of `problems`")
    own = set(problems.columns) - set(problem_columns(()))
    same(
        own, set(domain.columns) - set(domain.taught), "own columns of `problems`: all but those in `taught`"
    )
    domain.admit(problems)
    require(problems.equals(domain.problems(rng(1), subject.rows)), "the same generator drew other problems")
    other = domain.problems(rng(2), subject.rows)
    require(not problems.equals(other), "another generator drew the same problems")
    for name in ("problem_id", "split_key"):
        hashed = problems[name].str.contains("^[0-9a-f]{32}$").all()
        require(hashed, f"`{name}` must be 32 hexadecimal digits, as `content_hash` gives them")


def solving(subject: Subject) -> None:
    """The teacher solves all problems, and adds its columns to them."""
    domain, rows = subject.domain, subject.solved
    alphabet = domain.alphabet(subject.stored)
    typed(rows, {**problem_columns(alphabet), **solution_columns(alphabet), **domain.columns}, "solve")
    kept = rows.select("problem_id", "split_key", "prompt")
    require(kept.equals(subject.problems.select(kept.columns)), "`solve` changed the problems or their order")
    same(rows["trace_words"].to_list(), rows["trace"].list.len().to_list(), "`trace_words`")
    if domain.repeatable():
        again = domain.solve(subject.problems, rng(2))
        require(rows.equals(again), "a repeatable teacher solved the same problems in another way")


def verifying(subject: Subject) -> None:
    """The verifier finds the teacher optimal and its traces exact, to the last step."""
    found = subject.judged
    for name, wanted in (("verdict", "optimal"), ("level", "exact")):
        reasons = found.filter(pl.col(name).cast(pl.String) != wanted)
        why = reasons.select("answer_reason", "departure_reason").rows()
        same(found[name].cast(pl.String).unique().to_list(), [wanted], f"each `{name}` ({why[:1]})")
    same(found["first_departure"].null_count(), len(found), "rows without a departure")
    same(found["faithful_steps"].to_list(), found["total_steps"].to_list(), "faithful steps")
    same(found["answer_cost"].to_list(), subject.solved["cost"].to_list(), "`answer_cost`")


def ending(subject: Subject) -> None:
    """An answer without its end is malformed, with a reason."""
    found = judged(subject.domain, subject.solved, ended=False)
    same(found["verdict"].cast(pl.String).unique().to_list(), ["malformed"], "each `verdict`")
    same(found["answer_reason"].null_count(), 0, "answers without a reason")


def traceless(subject: Subject) -> None:
    """A null trace has no level, and its answer is judged all the same."""
    rows = subject.solved.with_columns(trace=pl.lit(None, TEXTS))
    found = judged(subject.domain, rows)
    same(found["verdict"].cast(pl.String).unique().to_list(), ["optimal"], "each `verdict`")
    same(found["level"].null_count(), len(found), "null levels")
    same(found["total_steps"].null_count(), len(found), "null `total_steps`")


def noise(subject: Subject) -> None:
    """Random words are judged without an error, and are no optimal answer with an exact trace."""
    domain, draws = subject.domain, rng(3)
    for notation in _written(subject):
        alphabet = [*domain.alphabet(notation), "no-word-of-any"]
        picks = [draws.integers(0, len(alphabet), draws.integers(0, 30)) for _ in range(NOISE)]
        given = pl.Series("response", [[alphabet[at] for at in pick] for pick in picks], dtype=TEXTS)
        rows = subject.solved[draws.integers(0, len(subject.solved), NOISE)].drop("trace", "answer")
        restored = domain.restore(pl.DataFrame({"response": given, "ended": [True] * NOISE}), notation)
        found = judged(domain, rows.with_columns(restored.select("trace", "answer")))
        empty = found.filter(given.list.len() == 0)["verdict"].cast(pl.String)
        require(not empty.is_in(["optimal", "valid"]).any(), f"an empty response in '{notation}' is right")


def notations(subject: Subject) -> None:
    """Every notation comes back: `recall` undoes prompts, `restore` undoes responses."""
    domain, rows = subject.domain, subject.solved
    for notation in domain.notations:
        written = domain.write(rows, notation, rng())
        known = set(domain.alphabet(notation))
        strange = {word for each in words(written["prompt"]) for word in each or ()} - known
        require(
            not strange,
            f"prompts in '{notation}' have words outside its alphabet: {sorted(map(str, strange))[:3]}",
        )
        recalled = domain.recall(written["prompt"], notation)
        same(set(recalled.columns), set(subject.problems.columns), "the columns of `recall`")
        same(
            recalled["problem_id"].to_list(), rows["problem_id"].to_list(), f"ids recalled from '{notation}'"
        )
        if not domain.grouped:
            keys = recalled["split_key"].to_list()
            same(keys, rows["split_key"].to_list(), f"split keys recalled from '{notation}'")
        if notation not in domain.value_notations:
            _response(subject, notation, written)


def _response(subject: Subject, notation: str, written: pl.DataFrame) -> None:
    domain, rows = subject.domain, subject.solved
    used = {word for each in words(written["response"]) for word in each or ()}
    require(used <= set(domain.alphabet(notation)), f"responses in '{notation}' leave its alphabet")
    restored = domain.restore(written.select("response", ended=pl.lit(True)), notation)
    same(words(restored["answer"]), words(rows["answer"]), f"answers restored from '{notation}'")
    if notation in domain.abridged_notations:
        again = domain.write(rows.with_columns(restored.select("trace", "answer")), notation, rng())
        same(words(again["response"]), words(written["response"]), f"'{notation}' written again")
    elif restored["trace"].null_count() == 0:
        same(words(restored["trace"]), words(rows["trace"]), f"traces restored from '{notation}'")


def values(subject: Subject) -> None:
    """Values of candidates are in range, one each, and lead to optimal answers."""
    domain, rows = subject.domain, subject.solved.head(10)
    if not domain.value_notations:
        raise Inapplicable("it has no notation with values")
    for notation in domain.value_notations:
        written = domain.write(rows, notation, rng())
        each, outer = written["values"].explode(), domain.outer_values
        require(bool(each.is_between(-outer, 1 + outer).all()), f"values of '{notation}' are out of range")
        inner = each.is_between(0, 1) | (each == each.round())
        require(bool(inner.all()), f"values of '{notation}' beyond 0 and 1 must be whole numbers")
        counts = written["candidates"].list.len().to_list()
        same(written["values"].list.len().to_list(), counts, f"values for each row of '{notation}'")
        offered = domain.candidates(rows, notation)
        require(offered["row"].is_sorted(), f"`candidates` of '{notation}' are not in the order of rows")
        if offered["candidates"].to_list() != written["candidates"].to_list():
            continue  # what is asked is not what is learned: the domain's own tests see to it
        answers = domain.decide(rows, written["values"], notation)
        same(answers["scores"].list.len().to_list(), counts, f"scores that `decide` gives in '{notation}'")
        chosen = rows.with_columns(answers["answer"], trace=pl.lit(None, TEXTS))
        verdicts = judged(domain, chosen)["verdict"].cast(pl.String).unique().to_list()
        same(verdicts, ["optimal"], f"each verdict of the best candidates in '{notation}'")


def parquet(subject: Subject) -> None:
    """Rows survive Parquet: every column comes back as it was written."""
    columns = schema.traces(subject.domain)
    place = {"seed": pl.lit(0), "shard": pl.lit(0), "row": pl.int_range(len(subject.solved))}
    rows = subject.solved.with_columns(subject.judged["verdict"], subject.judged["level"], **place)
    rows = rows.with_columns(pl.col(name).cast(columns[name]) for name in place).select(list(columns))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        schema.write(rows, path, columns, {})
        back = schema.read(path, columns)
    changed = [name for name in columns if not back[name].equals(rows[name], null_equal=True)]
    require(not changed, f"the columns {', '.join(changed)} read otherwise than they were written")


def reading(subject: Subject) -> None:
    """A problem of a user's own is read and solved; what is none is refused with BadProblem."""
    domain, own = subject.domain, subject.own or subject.domain.example
    for bad in BAD_SOURCES:
        try:
            none = domain.read(bad).is_empty()
        except BadProblem:
            none = True
        require(none, f"`read` takes {bad!r} for a problem; it should raise BadProblem")
    if not own:
        raise Breach("the class names no `example` of a user's own problem; name one, or give --problem")
    rows = domain.solve(domain.read(own), rng())
    verdicts = judged(domain, rows)["verdict"].cast(pl.String).unique().to_list()
    same(verdicts, ["optimal"], "each verdict of the example's solution")


def rewards(subject: Subject) -> None:
    """Rewards are verdicts, for texts and for messages, as TRL's trainers hand them in."""
    rows = subject.solved.head(6)
    written = subject.domain.write(rows, subject.stored, rng())
    prompts = ["bos " + " ".join(map(str, each or ())) for each in words(written["prompt"])]
    good = [" ".join([*map(str, each or ()), "eos"]) for each in words(written["response"])]
    reward, full = subject.domain.reward, [1.0] * len(rows)
    same(reward(prompts, good), full, "the reward of the teacher's responses")
    same(reward(prompts, ["eos"] * len(rows)), [0.0] * len(rows), "the reward of empty responses")
    chat = [[{"role": "user", "content": prompt}] for prompt in prompts]
    answered = [[{"role": "assistant", "content": text}] for text in good]
    same(reward(chat, answered), full, "the reward of messages")
    named = reward(prompts, good, notation=[subject.stored] * len(rows), other=[1] * len(rows))
    same(named, full, "the reward with the notation named")


def tables(subject: Subject) -> None:
    """What reports and cards ask for: references, baselines, measures, difficulties, reasons."""
    domain, rows = subject.domain, subject.solved.head(6)
    references = domain.references(rows, rng())
    same(len(references), len(rows), "the rows of `references`")
    require(bool((references["reference_words"] > 0).all()), "`reference_words` must be above 0")
    same(domain.baselines(rows).columns, ["measure", "value", "note"], "the columns of `baselines`")
    same(len(domain.unfit(rows)), len(rows), "the reasons of `unfit`")
    rollouts = rows.with_columns(judged(domain, rows).select(set(JUDGEMENT) - set(rows.columns)))
    measures = domain.measures(
        rollouts.with_columns(scores=pl.lit(None, pl.List(pl.Float32))), subject.stored
    )
    require(not measures.columns or len(measures) == len(rows), "`measures` needs a row for each response")
    hard = domain.difficulties(rows)
    require(not hard.columns or len(hard) == len(rows), "`difficulties` needs a row for each problem")


def views(subject: Subject) -> None:
    """A row can be drawn, and played step by step as `check` counts its steps."""
    domain = subject.domain
    row = subject.solved.row(0, named=True)
    require(bool(domain.view(row, "text")), "`view` gives no text")
    require(domain.view(row, "svg").lstrip().startswith("<svg"), "`view` gives no SVG")
    require(bool(domain.view({**row, "trace": None, "answer": None}, "text")), "`view` of a problem is empty")
    cuts = domain.cuts(row)
    require(cuts == sorted(cuts), "`cuts` must ascend")
    same(len(cuts), subject.judged["total_steps"][0], "steps of a trace, as `cuts` and `check` count them")
    require(bool(domain.scene(row)), "`scene` is empty")
    count = domain.play(row)["count"]
    require(len(cuts) <= count <= len(cuts) + 1, "`play` counts other steps than `cuts`")
    for step in range(count + 1):
        require(bool(domain.frame(row, step)), f"`frame` {step} is empty")


def _written(subject: Subject) -> list[str]:
    """The notations in which a model writes."""
    return [each for each in subject.domain.notations if each not in subject.domain.value_notations]


CHECKS: tuple[Callable[[Subject], None], ...] = (
    plain_data,
    alphabets,
    drawing,
    solving,
    verifying,
    ending,
    traceless,
    noise,
    notations,
    values,
    parquet,
    reading,
    rewards,
    tables,
    views,
)
