"""The contract of a domain as checks: ours and those of installed packages are held to the same ones."""

from pipeline.conformance.checks import CHECKS
from pipeline.conformance.subject import Breach, Inapplicable, Subject

__all__ = ["CHECKS", "Breach", "Inapplicable", "Subject"]
