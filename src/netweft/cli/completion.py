"""How names are completed by a shell, and how help writes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import click
from click.shell_completion import CompletionItem

from netweft.cli import nouns
from netweft.cli.lookup import entities, full_names
from netweft.cli.noun_types import Noun
from netweft.cli.session import the_session
from netweft.client import ApiError, Client, UnreachableError
from netweft.client.tree import ADDITIONS

Completion: TypeAlias = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def offers(find: Callable[[Client, click.Context, str], Iterable[Any]]) -> Completion:
    """The shell completion of what ``find`` returns for what is typed so far; empty where the engine cannot be
    reached.
    """

    def complete(context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
        try:
            with the_session(context).client() as client:
                found = sorted({str(one) for one in find(client, context, begun)})
        except (ApiError, UnreachableError, click.ClickException):
            return []
        return [CompletionItem(one) for one in found if one.startswith(begun)]

    return complete


def completes(name: str) -> Completion:
    """The shell completion of a noun's names."""

    def find(client: Client, context: click.Context, begun: str) -> Iterable[str]:
        noun = nouns.noun(name)
        if noun.picks:
            return _names(client, nouns.noun(noun.picks), (), begun)
        option = noun.parent_option.removeprefix("--")
        given = [context.params.get(option)] if option else _above(noun, context)
        return _names(client, noun, tuple(str(one) for one in given if one is not None), begun)

    return offers(find)


def _above(noun: Noun, context: click.Context) -> list[Any]:
    return [context.params.get(parent.argument) or "" for parent in nouns.parents(noun)]


def _names(client: Client, noun: Noun, above: tuple[str, ...], begun: str) -> Iterable[str]:
    """The names of a noun; in full where several have the same, and where that is begun."""
    found = [one for one in entities(client, noun, above) if one.get(noun.key)]
    if not noun.within:
        return (str(one[noun.key]) for one in found)
    counts = Counter(one[noun.key] for one in found)
    full = full_names(client, noun, found) if "/" in begun or max(counts.values(), default=0) > 1 else {}
    return (full[one["id"]] if "/" in begun or counts[one[noun.key]] > 1 else str(one[noun.key]) for one in found)


def _labels(client: Client, _context: click.Context, _begun: str) -> Iterable[str]:
    return (one["label"] for one in client.list(f"{ADDITIONS}/rows/networks") if one["label"])


def completes_added(noun: Noun) -> Completion | None:
    """The shell completion of what ``add`` takes: names of what exists to be assigned, labels of networks; None for a
    new name.
    """
    if noun.picks:
        return completes(noun.name)
    return offers(_labels) if noun.parent and noun.key == "id" else None


def spelled(noun: Noun) -> str:
    """How help writes the name of one, such as ``[DATACENTER/]NETWORK``."""
    wanted = nouns.noun(noun.picks) if noun.picks else noun
    word = noun.argument.upper()
    return f"[{spelled(nouns.noun(wanted.refers[wanted.within]))}/]{word}" if wanted.within else word


def named(name: str, parameter: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the argument that names one of a noun; ``parameter``: what the function calls it, by default as
    the noun is called.
    """
    noun = nouns.noun(name)
    return click.argument(parameter or noun.argument, metavar=spelled(noun), shell_complete=completes(name))
