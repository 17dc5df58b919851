"""The command line: verbs, their options, and recipe fields that any verb may override."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pipeline import folders
from pipeline.errors import Refusal, told

OVERRIDES = (
    "any recipe field can be overridden: --domain.width=8 --fit.steps 200 (`distill fields` lists them)"
)

Overrides = list[tuple[str, str]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives 0 for success, 1 for a refusal, 2 for words not understood, 130 for Ctrl-C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _quiet()
    try:
        parser = _parser(words)
        known, overrides = _divided(words, parser)
        options = parser.parse_args(known)
        verb: Callable[[argparse.Namespace, Overrides], None] = options.run
        verb(options, overrides)
    except KeyboardInterrupt:
        print("stopped; what is finished is kept: the same command goes on from there", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except Exception as error:  # the edge of the program: expected faults become a sentence
        sentence = told(error)
        if sentence is None or os.environ.get("DISTILL_TRACEBACK"):
            raise
        print(f"distill: {sentence}", file=sys.stderr)
        return 1
    return 0


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="distill",
        description="Distil search into transformers: traces, training, bootstrapping, judgement.",
        allow_abbrev=False,
    )
    from pipeline.verbs import conform, results, status, sweep
    from pipeline.verbs.executor import add_options

    verbs = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    for name, about in _abouts(words).items():
        verb = _verb(verbs, name, about, _stage)
        verb.add_argument("--recipe", default=None, help="a recipe's name or YAML file")
        _common(verb)
        add_options(verb)
        if name == "generate":
            verb.add_argument("--problems", metavar="ARTIFACT", help="solve those of a finished artifact")
            verb.add_argument("--shards", help="make these only, as 0-9 or 3,5; then `distill seal`")
            verb.add_argument(
                "--skip-hung",
                action="store_true",
                help="leave out problems over which an engine hangs twice (not reproducible)",
            )
        if name == "report":
            verb.add_argument("artifact", nargs="*", type=_present, help="make a page about these instead")
            verb.add_argument("--to", type=Path, help="the page's file (default: page.html)")
        if name == "evaluate":
            verb.add_argument(
                "--checkpoint", nargs="+", type=_present, help="judge these checkpoints instead"
            )
            verb.add_argument("--on", nargs="+", help="on these artifacts, Parquet files or problem files")
        verb.set_defaults(stage=name)
    seal = _verb(verbs, "seal", "finish a data set whose shards were made in parts", _seal)
    seal.add_argument("--recipe", required=True, help="a recipe's name or YAML file")
    _common(seal)
    solve = _verb(verbs, "solve", "let a checkpoint answer a problem of your own", _solve)
    solve.add_argument("--checkpoint", required=True, type=_present, help="folder of a trained model")
    solve.add_argument("--problem", required=True, help="a file, or the text itself")
    solve.add_argument("--samples", type=int, default=0, help="show the best of N sampled responses")
    solve.add_argument("--temperature", type=float, default=1.0, help="of the samples (default 1)")
    solve.add_argument("--pictures", type=Path, help="folder that gets what is shown as SVG files")
    inspect = _verb(verbs, "inspect", "look into an artifact, a Parquet file or a checkpoint", _inspect)
    inspect.add_argument("artifact", type=_present)
    inspect.add_argument("--rows", type=int, default=2, help="rows to show (default 2)")
    inspect.add_argument("--where", help='only rows for which this SQL expression holds, as "cost > 20"')
    inspect.add_argument("--row", metavar="ID", help="draw the problem of this id (or the beginning of one)")
    inspect.add_argument("--step", action="store_true", help="play its trace step by step; with --row")
    compare = _verb(verbs, "compare", "set two evaluations side by side, problem by problem", _compare)
    compare.add_argument("first", type=_present, help="a finished evaluation")
    compare.add_argument("second", type=_present, help="another one, of the same problems")
    for side in ("a", "b"):
        about = f"checkpoint of {side.upper()}, as 'model 1' (default: the final one)"
        compare.add_argument(f"--checkpoint-{side}", metavar="NAME", help=about)
    rules, successes = ("greedy", "sampled"), ("optimal", "solved")
    compare.add_argument("--rule", choices=rules, default="greedy", help="which responses (default greedy)")
    compare.add_argument("--by", choices=successes, default="optimal", help="success of the problems listed")
    compare.add_argument(
        "--list", type=int, default=10, metavar="N", help="problems of each side (default 10)"
    )
    compare.add_argument("--json", type=Path, metavar="FILE", help="file that gets all numbers")
    export = _verb(verbs, "export", "write a checkpoint for Hugging Face tools", _export)
    export.add_argument("--checkpoint", required=True, type=_present)
    export.add_argument("--to", required=True, type=Path, help="folder to write")
    _play_verbs(verbs)
    warm = _verb(verbs, "compile", "compile the demonstrations' kernels ahead of their first use", _compile)
    warm.add_argument("--workers", type=int, default=0, help="worker processes (default: one a core)")
    _verb(verbs, "recipes", "list the recipes of this project", _recipes)
    fields = _verb(verbs, "fields", "list every field of a recipe with its type and value", _fields)
    fields.add_argument("--recipe", default="maze-demo", help="a recipe's name or YAML file")
    for beside in (conform, results, status, sweep):
        beside.add(verbs)
    return parser


def _abouts(words: Sequence[str]) -> dict[str, str]:
    """What each stage is for: imported where stages run or are explained; other verbs start sooner."""
    verb = next((word for word in words if not word.startswith("-")), None)
    if verb is not None and verb not in folders.STAGES:
        return dict.fromkeys(folders.STAGES, "")
    from pipeline.stages import STAGES

    return {stage.name: stage.about for stage in STAGES}


def _play_verbs(verbs: Any) -> None:
    uci = _verb(verbs, "uci", "play chess: a checkpoint as an engine for chess programs", _uci)
    uci.add_argument("--checkpoint", required=True, type=_present, help="folder of a trained model")
    uci.add_argument("--temperature", default="0", help="of its choice in the opening (default 0: the best)")
    uci.add_argument("--opening-moves", default="5", help="full moves with that temperature (default 5)")
    match = _verb(verbs, "match", "let a checkpoint play chess against another player", _match)
    match.add_argument("--checkpoint", required=True, type=_present, help="folder of a trained model")
    match.add_argument("--against", required=True, help="stockfish, random or the folder of a checkpoint")
    match.add_argument("--nodes", type=int, default=100, help="of Stockfish for each move (default 100)")
    match.add_argument("--games", type=int, default=20, help="half of them with white (default 20)")
    match.add_argument("--openings", default="", help="PGN file of opening lines (default: a catalogue)")
    match.add_argument("--pgn", type=Path, help="file that keeps the games; a stopped match goes on from it")
    match.add_argument("--seed", type=int, default=0, help="decides openings and chance (default 0)")


def _verb(verbs: Any, name: str, about: str, run: Callable[..., None]) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = verbs.add_parser(
        name, help=about, description=about, epilog=OVERRIDES, allow_abbrev=False
    )
    made.set_defaults(run=run, verb=name)
    return made


def _common(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--artifacts",
        type=_place,
        default=Path("artifacts"),
        help="where outputs stand: a folder or s3://...",
    )


def _divided(words: list[str], parser: argparse.ArgumentParser) -> tuple[list[str], Overrides]:
    """The options that the parser knows, and `--field=value` or `--field value` for the recipe.

    Anything that starts with two dashes and is no option of the verb is meant for the recipe, wherever it
    stands; the recipe itself refuses fields that it does not have.
    """
    verb = next((word for word in words if not word.startswith("-")), None)
    options = _options(parser, verb)
    if options is None:
        return words, []
    known: list[str] = []
    overrides: Overrides = []
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if not word.startswith("--") or name in options:
            known.append(word)
        elif equals:
            overrides.append((name[2:], value))
        else:
            following = next(rest, None)
            if following is None or following.startswith("--"):
                raise Refusal(f"{word} needs a value, as in {word}=VALUE")
            overrides.append((name[2:], following))
    return known, overrides


def _options(parser: argparse.ArgumentParser, verb: str | None) -> set[str] | None:
    verbs = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    chosen = verbs.choices.get(verb or "")
    return {text for action in chosen._actions for text in action.option_strings} if chosen else None


def _stage(options: argparse.Namespace, overrides: Overrides) -> None:
    from pipeline.verbs.executor import executor

    if options.stage == "evaluate" and (options.checkpoint or options.on):
        from pipeline.adhoc import evaluate

        evaluate(options.checkpoint, options.on, options.artifacts, overrides, executor(options))
        return
    if options.stage == "report" and (options.artifact or options.to):
        from pipeline.page.command import write

        _no_overrides(overrides)
        write(options.artifact, options.to or Path("page.html"))
        return
    from pipeline.stage import Options, make_all, parse_shards
    from pipeline.stages import STAGES, generate, report

    stage = next(each for each in STAGES if each.name == options.stage)
    problems = getattr(options, "problems", None)
    given = [("generate.problems", json.dumps(problems))] if problems else []
    recipe = _loaded(options.recipe, [*overrides, *given])
    shards, asked = getattr(options, "shards", None), executor(options)
    run = Options(
        options.artifacts,
        asked.workers,
        parse_shards(shards) if shards else None,
        getattr(options, "skip_hung", False),
        asked.cluster,
    )
    if run.shards is not None:
        for each in recipe.expanded().values():
            generate.some(each, run)
        return
    if stage.name == "bootstrap" and recipe.bootstrap is None:
        raise Refusal(f"the recipe {recipe.name} has no bootstrap; add the branch `bootstrap:`")
    jobs = make_all(stage, recipe, run)
    if stage.name == "report":
        report.show(jobs[-1])


def _seal(options: argparse.Namespace, overrides: Overrides) -> None:
    from pipeline.stage import Job, Options
    from pipeline.stages import generate

    recipe = _loaded(options.recipe, overrides)
    for each in recipe.expanded().values():
        generate.seal(Job(generate.GENERATE, each, Options(options.artifacts)))


def _solve(options: argparse.Namespace, overrides: Overrides) -> None:
    from pipeline.solve import solve

    _no_overrides(overrides)
    if options.samples < 0:
        raise Refusal(f"--samples must be 0 (greedy) or more, got {options.samples}")
    solve(options.checkpoint, options.problem, options.samples, options.temperature, options.pictures)


def _inspect(options: argparse.Namespace, overrides: Overrides) -> None:
    from pipeline.inspect import show

    _no_overrides(overrides)
    show(options.artifact, options.rows, options.where, options.row, options.step)


def _compare(options: argparse.Namespace, overrides: Overrides) -> None:
    from pipeline.comparison import compare

    _no_overrides(overrides)
    names = (options.checkpoint_a, options.checkpoint_b)
    compare(options.first, options.second, names, options.rule, options.by, options.list, options.json)


def _uci(options: argparse.Namespace, overrides: Overrides) -> None:
    from pipeline.play.serving import serve

    _no_overrides(overrides)
    serve(options.checkpoint, {"Temperature": options.temperature, "OpeningMoves": options.opening_moves})


def _match(options: argparse.Namespace, overrides: Overrides) -> None:
    from pipeline.play.match import match

    _no_overrides(overrides)
    lines, pgn = options.openings, options.pgn
    match(options.checkpoint, options.against, options.nodes, options.games, lines, pgn, options.seed)


def _export(options: argparse.Namespace, overrides: Overrides) -> None:
    from pipeline.export import export

    _no_overrides(overrides)
    export(options.checkpoint, options.to)


def _compile(options: argparse.Namespace, overrides: Overrides) -> None:
    from pipeline.verbs.executor import workers
    from pipeline.warmup import warm_up

    _no_overrides(overrides)
    warm_up(workers(options.workers))


def _recipes(_: argparse.Namespace, overrides: Overrides) -> None:
    from pipeline.console import OUT, table
    from pipeline.recipe import RECIPES, load

    _no_overrides(overrides)
    names = sorted(path.stem for path in RECIPES.glob("*.yaml"))
    OUT.print(table("", ("recipe", "about"), [(name, load(name).about) for name in names], left=2))


def _fields(options: argparse.Namespace, overrides: Overrides) -> None:
    from pipeline.console import OUT, table
    from pipeline.recipe import field_rows

    recipe = _loaded(options.recipe, overrides)
    OUT.print(table(f"fields of {recipe.name}", ("field", "type", "value"), field_rows(recipe), left=3))


def _place(text: str) -> Path:
    """A path, or the mirror of a URL such as s3://bucket/prefix."""
    if "://" not in text:
        return Path(text)
    from pipeline.store import located

    return located(text)


def _present(text: str) -> Path:
    """A path to read; what a URL names is fetched first."""
    if "://" not in text:
        return Path(text)
    from pipeline.store import present

    return present(text)


def _loaded(source: str | None, overrides: Overrides) -> Any:
    from pipeline.recipe import load

    if source is None:
        raise Refusal("name a recipe: --recipe maze-demo (`distill recipes` lists them)")
    return load(source, overrides)


def _no_overrides(overrides: Overrides) -> None:
    if overrides:
        raise Refusal(
            f"unknown option --{overrides[0][0]}; `distill --help` lists the commands and their options"
        )


def _quiet() -> None:
    """Libraries keep their remarks to themselves; ours are the ones that a user can act on."""
    for name, value in (
        ("TOKENIZERS_PARALLELISM", "false"),
        ("HF_HUB_OFFLINE", "1"),
        ("TRANSFORMERS_VERBOSITY", "error"),
        ("HF_HUB_DISABLE_PROGRESS_BARS", "1"),
    ):
        os.environ.setdefault(name, value)
