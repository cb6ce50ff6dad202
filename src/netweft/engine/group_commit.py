"""How threads share SQLite's one writer, and one COMMIT."""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, text

from netweft.core.errors import NetweftError
from netweft.engine.statements import Statement

T = TypeVar("T")
Command = Callable[[Connection], Any]

ANNOUNCED = "netweft_announced"
"""Where a transaction keeps the topics that are to be notified of after its commit."""

_BEGIN, _COMMIT, _ROLLBACK = (Statement(text(words)) for words in ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"))
_SAVEPOINT, _RELEASE, _ROLLBACK_TO = (
    Statement(text(words)) for words in ("SAVEPOINT member", "RELEASE member", "ROLLBACK TO member")
)

_GROUP_MAX = 64
"""Members of one group commit, so that the first of them need not wait for an endless queue."""


class CommitError(NetweftError):
    """The database could not make a group of changes durable; none of them happened."""

    status = 503
    reason = "Database Failed"
    code = "DATABASE"


class _Member:
    """A write that is queued: a command, which any thread may run, or (None) a block that the waiting thread runs."""

    def __init__(self, command: Command | None) -> None:
        self.command = command
        self.context = contextvars.copy_context()  # the log context of the calling thread
        self.result: Any = None
        self.error: BaseException | None = None
        self.announced: set[str] = set()
        self.leads = False
        self.awake = threading.Lock()
        self.awake.acquire()

    def outcome(self) -> Any:  # noqa: ANN401 - whatever the command returned
        if self.error is not None:
            raise self.error
        return self.result


class GroupCommit:
    """The writing connection of SQLite and the queue for it.

    The thread that finds it free becomes the leader: it runs its own command, then those that have queued up meanwhile,
    each in its own savepoint, and commits for all of them. The others only wait, so a command costs at most one fsync
    and one thread switch. No thread returns before the COMMIT.

    To SQLAlchemy it is one transaction for as long as the connection lives. BEGIN, COMMIT and savepoints are sent
    to SQLite directly: SQLAlchemy's own work for each transaction would take longer than many commands.
    """

    def __init__(self, engine: Engine, notify: Callable[[set[str]], None]) -> None:
        self._engine = engine
        self._notify = notify
        self._mutex = threading.Lock()
        self._waiting: deque[_Member] = deque()
        self._busy = False
        self._tx: Connection | None = None
        self.commits = 0
        """The number of commits."""

    def run(self, command: Callable[[Connection], T]) -> T:
        """``command(tx)`` in a transaction, perhaps in another thread that has the turn."""
        member = _Member(command)
        if self._enter(member):
            with self._leading([member]):
                self._perform(member, self._first)
        return cast("T", member.outcome())

    @contextmanager
    def block(self) -> Iterator[Connection]:
        """A block of this thread as a command."""
        member = _Member(None)
        self._enter(member)
        with self._leading([member]):
            try:
                with self._first(member) as tx:
                    yield tx
            except BaseException as error:  # noqa: BLE001 - raised below, after the turn has been passed on
                member.error = error
        member.outcome()

    def _enter(self, member: _Member) -> bool:
        """Wait until the member becomes the leader (True), or its command has been run (False)."""
        with self._mutex:
            if not self._busy:
                self._busy = True
                return True
            self._waiting.append(member)
        try:
            member.awake.acquire()
        except BaseException:  # interrupted: the lead must not be passed to a dead member
            with self._mutex:
                if member in self._waiting:
                    self._waiting.remove(member)
                    raise
            member.awake.acquire()  # it was passed already; the current leader releases it soon
            if member.leads:
                self._pass_on()
            raise
        return member.leads

    @contextmanager
    def _leading(self, group: list[_Member]) -> Iterator[None]:
        """The transaction of a group: the block runs the first member, then the others follow."""
        try:
            try:
                if self._tx is None:
                    self._tx = self._engine.connect()
                    self._tx.begin()
                _BEGIN.run(self._tx)
            except BaseException as error:
                group[0].error = error
                self._drop_connection()
                raise
            yield
            while (follower := self._follower(group)) is not None:
                group.append(follower)
                self._perform(follower, self._savepoint)
            self._commit(group)
        finally:
            for member in group[1:]:
                member.awake.release()
            self._pass_on()

    def _follower(self, group: list[_Member]) -> _Member | None:
        """The next in the queue, unless it is a block, or the group is full or broken."""
        with self._mutex:
            if not self._waiting or self._waiting[0].command is None:
                return None
            if len(group) >= _GROUP_MAX or self._is_broken():
                return None
            return self._waiting.popleft()

    def _perform(self, member: _Member, alone: Callable[[_Member], AbstractContextManager[Connection]]) -> None:
        """Run a member's command and store its error. ``alone``: reverts this command alone when it fails."""
        try:
            with alone(member) as tx:
                member.result = member.context.run(cast("Command", member.command), tx)
        except BaseException as error:  # noqa: BLE001 - raised in the member's thread
            member.error = error

    @contextmanager
    def _first(self, member: _Member) -> Iterator[Connection]:
        """The first of a group needs no savepoint: there is no other work to keep when it fails."""
        tx = cast("Connection", self._tx)
        tx.info[ANNOUNCED] = member.announced
        try:
            yield tx
        except BaseException:
            if not self._is_broken():
                _ROLLBACK.run(tx)
                _BEGIN.run(tx)
            raise

    @contextmanager
    def _savepoint(self, member: _Member) -> Iterator[Connection]:
        tx = cast("Connection", self._tx)
        tx.info[ANNOUNCED] = member.announced
        _SAVEPOINT.run(tx)
        try:
            yield tx
        except BaseException:
            if not self._is_broken():
                _ROLLBACK_TO.run(tx)
                _RELEASE.run(tx)
            raise
        _RELEASE.run(tx)

    def _is_broken(self) -> bool:
        """Whether an error ended the whole transaction, and not the member's savepoint alone (a full disk does that:
        sqlite.org/lang_transaction.html).
        """
        if self._tx is None or self._tx.invalidated:
            return True
        driver = self._tx.connection.dbapi_connection
        return driver is None or not driver.in_transaction

    def _commit(self, group: list[_Member]) -> None:
        """Commit a group; when that fails, every member fails."""
        failure = group[-1].error if self._is_broken() else None
        if failure is None:
            try:
                _COMMIT.run(cast("Connection", self._tx))
                self.commits += 1
            except BaseException as error:  # noqa: BLE001 - every member raises it; this thread must pass the lead on
                failure = error
        done = [member for member in group if member.error is None]
        if failure is None:
            self._notify(set().union(*(member.announced for member in done)))
            return
        self._drop_connection()
        for member in done:
            member.error = CommitError(f"The change could not be stored: {failure}")
            member.error.__cause__ = failure

    def _pass_on(self) -> None:
        """Make the next member in the queue the leader."""
        with self._mutex:
            if not self._waiting:
                self._busy = False
                return
            member = self._waiting.popleft()
            member.leads = True
            member.awake.release()

    def _drop_connection(self) -> None:
        if self._tx is not None:
            self._tx.invalidate()
            self._tx.close()
            self._tx = None

    def close(self) -> None:
        """Close the writing connection."""
        if self._tx is not None:
            self._tx.close()
            self._tx = None
