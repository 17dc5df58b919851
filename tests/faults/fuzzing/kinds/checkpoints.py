"""Checkpoints: configuration, weights, vocabulary, states."""

from __future__ import annotations

import json
import pickle
import struct
from random import Random
from typing import Any

from faults.fuzzing.case import CANARY, Case
from faults.fuzzing.corpus import Corpus
from faults.fuzzing.mutation import cut, dumped, lacking, no_json, noise, otherwise, put

MAZE = b"S....\n.....\n.....\n.....\n....G\n"
VERBS = ("solve", "evaluate", "export")
SIZES = ("hidden_size", "num_hidden_layers", "vocab_size", "intermediate_size", "num_attention_heads",
         "num_key_value_heads", "head_dim")  # fmt: skip


class Touch:
    """What a pickle of it does when it is loaded."""

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return open, (CANARY, "w")


PICKLE = pickle.dumps({"state_dict": Touch(), "weight": Touch()})


def _asked(
    rng: Random, corpus: Corpus, what: str, verbs: tuple[str, ...] = VERBS, **files: bytes | None
) -> Case:
    """A checkpoint of mazes with other files, for a verb that loads it."""
    verb = rng.choice(verbs)
    words = {
        "solve": ("solve", "--checkpoint", "c", "--problem", "m.txt"),
        "evaluate": ("evaluate", "--checkpoint", "c", "--on", "m.txt"),
        "export": ("export", "--checkpoint", "c", "--to", "out"),
        "inspect": ("inspect", "c"),
    }[verb]
    named = {f"c/{name.replace('_DOT_', '.')}": content for name, content in files.items()}
    copies = {"c": corpus.checkpoint("maze")}
    return Case("checkpoints", what, words, {"m.txt": MAZE, **named}, copies)


def _read(corpus: Corpus, name: str) -> bytes:
    return (corpus.checkpoint("maze") / name).read_bytes()


def _config(rng: Random, corpus: Corpus, what: str, changes: dict[str, Any], *verbs: str) -> Case:
    config = json.loads(_read(corpus, "config.json")) | changes
    return _asked(rng, corpus, f"config.json: {what}", verbs or VERBS, config_DOT_json=dumped(config))


def size(rng: Random, corpus: Corpus) -> Case:
    name = rng.choice(SIZES)
    value = rng.choice((0, -1, 10**12, 2**31, 2**63, 10**30, 3, 1.5, "x", [], None, {}, float("nan"), True))
    config = json.loads(_read(corpus, "config.json"))
    if (name, value) == ("num_hidden_layers", True) or (name, value) == ("num_key_value_heads", True):
        value = "x"  # True is 1, which is what it was
    if value == config[name] or (name == "head_dim" and value is None):
        value = 10**12
    return _config(rng, corpus, f"{name} is {value!r}", {name: value})


def remote(rng: Random, corpus: Corpus) -> Case:
    """Code of its own, which transformers would run with trust_remote_code."""
    auto = {"AutoConfig": "canary_module.C", "AutoModelForCausalLM": "canary_module.M"}
    family = rng.choice(("canary", "gpt2", "mamba", "", 5, None, "bert", "../x"))
    case = _config(rng, corpus, f"auto_map, family {family!r}", {"model_type": family, "auto_map": auto,
                                                                 "trust_remote_code": True})  # fmt: skip
    code = f"open({CANARY!r}, 'w').close()\n".encode()
    files = {**case.files, "c/canary_module.py": code, "canary_module.py": code}
    return Case(case.kind, case.what, case.words, files, case.copies)


def no_config(rng: Random, corpus: Corpus) -> Case:
    what, content = no_json(rng, _read(corpus, "config.json"))
    return _asked(rng, corpus, f"config.json {what}", (*VERBS, "inspect"), config_DOT_json=content)


def other_config(rng: Random, corpus: Corpus) -> Case:
    what, changes = rng.choice((
        ("another rope", {"rope_parameters": {"rope_type": "nonsense", "rope_theta": 1e4}}),
        ("a rope that is none", {"rope_parameters": rng.choice((5, "x", [1]))}),
        ("another activation", {"hidden_act": rng.choice(("nonsense", 5, "os.system"))}),
        ("a context of nothing", {"max_position_embeddings": rng.choice((0, -1, 2, 5))}),
        ("another context", {"max_position_embeddings": rng.choice(("x", [], {}, None, 1.5, 10**30))}),
        ("quantized", {"quantization_config": {"quant_method": rng.choice(("nonsense", "bitsandbytes", 5))}}),
        ("an epsilon that is none", {"rms_norm_eps": rng.choice(("x", [], {}, None))}),
        ("untied", {"tie_word_embeddings": False, "vocab_size": 128}),
        ("another type of numbers", {"hidden_size": 16.0, "rms_norm_eps": "tiny"}),
    ))  # fmt: skip
    return _config(rng, corpus, what, changes)


def weights(rng: Random, corpus: Corpus) -> Case:
    """A file of safetensors that is none."""
    whole = _read(corpus, "model.safetensors")
    (long,) = struct.unpack("<Q", whole[:8])
    head = json.loads(whole[8 : 8 + long])
    first = next(name for name in head if name != "__metadata__")
    huge = put(head, (first, "shape"), [10**9, 10**9])
    beyond = put(head, (first, "data_offsets"), [0, 10**15])
    what, content = rng.choice((
        ("cut short", cut(rng, whole)),
        ("binary", noise(rng)),
        ("empty", b""),
        ("a header without end", struct.pack("<Q", 2**63) + whole[8:]),
        ("a header of 0", struct.pack("<Q", 0) + whole[8:]),
        ("a header of 100 MB", struct.pack("<Q", 99_999_999) + whole[8:]),
        ("a huge shape", _framed(huge, whole, long)),
        ("offsets beyond the file", _framed(beyond, whole, long)),
        ("another type", _framed(put(head, (first, "dtype"), rng.choice(("F99", 5, "I8"))), whole, long)),
        ("a weight less", _framed(lacking(head, (first,)), whole, long)),
        ("no header", struct.pack("<Q", 4) + b"[1]]" + whole[8:]),
        ("a deep header", struct.pack("<Q", 200_000) + b"[" * 200_000),
        ("a pickle", PICKLE),
    ))  # fmt: skip
    verbs = (*VERBS, "inspect") if what in ("cut short", "empty", "binary", "a header without end") else VERBS
    if what == "cut short" and len(content) > 8 + long:
        verbs = VERBS  # inspect reads the header alone
    return _asked(rng, corpus, f"weights: {what}", verbs, model_DOT_safetensors=content)


def _framed(head: Any, whole: bytes, long: int) -> bytes:
    text = json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + whole[8 + long :]


def pickled(rng: Random, corpus: Corpus) -> Case:
    """Weights as a pickle that would run code."""
    import io
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("archive/data.pkl", PICKLE)
        file.writestr("archive/version", "3")
    content = rng.choice((PICKLE, packed.getvalue()))
    name = rng.choice(("pytorch_model_DOT_bin", "model_DOT_pt", "pytorch_model_DOT_bin_DOT_index_DOT_json"))
    if name.endswith("json"):
        content = dumped({"metadata": {}, "weight_map": {"model.norm.weight": "../evil.bin"}})
    return _asked(rng, corpus, f"a pickle: {name}", model_DOT_safetensors=None, **{name: content})


def indexed(rng: Random, corpus: Corpus) -> Case:
    """An index of weights that leads elsewhere."""
    place = rng.choice(
        ("../../corpus/maze/last/model.safetensors", "/etc/passwd", "missing", 5, None, [], ".")
    )
    index = rng.choice((
        {"metadata": {}, "weight_map": {"model.norm.weight": place}},
        {"metadata": {}, "weight_map": place},
        {"weight_map": {}}, [], 5,
    ))  # fmt: skip
    return _asked(rng, corpus, f"an index of weights at {place!r}", model_DOT_safetensors=None,
                  model_DOT_safetensors_DOT_index_DOT_json=dumped(index))  # fmt: skip


def vocabulary(rng: Random, corpus: Corpus) -> Case:
    stored = json.loads(_read(corpus, "vocabulary.json"))
    place = rng.choice((("domain",), ("domain", "name"), ("domain", "width"), ("notation",), ("words",),
                        ("words", 5), ("buckets",), ("domain", "ties")))  # fmt: skip
    value = stored
    for key in place:
        value = value[key]
    other = otherwise(rng, value)
    if place == ("domain", "name"):
        other = rng.choice(("os.path", "canary_module:Maze", "chess", "prolog", 5, None, [], "../maze"))
    if place == ("buckets",):
        other = rng.choice(("x", [], {}, None, -5, 10**30, 1.5, 7))
    code = f"open({CANARY!r}, 'w').close()\n".encode()
    case = _asked(rng, corpus, f"vocabulary.json: {place} is {other!r:.60}",
                  vocabulary_DOT_json=dumped(put(stored, place, other)))  # fmt: skip
    return Case(case.kind, case.what, case.words, {**case.files, "canary_module.py": code}, case.copies)


def no_vocabulary(rng: Random, corpus: Corpus) -> Case:
    if rng.random() < 0.3:
        stored = json.loads(_read(corpus, "vocabulary.json"))
        key = rng.choice(("domain", "notation", "words", "buckets"))
        return _asked(rng, corpus, f"vocabulary.json without {key}",
                      vocabulary_DOT_json=dumped(lacking(stored, (key,))))  # fmt: skip
    what, content = no_json(rng, _read(corpus, "vocabulary.json"))
    verbs = (*VERBS, "inspect") if what != "null" else VERBS
    return _asked(rng, corpus, f"vocabulary.json {what}", verbs, vocabulary_DOT_json=content)


def tokens(rng: Random, corpus: Corpus) -> Case:
    """Greedy answers and samples read it; an export does not."""
    stored = json.loads(_read(corpus, "tokens.json"))
    if rng.random() < 0.5:
        what, content = no_json(rng, _read(corpus, "tokens.json"))
        return _asked(rng, corpus, f"tokens.json {what}", ("solve", "evaluate"), tokens_DOT_json=content)
    key = rng.choice(("size", "words", "pad", "bos", "eos", "value_buckets", "value_start"))
    other = rng.choice(("x", [], {}, -1, 10**30, 5000, 1.5))
    return _asked(rng, corpus, f"tokens.json: {key} is {other!r}", ("solve", "evaluate"),
                  tokens_DOT_json=dumped({**stored, key: other}))  # fmt: skip


def missing(rng: Random, corpus: Corpus) -> Case:
    name = rng.choice(("config.json", "model.safetensors", "vocabulary.json"))
    return _asked(rng, corpus, f"no {name}", **{name.replace(".", "_DOT_"): None})


def player(rng: Random, corpus: Corpus) -> Case:
    """Another checkpoint than a chess player's at the board."""
    words = rng.choice((("uci", "--checkpoint", "c"), ("match", "--checkpoint", "c", "--against", "random")))
    what, content = no_json(rng, b"{}")
    files: dict[str, bytes | None] = {f"c/{rng.choice(('config.json', 'vocabulary.json'))}": content}
    domain = rng.choice(("chess", "chess", "maze", "prolog"))
    return Case("checkpoints", f"a player of {domain}: {what}", words, files,
                {"c": corpus.checkpoint(domain)}, b"uci\nposition startpos\ngo nodes 1\n")  # fmt: skip


WAYS = (size, remote, weights, pickled, vocabulary, other_config, no_config, indexed, no_vocabulary, tokens,
        missing, player)  # fmt: skip
