"""What a run starts from: random weights, a checkpoint's weights, or its optimizer's state too."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from trainers import stored
from trainers.attention import is_causal
from trainers.checkpoints import STATE
from trainers.config import BadSettings, Fit, Model
from trainers.model import build, fits, load
from trainers.shape import resolved
from trainers.tokens import FILE, Tokens


def network(ids: Path, tokens: Tokens, model: Model, fit: Fit) -> PreTrainedModel:
    """The model that a new run trains; BadSettings where `fit.start` is of other words or another shape."""
    if fit.start is None:
        return build(model, tokens)
    folder = Path(fit.start)
    if not folder.is_dir():
        raise BadSettings(f"fit.start: {folder} does not exist")
    refuse_other_words(folder, ids)
    started = load(folder)
    fits(started, tokens, model.context)
    refuse_other_shape(folder, started, resolved(model, tokens))
    return started


def moments(fit: Fit) -> dict[str, Any] | None:
    """The optimizer's state of `fit.start`, where it is asked for."""
    if fit.start is None or fit.start_with == "weights":
        return None
    path = Path(fit.start) / STATE
    if not path.is_file():
        raise BadSettings(f"fit.start_with is everything, but {path} does not exist: take weights alone")
    states = read_state(path)["optimizer_states"]
    found: dict[str, Any] = states[0]
    ours = fit.optimizer == "muon"
    if any(group.get("muon", False) for group in found["param_groups"]) != ours:
        raise BadSettings(f"{path} holds the state of another optimizer than fit.optimizer {fit.optimizer}")
    return found


def read_state(path: Path) -> dict[str, Any]:
    """A Lightning checkpoint as plain data: nothing in it can run code."""
    try:
        with warnings.catch_warnings():
            # torch asks for a report about files that it did not write itself; those are refused here anyway.
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as fault:
        raise BadSettings(f"{path} is not a state of ours: {' '.join(str(fault).split())[:200]}") from fault
    return state


def refuse_other_words(folder: Path, ids: Path) -> None:
    """BadSettings when a checkpoint names its words and they differ from those of the data."""
    for name, words in (("vocabulary.json", _listed), ("tokenizer.json", _tokenized), (FILE, dict)):
        theirs, ours = (_json(place / name) for place in (folder, ids))
        if theirs is None or ours is None:
            continue
        if words(theirs) != words(ours):
            raise BadSettings(
                f"the checkpoint {folder} has another vocabulary than the data {ids}: their {name} differ"
            )
        return


def _json(path: Path) -> Any:
    return stored.fields(path) if path.is_file() else None


def _listed(vocabulary: Any) -> Any:
    # What else it notes (the domain's knobs, say) may differ between data and checkpoint.
    return vocabulary["words"]


def _tokenized(tokenizer: Any) -> Any:
    return tokenizer["model"]["vocab"]


def refuse_other_shape(folder: Path, started: PreTrainedModel, model: Model) -> None:
    """BadSettings when a checkpoint is not the model that the settings describe."""
    config = started.config
    shape = {
        "family": config.model_type,
        "layers": config.num_hidden_layers,
        "width": config.hidden_size,
        "heads": config.num_attention_heads,
        "kv_heads": config.num_key_value_heads,
        "tied": config.tie_word_embeddings,
        "causal": is_causal(config),
    }
    if model.feedforward:
        shape["feedforward"] = config.intermediate_size
    for name, value in shape.items():
        if getattr(model, name) != value:
            raise BadSettings(f"model.{name} is {getattr(model, name)}, the checkpoint {folder} has {value}")
