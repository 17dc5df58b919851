"""What an evaluation says of judged responses: metrics by rule, the domain's own, rivals and tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl
import polars.selectors as cs

from generators.domain import Domain
from pipeline import metrics
from pipeline.files import Json
from pipeline.recipe import Evaluate
from pipeline.rollouts import GREEDY
from pipeline.seeds import named_rng


def rivals(
    domain: Domain, stored: pl.DataFrame, problems: pl.DataFrame, seed: int
) -> dict[str, pl.DataFrame]:
    """The judged answers of the domain's rivals by name, as far as metrics read them.

    `problems` are the `stored` ones with the labels that answers are held against.
    """
    judged = {}
    for name, answers in domain.rivals(stored, problems, named_rng(seed, "rivals")).items():
        given = answers.with_columns(trace=pl.lit(None, pl.List(pl.String)), ended=pl.lit(True))
        about = problems.select("problem_id", "split_key", "cost", sample=pl.lit(GREEDY, pl.Int32))
        judged[name] = pl.concat([about, given, domain.check(problems, given)], how="horizontal")
    return judged


@dataclass(frozen=True)
class Judgement:
    """Measures responses to `problems`, which have the labels that answers are held against."""

    domain: Domain
    notation: str
    problems: pl.DataFrame
    asked: Evaluate

    @cached_property
    def known(self) -> pl.DataFrame:
        """The domain's own columns of the problems; a problem may stand twice in a user's own file."""
        own = self.problems.select("problem_id", cs.by_name(*self.domain.columns, require_all=False))
        return own.unique("problem_id", keep="first", maintain_order=True)

    def checkpoint(self, own: pl.DataFrame, about: Mapping[str, Any]) -> list[Json]:
        """Every metric of one checkpoint's rollouts: by rule, on all problems and on unseen responses."""
        made: list[Json] = []
        for subset, rows in (("all", own), ("unseen responses", own.filter(~pl.col("seen_in_training")))):
            greedy, sampled = rows.filter(pl.col("sample") == GREEDY), rows.filter(pl.col("sample") != GREEDY)
            parts: tuple[tuple[metrics.Rule, pl.DataFrame], ...]
            parts = (("greedy", greedy), ("mean of k", sampled), ("any of k", sampled))
            for rule, part in parts:
                if part.is_empty():
                    continue
                k = 1 if rule == "greedy" else self.asked.samples
                made += [{"subset": subset, **row} for row in metrics.table(part, rule, k).to_dicts()]
            if subset == "all" and not greedy.is_empty():
                made += [{"subset": subset, **row} for row in self._own(greedy)]
        return [{**about, **row} for row in made]

    def rival(self, answers: pl.DataFrame, label: str) -> list[Json]:
        """The rates and the domain's own measures of a rival's judged answers."""
        common = metrics.table(answers, "greedy", 1).to_dicts()
        return [{"label": label, "subset": "all", **row} for row in (*common, *self._own(answers))]

    def tables(self, own: pl.DataFrame, label: str) -> list[Json]:
        """The domain's tables of greedy responses, as columns and rows of plain data."""
        greedy = self._with_problems(own.filter(pl.col("sample") == GREEDY))
        return [
            {
                "label": label,
                "title": title,
                "columns": table.columns,
                "rows": [list(row) for row in table.rows()],
            }
            for title, table in self.domain.tables(greedy, self.notation).items()
        ]

    def _own(self, greedy: pl.DataFrame) -> list[Json]:
        figures = self.domain.measures(self._with_problems(greedy), self.notation)
        return metrics.means(greedy, figures, "greedy").to_dicts()

    def _with_problems(self, rollouts: pl.DataFrame) -> pl.DataFrame:
        return rollouts.join(self.known, on="problem_id", how="left", maintain_order="left")
