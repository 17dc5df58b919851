"""Plain data out of YAML of others: of bounded size and depth, and nothing named in it is run."""

from __future__ import annotations

from typing import Any

import yaml

from pipeline.errors import Refusal

LONGEST = 200_000
"""Characters of a YAML text; the longest recipe of ours has a few thousand."""
DEEPEST = 40
"""Levels of nesting."""
MOST = 10_000
"""Values of a YAML text, those behind anchors counted as often as they are named."""


def from_yaml(text: str) -> Any:
    """What a YAML text holds; raises yaml.YAMLError for what is none, and Refusal for what is beyond reason.

    Tags are refused, and so are keys that stand twice in a branch: one of the two values would be lost.
    """
    if len(text) > LONGEST:
        raise Refusal(f"the text has {len(text):,} characters, {LONGEST:,} are allowed")
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _weight(node, {})
        return loader.construct_document(node)
    except (ValueError, OverflowError, RecursionError) as error:  # 2001-99-99, a number of 6,000 digits
        raise yaml.YAMLError(f"a value is not possible: {error}") from None
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, which stops at what would take it long."""

    depth = 0
    nodes = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.depth, self.nodes = self.depth + 1, self.nodes + 1
        if self.depth > DEEPEST:
            raise Refusal(f"the text is nested more than {DEEPEST} levels deep")
        if self.nodes > MOST:
            raise Refusal(f"the text has more than {MOST:,} values")
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "tag", None) is not None:
            raise yaml.YAMLError(
                f"the tag {event.tag[:40]} has no place in it, line {event.start_mark.line + 1}"
            )
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                name = (key.tag, key.value)
                if name in seen:
                    line = key.start_mark.line + 1
                    raise yaml.YAMLError(f"{key.value[:40]} stands twice in its branch, line {line}")
                seen.add(name)
        return node


def _weight(node: yaml.Node, known: dict[yaml.Node, int | None]) -> int:
    """How many values a node unfolds to; raises Refusal beyond `MOST`, and where it holds itself."""
    if node not in known:
        known[node] = None
        known[node] = 1 + sum(_weight(each, known) for each in _children(node))
    weight = known[node]
    if weight is None:
        raise Refusal(f"a value holds itself, line {node.start_mark.line + 1}")
    if weight > MOST:
        raise Refusal(f"the text unfolds to more than {MOST:,} values: its anchors name each other")
    return weight


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [each for pair in node.value for each in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
