"""Imports point one way, and nothing heavy is loaded before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("pipeline", "generators", "trainers")

FORBIDDEN = {
    "generators": {
        "pipeline",
        "trainers",
        "torch",
        "lightning",
        "transformers",
        "jsonargparse",
        "ray",
        "datasets",
    },
    "trainers": {"pipeline", "generators", "polars", "pyarrow", "ray", "jsonargparse", "datasets"},
}
"""What a package must never import, at the top of a file or inside a function."""

HOMES = {"chess": ("generators/chess", "pipeline/play"), "pyswip": ("generators/prolog",)}
"""Where a library may be imported: python-chess is GPL, and a maze run needs no engine."""


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Dotted names of every module that a file imports, relative ones made absolute."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*above, *filter(None, [node.module])))
            yield from (f"{base}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_arrow_points_the_wrong_way(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(package)
        for name in imported(path)
        if name.split(".")[0] in FORBIDDEN[package]
    ]
    assert not wrong


def test_a_domain_knows_no_other_domain() -> None:
    domains = [
        folder.name for folder in (ROOT / "generators").iterdir() if (folder / "__init__.py").is_file()
    ]
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for domain in domains
        for path in sources(f"generators/{domain}")
        for name in imported(path)
        if name.split(".")[0] == "generators" and name.split(".")[1] in set(domains) - {domain}
    ]
    assert not wrong


def test_pipeline_imports_no_domain_by_name() -> None:
    allowed = {"generators.domain", "generators.installed", "generators.words"}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources("pipeline")
        for name in imported(path)
        if name.startswith("generators.") and ".".join(name.split(".")[:2]) not in allowed
        if not path.is_relative_to(ROOT / "pipeline" / "play")
    ]
    assert not wrong


@pytest.mark.parametrize("library", HOMES)
def test_an_engine_is_imported_at_home_alone(library: str) -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in sources(package)
        if library in {name.split(".")[0] for name in imported(path)}
        and not any(path.is_relative_to(ROOT / home) for home in HOMES[library])
    ]
    assert not wrong


def test_the_reader_of_imports_sees_every_form() -> None:
    here = list(imported(Path(__file__)))
    assert {"ast", "pathlib.Path", "collections.abc.Iterator"} <= set(here)
    wrong = ROOT / "trainers" / "sampler.py"
    assert "torch" in {name.split(".")[0] for name in imported(wrong)}


def loaded_after(code: str) -> set[str]:
    """Top-level modules that are loaded once `code` has run in a process of its own."""
    script = f"{code}\nimport sys; print('loaded:', *{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("loaded:")[2].split())


HEAVY = {
    "torch",
    "transformers",
    "lightning",
    "tensorboard",
    "matplotlib",
    "jinja2",
    "datasets",
    "chess",
    "pyswip",
    "ray",
}


def test_help_loads_nothing_heavy() -> None:
    asked = """
import sys
sys.argv = ["distill", "--help"]
from pipeline.__main__ import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""
    assert not loaded_after(asked) & HEAVY


def test_reading_a_recipe_loads_neither_torch_nor_its_domain_s_neighbours() -> None:
    assert not loaded_after("from pipeline.recipe import load; load('maze-demo')") & HEAVY


def test_trainers_work_without_the_libraries_of_the_pipeline() -> None:
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sources("trainers")
        if path.name not in ("__init__.py", "__main__.py")
    ]
    blocked = "import sys; sys.modules.update(dict.fromkeys(['polars', 'ray', 'jsonargparse']))\n"
    loaded_after(blocked + "\n".join(f"import {module}" for module in modules))
