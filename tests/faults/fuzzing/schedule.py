"""Which case has which number: kinds in turn, and the ways of each kind in turn."""

from __future__ import annotations

from random import Random

from faults.fuzzing.case import Case
from faults.fuzzing.corpus import Corpus
from faults.fuzzing.kinds import artifacts, checkpoints, options, problems, recipes

KINDS = (recipes, problems, checkpoints, options, artifacts)


def drawn(seed: int, number: int, corpus: Corpus) -> Case:
    """The case of a number: the same for the same seed, whatever was drawn before."""
    turn, kind = divmod(number, len(KINDS))
    ways = KINDS[kind].WAYS
    return ways[turn % len(ways)](Random(f"fuzz {seed} {number}"), corpus)
