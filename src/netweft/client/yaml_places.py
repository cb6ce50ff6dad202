"""YAML that people write, with the line and the column of everything in it.

Plain words are what they look like: ``true``, ``false``, ``null``, whole numbers, and else texts. YAML 1.1, as PyYAML
has it, would take ``10:20:30:40:50:51`` for a number and ``no`` for false.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_MERGE = "<<"
_YAML = "tag:yaml.org,2002:"
_TEXT = f"{_YAML}str"
_TAGS = {
    f"{_YAML}{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value", "seq", "map")
}
"""PyYAML's names of the types of scalars without a tag."""
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where PyYAML was built with it: ten times as fast."""


class YamlError(Exception):
    """The text is not YAML, or has a duplicate key. ``places``: line and column, from 1, and a sentence, each."""

    def __init__(self, problems: Sequence[tuple[int, int, str]]) -> None:
        super().__init__("\n".join(f"line {line}, column {column}: {text}" for line, column, text in problems))
        self.problems = tuple(problems)


class Document:
    """A text in UTF-8 and its value. Raises YamlError."""

    def __init__(self, source: str | bytes) -> None:
        text = source if isinstance(source, str) else _decoded(source)
        self._problems: list[tuple[int, int, str]] = []
        self._open: set[int] = set()
        self._root = _composed(text)
        self.value: Any = None if self._root is None else self._value(self._root)
        if self._problems:
            raise YamlError(self._problems)

    def find(self, path: Sequence[str | int]) -> tuple[int, int]:
        """Line and column, from 1, of the key at the end of a path; of the last thing that is there, where it leads
        further.
        """
        node, mark = self._root, self._root.start_mark if self._root else None
        for step in path:
            inner = next((found for found in _inner(node) if found[0] == step), None)
            if inner is None:
                break
            _, mark, node = inner
        return (mark.line + 1, mark.column + 1) if mark else (1, 1)

    def _value(self, node: yaml.Node) -> Any:  # noqa: ANN401 -- what YAML holds
        if node.tag not in _TAGS:
            self._note(node, f"Nothing has the tag {node.tag.replace(_YAML, '!!')} here: write the value without it.")
            return None
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if id(node) in self._open:
            self._note(node, "This is inside itself.")
            return None
        self._open.add(id(node))
        found = self._list(node) if isinstance(node, yaml.SequenceNode) else self._mapping(node)
        self._open.remove(id(node))
        return found

    def _list(self, node: yaml.SequenceNode) -> list[Any]:
        return [self._value(item) for item in node.value]

    def _mapping(self, node: yaml.Node) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._note(key, "A key should be a word.")
            elif key.value == _MERGE and not key.style:
                for one in item.value if isinstance(item, yaml.SequenceNode) else [item]:
                    merged = {**self._merged(one), **merged}
            elif key.value in found:
                self._note(key, f"'{key.value}' is given twice.")
            else:
                found[key.value] = self._value(item)
        return {**merged, **found}

    def _merged(self, node: yaml.Node) -> dict[str, Any]:
        value = self._value(node)
        if isinstance(value, dict):
            return value
        self._note(node, "Only mappings can be merged.")
        return {}

    def _note(self, node: yaml.Node, text: str) -> None:
        self._problems.append((node.start_mark.line + 1, node.start_mark.column + 1, text))


def _decoded(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        before = octets[: error.start].decode().rpartition("\n")
        line, column = before[0].count("\n") + bool(before[1]) + 1, len(before[2]) + 1
        raise YamlError([(line, column, f"This is no text in UTF-8: {octets[error.start]:#04x}.")]) from error


def _composed(text: str) -> yaml.Node | None:
    try:
        found: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise YamlError([(*place, f"This is not YAML: {error.problem or error.context}.")]) from error
    except yaml.reader.ReaderError as error:  # a character that no YAML holds
        before = text[: error.position].rpartition("\n")
        place = text.count("\n", 0, error.position) + 1, len(before[2]) + 1
        raise YamlError([(*place, f"This is not YAML: {error.reason}.")]) from error
    return found


def _scalar(node: yaml.ScalarNode) -> Any:  # noqa: ANN401 -- what YAML holds
    text: str = node.value
    if node.style or node.tag == _TEXT:  # quoted, a block, or what else is a text, also by its tag
        return text
    return _WORDS[text] if text in _WORDS else int(text) if _INTEGER.fullmatch(text) else text


def _inner(node: yaml.Node | None) -> Iterator[tuple[str | int, Any, yaml.Node]]:
    """What is in a node: its key or position, where that is, and its node; what is merged comes last."""
    if isinstance(node, yaml.SequenceNode):
        yield from ((at, item.start_mark, item) for at, item in enumerate(node.value))
    elif isinstance(node, yaml.MappingNode):
        merges: list[yaml.Node] = []
        for key, item in node.value:
            if key.value == _MERGE:
                merges += item.value if isinstance(item, yaml.SequenceNode) else [item]
            yield key.value, key.start_mark, item
        for one in merges:
            yield from _inner(one)
