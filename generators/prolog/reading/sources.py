"""The user's own problems: records in English (ProofWriter, PrOntoQA) and plain Prolog files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from generators.domain import BadProblem
from generators.prolog.alphabet import Words
from generators.prolog.reading import clauses, records
from generators.prolog.reading.naming import Names, Plain, Problem
from generators.prolog.theory import Theories, assembled

Stated = tuple[str, Callable[[], Problem]]
"""How errors name a problem, and what reads it."""


@dataclass(frozen=True)
class Read:
    """Problems in the order in which they stand in their source."""

    theories: Theories
    names: list[list[str]]
    """For each problem `word=name` for every name whose word is another."""
    given: list[str | None]
    """The labels that came with the problems: true, false, unknown, or none."""
    ids: list[str]
    """The record's id, or `file:line`."""


def read(source: str, words: Words, invented: bool) -> Read:
    """The problems of a file, or of the text itself, in words that `invented` says how to choose (`Names`).

    Raises BadProblem, naming file, line or record, and cause.
    """
    title, text = text_of(source)
    names = Names(words, invented)
    stated: Iterable[Stated] = _stated(title, text)
    found: list[tuple[Problem, Plain, list[str]]] = []
    bad: list[str] = []
    for where, problem_of in stated:
        try:
            problem = problem_of()
            found.append((problem, *names.numbered(problem)))
        except BadProblem as cause:
            bad.append(f"{where}: {cause}")
    if bad:
        total = len(found) + len(bad)
        raise BadProblem(
            bad[0] if total == 1 else f"{len(bad)} of {total} problems cannot be read; the first: {bad[0]}"
        )
    return Read(
        theories=assembled([plain for _, plain, _ in found]),
        names=[shown for _, _, shown in found],
        given=[problem.given for problem, _, _ in found],
        ids=[problem.name for problem, _, _ in found],
    )


def text_of(source: str) -> tuple[str, str]:
    """A title for messages, and the text: the source itself or what stands in the file of that name.

    Raises BadProblem.
    """
    if "\n" in source or "?-" in source or source.lstrip().startswith(("{", "[")):
        return "the text", _clean("the text", source)
    if not source.strip():
        raise BadProblem("the source is empty; name a file, or give the problem itself")
    path = Path(source)
    try:
        return path.name, _clean(source, path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise BadProblem(f"there is no file {source}") from None
    except IsADirectoryError:
        raise BadProblem(f"{source} is a folder; name a file of problems") from None
    except UnicodeDecodeError as cause:
        raise BadProblem(f"{source} is no text in UTF-8 (byte {cause.start})") from None
    except (OSError, ValueError) as cause:
        raise BadProblem(f"{source} cannot be read: {cause}") from None


def _clean(title: str, text: str) -> str:
    """The text, unless it has nothing in it, or a character that no text has."""
    if not text.strip():
        raise BadProblem(f"{title} is empty")
    if "\0" in text:
        raise BadProblem(f"{title} is no text: it has a character of code 0")
    return text


def _stated(title: str, text: str) -> list[Stated]:
    suffix = Path(title).suffix.lower()
    if suffix in (".json", ".jsonl") or (suffix != ".pl" and text.lstrip().startswith(("{", "["))):
        return records.stated(title, text, by_line=suffix == ".jsonl")
    if suffix != ".pl" and "?-" not in text:
        raise BadProblem(f"{title} holds neither JSON records nor a Prolog theory with a `?- goal.`")
    return clauses.stated(title, text)
