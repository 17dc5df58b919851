"""What is to be drawn from a model, and what was drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from trainers.config import BadSettings

Progress = Callable[[int], None]
Response = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Raw ids, which may end in the end of sequence, and their log-probabilities."""


@dataclass(frozen=True)
class Jobs:
    """`samples` responses to every prompt; keys and limits hold one number a prompt."""

    prompts: list[NDArray[np.integer]]
    keys: NDArray[np.uint64]
    limits: list[int]
    """The longest response, its end included."""
    samples: int
    seed: int

    @property
    def total(self) -> int:
        """Responses in all."""
        return len(self.prompts) * self.samples

    @property
    def longest_need(self) -> int:
        """The most tokens that one response, with its prompt, may come to hold in the cache."""
        return max(len(prompt) + limit for prompt, limit in zip(self.prompts, self.limits, strict=True))


class Queue:
    """(prompt, sample) in order, handed out once each to any number of threads."""

    def __init__(self, prompts: int, samples: int) -> None:
        """Nothing taken yet."""
        self.taken, self.total, self.samples = 0, prompts * samples, samples
        self.lock = Lock()

    def __len__(self) -> int:
        """Jobs that wait."""
        return self.total - self.taken

    @property
    def prompt(self) -> int:
        """The prompt whose turn is next."""
        return self.taken // self.samples

    def close(self) -> None:
        """Hand out nothing more."""
        with self.lock:
            self.taken = self.total

    def take(self, most: int) -> list[tuple[int, int]]:
        """The next jobs, up to `most`."""
        with self.lock:
            first = self.taken
            self.taken = min(self.total, first + most)
            return [divmod(number, self.samples) for number in range(first, self.taken)]


@dataclass(frozen=True)
class Rollouts:
    """Responses ordered by (prompt, sample); row i of every field belongs to response i."""

    prompt: NDArray[np.int64]
    sample: NDArray[np.int64]
    ids: list[NDArray[np.int64]]
    """Without the end of sequence."""
    ended: NDArray[np.bool_]
    """False where the response was cut at the longest length."""
    logprobs: list[NDArray[np.float32]]
    """One for each id, and one more for the end where it was drawn; the model's own, at temperature 1."""

    def __len__(self) -> int:
        """Responses."""
        return len(self.ids)

    @classmethod
    def collect(cls, samples: int, found: list[Response], eos: int) -> Rollouts:
        """From all responses in order."""
        numbers = np.arange(len(found), dtype=np.int64)
        ended = np.array([len(ids) > 0 and ids[-1] == eos for ids, _ in found], dtype=np.bool_)
        bare = [ids[:-1] if over else ids for (ids, _), over in zip(found, ended, strict=True)]
        return cls(numbers // samples, numbers % samples, bare, ended, [logprobs for _, logprobs in found])


def response_limits(prompts: list[NDArray[np.integer]], max_new_tokens: int, context: int) -> list[int]:
    """The longest response of every prompt; BadSettings where a prompt is empty or leaves no room."""
    for row, prompt in enumerate(prompts):
        if not 0 < len(prompt) < context:
            raise BadSettings(
                f"prompt {row} has {len(prompt)} tokens; a context of {context} takes 1 to {context - 1}"
            )
    return [min(max_new_tokens or context, context - len(prompt)) for prompt in prompts]
