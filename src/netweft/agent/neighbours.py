"""The neighbours of this host's NICs, which lldpd learns by LLDP.

lldpd is a service of the host, like Open vSwitch, and its administrator configures what it sends. A host without lldpd
has no neighbours to report.
"""

from __future__ import annotations

import logging
import subprocess
from typing import TYPE_CHECKING, Any

import msgspec

from netweft.agent.poller import Poller
from netweft.core.neighbours import Neighbour

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from netweft.core.neighbours import Neighbours

log = logging.getLogger(__name__)

EVERY = 10.0
"""Poll interval in seconds: neighbours send their LLDP frames every 30 s (IEEE 802.1AB)."""

GAP = 1.0
"""Shortest poll interval in seconds."""

PATIENCE = 5.0
"""Seconds within which lldpd has to answer."""


class NeighbourWatch:
    """A thread that polls lldpd until it is closed. ``socket``: where lldpd listens; ``changed``: called when the
    neighbours have changed.

    Reports contain the result of the last poll, so that neither reports nor changes wait for lldpd.
    """

    def __init__(
        self,
        socket: Path,
        changed: Callable[[], None],
        *,
        every: float = EVERY,
        gap: float = GAP,
        patience: float = PATIENCE,
    ) -> None:
        self._socket = socket
        self._changed = changed
        self._patience = patience
        self._found: Neighbours | None = None
        self._poller = Poller("watch of the neighbours", self._refresh, every=every, gap=gap)

    def found(self) -> Neighbours | None:
        """The neighbours by NIC, None while no lldpd answers."""
        return self._found

    def poll_soon(self) -> None:
        """See Poller."""
        self._poller.poll_soon()

    def close(self) -> None:
        """End the thread."""
        self._poller.close()

    def _refresh(self) -> bool:
        try:
            found = ask(self._socket, self._patience)
        except subprocess.TimeoutExpired:  # keep what the last poll has found
            log.warning("lldpd at %s has not answered within %g s", self._socket, self._patience)
            return True
        if found != self._found:
            self._found = found
            self._changed()
        return True


def ask(socket: Path, patience: float = PATIENCE) -> Neighbours | None:
    """The neighbours that lldpd has learnt, by NIC; None without a running lldpd. ``patience``: time limit in seconds.
    Raises subprocess.TimeoutExpired.

    The protocol of the socket is private to lldpd's own library and programs; ``lldpcli`` prints JSON.
    """
    if not socket.exists():
        return None
    command = ["lldpcli", "-u", str(socket), "-f", "json0", "show", "neighbors", "details"]
    try:
        done = subprocess.run(command, check=False, capture_output=True, timeout=patience, stdin=subprocess.DEVNULL)  # noqa: S603  # fixed words and the path of an option
    except OSError as error:
        log.warning("lldpcli cannot be started: %s", error.strerror)
        return None
    if done.returncode:
        log.info("lldpd does not answer: %s", done.stderr.decode(errors="replace").strip())
        return None
    return parse(done.stdout)


def parse(answer: bytes) -> Neighbours:
    """Parse the output of ``lldpcli -f json0 show neighbors details``, by NIC. All values are lists in this format.
    Raises msgspec.DecodeError.
    """
    lldp = msgspec.json.decode(answer.decode(errors="replace"))["lldp"][0]
    found: dict[str, list[Neighbour]] = {}
    for interface in lldp.get("interface", ()):
        if interface["via"] == "LLDP":  # lldpd can be configured to learn by other protocols, too
            found.setdefault(interface["name"], []).append(_neighbour(interface))
    return {nic: tuple(sorted(found[nic], key=lambda one: (one.device, one.port))) for nic in sorted(found)}


def _neighbour(interface: dict[str, Any]) -> Neighbour:
    (chassis,), (port,) = interface["chassis"], interface["port"]
    (chassis_id,), (port_id,) = chassis["id"], port["id"]
    capabilities = chassis.get("capability", ())
    vlans = [(int(vlan["vlan-id"]), vlan) for vlan in interface.get("vlan", ())]
    return Neighbour(
        chassis=_clean(chassis_id["value"]),
        chassis_kind=chassis_id["type"],
        port=_clean(port_id["value"]),
        port_kind=port_id["type"],
        ttl=_number(port, "ttl"),
        port_description=_text(port, "descr"),
        system_name=_text(chassis, "name"),
        system_description=_text(chassis, "descr"),
        capabilities=tuple(one["type"] for one in capabilities),
        enabled=tuple(one["type"] for one in capabilities if one["enabled"]),
        addresses=tuple(one["value"] for one in chassis.get("mgmt-ip", ())),
        vlan=next((number for number, vlan in vlans if vlan["pvid"]), None),
        vlans=tuple((number, _clean(vlan["value"])) for number, vlan in vlans if vlan.get("value")),
        aggregate=_number(port, "aggregation"),
        frame_max=_number(port, "mfs"),
    )


def _text(of: dict[str, Any], name: str) -> str:
    return _clean(of[name][0].get("value", "")) if name in of else ""


def _number(of: dict[str, Any], name: str) -> int:
    return int(of[name][0]["value"]) if name in of else 0


def _clean(text: str) -> str:
    """On one line and without control characters, which terminals and XML do not accept: the text comes from whatever
    is at the other end of the cable.
    """
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
