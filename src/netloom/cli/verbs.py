"""The usual verbs of a noun, built from its description in :mod:`netloom.cli.nouns`."""

from __future__ import annotations

from typing import Any

import click

from netloom.cli.nouns import Field, Noun
from netloom.cli.output import say, show_many, show_one
from netloom.cli.session import calls_engine, output_option
from netloom.client import ApiError, Client
from netloom.client.tree import Tree

_NAME = click.Argument(["name"], metavar="NAME")


def group_of(noun: Noun) -> click.Group:
    """The command group of a noun with the verbs that it has."""
    group = click.Group(noun.name, help=noun.help)
    makers = {"list": _list, "show": _show, "add": _add, "set": _set, "remove": _remove}
    for verb in noun.verbs:
        group.add_command(makers[verb](noun))
    return group


def resolve(client: Client, noun: Noun, name: str) -> Tree:
    """The entity with that name or id. Raises ApiError(404)."""
    found = client.list(noun.path, search=f'name="{name}"') if noun.searchable else []
    return found[0] if found else client.find(noun.path, name)


def _list(noun: Noun) -> click.Command:
    @calls_engine
    def run(client: Client, form: str, search: str | None = None) -> None:
        query = dict(noun.query)
        if search:
            query["search"] = search
        show_many(client.list(noun.path, **query), noun.columns, form)

    params: list[click.Parameter] = [_output()]
    if noun.searchable:
        params.append(
            click.Option(["--search"], help="Only those that match, for example 'name=web* and cluster=Default'.")
        )
    return click.Command("list", callback=run, params=params, help="List them.")


def _show(noun: Noun) -> click.Command:
    @calls_engine
    def run(client: Client, name: str, form: str) -> None:
        show_one(resolve(client, noun, name), form)

    return click.Command("show", callback=run, params=[_NAME, _output()], help="Show one whole; NAME may be an id.")


def _add(noun: Noun) -> click.Command:
    @calls_engine
    def run(client: Client, /, name: str, form: str, **values: Any) -> None:  # noqa: ANN401 (what the options hold)
        entity = _entity(
            noun,
            {field.parameter: field.default for field in noun.fields}
            | {k: v for k, v in values.items() if v not in (None, ())},
        )
        show_one(client.add(noun.path, {"name": name, **entity}), form)

    fields = [field for field in noun.fields if field.path != "name"]
    return click.Command("add", callback=run, params=[_NAME, *map(_option, fields), _output()], help="Add one.")


def _set(noun: Noun) -> click.Command:
    @calls_engine
    def run(client: Client, /, name: str, form: str, **values: Any) -> None:  # noqa: ANN401 (what the options hold)
        changes = _entity(noun, {k: v for k, v in values.items() if v not in (None, ())})
        if not changes:
            raise click.UsageError("Nothing to change: name at least one option (see --help).")
        show_one(client.update(f"{noun.path}/{resolve(client, noun, name)['id']}", changes), form)

    return click.Command(
        "set",
        callback=run,
        params=[_NAME, *map(_option, noun.fields), _output()],
        help="Change what the options name; the rest stays.",
    )


def _remove(noun: Noun) -> click.Command:
    @calls_engine
    def run(client: Client, name: str, missing_ok: bool) -> None:
        try:
            entity = resolve(client, noun, name)
        except ApiError:
            if missing_ok:
                say(f"There is no {noun.name} {name}.")
                return
            raise
        client.remove(f"{noun.path}/{entity['id']}")

    params = [_NAME, click.Option(["--missing-ok"], is_flag=True, help="No error when it is not there.")]
    return click.Command("remove", callback=run, params=params, help="Remove one.")


def _option(field: Field) -> click.Option:
    if "/" in field.option:
        return click.Option([field.option], default=None, help=field.help)
    default = f" Default for add: {field.default}." if field.default else ""
    return click.Option([field.option], type=field.type, multiple=field.many, help=field.help + default)


def _output() -> click.Option:
    holder = output_option(click.Command("holder"))
    return next(param for param in holder.params if isinstance(param, click.Option))


def _entity(noun: Noun, values: dict[str, Any]) -> Tree:
    tree: Tree = {}
    for field in noun.fields:
        value = values.get(field.parameter)
        if value is None:
            continue
        if field.path == "usages":
            value = ["vm"] if value else []
        *parents, leaf = field.path.split(".")
        place = tree
        for key in parents:
            place = place.setdefault(key, {})
        place[leaf] = list(value) if field.many else value
    return tree
