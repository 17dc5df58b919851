"""Kernels compiled ahead of their first use, so that set-up leaves nothing slow to the demonstrations."""

from __future__ import annotations

import numpy as np
from rich.markup import escape

from generators.domain import BadProblem
from pipeline.console import bar, say
from pipeline.executor import over_shards
from pipeline.recipe import Recipe, load

RECIPE = "demo"
"""Whose kernels: those that every demonstration needs."""
ROWS = 20


def warm_up(workers: int) -> None:
    """Take some problems through every method of each domain; one whose engine is missing is left out."""
    parts = len(_recipes())
    with bar("compile", parts) as advance:
        for _, missing in over_shards(_compile, range(parts), workers):
            advance()
            if missing:
                say("compile", f"[yellow]{escape(missing)}[/yellow]")


def _recipes() -> list[Recipe]:
    return list(load(RECIPE).expanded().values())


def _compile(at: int) -> str | None:
    """Compile for a recipe; gives a sentence if it cannot be done here."""
    recipe = _recipes()[at]
    domain, notation, rng = recipe.domain, recipe.notation, np.random.default_rng(0)
    try:
        rows = domain.solve(domain.problems(rng, ROWS), rng)
    except BadProblem as cause:
        return str(cause)
    domain.check(rows, rows)
    domain.references(rows, rng)
    written = domain.write(rows, notation, rng)
    if notation in (*domain.value_notations, *domain.choice_notations):
        domain.candidates(rows, notation)
    else:
        domain.restore(written, notation)
    domain.recall(written["prompt"], notation)
    return None
