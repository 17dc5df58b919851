"""Training speed: packed rows through Lightning, a bare loop over single documents, and padded batches.

All three take the same model, optimizer and documents. Beside them, values where candidates share one reading
of their prompt and where each has a document. Figures are per CPU second of one thread: wall clock varies
several-fold on shared machines, CPU seconds hardly.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from trainers.batches import Plan
from trainers.config import Fit, Model, Values
from trainers.documents import Documents
from trainers.fit import fit
from trainers.model import build
from trainers.optimizer import optimizer
from trainers.tokens import Tokens

MODEL = Model(context=1536)
TOKENS = Tokens(size=128, words=100)
BATCH_TOKENS = 4096
STEPS = 8


def write_documents(folder: Path, rows: int = 1200) -> None:
    """Lognormal lengths, s = 1.0 and mean about 150, half prompt and half response."""
    rng = np.random.default_rng(0)
    lengths = rng.lognormal(np.log(150) - 0.5, 1.0, rows).astype(np.int64).clip(16, 1500)
    halves = {"prompt": lengths // 2, "response": lengths - lengths // 2}
    (folder / "tokens.json").write_text(json.dumps(vars(TOKENS)))
    stem = folder / "train-00000"
    for name, sizes in halves.items():
        np.save(f"{stem}.{name}s.npy", rng.integers(3, 100, sizes.sum()).astype(np.uint16))
        np.save(f"{stem}.{name}_offsets.npy", np.append(0, sizes.cumsum()))
    np.save(f"{stem}.rows.npy", np.arange(rows, dtype=np.int32))
    np.save(f"{stem}.keys.npy", np.arange(rows, dtype=np.uint64))


def settings(steps: int) -> Fit:
    """A run that does nothing but train and log."""
    return Fit(
        steps=steps,
        batch_tokens=BATCH_TOKENS,
        validation_rows=0,
        save_every=steps,
        precision="32-true",
        loggers=(),
    )


def packed_seconds(ids: Path, out: Path, steps: int) -> tuple[float, int]:
    """CPU seconds and tokens of a whole run as the product makes it."""
    before = process_time()
    summary = fit(ids=ids, out=out, model=MODEL, fit=settings(steps), progress=False)
    return process_time() - before, summary["tokens"]


Texts = list[tuple[Tensor, int]]
"""Ids and prompt length of the documents of a step."""


def read(documents: Documents, row: NDArray[np.int64]) -> Texts:
    """Some documents, unpadded."""
    examples = map(documents.example, row.tolist())
    return [(torch.from_numpy(ids.astype(np.int64)), prompt) for ids, prompt, _ in examples]


def packed_texts(documents: Documents) -> Iterator[Texts]:
    """The documents that share a packed row, row by row."""
    for row in Plan(documents.lengths, BATCH_TOKENS, seed=0).rows():
        yield read(documents, row)


def random_texts(documents: Documents) -> Iterator[Texts]:
    """Random batches of as many documents as a packed row holds on average."""
    order = np.random.default_rng(0).permutation(len(documents))
    size = round(BATCH_TOKENS / documents.lengths.mean())
    for start in range(0, len(order) - size, size):
        yield read(documents, order[start : start + size])


def single_loss(model: Any, step: Texts) -> None:
    """Gradients of one document after the other."""
    count = sum(len(ids) - prompt for ids, prompt in step)
    for ids, prompt in step:
        hidden = model.base_model(input_ids=ids[None], use_cache=False).last_hidden_state[0, prompt - 1 : -1]
        (cross_entropy(model.lm_head(hidden), ids[prompt:], reduction="sum") / count).backward()


def padded_loss(model: Any, step: Texts) -> None:
    """Gradients of all documents as one batch, padded on the right; causal attention needs no mask then."""
    ids = torch.nn.utils.rnn.pad_sequence([ids for ids, _ in step], batch_first=True)
    hidden = model.base_model(input_ids=ids, use_cache=False).last_hidden_state
    labels = torch.full_like(ids, -100)
    for at, (text, prompt) in enumerate(step):
        labels[at, prompt - 1 : len(text) - 1] = text[prompt:]
    judged = labels != -100
    cross_entropy(model.lm_head(hidden[judged]), labels[judged]).backward()


def bare_speed(texts: Iterator[Texts], loss: Callable[[Any, Texts], None], steps: int) -> float:
    """Real tokens per CPU second of a plain loop."""
    torch.manual_seed(0)
    model: Any = build(MODEL, TOKENS)
    chosen = optimizer(model, settings(steps))
    seconds, tokens = 0.0, 0
    for number, step in enumerate(islice(texts, steps + 1)):
        before = process_time()
        loss(model, step)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        chosen.step()
        chosen.zero_grad()
        if number:  # the first step pays for what is set up once
            seconds += process_time() - before
            tokens += sum(len(text) for text, _ in step)
    return tokens / seconds


def write_boards(folder: Path, rows: int = 1500) -> None:
    """Prompts of 78 tokens, each with about 30 candidates of one token and their values, as in chess."""
    rng = np.random.default_rng(0)
    counts = rng.normal(30, 10, rows).astype(np.int64).clip(1, 80)
    tokens = Tokens(size=2240, words=2236, value_start=2100, value_buckets=136, value_outer=4)
    (folder / "tokens.json").write_text(json.dumps(vars(tokens)))
    stem = folder / "train-00000"
    arrays = {
        "prompts": rng.integers(3, 1000, 78 * rows).astype(np.uint16),
        "prompt_offsets": 78 * np.arange(rows + 1),
        "responses": rng.integers(1000, 2100, counts.sum()).astype(np.uint16),
        "response_offsets": np.arange(counts.sum() + 1),
        "rows": np.repeat(np.arange(rows, dtype=np.int32), counts),
        "keys": np.arange(rows, dtype=np.uint64),
        "values": rng.random(counts.sum()).astype(np.float32),
    }
    for name, array in arrays.items():
        np.save(f"{stem}.{name}.npy", array)


def value_speed(ids: Path, together: int, causal: bool, steps: int) -> float:
    """Values learned per CPU second, as the difference of a long run and a short one."""
    model = Model(context=128, causal=causal)
    seconds, values = [], []
    for count in (2, 2 + steps):
        fitted = replace(settings(count), values=Values(together=together))
        before = process_time()
        out = ids / f"{together}-{causal}-{count}"
        values.append(fit(ids=ids, out=out, model=model, fit=fitted, progress=False)["predicted"])
        seconds.append(process_time() - before)
    return (values[1] - values[0]) / (seconds[1] - seconds[0])


def compare_values(steps: int = STEPS) -> dict[str, float]:
    """One reading for up to 32 candidates beside a document for each, with and without a causal mask."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    found = {}
    with TemporaryDirectory() as name:
        write_boards(Path(name))
        for causal, words in ((True, "causal"), (False, "not causal")):
            together, alone = (value_speed(Path(name), count, causal, steps) for count in (32, 0))
            found |= {
                f"training, values, 32 candidates together, {words}: values per CPU second": together,
                f"training, values, a document for each, {words}: values per CPU second": alone,
                f"training, values, together / a document for each, {words}": together / alone,
            }
    torch.set_num_threads(threads)
    return found


def compare(steps: int = STEPS) -> dict[str, float]:
    """Speeds and their ratios; the targets are 0.9 of the bare loop and 2.5 of padded batches."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_documents(folder)
        (few, few_tokens), (many, many_tokens) = (
            packed_seconds(folder, folder / f"run-{count}", count) for count in (2, 2 + 2 * steps)
        )
        packed = (many_tokens - few_tokens) / (many - few)
        documents = Documents.open(folder, "train")
        single = bare_speed(packed_texts(documents), single_loss, steps)
        padded = bare_speed(random_texts(documents), padded_loss, steps // 2)
    torch.set_num_threads(threads)
    return {
        "training, packed through Lightning: tokens per CPU second": packed,
        "training, bare loop over single documents: tokens per CPU second": single,
        "training, right-padded random batches: real tokens per CPU second": padded,
        "training, packed / bare loop": packed / single,
        "training, packed / padded": packed / padded,
    }


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    for name, value in (compare() | compare_values()).items():
        print(f"{name:78} {value:10.2f}")
