"""Theories with their searches for tests of drawings and players, and traces that are spoilt."""

from __future__ import annotations

import numpy as np

from generators.prolog.alphabet import Words
from generators.prolog.stated import parsed, prompts
from generators.prolog.theory import NONE, VARIABLE, assembled
from generators.prolog.verification import search_backward, search_forward

WORDS = Words("proofwriter", 24, 24)
SEARCHES = {"backward": search_backward.search, "forward": search_forward.search}


def spelled(text):
    return text.split()


PROMPT = spelled(
    "fact1 + kind bob fact2 + rough bob fact3 - nice anne fact4 + chases bob anne fact5 + big cow "
    "rule1 if + kind x + young x then + red x rule2 if + red x then + young x "
    "rule3 if + chases x y - nice y then + cold x rule4 if + rough x + cold x then + red x "
    "rule5 if then - blue bob ask + red bob"
)


def solved(prompt, mode):
    codes = np.array([WORDS.alphabet.index(word) for word in prompt], np.uint16)
    theories = parsed(codes, np.array([0, len(codes)]), WORDS)
    found = SEARCHES[mode](theories, WORDS, np.array([60_000]))
    trace = [WORDS.alphabet[code] for code in found.codes]
    answer = ("true", "false", "unknown", "limit")[found.answers[0]]
    return {"prompt": prompt, "trace": trace, "answer": ["answer", answer]}


def random_prompt(rng):
    def literal(ground):
        arity = int(rng.integers(1, 3))
        predicate = int(rng.integers(0, 3)) + (14 if arity == 2 else 0)
        terms = [
            VARIABLE + int(rng.integers(0, 2))
            if not ground and rng.random() < 0.7
            else int(rng.integers(0, 3))
            for _ in range(arity)
        ]
        return [int(rng.random() < 0.8), predicate, *terms, *[NONE] * (3 - arity)]

    rules = [([literal(False) for _ in range(rng.integers(0, 3))], literal(False)) for _ in range(7)]
    made, _ = prompts(assembled([([literal(True) for _ in range(8)], rules, literal(True))]), WORDS)
    return [WORDS.alphabet[code] for code in made]


def spoilt(rng, trace):
    """A trace with words swapped, lost, repeated, replaced by any word, or by none."""
    words = list(trace)
    for _ in range(int(rng.integers(1, 12))):
        at = int(rng.integers(0, len(words))) if words else 0
        turn = int(rng.integers(0, 5))
        if turn == 0:
            words[at : at + 1] = []
        elif turn == 1:
            words[at:at] = words[at : at + 4]
        elif turn == 2:
            words[at : at + 1] = [WORDS.alphabet[int(rng.integers(0, len(WORDS.alphabet)))]]
        elif turn == 3:
            words[at : at + 1] = [None]
        else:
            words = words[: at + 1]
    return words
