"""Training as a whole: the loss, checkpoints, resume after a kill, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import os
import pickle
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from encoded import SEPARATOR, write_copying, write_split, write_tokens
from rich.console import Console
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from trainers.batches import Packer, Plan
from trainers.config import BadSettings, Fit, Model
from trainers.documents import Documents
from trainers.fit import fit
from trainers.learner import Learner
from trainers.meter import Meter, Work, flops
from trainers.model import build
from trainers.progress import ProgressBar
from trainers.targets import expected
from trainers.tokens import Tokens

TINY = Model(layers=2, width=32, heads=2, kv_heads=1, context=32)
SHORT = Fit(
    steps=24,
    batch_tokens=128,
    accumulate=2,
    warmup=2,
    log_every=5,
    save_every=7,
    validate_every=10,
    validation_rows=20,
)


def run(ids: Path, out: Path, settings: Fit = SHORT, model: Model = TINY, **others: Any) -> dict[str, Any]:
    return fit(ids=ids, out=out, model=model, fit=settings, progress=False, **others)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def same(one: Path, other: Path) -> bool:
    ours, theirs = weights(one), weights(other)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def figures(out: Path) -> list[dict[str, str]]:
    """The lines of metrics.csv without what a clock decides."""
    with (out / "logs" / "metrics.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    return [{k: v for k, v in line.items() if k not in ("tokens_per_second", "seconds")} for line in lines]


@pytest.fixture(scope="session")
def undisturbed(copying: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    run(copying, out)
    return out


# ---- the loss ----


@pytest.mark.parametrize("average", ["token", "sequence"])
def test_the_packed_loss_is_that_of_separate_documents(copying: Path, average: str) -> None:
    documents = Documents.open(copying, "train")
    torch.manual_seed(0)
    model = build(TINY, Tokens.read(copying))
    packer = Packer(documents=documents, batch_tokens=128, longest=32, average=average)
    (row,) = islice(Plan(documents.lengths, 128, 0).rows(), 1)
    learner = Learner(model, Tokens.read(copying), Fit(average=average), packer)
    packed = learner.loss(packer.batch(row, packer.weight(row)))

    losses = []
    for index in row.tolist():
        ids, prompt, _ = documents.example(index)
        text = torch.from_numpy(ids.astype(np.int64))
        logits = model(input_ids=text[None], use_cache=False).logits[0, prompt - 1 : -1]
        losses.append(torch.nn.functional.cross_entropy(logits, text[prompt:], reduction="none"))
    means = torch.stack([loss.mean() for loss in losses])
    wanted = torch.cat(losses).mean() if average == "token" else means.mean()
    torch.testing.assert_close(packed, wanted)


def test_losses_stay_in_float32_under_autocast(copying: Path) -> None:
    documents = Documents.open(copying, "train")
    torch.manual_seed(0)
    model = build(TINY, Tokens.read(copying))
    packer = Packer(documents=documents, batch_tokens=128, longest=32)
    learner = Learner(model, Tokens.read(copying), Fit(), packer)
    batch = packer.batch(np.arange(5), packer.weight(np.arange(5)))
    precise = learner.loss(batch)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = learner.loss(batch)
        numbers = expected(torch.randn(3, 8))
    assert mixed.dtype == numbers.dtype == torch.float32
    # Neither rounded to bfloat16 nor far from float32.
    assert mixed.bfloat16().float() != mixed
    torch.testing.assert_close(mixed, precise, rtol=0.01, atol=0.01)


def test_a_tiny_model_learns_to_copy(tmp_path: Path) -> None:
    ids = write_copying(tmp_path / "ids", rows=2000, length=4, words=8)
    settings = Fit(steps=160, batch_tokens=512, warmup=10, loggers=(), validate_every=80, save_every=160)
    found = run(ids, tmp_path / "run", settings, replace(TINY, width=64))
    assert found["best_validation_loss"] < 0.25


def test_flops_count_weights_where_they_are_used(copying: Path) -> None:
    model = build(replace(TINY, tied=False), Tokens.read(copying))
    layers = sum(w.numel() for w in model.base_model.layers.parameters()) + 32
    head = model.get_output_embeddings().weight.numel()
    # Two documents of 10 and 20 tokens, 12 of which are predicted.
    work = Work(tokens=30, predicted=12, squares=500)
    assert flops(model, work) == 6 * (layers * 30 + head * 12) + 6 * 2 * 32 * 500


# ---- what a run leaves behind ----


def test_checkpoints_load_offline_and_bring_their_vocabulary(undisturbed: Path, copying: Path) -> None:
    for name in ("best", "last"):
        folder = undisturbed / name
        model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
        assert torch.equal(model.get_input_embeddings().weight, weights(folder)["model.embed_tokens.weight"])
        assert (folder / "vocabulary.json").read_bytes() == (copying / "vocabulary.json").read_bytes()
    assert (undisturbed / "last" / "state.ckpt").is_file()
    assert not (undisturbed / "best" / "state.ckpt").exists()


def test_nothing_is_written_elsewhere(
    copying: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    run(copying, tmp_path / "run", replace(SHORT, steps=2, loggers=()))
    assert not list((tmp_path / "here").iterdir())
    assert capfd.readouterr() == ("", "")


def test_logs_hold_every_logged_step_once_and_training_lowers_the_loss(undisturbed: Path) -> None:
    lines = figures(undisturbed)
    assert [line["step"] for line in lines] == ["5", "10", "15", "20", "24"]
    assert [bool(line["validation_loss"]) for line in lines] == [False, True, False, True, True]
    assert float(lines[-1]["train_loss"]) < float(lines[0]["train_loss"])
    assert all(float(line["real_share"]) > 0.9 for line in lines)
    assert list((undisturbed / "logs" / "tensorboard").glob("events*"))


def test_the_summary_is_json_and_a_finished_run_returns_it_at_once(copying: Path, undisturbed: Path) -> None:
    before = time.perf_counter()
    summary = run(copying, undisturbed)
    assert time.perf_counter() - before < 0.5
    assert json.loads(json.dumps(summary)) == summary
    assert (summary["steps"], summary["device"], summary["mfu"]) == (24, "cpu", None)
    assert summary["tokens_per_second"] > 0


def test_log_spaced_checkpoints_are_kept_by_option(copying: Path, tmp_path: Path) -> None:
    run(copying, tmp_path / "run", replace(SHORT, steps=5, log_spaced=True, loggers=()))
    found = sorted(path.name for path in (tmp_path / "run").glob("step-*"))
    assert found == ["step-000001", "step-000002", "step-000004"]


def test_without_validation_the_last_weights_are_the_best(copying: Path, tmp_path: Path) -> None:
    found = run(copying, tmp_path / "run", replace(SHORT, steps=3, validation_rows=0, loggers=()))
    assert found["best_validation_loss"] is None
    assert same(tmp_path / "run" / "best", tmp_path / "run" / "last")


def test_the_same_settings_give_the_same_weights(copying: Path, undisturbed: Path, tmp_path: Path) -> None:
    run(copying, tmp_path / "run")
    assert same(tmp_path / "run" / "last", undisturbed / "last")
    run(copying, tmp_path / "run", replace(SHORT, seed=1), resume=False)
    assert not same(tmp_path / "run" / "last", undisturbed / "last")


def test_the_bar_shows_figures_on_a_terminal_and_nothing_elsewhere() -> None:
    class Trainer:
        is_global_zero, max_steps, global_step = True, 10, 3

    def shown(terminal: bool) -> str:
        meter = Meter(1)
        meter.latest = {"train_loss": 0.5, "tokens_per_second": 12_345.0}
        file = io.StringIO()
        bar = ProgressBar(meter, None, Console(file=file, force_terminal=terminal, width=120))
        bar.on_train_start(Trainer(), None)
        bar.on_train_batch_end(Trainer(), None)
        bar.on_train_end()
        return file.getvalue()

    assert "loss 0.5000  12,345 tokens/s" in shown(terminal=True)
    assert shown(terminal=False) == ""


# ---- kill -9 ----

CHILD = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = sys.argv[3:]
renames, rename = 0, Path.rename

def deadly(self, target):
    global renames
    renames += self.name in ("last", ".last.partial")
    if renames == int(os.environ["KILL_AT_RENAME"]):
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(self, target)

Path.rename = deadly
from test_fit import run
run(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def child(copying: Path, out: Path, kill_at_rename: int) -> subprocess.Popen[bytes]:
    here = Path(__file__).parent
    arguments = [sys.executable, "-c", CHILD, str(copying), str(out), str(here), str(here.parent.parent)]
    return subprocess.Popen(arguments, env={**os.environ, "KILL_AT_RENAME": str(kill_at_rename)})


def test_a_killed_run_ends_with_the_same_bits_as_an_undisturbed_one(
    copying: Path, undisturbed: Path, tmp_path: Path
) -> None:
    process = child(copying, tmp_path / "run", kill_at_rename=-1)
    while not (tmp_path / "run" / "last").exists() and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert (tmp_path / "run" / "last").exists()
    assert not (tmp_path / "run" / "fit.json").exists()
    resumed_equals(copying, undisturbed, tmp_path / "run")


# The saves of `last` rename twice each but the first: between them there is no folder of that name.
@pytest.mark.parametrize("kill_at_rename", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_a_run_killed_while_it_saves_goes_on_from_a_whole_state(
    copying: Path, undisturbed: Path, tmp_path: Path, kill_at_rename: int
) -> None:
    process = child(copying, tmp_path / "run", kill_at_rename)
    assert process.wait(timeout=60) == -signal.SIGKILL
    assert not (tmp_path / "run" / "last").exists()
    resumed_equals(copying, undisturbed, tmp_path / "run")


def resumed_equals(copying: Path, undisturbed: Path, out: Path) -> None:
    summary = run(copying, out)
    assert same(out / "last", undisturbed / "last")
    assert same(out / "best", undisturbed / "best")
    assert figures(out) == figures(undisturbed)
    known = json.loads((undisturbed / "fit.json").read_text())
    for name in ("train_loss", "best_validation_loss", "best_step", "tokens", "epochs"):
        assert summary[name] == known[name]


def test_a_run_killed_before_its_summary_only_writes_that(
    copying: Path, undisturbed: Path, tmp_path: Path
) -> None:
    shutil.copytree(undisturbed, tmp_path / "run")
    (tmp_path / "run" / "fit.json").unlink()
    summary = run(copying, tmp_path / "run")
    known = json.loads((undisturbed / "fit.json").read_text())
    assert summary["train_loss"] == known["train_loss"]
    assert figures(tmp_path / "run") == figures(undisturbed)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(BadSettings, match=r"fit\.steps must be at least 1, got 0"):
        Fit(steps=0)
    with pytest.raises(BadSettings, match=r"fit\.warmup must not be negative, got -1"):
        Fit(warmup=-1)


def test_a_run_of_other_settings_is_not_continued(copying: Path, undisturbed: Path) -> None:
    with pytest.raises(BadSettings, match=r"holds a run with fit\.learning_rate 0\.003, now it is 0\.1"):
        run(copying, undisturbed, replace(SHORT, learning_rate=0.1))
    assert run(copying, undisturbed, replace(SHORT, log_every=1, save_every=3))["steps"] == 24


# ---- starting from a checkpoint ----


def test_a_start_takes_the_weights_or_the_moments_too(
    copying: Path, undisturbed: Path, tmp_path: Path
) -> None:
    still = replace(SHORT, steps=1, accumulate=1, learning_rate=0.0, muon_learning_rate=0.0, loggers=())
    settings = replace(still, start=str(undisturbed / "last"))
    run(copying, tmp_path / "still", settings)
    assert same(tmp_path / "still" / "last", undisturbed / "last")
    for what in ("weights", "everything"):
        moving = replace(settings, learning_rate=0.01, muon_learning_rate=0.01, start_with=what)
        run(copying, tmp_path / what, moving)
    assert not same(tmp_path / "weights" / "last", tmp_path / "everything" / "last")


def refusal(copying: Path, out: Path, settings: Fit, model: Model = TINY) -> str:
    with pytest.raises(BadSettings) as caught:
        run(copying, out, settings, model)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_starts_that_do_not_fit_are_refused_in_a_sentence(
    copying: Path, undisturbed: Path, tmp_path: Path
) -> None:
    def start(folder: Path, **changes: Any) -> Fit:
        return replace(SHORT, start=str(folder), **changes)

    last = undisturbed / "last"
    assert "nowhere does not exist" in refusal(copying, tmp_path / "a", start(tmp_path / "nowhere"))
    deeper = replace(TINY, layers=3)
    assert "model.layers is 3" in refusal(copying, tmp_path / "a", start(last), deeper)
    adamw = start(last, start_with="everything", optimizer="adamw")
    assert "another optimizer" in refusal(copying, tmp_path / "a", adamw)
    no_state = start(undisturbed / "best", start_with="everything")
    assert "state.ckpt does not exist" in refusal(copying, tmp_path / "a", no_state)
    other = write_copying(tmp_path / "other", words=13)
    assert "has another vocabulary" in refusal(other, tmp_path / "a", start(last))
    # What was refused leaves no run behind that would stand in the way of the next call.
    run(copying, tmp_path / "a", replace(SHORT, steps=1, loggers=()))


class Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("sprung",)


def test_a_state_that_would_run_code_is_refused(
    copying: Path, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(undisturbed / "last", tmp_path / "trap")
    (tmp_path / "trap" / "state.ckpt").write_bytes(pickle.dumps(Trap()))
    settings = replace(SHORT, start=str(tmp_path / "trap"), start_with="everything")
    assert "is not a state of ours" in refusal(copying, tmp_path / "run", settings)
    assert not Path("sprung").exists()


# ---- bad input and faults ----


def test_rows_that_are_too_long_are_refused(copying: Path, tmp_path: Path) -> None:
    longest = int(Documents.open(copying, "train").lengths.max())
    message = refusal(copying, tmp_path / "run", SHORT, replace(TINY, context=longest - 1))
    assert f"has {longest} tokens, model.context is {longest - 1}" in message
    message = refusal(copying, tmp_path / "run", replace(SHORT, batch_tokens=longest - 2))
    assert f"fit.batch_tokens is {longest - 2}" in message


def test_missing_data_is_named(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "nothing", tmp_path / "run", SHORT)
    write_tokens(tmp_path / "ids", 12)
    write_split(tmp_path / "ids", "train", [([1, 5, SEPARATOR], [[5, 2]])])
    assert "has no split validation" in refusal(tmp_path / "ids", tmp_path / "run", SHORT)


def test_loggers_that_are_unknown_or_not_installed_are_named(copying: Path, tmp_path: Path) -> None:
    message = refusal(copying, tmp_path / "run", replace(SHORT, loggers=("csv", "paper")))
    assert message == "fit.loggers names paper; known are csv, tensorboard, wandb, mlflow"
    message = refusal(copying, tmp_path / "run", replace(SHORT, loggers=("mlflow",)))
    assert message == "fit.loggers names mlflow, which is not installed: pip install mlflow"


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """Writing a file beyond `size` bytes fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [20_000, 100_000])
def test_a_full_disk_is_an_oserror_and_leaves_no_half_checkpoint(
    copying: Path, tmp_path: Path, size: int
) -> None:
    with disk_of(size), pytest.raises(OSError, match=r"the checkpoint .* could not be written"):
        run(copying, tmp_path / "run", replace(SHORT, loggers=("csv",), validate_every=24))
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert left <= {"run.json", "logs", "best"}


# ---- compilers and GPUs ----


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch's compiler warns about its own doings
def test_compiled_layers_learn_the_same(copying: Path, undisturbed: Path, tmp_path: Path) -> None:
    summary = run(copying, tmp_path / "run", replace(SHORT, compile="on", loggers=()))
    assert summary["compiled"]
    known = json.loads((undisturbed / "fit.json").read_text())
    assert summary["best_validation_loss"] == pytest.approx(known["best_validation_loss"], rel=1e-3)
    assert weights(tmp_path / "run" / "last").keys() == weights(undisturbed / "last").keys()


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore")  # as above
def test_a_gpu_takes_bfloat16_compiled_layers_and_logs_mfu(copying: Path, tmp_path: Path) -> None:
    model = replace(TINY, width=128)  # the packed kernel wants heads of 64
    summary = run(copying, tmp_path / "run", replace(SHORT, loggers=("csv",)), model)
    assert (summary["precision"], summary["compiled"]) == ("bf16-mixed", True)
    assert summary["mfu"] > 0
    assert summary["train_loss"] < 4
