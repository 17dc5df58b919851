"""Models come from numbers alone or from a folder, and bad folders are refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from students import TOKENS, student

from trainers.attention import NAME
from trainers.checkpoint import save
from trainers.config import BadSettings, Model
from trainers.model import FAMILIES, build, fits, load
from trainers.tokens import Tokens


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_is_what_its_numbers_say(family: str) -> None:
    model = build(Model(family=family, layers=3, width=64, heads=4, kv_heads=2, context=77), TOKENS)  # type: ignore[arg-type]
    config = model.config
    assert (config.model_type, config.num_hidden_layers, config.hidden_size) == (family, 3, 64)
    assert (config.num_attention_heads, config.num_key_value_heads, config.head_dim) == (4, 2, 16)
    assert (config.vocab_size, config.max_position_embeddings) == (64, 77)
    assert (config.pad_token_id, config.bos_token_id, config.eos_token_id) == (0, 1, 2)
    assert config.intermediate_size == 192  # 8/3 of 64, rounded up to a multiple of 64
    assert config._attn_implementation == NAME
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}


def test_two_models_do_not_share_a_config() -> None:
    one, two = (build(Model(layers=1, width=32, heads=2), TOKENS) for _ in range(2))
    one.set_attn_implementation("sdpa")
    assert two.config._attn_implementation == NAME


@pytest.mark.parametrize("tied", [True, False])
def test_the_seed_decides_the_weights_and_embeddings_may_be_tied(tied: bool) -> None:
    models = []
    for _ in range(2):
        torch.manual_seed(5)
        models.append(build(Model(layers=1, width=32, heads=2, tied=tied), TOKENS))
    pairs = zip(models[0].parameters(), models[1].parameters(), strict=True)
    assert all(torch.equal(one, two) for one, two in pairs)
    assert (models[0].get_input_embeddings().weight is models[0].get_output_embeddings().weight) == tied


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"nowhere is not a checkpoint: it has no config\.json"):
        load(tmp_path / "nowhere")


def test_another_family_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    with pytest.raises(BadSettings, match=r"family gpt2; known are llama, qwen3"):
        load(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", '{"model_type": "no such thing"}', "{}"])
def test_a_spoilt_config_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(BadSettings, match=r"cannot be loaded as a model|holds a model"):
        load(tmp_path)


@pytest.mark.parametrize("size", [0, 100, 20_000])
def test_spoilt_weights_are_refused(tmp_path: Path, size: int) -> None:
    save(student(), tmp_path / "one", tmp_path)
    weights = tmp_path / "one" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:size])
    with pytest.raises(BadSettings, match="cannot be loaded as a model"):
        load(tmp_path / "one")


def test_missing_weights_are_refused_and_not_drawn(tmp_path: Path) -> None:
    save(student(), tmp_path / "one", tmp_path)
    config = json.loads((tmp_path / "one" / "config.json").read_text())
    (tmp_path / "one" / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(BadSettings, match=r"lacks weights .* model\.layers\.2"):
        load(tmp_path / "one")


def test_another_vocabulary_or_a_longer_context_is_refused() -> None:
    model = student(context=96)
    fits(model, TOKENS, 96)
    with pytest.raises(BadSettings, match="made for 64 token ids, the data has 128"):
        fits(model, Tokens(size=128, words=50))
    with pytest.raises(BadSettings, match="context of 96 tokens, 97 are asked for"):
        fits(model, TOKENS, 97)


def test_tokens_survive_a_file(tmp_path: Path) -> None:
    tokens = Tokens(size=192, words=100, value_start=101, value_buckets=64)
    tokens.write(tmp_path)
    assert Tokens.read(tmp_path) == tokens


@pytest.mark.parametrize("content", ["{", "[1]", '{"size": 64}', '{"size": 64, "words": 3, "more": 1}'])
def test_spoilt_tokens_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokens.json").write_text(content)
    with pytest.raises(BadSettings, match=r"tokens\.json"):
        Tokens.read(tmp_path)


def test_missing_or_impossible_tokens_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="neither encoded data nor a checkpoint"):
        Tokens.read(tmp_path)
    with pytest.raises(BadSettings, match="100 words does not fit into 64 rows"):
        Tokens(size=64, words=100)
