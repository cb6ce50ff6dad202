"""Users and their passwords, and roles. What users are granted is in :mod:`netweft.api.permissions`."""

from __future__ import annotations

import msgspec

from netweft.api.collections import Collection, same_fields
from netweft.api.request_fields import required
from netweft.api.routes import ADDITIONS, LOGIN, READ, Call, Routes, many
from netweft.api.schema import or_default, reference
from netweft.api.types import Domain, Group, Permit, Role, User
from netweft.core.errors import NotFoundError
from netweft.engine.access.roles import ActionGroup
from netweft.engine.access.tokens import INTERNAL, split_name
from netweft.engine.commands.users import AddUser, add_user, new_password, prove, remove_user, set_password
from netweft.engine.model.users import RoleRow, UserRow
from netweft.engine.queries import users as queries

routes = Routes("users")
additions = Routes("users", ADDITIONS)

_USER_GROUPS = frozenset({ActionGroup.LOGIN, ActionGroup.RUN_VM, ActionGroup.STOP_VM, ActionGroup.SHUT_DOWN_VM})
"""Permits that roles for ordinary users have (all others are for administrators)."""


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


USERS = Collection(routes, queries.USERS, User, "/users/{user_id}", show=show)
USERS.reads("Users.", "One user.")


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
    return USERS.one(call, call.run(add_user, call.actor, spec))


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


USERS.removes(
    ActionGroup.MANIPULATE_USERS,
    remove_user,
    "Remove a user with the permissions they were given; whoever is logged in as them is out at once.",
)


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


@routes.get("/users/{user_id}/roles", many(Role), needs=READ)
def list_roles_of_user(call: Call[None]) -> list[Role]:
    """The roles that a user has on anything."""
    with call.read() as tx:
        user_id = USERS.row(tx, call).id
        found = [show_role(row) for row in queries.roles_of(tx, user_id)]
    for role in found:
        role.user = reference(User, user_id)
    return found


def show_role(row: RoleRow) -> Role:
    """A role."""
    return Role(**same_fields(Role, row), href=f"/roles/{row.id}")


ROLES = Collection(routes, queries.ROLES, Role, "/roles/{role_id}", show=show_role)
ROLES.reads("Roles.", "One role.", needs=LOGIN)


@routes.get("/roles/{role_id}/permits", many(Permit), needs=LOGIN)
def list_permits(call: Call[None]) -> list[Permit]:
    """The permits of a role."""
    with call.read() as tx:
        role_id = ROLES.row(tx, call).id
        return [_permit(role_id, group) for group in queries.action_groups_of(tx, role_id)]


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
        return [Domain(id=name, href=f"/domains/{name}", name=name) for name in queries.domains(tx)]


@routes.get("/domains/{domain_id}", Domain, needs=LOGIN)
def get_domain(call: Call[None]) -> Domain:
    """One domain of users."""
    found = [domain for domain in list_domains(call) if domain.id == call.ids["domain_id"]]
    if not found:
        raise NotFoundError(f"There is no domain {call.ids['domain_id']}.")
    return found[0]


def _show_group(row: UserRow) -> Group:
    return Group(id=row.id, href=f"/groups/{row.id}", name=row.name)


GROUPS = Collection(routes, queries.GROUPS, Group, "/groups/{group_id}", show=_show_group)
GROUPS.reads("Groups: the one of everyone.", "One group.", needs=LOGIN)
