"""The command line: verbs, their options, and recipe fields that any verb may override."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from pipeline.errors import Refusal, brief, told
from pipeline.launch import launched
from pipeline.verbs import (
    compare,
    conform,
    export,
    inspect,
    kernels,
    play,
    recipes,
    results,
    solve,
    stages,
    status,
    sweep,
)
from pipeline.verbs.declared import Overrides

LONGEST = 1000
"""Characters of a line about a fault."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives 0 for success, 1 for a refusal, 2 for words not understood, 130 for Ctrl-C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _quiet()
    try:
        if (place := launched(words)) is not None:
            from pipeline.crew import lead

            if place.rank:
                from pipeline.fellow import follow

                return follow(place)
            lead(place)
        parser = _parser(words)
        known, overrides = _divided(words, parser)
        options = parser.parse_args(known)
        options.run(options, overrides)
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
        from pipeline.inspect.texts import plain

        # What it tells of may be a file's: whatever stands there, lines stay lines that can be read.
        lines = [brief(line, LONGEST) for line in plain(sentence).split("\n")]
        print("distill:", "\n".join(lines), file=sys.stderr)
        return 1
    return 0


class _Parser(argparse.ArgumentParser):
    """Repeats the beginning of a word that it does not understand, and not all of it."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end with code 2."""
        super().error(brief(message, 400))


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="distill",
        description="Distil search into transformers: traces, training, bootstrapping, judgement.",
        allow_abbrev=False,
    )
    verbs = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    stages.add(verbs, words)
    for each in (sweep, status, results, inspect, compare, solve, play, export, conform, recipes, kernels):
        each.add(verbs)
    return parser


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
            if equals and value == "--":  # of which argparse makes an empty list
                raise Refusal(f"{name} needs a value, and -- is none")
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


def _quiet() -> None:
    """Libraries keep their remarks to themselves; ours are the ones that a user can act on."""
    for name, value in (
        ("TOKENIZERS_PARALLELISM", "false"),
        ("HF_HUB_OFFLINE", "1"),
        ("TRANSFORMERS_VERBOSITY", "error"),
        ("HF_HUB_DISABLE_PROGRESS_BARS", "1"),
    ):
        os.environ.setdefault(name, value)
