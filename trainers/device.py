"""What the hardware decides: the device of a process, number type and compilation."""

from __future__ import annotations

import os
from typing import Any, Literal

import torch
from transformers import PreTrainedModel

from trainers.config import Fit


def own() -> torch.device:
    """The device of this process: on a node with several GPUs the one of its local rank, else the CPU.

    A launcher may show each process its own GPU alone; that is then the only number there is.
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())


def on(device: torch.device, model: PreTrainedModel) -> PreTrainedModel:
    """The model, moved there."""
    moved: Any = model
    return moved.to(device)  # type: ignore[no-any-return]  # itself


def share_cores(processes: int) -> None:
    """Leave the other processes of this machine their part of its cores, unless a number is set."""
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, torch.get_num_threads() // processes))


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
