"""Recipes, and fields of recipes on the command line."""

from __future__ import annotations

from random import Random
from typing import Any

import yaml

from faults.fuzzing.case import CANARY, Case
from faults.fuzzing.corpus import STAGES, Corpus
from faults.fuzzing.mutation import deep, noise

TREE: dict[str, Any] = {
    "name": "small",
    "about": "Mazes",
    "seed": 3,
    "domain": {"name": "maze", "width": 5, "height": 5, "ties": "random", "attempts_per_layout": 3},
    "generate": {"rows": 20, "shard_rows": 10},
    "curate": {"test": 0.1, "validation": 0.1, "level": "exact", "file_rows": 100},
    "encode": {"notation": "cells", "too_long": "fail"},
    "model": {"layers": 1, "width": 16, "heads": 2, "context": 256, "family": "llama", "tied": False},
    "fit": {"steps": 5, "learning_rate": 0.001, "optimizer": "adamw", "warmup": 1, "clip": 1.0},
    "bootstrap": {"rounds": 1, "samples": 2, "arms": ["model"], "select": "shortest", "plateau": 0.01},
    "evaluate": {"problems": 3, "samples": 2, "sampling": {"temperature": 1.0}},
    "report": {"examples": 1, "playable": 2},
}
VERBS = (*STAGES, "report", "seal", "fields", "status", "sweep")
MODULE = {"canary_module.py": f"open({CANARY!r}, 'w').close()\n".encode()}
"""A module that Python would find in the folder in which the command is started."""

COUNTS = ("generate.rows", "generate.shard_rows", "curate.file_rows", "model.layers", "model.width",
          "model.heads", "model.context", "fit.steps", "bootstrap.rounds", "bootstrap.samples",
          "evaluate.problems", "domain.width", "domain.height", "domain.attempts_per_layout")  # fmt: skip
SHARES = ("curate.test", "curate.validation")
RATES = ("fit.learning_rate", "fit.clip", "evaluate.sampling.temperature", "bootstrap.plateau")
CHOICES = ("domain.ties", "curate.level", "encode.too_long", "encode.notation", "model.family",
           "fit.optimizer", "bootstrap.select", "bootstrap.arms", "domain.name")  # fmt: skip
LEAVES = (*COUNTS, *SHARES, *RATES, *CHOICES, "name", "about", "seed", "model.tied", "evaluate.samples")
BRANCHES = ("domain", "generate", "curate", "encode", "model", "fit", "evaluate", "report")
PATHS = ("os:system", "os.path", "canary_module", "canary_module:Maze", "generators.maze:Maze", "../maze",
         "generators.maze.domain.Maze", "maze\n", "__main__", "tiles", "Maze", " maze")  # fmt: skip
"""None of them is the name of a domain."""


def _asked(rng: Random, what: str, text: bytes | str, **files: bytes) -> Case:
    """A case of a recipe file, for a verb that takes one."""
    verb = rng.choice(VERBS)
    content = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    words = ["status", "r.yaml"] if verb == "status" else [verb, "--recipe", "r.yaml"]
    words += ["--seed", "1,2"] if verb == "sweep" else []
    return Case("recipes", what, tuple(words), {"r.yaml": content, **MODULE, **files})


def _set(name: str, value: Any) -> dict[str, Any]:
    """The tree with a field set."""
    tree = yaml.safe_load(yaml.safe_dump(TREE))
    branch = tree
    *path, last = name.split(".")
    for key in path:
        branch = branch[key]
    branch[last] = value
    return tree


def _with(rng: Random, name: str, value: Any) -> Case:
    if name == "seed":
        value = [1]  # a sweep would set a number
    text = yaml.safe_dump(_set(name, value), sort_keys=False, allow_unicode=True)
    return _asked(rng, f"{name} is {str(value)[:40]!r}", text)


def another_type(rng: Random, _: Corpus) -> Case:
    return _with(rng, rng.choice(LEAVES), rng.choice(({}, {"a": 1}, [[]], [{"b": [2]}], {1: {2: 3}})))


def out_of_range(rng: Random, _: Corpus) -> Case:
    name = rng.choice((*COUNTS, *SHARES))
    return _with(rng, name, rng.choice((0, -1, -(10**30), -0.5, float("nan"), float("-inf"))))


def no_number(rng: Random, _: Corpus) -> Case:
    name = rng.choice((*COUNTS, *SHARES, *RATES))
    return _with(rng, name, rng.choice((float("nan"), float("inf"), -float("inf"), "many", "\u0663x", -1.5)))


def another_choice(rng: Random, _: Corpus) -> Case:
    return _with(rng, rng.choice(CHOICES), rng.choice(("nonsense", 5, "é" * 2000, 1.5, "exact ", True)))


def a_branch(rng: Random, _: Corpus) -> Case:
    return _with(rng, rng.choice(BRANCHES), rng.choice(("text", 5, [], [1, 2], True, 1.5, [[{}]])))


def unknown_field(rng: Random, _: Corpus) -> Case:
    branch = rng.choice(("", *(f"{name}." for name in BRANCHES)))
    name = rng.choice(("class_path", "init_args", "nonsense", "__class__", "__init__", "é\u202e", "x" * 5000))
    return _with(rng, f"{branch}{name}", rng.choice(("canary_module.Maze", 1, {"class_path": "os.system"})))


def class_path(rng: Random, _: Corpus) -> Case:
    branch = rng.choice(("model", "fit", "curate", "bootstrap", "evaluate", "evaluate.sampling"))
    return _with(rng, branch, {"class_path": "canary_module.X", "init_args": {"a": 1}})


def import_path(rng: Random, _: Corpus) -> Case:
    return _with(rng, "domain.name", rng.choice(PATHS))


def tagged(rng: Random, _: Corpus) -> Case:
    touch = f"touch {CANARY}"
    tag = rng.choice((
        f"!!python/object/apply:os.system ['{touch}']",
        f"!!python/object/new:os.system ['{touch}']",
        f"!!python/object/apply:subprocess.check_output [['touch', '{CANARY}']]",
        "!!python/name:canary_module.Maze",
        "!!python/module:canary_module",
        f"!!python/object/apply:builtins.open ['{CANARY}', 'w']",
        "!!python/tuple [1, 2]",
        "!custom {a: 1}",
        "!!binary 'bm9uc2Vuc2U='",
        "!!set {a, b}",
        "!!int abc",
        "!!timestamp 9999-99-99",
    ))  # fmt: skip
    name = rng.choice(("domain", "generate", "generate.rows", "model", "curate.test", "fit"))
    text = yaml.safe_dump(_set(name, "SPOILT"), sort_keys=False).replace("SPOILT", tag)
    return _asked(rng, f"{name} is {tag}", text)


def twice(rng: Random, _: Corpus) -> Case:
    name = rng.choice(("generate", "domain", "seed", "name"))
    tail = {"generate": "generate: {rows: 30}", "domain": "domain: {name: maze}"}.get(name, f"{name}: 5")
    inner = "generate: {rows: 5, rows: 6}\n" if rng.random() < 0.5 else ""
    return _asked(rng, f"{name} stands there twice", f"{yaml.safe_dump(TREE)}{inner}{tail}\n")


def bomb(rng: Random, _: Corpus) -> Case:
    name = rng.choice(("domain", "model", "generate.rows", "bootstrap.arms", "variants", "nonsense", "about"))
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]" for at in range(1, rng.randrange(6, 30))]
    last = f"*a{len(lines) - 1}"
    whole = rng.random() < 0.5
    head = f"{name}: {last}" if "." not in name and whole else f"about: {last}"
    text = "\n".join((*lines, head, "domain: {name: maze}" if name != "domain" else ""))
    if rng.random() < 0.5:  # within the field alone, so that no unknown name is found before
        rows = [f"&b{at} [{', '.join([f'*b{at - 1}'] * 9)}]" for at in range(1, 12)]
        text = f"name: x\ndomain: {{name: maze, ties: [&b0 [x, x], {', '.join(rows)}]}}"
    return _asked(rng, f"anchors upon anchors in {name}", text)


def cycle(rng: Random, _: Corpus) -> Case:
    name = rng.choice(("domain", "generate", "variants", "about", "bootstrap", "recipes"))
    body = rng.choice(
        (f"{name}: &a [*a]", f"{name}: &a {{name: maze, b: *a}}", f"{name}: &a {{a: [*a, *a]}}")
    )
    head = "" if name == "domain" else "domain: {name: maze}\n"
    return _asked(rng, f"a value within itself in {name}", f"{head if name != 'recipes' else ''}{body}\n")


def nested(rng: Random, _: Corpus) -> Case:
    levels = rng.choice((200, 2000, 100_000))
    name = rng.choice(("domain", "generate", "variants", "nonsense", "model"))
    head = b"" if name == "domain" else b"domain: {name: maze}\n"
    inner = deep(levels) if rng.random() < 0.5 else b"{a: " * levels + b"1" + b"}" * levels
    return _asked(rng, f"{name} is nested {levels} deep", head + name.encode() + b": " + inner)


def no_text(rng: Random, _: Corpus) -> Case:
    what, text = rng.choice((
        ("a NUL", b"domain: {name: maze}\nabout: a\x00b\n"),
        ("binary", noise(rng)),
        ("a line of 10 MB", b"domain: {name: maze, ties: '" + b"x" * 10_000_000 + b"'}\n"),
        ("a million lines", b"domain: {name: maze}\nnonsense:\n" + b"- a\n" * 1_000_000),
        ("Latin-1", "domain: {name: maze}\nabout: é\n".encode("latin-1")),
        ("half a surrogate", b"domain: {name: \xed\xa0\x80}\n"),
        ("no YAML", b"domain: {name: maze\n  width: ]\n"),
        ("tabs", b"domain:\n\tname: maze\n"),
        ("two documents", b"domain: {name: maze}\n---\ndomain: {name: maze}\n"),
        ("a list", b"- domain\n- maze\n"),
        ("a text", b"maze"),
        ("a number", b"5"),
        ("empty", b""),
        ("comments alone", b"# domain\n"),
        ("strange keys", b"? [a, b]\n: c\n? {d: e}\n: f\n"),
        ("keys that are no text", b"domain: {name: maze}\n1: 2\nnull: 3\n1.5: 4\n"),
        ("a key that is no number", b"domain: {name: maze, .nan: 2}\n"),
        ("an alias of nothing", b"domain: *nothing\n"),
        ("a merge of no map", b"domain: {name: maze, <<: 5}\n"),
        ("a percent directive", b"%YAML 9.9\n---\ndomain: {name: maze}\nx: 1\n"),
    ))  # fmt: skip
    return _asked(rng, what, text)


def listed(rng: Random, _: Corpus) -> Case:
    value = rng.choice(("[r.yaml]", "[]", "5", "[nonsense]", "[[maze-demo]]", "{a: maze-demo}", "[null]",
                        "['.']", "['../../../etc/passwd']", "[other.yaml]", "[5, maze-demo]"))  # fmt: skip
    return _asked(rng, f"recipes: {value}", f"recipes: {value}\n", **{"other.yaml": b"recipes: [r.yaml]\n"})


def varied(rng: Random, _: Corpus) -> Case:
    value = rng.choice(("5", "[a]", "{a: 5}", "{a: [1]}", "{a: {nonsense: 1}}", "{1: {generate: {rows: -1}}}",
                        "{a: {domain: {name: os.path}}}", "{a: {variants: {b: 1}}}", "text",
                        "{'../../x': {generate: 5}}", "{a: {generate: {rows: {}}}}"))  # fmt: skip
    return _asked(rng, f"variants: {value}", f"{yaml.safe_dump(TREE)}variants: {value}\n")


def overridden(rng: Random, _: Corpus) -> Case:
    """On the command line."""
    name, value = rng.choice((
        ("domain.name", rng.choice(PATHS)),
        ("domain", "canary_module.Maze"),
        ("domain.class_path", "canary_module.Maze"),
        ("fit", '{"class_path": "canary_module.X"}'),
        ("domain.width", f"!!python/object/apply:os.system ['touch {CANARY}']"),
        ("generate.rows", f"!!python/object/apply:os.system ['touch {CANARY}']"),
        ("generate.rows", rng.choice(("abc", "-1", ".nan", ".inf", "[1]", "{a: b}", "1e999", "0x", "1_0_x"))),
        ("generate.rows.more", "5"), ("generate..rows", "5"), (".", "5"), ("generate.", "5"),
        (".rows", "5"),
        ("x." * 5000 + "y", "1"), ("generate.rows", "[" * 100_000), ("generate.rows", "&a [*a]"),
        ("domain.width", "{" * 5000 + "}" * 5000), ("generate.rows", "?x"), ("generate.rows", "5;"),
        ("nonsense", "1"), ("é", "\udcff"), ("domain.ties", "\udcff\udc80"), ("__class__", "x"),
        ("generate.rows", "9" * 6000), ("fit.learning_rate", "nan"), ("model", "null"), ("domain", "null"),
        ("generate.rows", "null"), ("domain.width", "true"), ("recipes", "[maze-demo]"),
        ("variants", "{a: 5}"), ("generate.rows", "a: b: c"), ("generate.rows", "2001-01-01"),
        ("generate.rows", "*a"), ("domain.width", "x" * 100_000), ("fit.steps", ""),
        ("encode.notation", "?"),
    ))  # fmt: skip
    verb = rng.choice((*STAGES, "report", "seal", "fields"))
    words = (verb, "--recipe", "r.yaml", f"--{name}={value}")
    what = f"--{name[:60]}={value[:60]!a}"
    return Case("overrides", what, words, {"r.yaml": yaml.safe_dump(TREE).encode(), **MODULE})


def swept(rng: Random, _: Corpus) -> Case:
    """Values of a sweep."""
    name, value = rng.choice((
        ("seed", "0..999999999999"), ("seed", "5..1"), ("seed", "1,1"), ("seed", ",,"), ("seed", "1,,2"),
        ("seed", ""), ("seed", "[1,2"), ("seed", "'1,2"), ("seed", "0..2000"), ("seed", "a,b"),
        ("seed", "9" * 6000 + ".." + "9" * 6001), ("bootstrap.arms", "[model],[nonsense]"),
        ("domain.name", "os.path,sys"), ("generate.rows", "-1,-2"), ("nonsense", "1,2"),
        ("fit.learning_rate", "nan,inf"), ("seed", "{" * 5000 + "}" * 5000), ("report.examples", "1,2"),
        ("generate.rows", f"!!python/object/apply:os.system ['touch {CANARY}'],5"),
    ))  # fmt: skip
    words = ("sweep", "--recipe", "r.yaml", f"--{name}={value}")
    return Case(
        "overrides", f"sweep --{name}={value[:60]!a}", words, {"r.yaml": yaml.safe_dump(TREE).encode()}
    )


WAYS = (another_type, out_of_range, no_number, another_choice, a_branch, unknown_field, class_path,
        import_path, tagged, twice, bomb, cycle, nested, no_text, listed, varied, overridden,
        swept)  # fmt: skip
