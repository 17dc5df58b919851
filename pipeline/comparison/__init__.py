"""Two finished evaluations side by side: `distill compare A B`."""

from pipeline.comparison.command import compare

__all__ = ["compare"]
