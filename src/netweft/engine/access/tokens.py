"""Who somebody is: passwords, bearer tokens, sessions.

Passwords are stored as argon2id hashes. Each wrong one makes the next answer to the same name from the same address
wait longer, so that guessing is slow, and nobody can lock a user out from elsewhere. A try is counted before it is
looked at, so that many at once count as many. Tokens are random and stored as hashes only.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, insert, select, update

from netweft.core.errors import NetweftError
from netweft.engine import audit
from netweft.engine.actor import Actor
from netweft.engine.audit import Severity
from netweft.engine.db import Database, Tx, insert_if_absent, utc_now
from netweft.engine.model.users import LoginFailureRow, UserRow, login_failures, tokens, users
from netweft.engine.statements import Statement, first_row

INTERNAL = "internal"
"""The profile whose users the engine itself knows."""
USER_LOGGED_IN, USER_LOGIN_FAILED, USER_LOGGED_OUT = 30, 114, 31
"""Event codes (oVirt: ``USER_VDC_LOGIN``, ``USER_VDC_LOGIN_FAILED``, ``USER_VDC_LOGOUT``)."""

TOKEN_LIFE = timedelta(hours=12)
SESSION_LIFE = timedelta(minutes=30)
FREE_TRIES = 3
"""Failed logins before delays begin."""
_WAIT_MAX = 60
"""Seconds that a guesser waits at most between tries."""
_FORGET_FAILURES = timedelta(minutes=15)
_TOUCH = timedelta(minutes=1)
"""How exact the end of a session is, so that not every request writes."""
_NAME_MAX = 255
_CACHE_SECONDS = 60.0
_CACHE_MAX = 1000

HASHER = PasswordHasher()
"""What passwords are hashed with, if nobody says otherwise (argon2id, RFC 9106)."""


def _nobodys_hash() -> str:
    """A hash that no password has, and that takes as long to verify as any other. Written rather than computed, as the
    engine starts sooner without.
    """
    cost = f"m={HASHER.memory_cost},t={HASHER.time_cost},p={HASHER.parallelism}"
    lengths = (HASHER.salt_len, HASHER.hash_len)
    salt, digest = (b64encode(secrets.token_bytes(length)).decode().rstrip("=") for length in lengths)
    return f"$argon2id$v=19${cost}${salt}${digest}"


NOBODYS_HASH = _nobodys_hash()
"""Verified against when there is no such user, so that the time tells nothing."""
HASHES = 2
"""Passwords that are verified at the same moment: each takes 64 MiB and all processors for some 50 ms."""
_hashing = threading.BoundedSemaphore(HASHES)


class Purpose(StrEnum):
    """What a token is for."""

    BEARER = "bearer"
    SESSION = "session"


class LoginError(NetweftError):
    """Wrong name or password, or too many of them. ``wait`` in seconds: before that no try counts."""

    status = 401
    reason = "Unauthorized"
    code = "access_denied"

    def __init__(self, text: str, *, wait: float = 0.0) -> None:
        super().__init__(text)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who proved to be who they are."""

    id: str
    name: str


def hash_password(password: str, hasher: PasswordHasher = HASHER) -> str:
    """What is stored of a password."""
    return hasher.hash(password)


def split_name(user_name: str) -> tuple[str, str]:
    """Name and profile: ``admin@ovirt@internalsso`` is ``admin@ovirt`` in ``internalsso``; without an @ it is of the
    internal profile.
    """
    name, at, profile = user_name.rpartition("@")
    return (name, profile) if at else (profile, INTERNAL)


def login(
    db: Database,
    user_name: str,
    password: str,
    address: str,
    correlation_id: str = "",
    *,
    hasher: PasswordHasher = HASHER,
) -> User:
    """Check a password; both results are audited. ``address``: where the client calls from; ``hasher``: what a password
    is hashed with anew that is stored at another cost. Raises LoginError.

    Takes some 50 ms of one core: who checks the same password with every request uses :class:`Credentials`.
    """
    user, stored = prove(db, user_name, password, address, correlation_id)
    anew = hash_password(password, hasher) if hasher.check_needs_rehash(stored) else ""
    db.run(_welcome, user, stored, anew, address, correlation_id)
    return user


def prove(db: Database, user_name: str, password: str, address: str, correlation_id: str = "") -> tuple[User, str]:
    """The user whose password this is, and its stored hash; a wrong one is audited. It is counted as a wrong one until
    the caller forgives it. Raises LoginError.
    """
    name = "@".join(split_name(user_name))
    with db.read() as tx:
        found = first_row(tx, UserRow, select(users).where(users.c.user_name == name, users.c.is_group.is_(False)))
        blocked = tx.execute(select(login_failures.c.blocked_until).where(_tries(name, address))).scalar()
    wait = _seconds_until(blocked) or db.run(_count_try, name, address)
    if wait:
        text = f"Cannot authenticate user '{name}': too many wrong passwords, try again in {wait:.0f} s."
        raise LoginError(text, wait=wait)
    stored = found.password_hash if found is not None and found.enabled else None
    if found is None or not _is_right(stored or NOBODYS_HASH, password) or stored is None:
        db.run(_record_failure, name[:_NAME_MAX], address, correlation_id)
        raise LoginError(f"Cannot authenticate user '{name}': the user name or password is wrong.")
    return User(found.id, name), stored


def forgive(tx: Tx, name: str, address: str) -> None:
    """The password was right: the tries before it count no more."""
    tx.execute(delete(login_failures).where(_tries(name, address)))


def _tries(name: str, address: str) -> ColumnElement[bool]:
    return and_(login_failures.c.user_name == name[:_NAME_MAX], login_failures.c.address == address)


def _seconds_until(moment: datetime | None) -> float:
    """0 when it has passed."""
    return max((moment - utc_now()).total_seconds(), 0.0) if moment is not None else 0.0


def _is_right(stored: str, password: str) -> bool:
    with _hashing:
        try:
            return HASHER.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def _count_try(tx: Tx, name: str, address: str) -> float:
    """Count a try as one that failed. The seconds that it has to wait instead, 0 when it may be looked at."""
    now = utc_now()
    tx.execute(delete(login_failures).where(login_failures.c.blocked_until < now - _FORGET_FAILURES))
    row = None
    while row is None:  # somebody who logs in at this moment takes it away again
        insert_if_absent(tx, login_failures, user_name=name[:_NAME_MAX], address=address, count=0, blocked_until=now)
        row = first_row(tx, LoginFailureRow, select(login_failures).where(_tries(name, address)).with_for_update())
    left = _seconds_until(row.blocked_until)
    if left:
        return left
    count = row.count + 1
    wait = min(2 ** (count - FREE_TRIES), _WAIT_MAX) if count > FREE_TRIES else 0
    until = now + timedelta(seconds=wait)
    tx.execute(update(login_failures).where(_tries(name, address)).values(count=count, blocked_until=until))
    return 0.0


def _record_failure(tx: Tx, name: str, address: str, correlation_id: str) -> None:
    actor = Actor(user_id=None, name=name, correlation_id=correlation_id)
    text = f"User {name} connecting from '{address}' failed to log in: wrong user name or password."
    audit.record(tx, actor, USER_LOGIN_FAILED, text, Severity.ERROR)


def _welcome(tx: Tx, user: User, stored: str, anew: str, address: str, correlation_id: str) -> None:
    forgive(tx, user.name, address)
    if anew:  # and nobody has changed the password meanwhile
        same = and_(users.c.id == user.id, users.c.password_hash == stored)
        tx.execute(update(users).where(same).values(password_hash=anew))
    actor = Actor(user_id=user.id, name=user.name, correlation_id=correlation_id)
    audit.record(tx, actor, USER_LOGGED_IN, f"User {user.name} connecting from '{address}' logged in.")


def issue(tx: Tx, user: User, purpose: Purpose = Purpose.BEARER) -> str:
    """A new token for a user. It is not stored: who loses it logs in again."""
    token = secrets.token_hex(32)
    now = utc_now()
    life = TOKEN_LIFE if purpose == Purpose.BEARER else SESSION_LIFE
    tx.execute(delete(tokens).where(tokens.c.expires < now))
    tx.execute(
        insert(tokens).values(
            token_hash=digest(token), user_id=user.id, purpose=purpose, created=now, expires=now + life
        )
    )
    return token


def user_of(tx: Tx, token: str, purpose: Purpose = Purpose.BEARER) -> User | None:
    """Whose valid token this is; None when it is nobody's, has expired, or its user may not log in any more."""
    row = _HOLDER.first(tx, digest=digest(token), purpose=purpose, now=utc_now())
    return None if row is None else User(*row)


def holder(*columns: ColumnElement[Any]) -> Select[Any]:
    """Columns of the user, who may log in, whose token with ``:digest`` for ``:purpose`` is valid at ``:now``."""
    return (
        select(*columns)
        .select_from(users.join(tokens, tokens.c.user_id == users.c.id))
        .where(
            tokens.c.token_hash == bindparam("digest"),
            tokens.c.purpose == bindparam("purpose"),
            tokens.c.expires > bindparam("now"),
            users.c.enabled.is_(True),
        )
    )


_HOLDER = Statement(holder(users.c.id, users.c.user_name))


def needs_touch(tx: Tx, token: str) -> bool:
    """Whether :func:`touch` has something to do."""
    expires = tx.execute(select(tokens.c.expires).where(tokens.c.token_hash == digest(token))).scalar()
    return expires is not None and expires < utc_now() + SESSION_LIFE - _TOUCH


def touch(tx: Tx, token: str) -> None:
    """A session was used: it lives on."""
    session = and_(tokens.c.token_hash == digest(token), tokens.c.purpose == Purpose.SESSION)
    tx.execute(update(tokens).where(session).values(expires=utc_now() + SESSION_LIFE))


def revoke(tx: Tx, token: str) -> None:
    """End a token or session; nothing happens when it is none."""
    mine = tokens.c.token_hash == digest(token)
    row = tx.execute(
        select(users.c.id, users.c.user_name).join(tokens, tokens.c.user_id == users.c.id).where(mine)
    ).one_or_none()
    if row is not None:
        user_id, name = row
        tx.execute(delete(tokens).where(mine))
        audit.record(tx, Actor(user_id=user_id, name=name), USER_LOGGED_OUT, f"User {name} logged out.")


def revoke_all(tx: Tx, user_id: str) -> None:
    """End all tokens of a user (a changed password, a disabled user)."""
    tx.execute(delete(tokens).where(tokens.c.user_id == user_id))


def set_password(tx: Tx, user_id: str, password_hash: str) -> None:
    """Store the hash of a new password and end what the old one opened."""
    tx.execute(update(users).where(users.c.id == user_id).values(password_hash=password_hash))
    revoke_all(tx, user_id)


def digest(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


class Credentials:
    """Passwords that were right a moment ago, for clients that send one with every request (HTTP Basic).

    Kept in memory for a minute as a hash under a key that only this process has, together with the stored hash that
    they matched: a changed password or a disabled user counts at once.
    """

    def __init__(
        self, db: Database, clock: Callable[[], float] = time.monotonic, hasher: PasswordHasher = HASHER
    ) -> None:
        self._db = db
        self._clock = clock
        self._hasher = hasher
        self._key = secrets.token_bytes(32)
        self._mutex = threading.Lock()
        self._known: dict[bytes, tuple[User, str, float]] = {}

    def recent(self, user_name: str, password: str) -> User | None:
        """The user whose password this was a moment ago; cheap."""
        with self._mutex:
            known = self._known.get(self._secret(user_name, password))
        if known is not None and known[2] > self._clock() and self._stored(known[0].id) == known[1]:
            return known[0]
        return None

    def check(self, user_name: str, password: str, address: str, correlation_id: str = "") -> User:
        """As :func:`login`, cheap when repeated. Raises LoginError."""
        known = self.recent(user_name, password)
        if known is not None:
            return known
        user = login(self._db, user_name, password, address, correlation_id, hasher=self._hasher)
        stored = self._stored(user.id)
        with self._mutex:
            if len(self._known) >= _CACHE_MAX:
                self._known.clear()
            self._known[self._secret(user_name, password)] = (user, stored or "", self._clock() + _CACHE_SECONDS)
        return user

    def _secret(self, user_name: str, password: str) -> bytes:
        return hmac.digest(self._key, f"{len(user_name)}:{user_name}:{password}".encode(), "sha256")

    def _stored(self, user_id: str) -> str | None:
        with self._db.read() as tx:
            mine = and_(users.c.id == user_id, users.c.enabled.is_(True))
            return tx.execute(select(users.c.password_hash).where(mine)).scalar()
