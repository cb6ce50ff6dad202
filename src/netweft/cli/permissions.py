"""``netweft permission``: who has which role on what."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from netweft.cli.lookup import completes, path_of, resolve
from netweft.cli.nouns import noun
from netweft.cli.output import pick, say, show_facts, show_many
from netweft.cli.selection import Selection, unsearched
from netweft.cli.session import calls_engine, output_option
from netweft.client import ApiError, Client
from netweft.client.tree import Tree, Trees

_USER, _ROLE = noun("user"), noun("role")
_SYSTEM = "system"
_EVERYONE = "everyone"
_KINDS = (_SYSTEM, "datacenter", "cluster", "network", "profile", "host", "vm", "template", "macpool")
_COLUMNS = {"USER": "user.name", "ROLE": "role.name"}
_WIDE = {"ID": "id"}
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
@_kind
@_name
@unsearched("permissions", _COLUMNS)
@output_option
@calls_engine
def list_permissions(client: Client, kind: str, name: str | None, selection: Selection, form: str) -> None:
    """List the roles that are granted on exactly this object.

    Example: netweft permission list network storage
    """
    found = _named(client, _path(client, kind, name))
    show_many(selection.arrange(found, _COLUMNS), _COLUMNS, form, _WIDE)


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
    path = _path(client, kind, name)
    added = client.add(path, wanted)
    given = next(item for item in _named(client, path) if item["id"] == added["id"])
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


def _named(client: Client, path: str) -> Trees:
    """The permissions there, with names beside ids; the one group is called everyone."""
    found = client.list(path)
    roles = {role["id"]: role["name"] for role in client.list("roles")}
    users = {user["id"]: user["user_name"] for user in client.list("users")}
    for item in found:
        item["role"]["name"] = roles.get(item["role"]["id"], "")
        if "user" in item:
            item["user"]["name"] = users.get(item["user"]["id"], "")
        else:
            item["user"] = {"name": _EVERYONE}
    return found
