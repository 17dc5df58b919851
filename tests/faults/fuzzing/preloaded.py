"""What a worker would import anyway: imported once, before it is forked."""

import trainers.model
import trainers.sampler  # noqa: F401
from pipeline import adhoc, cli, comparison, grid, inspect, solve, status, sweep  # noqa: F401
from pipeline.page import command  # noqa: F401
from pipeline.play import match, serving  # noqa: F401
