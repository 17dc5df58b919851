"""The wheel: what is in it, and that it works alone, without the repository and the tools of developers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SMALL = {
    "domain.width": 4,
    "domain.height": 4,
    "generate.rows": 200,
    "generate.shard_rows": 100,
    "curate.validation": 0.2,
    "curate.test": 0.2,
    "model.layers": 1,
    "model.width": 32,
    "model.heads": 2,
    "model.kv_heads": 1,
    "model.context": 192,
    "fit.steps": 2,
    "fit.warmup": 1,
    "fit.batch_tokens": 1024,
    "fit.validation_rows": 8,
    "bootstrap": "null",
    "evaluate.problems": 3,
    "evaluate.samples": 1,
    "report.examples": 1,
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `make dist`."""
    pytest.importorskip("hatchling", reason="hatchling is not installed (extra dev)")
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def distill(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a fresh environment: the wheel, the libraries that it declares, and none of `dev`."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "-q"]
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True)
    (site,) = (folder / "lib").glob("python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    hidden = dict.fromkeys(_developers() | {"search_trace_distillation"})
    (site / "sitecustomize.py").write_text(f"import sys\nsys.modules.update({hidden})\n")
    return folder / "bin" / "distill"


def _developers() -> set[str]:
    """Modules of the extra `dev` that no dependency of ours brings along."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    names = {re.split(r"[\[><=~ ]", each)[0] for each in extras["dev"]}
    return {name.lower().replace("-", "_") for name in names}


def run(distill: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command far from the repository; kernels are interpreted, for compiling them takes a minute."""
    hidden = ("PYTHONPATH", "PYTHONHOME")
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run(
        [str(distill), *words],
        cwd=folder,
        env={**env, "NUMBA_DISABLE_JIT": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_holds_all_that_runs_and_nothing_else(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    listed = subprocess.run(
        ["git", "ls-files", "pipeline", "generators", "trainers"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        there = {name for name in listed.stdout.split() if (ROOT / name).is_file()}
        assert there <= inside, sorted(there - inside)
    for ending in (".yaml", ".j2", "view.js", "view.css", "player.js", "report.css", ".pl", "py.typed"):
        assert any(name.endswith(ending) for name in inside), ending
    tops = {name.split("/")[0] for name in inside}
    assert {each for each in tops if not each.endswith(".dist-info")} == {
        "pipeline",
        "generators",
        "trainers",
    }
    assert not [name for name in inside if "__pycache__" in name or name.endswith((".pyc", ".nbi", ".nbc"))]


def test_its_metadata_names_the_extras_and_the_command(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (about,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    text = archive.read(about).decode()
    for extra in ("ray", "s3"):
        assert f"Provides-Extra: {extra}" in text
        assert re.search(rf"^Requires-Dist: .*; extra == '{extra}'$", text, re.MULTILINE)
    entries = archive.read(about.replace("METADATA", "entry_points.txt")).decode()
    assert "distill = pipeline.__main__:main" in entries


def test_the_source_archive_builds_it_again(built: Path) -> None:
    (found,) = built.glob("*.tar.gz")
    with tarfile.open(found) as archive:
        inside = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"pyproject.toml", "README.md", "LICENSE", "pipeline/__main__.py"} <= inside
    assert not [name for name in inside if name.startswith(("artifacts/dist", ".venv"))]


def test_it_works_alone(distill: Path, tmp_path: Path) -> None:
    helped = run(distill, tmp_path, "--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    listed = run(distill, tmp_path, "recipes")
    assert listed.returncode == 0, listed.stderr
    recipes = {path.stem for path in (ROOT / "pipeline" / "recipes").glob("*.yaml")}
    assert recipes <= set(listed.stdout.split())
    words = [f"--{name}={value}" for name, value in SMALL.items()]
    made = run(distill, tmp_path, "report", "--recipe", "maze-demo", "--workers", "1", *words)
    assert made.returncode == 0, made.stderr
    (page,) = tmp_path.glob("artifacts/report/*/report.html")
    assert "<svg" in page.read_text()
    (manifest,) = tmp_path.glob("artifacts/generate/*/manifest.json")
    assert '"commit": null' in manifest.read_text()
    assert '"search-trace-distillation": "0.1.0"' in manifest.read_text()


@pytest.mark.parametrize("verb", ["generate", "status", "sweep", "results", "conform", "compare"])
def test_its_verbs_are_there(distill: Path, tmp_path: Path, verb: str) -> None:
    helped = run(distill, tmp_path, verb, "--help")
    assert helped.returncode == 0, helped.stderr
