"""Everything on one page."""

from pipeline.stage import Need, Stage
from pipeline.stages import evaluate


def show(job):
    pass


REPORT = Stage(
    name="report",
    version=1,
    about="one self-contained HTML page",
    needs=lambda r: tuple(Need(evaluate.EVALUATE, v) for v in r.expanded().values()),
    settings=lambda r: {"name": r.name},
    run=lambda job: {"summary": "-"},
)
