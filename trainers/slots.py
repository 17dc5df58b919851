"""The state of the responses under way, one row a slot, and the step that advances them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from trainers.drawing import Draw

Step = Callable[[int, int, int], None]


class Slots:
    """Row r of each tensor is slot r; N is the longest response."""

    def __init__(self, slots: int, longest: int, device: torch.device) -> None:
        """All slots idle."""
        self.token = torch.zeros(slots, dtype=torch.int64, device=device)
        self.position = torch.full((slots,), -1, dtype=torch.int64, device=device)
        self.count = torch.zeros(slots, dtype=torch.int64, device=device)
        self.limit = torch.zeros(slots, dtype=torch.int64, device=device)
        self.alive = torch.zeros(slots, dtype=torch.bool, device=device)
        # One column more than the longest response takes what is drawn for rows that have ended.
        self.uniform = torch.zeros(slots, longest + 1, dtype=torch.float64, device=device)
        self.ids = torch.zeros(slots, longest + 1, dtype=torch.int64, device=device)
        self.logprobs = torch.zeros(slots, longest + 1, device=device)

    def start(self, rows: Tensor, token: int, position: int, limit: int, uniforms: Tensor) -> None:
        """Begin responses with the last token of their prompt, which no cache holds yet."""
        self.token[rows], self.position[rows], self.limit[rows] = token, position, limit
        self.count[rows], self.alive[rows] = 0, True
        self.uniform[rows, : uniforms.shape[1]] = uniforms

    def move(self, source: Tensor, target: Tensor) -> None:
        """Copy slots onto others; the sources fall idle."""
        for tensor in vars(self).values():
            tensor[target] = tensor[source]
        self.alive[source], self.position[source] = False, -1

    def advance(self, first: int, last: int, logits_RV: Tensor, draw: Draw, eos: int) -> None:
        """Draw a token for the rows from `first` to `last`, in place and without a look at the values."""
        rows = slice(first, last)
        count, alive = self.count[rows], self.alive[rows]
        column = count[:, None]
        choice, logprob = draw(logits_RV, self.uniform[rows].gather(1, column)[:, 0])
        self.ids[rows].scatter_(1, column, choice[:, None])
        self.logprobs[rows].scatter_(1, column, logprob[:, None])
        self.token[rows].copy_(choice)
        count += alive
        alive &= (choice != eos) & (count < self.limit[rows])
        self.position[rows].copy_(torch.where(alive, self.position[rows] + 1, -1))


class Graphs:
    """A step as CUDA graphs, one for each shape: launching small kernels costs more than running them."""

    def __init__(self, slots: Slots) -> None:
        """Nothing is captured before its first use."""
        self.slots = slots
        self.captured: dict[tuple[int, int, int], torch.cuda.CUDAGraph] = {}

    def __call__(self, step: Step, first: int, last: int, window: int) -> None:
        """Run the step, always the same one, on this shape."""
        shape = (first, last, window)
        if shape not in self.captured:
            self.captured[shape] = self._capture(step, shape)
        self.captured[shape].replay()

    def _capture(self, step: Step, shape: tuple[int, int, int]) -> torch.cuda.CUDAGraph:
        # Warming up runs the step, so the state is put back; what it wrote beyond the state is written again.
        kept = {name: tensor.clone() for name, tensor in vars(self.slots).items()}
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            step(*shape)
        torch.cuda.current_stream().wait_stream(stream)
        for name, tensor in kept.items():
            getattr(self.slots, name).copy_(tensor)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step(*shape)
        return graph
