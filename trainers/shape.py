"""Depth at a fixed number of parameters: the width and feedforward that a `Shape` asks for."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from trainers.config import BadSettings, Model
from trainers.tokens import Tokens

STEP = 8
"""Feedforward widths are multiples of it, as GPUs want them."""
TOLERANCE = 0.05
"""The farthest that a model may be from the parameters asked for, as a share of them."""


def feedforward(model: Model) -> int:
    """The hidden width of the SwiGLU block: as given, or 8/3 of the width rounded up to a multiple of 64."""
    return model.feedforward or 64 * -(-model.width * 8 // (3 * 64))


def parameters(model: Model, tokens: Tokens) -> int:
    """Trainable numbers of a model with layers and width, embeddings included, shared ones counted once."""
    size = model.width // model.heads
    attention = 2 * model.width * (model.width + model.kv_heads * size)
    norms = 2 * model.width + (2 * size if model.family == "qwen3" else 0)
    layer = attention + 3 * model.width * feedforward(model) + norms
    tables = model.width * tokens.size * (1 if model.tied else 2)
    return model.layers * layer + model.width + tables


def resolved(model: Model, tokens: Tokens) -> Model:
    """The model in layers and width, where its shape asks for parameters; any other one as it is.

    The width, a multiple of heads x 2, is the one whose model comes nearest to the parameters asked for.
    Widths of deep models lie 10 % of parameters apart: unless a feedforward is set, it takes up what is left,
    in steps of 8. Raises BadSettings where even so no model comes within 5 %.
    """
    if model.shape is None:
        return model
    wanted, step = model.shape.parameters, 2 * model.heads
    found = narrow = replace(model, shape=None, layers=model.shape.layers, width=step)
    for width in count(2 * step, step):
        wide = replace(narrow, width=width)
        if parameters(wide, tokens) > wanted:
            found = min(narrow, wide, key=lambda made: abs(parameters(made, tokens) - wanted))
            break
        narrow = wide
    if not model.feedforward:
        left = wanted - parameters(found, tokens)
        steps = round(left / (3 * found.layers * found.width * STEP))
        found = replace(found, feedforward=max(STEP, feedforward(found) + STEP * steps))
    has = parameters(found, tokens)
    if abs(has - wanted) > TOLERANCE * wanted:
        raise BadSettings(
            f"model.shape asks for {wanted:,} parameters in {model.shape.layers} layers; with {model.heads}"
            f" heads and {tokens.size:,} token ids the nearest model is {found.width} wide and has {has:,}"
        )
    return found
