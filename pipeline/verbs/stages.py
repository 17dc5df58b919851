"""The stages of the pipeline, a verb each, and `distill seal`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import folders
from pipeline.errors import Refusal
from pipeline.verbs.declared import (
    FIELDS,
    Overrides,
    add_artifacts,
    add_recipe,
    checkpoint,
    declare,
    present,
    recipe,
    without_fields,
)
from pipeline.verbs.executor import add_options, executor

if TYPE_CHECKING:
    from pipeline.recipe import Recipe
    from pipeline.stage import Options


def add(verbs: Any, words: Sequence[str]) -> None:
    """Declare the verbs; `words` are those of the command line."""
    own = {"generate": _generate_options, "evaluate": _evaluate_options, "report": _report_options}
    for name, about in _abouts(words).items():
        verb = declare(verbs, name, about, _run, FIELDS)
        add_recipe(verb)
        add_artifacts(verb)
        add_options(verb)
        if name in own:
            own[name](verb)
    seal = declare(verbs, "seal", "finish a data set whose shards were made in parts", _seal, FIELDS)
    add_recipe(seal)
    add_artifacts(seal)


def _abouts(words: Sequence[str]) -> dict[str, str]:
    """What each stage is for: imported where stages run or are explained; other verbs start sooner."""
    verb = next((word for word in words if not word.startswith("-")), None)
    if verb is not None and verb not in folders.STAGES:
        return dict.fromkeys(folders.STAGES, "")
    from pipeline.stages import STAGES

    return {stage.name: stage.about for stage in STAGES}


def _generate_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--problems", metavar="ARTIFACT", help="solve those of a finished artifact")
    verb.add_argument("--shards", help="make these only, as 0-9 or 3,5; then `distill seal`")
    verb.add_argument(
        "--skip-hung",
        action="store_true",
        help="leave out problems over which an engine hangs twice (not reproducible)",
    )


def _evaluate_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--checkpoint", nargs="+", type=checkpoint, help="judge these checkpoints instead")
    verb.add_argument("--on", nargs="+", help="on these artifacts, Parquet files or problem files")


def _report_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("artifact", nargs="*", type=present, help="make a page about these instead")
    verb.add_argument("--to", type=Path, help="the page's file (default: page.html)")


def _run(options: argparse.Namespace, overrides: Overrides) -> None:
    if options.verb == "evaluate" and (options.checkpoint or options.on):
        from pipeline.adhoc import evaluate

        evaluate(options.checkpoint, options.on, options.artifacts, overrides, executor(options))
    elif options.verb == "report" and (options.artifact or options.to):
        without_fields(_page)(options, overrides)
    else:
        problems = getattr(options, "problems", None)
        given = [("generate.problems", json.dumps(problems))] if problems else []
        _make(options.verb, recipe(options, [*overrides, *given]), _asked(options))


def _page(options: argparse.Namespace) -> None:
    from pipeline.page.command import write

    write(options.artifact, options.to or Path("page.html"))


def _asked(options: argparse.Namespace) -> Options:
    from pipeline.stage import Options, parse_shards

    where, shards = executor(options), getattr(options, "shards", None)
    return Options(
        options.artifacts,
        where.workers,
        parse_shards(shards) if shards else None,
        getattr(options, "skip_hung", False),
        where.cluster,
    )


def _make(name: str, asked: Recipe, options: Options) -> None:
    from pipeline.stage import make_all
    from pipeline.stages import STAGES, generate, report

    if options.shards is not None:
        for each in asked.expanded().values():
            generate.some(each, options)
        return
    if name == "bootstrap" and asked.bootstrap is None:
        raise Refusal(f"the recipe {asked.name} has no bootstrap; add the branch `bootstrap:`")
    jobs = make_all(next(stage for stage in STAGES if stage.name == name), asked, options)
    if name == "report":
        report.show(jobs[-1])


def _seal(options: argparse.Namespace, overrides: Overrides) -> None:
    from pipeline.stage import Job, Options
    from pipeline.stages import generate

    for each in recipe(options, overrides).expanded().values():
        generate.seal(Job(generate.GENERATE, each, Options(options.artifacts)))
