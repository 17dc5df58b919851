"""Plain fields to frozen dataclasses; what does not fit is refused, and nothing that is named is imported."""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from functools import cache
from typing import Any

from pipeline.errors import Refusal, brief

VARIANTS = "variants"
"""The one branch of a recipe that is not parsed here: it holds recipes."""


def parsed(root: type, domain: type, tree: dict[str, Any]) -> dict[str, Any]:
    """The branches of a recipe (`root`) with the fields of `domain` in its branch of that name.

    Raises Refusal for unknown fields, values of another type and settings that contradict each other.
    """
    from jsonargparse import ArgumentError

    optional = [name for name, (hint, _) in _hints(root) if _optional(hint)]
    absent = frozenset(name for name in optional if tree.get(name) is None)
    present = {name: value for name, value in tree.items() if name not in absent}
    shape, parser = _parser(root, domain, absent)
    _known(shape, present, "")
    try:
        made = parser.instantiate(parser.parse_object({"recipe": present})).recipe
        knobs = {item.name: getattr(made.domain, item.name) for item, _ in _typed(domain)}
        branches = {item.name: getattr(made, item.name, None) for item, _ in _typed(root)}
        _refuse_endless(made, "")
        return {**branches, "domain": domain(**knobs)}
    except ArgumentError as error:
        raise Refusal(_plainly(str(error))) from None
    except ValueError as error:
        raise Refusal(str(error)) from None


def _typed(kind: type) -> Iterator[tuple[dataclasses.Field[Any], Any]]:
    hints = typing.get_type_hints(kind)
    for item in dataclasses.fields(kind):
        if item.name != VARIANTS:
            yield item, hints[item.name]


def _hints(kind: type) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for item, hint in _typed(kind):
        made = field() if item.default is dataclasses.MISSING else field(default=item.default)
        yield item.name, (hint, made)


def _shape(name: str, fields: Mapping[str, tuple[Any, Any]]) -> type:
    specified = [(field_name, hint, made) for field_name, (hint, made) in fields.items()]
    return dataclasses.make_dataclass(name, specified, kw_only=True, frozen=True)


def _branch(kind: Any) -> type | None:
    """The dataclass in `T` or `T | None`, if there is one."""
    for option in (kind, *typing.get_args(kind)):
        if isinstance(option, type) and dataclasses.is_dataclass(option):
            return option
    return None


def _known(kind: type, tree: Any, path: str) -> None:
    """Refuse whatever is no declared field.

    The parser below would import a class that a field `class_path` names; only declared fields reach it.
    """
    if not isinstance(tree, dict):
        whose = path.rstrip(".") or "the recipe"
        raise Refusal(f"{whose} needs fields of its own, not the value {brief(repr(tree))}")
    kinds = {item.name: hint for item, hint in _typed(kind)}
    for key, value in tree.items():
        if key not in kinds:
            near = difflib.get_close_matches(str(key), kinds, 1) or _abbreviated(str(key), kinds)
            hint = f"did you mean {path}{near[0]}?" if near else f"there are: {', '.join(kinds)}"
            raise Refusal(f"unknown recipe field {path}{brief(key)}; {hint}")
        inner = _branch(kinds[key])
        if inner is not None and not (value is None and type(None) in typing.get_args(kinds[key])):
            _known(inner, value, f"{path}{key}.")


def _refuse_endless(branch: Any, path: str) -> None:
    """Refuse NaN and infinity, which pass whatever a field's own limits are."""
    for item in dataclasses.fields(branch):
        value = getattr(branch, item.name)
        if dataclasses.is_dataclass(value):
            _refuse_endless(value, f"{path}{item.name}.")
        elif isinstance(value, float) and not math.isfinite(value):
            raise Refusal(f"{path}{item.name} must be a finite number, got {value}")


def _abbreviated(text: str, names: Iterable[str]) -> list[str]:
    """The one name whose words begin with those letters, as learning_rate with lr, or that begins so."""
    initials = [name for name in names if "".join(word[0] for word in name.split("_")) == text]
    found = initials or [name for name in names if text and name.startswith(text)]
    return found if len(found) == 1 else []


@cache
def _parser(root: type, domain: type, absent: frozenset[str]) -> tuple[type, Any]:
    """The shape of a recipe for a domain, and its parser: making one takes longer than all that it parses.

    It is the tree of `root` with the domain's own fields in place of the contract's, and without the branches
    that are null. Fields are handed on as resolved types in a plain shape: the parser would run a domain
    module's imports to resolve them itself.
    """
    from jsonargparse import ArgumentParser

    fields = {
        name: (_branch(hint) or hint, made) for name, (hint, made) in _hints(root) if name not in absent
    }
    fields["domain"] = (_shape(domain.__name__, dict(_hints(domain))), field())
    shape = _shape("Recipe", {name: _required(hint, made) for name, (hint, made) in fields.items()})
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--recipe", type=shape)
    return shape, parser


def _optional(hint: Any) -> bool:
    return _branch(hint) is not None and type(None) in typing.get_args(hint)


def _required(hint: Any, made: Any) -> tuple[Any, Any]:
    """A branch that is there has no null default: its own defaults hold."""
    return hint, field() if made.default is None and _branch(hint) is not None else made


def _plainly(fault: str) -> str:
    """The parser's remark on a wrong value as one sentence: which field, what it takes, what it got."""
    line = " ".join(fault.split())
    found = re.search(r'"recipe\.([\w.]+)": Expected an? (.+?)\. Got value: ?(.*)', line)
    found = found or re.search(r'"recipe\.([\w.]+)": .*?Subtypes: \[(.*?)\] .*Given value: ?(.*)', line)
    if found is None:
        return f"the recipe is not possible: {brief(line, 300)}"
    name, kind, value = found.groups()
    kind = re.sub(r"<class '(\w+)'>|typing\.", r"\1", kind).replace(", NoneType", " or null")
    return f"{name} must be {kind}, got {brief(value) or 'nothing'}"
