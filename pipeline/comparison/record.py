"""A comparison as plain data: what `--json` writes."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.comparison.pair import SUCCESSES, Agreement, Line, Pair, Success
from pipeline.comparison.side import Side
from pipeline.files import Json


def record(pair: Pair, success: Success, remarks: Sequence[str], said: Sequence[str]) -> Json:
    """Every number of a comparison and every problem on which one side alone has a success."""
    only_a, only_b = pair.alone(success)
    lengths = pair.lengths
    return {
        "a": _side(pair.first),
        "b": _side(pair.second),
        "rule": pair.first.rule,
        "samples": pair.samples,
        "success": success,
        "shared_problems": len(pair.shared),
        "clusters": pair.shared["split_key"].n_unique(),
        "metrics": [_line(each) for each in pair.lines],
        "trace_words_both_optimal": None
        if lengths is None
        else dict(zip(("a", "b", "ratio"), lengths, strict=True)),
        "agreement": {each: _agreement(pair.agreement(each)) for each in SUCCESSES},
        "only_a": only_a.to_dicts(),
        "only_b": only_b.to_dicts(),
        "remarks": list(remarks),
        "said": list(said),
    }


def _side(side: Side) -> Json:
    return {
        "folder": str(side.folder),
        "recipe": side.recipe,
        "domain": side.domain.name,
        "checkpoint": side.label,
        "notation": side.notation,
        "problems": side.answers["problem_id"].n_unique(),
    }


def _line(line: Line) -> Json:
    return {
        "metric": line.metric,
        "note": line.note,
        "own": line.own,
        "a": line.first,
        "b": line.second,
        "difference": line.difference,
    }


def _agreement(found: Agreement) -> Json:
    return {
        "both": found.both,
        "only_a": found.first,
        "only_b": found.second,
        "neither": found.neither,
        "mcnemar_p": found.p,
    }
