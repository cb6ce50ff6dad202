"""OVN's southbound database, as a host looks at it: by ovn-sbctl(8), which comes with ovn-controller."""

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
"""For the database to answer."""

TRIES = 3
SETTLED = 0.5
"""Seconds after which an ovn-controller that is going to put a chassis back has done so."""

_SPARE = 5.0
"""Seconds that ovn-sbctl has besides, to begin and end."""


class SouthboundError(Exception):
    """The database cannot be asked; the message says why."""


def why_not_registered(ovsdb: Ovsdb, chassis: Chassis) -> str:
    """Why the database does not have the chassis with its tunnels' address: a clause, empty when it has it.

    An address belongs to one chassis only; what another one, or the same under another name, holds is refused, and only
    ovn-controller's log shows it.
    """
    try:
        found = _ask(ovsdb, chassis, "--columns=chassis_name", "find", "Encap", f'ip="{chassis.encap_ip}"').split()
    except SouthboundError as error:
        return str(error)
    if chassis.system_id in found:
        return ""
    others = ", ".join(sorted(set(found)))
    return f"{chassis.encap_ip} is the address of chassis {others}" if others else "it has no such chassis"


def forget(ovsdb: Ovsdb, former: Chassis, present: Chassis) -> None:
    """Have the database let go of a chassis that its host is no more, which ovn-controller does not do when its name
    changes while it runs (ovn-controller(8), external_ids:system-id), nor when it goes elsewhere. Nothing happens where
    the database of what the host is now is the same one, by another of its addresses, nor where the chassis of that
    name has another host's address: this host is a copy of that one. Raises SouthboundError.

    An ovn-controller that has not heard of its new name yet puts the old one back, so it is looked at again.
    """
    is_same = bool(present.remote) and former.system_id == present.system_id
    if is_same and _row(ovsdb, former) == _row(ovsdb, present):
        return
    own = {former.encap_ip} if former.system_id == present.system_id or not present.remote else {present.encap_ip}
    if not own & _addresses(ovsdb, former):
        return
    for _ in range(TRIES):
        for table in ("Chassis", "Chassis_Private"):
            _ask(ovsdb, former, "--if-exists", "destroy", table, former.system_id)
        sleep(SETTLED)
        if not _row(ovsdb, former):
            return
    raise SouthboundError("somebody puts it back again and again: does another host have that system-id?")


def _row(ovsdb: Ovsdb, chassis: Chassis) -> str:
    """The uuid of the chassis, empty when it is not there."""
    return _ask(ovsdb, chassis, "--columns=_uuid", "find", "Chassis", f'name="{chassis.system_id}"').strip()


def _addresses(ovsdb: Ovsdb, chassis: Chassis) -> set[str]:
    """Of the tunnels of the chassis, as the database has them."""
    return set(_ask(ovsdb, chassis, "--columns=ip", "find", "Encap", f'chassis_name="{chassis.system_id}"').split())


def _ask(ovsdb: Ovsdb, chassis: Chassis, *words: str) -> str:
    program = shutil.which("ovn-sbctl")
    if program is None:
        raise SouthboundError("there is no ovn-sbctl on this host to look there")
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
    """What ovn-controller shows and trusts, too (ovs-vswitchd.conf.db(5), table SSL)."""
    return [f"--{option}={file}" for option, file in ovsdb.tls().items()]
