"""The settings of a model, its training and its sampling; imports nothing heavy, so a recipe is read fast."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


class BadSettings(ValueError):
    """Settings that contradict each other or what they are applied to; the message names both values."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A depth, and the size that decides the width."""

    parameters: int
    """Of the whole model, embeddings for the vocabulary at hand included; met within 5 %, mostly 1 %."""
    layers: int

    def __post_init__(self) -> None:
        if min(self.parameters, self.layers) < 1:
            given = f"{self.parameters} and {self.layers}"
            raise BadSettings(f"model.shape needs parameters and layers of at least 1, got {given}")


@dataclass(frozen=True, kw_only=True)
class Model:
    """A decoder of the Llama family, built from numbers alone."""

    family: Literal["llama", "qwen3"] = "llama"
    """`qwen3` adds a norm of queries and keys, which helps at high learning rates."""
    layers: int = 4
    width: int = 128
    heads: int = 4
    kv_heads: int = 1
    feedforward: int = 0
    """Hidden width of the SwiGLU block; 0 takes 8/3 of the width, rounded up to a multiple of 64."""
    context: int = 512
    """The longest prompt and response together, in tokens; longer rows are refused, never cropped."""
    rope_base: float = 10_000.0
    tied: bool = True
    """Input and output embeddings share their weights."""
    causal: bool = True
    """False: all tokens of a document see each other (notations with values only; nothing can be sampled)."""
    shape: Shape | None = None
    """Layers and a number of parameters instead of `layers` and `width`: to compare depths of one size."""

    def __post_init__(self) -> None:
        if min(self.layers, self.width, self.heads, self.kv_heads, self.context) < 1:
            raise BadSettings("model.layers, width, heads, kv_heads and context must be at least 1")
        if self.shape is not None:
            self._refuse_two_shapes(self.shape)
        elif self.width % self.heads:
            raise BadSettings(f"model.width {self.width} is not a multiple of model.heads {self.heads}")
        elif self.width // self.heads % 2:
            raise BadSettings(f"model.width / model.heads must be even, got {self.width // self.heads}")
        if self.heads % self.kv_heads:
            raise BadSettings(f"model.heads {self.heads} is not a multiple of model.kv_heads {self.kv_heads}")

    def _refuse_two_shapes(self, shape: Shape) -> None:
        for name in ("layers", "width"):
            own = getattr(self, name)
            if own != getattr(Model, name):
                raise BadSettings(
                    f"model.{name} is {own}, but model.shape decides it ({shape.parameters:,} parameters in"
                    f" {shape.layers} layers): set one of them"
                )


@dataclass(frozen=True, kw_only=True)
class Values:
    """How a number becomes a target over return buckets (notations with values only)."""

    buckets: int = 128
    """Of equal width over [0, 1]; a vocabulary may have outer classes beyond each end besides."""
    target: Literal["hl-gauss", "one-hot", "l2"] = "hl-gauss"
    sigma: float = 0.75
    """Width of the HL-Gauss target in buckets (Farebrother et al., arXiv 2403.03950, section 3.1)."""
    together: int = 0
    """Candidates that share one reading of their prompt: a document is a row's prompt and up to so many of
    its candidates, drawn anew every epoch, none of which sees another; 0: each candidate is a document.

    With `model.causal` both mean the same values. Without it the prompt does not see the candidates that
    share it, but does see a candidate that is a document of its own.
    """

    def __post_init__(self) -> None:
        if self.together < 0:
            raise BadSettings(f"values.together must not be negative, got {self.together}")
        if self.buckets < 2 or not self.sigma > 0:
            raise BadSettings(
                f"values needs at least 2 buckets and a sigma above 0, got {self.buckets} and {self.sigma}"
            )


@dataclass(frozen=True, kw_only=True)
class Fit:
    """One training run."""

    steps: int = 1000
    batch_tokens: int = 2048
    """Tokens of one packed row, prompts and candidates alike; a device takes one row at a time."""
    accumulate: int = 1
    """Rows of a step, dealt to all devices: at least one for each of them."""
    optimizer: Literal["muon", "adamw"] = "muon"
    """`muon` takes Muon for the hidden matrices and AdamW for embeddings, norms and the head."""
    learning_rate: float = 3e-3
    """Peak rate of AdamW."""
    muon_learning_rate: float = 6e-3
    """Peak rate of Muon."""
    weight_decay: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.99
    clip: float = 1.0
    """Largest gradient norm; 0 switches clipping off."""
    warmup: int = 50
    """Steps of linear warm-up."""
    decay: Literal["linear", "cosine", "none"] = "linear"
    final_fraction: float = 0.0
    """Learning rate at the last step, as a fraction of the peak."""
    average: Literal["token", "sequence"] = "token"
    """Loss averaged over the tokens of a step, or over each sequence first (Searchformer's way)."""
    values: Values = Values()
    rows: int | None = None
    """Train on the nested first N rows of the training split; null takes all."""
    start: str | None = None
    """A checkpoint of ours or a Hugging Face folder of the same family to start from."""
    start_with: Literal["weights", "everything"] = "weights"
    """What to take from `start`: the weights alone, or the optimizer's state too."""
    validate_every: int = 0
    """Steps between validations; 0 takes a tenth of the run."""
    validation_rows: int = 512
    save_every: int = 0
    """Steps between resumable states; 0 takes a twentieth of the run."""
    log_spaced: bool = False
    """Keep the weights at steps 1, 2, 4, 8, ... as checkpoints too."""
    log_every: int = 10
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    """`auto` is bf16-mixed where the hardware has it, else 32-true."""
    compile: Literal["auto", "on", "off"] = "auto"
    """`auto` compiles the decoder layers on a GPU."""
    devices: int | None = None
    """Of each node, with a process for each; null takes what torchrun or srun has started, else one."""
    nodes: int | None = None
    """Several are started by torchrun or srun; null takes what they have started, else one."""
    loggers: tuple[str, ...] = ("csv", "tensorboard")
    """Any of csv, tensorboard, wandb, mlflow."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_tokens", "accumulate", "log_every", "devices", "nodes"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise BadSettings(f"fit.{name} must be at least 1, got {number}")
        for name in ("validate_every", "validation_rows", "save_every", "warmup", "clip", "seed"):
            if getattr(self, name) < 0:
                raise BadSettings(f"fit.{name} must not be negative, got {getattr(self, name)}")
        for name in ("learning_rate", "muon_learning_rate"):
            if not 0 <= getattr(self, name) < math.inf:
                raise BadSettings(f"fit.{name} must not be negative, got {getattr(self, name)}")
        if self.rows is not None and self.rows < 1:
            raise BadSettings(f"fit.rows must be at least 1, or null for all, got {self.rows}")


def refuse_few_rows(fit: Fit, devices: int) -> None:
    """BadSettings where a step has less than a row for each device."""
    if fit.accumulate < devices:
        raise BadSettings(
            f"fit.accumulate {fit.accumulate} is fewer rows a step than there are devices ({devices}):"
            f" set it to at least {devices}, and fit.batch_tokens ({fit.batch_tokens}) to as much less"
            " if steps are to stay as large as they are"
        )


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How responses are drawn from a model."""

    temperature: float = 1.0
    """0 is greedy."""
    top_k: int = 0
    """Keep the k likeliest tokens; 0 keeps all."""
    top_p: float = 1.0
    """Keep the likeliest tokens that hold this much probability."""
    max_new_tokens: int = 0
    """Longest response; 0 fills the model's context."""
    slots: int = 0
    """Responses under way at once; 0 chooses by device and token budget."""
    token_budget: int = 0
    """Cached tokens at once over all slots; 0 chooses by device memory."""
    deterministic: bool | None = None
    """Fixed shapes, so that a response depends on its own prompt and key alone; null: on a CPU."""
    sampler: Literal["slots", "hf"] = "slots"
    """`hf` is `generate` of transformers, slow, as the oracle."""

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf:
            raise BadSettings(f"temperature must be 0 (greedy) or more, got {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise BadSettings(f"top_p must be above 0 and at most 1, got {self.top_p}")
        for name in ("top_k", "max_new_tokens", "slots", "token_budget"):
            if getattr(self, name) < 0:
                raise BadSettings(f"{name} must not be negative, got {getattr(self, name)}")
