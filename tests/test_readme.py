"""The README is true: its commands, stages, recipes and links exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline import recipe
from pipeline.cli import main
from pipeline.stages import STAGES

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PACKAGE_READMES = [ROOT / package / "README.md" for package in ("pipeline", "generators", "trainers")]
PAGES = [README, *PACKAGE_READMES]
RECIPES = sorted(path.stem for path in recipe.RECIPES.glob("*.yaml"))
STAGE_NAMES = [stage.name for stage in STAGES]


def code(page: Path) -> str:
    """What stands in fences and between backticks, a piece a line."""
    text = page.read_text()
    fenced = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    return "\n".join([*fenced, *inline])


def commands(page: Path, program: str) -> set[str]:
    """The words that follow `program` in the code of a page; `make a|b|c` names three."""
    named = re.findall(rf"(?:^|[\s$(`]){program} +([a-z][a-z|-]*)\b(?!=)", code(page), re.MULTILINE)
    return {word for each in named for word in each.split("|")}


def targets() -> list[str]:
    """The targets that `make help` lists, in its order."""
    return re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_named_exists(page: Path) -> None:
    assert commands(page, "make") <= set(targets())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
@pytest.mark.parametrize("program", ["distill", r"python3? -m pipeline"])
def test_every_command_named_exists(page: Path, program: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in sorted(commands(page, program)):
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0, f"{command}: {capsys.readouterr().err}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_recipe_named_exists(page: Path) -> None:
    named = re.findall(r"(?:RECIPE=|--recipe[ =]|pipeline/recipes/)([a-z0-9][\w-]*)(?!\w*/)\b", code(page))
    assert set(named) - {"name", "my"} <= {*RECIPES, "pipeline"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


def test_the_stages_stand_in_their_order_everywhere() -> None:
    """In the README a stage begins a line or the row of a table; in `make help` it is a target."""
    begun = re.findall(r"^[|\s`]*([a-z]+)\b", README.read_text(), re.MULTILINE)
    assert list(dict.fromkeys(word for word in begun if word in STAGE_NAMES)) == STAGE_NAMES
    assert [target for target in targets() if target in STAGE_NAMES] == STAGE_NAMES


def test_the_readme_is_short() -> None:
    """The complete domain does not count; it has a limit of its own."""
    text = README.read_text()
    (domain,) = re.findall(r'^```python\n("""Sliding tiles.*?)^```', text, re.DOTALL | re.MULTILINE)
    assert len(domain.splitlines()) < 100
    assert len(text.splitlines()) - len(domain.splitlines()) <= 250


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_parses(name: str) -> None:
    loaded = recipe.load(name)
    assert loaded.name == name
    assert loaded.about, f"{name} needs a sentence on what it is about"


def test_help_fits_a_terminal() -> None:
    for name, about in re.findall(r"^([a-z-]+):.*## (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE):
        assert len(f"  {name:12} {about}") <= 80
