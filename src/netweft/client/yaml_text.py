"""YAML that people write."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """Plain values only; a key that is given twice is an error, of which PyYAML keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for at, key in enumerate(keys):
            if key in keys[:at]:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key!r} is given twice", node.value[at][0].start_mark
                )
        return super().construct_mapping(node, deep=deep)


def load(text: str | bytes) -> Any:  # noqa: ANN401 (what YAML holds)
    """The value of the text. Raises yaml.YAMLError, UnicodeDecodeError."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 -- a safe loader's kind
