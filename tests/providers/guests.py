"""Guests on a chassis: namespaces with one NIC, which is configured by DHCP."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from netweft.lab.namespaces import inside, ip, offload_no_checksums
from netweft.lab.processes import run
from ovs_host import namespace
from providers.ovn import INTEGRATION_BRIDGE, Chassis
from waiting import until

NIC = "eth0"
_WANTED = ("mtu", "dns", "domain", "router")
_SCRIPT = """\
#!/bin/sh
[ "$1" = bound ] || exit 0
ip address add "$ip/$mask" dev "$interface"
[ -z "$mtu" ] || ip link set "$interface" mtu "$mtu"
[ -z "$router" ] || ip route add default via "${router%% *}"
for name in ip mask mtu router dns domain; do eval "echo $name=\\$$name"; done
"""
"""The script of udhcpc, which gets a lease in variables."""


@dataclass(frozen=True)
class Guest:
    """A guest. ``namespace``: that of its NIC, and the NIC's name."""

    namespace: str
    nic: str = NIC

    def lease(self) -> dict[str, str]:
        """Request an address and set it; returns the lease: ip, mask (its length), mtu, router, dns, domain."""
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder, "script")
            script.write_text(_SCRIPT)
            script.chmod(0o700)
            options = [part for option in _WANTED for part in ("-O", option)]
            command = ["udhcpc", "-f", "-q", "-n", "-t", "30", "-T", "1", "-i", self.nic, "-s", str(script), *options]
            told = run([*inside(self.namespace), *command], timeout=60.0)
        return dict(line.split("=", 1) for line in told.splitlines())

    def take(self, address: str) -> None:
        """Set an address without DHCP."""
        ip(self.namespace, "address", "add", address, "dev", self.nic)

    def reaches(self, address: str) -> bool:
        """Whether one ping is answered. The first one between two hosts may be lost, while the tunnel is being
        established.
        """
        command = [*inside(self.namespace), "ping", "-q", "-c", "1", "-W", "1", address]
        return subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode == 0


@contextmanager
def guest(chassis: Chassis, port: str, mac: str) -> Iterator[Guest]:
    """A guest on a chassis, plugged in as the logical port (its ``iface-id``), until the block ends."""
    tap = f"tap{port[:11]}"
    ids = [f"external_ids:{key}={value}" for key, value in (("iface-id", port), ("attached-mac", f'"{mac}"'))]
    with namespace() as name:
        ip(name, "link", "add", NIC, "address", mac, "type", "veth", "peer", "name", tap, "netns", chassis.namespace)
        ip(name, "link", "set", NIC, "up")
        ip(chassis.namespace, "link", "set", tap, "up")
        offload_no_checksums(name, NIC)
        chassis.switch.vsctl("add-port", INTEGRATION_BRIDGE, tap, "--", "set", "Interface", tap, *ids)
        try:
            yield Guest(name)
        finally:
            chassis.switch.vsctl("del-port", INTEGRATION_BRIDGE, tap)


def reach_each_other(first: tuple[Guest, str], second: tuple[Guest, str]) -> None:
    """Wait until two guests, given with their addresses, reach each other."""
    for (one, _), (_, address) in ((first, second), (second, first)):
        until(lambda one=one, address=address: one.reaches(address), f"ping to {address}")  # type: ignore[misc]
