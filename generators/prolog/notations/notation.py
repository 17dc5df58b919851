"""The notations of logic theories: stored words as those of another notation, and back; imports no compiler.

Prompts and responses are flat codes with row offsets (`generators.words`), of the stored alphabet on one side
and of `alphabet(words, notation, mode)` on the other. What has no word there becomes `UNKNOWN`.
"""

from __future__ import annotations

import numpy as np

from generators.domain import BadProblem
from generators.prolog.alphabet import EVENTS, FRAME, NOTATIONS, Mode, Words
from generators.prolog.notations.phrases import english
from generators.words import UNKNOWN, Codes, Offsets

Rows = tuple[Codes, Offsets]


def alphabet(words: Words, notation: str, mode: Mode) -> tuple[str, ...]:  # noqa: ARG001
    """Every word that `notation` can use. Raises BadProblem for an unknown one.

    Both modes have the same words, so that one vocabulary serves both.
    """
    if notation not in NOTATIONS:
        raise BadProblem(f"logic theories have no notation '{notation}'; they have: {', '.join(NOTATIONS)}")
    if notation == "natural":
        return english(words)
    if notation == "compact":
        from generators.prolog.notations import compact

        return compact.alphabet(words)
    stored = words.alphabet
    if notation == "solution":
        events = set(EVENTS) - {"limit"}  # which is an answer too
        return tuple(word for word in stored if word not in events)
    return stored


def written_prompt(prompt: Rows, words: Words, notation: str, mode: Mode) -> Rows:
    """Stored prompts in a notation."""
    if notation == "natural":
        from generators.prolog.notations import natural

        return natural.to_english(prompt, words)
    if notation == "compact":
        from generators.prolog.notations import compact

        return compact.shortened_prompt(prompt, words)
    return _recoded(prompt, words.alphabet, alphabet(words, notation, mode))


def stored_prompt(prompt: Rows, words: Words, notation: str, mode: Mode) -> Rows:
    """The inverse of `written_prompt`, for any words."""
    if notation == "natural":
        from generators.prolog.notations import natural

        return natural.from_english(prompt, words)
    if notation == "compact":
        from generators.prolog.notations import compact

        return compact.stored_prompt(prompt, words)
    return _recoded(prompt, alphabet(words, notation, mode), words.alphabet)


def written_response(trace: Rows, answer: Rows, words: Words, notation: str, mode: Mode) -> Rows:
    """Stored traces, as far as the notation shows them, each followed by its answer."""
    from generators.prolog.notations import trail
    from generators.splicing import joined

    if notation == "solution":
        return written_prompt(answer, words, notation, mode)
    if notation == "without-unbind":
        trace = trail.without_unbind(trace, words, mode)
    elif notation == "without-fail":
        trace = trail.without_fail(trace, words, mode)
    elif notation == "compact":
        from generators.prolog.notations import compact

        return compact.shortened_response(joined(trace, answer), words)
    return written_prompt(joined(trace, answer), words, notation, mode)


def stored_response(response: Rows, words: Words, notation: str, mode: Mode) -> tuple[Rows, Rows]:
    """Any responses as stored traces and answers: all before the first `answer` is the trace.

    A response in `solution` is all answer; it has an empty trace here.
    """
    from generators.prolog.notations import trail
    from generators.splicing import parted, split_at

    if notation == "compact":
        from generators.prolog.notations import compact

        codes, offsets = compact.stored_response(response, words)
    else:
        codes, offsets = stored_prompt(response, words, notation, mode)
    if notation == "solution":
        return parted(codes, offsets, np.zeros(len(offsets) - 1, np.int64))
    before = split_at(codes, offsets, words.frame + FRAME.index("answer"))
    trace, answer = parted(codes, offsets, before)
    if notation == "without-unbind":
        trace = trail.with_unbind(trace, words, mode)
    return trace, answer


def _recoded(rows: Rows, own: tuple[str, ...], other: tuple[str, ...]) -> Rows:
    """The same words as places in another alphabet."""
    if own == other:
        return rows
    place = {word: at for at, word in enumerate(other)}
    table = np.array([*(place.get(word, UNKNOWN) for word in own), UNKNOWN], np.uint16)
    return table[np.minimum(rows[0], len(own))], rows[1]
