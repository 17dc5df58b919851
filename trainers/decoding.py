"""One token for many slots: the forward of a Llama or Qwen3 decoder without the wrapping.

At small sizes a step is dozens of tiny operations, and the model's own forward doubles their number. A test
holds the logits to those of the model.

Shapes: R rows, C width of the model, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import embedding, linear, rms_norm
from transformers import DynamicCache, PreTrainedModel

from trainers.cache import Cache


@dataclass(frozen=True)
class Linear:
    """A weight with or without a bias; several stacked into one where they read the same input."""

    weight: Tensor
    bias: Tensor | None

    @classmethod
    def stack(cls, dtype: torch.dtype, *modules: Any) -> Linear:
        """One matrix product instead of several."""
        weight = torch.cat([module.weight.detach() for module in modules]).to(dtype)
        biases = [module.bias for module in modules if module.bias is not None]
        return cls(weight, torch.cat([bias.detach() for bias in biases]).to(dtype) if biases else None)

    def __call__(self, x: Tensor) -> Tensor:
        """x @ weight.T + bias."""
        return linear(x, self.weight, self.bias)


class Layer:
    """The weights of one decoder layer."""

    def __init__(self, layer: Any, dtype: torch.dtype) -> None:
        """Stack them."""
        attention, mlp = layer.self_attn, layer.mlp
        self.before = layer.input_layernorm.weight.detach().to(dtype)
        self.project = Linear.stack(dtype, attention.q_proj, attention.k_proj, attention.v_proj)
        self.output = Linear.stack(dtype, attention.o_proj)
        self.between = layer.post_attention_layernorm.weight.detach().to(dtype)
        self.gate_up = Linear.stack(dtype, mlp.gate_proj, mlp.up_proj)
        self.down = Linear.stack(dtype, mlp.down_proj)
        self.activation = mlp.act_fn


class Decoder:
    """The weights of a model as decoding wants them; a copy, so that later training does not reach it."""

    def __init__(self, model: PreTrainedModel, dtype: torch.dtype) -> None:
        """Take the weights over in the number type of decoding."""
        core = model.get_decoder()
        self.layers = [Layer(layer, dtype) for layer in core.layers]
        self.embedding = core.embed_tokens.weight.detach().to(dtype)
        self.norm = core.norm.weight.detach().to(dtype)
        self.head = Linear.stack(dtype, model.get_output_embeddings())
        self.epsilon = float(model.config.rms_norm_eps)

    def logits(self, tokens_R: Tensor, positions_R: Tensor, cache: Cache, first: int, window: int) -> Tensor:
        """R,V: what follows each row's token, which is appended to its slot; row 0 is slot `first`."""
        x_RC = embedding(tokens_R, self.embedding)
        for index, layer in enumerate(self.layers):
            projected = layer.project(self._normed(x_RC, layer.before))
            x_RC = x_RC + layer.output(cache.attend(index, projected, positions_R, first, window))
            gate, up = layer.gate_up(self._normed(x_RC, layer.between)).chunk(2, -1)
            x_RC = x_RC + layer.down(layer.activation(gate) * up)
        return self.head(self._normed(x_RC, self.norm))

    def _normed(self, x_RC: Tensor, weight: Tensor) -> Tensor:
        return rms_norm(x_RC, weight.shape, weight, self.epsilon)


def prefill(model: PreTrainedModel, prompts: list[Tensor]) -> list[Tensor]:
    """Keys and values L,2,K,P,D of several token sequences, packed into one forward of the model itself."""
    lengths = torch.tensor([len(prompt) for prompt in prompts])
    ends = torch.cat((lengths.new_zeros(1), lengths.cumsum(0)))
    positions = torch.cat([torch.arange(len(prompt)) for prompt in prompts])
    cache = DynamicCache(config=model.config)
    device = model.device
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        model.get_decoder()(
            input_ids=torch.cat(prompts)[None].to(device),
            position_ids=positions[None].to(device),
            cu_seq_lens_q=ends.to(device, torch.int32),
            max_length_q=int(lengths.max()),
            past_key_values=cache,
            use_cache=True,
        )
    layers: list[Any] = list(cache.layers)
    whole = torch.stack([torch.stack((layer.keys[0], layer.values[0])) for layer in layers])
    return [whole[..., start:end, :] for start, end in zip(ends.tolist(), ends[1:].tolist(), strict=False)]
