"""The slot engine: prompts are prefilled once, slots decode together and are refilled as responses end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from itertools import groupby

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from trainers.cache import Cache, Geometry, RaggedCache, WindowCache
from trainers.config import Sampling
from trainers.decoding import Decoder, prefill
from trainers.drawing import allowed, drawer
from trainers.randomness import uniforms
from trainers.responses import Jobs, Queue, Response
from trainers.slots import Graphs, Slots
from trainers.tokens import Tokens

BLOCK = 32
"""Rows of one step on a CPU: every matrix product there has this many, however many slots are live."""
GPU_SLOTS, FIXED_GPU_SLOTS = 1024, 256
CPU_CACHE_BYTES, GPU_CACHE_SHARE = 2**30, 0.6
PREFILL_TOKENS = 16_384
GPU_STRIDE = 8
"""Steps between looks at which responses have ended: a look makes the GPU wait."""
WINDOW_STEP = 64


@dataclass(frozen=True)
class Shapes:
    """The sizes of the slot engine."""

    slots: int
    """Responses under way at once."""
    rows: int
    """Rows of the cache, whole blocks."""
    block: int
    """Rows that one step takes at a time; 0 takes all rows in use."""
    window: int
    """Cached tokens a slot."""
    fixed: bool
    """No shape may depend on what is under way."""

    @classmethod
    def choose(cls, geometry: Geometry, sampling: Sampling, jobs: Jobs, ragged: bool, workers: int) -> Shapes:
        """Admission by token budget: every slot reserves its prompt and the longest response."""
        cpu = geometry.device.type == "cpu"
        fixed = cpu if sampling.deterministic is None else sampling.deterministic
        rigid = fixed and not ragged
        window = geometry.context if rigid else jobs.longest_need
        slots = sampling.slots or (BLOCK * workers if cpu else FIXED_GPU_SLOTS if fixed else GPU_SLOTS)
        budget = sampling.token_budget or cache_bytes(geometry.device) // geometry.token_bytes()
        slots = min(slots, budget // window, slots if rigid else jobs.total)
        slots = max(1, slots // workers)
        rows = -(-slots // BLOCK) * BLOCK
        return cls(slots, rows, BLOCK if cpu else 0, -(-window // WINDOW_STEP) * WINDOW_STEP, rigid)


def cache_bytes(device: torch.device) -> int:
    """Memory that keys and values may take."""
    if device.type != "cuda":
        return CPU_CACHE_BYTES
    return int(torch.cuda.mem_get_info(device)[0] * GPU_CACHE_SHARE)


def has_ragged(device: torch.device) -> bool:
    """The compiled attention needs a CPU and numba."""
    return device.type == "cpu" and find_spec("numba") is not None


class Engine:
    """Slots, their cache and the queue that they are filled from; several engines may share a queue."""

    def __init__(
        self,
        model: PreTrainedModel,
        jobs: Jobs,
        queue: Queue,
        sampling: Sampling,
        tokens: Tokens,
        *,
        ragged: bool,
        workers: int = 1,
    ) -> None:
        """Reserve the cache, of which each of `workers` engines takes its share."""
        cuda = model.device.type == "cuda"
        dtype = torch.bfloat16 if cuda else torch.float32
        geometry = Geometry(model, dtype)
        self.model, self.jobs, self.queue, self.eos = model, jobs, queue, tokens.eos
        self.shapes = Shapes.choose(geometry, sampling, jobs, ragged, workers)
        self.single_prefill = self.shapes.fixed or ragged
        self.decoder = Decoder(model, dtype)
        cache_type = RaggedCache if ragged else WindowCache
        self.cache: Cache = cache_type(geometry, self.shapes.rows, self.shapes.window)
        self.slots = Slots(self.shapes.rows, max(jobs.limits), model.device)
        self.draw = drawer(sampling, allowed(tokens, model.device))
        self.graphs = Graphs(self.slots) if cuda else None
        self.stride = GPU_STRIDE if cuda else 1
        self.prefilled: dict[int, Tensor | None] = {}
        self.owner = np.full(self.shapes.rows, -1)
        """The response that a slot draws, or -1."""
        self.depth = np.zeros(self.shapes.rows, dtype=np.int64)
        """An upper bound of a slot's position, known without asking the device."""
        self.rows = self.shapes.rows

    def run(self, deliver: Callable[[int, Response], None]) -> None:
        """Until the queue is empty and every response has ended; each is delivered with its number."""
        while True:
            self._admit()
            if not (self.owner >= 0).any():
                return
            self._compact()
            self._advance()
            self._collect(deliver)

    def _admit(self) -> None:
        idle = np.flatnonzero(self.owner[: self.shapes.slots] < 0)
        taken = list(zip(self.queue.take(len(idle)), idle.tolist(), strict=False))
        groups = {prompt: list(group) for prompt, group in groupby(taken, key=lambda job: job[0][0])}
        self._prefill([prompt for prompt in groups if prompt not in self.prefilled])
        for prompt, group in groups.items():
            self._start(prompt, [number for (_, number), _ in group], [row for _, row in group])
        if groups:
            self.prefilled = {row: kept for row, kept in self.prefilled.items() if row >= self.queue.prompt}

    def _start(self, prompt: int, numbers: list[int], rows: list[int]) -> None:
        jobs, device = self.jobs, self.model.device
        index = torch.tensor(rows, device=device)
        kept = self.prefilled[prompt]
        if kept is not None:
            self.cache.write(index, kept)
        ids, limit = jobs.prompts[prompt], jobs.limits[prompt]
        drawn = uniforms(jobs.seed, int(jobs.keys[prompt]), numbers, limit, device)
        self.slots.start(index, int(ids[-1]), len(ids) - 1, limit, drawn)
        self.owner[rows] = prompt * jobs.samples + np.array(numbers)
        self.depth[rows] = len(ids)

    def _prefill(self, prompts: list[int]) -> None:
        # The last token is left to the first step, so that a prompt of one token needs no prefill.
        bodies = {row: torch.as_tensor(self.jobs.prompts[row][:-1].astype(np.int64)) for row in prompts}
        self.prefilled.update({row: None for row, body in bodies.items() if not len(body)})
        batch: list[int] = []
        held = 0
        for row in [row for row, body in bodies.items() if len(body)]:
            if batch and (self.single_prefill or held + len(bodies[row]) > PREFILL_TOKENS):
                self._prefill_batch(batch, bodies)
                batch, held = [], 0
            batch.append(row)
            held += len(bodies[row])
        self._prefill_batch(batch, bodies)

    def _prefill_batch(self, batch: list[int], bodies: dict[int, Tensor]) -> None:
        if batch:
            found = prefill(self.model, [bodies[row] for row in batch])
            self.prefilled.update(zip(batch, found, strict=True))

    def _compact(self) -> None:
        """Once nothing waits, gather the live slots in fewer blocks (GPU: in half the rows: few shapes)."""
        if self.queue or self.shapes.fixed:
            return
        live = np.flatnonzero(self.owner >= 0)
        rows = self.rows
        if self.shapes.block:
            rows = -(-len(live) // self.shapes.block) * self.shapes.block
        else:
            while len(live) <= rows // 2 and rows // 2 >= BLOCK:
                rows //= 2
        source = live[live >= rows]
        if len(source):
            target = np.flatnonzero(self.owner[:rows] < 0)[: len(source)]
            device = self.model.device
            origin, goal = torch.as_tensor(source, device=device), torch.as_tensor(target, device=device)
            self.cache.move(origin, goal)
            self.slots.move(origin, goal)
            self.owner[target], self.depth[target] = self.owner[source], self.depth[source]
            self.owner[source] = -1
        self.rows = rows

    def _advance(self) -> None:
        live = self.owner >= 0
        deepest = int(self.depth[live].max()) + self.stride
        window = -(-deepest // WINDOW_STEP) * WINDOW_STEP
        window = self.shapes.window if self.shapes.fixed else min(window, self.shapes.window)
        block = self.shapes.block or self.rows
        blocks = [first for first in range(0, self.rows, block) if live[first : first + block].any()]
        # A method kept in the engine would be a circle, and the cache would wait for the garbage collector.
        step = self._step if self.graphs is None else partial(self.graphs, self._step)
        for _ in range(self.stride):
            for first in blocks:
                step(first, first + block, window)
        self.depth += self.stride

    def _step(self, first: int, last: int, window: int) -> None:
        rows, slots = slice(first, last), self.slots
        logits = self.decoder.logits(slots.token[rows], slots.position[rows], self.cache, first, window)
        slots.advance(first, last, logits, self.draw, self.eos)

    def _collect(self, deliver: Callable[[int, Response], None]) -> None:
        alive = self.slots.alive.cpu().numpy()
        rows = np.flatnonzero((self.owner >= 0) & ~alive)
        if not len(rows):
            return
        index = torch.as_tensor(rows, device=self.model.device)
        slots = (self.slots.count, self.slots.ids, self.slots.logprobs)
        lengths, ids, logprobs = (tensor[index].cpu().numpy() for tensor in slots)
        for place, length in enumerate(lengths):
            response = (ids[place, :length].copy(), logprobs[place, :length].copy())
            deliver(int(self.owner[rows[place]]), response)
        self.owner[rows] = -1
