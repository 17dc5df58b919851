"""Batched sampling: many responses to many prompts, reproducible whatever else is under way.

A response is drawn with numbers keyed by (seed, key of its prompt, sample, position). On a CPU all
arithmetic of a response is done by one thread, in blocks of a fixed number of rows and over its own length
alone, so a response depends on (weights, seed, key, sample, prompt) and on nothing else: not on the other
prompts, the order, the slots or the threads; `deterministic` is then true at no cost. On a GPU it buys the
same with fixed shapes, and without it the rounding of logits may differ.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from trainers import oracle
from trainers.attention import is_causal
from trainers.config import BadSettings, Sampling
from trainers.engine import BLOCK, Engine, has_ragged
from trainers.responses import Jobs, Progress, Queue, Response, Rollouts, response_limits
from trainers.tokens import Tokens

__all__ = ["Rollouts", "sample"]

Delivery = tuple[int, Response] | BaseException | None
"""A response with its number, what stopped a worker, or the word that a worker is done."""


def sample(
    model: PreTrainedModel,
    prompts: list[NDArray[np.integer]],
    keys: NDArray[np.uint64],
    samples: int,
    sampling: Sampling,
    tokens: Tokens,
    seed: int,
    progress: Progress | None = None,
) -> Rollouts:
    """Draw `samples` responses for every prompt; ordered by (prompt, sample).

    keys holds one 64-bit number a prompt, on which its random numbers depend. `progress` is told how many
    responses have ended since its last call. Raises BadSettings where a prompt fills the model's context, and
    for a model without a causal mask.
    """
    if not is_causal(model.config):
        raise BadSettings("a model without a causal mask (model.causal: false) cannot write, only score")
    limits = response_limits(prompts, sampling.max_new_tokens, int(model.config.max_position_embeddings))
    jobs = Jobs(prompts, keys, limits, samples, seed)
    if not jobs.total:
        return Rollouts.collect(1, [], tokens.eos)
    report = progress if progress is not None else lambda _: None
    training = model.training
    model.train(False)
    try:
        if sampling.sampler == "hf":
            return oracle.generate(model, jobs, sampling, tokens, report)
        return by_slots(model, jobs, sampling, tokens, report)
    finally:
        model.train(training)


def by_slots(
    model: PreTrainedModel, jobs: Jobs, sampling: Sampling, tokens: Tokens, progress: Progress
) -> Rollouts:
    """Fill the slots from one queue: on a CPU an engine a thread, elsewhere one engine."""
    queue = Queue(len(jobs.prompts), jobs.samples)
    found: list[Response | None] = [None] * jobs.total
    ragged = has_ragged(model.device)

    def keep(number: int, response: Response) -> None:
        found[number] = response
        progress(1)

    if model.device.type == "cpu":
        wanted = min(sampling.slots or jobs.total, jobs.total)
        workers = max(1, min(torch.get_num_threads(), -(-wanted // BLOCK)))

        def work(deliver: Callable[[int, Response], None]) -> None:
            engine = Engine(model, jobs, queue, sampling, tokens, ragged=ragged, workers=workers)
            engine.run(deliver)

        try:
            single_threaded(work, workers, keep)
        finally:
            queue.close()  # where the caller was stopped, workers must not begin more
    else:
        with torch.inference_mode():
            Engine(model, jobs, queue, sampling, tokens, ragged=False).run(keep)
    return Rollouts.collect(
        jobs.samples, [response for response in found if response is not None], tokens.eos
    )


def single_threaded(
    work: Callable[[Callable[[int, Response], None]], None],
    workers: int,
    keep: Callable[[int, Response], None],
) -> None:
    """Run `work` in several threads, torch's own threads switched off; `keep` runs in the caller's.

    The products of a step are too small to share: two threads on one gain little when the machine is idle and
    lose tenfold when it is busy, and the bits of a product would depend on their number.
    """
    deliveries: SimpleQueue[Delivery] = SimpleQueue()

    def run() -> None:
        torch.set_num_threads(1)
        try:
            with torch.inference_mode():
                work(lambda number, response: deliveries.put((number, response)))
        except BaseException as fault:
            deliveries.put(fault)
        else:
            deliveries.put(None)

    before = torch.get_num_threads()
    threads = [Thread(target=run, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        running = workers
        while running:
            delivery = deliveries.get()
            if isinstance(delivery, BaseException):
                raise delivery
            if delivery is None:
                running -= 1
            else:
                keep(*delivery)
    finally:
        # The number is kept for threads to come, though each thread has its own.
        torch.set_num_threads(before)
