"""Decoders of the Llama family: built from numbers or loaded from a folder, with packed attention."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen3Config,
    Qwen3ForCausalLM,
)
from transformers.utils import logging

from trainers import checkpoint
from trainers.attention import NAME
from trainers.config import BadSettings, Model
from trainers.shape import feedforward, resolved
from trainers.stored import require_sound
from trainers.tokens import Tokens

FAMILIES: dict[str, tuple[Callable[..., PreTrainedConfig], Any]] = {
    "llama": (LlamaConfig, LlamaForCausalLM),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM),
}


def build(model: Model, tokens: Tokens) -> PreTrainedModel:
    """A model with random float32 weights from torch's own generator: seed that first.

    Without `causal` the config says `is_causal: false`, by which plain transformers (tested with 5.23), too,
    lets all tokens of a sequence see each other: its values are ours for a single document without padding.
    """
    model = resolved(model, tokens)
    config_type, model_type = FAMILIES[model.family]
    config = config_type(
        vocab_size=tokens.size,
        hidden_size=model.width,
        intermediate_size=feedforward(model),
        num_hidden_layers=model.layers,
        num_attention_heads=model.heads,
        num_key_value_heads=model.kv_heads,
        head_dim=model.width // model.heads,
        max_position_embeddings=model.context,
        rope_parameters={"rope_type": "default", "rope_theta": model.rope_base},
        tie_word_embeddings=model.tied,
        pad_token_id=tokens.pad,
        bos_token_id=tokens.bos,
        eos_token_id=tokens.eos,
    )
    if not model.causal:
        config.is_causal = False
    # A model keeps its config object and writes its attention into it: two models must not share one.
    config = copy.deepcopy(config)
    built: PreTrainedModel = model_type._from_config(config, attn_implementation=NAME, dtype=torch.float32)
    built.eval()
    return built


def load(folder: Path | str) -> PreTrainedModel:
    """Our own checkpoint or any Hugging Face folder of a known family, in float32, with our attention."""
    folder = Path(folder)
    checkpoint.restore(folder)
    require_sound(folder, tuple(FAMILIES))
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        config.attention_dropout = 0.0  # packed attention has none
        logging.disable_progress_bar()
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            attn_implementation=NAME,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,  # and no pickle, which could run code
            trust_remote_code=False,
            output_loading_info=True,
        )
    except Exception as fault:  # a library may raise anything over a file that it did not write
        reason = " ".join(str(fault).split()).partition(": ")[0][:200]
        raise BadSettings(f"{folder} cannot be loaded as a model: {reason}") from fault
    model: PreTrainedModel = loaded[0]
    if missing := loaded[1]["missing_keys"]:
        raise BadSettings(f"{folder} lacks weights that its config asks for: {min(missing)}")
    model.eval()
    return model


def fits(model: PreTrainedModel, tokens: Tokens, context: int = 0) -> None:
    """Refuse a model of another vocabulary or of a shorter context than is asked for."""
    size, longest = model.config.vocab_size, model.config.max_position_embeddings
    if size != tokens.size:
        raise BadSettings(f"the checkpoint was made for {size} token ids, the data has {tokens.size}")
    if longest < context:
        raise BadSettings(f"the checkpoint has a context of {longest} tokens, {context} are asked for")
