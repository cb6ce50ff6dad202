"""Users and their passwords, and roles. What users are granted is in :mod:`netweft.api.permissions`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, literal, or_, select

from netweft.api.collections import one, same_fields
from netweft.api.follow import loads
from netweft.api.request_fields import required
from netweft.api.routes import ADDITIONS, LOGIN, READ, Call, Routes, many
from netweft.api.schema import or_default, reference
from netweft.api.search import LISTED, Searchable, limited, page
from netweft.api.types import Domain, Group, Permit, Role, User
from netweft.core.errors import NotFoundError
from netweft.engine.access.roles import ActionGroup
from netweft.engine.access.tokens import INTERNAL, split_name
from netweft.engine.commands.users import AddUser, add_user, new_password, prove, remove_user, set_password
from netweft.engine.db import Tx
from netweft.engine.model.users import RoleRow, UserRow, permissions, role_groups, roles, users
from netweft.engine.statements import rows

routes = Routes("users")
additions = Routes("users", ADDITIONS)

_USER_GROUPS = frozenset({ActionGroup.LOGIN, ActionGroup.RUN_VM, ActionGroup.STOP_VM, ActionGroup.SHUT_DOWN_VM})
"""Permits that roles for ordinary users have (all others are for administrators)."""


def _login_name(test: Callable[[Any], ColumnElement[bool]]) -> ColumnElement[bool]:
    """Clients name a user with the profile or, as oVirt stores it, with the authorisation provider behind it."""
    return or_(test(users.c.user_name), test(users.c.user_name + literal("-authz")))


SEARCHABLE = Searchable(
    {
        "name": users.c.name,
        "usrname": _login_name,
        "id": users.c.id,
        "lastname": users.c.last_name,
        "email": users.c.email,
        "directory": users.c.domain,
    },
    key=users.c.id,
    default=(users.c.user_name,),
)


def show(row: UserRow) -> User:
    """A user."""
    principal, domain = split_name(row.user_name)
    return User(
        **same_fields(User, row),
        href=f"/users/{row.id}",
        department="",
        domain_entry_id=row.id,
        namespace="*",
        principal=principal,
        domain=Domain(id=domain, href=f"/domains/{domain}", name=domain),
    )


def _visible(call: Call[Any]) -> Select[Any]:
    """All users; in the filtered view oneself."""
    statement = select(users).where(users.c.is_group.is_(False))
    return statement.where(users.c.id == call.actor.user_id) if call.actor.filtered else statement


@loads(User)
def load(tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, User]:
    """Users by their ids."""
    return {row.id: show(row) for row in rows(tx, UserRow, _visible(call).where(users.c.id.in_(ids)))}


@routes.get("/users", many(User), needs=READ, queries=LISTED)
def list_users(call: Call[None]) -> list[User]:
    """Users."""
    with call.read() as tx:
        return [show(row) for row in rows(tx, UserRow, page(tx, call, _visible(call), SEARCHABLE))]


@routes.get("/users/{user_id}", User, needs=READ)
def get_user(call: Call[None]) -> User:
    """One user."""
    with call.read() as tx:
        return show(find(tx, call))


@routes.post("/users", User, needs=ActionGroup.ADD_USERS_AND_GROUPS_FROM_DIRECTORY)
def post_user(call: Call[User]) -> User:
    """Add a user of the internal domain, without any role; who has no ``password`` cannot log in yet."""
    body = call.body
    password = new_password("Cannot add User.", body.password) if isinstance(body.password, str) else None
    spec = AddUser(
        user_name=_user_name(body),
        first_name=or_default(body.name, ""),
        last_name=or_default(body.last_name, ""),
        email=or_default(body.email, ""),
        password=password,
    )
    user_id = call.run(add_user, call.actor, spec)
    with call.read() as tx:
        return show(one(tx, UserRow, select(users).where(users.c.id == user_id), f"user {user_id}"))


def _user_name(body: User) -> str:
    """Name and profile. Clients put the domain into ``user_name`` or beside it, and call it by its name or by that of
    the authorisation provider behind it.
    """
    login_name = required(body.user_name, "User [userName]")
    name, at, domain = login_name.rpartition("@")
    if not at:
        name = login_name
        domain = or_default(body.domain.name, INTERNAL) if isinstance(body.domain, Domain) else INTERNAL
    return f"{name}@{domain.removesuffix('-authz')}"


@routes.delete("/users/{user_id}", needs=ActionGroup.MANIPULATE_USERS)
def delete_user(call: Call[None]) -> None:
    """Remove a user with the permissions they were given; whoever is logged in as them is out at once."""
    call.run(remove_user, call.actor, call.ids["user_id"])


class Password(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """``current``: the current password, required to change one's own."""

    password: str
    current: str = ""


class PasswordSet(msgspec.Struct, kw_only=True, frozen=True):
    """The user whose password was set."""

    user_name: str


@additions.put("/users/{user_id}/password", Password, gives=PasswordSet, needs=LOGIN)
def put_password(call: Call[Password]) -> PasswordSet:
    """Set a user's password: one's own with the present one, others' as super user. What it opened ends."""
    user_id, body = call.ids["user_id"], call.body
    password = new_password("Cannot change Password.", body.password)
    is_proved = user_id == call.actor.user_id and bool(body.current) and prove(call.db, call.actor, body.current)
    return PasswordSet(user_name=call.run(set_password, call.actor, user_id, password, is_proved=is_proved))


def find(tx: Tx, call: Call[Any]) -> UserRow:
    """The user of the path. Raises NotFoundError."""
    user_id = call.ids["user_id"]
    return one(tx, UserRow, _visible(call).where(users.c.id == user_id), f"user {user_id}")


@routes.get("/users/{user_id}/roles", many(Role), needs=READ)
def list_roles_of_user(call: Call[None]) -> list[Role]:
    """The roles that a user has on anything."""
    with call.read() as tx:
        user_id = find(tx, call).id
        granted = select(permissions.c.role_id).where(permissions.c.user_id == user_id)
        theirs = select(roles).where(roles.c.id.in_(granted)).order_by(roles.c.name)
        found = [show_role(row) for row in rows(tx, RoleRow, theirs)]
    for role in found:
        role.user = reference(User, user_id)
    return found


def show_role(row: RoleRow) -> Role:
    """A role."""
    return Role(**same_fields(Role, row), href=f"/roles/{row.id}")


@loads(Role)
def load_roles(tx: Tx, _call: Call[Any], ids: Sequence[str]) -> dict[str, Role]:
    """Roles by their ids."""
    return {row.id: show_role(row) for row in rows(tx, RoleRow, select(roles).where(roles.c.id.in_(ids)))}


@routes.get("/roles", many(Role), needs=LOGIN, queries=("max",))
def list_roles(call: Call[None]) -> list[Role]:
    """Roles."""
    with call.read() as tx:
        return [show_role(row) for row in rows(tx, RoleRow, limited(select(roles).order_by(roles.c.name), call.query))]


@routes.get("/roles/{role_id}", Role, needs=LOGIN)
def get_role(call: Call[None]) -> Role:
    """One role."""
    with call.read() as tx:
        return show_role(_role(tx, call))


def _role(tx: Tx, call: Call[Any]) -> RoleRow:
    role_id = call.ids["role_id"]
    return one(tx, RoleRow, select(roles).where(roles.c.id == role_id), f"role {role_id}")


@routes.get("/roles/{role_id}/permits", many(Permit), needs=LOGIN)
def list_permits(call: Call[None]) -> list[Permit]:
    """The permits of a role."""
    with call.read() as tx:
        role_id = _role(tx, call).id
        groups = select(role_groups.c.action_group).where(role_groups.c.role_id == role_id)
        return [_permit(role_id, group) for group in tx.scalars(groups.order_by(role_groups.c.action_group))]


@routes.get("/roles/{role_id}/permits/{permit_id}", Permit, needs=LOGIN)
def get_permit(call: Call[None]) -> Permit:
    """One permit of a role."""
    found = [permit for permit in list_permits(call) if permit.id == call.ids["permit_id"]]
    if not found:
        raise NotFoundError(f"The role has no permit {call.ids['permit_id']}.")
    return found[0]


def _permit(role_id: str, group: str) -> Permit:
    return Permit(
        id=group,
        href=f"/roles/{role_id}/permits/{group}",
        name=group,
        administrative=group not in _USER_GROUPS,
        role=reference(Role, role_id),
    )


@routes.get("/domains", many(Domain), needs=LOGIN)
def list_domains(call: Call[None]) -> list[Domain]:
    """Domains of users."""
    with call.read() as tx:
        names = tx.scalars(
            select(users.c.domain).where(users.c.is_group.is_(False)).distinct().order_by(users.c.domain)
        )
        return [Domain(id=name, href=f"/domains/{name}", name=name) for name in names]


@routes.get("/domains/{domain_id}", Domain, needs=LOGIN)
def get_domain(call: Call[None]) -> Domain:
    """One domain of users."""
    found = [domain for domain in list_domains(call) if domain.id == call.ids["domain_id"]]
    if not found:
        raise NotFoundError(f"There is no domain {call.ids['domain_id']}.")
    return found[0]


@routes.get("/groups", many(Group), needs=LOGIN, queries=("max",))
def list_groups(call: Call[None]) -> list[Group]:
    """Groups: the one of everyone."""
    with call.read() as tx:
        groups = select(users).where(users.c.is_group).order_by(users.c.user_name)
        return [_show_group(row) for row in rows(tx, UserRow, limited(groups, call.query))]


@routes.get("/groups/{group_id}", Group, needs=LOGIN)
def get_group(call: Call[None]) -> Group:
    """One group."""
    with call.read() as tx:
        group_id = call.ids["group_id"]
        wanted = select(users).where(users.c.is_group, users.c.id == group_id)
        return _show_group(one(tx, UserRow, wanted, f"group {group_id}"))


def _show_group(row: UserRow) -> Group:
    return Group(id=row.id, href=f"/groups/{row.id}", name=row.name)
