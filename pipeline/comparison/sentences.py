"""What a comparison's intervals say, in a sentence each and no more than that."""

from __future__ import annotations

from pipeline.comparison.pair import Pair, Success
from pipeline.intervals import Estimate

DOES = {"optimal": "answers {} of the problems optimally", "solved": "solves {} of the problems"}
ALIKE = {"optimal": "answer equally many problems optimally", "solved": "solve equally many problems"}


def sentences(pair: Pair, success: Success) -> list[str]:
    """One about successes, one about trace lengths where there are any."""
    found = next((each.difference for each in pair.lines if each.metric == success), None)
    said = [] if found is None else [_points(found, success, pair.samples)]
    if pair.lengths is not None:
        said.append(_lengths(pair.lengths[2]))
    return said


def _points(found: Estimate, success: Success, samples: int) -> str:
    value, low, high = found["value"], found["low"], found["high"]
    assert value is not None
    leader, points = ("B", 100 * value) if value >= 0 else ("A", -100 * value)
    told = f"{leader} {DOES[success].format(f'{points:.1f} points more')}"
    if not round(points, 1):
        told = f"A and B {ALIKE[success]}"
    if samples > 1:
        told = f"{told}, as the mean of {samples} samples"
    if low is None or high is None:
        return f"{told}; one group of problems has no interval."
    ends = sorted((100 * low, 100 * high) if value >= 0 else (-100 * low, -100 * high))
    between = f"95 % {ends[0]:.1f} to {ends[1]:.1f}"
    if ends[0] <= 0 <= ends[1]:
        return f"{told} ({between}): the interval holds 0."
    return f"{told} ({between})."


def _lengths(found: Estimate) -> str:
    value, low, high = found["value"], found["low"], found["high"]
    assert value is not None
    told = f"Where both are optimal, B's traces have {value:.3f} times the words of A's"
    if low is None or high is None:
        return f"{told}; one group of problems has no interval."
    between = f"95 % {low:.3f} to {high:.3f}"
    return f"{told} ({between}): the interval holds 1." if low <= 1 <= high else f"{told} ({between})."
