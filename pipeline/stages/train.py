"""Packed batches through Lightning: one checkpoint at the best validation loss, one at the end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pipeline.artifact import Artifact
from pipeline.console import LOG, Work, following
from pipeline.crew import crew_of, size_of
from pipeline.errors import Damaged, Refusal
from pipeline.files import Json, digest, file_hash
from pipeline.recipe import Recipe
from pipeline.seeds import named_seed
from pipeline.stage import Job, Need, Stage
from pipeline.stages import encode
from trainers.config import Fit, Model, refuse_few_rows

UNSEEN = ("loggers", "log_every", "save_every", "devices", "nodes")
"""Settings that do not change a weight; of devices, as of machines, none but by rounding."""


def settings(recipe: Recipe) -> Json:
    """The model and the run, with a starting checkpoint named by its content."""
    return {"model": asdict(recipe.model), "fit": fit_settings(recipe.fit), "seed": recipe.seed}


def fit_settings(fit: Fit) -> Json:
    """What of a training run decides its weights; BadSettings where its devices cannot all have a part."""
    refuse_few_rows(fit, size_of(fit))
    kept = {name: value for name, value in asdict(fit).items() if name not in UNSEEN}
    if fit.start:
        kept["start"] = _start_identity(Path(fit.start), fit.start_with)
    return kept


def _start_identity(folder: Path, taken: str) -> str:
    """The hash of a starting checkpoint's weights, and of its state where that is taken too.

    Hashed here, file by file, because the trainers' own hash would import torch to find a stage finished.
    """
    weights = [folder / "config.json", *sorted(folder.glob("*.safetensors"))]
    paths = [*weights, folder / "state.ckpt"] if taken == "everything" else weights
    if len(weights) < 2 or not all(path.is_file() for path in paths):
        raise Refusal(f"fit.start: {folder} is no checkpoint to take {taken} from")
    return digest([file_hash(path) for path in paths])


def run(job: Job) -> Json:
    """Train; an interrupted run goes on with the batch after its last saved state."""
    source = job.input("encode").artifact
    encode.require_context(job.recipe, source.manifest)
    job.artifact.resume("last/state.ckpt")
    with steps("train", job.artifact.folder, job.recipe.fit):
        done = fitted(job.artifact, source, job.recipe.model, seeded(job.recipe.fit, job.recipe.seed))
    for folder in ("best", "last", *(path.name for path in job.artifact.folder.glob("step-*"))):
        if not (job.artifact.folder / folder / "config.json").is_file():
            raise Damaged(
                f"{job.artifact.folder / folder} is gone: delete {job.artifact.folder} and train again"
            )
        job.artifact.adopt_folder(folder)
    return {"training": done, "summary": summary(done)}


def fitted(artifact: Artifact, source: Artifact, model: Model, fit: Fit) -> Json:
    """Train in an artifact's folder on encoded data, on all the devices that the settings ask for."""
    run = Fitting(source.folder, artifact.folder, model, fit)
    crew = crew_of(fit)
    if crew is None:
        return run(artifact.save)
    return crew.together(artifact, run, lambda: run(artifact.save))


@dataclass(frozen=True)
class Fitting:
    """A training run as each of its processes finds it: the data on its own node, fetched where it lacks."""

    source: Path
    out: Path
    model: Model
    fit: Fit

    def __call__(self, saved: Callable[[], None] | None = None) -> Json:
        """Train, or go on."""
        from trainers.fit import fit

        ids = Artifact(self.source).verified_folder(encode.IDS)
        bar = LOG.is_terminal
        return fit(ids=ids, out=self.out, model=self.model, fit=self.fit, progress=bar, saved=saved)


def steps(title: str, folder: Path, fit: Fit) -> AbstractContextManager[Work]:
    """A training run under way, for others to follow by what it logs."""
    return following(title, fit.steps, lambda: logged(folder), logged(folder) or 0)


def logged(folder: Path) -> int | None:
    """The last step in a run's log; None where there is none yet."""
    try:
        with (folder / "logs" / "metrics.csv").open("rb") as log:
            log.seek(max(log.seek(0, 2) - 2000, 0))
            lines = log.read().decode().splitlines()
    except OSError:
        return None
    numbers = [line.partition(",")[0] for line in lines[1:]]  # the first one is the head, or cut in two
    return next((int(number) for number in reversed(numbers) if number.isdigit()), None)


def seeded(fit: Fit, seed: int, *names: str | int) -> Fit:
    """The run with a seed of its own, named after the recipe's seed and what it is for."""
    return replace(fit, seed=named_seed(seed, "fit", fit.seed, *names) % 2**31)


def summary(done: Json) -> str:
    """One line about a training run."""
    loss = done["best_validation_loss"]
    validation = f" validation loss {loss:.4f}," if loss is not None else ""
    return (
        f"{done['parameters']:,} parameters, {done['steps']:,} steps,{validation}"
        f" {done['tokens_per_second']:,.0f} tokens/s"
    )


TRAIN = Stage(
    name="train",
    version=1,
    about="fit a transformer on packed batches with Lightning",
    needs=lambda recipe: (Need(encode.ENCODE, recipe),),
    settings=settings,
    run=run,
    size=lambda job: job.recipe.fit.steps,
)
