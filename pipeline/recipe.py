"""Recipe: a tree of frozen dataclasses, one branch a stage, read from YAML and the command line."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import yaml

from generators.domain import Domain, domain_class
from pipeline import parsing, trees
from pipeline.errors import Refusal, brief
from trainers.config import Fit, Model, Sampling

RECIPES = Path(__file__).parent / "recipes"
Arm = Literal["model", "teacher", "unchanged"]


def _at_least(least: int, branch: str, **numbers: int | None) -> None:
    for name, number in numbers.items():
        if number is not None and number < least:
            raise ValueError(f"{branch}.{name} must be at least {least}, got {number}")


@dataclass(frozen=True, kw_only=True)
class Generate:
    """How many rows, in shards of what size."""

    rows: int = 10_000
    """Rows to generate, rounded up to whole shards; more rows later are more shards."""
    shard_rows: int = 250
    """Rows of a shard; decides what stands in it. The default is half a minute of the slowest, chess."""
    problems: str = ""
    """A finished `generate` or `curate`, whose problems are solved in place of drawn ones; all of them."""

    def __post_init__(self) -> None:
        _at_least(1, "generate", rows=self.rows, shard_rows=self.shard_rows)

    @property
    def shards(self) -> int:
        """Number of shards that hold the rows."""
        return -(-self.rows // self.shard_rows)


@dataclass(frozen=True, kw_only=True)
class Curate:
    """Which rows make up the data set, and where each one stands."""

    validation: float = 0.05
    """Share of the split keys (layouts, theories, games) for validation."""
    test: float = 0.05
    """Share of the split keys for the test split."""
    level: Literal["none", "legal", "sound", "exact"] = "exact"
    """The trace level that a row must reach."""
    longest: int | None = None
    """Refuse rows with more words than this in prompt, trace and answer (stored form)."""
    file_rows: int = 10_000
    """Rows of one file of the data set."""

    def __post_init__(self) -> None:
        _at_least(1, "curate", file_rows=self.file_rows, longest=self.longest)
        if not (self.validation > 0 < self.test and self.validation + self.test < 1):  # nor for a NaN
            raise ValueError(
                f"curate.validation {self.validation} and curate.test {self.test}"
                " must be above 0 and leave rows to train"
            )


@dataclass(frozen=True, kw_only=True)
class Encode:
    """Words to ids."""

    notation: str = ""
    """A notation of the domain; empty takes its first."""
    too_long: Literal["fail", "refuse"] = "fail"
    """What to do when rows are longer than the model's context: stop, or leave them out and count them."""


@dataclass(frozen=True, kw_only=True)
class Bootstrap:
    """Rounds of sampling, keeping the shortest optimal responses, and fine-tuning on them."""

    rounds: int = 3
    samples: int = 32
    """Responses sampled for every training prompt in a round (k)."""
    prompts: int | None = None
    """Use the first N training problems; null takes all."""
    arms: tuple[Arm, ...] = ("model", "teacher", "unchanged")
    """`model` learns from its own samples, `teacher` from the shortest of k fresh teacher runs, `unchanged`
    goes on with the same data: the controls that show what is learned and what is only picked."""
    select: Literal["shortest", "all-optimal", "random-optimal"] = "shortest"
    level: Literal["none", "legal", "sound", "exact"] = "sound"
    """The trace level that a response must reach to be kept."""
    sampling: Sampling = Sampling()
    fit: Fit = Fit(steps=200, warmup=10, start_with="everything")
    """The fine-tuning of a round; it goes on from the arm's last checkpoint."""
    validation_problems: int = 100
    """Validation problems answered after each round; they decide about the plateau."""
    plateau: float = 0.005
    """Stop when a round shortens the model arm's validation traces by less than this share."""

    def __post_init__(self) -> None:
        _at_least(1, "bootstrap", rounds=self.rounds, samples=self.samples, prompts=self.prompts)
        _at_least(1, "bootstrap", validation_problems=self.validation_problems)
        if not self.arms or len(set(self.arms)) < len(self.arms):
            raise ValueError(f"bootstrap.arms must name each arm once, got {list(self.arms)}")
        if self.fit.start is not None:
            raise ValueError(
                "bootstrap.fit.start cannot be set: a round goes on from the one before; use fit.start"
            )


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """What the held-out split is asked."""

    problems: int | None = 500
    """The first N problems of the split; null takes all."""
    samples: int = 8
    """Responses sampled per problem (k), beside the greedy one; 0 leaves sampling out."""
    sampled_problems: int | None = None
    """Sample for the first N of these problems only; null samples for all."""
    sampling: Sampling = Sampling()

    def __post_init__(self) -> None:
        _at_least(1, "evaluate", problems=self.problems, sampled_problems=self.sampled_problems)
        _at_least(0, "evaluate", samples=self.samples)
        if self.samples and self.sampling.temperature == 0:
            raise ValueError(
                "evaluate.sampling.temperature 0 is greedy, which is always asked: set evaluate.samples 0"
            )


@dataclass(frozen=True, kw_only=True)
class Report:
    """The page at the end."""

    examples: int = 4
    """Problems shown with the teacher's and the model's search, as pictures that stand still."""
    rollouts: int = 1000
    """Responses that the page lists, to be filtered and picked."""
    playable: int = 300
    """Of these so many can be played step by step."""

    def __post_init__(self) -> None:
        _at_least(0, "report", examples=self.examples, rollouts=self.rollouts, playable=self.playable)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One named experiment."""

    name: str
    domain: Domain
    about: str = ""
    """One sentence that `distill recipes` and the report show."""
    seed: int = 0
    generate: Generate = Generate()
    curate: Curate = Curate()
    encode: Encode = Encode()
    model: Model = Model()
    fit: Fit = Fit()
    bootstrap: Bootstrap | None = None
    evaluate: Evaluate = Evaluate()
    report: Report = Report()
    variants: Mapping[str, Recipe] = field(default_factory=dict)
    """Complete recipes by name, each with its overrides applied; stages they share are made once.

    They are those of `variants:`, or the ones that `recipes:` lists.
    """

    @property
    def notation(self) -> str:
        """The notation in use."""
        return self.encode.notation or self.domain.notations[0]

    @property
    def has_values(self) -> bool:
        """Whether the notation scores candidates in place of writing a response."""
        return self.notation in self.domain.value_notations

    @property
    def late(self) -> dict[str, Any]:
        """The domain's knobs that decide nothing about stored rows, as settings of the stages behind."""
        knobs = {name: getattr(self.domain, name) for name in self.domain.late}
        return {"domain": knobs} if knobs else {}

    def expanded(self) -> dict[str, Recipe]:
        """The variants, or the recipe itself where it has none."""
        return dict(self.variants) or {self.name: self}


Tree = dict[str, Any]


def load(source: str, overrides: Sequence[tuple[str, str]] = ()) -> Recipe:
    """A recipe from a YAML file (or one of ours by name), with (dotted field, YAML text) overrides on top."""
    path = recipe_path(source)
    tree = _tree(path)
    tree.setdefault("name", path.stem)
    if "recipes" in tree:
        return _joined(tree, overrides)
    variants = tree.pop("variants", None) or {}
    if not isinstance(variants, dict):
        raise Refusal("variants: must map a name to the fields that it changes")
    changes: Tree = {}
    for name, text in overrides:
        changes = merged(changes, nested(name, text))
    base = build(merged(tree, changes))
    named = {
        name: build(
            merged(merged(merged(tree, _fields(name, change)), changes), {"name": f"{base.name}/{name}"})
        )
        for name, change in variants.items()
    }
    return replace(base, variants=named)


def _tree(path: Path) -> Tree:
    """The fields that a YAML file holds; an empty file has none."""
    try:
        if path.stat().st_size > trees.LONGEST:
            raise Refusal(f"it has {path.stat().st_size:,} bytes, {trees.LONGEST:,} are allowed")
        tree = trees.from_yaml(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Refusal(f"{path} is not YAML: {brief(' '.join(str(error).split()))}") from None
    except Refusal as error:
        raise Refusal(f"{path} is no recipe: {error}") from None
    if not isinstance(tree, dict):
        raise Refusal(f"{path} is not a recipe: it has no fields")
    return tree


def _joined(tree: Tree, overrides: Sequence[tuple[str, str]]) -> Recipe:
    """Recipes of whatever domains with one report: `recipes:` lists their names or files."""
    names = tree["recipes"]
    strange = sorted(map(str, set(tree) - {"name", "about", "recipes"}))
    if strange or not isinstance(names, list) or not names:
        raise Refusal(
            "recipes: must be a list of names or files, with nothing beside it but name and about"
            + (f"; this one has {', '.join(strange)}" if strange else "")
        )
    parts: dict[str, Recipe] = {}
    for name in names:
        if "recipes" in _tree(recipe_path(str(name))):
            raise Refusal(f"recipes: {name} lists recipes itself; list those in its place")
        parts |= load(str(name), overrides).expanded()
    first = next(iter(parts.values()))
    return replace(first, name=tree["name"], about=tree.get("about", ""), variants=parts)


def recipe_path(source: str) -> Path:
    """The file meant by a path or by the name of one of our recipes."""
    for path in (Path(source), RECIPES / f"{source}.yaml"):
        if path.is_file():
            return path
    known = ", ".join(sorted(path.stem for path in RECIPES.glob("*.yaml")))
    raise Refusal(f"there is no recipe {source}; this project has: {known}")


def build(tree: Tree) -> Recipe:
    """A recipe from nested fields; raises Refusal for a field or a value that is not possible."""
    domain = tree.get("domain")
    if not isinstance(domain, dict) or not isinstance(domain.get("name"), str):
        raise Refusal("a recipe needs the field domain.name, as in `domain: {name: maze}`")
    kind = domain_class(domain["name"])
    knobs = {key: value for key, value in domain.items() if key != "name"}
    branches = parsing.parsed(Recipe, kind, {**tree, "domain": knobs})
    try:
        recipe = Recipe(**branches)
    except ValueError as error:
        raise Refusal(str(error)) from None
    if recipe.notation not in recipe.domain.notations:
        raise Refusal(
            f"encode.notation: {recipe.domain.name} has no notation '{recipe.notation}'; it has:"
            f" {', '.join(recipe.domain.notations)}"
        )
    return recipe


def domain_from(tree: Tree) -> Domain:
    """The domain that a checkpoint or a manifest names (the inverse of `domain_fields`)."""
    return build({"name": "stored", "domain": tree}).domain


def domain_fields(domain: Domain) -> Tree:
    """A domain as plain data: its name and its knobs."""
    return {"name": domain.name, **dataclasses.asdict(domain)}


def merged(tree: Tree, changes: Tree) -> Tree:
    """`tree` with `changes` on top, branch by branch."""
    both = dict(tree)
    for key, value in changes.items():
        old = both.get(key)
        both[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return both


def field_rows(recipe: Recipe) -> list[tuple[str, str, str]]:
    """Every field of a recipe: its dotted name, its type and its value."""
    return list(_field_rows(recipe, ""))


def _field_rows(branch: Any, prefix: str) -> Iterator[tuple[str, str, str]]:
    for item in dataclasses.fields(branch):
        value = getattr(branch, item.name)
        if dataclasses.is_dataclass(value):
            yield from _field_rows(value, f"{prefix}{item.name}.")
        elif item.name != "variants":
            kind = item.type if isinstance(item.type, str) else getattr(item.type, "__name__", str(item.type))
            yield f"{prefix}{item.name}", kind, str(value)


def _fields(name: str, change: Any) -> Tree:
    if not isinstance(change, dict):
        raise Refusal(f"variants.{name}: must hold the fields that it changes")
    return change


def nested(name: str, text: str) -> Tree:
    """A dotted field and the YAML text of its value as a tree."""
    first, *inner = name.rstrip(".").split(".")
    value = _value(text)
    for part in reversed(inner):
        value = {part: value}
    return {first: value}


def _value(text: str) -> Any:
    """A value from the command line: YAML, or the text itself where it is none."""
    try:
        return trees.from_yaml(text)
    except yaml.YAMLError:
        return text
