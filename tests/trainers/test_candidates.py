"""Training and scoring of candidates with values: together, alone, with and without a causal mask."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from encoded import BOS, write_copying, write_split, write_tokens
from safetensors.torch import load_file

from trainers import scorer
from trainers.config import BadSettings, Fit, Model, Sampling, Values
from trainers.fit import fit
from trainers.model import load
from trainers.sampler import sample
from trainers.scorer import score
from trainers.tokens import Tokens

TINY = Model(layers=2, width=32, heads=2, kv_heads=1, context=16)
SETTINGS = Fit(
    steps=12,
    batch_tokens=256,
    accumulate=2,
    warmup=2,
    decay="none",
    log_every=3,
    validate_every=6,
    values=Values(buckets=12, together=4),
    loggers=("csv",),
)


@pytest.fixture(scope="module")
def moves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Candidates 4 to 9 to a prompt of such words; the value is how often the prompt has the candidate.

    One that fills the prompt has an outer class, as has one that does not occur.
    """
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("moves") / "ids"
    write_tokens(folder, 10, buckets=16)
    tokens = json.loads((folder / "tokens.json").read_text())
    (folder / "tokens.json").write_text(json.dumps(tokens | {"value_outer": 2}))
    for split, count in (("train", 300), ("validation", 20)):
        rows, values = [], []
        for _ in range(count):
            prompt = rng.integers(4, 10, 6)
            chosen = rng.choice(np.arange(4, 10), rng.integers(1, 7), replace=False)
            rows.append(([BOS, *prompt.tolist()], [[one] for one in chosen.tolist()]))
            shares = [float((prompt == one).mean()) for one in chosen]
            values += [{0.0: -1.0, 1.0: 3.0}.get(share, share) for share in shares]
        write_split(folder, split, rows, values=values, segment_rows=130)
    return folder


def train(ids: Path, out: Path, settings: Fit = SETTINGS, model: Model = TINY) -> dict[str, float]:
    return fit(ids=ids, out=out, model=model, fit=settings, progress=False)


def figures(out: Path) -> list[list[str]]:
    """Lines of metrics.csv without what a clock decides."""
    lines = [line.split(",") for line in (out / "logs" / "metrics.csv").read_text().splitlines()]
    kept = [at for at, name in enumerate(lines[0]) if name not in ("tokens_per_second", "seconds")]
    return [[line[at] for at in kept] for line in lines]


def test_one_reading_of_a_prompt_teaches_all_its_candidates(moves: Path, tmp_path: Path) -> None:
    longer = replace(SETTINGS, steps=160, accumulate=1, validate_every=80, loggers=())
    found = train(moves, tmp_path / "run", longer)
    assert found["best_validation_loss"] < 1.6  # log(16) is 2.8
    assert found["predicted"] / found["tokens"] == pytest.approx(3.1 / 10.1, rel=0.05)
    assert found["epochs"] == pytest.approx(found["tokens"] / (300 * 10.1), rel=0.05)
    model, tokens = load(tmp_path / "run" / "last"), Tokens.read(moves)
    (values,) = score(
        model, [np.array([BOS, 4, 4, 4, 4, 5, 6])], [[np.array([at]) for at in (4, 5, 9)]], tokens
    )
    assert values[0] > values[1] > values[2]
    assert values[2] < 0.05


def test_the_validation_loss_is_that_of_separate_documents(moves: Path, tmp_path: Path) -> None:
    still = replace(SETTINGS, steps=1, learning_rate=0.0, muon_learning_rate=0.0, loggers=())
    losses = [
        train(moves, tmp_path / str(together), replace(still, values=Values(buckets=12, together=together)))
        for together in (0, 1, 4, 6)
    ]
    found = [loss["validation_loss"] for loss in losses]
    assert found == pytest.approx([found[0]] * 4, rel=1e-5)


def test_a_run_that_was_interrupted_ends_with_the_same_bits(moves: Path, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train(moves, whole)
    train(moves, broken, replace(SETTINGS, steps=6))
    # What a run of 12 steps has on disk after 6 of them.
    (broken / "fit.json").unlink()
    (broken / "run.json").write_bytes((whole / "run.json").read_bytes())
    train(moves, broken)
    ours, theirs = (load_file(out / "last" / "model.safetensors") for out in (broken, whole))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert figures(broken) == figures(whole)


@pytest.mark.parametrize("together", [0, 4])
def test_scores_without_a_causal_mask_are_read_as_in_training(
    moves: Path, tmp_path: Path, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(SETTINGS, values=Values(buckets=12, together=together), loggers=())
    train(moves, tmp_path / "run", settings, replace(TINY, causal=False))
    model, tokens = load(tmp_path / "run" / "last"), Tokens.read(moves)
    prompt, candidates = np.array([BOS, 4, 5, 5, 6]), [np.array([at]) for at in range(4, 10)]
    (together_values,) = score(model, [prompt], [candidates], tokens)
    for at, candidate in enumerate(candidates):
        (alone,) = score(model, [prompt], [[candidate]], tokens)
        assert together_values[at] == pytest.approx(alone[0], abs=1e-5)
    # A forward in which every token sees every other one is what separate documents are trained with.
    ids = torch.from_numpy(np.append(prompt, 7))[None]
    logits = model(ids).logits[0, -1, 10:26].detach()
    dense = float((logits.softmax(-1) * (torch.arange(16) - 1.5) / 12).sum())
    assert (together_values[3] == pytest.approx(dense, abs=1e-5)) == (together == 0)
    monkeypatch.setattr(scorer, "PACK_TOKENS", 8)
    np.testing.assert_allclose(score(model, [prompt], [candidates], tokens)[0], together_values, atol=1e-5)


def test_a_checkpoint_says_how_its_candidates_were_trained(moves: Path, tmp_path: Path) -> None:
    train(moves, tmp_path / "one", replace(SETTINGS, steps=1, loggers=()))
    assert json.loads((tmp_path / "one" / "last" / "config.json").read_text())["together"] == 4
    alone = replace(SETTINGS, values=Values(buckets=12), start=str(tmp_path / "one" / "last"), loggers=())
    train(moves, tmp_path / "two", replace(alone, steps=1))
    assert json.loads((tmp_path / "two" / "last" / "config.json").read_text())["together"] == 0
    with pytest.raises(BadSettings, match=r"model\.causal is False, the checkpoint .* has True"):
        train(moves, tmp_path / "three", alone, replace(TINY, causal=False))


def test_what_only_values_allow_is_refused_for_responses(tmp_path: Path) -> None:
    ids = write_copying(tmp_path / "ids")
    plain, model = replace(SETTINGS, values=Values()), replace(TINY, context=32)
    with pytest.raises(BadSettings, match=r"model\.causal is false, but this notation has responses"):
        train(ids, tmp_path / "run", plain, replace(model, causal=False))
    with pytest.raises(BadSettings, match=r"values\.together is 4, but this notation has no values"):
        train(ids, tmp_path / "run", SETTINGS, model)
    with pytest.raises(BadSettings, match=r"values\.together must not be negative, got -1"):
        Values(together=-1)


def test_a_model_without_a_causal_mask_writes_nothing(moves: Path, tmp_path: Path) -> None:
    train(moves, tmp_path / "run", replace(SETTINGS, steps=1, loggers=()), replace(TINY, causal=False))
    model, keys = load(tmp_path / "run" / "last"), np.zeros(1, np.uint64)
    with pytest.raises(BadSettings, match="cannot write, only score"):
        sample(model, [np.array([BOS])], keys, 1, Sampling(), Tokens.read(moves), 0)


def test_values_that_the_tokens_do_not_allow_are_refused(moves: Path, tmp_path: Path) -> None:
    write_tokens(tmp_path / "ids", 10, buckets=12)
    for path in moves.glob("*.npy"):
        (tmp_path / "ids" / path.name).write_bytes(path.read_bytes())
    with pytest.raises(BadSettings, match=r"has the value -1\.0: allowed are 0 to 1"):
        train(tmp_path / "ids", tmp_path / "run")
    with pytest.raises(BadSettings, match=r"values\.buckets is 16, the data was encoded with 12"):
        train(moves, tmp_path / "run", replace(SETTINGS, values=Values(buckets=16)))
    with pytest.raises(BadSettings, match=r"row \d+ has up to 11 tokens with 4 .* fit\.batch_tokens is 10"):
        train(moves, tmp_path / "run", replace(SETTINGS, batch_tokens=10))
