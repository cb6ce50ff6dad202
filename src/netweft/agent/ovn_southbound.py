"""A host's access to OVN's southbound database: by ovn-sbctl(8), which comes with ovn-controller."""

from __future__ import annotations

import shutil
import subprocess
from time import sleep
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netweft.agent.ovsdb import Ovsdb
    from netweft.core.host import Chassis

ANSWER_SECONDS = 5
"""Time limit for the database to answer."""

TRIES = 3
SETTLED = 0.5
"""Seconds after which an ovn-controller that still has the old name has created the chassis again."""

_SPARE = 5.0
"""Additional seconds for ovn-sbctl to start and end."""


class SouthboundError(Exception):
    """The database cannot be queried; the message says why."""


def why_not_registered(ovsdb: Ovsdb, chassis: Chassis) -> str:
    """Why the database does not have the chassis with its tunnels' address: a clause, empty if it has.

    An address belongs to one chassis only. If another one has it, or this one under another name, the database refuses
    the chassis, which only ovn-controller's log shows.
    """
    try:
        found = _sbctl(ovsdb, chassis, "--columns=chassis_name", "find", "Encap", f'ip="{chassis.encap_ip}"').split()
    except SouthboundError as error:
        return str(error)
    if chassis.system_id in found:
        return ""
    others = ", ".join(sorted(set(found)))
    return f"{chassis.encap_ip} is the address of chassis {others}" if others else "the database has no such chassis"


def forget(ovsdb: Ovsdb, former: Chassis, present: Chassis) -> None:
    """Remove the former chassis of a host from the database. ovn-controller does not do so when its name changes while
    it runs (ovn-controller(8), external_ids:system-id), nor when it moves to another database. Nothing happens if the
    present chassis is the same one in the same database, reached by another address, nor if the chassis of that name
    has another host's address, of which this host is a copy. Raises SouthboundError.

    An ovn-controller that has not read its new name yet creates the old chassis again, so this is checked and repeated.
    """
    is_same = bool(present.remote) and former.system_id == present.system_id
    if is_same and _row(ovsdb, former) == _row(ovsdb, present):
        return
    own = {former.encap_ip} if former.system_id == present.system_id or not present.remote else {present.encap_ip}
    if not own & _addresses(ovsdb, former):
        return
    for _ in range(TRIES):
        for table in ("Chassis", "Chassis_Private"):
            _sbctl(ovsdb, former, "--if-exists", "destroy", table, former.system_id)
        sleep(SETTLED)
        if not _row(ovsdb, former):
            return
    raise SouthboundError("it is created again each time: does another host have that system-id?")


def _row(ovsdb: Ovsdb, chassis: Chassis) -> str:
    """The uuid of the chassis, empty if it does not exist."""
    return _sbctl(ovsdb, chassis, "--columns=_uuid", "find", "Chassis", f'name="{chassis.system_id}"').strip()


def _addresses(ovsdb: Ovsdb, chassis: Chassis) -> set[str]:
    """The tunnel addresses of the chassis in the database."""
    return set(_sbctl(ovsdb, chassis, "--columns=ip", "find", "Encap", f'chassis_name="{chassis.system_id}"').split())


def _sbctl(ovsdb: Ovsdb, chassis: Chassis, *words: str) -> str:
    program = shutil.which("ovn-sbctl")
    if program is None:
        raise SouthboundError("there is no ovn-sbctl on this host to query it")
    keys = _keys(ovsdb) if "ssl:" in chassis.remote else ()
    options = (f"--timeout={ANSWER_SECONDS}", f"--db={chassis.remote}", "--no-leader-only", "--bare", *keys)
    try:
        done = subprocess.run(  # noqa: S603  # a fixed program, no shell
            [program, *options, *words],
            check=False,
            timeout=ANSWER_SECONDS + _SPARE,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise SouthboundError(f"{chassis.remote} does not answer") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise SouthboundError(f"{chassis.remote} does not answer ({lines[-1] if lines else done.returncode})")
    return done.stdout


def _keys(ovsdb: Ovsdb) -> Sequence[str]:
    """The TLS files, which ovn-controller also uses (ovs-vswitchd.conf.db(5), table SSL)."""
    return [f"--{option}={file}" for option, file in ovsdb.tls().items()]
