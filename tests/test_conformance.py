"""Domains of installed packages: held to the contract, used by every stage, refused in a sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import packages
import polars as pl
import pytest

from generators import installed
from generators.domain import BadProblem, domain_class
from generators.installed import RESERVED, BadPackage
from pipeline import schema
from pipeline.cli import main
from pipeline.conformance import CHECKS
from pipeline.provenance import source_hash
from pipeline.recipe import build

RECIPE = """
name: tiles
about: A domain of an installed package.
domain: {name: tiles, moves: 5}
generate: {rows: 240, shard_rows: 80}
curate: {validation: 0.1, test: 0.2}
model: {layers: 1, width: 32, heads: 2, kv_heads: 1, context: 256}
fit: {steps: 2, warmup: 1, batch_tokens: 1024, validation_rows: 8}
evaluate: {problems: 4, samples: 2}
report: {examples: 1, rollouts: 8, playable: 8}
"""
SOLVER = """
from dataclasses import dataclass
from generators.maze import Maze

@dataclass(frozen=True, kw_only=True)
class Tiles(Maze):
    name = "tiles"
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in which packages can be installed."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    installed._found.cache_clear()
    source_hash.cache_clear()
    yield folder
    installed._found.cache_clear()
    source_hash.cache_clear()
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
            del sys.modules[name]


def run(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A whole command, with the packages of `site` installed."""
    root = str(Path(__file__).parents[1])
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((root, str(site))), "COLUMNS": "200"},
    )


def told(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())


def test_the_readme_s_domain_conforms(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packages.install(site, "tiles-teacher", packages.example())
    assert main(["conform", "tiles", "--rows", "30"]) == 0
    shown = capsys.readouterr().out
    assert "the package tiles-teacher 1.0" in shown
    assert shown.count("passed") == len(CHECKS) - 1  # it has no values
    assert "failed" not in shown
    assert domain_class("tiles").__name__ == "Tiles"


def test_the_readme_s_domain_goes_through_every_stage(site: Path, tmp_path: Path) -> None:
    packages.install(site, "tiles-teacher", packages.example())
    recipe, artifacts = tmp_path / "tiles.yaml", tmp_path / "artifacts"
    recipe.write_text(RECIPE)
    made = run(site, "report", "--recipe", str(recipe), "--artifacts", str(artifacts), "--workers", "2")
    assert made.returncode == 0, made.stderr
    manifests = {
        path.parent.parent.name: json.loads(path.read_text()) for path in artifacts.glob("*/*/manifest.json")
    }
    assert set(manifests) == {"generate", "curate", "encode", "train", "evaluate", "report"}
    assert manifests["generate"]["settings"]["identity"] == {"package": "tiles-teacher 1.0"}
    assert manifests["generate"]["domain_package"] == "tiles-teacher 1.0"
    assert "100.0% verified" in manifests["generate"]["summary"]
    data, checkpoint = (next((artifacts / name).iterdir()) for name in ("curate", "train"))
    rows = pl.read_parquet(str(data / "data" / "test-*.parquet"))
    looked = run(site, "inspect", str(data), "--row", rows["problem_id"][0], "--step")
    assert looked.returncode == 0, looked.stderr
    assert "plan" in looked.stdout
    answered = run(site, "solve", "--checkpoint", str(checkpoint / "last"), "--problem", "12345_ 1_5324")
    assert answered.returncode == 0, answered.stderr
    assert "verdict" in answered.stdout


def test_a_teacher_derived_from_a_domain_of_ours_is_one_of_its_own(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packages.install(site, "other-teacher", SOLVER)
    made = build({"name": "test", "domain": {"name": "tiles", "width": 4, "height": 4}})
    assert made.domain.name == "tiles"
    before = source_hash("tiles")
    assert before != source_hash("maze")
    (site / "other_teacher.py").write_text(SOLVER + "\n# another version\n")
    source_hash.cache_clear()
    assert source_hash("tiles") != before


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("import no_such_module", "cannot be loaded from other_teacher:Tiles: ModuleNotFoundError"),
        ("def broken(:", "cannot be loaded from other_teacher:Tiles: SyntaxError"),
        ("1 / 0", "cannot be loaded from other_teacher:Tiles: ZeroDivisionError: division by zero"),
        ("Other = 1", "cannot be loaded from other_teacher:Tiles: AttributeError"),
        ("class Tiles: name = 'tiles'", "is not a subclass of generators.domain.Domain"),
        ("def Tiles(): pass", "is not a subclass of generators.domain.Domain"),
        (
            packages.example().replace("def search(", "def sought("),
            "lacks the methods search",
        ),
        (
            packages.example().replace("@dataclass(frozen=True, kw_only=True)\n", ""),
            "must be decorated with @dataclass(frozen=True, kw_only=True)",
        ),
        (packages.example().replace('name = "tiles"', 'name = "slides"'), "calls itself 'slides'"),
        (
            packages.example().replace('mark = "plan"', 'mark = "plan"\n    columns = {"hole": int}'),
            "gives its column 'hole' the type <class 'int'>",
        ),
        (
            packages.example().replace('mark = "plan"', 'mark = "plan"\n    columns = {"cost": None}'),
            "gives its column 'cost' the type None",
        ),
        (
            "import polars as pl\n"
            + packages.example().replace('mark = "plan"', 'mark = "plan"\n    columns = {"row": pl.Int8()}'),
            "has a column 'row', a name that the stages use",
        ),
        (
            packages.example().replace('mark = "plan"', 'mark = "plan"\n    notations = "search"'),
            "needs `notations`, a tuple of one name or more, not 'search'",
        ),
        (
            packages.example().replace('mark = "plan"', 'mark = "plan"\n    value_notations = ("values",)'),
            "names 'values' in `value_notations` that is none of its notations",
        ),
    ],
)
def test_a_broken_package_is_one_sentence_that_names_it(
    site: Path, source: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    packages.install(site, "other-teacher", source)
    assert main(["conform", "tiles"]) == 1
    said = told(capsys)
    assert "the domain 'tiles' of the package other-teacher 1.0" in said
    assert sentence in said
    assert "Traceback" not in said
    assert main(["fields", "--recipe", str(recipe_of(site))]) == 1
    assert sentence in told(capsys)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("        raise ValueError(", "        raise KeyError(", None),
        ("len(path) - 1\n", "'one'\n", "fails: "),
        ("slides(path[-1]) if", "slides(path[-7]) if", "fails: IndexError at tiles_teacher.py:"),
        (
            'mark = "plan"',
            'mark = "plan"\n    columns = {"hole": __import__("polars").Int8()}',
            "`solve` of the domain 'tiles' of the package tiles-teacher 1.0 gives no column 'hole'",
        ),
    ],
)
def test_a_package_that_fails_at_work_is_named(
    site: Path, tmp_path: Path, old: str, new: str, sentence: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert old in packages.example()
    packages.install(site, "tiles-teacher", packages.example().replace(old, new))
    words = ["generate", "--recipe", str(recipe_of(site)), "--artifacts", str(tmp_path / "artifacts")]
    code = main([*words, "--workers", "1", "--generate.rows=80"])
    said = told(capsys)
    assert code == (0 if sentence is None else 1), said
    if sentence is not None:
        assert sentence in said
        assert "the package tiles-teacher 1.0" in said


def recipe_of(site: Path) -> Path:
    path = site / "tiles.yaml"
    path.write_text(RECIPE)
    return path


def test_no_package_takes_over_a_name(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packages.install(site, "maze-teacher", packages.example(), domain="maze")
    assert main(["fields", "--recipe", "maze-demo"]) == 1
    assert "the package maze-teacher 1.0 registers the domain 'maze', which is one of this project" in told(
        capsys
    )
    packages.install(site, "first-teacher", packages.example())
    packages.install(site, "second-teacher", packages.example())
    installed._found.cache_clear()
    with pytest.raises(BadPackage, match=r"teacher 1\.0 and the package .* both register the domain 'tiles'"):
        domain_class("tiles")


def test_an_unknown_name_lists_what_is_installed(site: Path) -> None:
    packages.install(site, "tiles-teacher", packages.example())
    with pytest.raises(BadProblem, match=r"no domain 'tile'; there are: chess, maze, prolog, tiles"):
        domain_class("tile")


@pytest.mark.parametrize(
    ("old", "new", "check", "reason"),
    [
        ("len(path) - 1\n", "len(path)\n", "verifying", "`answer_cost`"),
        ('Worth("optimal", len(moves))', 'Worth("valid", len(moves))', "verifying", "each `verdict`"),
        ("return start, goal", "return STATES[0], slides(STATES[0])[0]", "drawing", "the same problems"),
        ('example = "12345_ 1_5324"', 'example = "12345_"', "reading", "must be two states"),
        (
            "return (self.mark, *STATES)",
            'return (self.mark, "eos", *STATES)',
            "alphabets",
            "'eos' of 'search'",
        ),
        ("(state,) in enumerate", "(state, _) in enumerate", "verifying", "ValueError at tiles_teacher.py"),
        (
            "mark, *plan = answer or",
            "mark, *plan = answer if 1 else",
            "noise",
            "ValueError at tiles_teacher.py",
        ),
    ],
)
def test_what_breaks_the_contract_is_told(
    site: Path, old: str, new: str, check: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert old in packages.example()
    packages.install(site, "tiles-teacher", packages.example().replace(old, new))
    assert main(["conform", "tiles", "--rows", "12"]) == 1
    shown = capsys.readouterr()
    failed = [line for line in shown.out.splitlines() if "failed" in line]
    assert any(line.strip().startswith(check) for line in failed), shown.out
    assert reason.split()[0] in shown.out
    assert "checks of the contract" in shown.err


def test_wrong_words_on_the_command_line_are_refused(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packages.install(site, "tiles-teacher", packages.example())
    for words, sentence in (
        (["conform", "nothing"], "there is no domain 'nothing'"),
        (["conform", "tiles", "--rows", "3"], "--rows must be 10 or more, got 3"),
        (["conform", "tiles", "--fit.steps=3"], "only knobs of the domain"),
        (["conform", "tiles", "--domain.moves=0"], "domain.moves must be at least 1, got 0"),
        (["conform", "tiles", "--domain.speed=1"], "unknown recipe field domain.speed"),
    ):
        assert main(words) == 1
        assert sentence in told(capsys)


def test_reserved_names_are_those_of_the_stages() -> None:
    domain = build({"name": "test", "domain": {"name": "maze"}}).domain
    stored = {*schema.improved(domain), *schema.rejected(domain)} - set(domain.columns)
    assert stored <= RESERVED
