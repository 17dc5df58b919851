"""The stages in order: this tuple is the architecture; command line, Make targets and folders follow from it."""

from pipeline.stage import Stage
from pipeline.stages.bootstrap import BOOTSTRAP
from pipeline.stages.curate import CURATE
from pipeline.stages.encode import ENCODE
from pipeline.stages.evaluate import EVALUATE
from pipeline.stages.generate import GENERATE
from pipeline.stages.report import REPORT
from pipeline.stages.train import TRAIN

STAGES: tuple[Stage, ...] = (GENERATE, CURATE, ENCODE, TRAIN, BOOTSTRAP, EVALUATE, REPORT)
