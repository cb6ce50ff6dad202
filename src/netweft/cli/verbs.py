"""The usual verbs of a noun, built from its description in :mod:`netweft.cli.nouns`."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import click

from netweft.cli.nouns import NOTHING, NOUNS, Field, Noun
from netweft.cli.output import pick, say, show_many, show_one
from netweft.cli.session import REFUSED, calls_engine, output_option
from netweft.client import ApiError, Client
from netweft.client.tree import Tree, Trees

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME = click.Argument(["name"], metavar="NAME")


def group_of(noun: Noun) -> click.Group:
    """The command group of a noun with the verbs that it has."""
    group = click.Group(noun.name, help=noun.help)
    makers = {"list": _list, "show": _show, "add": _add, "set": _set, "remove": _remove}
    for verb in noun.verbs:
        group.add_command(makers[verb](noun))
    return group


class AmbiguousError(click.ClickException):
    """Several things have the name. Ends the program as refused."""

    exit_code = REFUSED


def resolve(client: Client, noun: Noun, name: str, *, within: tuple[str, str] | None = None) -> Tree:
    """The entity with exactly that name, or with that id. ``within``: a reference that it must have, by path and id.

    Raises ApiError(404), AmbiguousError.
    """
    called = name + noun.suffix if noun.suffix and "@" not in name else name
    found = [entity for entity in _candidates(client, noun, called) if entity.get(noun.key) == called]
    if within is not None:
        found = [entity for entity in found if pick(entity, f"{within[0]}.id") == within[1]]
    if not found and (entity := _by_id(client, noun, name)) is not None:
        found = [entity]
    if not found:
        raise ApiError(404, f"There is no {noun.name} {name}.")
    if len(found) > 1:
        name_references(client, noun, found)
        ids = "\n".join(f"  {entity['id']}{_place(noun, entity)}" for entity in found)
        raise AmbiguousError(f"{len(found)} have the name {name}. Give the id of the one that you mean:\n{ids}")
    return found[0]


def tell_warnings(client: Client) -> None:
    """Say what the engine warns of, such as hosts that do not follow, since the command began."""
    for text in client.told("severity!=normal"):
        say(f"Warning: {text}")


def name_references(client: Client, noun: Noun, entities: Trees) -> None:
    """Put names beside the ids of what the entities refer to."""
    for field, collection in noun.refers.items():
        holders = [entity[field] for entity in entities if pick(entity, f"{field}.id")]
        names = {entity["id"]: entity["name"] for entity in client.list(collection)} if holders else {}
        for reference in holders:
            reference["name"] = names.get(reference["id"], "")


def _candidates(client: Client, noun: Noun, name: str) -> Trees:
    """Entities that may have the name: the search takes either case for the same, and an asterisk for anything."""
    if not noun.searchable:
        return client.list(noun.path)
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return client.list(noun.path, search=f'{noun.search_key}="{quoted}"')


def _by_id(client: Client, noun: Noun, name: str) -> Tree | None:
    """The entity with that id, asked for only what can be one."""
    if not (name.isdigit() or _UUID.fullmatch(name)):
        return None
    try:
        return client.get(f"{noun.path}/{name}")
    except ApiError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        raise


def _place(noun: Noun, entity: Tree) -> str:
    field = next(iter(noun.refers), "")
    return f"  ({field.replace('_', ' ')} {pick(entity, f'{field}.name')})" if field else ""


def _list(noun: Noun) -> click.Command:
    @calls_engine
    def run(client: Client, /, form: str, search: str | None = None, **query: int) -> None:
        found = client.list(noun.path, **query, **({"search": search} if search else {}))
        name_references(client, noun, found)
        show_many(found, noun.columns, form)

    params: list[click.Parameter] = [_output()]
    if noun.searchable:
        params.append(
            click.Option(["--search"], help="Only those that match, for example 'name=web* and cluster=Default'.")
        )
    if noun.most:
        params.append(max_option(noun.most))
    return click.Command("list", callback=run, params=params, help="List them.")


def _show(noun: Noun) -> click.Command:
    @calls_engine
    def run(client: Client, name: str, form: str) -> None:
        found = resolve(client, noun, name)
        name_references(client, noun, [found])
        show_one(found, form)

    return click.Command("show", callback=run, params=[_NAME, _output()], help="Show one whole; NAME may be an id.")


def _add(noun: Noun) -> click.Command:
    @calls_engine
    def run(client: Client, /, name: str, form: str, **values: Any) -> None:  # noqa: ANN401 (what the options hold)
        entity = _entity(
            client,
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
        changes = _entity(client, noun, {k: v for k, v in values.items() if v not in (None, ())})
        if not changes:
            raise click.UsageError("Nothing to change: name at least one option (see --help).")
        show_one(client.update(f"{noun.path}/{resolve(client, noun, name)['id']}", changes), form)
        tell_warnings(client)

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
        except ApiError as error:
            if missing_ok and error.status == HTTPStatus.NOT_FOUND:
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


def max_option(most: int) -> click.Option:
    """The option of a list that would be long."""
    return click.Option(
        ["--max"], type=click.IntRange(min=1), default=most, show_default=True, help="How many, newest first."
    )


def _output() -> click.Option:
    holder = output_option(click.Command("holder"))
    return next(param for param in holder.params if isinstance(param, click.Option))


def _entity(client: Client, noun: Noun, values: dict[str, Any]) -> Tree:
    tree: Tree = {}
    for field in noun.fields:
        value = values.get(field.parameter)
        if value is None:
            continue
        if field.path == "usages":
            value = ["vm"] if value else []
        if field.names:
            other = next(other for other in NOUNS if other.path == field.names)
            value = resolve(client, other, str(value))["id"]
        *parents, leaf = field.path.split(".")
        place = tree
        for key in parents:
            place = place.setdefault(key, {})
        place[leaf] = None if value is NOTHING else list(value) if field.many else value
    return tree
