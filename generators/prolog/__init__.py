"""Logic theories, SWI-Prolog as their teacher, and a verifier that replays its searches."""

from generators.prolog.domain import Prolog

__all__ = ["Prolog"]
