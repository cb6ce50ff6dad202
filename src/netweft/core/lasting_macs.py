"""MAC addresses of new links: a host keeps the one that its peers have cached."""

from __future__ import annotations

from collections.abc import Collection

from netweft.core.host import Host
from netweft.core.intent import BondIntent
from netweft.core.options import bond_options


def nic_mac(report: Host, name: str) -> str:
    """A NIC's own MAC address; empty when it is unknown, as of a port of a bond whose driver does not report it."""
    nic = report.nics.get(name)
    if nic is None:
        return ""
    return nic.facts.permanent_mac if nic.master in report.bonds else nic.mac


def bond_mac(report: Host, bond: BondIntent) -> str:
    """A bond that fails over its MAC address has no lasting one; the links above it use that of the first port."""
    if bond_options(bond.options).get("fail_over_mac", "none") != "none":
        return nic_mac(report, min(bond.slaves))
    now = report.bonds.get(bond.name)
    ports = [name for name, nic in report.nics.items() if nic.master == bond.name]
    return _port_mac(report, bond, now.mac if now else "", ports)


def ovs_bond_mac(report: Host, bond: BondIntent, bridge: str) -> str:
    """Of the internal ports over a bond of Open vSwitch."""
    macs = (port.mac for port in report.ovs_ports.values() if port.bridge == bridge and port.is_internal and port.mac)
    port = report.ovs_ports.get(bond.name)
    return _port_mac(report, bond, next(macs, ""), port.interfaces if port else ())


def _port_mac(report: Host, bond: BondIntent, now: str, ports: Collection[str]) -> str:
    """The present MAC address if it may be that of a port of the bond; else that of the port that has addresses,
    else of the first that stays, being among the present ``ports``, else of the first.

    With LACP and a switch that does not speak it, the bond sends by one port alone, and goes on with one that
    stays; each other port still sends LACPDUs from its own MAC address. Were that the bond's, the switch would send
    what is for the host to that port, which drops it.
    """
    slaves = sorted(bond.slaves)
    macs = {slave: nic_mac(report, slave) for slave in slaves}
    if now and (now in macs.values() or "" in macs.values()):
        return now
    nics = report.nics
    busy = [slave for slave in slaves if slave in nics and (nics[slave].addresses or nics[slave].dynamic)]
    staying = [slave for slave in slaves if slave in ports]
    return macs[(busy or staying or slaves)[0]]
