"""Facts about sets of mazes: the skew of their layouts, how shallow they are, what responses cost."""

from __future__ import annotations

import polars as pl


def baselines(rows: pl.DataFrame, wall_range: tuple[int, int]) -> pl.DataFrame:
    """`measure`, `value` and `note`; counts of draws are left out where the problems were not drawn."""
    facts = [*_walls(rows, wall_range), *_draws(rows), *_shallow(rows)]
    schema = {"measure": pl.String, "value": pl.Float64, "note": pl.String}
    return pl.DataFrame(facts, schema=schema, orient="row")


def measures(rollouts: pl.DataFrame) -> pl.DataFrame:
    """Of judged responses with the `cost` of their problems, null where a figure does not apply.

    `plan-excess`: moves of a correct plan above the optimum; `closed-cells`: close clauses of an optimal
    response that has a trace.
    """
    excess = pl.col("answer_cost").cast(pl.Float64) - pl.col("cost")
    closed = pl.col("trace").list.count_matches(pl.lit("close")).cast(pl.Float64)
    searched = (excess == 0) & (pl.col("trace").list.len() > 0)
    return rollouts.select(excess.alias("plan-excess"), pl.when(searched).then(closed).alias("closed-cells"))


Fact = tuple[str, float | None, str]


def _walls(rows: pl.DataFrame, wall_range: tuple[int, int]) -> list[Fact]:
    layouts = rows.unique("split_key", keep="any")
    return [
        ("walls_drawn", sum(wall_range) / 2, "mean of the layouts that are drawn, before any is rejected"),
        ("walls_layouts", _mean(layouts["walls"]), "mean of the layouts that gave a problem"),
        ("walls_problems", _mean(rows["walls"]), "mean of the problems: open layouts give more of them"),
        ("problems_per_layout", len(rows) / max(len(layouts), 1), "of the layouts that gave any"),
    ]


def _draws(rows: pl.DataFrame) -> list[Fact]:
    if "draws" not in rows.columns or rows["draws"].sum() in (None, 0):
        return []
    total = rows.select(pl.col("draws", "unreachable", "too_short", "repeated").sum()).row(0, named=True)
    draws = total["draws"]
    return [
        ("accepted_share", rows["draws"].is_not_null().sum() / draws, "accepted draws of start and goal"),
        ("unreachable_share", total["unreachable"] / draws, "draws without a way from start to goal"),
        ("too_short_share", total["too_short"] / draws, "draws with plans below max(width, height) states"),
        ("repeated_share", total["repeated"] / draws, "draws that their layout had given before"),
    ]


def _shallow(rows: pl.DataFrame) -> list[Fact]:
    """A plan as long as the Manhattan distance needs no way round a wall."""
    away = sum(
        (
            (pl.col(f"goal_{axis}").cast(pl.Int32) - pl.col(f"start_{axis}").cast(pl.Int32)).abs()
            for axis in "xy"
        ),
        start=pl.lit(0),
    )
    found: list[Fact] = [
        ("manhattan", _mean(rows.select(away.alias("away"))["away"]), "mean distance, walls ignored")
    ]
    if "cost" in rows.columns:
        direct = rows.select((pl.col("cost") == away).alias("direct"))["direct"]
        found.append(("direct_share", _mean(direct), "problems whose best plan is as short as without walls"))
        found.append(("cost", _mean(rows["cost"]), "mean moves of the best plan"))
    return found


def _mean(series: pl.Series) -> float | None:
    value = series.cast(pl.Float64).mean()
    return float(value) if isinstance(value, float) else None
