"""The stages in order: the command line, the Make targets and the folders follow from this tuple."""

from pipeline.stage import Stage
from pipeline.stages.bootstrap import BOOTSTRAP
from pipeline.stages.curate import CURATE
from pipeline.stages.encode import ENCODE
from pipeline.stages.evaluate import EVALUATE
from pipeline.stages.generate import GENERATE
from pipeline.stages.report import REPORT
from pipeline.stages.train import TRAIN

STAGES: tuple[Stage, ...] = (GENERATE, CURATE, ENCODE, TRAIN, BOOTSTRAP, EVALUATE, REPORT)
