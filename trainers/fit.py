"""Training from encoded data to checkpoints: the Trainer, assembled in one screen."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import lightning.pytorch as lightning
import torch
from lightning.pytorch.strategies import DDPStrategy
from transformers import PreTrainedModel

from trainers import checkpoint, start
from trainers.attention import attention_path
from trainers.batches import Packer
from trainers.bundler import bundler
from trainers.bundles import Bundles
from trainers.checkpoints import STATE, Checkpoints
from trainers.config import BadSettings, Fit, Model
from trainers.device import compile_layers, own, precision
from trainers.documents import Documents
from trainers.learner import Learner
from trainers.loggers import loggers
from trainers.meter import Meter, mfu
from trainers.model import load
from trainers.place import Place
from trainers.progress import ProgressBar
from trainers.ranks import Environment, FirstReads, agreed, here, refuse_other_size, told
from trainers.run import Run
from trainers.scorer import TOGETHER
from trainers.targets import refuse_impossible
from trainers.tokens import Tokens
from trainers.validation import Validation


def fit(
    *,
    ids: Path,
    out: Path,
    model: Model,
    fit: Fit,
    resume: bool = True,
    progress: bool = True,
    saved: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """Train on the encoded data in `ids` and return a summary that is valid JSON.

    `out/best` and `out/last` are checkpoints (Hugging Face folders); from `out/last/state.ckpt` a killed run
    goes on when the same call is made again; `out/logs` holds the figures. `saved` is called after every
    state that was saved. A finished run returns its summary at once. Where this process has joined others
    (`ranks.py`) each of them makes the same call, on data of its own; the first one alone looks at `out` and
    `fit.start`. Raises BadSettings where settings, data, checkpoint and processes do not go together, in
    every process; OSError where a checkpoint cannot be written.
    """
    documents = agreed(lambda: admitted(ids, model, fit))
    run = Run.of(out, model, fit, len(documents), int(documents.lengths.sum()))
    first = here().rank == 0
    finished = told(agreed(lambda: opened(run, resume) if first else None))
    if finished is not None:
        return finished
    with quiet():
        summary = train(run, documents, ids, model, fit, progress and first, saved if first else None)
    if first:
        run.finish(summary)
    return summary


def admitted(ids: Path, model: Model, fit: Fit) -> Documents:
    """The documents to train on, if the processes that have joined are those that the settings name."""
    refuse_other_size(fit, here())
    return read(ids, "train", fit.rows, model, fit)


def opened(run: Run, resume: bool) -> dict[str, Any] | None:
    """The summary of a finished run, or its folder ready to be written to."""
    if not resume:
        run.clear()
    run.begin()
    return run.summary()


def train(
    run: Run,
    documents: Documents,
    ids: Path,
    model: Model,
    fit: Fit,
    progress: bool,
    saved: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """Begin or go on, train to the end, and sum up."""
    lightning.seed_everything(fit.seed, workers=True, verbose=False)
    tokens = Tokens.read(ids)
    place = here()
    begun = told(agreed(lambda: begin(run, ids, tokens, model, fit) if place.rank == 0 else None))
    assert begun is not None  # it comes from the first process
    parts = agreed(lambda: assembled(run, documents, ids, tokens, model, fit, begun, progress, saved))
    trained(parts.trainer, parts.learner, begun.state)
    return summed(parts, place, fit) if place.rank == 0 else {}


class Begun(NamedTuple):
    """What a run goes on from, or starts from."""

    network: PreTrainedModel
    moments: dict[str, Any] | None
    """Of another run's optimizer, to be adopted."""
    state: Path | None
    """The run's own, to be restored."""
    step: int


def begin(run: Run, ids: Path, tokens: Tokens, model: Model, fit: Fit) -> Begun:
    """Find the run's last state, or what the settings let it start from."""
    refuse_other_values(tokens, model, fit)
    checkpoint.settle(run.out / "last")
    state = run.out / "last" / STATE
    if state.is_file():
        return Begun(load(state.parent), None, state, int(start.read_state(state)["global_step"]))
    return Begun(start.network(ids, tokens, model, fit), start.moments(fit), None, 0)


class Parts(NamedTuple):
    """A run, put together."""

    trainer: lightning.Trainer
    learner: Learner
    meter: Meter
    validation: Validation | None
    checkpoints: Checkpoints
    compiled: bool


def assembled(
    run: Run,
    documents: Documents,
    ids: Path,
    tokens: Tokens,
    model: Model,
    fit: Fit,
    begun: Begun,
    progress: bool,
    saved: Callable[[], None] | None,
) -> Parts:
    """Put model, callbacks and Trainer together."""
    network, place = begun.network, here()
    if fit.values.together or hasattr(network.config, TOGETHER):
        setattr(network.config, TOGETHER, fit.values.together)
    compiled = compile_layers(network, fit)
    drawn = Bundles.drawn(documents, fit.values.together, fit.seed) if fit.values.together else None
    learner = Learner(network, tokens, fit, packer(documents, drawn, model, fit), begun.moments)

    meter = Meter(fit.log_every)
    validation = validate(ids, model, fit, meter)
    every = fit.save_every or max(1, fit.steps // 20)
    checkpoints = Checkpoints(run.out, ids, every, fit.log_spaced, meter, validation, saved)
    callbacks = [meter, validation, checkpoints, ProgressBar(meter, validation) if progress else None]
    logs = run.out / "logs"
    trainer = lightning.Trainer(
        max_steps=fit.steps,
        max_epochs=-1,
        accumulate_grad_batches=learner.batches.share,
        gradient_clip_val=fit.clip or None,
        precision=precision(fit),
        accelerator=own().type,
        devices=place.local_size,
        num_nodes=place.nodes,
        strategy=DDPStrategy(parallel_devices=[own()] * place.local_size) if place.size > 1 else "auto",
        plugins=[Environment(place), FirstReads()],
        callbacks=[callback for callback in callbacks if callback is not None],
        logger=loggers(fit.loggers, logs, run.out.name, begun.step) if place.rank == 0 else [],
        default_root_dir=logs,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    return Parts(trainer, learner, meter, validation, checkpoints, compiled)


def trained(trainer: lightning.Trainer, learner: Learner, state: Path | None) -> None:
    """Train to the end; Ctrl-C stays what it is, where Lightning would end the process in silence."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        trainer.fit(learner, ckpt_path=state, weights_only=True)
    except SystemExit as end:
        if isinstance(end.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler)


def summed(parts: Parts, place: Place, fit: Fit) -> dict[str, Any]:
    """What there is to say of a run that is over."""
    trainer, learner, meter, validation, checkpoints, compiled = parts
    device = trainer.strategy.root_device
    dtype = torch.bfloat16 if trainer.precision == "bf16-mixed" else torch.float32
    work = meter.steady if meter.steady.seconds else meter.total
    return {
        "steps": trainer.global_step,
        "parameters": checkpoint.parameters(learner.model),
        "train_loss": meter.latest["train_loss"],
        "validation_loss": validation.loss if validation else None,
        "best_validation_loss": checkpoints.best,
        "best_step": checkpoints.best_step,
        "epochs": meter.latest["epoch"],
        "tokens": meter.total.tokens,
        "predicted": meter.total.predicted,
        "real_share": meter.total.tokens / (meter.total.rows * fit.batch_tokens),
        "tokens_per_second": work.tokens / work.seconds,
        "mfu": mfu(trainer, learner.model, work),
        "seconds": meter.total.seconds,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "devices": place.size,
        "nodes": place.nodes,
        "precision": str(trainer.precision),
        "attention": attention_path(device, dtype),
        "compiled": compiled,
    }


def read(ids: Path, split: str, rows: int | None, model: Model, fit: Fit) -> Documents:
    """The documents of a split, all of which fit the model and a packed row."""
    documents = Documents.open(ids, split, rows)
    if not len(documents):
        raise BadSettings(f"the split {split} of {ids} has no rows to train on")
    documents.refuse_longer_than(model.context, "model.context")
    documents.refuse_longer_than(fit.batch_tokens, "fit.batch_tokens")
    if documents.values is not None:
        refuse_impossible(documents.values, Tokens.read(ids).value_outer)
    return documents


def packer(documents: Documents, bundles: Bundles | None, model: Model, fit: Fit) -> Packer:
    """How rows of these documents, or of bundles of them, become tensors."""
    if bundles is not None:
        fixed = torch.cuda.is_available() or fit.compile == "on"
        return bundler(documents, bundles, fit.batch_tokens, causal=model.causal, fixed=fixed)
    longest = min(model.context, fit.batch_tokens)
    return Packer(
        documents=documents,
        batch_tokens=fit.batch_tokens,
        longest=longest,
        average=fit.average,
        causal=model.causal,
    )


def validate(ids: Path, model: Model, fit: Fit, meter: Meter) -> Validation | None:
    """Validation on the split's first rows and all their candidates, unless none are asked for."""
    if not fit.validation_rows:
        return None
    documents = read(ids, "validation", fit.validation_rows, model, fit)
    listed = Bundles.listed(documents, fit.values.together) if fit.values.together else None
    return Validation(
        packer(documents, listed, model, fit), fit.validate_every or max(1, fit.steps // 10), meter
    )


def refuse_other_values(tokens: Tokens, model: Model, fit: Fit) -> None:
    """BadSettings when the data has other value buckets than asked for, or none where they are needed."""
    if tokens.value_start is None:
        if not model.causal:
            raise BadSettings(
                "model.causal is false, but this notation has responses rather than values:"
                " a model that sees what comes cannot learn to write it"
            )
        if fit.values.together:
            raise BadSettings(f"values.together is {fit.values.together}, but this notation has no values")
        return
    buckets = tokens.value_buckets - 2 * tokens.value_outer
    if buckets != fit.values.buckets:
        raise BadSettings(f"fit.values.buckets is {fit.values.buckets}, the data was encoded with {buckets}")


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what Lightning says about matters that are decided here."""
    names = ("lightning.pytorch", "lightning.fabric")
    levels = {name: logging.getLogger(name).level for name in names}
    with warnings.catch_warnings():
        # Lightning 2.6 looks at torch's trees in a way that newer versions of torch deprecate.
        warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)`", FutureWarning)
        for name in names:
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
