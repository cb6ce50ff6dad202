"""The connection to one Open vSwitch: to its database, by JSON-RPC (RFC 7047) over a Unix socket.

Observing updates a copy of the rows (ovsdb_mirror.py). Executing sends one transaction for all steps, waits until
ovs-vswitchd has applied it (it then copies ``next_cfg`` to ``cur_cfg``), and checks the new interfaces: the database
accepts a NIC that does not exist, and only the columns ``error`` and ``ofport`` of Interface show the failure
(ovs-vswitchd.conf.db(5)). docs/decisions/0003-ovsdb-by-hand.md explains why this is not ovsdbapp.
"""

from __future__ import annotations

from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from netweft.agent.ovsdb_bump import PendingChange, bump
from netweft.agent.ovsdb_mirror import Mirror
from netweft.agent.ovsdb_script import Script
from netweft.agent.ovsdb_session import OvsdbError, Session, as_set, only_row, select, to_set
from netweft.agent.ovsdb_steps import OvsdbStep, OvsStepError, PlugGuest, UnplugGuest, inverse
from netweft.agent.ovsdb_tables import GUEST_KEY, OWNER_KEY, OvsView

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from netweft.agent.ovsdb_session import Json, Operation, Row
    from netweft.core.host import Chassis

__all__ = [
    "GUEST_KEY",
    "OWNER_KEY",
    "SYSTEM_SOCKET",
    "OvsStepError",
    "OvsView",
    "Ovsdb",
    "OvsdbError",
    "OvsdbStep",
    "PlugGuest",
    "UnplugGuest",
]

Result = TypeVar("Result")

SYSTEM_SOCKET = "/run/openvswitch/db.sock"
"""The database socket of the system's own Open vSwitch."""

_NOT_MADE: Sequence[Json] = (["error", "!=", to_set([])], ["ofport", "==", to_set([])], ["ofport", "==", -1])
_FAILURES = [select("Interface", ("name", "ofport", "error"), [condition]) for condition in _NOT_MADE]
"""Queries of the interfaces that ovs-vswitchd could not create."""

_TLS = {"private_key": "private-key", "certificate": "certificate", "ca_cert": "ca-cert"}
"""Columns of table SSL, and their command line options."""


class Ovsdb:
    """One Open vSwitch, reached at the absolute path of its database's socket.

    ``timeout``: seconds for each answer of the database. ``apply_timeout``: seconds for ovs-vswitchd to apply a change
    (removing 500 internal ports takes the kernel 8). Thread-safe.
    """

    def __init__(self, path: str = SYSTEM_SOCKET, *, timeout: float = 10.0, apply_timeout: float = 60.0) -> None:
        self.path = path
        self.timeout = timeout
        self.apply_timeout = apply_timeout
        self._lock = Lock()
        self._mirror: Mirror | None = None

    def version(self) -> str:
        """The version of ovs-vswitchd, empty before its first start on this database.

        Raises OvsdbError when there is no database.
        """
        return "".join(str(value) for value in self._root("ovs_version"))

    def datapaths(self) -> tuple[str, ...]:
        """The datapath types that ovs-vswitchd supports (``netdev``, ``system``), sorted.

        Raises OvsdbError when there is no database.
        """
        return tuple(sorted(str(value) for value in self._root("datapath_types")))

    def port_numbers(self) -> dict[str, int]:
        """The OpenFlow number of each interface of ovs-vswitchd (-1: it could not be created). Raises OvsdbError."""
        with Session(self.path, self.timeout) as session:
            (rows,) = session.select({"Interface": ("name", "ofport")})
        return {str(row["name"]): int(str(number)) for row in rows for number in as_set(row["ofport"])}

    def observe(self) -> OvsView:
        """Bridges, ports and guest ports by name. Raises OvsdbError when the database cannot be read.

        The local port of a bridge (the one named like it) is part of the bridge and not listed. Internal ports
        are reported as requested, down and without carrier; their actual state is that of their links in the kernel.
        """
        return self._read(Mirror.view)

    def chassis(self) -> Chassis:
        """The settings of ovn-controller. Raises OvsdbError when the database cannot be read."""
        return self._read(Mirror.chassis)

    def tls(self) -> dict[str, str]:
        """The TLS files of Open vSwitch and OVN, by the options of their tools; empty without TLS.

        Raises OvsdbError when there is no database.
        """
        with Session(self.path, self.timeout) as session:
            (rows,) = session.select({"SSL": tuple(_TLS)})
        return {option: str(row[column]) for row in rows for column, option in _TLS.items()}

    def execute(self, steps: Sequence[OvsdbStep], links: Collection[str] = ()) -> None:
        """Apply the steps in one transaction and wait until ovs-vswitchd has done it.

        A name that is removed and created again splits the steps into two transactions. ``links``: the names of all
        links of the host, which new internal ports must not have.

        Raises OvsStepError naming the step that was refused. If the database refused it, its whole transaction was not
        applied; if ovs-vswitchd did, only that step was not applied. Raises OvsdbError when the database or
        ovs-vswitchd does not answer.
        """
        with Session(self.path, self.timeout) as session:
            rest = list(steps)
            reserved = frozenset(links) - self._read(Mirror.tables).internal()
            while rest:
                script = Script(self._read(Mirror.tables), reserved)
                while rest and not script.must_follow(rest[0]):
                    script.add(rest.pop(0))
                if not script.is_empty:
                    self._apply(session, script)

    def _apply(self, session: Session, script: Script) -> None:
        if script.frees_nics:
            # In user space, ovs-vswitchd ends promiscuous mode of a NIC that it releases by writing all flags as it
            # last read them. Waiting for it first makes sure that it has read whether the NIC is up.
            self._await_applied(session, bump(session))
        bumped = script.commit(session)
        self._read(Mirror.view)  # read while ovs-vswitchd is at work, which saves time later
        failure = script.failure(self._await_applied(session, bumped, _FAILURES))
        if failure:
            # Steps are atomic: what ovs-vswitchd could not create must not stay in the database.
            remedy = Script(self._read(Mirror.tables))
            remedy.add(inverse(failure.step))
            self._await_applied(session, remedy.commit(session))
            raise failure
        if script.asks_kernel_for_mtu:
            # The kernel may reset the MTU that ovs-vswitchd has set on a new device; ovs-vswitchd notices that while it
            # confirms, and sets it again the next time.
            self._await_applied(session, bump(session))

    def _read(self, read: Callable[[Mirror], Result]) -> Result:
        """Call ``read`` with a copy that includes all earlier commits. Raises OvsdbError."""
        with self._lock:
            mirror, self._mirror = self._mirror, None
            try:
                if mirror:
                    mirror.sync()
            except OvsdbError:  # ovsdb-server may have been restarted since the last call
                mirror = None
            mirror = mirror or Mirror(self.path, self.timeout)
            found = read(mirror)
            self._mirror = mirror
            return found

    def _root(self, column: str) -> list[Json]:
        with Session(self.path, self.timeout) as session:
            (rows,) = session.select({"Open_vSwitch": (column,)})
            return as_set(only_row(rows)[column])

    def _await_applied(
        self, session: Session, change: PendingChange, operations: Sequence[Operation] = ()
    ) -> list[Row]:
        """Wait until ovs-vswitchd has applied the change; the rows that ``operations`` select then."""
        deadline = monotonic() + self.apply_timeout
        applied = change.applied
        while True:
            left = max(0.0, deadline - monotonic())
            request = [select("Open_vSwitch", ("cur_cfg",)), *operations]
            results = session.transact_after_change("Open_vSwitch", {"cur_cfg": applied}, left, request)
            if results is None:
                raise OvsdbError(
                    f"ovs-vswitchd has not applied the change within {self.apply_timeout:g} s "
                    f"(database {self.path}): is it running?"
                )
            root, *found = [session.rows(result) for result in results]
            applied = int(str(only_row(root)["cur_cfg"]))
            if applied >= change.target:
                return [row for rows in found for row in rows]
