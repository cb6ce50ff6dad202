"""``netweft permission`` and ``netweft user permission``: who has which role on what."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from netweft.cli.calls import calls_engine
from netweft.cli.completion import completes, named
from netweft.cli.lookup import path_of, resolve
from netweft.cli.nouns import noun
from netweft.cli.output import pick, say, show_facts, show_many
from netweft.cli.selection import Selection, searched, unsearched
from netweft.cli.session import output_option
from netweft.client import ApiError, Client
from netweft.client.tree import Tree, Trees

_USER, _ROLE = noun("user"), noun("role")
_SYSTEM = "system"
_EVERYONE = "everyone"
_TYPES = {
    _SYSTEM: "system",
    "datacenter": "data_center",
    "cluster": "cluster",
    "network": "network",
    "profile": "vnic_profile",
    "host": "host",
    "vm": "vm",
    "template": "template",
    "macpool": "mac_pool",
}
"""The kinds of objects that roles can be granted on, and the API's names of them."""
_KINDS = tuple(_TYPES)
_COLUMNS = {"USER": "user.name", "ROLE": "role.name", "KIND": "kind", "NAME": "object.name"}
_OF_USER = {heading: path for heading, path in _COLUMNS.items() if heading != "USER"}
_WIDE = {"ID": "id"}
_RIGHTS = {"RIGHT": "name", "EVERYWHERE": "everywhere"}
_kind = click.argument("kind", type=click.Choice(_KINDS), metavar="KIND")


def _complete(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    kind = context.params.get("kind")
    return completes(kind)(context, parameter, begun) if kind in _KINDS[1:] else []


_name = click.argument("name", required=False, shell_complete=_complete)
_role = click.option(
    "--role",
    required=True,
    help="For example NetworkAdmin; see 'netweft role list'.",
    shell_complete=completes("role"),
)
_user = click.option("--user", help="Who.", shell_complete=completes("user"))
_everyone = click.option("--everyone", is_flag=True, help="All users.")


@click.group("permission")
def permission() -> None:
    """Roles of users on objects.

    A role holds for an object and for all below it. The object is a KIND with its NAME: system (which has no name),
    datacenter, cluster, network, profile, host, vm, template, macpool.
    """


@permission.command("list")
@click.argument("kind", type=click.Choice(_KINDS), metavar="[KIND]", required=False)
@_name
@searched("user=ann* and object=sto*")
@output_option
@calls_engine
def list_permissions(client: Client, kind: str | None, name: str | None, selection: Selection, form: str) -> None:
    """List the roles that are granted: all, those on all objects of a KIND, or those on exactly one object.

    With NAME, --search is refused, and --sort takes a column.

    Example: netweft permission list network storage
    """
    if kind and name:
        if selection.search:
            raise click.UsageError("--search is about all permissions, and NAME about those on one object.")
        found = selection.arrange(_named(client, kind, name), _COLUMNS)
    else:
        found = granted(client, selection, f"type={_TYPES[kind]}" if kind else "")
    show_many(found, _COLUMNS, form, _WIDE)


@click.command("list")
@named("user")
@searched("object=sto*")
@output_option
@calls_engine
def list_of_user(client: Client, user: str, selection: Selection, form: str) -> None:
    """List the roles that a user has, each with the kind and the name of its object. The roles of everyone are in
    'netweft permission list'.

    Example: netweft user permission list ann
    """
    found = granted(client, selection, f"user.id={resolve(client, _USER, user)['id']}")
    show_many(found, _OF_USER, form, _WIDE)


COMMANDS = (list_of_user,)
"""Below 'user permission'."""


@permission.command("grant")
@_kind
@_name
@_role
@_user
@_everyone
@output_option
@calls_engine
def grant(client: Client, kind: str, name: str | None, role: str, user: str | None, everyone: bool, form: str) -> None:
    """Grant a user a role on an object. Granting it twice changes nothing.

    Example: netweft permission grant network storage --role NetworkAdmin --user ann
    """
    wanted: Tree = {"role": {"id": resolve(client, _ROLE, role)["id"]}, **_holder(client, user, everyone)}
    added = client.add(_path(client, kind, name), wanted)
    given = next(item for item in _named(client, kind, name) if item["id"] == added["id"])
    show_facts(given, _COLUMNS, form, _WIDE)


@permission.command("revoke")
@_kind
@_name
@_role
@_user
@_everyone
@calls_engine
def revoke(client: Client, kind: str, name: str | None, role: str, user: str | None, everyone: bool) -> None:
    """Revoke a role on an object.

    Example: netweft permission revoke network storage --role NetworkAdmin --user ann
    """
    holder = next(iter(_holder(client, user, everyone).values()))["id"]
    path, role_id = _path(client, kind, name), resolve(client, _ROLE, role)["id"]
    for item in client.list(path):
        if pick(item, "role.id") == role_id and holder in (pick(item, "user.id"), pick(item, "group.id")):
            client.remove(f"{path}/{item['id']}")
            say(f"{user or _EVERYONE} no longer has the role {role} there.")
            return
    raise ApiError(404, f"{user or _EVERYONE} was not given the role {role} there.")


@click.command("rights")
@unsearched("rights", _RIGHTS)
@output_option
@calls_engine
def rights(client: Client, selection: Selection, form: str) -> None:
    """List what the user who logs in may do, by their own roles or by those of everyone: on the whole system
    (EVERYWHERE), or only on some objects.

    Example: netweft rights
    """
    show_many(selection.arrange(client.addition("GET", "rights"), _RIGHTS), _RIGHTS, form)


def _path(client: Client, kind: str, name: str | None) -> str:
    """The collection of permissions on a thing. Raises click.UsageError."""
    if kind == _SYSTEM:
        if name:
            raise click.UsageError(f"There is only one system: omit {name}.")
        return "permissions"
    if not name:
        raise click.UsageError(f"Which {kind}? Give its name or id.")
    return f"{path_of(resolve(client, noun(kind), name))}/permissions"


def _holder(client: Client, user: str | None, everyone: bool) -> Tree:
    """The user or group of a request, as the API expects it. Raises click.UsageError."""
    if bool(user) == everyone:
        raise click.UsageError("Give either --user or --everyone.")
    if user:
        return {"user": {"id": resolve(client, _USER, user)["id"]}}
    (group,) = client.list("groups")
    return {"group": {"id": group["id"]}}


def granted(client: Client, selection: Selection, condition: str) -> Trees:
    """Permissions on any objects, with names, that meet a condition of the search language, if there is one."""
    found: Trees = client.addition("GET", "rows/permissions", **selection.within(condition).query())
    kinds = {word: kind for kind, word in _TYPES.items()}
    for item in found:
        item["kind"] = kinds.get(item["type"], item["type"])
        if item["everyone"]:
            item["user"]["name"] = _EVERYONE
    return found


def _named(client: Client, kind: str, name: str | None) -> Trees:
    """The permissions on one object, with names beside ids; the one group is called everyone."""
    found = client.list(_path(client, kind, name))
    roles = {role["id"]: role["name"] for role in client.list("roles")}
    users = {user["id"]: user["user_name"] for user in client.list("users")}
    for item in found:
        item["role"]["name"] = roles.get(item["role"]["id"], "")
        if "user" in item:
            item["user"]["name"] = users.get(item["user"]["id"], item["user"]["id"])
        else:
            item["user"] = {"name": _EVERYONE}
        item |= {"kind": kind, "object": {"name": name or ""}}
    return found
