"""`distill recipes` and `distill fields`: what there is to run, and what can be set."""

from __future__ import annotations

import argparse
from typing import Any

from pipeline.verbs.declared import FIELDS, Overrides, add_recipe, declare, recipe, without_fields


def add(verbs: Any) -> None:
    """Declare the verbs."""
    declare(verbs, "recipes", "list the recipes of this project", without_fields(_recipes))
    about = "list every field of a recipe with its type and value"
    add_recipe(declare(verbs, "fields", about, _fields, FIELDS), "maze-demo")


def _recipes(_: argparse.Namespace) -> None:
    from pipeline.console import OUT, table
    from pipeline.recipe import RECIPES, load

    names = sorted(path.stem for path in RECIPES.glob("*.yaml"))
    OUT.print(table("", ("recipe", "about"), [(name, load(name).about) for name in names], left=2))


def _fields(options: argparse.Namespace, overrides: Overrides) -> None:
    from pipeline.console import OUT, table
    from pipeline.recipe import field_rows

    asked = recipe(options, overrides)
    OUT.print(table(f"fields of {asked.name}", ("field", "type", "value"), field_rows(asked), left=3))
