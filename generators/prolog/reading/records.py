"""Records of ProofWriter and PrOntoQA in the JSON form that Logic-LM uses.

`{"id": ..., "context": ..., "question": ..., "options": ["A) True", ...], "answer": "A"}`; options and answer
may be missing. A list of records, one record, or one record a line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from generators.domain import BadProblem
from generators.prolog.reading import english
from generators.prolog.reading.naming import Problem

LABELS = {"true": "true", "false": "false", "unknown": "unknown", "uncertain": "unknown"}
"""What options and answers say, and the answer that is meant."""
OPTIONS = {"A": "true", "B": "false", "C": "unknown"}
"""What letters mean in a record without options."""

_OPTION = re.compile(r"\(?([A-Za-z])\s*[).:]\s*(.+)")


def stated(title: str, text: str, by_line: bool) -> list[tuple[str, Callable[[], Problem]]]:
    """For each record how errors name it, and what reads it. Raises BadProblem for what is not JSON."""
    whole = None if by_line else _whole(title, text)
    if whole is None:
        lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
        return [_stated(title, f"{title}:{number}", line) for number, line in lines]
    found = whole if isinstance(whole, list) else [whole]
    if not found:
        raise BadProblem(f"{title} holds no record")
    return [
        _stated(title, f"{title}:record {number}", record) for number, record in enumerate(found, start=1)
    ]


def _whole(title: str, text: str) -> Any:
    """The text as one JSON value; None for one with a record a line."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as cause:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) > 1 and lines[0].lstrip().startswith("{") and lines[0].rstrip().endswith("}"):
            return None
        raise BadProblem(f"{title} is not JSON: {cause}") from None


def _stated(title: str, place: str, record: Any) -> tuple[str, Callable[[], Problem]]:
    """A record, or the line that it fills."""
    if isinstance(record, str):
        try:
            record = json.loads(record)
        except (ValueError, RecursionError) as cause:
            return place, partial(_refuse, f"this line is not JSON: {cause}")
    name = record.get("id") if isinstance(record, dict) else None
    return f"{title}: record {name[:40]}" if isinstance(name, str) else place, partial(problem, place, record)


def _refuse(cause: str) -> Problem:
    raise BadProblem(cause)


def problem(place: str, record: Any) -> Problem:
    """The problem of a record, which is named by its place if it has no id. Raises BadProblem."""
    if not isinstance(record, dict):
        raise BadProblem(f"a record is an object with context and question, not {json.dumps(record)[:60]}")
    texts = {}
    for key in ("context", "question"):
        if key not in record:
            raise BadProblem(f"the key '{key}' is missing")
        if not isinstance(record[key], str):
            raise BadProblem(f"its {key} is no text but {json.dumps(record[key])[:60]}")
        texts[key] = record[key]
    name = record.get("id")
    title = name if isinstance(name, str) else place
    return english.problem(title, texts["context"], texts["question"], _given(record))


def _given(record: Mapping[str, Any]) -> str | None:
    """The label that an answer gives: a letter of the options, or their words. Raises BadProblem."""
    answer = record.get("answer", record.get("label"))
    if answer is None:
        return None
    options = _options(record)
    said = str(answer).strip()
    option = _OPTION.fullmatch(said)
    letter = (option[1] if option else said).upper()
    if letter in options:
        return options[letter]
    label = LABELS.get(said.rstrip(".").lower())
    if label is None:
        raise BadProblem(f"its answer '{said[:40]}' is none of its options ({', '.join(options)})")
    return label


def _options(record: Mapping[str, Any]) -> dict[str, str]:
    given = record.get("options")
    if not given:
        return OPTIONS
    found = {}
    for option in given if isinstance(given, list) else [given]:
        read = _OPTION.fullmatch(option.strip()) if isinstance(option, str) else None
        label = LABELS.get(read[2].strip().rstrip(".").lower()) if read else None
        if read is None or label is None:
            raise BadProblem(
                f"its option {json.dumps(option)} is not like 'A) True', with True, False or Unknown"
            )
        found[read[1].upper()] = label
    return found
