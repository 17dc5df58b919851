"""Wrong inputs in small: each is refused in a sentence, and none of the sources can run what a file holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.fuzz import CASES, COMMANDS, trials
from faults.fuzzing import judge, loading
from faults.fuzzing.case import CANARY, Case
from faults.fuzzing.process import Ended
from faults.fuzzing.worker import HERE


def test_every_wrong_input_is_refused(tmp_path: Path) -> None:
    made = list(trials(0, "small", tmp_path))
    assert len(made) == CASES["small"] + COMMANDS["small"]
    assert not [f"{trial.what}: {trial.lost}" for trial in made if trial.lost is not None]


def test_no_source_can_run_what_a_file_holds() -> None:
    assert not list(loading.dangers())


@pytest.mark.parametrize(
    "source",
    [
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=asked)",
        "pickle.load(stream)",
        "np.load(path, allow_pickle=True)",
        "yaml.load(text, Loader)",
        "eval(text)",
        "exec(text)",
        "importlib.import_module(name)",
        "AutoConfig.from_pretrained(folder)",
        "AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True, use_safetensors=True)",
        "AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=False)",
        "subprocess.run(text, shell=True)",
    ],
)
def test_a_dangerous_call_is_found(source: str) -> None:
    assert list(loading.found(f"def f():\n    return {source}\n"))


REFUSED = Ended(1, "", "distill: there is no recipe x\n")


@pytest.mark.parametrize(
    ("ended", "fault"),
    [
        (REFUSED, None),
        (Ended(None, "", ""), "it hung"),
        (Ended(0, "fine", ""), "it did not refuse"),
        (Ended(-9, "", ""), "it died with code -9"),
        (Ended(1, "", "Traceback (most recent call last):\nValueError: x\n"), "it shows its innards"),
        (Ended(1, "", "distill: ValueError('x')\n"), "it shows its innards"),
        (Ended(1, "", ""), "0 sentences"),
        (Ended(1, "", "distill: a\ndistill: b\n"), "2 sentences"),
        (Ended(1, "", f"distill: {'x' * 600}\n"), "its sentence has 610 characters"),
        (Ended(1, "", "distill: \x1b[31mred\n"), "its sentence has control characters"),
        (Ended(1, "", "distill: a\n", growth=3 << 30), "it took 3,072 MB"),
    ],
)
def test_the_judge_tells_what_is_wrong(tmp_path: Path, ended: Ended, fault: str | None) -> None:
    case = Case("recipes", "wrong", ("generate",))
    found = judge.fault(case, ended, tmp_path, {}, {})
    assert found is None if fault is None else found is not None and found.startswith(fault)


def test_the_judge_sees_what_is_written_and_what_has_run(tmp_path: Path) -> None:
    case = Case("recipes", "wrong", ("generate",))
    before = judge.tree(tmp_path)
    (tmp_path / "left").write_text("behind")
    assert "it wrote" in (judge.fault(case, REFUSED, tmp_path, before, judge.tree(tmp_path)) or "")
    (tmp_path / HERE).mkdir()
    (tmp_path / HERE / CANARY).touch()
    assert judge.fault(case, REFUSED, tmp_path, before, before) == "code of the input has run"
