"""The card of an evaluation: what every checkpoint answered, as pictures and as rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from generators.domain import Domain
from pipeline.artifact import Artifact
from pipeline.card import markdown
from pipeline.card.examples import told
from pipeline.card.histogram import histogram
from pipeline.card.markdown import code, table, text
from pipeline.card.pictures import Pictures, alt_of, titles
from pipeline.card.statistics import counts
from pipeline.files import Json, write_text
from pipeline.final import final
from pipeline.page.numbers import MISSING, interval, kind_of, value
from pipeline.provenance import provenance
from pipeline.rollouts import GREEDY

SHOWN = 3
"""Outcomes of which an answer is shown."""
OWN = ("trace", "answer", "scores", "verdict", "level", "trace_words")
"""What of a row is the answer's and not the problem's."""
RATES = ("solved", "optimal", "malformed", "any-optimal-k", "trace-sound", "trace-exact")


def answered_card(
    artifact: Artifact,
    domain: Domain,
    configs: Mapping[str, Mapping[str, str]],
    problems: pl.DataFrame,
    rollouts: pl.DataFrame,
    facts: Json,
) -> None:
    """Write the card of judged answers; `problems` have the labels that answers were held against."""
    pictures = Pictures(artifact)
    about = _final(rollouts)
    write_text(
        artifact.folder / "README.md",
        markdown.page(
            markdown.head(configs, {}),
            f"# {text(domain.name)}: answers and judgements",
            "Every response of every checkpoint, judged; the configuration `teacher` has the teacher's effort"
            " on each problem.",
            f"{facts['problems']:,} problems, {len(rollouts):,} responses.",
            "## Rates",
            _rates(facts),
            _answers(domain, pictures, problems, about, facts),
            _lengths(pictures, about),
            f"Commit of this code: {code(provenance()['commit'] or 'unknown')}. `manifest.json` has hashes,"
            " `metrics.json` every figure.",
        ),
    )
    pictures.clear()


def _final(rollouts: pl.DataFrame) -> pl.DataFrame:
    """The greedy responses of the checkpoint that the evaluation is about."""
    greedy = rollouts.filter(pl.col("sample") == GREEDY)
    made = greedy.select("arm", "round").unique(maintain_order=True)
    return greedy.join(made[[final(made["arm"].to_list())]], on=("arm", "round"), maintain_order="left")


def _rates(facts: Json) -> str:
    """A row a checkpoint and rule, a column a rate; the domain's own measures have a table apart."""
    rows = [row for row in facts["metrics"] if row["subset"] == "all" and row["value"] is not None]
    common = _pivoted([row for row in rows if row["metric"] in RATES and not row["own"]])
    own = _pivoted([row for row in rows if row["own"]])
    return "\n\n".join(part for part in (common, own, "95 % intervals in brackets.") if part)


def _pivoted(rows: Sequence[Json]) -> str:
    names = list(dict.fromkeys(row["metric"] for row in rows))
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows:
        cells.setdefault((row["label"], row["rule"]), {})[row["metric"]] = _cell(row)
    lines = [
        [text(label), text(rule), *(found.get(name, MISSING) for name in names)]
        for (label, rule), found in cells.items()
    ]
    return table(["checkpoint", "rule", *map(text, names)], lines, left=2) if lines else ""


def _cell(row: Json) -> str:
    kind = kind_of(row)
    between = interval(row["low"], row["high"], kind)
    return f"{value(row['value'], kind)} ({between})" if between else value(row["value"], kind)


def _answers(
    domain: Domain, pictures: Pictures, problems: pl.DataFrame, answers: pl.DataFrame, facts: Json
) -> str:
    """One answer of each outcome, the most frequent outcomes first."""
    if answers.is_empty():
        return ""
    label = _label(answers.row(0, named=True))
    named = answers.with_row_index("place").with_columns(pl.col("verdict", "level").cast(pl.String))
    groups = named.group_by("verdict", "level").agg(pl.len(), pl.col("place").min())
    chosen = groups.sort("len", "place", descending=[True, False]).head(SHOWN)
    shown: list[tuple[str, str, str]] = []
    for outcome in chosen.iter_rows(named=True):
        answer = named.row(outcome["place"], named=True)
        problem = problems.filter(pl.col("problem_id") == answer["problem_id"]).row(0, named=True)
        row = {**problem, **{name: answer[name] for name in OWN}, "notation": facts["notations"].get(label)}
        drawn = pictures.row(f"answer-{len(shown) + 1}", domain, row, alt_of(domain, row))
        title = str(answer["verdict"]).capitalize()
        title += f", trace {answer['level']}" if answer["level"] else ""
        about = f"{_told(row, answer)} So are {outcome['len']:,} of {len(named):,}."
        shown.append((title, about, drawn))
    head = f"## Answers of {text(label)}\n\nGreedy responses, one of each of the most frequent outcomes."
    return f"{head}\n\n{titles(shown)}\n\n{counts(named, ['verdict', 'level'], ['verdict', 'trace'])}"


def _told(row: Json, answer: Json) -> str:
    why = answer["answer_reason"] or answer["departure_reason"]
    return f"{told(row)[:-1]}: {text(why)}." if why else told(row)


def _label(answer: Json) -> str:
    """The checkpoint as the evaluation calls it."""
    return f"{answer['arm']} {answer['round']}" if answer["round"] else str(answer["arm"])


def _lengths(pictures: Pictures, answers: pl.DataFrame) -> str:
    best = answers.filter(pl.col("verdict") == "optimal", pl.col("trace_words") > 0)
    if best.is_empty():
        return ""
    title = f"Trace lengths of {len(best):,} problems answered optimally, in words"
    svg = histogram(title, "trace words", ("teacher", best["teacher_words"]), ("model", best["trace_words"]))
    words, solver = (float(best[name].cast(pl.Float64).sum()) for name in ("trace_words", "teacher_words"))
    ratio = words / max(solver, 1.0)
    alt = f"Histogram of trace words: those of the model are {ratio:.2f} times the teacher's"
    return pictures.add("lengths", svg, alt)
