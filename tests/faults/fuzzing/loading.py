"""Calls by which a file could run code, found in the sources: a walk over their syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGES = ("pipeline", "generators", "trainers")

FORBIDDEN = {
    "pickle.load": "a pickle runs code",
    "pickle.loads": "a pickle runs code",
    "pickle.Unpickler": "a pickle runs code",
    "cloudpickle.load": "a pickle runs code",
    "cloudpickle.loads": "a pickle runs code",
    "joblib.load": "it reads pickles",
    "pandas.read_pickle": "it reads pickles",
    "marshal.loads": "it is code",
    "shelve.open": "it reads pickles",
    "yaml.load": "take pipeline.trees.from_yaml",
    "yaml.load_all": "take pipeline.trees.from_yaml",
    "yaml.full_load": "take pipeline.trees.from_yaml",
    "yaml.unsafe_load": "take pipeline.trees.from_yaml",
    "yaml.safe_load": "it has no bounds: take pipeline.trees.from_yaml",
    "eval": "it runs a text",
    "exec": "it runs a text",
    "compile": "it runs a text",
    "__import__": "it imports what a text names",
    "import_module": "it imports what a text names",
    "importlib.import_module": "it imports what a text names",
    "os.system": "it runs a text",
    "os.popen": "it runs a text",
}
"""Calls by name, and why there must be none."""

KNOWN: Mapping[tuple[str, str], str] = {
    ("generators/domain.py", "import_module"): "of the table DOMAINS, which no text reaches",
    ("pipeline/conformance/checks.py", "pickle.loads"): "of what the line itself has pickled",
    ("pipeline/cluster.py", "pickle.loads"): "of what the driver of this run sends to its workers",
    ("pipeline/crew.py", "pickle.loads"): "of what the processes of this run say to each other",
    ("pipeline/fellow.py", "pickle.loads"): "of what the processes of this run say to each other",
}
"""Those there are, by file and name, and why they are sound."""

REQUIRED: Mapping[str, Mapping[str, bool]] = {
    "torch.load": {"weights_only": True},
    "AutoConfig.from_pretrained": {"trust_remote_code": False},
    "AutoModelForCausalLM.from_pretrained": {"trust_remote_code": False, "use_safetensors": True},
    "AutoTokenizer.from_pretrained": {"trust_remote_code": False},
}
"""Keywords without which a call is none of ours."""

NEVER: Mapping[str, bool] = {"allow_pickle": True, "trust_remote_code": True, "shell": True}
"""Keywords that no call has with that value, nor with one that is computed."""


def dangers() -> Iterator[str]:
    """Every such call in the packages, a sentence each."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            for line, called, why in found(path.read_text()):
                if (name, called) not in KNOWN:
                    yield f"{name}:{line}: {called}: {why}"


def found(source: str) -> Iterator[tuple[int, str, str]]:
    """Such calls in a text of Python: line, name and why."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            for why in _faults(called, node):
                yield node.lineno, called, why


def _faults(called: str, node: ast.Call) -> Iterator[str]:
    if called in FORBIDDEN:
        yield FORBIDDEN[called]
    given = {each.arg: each.value for each in node.keywords if each.arg is not None}
    for name, value in REQUIRED.get(called, {}).items():
        if not _is(given.get(name), value):
            yield f"it needs {name}={value}"
    for name, value in NEVER.items():
        if name in given and not _is(given[name], not value):
            yield f"{name} must be {not value}"


def _is(node: ast.expr | None, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value
