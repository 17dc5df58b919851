"""A recipe is parsed once, at the edge, and a wrong one is refused in a sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from generators.chess import Chess
from pipeline.cli import main
from pipeline.errors import Refusal
from pipeline.recipe import RECIPES, Recipe, build, load
from pipeline.stage import parse_shards

BASE = {"name": "test", "domain": {"name": "maze", "width": 5, "height": 5}}


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_parses(path: Path) -> None:
    recipe = load(path.stem)
    assert recipe.name == path.stem
    assert recipe.about
    assert recipe.notation in recipe.domain.notations


CHESS = sorted(path.stem for path in RECIPES.glob("chess-*.yaml"))


@pytest.mark.parametrize("name", [*CHESS, ""])
def test_a_shard_of_the_slowest_teacher_is_under_a_minute(name: str) -> None:
    """Chess has some thirty moves a position; a core of 2020 searches half a million nodes a second."""
    recipe = load(name) if name else build({"name": "default", "domain": {"name": "chess"}})
    chess = recipe.domain
    assert isinstance(chess, Chess)
    nodes = chess.root_nodes + (30 * chess.nodes if chess.mode == "child" else 0)
    assert recipe.generate.shard_rows * nodes < 20_000_000


def test_overrides_win_wherever_they_stand() -> None:
    recipe = load("maze-demo", [("domain.width", "9"), ("fit.learning_rate", "1e-3"), ("generate.rows", "7")])
    assert (recipe.domain.width, recipe.fit.learning_rate, recipe.generate.rows) == (9, 1e-3, 7)  # type: ignore[attr-defined]
    assert load("maze-demo", [("bootstrap", "null")]).bootstrap is None
    rounds = load("maze-demo", [("bootstrap.rounds", "5"), ("bootstrap.fit.steps", "3")]).bootstrap
    assert rounds is not None
    assert (rounds.rounds, rounds.fit.steps, rounds.fit.start_with) == (5, 3, "everything")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"modle": {}}, "unknown recipe field modle; did you mean model?"),
        ({"model": {"layer": 2}}, "unknown recipe field model.layer; did you mean model.layers?"),
        ({"domain": {"name": "maze", "wdth": 3}}, "unknown recipe field domain.wdth"),
        ({"domain": {"name": "labyrinth"}}, "there is no domain 'labyrinth'"),
        ({"domain": {"name": "maze", "width": 1}}, "1"),
        ({"domain": "maze"}, "domain.name"),
        ({"fit": 3}, "fit needs fields"),
        ({"fit": {"optimizer": "sgd"}}, "optimizer"),
        ({"fit": {"steps": "many"}}, "steps"),
        ({"fit": {"steps": 1.5}}, "steps"),
        ({"model": {"width": 100, "heads": 3}}, "100 is not a multiple of model.heads 3"),
        ({"curate": {"test": 0.7, "validation": 0.5}}, "curate.validation 0.5 and curate.test 0.7"),
        ({"encode": {"notation": "morse"}}, "no notation 'morse'"),
        ({"generate": {"rows": 0}}, "at least 1"),
    ],
)
def test_impossible_recipes_are_refused(change: dict[str, object], sentence: str) -> None:
    with pytest.raises((Refusal, ValueError)) as refused:
        build({**BASE, **change})
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "tree",
    [
        {**BASE, "bootstrap": {"class_path": "this.zen"}},
        {**BASE, "domain": {"name": "maze", "class_path": "this.zen"}},
        {**BASE, "fit": "this.zen"},
        {"name": "test", "domain": {"name": "this:zen"}},
        {"name": "test", "domain": {"class_path": "this.zen"}},
    ],
)
def test_a_recipe_never_imports_what_it_names(tree: dict[str, object]) -> None:
    sys.modules.pop("this", None)
    with pytest.raises((Refusal, ValueError)):
        build(tree)
    assert "this" not in sys.modules


def test_yaml_tags_run_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = tmp_path / "evil.yaml"
    evil.write_text("domain: !!python/object/apply:os.system ['touch /tmp/never']\n")
    assert main(["generate", "--recipe", str(evil)]) == 1
    assert "is not YAML" in capsys.readouterr().err


def test_variants_are_recipes_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(
        "domain: {name: maze, width: 5, height: 5}\n"
        "variants:\n  a: {encode: {notation: cells}}\n  b: {fit: {optimizer: adamw}}\n"
    )
    recipe = load(str(path), [("fit.steps", "11")])
    assert isinstance(recipe, Recipe)
    assert list(recipe.expanded()) == ["a", "b"]
    assert recipe.variants["a"].notation == "cells"
    assert recipe.variants["b"].fit.optimizer == "adamw"
    assert {each.fit.steps for each in recipe.variants.values()} == {11}
    assert list(load("maze-demo").expanded()) == ["maze-demo"]


def test_shards_are_numbers_and_ranges() -> None:
    assert parse_shards("0-2,7,9-9") == (0, 1, 2, 7, 9)
    for wrong in ("a", "1-", "-1", "1-b", ""):
        with pytest.raises(Refusal, match="--shards takes"):
            parse_shards(wrong)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["generate"], "name a recipe"),
        (["generate", "--recipe", "nope"], "there is no recipe nope"),
        (["generate", "--recipe", "maze-demo", "--domain.widht=4"], "did you mean domain.width?"),
        (["generate", "--recipe", "maze-demo", "--domain.width"], "needs a value"),
        (["generate", "--recipe", "maze-demo", "--domain.source", "/no/file"], "there is no file /no/file"),
        (["inspect", "/no/such/folder"], "no"),
        (["solve", "--checkpoint", "/no/such", "--problem", "S.G"], "/no/such"),
        (["export", "--checkpoint", "/no/such", "--to", "/tmp/never"], "/no/such"),
        (["evaluate", "--checkpoint", "/no/such", "--on", "x"], "/no/such"),
        (["evaluate", "--checkpoint", "/no/such"], "--on"),
        (["solve", "--checkpoint", "x", "--problem", "S.G", "--fit.steps=3"], "unknown option --fit.steps"),
    ],
)
def test_faults_are_one_sentence(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 1
    told = capsys.readouterr().err
    assert sentence in told
    assert "Traceback" not in told
    assert len(told.strip().splitlines()) <= 3


def test_a_recipe_can_list_others(tmp_path: Path) -> None:
    both = tmp_path / "both.yaml"
    both.write_text("about: two\nrecipes: [maze-demo, maze-notations]\n")
    recipe = load(str(both))
    assert (recipe.name, recipe.about) == ("both", "two")
    assert next(iter(recipe.expanded())) == "maze-demo"
    assert recipe.expanded()["maze-demo"] == load("maze-demo")
    assert len(recipe.expanded()) == 1 + len(load("maze-notations").expanded())
    for text, cause in (
        (f"recipes: [{both}]", "lists recipes itself"),
        ("recipes: []", "must be a list"),
        ("recipes: [maze-demo]\nseed: 3", "this one has seed"),
        ("recipes: [no-such-recipe]", "there is no recipe no-such-recipe"),
    ):
        wrong = tmp_path / "wrong.yaml"
        wrong.write_text(text)
        with pytest.raises(Refusal, match=cause):
            load(str(wrong))


@pytest.mark.parametrize(
    ("content", "cause"),
    [(b"domain: {name: maze", "is not YAML"), (b"about: \xff", "is not YAML"), (b"- maze", "has no fields")],
)
def test_a_listed_recipe_that_cannot_be_read_is_refused_by_name(
    content: bytes, cause: str, tmp_path: Path
) -> None:
    part, both = tmp_path / "part.yaml", tmp_path / "both.yaml"
    part.write_bytes(content)
    both.write_text(f"recipes: [{part}]")
    for path in (part, both):
        with pytest.raises(Refusal) as refused:
            load(str(path))
        said = str(refused.value)
        assert said.startswith(f"{part} is not")
        assert cause in said
        assert "\n" not in said
