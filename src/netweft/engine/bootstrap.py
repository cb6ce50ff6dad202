"""What a new engine has before anybody asks: its roles, its first user, and a data centre to begin with."""

from __future__ import annotations

import secrets
from pathlib import Path

from argon2 import PasswordHasher
from sqlalchemy import insert, select

from netweft.engine.access import tokens
from netweft.engine.access.authorize import grant
from netweft.engine.access.objects import SYSTEM_REF
from netweft.engine.access.roles import EVERYONE, ROLES, Role
from netweft.engine.actor import SYSTEM
from netweft.engine.db import Tx, insert_those_absent, utc_now
from netweft.engine.model.users import role_groups, roles, users
from netweft.engine.secrets import write_private
from netweft.engine.seed import seed

ADMIN = "admin@internal"
ADMIN_ID = "fdfc627c-d875-11e0-90f0-83df133b58cc"
"""oVirt's id of it."""
PASSWORD_FILE = "admin-password"  # noqa: S105 - the name of a file


def bootstrap(tx: Tx, folder: Path, password: str | None, hasher: PasswordHasher = tokens.HASHER) -> None:
    """Put into a new database what every engine has; in one that is not new, only roles and what they allow that this
    version adds.

    ``password`` is the administrator's first one; None: one is made and written to ``folder``. Raises OSError.
    """
    _put_roles(tx)
    if tx.execute(select(users.c.id).where(users.c.id == EVERYONE)).first() is not None:
        return
    _add_user(tx, EVERYONE, "Everyone@internal", is_group=True, password_hash=None)
    seed(tx, SYSTEM)
    if password is None:
        password = _password_in(folder / PASSWORD_FILE)
    _add_user(tx, ADMIN_ID, ADMIN, is_group=False, password_hash=tokens.hash_password(password, hasher))
    grant(tx, ADMIN_ID, "SuperUser", SYSTEM_REF)


def _put_roles(tx: Tx) -> None:
    known = set(tx.execute(select(role_groups.c.role_id, role_groups.c.action_group)))
    lacking = [
        (role, [group for group in sorted(role.groups) if (role.id, group) not in known]) for role in ROLES.values()
    ]
    insert_those_absent(tx, roles, [_columns_of(role) for role, groups in lacking if groups])
    pairs = [{"role_id": role.id, "action_group": group} for role, groups in lacking for group in groups]
    insert_those_absent(tx, role_groups, pairs)


def _columns_of(role: Role) -> dict[str, object]:
    texts = {"name": role.name, "description": role.description}
    return {"id": role.id, "administrative": role.administrative, "mutable": False, **texts}


def _add_user(tx: Tx, user_id: str, user_name: str, *, is_group: bool, password_hash: str | None) -> None:
    name, domain = tokens.split_name(user_name)
    tx.execute(
        insert(users).values(
            id=user_id,
            user_name=user_name,
            domain=domain,
            name=name,
            last_name="",
            email="",
            is_group=is_group,
            password_hash=password_hash,
            enabled=True,
            created=utc_now(),
        )
    )


def _password_in(path: Path) -> str:
    """The password in a file that only its owner can read; a new one when there is none. It stays until it is removed
    by hand.
    """
    try:
        write_private(path, f"{secrets.token_hex(12)}\n".encode())
    except FileExistsError:
        path.chmod(0o600)
    return path.read_text().strip()
