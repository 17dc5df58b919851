"""A checkpoint is a folder that others can load, and a killed save leaves a whole one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest
import torch
from students import TOKENS, student
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from trainers.checkpoint import COMPANIONS, content_hash, parameters, save
from trainers.config import BadSettings, Model
from trainers.model import build, load
from trainers.tokens import Tokens


@pytest.fixture
def companions(tmp_path: Path) -> Path:
    """A folder as `encode` leaves it: a word-level tokenizer and tokens.json."""
    folder = tmp_path / "ids"
    words = {"<pad>": 0, "<bos>": 1, "<eos>": 2} | {f"w{i}": i for i in range(3, 50)}
    tokenizer = Tokenizer(WordLevel(words, unk_token="<pad>"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>"
    ).save_pretrained(folder)
    TOKENS.write(folder)
    (folder / "train-00000.prompts.npy").write_bytes(b"data stays where it is")
    return folder


@pytest.mark.parametrize("family", ["llama", "qwen3"])
def test_a_checkpoint_loads_in_plain_transformers(tmp_path: Path, companions: Path, family: str) -> None:
    model = student(family)  # type: ignore[arg-type]
    save(model, tmp_path / "best", companions)
    assert "trace" not in (tmp_path / "best" / "config.json").read_text()
    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "best", local_files_only=True)
    assert plain.config._attn_implementation == "sdpa"
    ids = torch.randint(3, 50, (2, 30))
    torch.testing.assert_close(plain(ids).logits, model(ids).logits, rtol=1e-5, atol=1e-5)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "best", local_files_only=True)
    assert tokenizer("w7 w49")["input_ids"] == [7, 49]
    assert json.loads((tmp_path / "best" / "generation_config.json").read_text())["eos_token_id"] == 2


@pytest.mark.parametrize("family", ["llama", "qwen3"])
def test_a_model_without_a_causal_mask_loads_in_plain_transformers(
    tmp_path: Path, companions: Path, family: Literal["llama", "qwen3"]
) -> None:
    torch.manual_seed(0)
    model = build(Model(family=family, layers=2, width=32, context=40, causal=False), TOKENS)
    save(model, tmp_path / "best", companions)
    assert json.loads((tmp_path / "best" / "config.json").read_text())["is_causal"] is False
    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "best", local_files_only=True)
    assert plain.config._attn_implementation == "sdpa"
    ids = torch.randint(3, 50, (1, 30))
    back = load(tmp_path / "best")
    torch.testing.assert_close(plain(ids).logits, back(ids).logits, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(plain(ids).logits, model(ids).logits, rtol=1e-5, atol=1e-5)
    changed = torch.cat((ids[:, :-1], ids[:, -1:] % 40 + 4), 1)
    assert not torch.allclose(plain(changed).logits[0, 0], plain(ids).logits[0, 0], rtol=1e-4)


def test_weights_come_back_bit_by_bit(tmp_path: Path, companions: Path) -> None:
    model = student()
    save(model, tmp_path / "best", companions)
    back = load(tmp_path / "best")
    assert all(torch.equal(one, two) for one, two in zip(model.parameters(), back.parameters(), strict=True))
    assert Tokens.read(tmp_path / "best") == TOKENS
    assert not list((tmp_path / "best").glob("*.npy"))
    assert (tmp_path / "best" / "tokenizer.json").is_file()
    assert "tokens.json" in COMPANIONS


def test_a_newer_checkpoint_replaces_the_older(tmp_path: Path, companions: Path) -> None:
    model = student()
    save(model, tmp_path / "last", companions, more=lambda folder: _state(folder, "one"))
    before = content_hash(tmp_path / "last")
    with torch.no_grad():
        next(model.parameters()).add_(1)
    save(model, tmp_path / "last", companions)
    assert content_hash(tmp_path / "last") != before
    assert not (tmp_path / "last" / "state.ckpt").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ids", "last"]


def _state(folder: Path, text: str) -> None:
    (folder / "state.ckpt").write_text(text)


class Killed(BaseException):
    """What stands for the end of the process."""


def test_a_save_killed_while_writing_leaves_the_older(tmp_path: Path, companions: Path) -> None:
    model = student()
    save(model, tmp_path / "last", companions)
    before = content_hash(tmp_path / "last")

    def die(_: Path) -> None:
        raise Killed

    with pytest.raises(Killed):
        save(model, tmp_path / "last", companions, more=die)
    assert content_hash(tmp_path / "last") == before
    save(model, tmp_path / "last", companions)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ids", "last"]


def test_a_save_killed_between_its_renames_is_settled(tmp_path: Path, companions: Path) -> None:
    save(student(), tmp_path / "last", companions)
    (tmp_path / "last").rename(tmp_path / ".last.previous")
    (tmp_path / ".last.partial").mkdir()
    assert load(tmp_path / "last").config.model_type == "llama"
    save(student(), tmp_path / "last", companions)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ids", "last"]


def test_the_hash_is_of_config_and_weights_alone(tmp_path: Path, companions: Path) -> None:
    save(student(), tmp_path / "one", companions)
    save(student(), tmp_path / "two", companions, more=lambda folder: _state(folder, "other"))
    (tmp_path / "two" / "vocabulary.json").write_text("{}")
    assert content_hash(tmp_path / "one") == content_hash(tmp_path / "two")
    assert len(content_hash(tmp_path / "one")) == 32
    save(student("qwen3"), tmp_path / "three", companions)
    assert content_hash(tmp_path / "one") != content_hash(tmp_path / "three")


def test_parameters_count_tied_weights_once() -> None:
    model = student()
    layer = sum(weight.numel() for weight in model.model.layers[0].parameters())
    assert parameters(model) == 64 * 64 + 2 * layer + 64


def test_a_folder_that_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="is not a checkpoint"):
        load(tmp_path)
