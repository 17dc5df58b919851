"""Facts about sets of questions: how much their surface tells, what was rejected, how responses fare."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from generators.prolog import audit
from generators.prolog.alphabet import ANSWERS, COUNT_COLUMNS, COUNTS, FEATURE_COLUMNS, FEATURES
from generators.prolog.audit import Folds, Halves

LABELS = ANSWERS[:-1]

Fact = tuple[str, float | None, str]


def baselines(rows: pl.DataFrame) -> pl.DataFrame:
    """`measure`, `value` and `note`; what was not drawn, or came without labels, has no facts on that.

    `rows` has the domain's own columns (features and counts among them), `split_key` and perhaps `split`.
    Rows without an answer (limit) are left out of the audits. Those of questions of depth 1 and more are
    cross-fitted over all rows (`_deep`); the others are scored on the test split, as models are.
    """
    facts = [*_draws(rows)]
    if "label" in rows.columns:
        facts += [*_given(rows), *_shares(rows), *_audits(rows)]
    schema = {"measure": pl.String, "value": pl.Float64, "note": pl.String}
    return pl.DataFrame(facts, schema=schema, orient="row")


def measures(rollouts: pl.DataFrame) -> pl.DataFrame:
    """Accuracies of judged responses by the depth and by the answer of their problem, null for the others.

    A column for each depth and answer that the problems have; none where rows lack what the teacher found.
    """
    if not {"depth", "label"} <= set(rollouts.columns):
        return rollouts.select()
    right = pl.col("verdict") == "optimal"
    depth, label = pl.col("depth"), pl.col("label").cast(pl.String)
    depths = sorted(rollouts["depth"].drop_nulls().unique().to_list())
    present = set(rollouts["label"].cast(pl.String).unique())
    parts = {f"accuracy at depth {at}": depth == at for at in depths}
    if any(at >= 1 for at in depths):
        parts["accuracy at depth 1 and more"] = depth >= 1
    parts |= {f"accuracy of {answer}": label == answer for answer in LABELS if answer in present}
    return rollouts.select(pl.when(asked).then(right).alias(name) for name, asked in parts.items())


def _draws(rows: pl.DataFrame) -> Iterator[Fact]:
    if not {"draws", "contradictory", "missed"} <= set(rows.columns) or not (rows["draws"].sum() or 0):
        return
    total = rows.select(pl.col("draws", "contradictory", "missed").sum()).row(0, named=True)
    draws = total["draws"]
    yield "draws_per_row", draws / rows["draws"].count(), "theories tried for each problem"
    yield (
        "contradictory_share",
        total["contradictory"] / draws,
        "draws that derive a literal and its complement",
    )
    yield (
        "missed_share",
        total["missed"] / draws,
        "draws without a question of the answer, depth and polarity due",
    )


def _given(rows: pl.DataFrame) -> Iterator[Fact]:
    if "given" not in rows.columns or not rows["given"].count():
        return
    told = rows.filter(pl.col("given").is_not_null())
    other = told.filter(pl.col("given").cast(pl.String) != pl.col("label").cast(pl.String))
    yield "given_labels", float(len(told)), "labels that came with the problems"
    yield "given_labels_wrong", float(len(other)), f"of them other than the teacher's{_first(other)}"


def _first(other: pl.DataFrame, most: int = 5) -> str:
    """The names of the first problems whose labels disagree."""
    if other.is_empty() or "source_id" not in other.columns:
        return ""
    listed = [
        f"{row['source_id']} (given {row['given']}, derived {row['label']})"
        for row in other.head(most).iter_rows(named=True)
    ]
    return ": " + ", ".join(listed) + (f" and {len(other) - most} more" if len(other) > most else "")


def _shares(rows: pl.DataFrame) -> Iterator[Fact]:
    """The cells of answer and depth; those of the generator are even."""
    cells = rows.group_by(pl.col("label").cast(pl.String), "depth").len().sort("label", "depth")
    for label, depth, count in cells.iter_rows():
        where = "without a depth" if depth is None else f"at depth {depth}"
        yield f"share of {label} {where}", count / len(rows), f"{count:,} problems"


@dataclass(frozen=True)
class _Surface:
    """What audits see of questions, and the answers that they guess."""

    answers: NDArray[np.int64]
    seen: audit.Features
    inputs: NDArray[np.float64]
    forced: audit.Codes
    kinds: NDArray[np.int64]


@dataclass(frozen=True)
class _Trial:
    """The rows that are audited, and how their audits are fitted and scored."""

    rows: NDArray[np.bool_]
    folds: Folds
    suffix: str
    which: str
    how: str

    def note(self, audit: str) -> str:
        """What an audit is, of which rows, and by how many it was scored."""
        scored = sum(int(halves.scored.sum()) for halves in self.folds)
        return f"{self.which}: {audit}; {self.how} ({scored:,} rows)"


def _audits(rows: pl.DataFrame) -> Iterator[Fact]:
    labels = rows["label"].cast(pl.String).to_numpy()
    answered = np.isin(labels, LABELS)
    present = [label for label in LABELS if (labels == label).any()]
    if not present:
        return
    yield "chance", 1 / len(present), f"one of the answers {', '.join(present)}"
    seen = rows.select(*FEATURE_COLUMNS, negated=pl.col("polarity") == 0).to_numpy()
    counted = rows.select(COUNT_COLUMNS).to_numpy()
    places = {label: at for at, label in enumerate(present)}
    surface = _Surface(
        np.array([places.get(label, 0) for label in labels], np.int64),
        seen,
        np.column_stack([seen, seen[:, 2:4] & seen[:, 4:], np.log1p(counted)]).astype(np.float64),
        *_construction(rows, seen, (rows["negative_clauses"] > 0).to_numpy()),
    )
    for trial in _trials(rows, answered):
        yield from _scores(surface, trial)


def _trials(rows: pl.DataFrame, answered: NDArray[np.bool_]) -> Iterator[_Trial]:
    """All questions, scored on test or on a half; those of depth 1 and more, few in a test split, on all."""
    theories = _theories(rows)
    halves, how = _tested(rows) or (theories, "fitted on a half of the theories, scored on the other")
    yield _Trial(answered, [halves.within(answered)], "", "all questions", how)
    deep = answered & (rows["depth"].fill_null(0) >= 1).to_numpy()
    if deep.any():
        own = theories.within(deep)
        how = "cross-fitted, each half of the theories scored by the other"
        yield _Trial(deep, [own, own.swapped()], "_deep", "questions of depth 1 and more", how)


def _scores(own: _Surface, trial: _Trial) -> Iterator[Fact]:
    """The audits of some rows, each fitted and scored on these alone."""
    cell, part, suffix = audit.cells(own.seen), trial.rows, trial.suffix
    majority = audit.table(np.zeros_like(cell), own.answers, trial.folds)
    yield f"majority{suffix}", majority, trial.note("the most frequent answer")
    polarity = audit.table(audit.cells(own.seen[:, 4:]), own.answers, trial.folds)
    yield f"polarity_only{suffix}", polarity, trial.note("a guess by the question's polarity")
    found = audit.table(cell, own.answers, trial.folds)
    yield f"shallow_table{suffix}", found, trial.note(f"a table over {', '.join(FEATURES)}")
    least = audit.bound(cell[part], own.forced[part], own.answers[part], own.kinds[part])
    yield f"shallow_bound{suffix}", least, f"{trial.which}: {BOUND}"
    excess = None if found is None or least is None else found - least
    yield f"shallow_excess{suffix}", excess, f"{trial.which}: shallow_table less shallow_bound"
    fitted = audit.regression(own.inputs, own.answers, trial.folds)
    counted = ", ".join(COUNTS)
    yield f"shallow_regression{suffix}", fitted, trial.note(f"logistic, the same features and {counted}")


BOUND = (
    "what the features must give: a table that knows the answers' shares among questions of the same stated "
    "and complement stated, and in families that assert nothing negative the same polarity (there true ones "
    "are positive and false ones negated), while all else that it sees is independent of the answer"
)


def _construction(
    rows: pl.DataFrame, seen: audit.Features, negation: NDArray[np.bool_]
) -> tuple[audit.Codes, NDArray[np.int64]]:
    """The part of the features that answer and depth force, and the kind of each theory.

    A stated question is true and one whose complement is stated is false; at depth 1 and more neither holds.
    Where nothing negative is asserted nothing negative can be derived, hence polarity is forced too. A
    family of drawn problems asserts what any of its theories does; problems of the user's own go one by one.
    """
    kinds = negation.astype(np.int64)
    if "family" in rows.columns:
        names = rows["family"].cast(pl.String).fill_null("own").to_numpy()
        negation = negation.copy()
        for at, name in enumerate(sorted(set(names) - {"own"})):
            own = names == name
            kinds[own], negation[own] = at + 2, negation[own].any()
    forced = seen[:, [0, 1, 4]].copy()
    forced[:, 2] &= ~negation
    return audit.cells(forced), kinds


def _tested(rows: pl.DataFrame) -> tuple[Halves, str] | None:
    """Train and test where rows are split, and how that is said."""
    if "split" not in rows.columns:
        return None
    split = rows["split"].cast(pl.String)
    if not {"train", "test"} <= set(split.unique()):
        return None
    halves = Halves((split == "train").to_numpy(), (split == "test").to_numpy())
    return halves, "fitted on train, scored on test"


def _theories(rows: pl.DataFrame) -> Halves:
    """Two halves of the theories; questions of the same theory stand in the same one."""
    first = {
        key: hashlib.blake2b(key.encode(), digest_size=1).digest()[0] < 128 for key in set(rows["split_key"])
    }
    fitted = np.array([first[key] for key in rows["split_key"]], np.bool_)
    return Halves(fitted, ~fitted)
