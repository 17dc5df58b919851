"""What verbs share: how one is declared, where artifacts stand, which recipe is meant."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import Refusal

if TYPE_CHECKING:
    from pipeline.recipe import Recipe

Overrides = list[tuple[str, str]]
"""Fields of the recipe and what the command line sets them to, in its order."""

Run = Callable[[argparse.Namespace, Overrides], None]

FIELDS = "any recipe field can be overridden: --domain.width=8 --fit.steps 200 (`distill fields` lists them)"


def declare(
    verbs: Any, name: str, about: str, run: Run, epilog: str | None = None
) -> argparse.ArgumentParser:
    """Add a verb, whose options are yet to be added."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        name, help=about, description=about, epilog=epilog, allow_abbrev=False
    )
    verb.set_defaults(run=run, verb=name)
    return verb


def without_fields(run: Callable[[argparse.Namespace], None]) -> Run:
    """A verb that takes no recipe fields, and refuses what looks like one."""

    def checked(options: argparse.Namespace, overrides: Overrides) -> None:
        if overrides:
            raise Refusal(
                f"unknown option --{overrides[0][0]}; `distill {options.verb} --help` lists its options"
            )
        run(options)

    return checked


def add_recipe(verb: argparse.ArgumentParser, default: str | None = None) -> None:
    """`--recipe`, which `recipe` reads."""
    verb.add_argument("--recipe", default=default, help="a recipe's name or YAML file")


def recipe(options: argparse.Namespace, overrides: Overrides) -> Recipe:
    """The recipe that is asked for, with its overrides."""
    from pipeline.recipe import load

    return load(recipe_name(options), overrides)


def recipe_name(options: argparse.Namespace) -> str:
    """What `--recipe` names; raises Refusal where it is missing."""
    if options.recipe is None:
        raise Refusal("name a recipe: --recipe maze-demo (`distill recipes` lists them)")
    return str(options.recipe)


def add_artifacts(verb: argparse.ArgumentParser) -> None:
    """`--artifacts`, a path or the mirror of a URL."""
    verb.add_argument(
        "--artifacts",
        type=_place,
        default=Path("artifacts"),
        help="where outputs stand: a folder or s3://...",
    )


def _place(text: str) -> Path:
    """A path, or the mirror of a URL such as s3://bucket/prefix."""
    if "://" not in text:
        return Path(text)
    from pipeline.store import located

    return located(text)


def present(text: str) -> Path:
    """A path to read; what a URL names is fetched first."""
    if "://" not in text:
        return Path(text)
    from pipeline.store import present as fetched

    return fetched(text)


def checkpoint(text: str) -> Path:
    """The folder of a model to read; where it stands in a finished artifact, its hashes are checked."""
    from pipeline.artifact import require_whole

    folder = present(text)
    require_whole(folder.absolute())
    return folder
