"""What the hardware decides: number type and compilation."""

from __future__ import annotations

from typing import Any, Literal

import torch
from transformers import PreTrainedModel

from trainers.config import Fit


def precision(fit: Fit) -> Literal["32-true", "bf16-mixed"]:
    """The precision asked for; `auto` takes bfloat16 where the hardware has units for it."""
    if fit.precision != "auto":
        return fit.precision
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    # Without such units bfloat16 is emulated, and slower than float32.
    has_units = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bf16-mixed" if has_units else "32-true"


def compile_layers(model: PreTrainedModel, fit: Fit) -> bool:
    """Compile the decoder layers in place where it pays; says whether it did.

    Layers, never the LightningModule: logging inside compiled code fails in Lightning 2.6. One layer's code
    serves all of them, and batches have fixed shapes, so it is compiled once.
    """
    if fit.compile == "off" or (fit.compile == "auto" and not torch.cuda.is_available()):
        return False
    body: Any = model.base_model
    for layer in body.layers:
        layer.compile(dynamic=False)
    return True
