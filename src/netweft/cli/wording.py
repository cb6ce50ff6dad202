"""Errors of the API in the words of the command line: options for the elements of requests that they name."""

from __future__ import annotations

import re
from functools import cache

from netweft.cli.nouns import NOUNS

_OTHERS = {
    "all_networks_allowed": "--for-all/--for of 'netweft host functions'",
    "agent_configuration": "the plugin",
    "external_network_providers": "--provider",
}
"""Elements of requests that fields of nouns do not name alone."""
_ELEMENT = re.compile(r"\w+ \[(\w+)\]")
"""A type and an element of it, such as ``Cluster [rolloutWave]``."""


def in_options(text: str) -> str:
    """The text with options instead of the elements that they fill. Elements whose names are plain words, such as
    ``address``, are recognized in the form ``Host [address]`` only.
    """
    options = _options()
    text = _ELEMENT.sub(lambda match: _named(match, options), text)
    for element in sorted(options, key=len, reverse=True):
        if "_" in element or "." in element:
            text = _replaced(text, element, options[element])
    return text


def _named(match: re.Match[str], options: dict[str, str]) -> str:
    element = re.sub(r"(?<=[a-z])[A-Z]", lambda letter: f"_{letter[0].lower()}", match[1])
    return options.get(element, match[0])


def _replaced(text: str, element: str, option: str) -> str:
    """``read_only to false`` becomes ``--writable``; an option with a value stands for its element alone."""
    yes, _, no = option.partition("/")
    word = rf"(?<![\w.'/-]){re.escape(element)}(?![\w'/-]|\.\w)"
    if no:
        text = re.sub(rf"{word}( of it)? to false", lambda match: f"{no}{match[1] or ''}", text)
    return re.sub(rf"{word}( of it)? to (?:true|publickey)|{word}", lambda match: f"{yes}{match[1] or ''}", text)


@cache
def _options() -> dict[str, str]:
    """By the dotted path of an element, and by its last name where that says enough, the option that fills it."""
    found: dict[str, str] = {}
    for noun in NOUNS:
        for field in noun.fields:
            path = field.path.removesuffix(".id").removesuffix(".name")
            leaf = path.rpartition(".")[2]
            for element in (path, leaf) if "_" in leaf else (path,):
                if element != "name" and not field.in_query:
                    found.setdefault(element, field.option)
    return found | _OTHERS
