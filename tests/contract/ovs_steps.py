"""Random steps for a host with Open vSwitch: mostly sensible, some not, so that both sides get to refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract.ovs_networking import DATAPATH
from netweft.core.host import Address, Chassis, OvsBridge, OvsPort, Route
from netweft.core.steps import (
    AddAddress,
    AddRoute,
    CreateOvsBridge,
    CreateOvsPort,
    DeleteOvsBridge,
    DeleteOvsPort,
    RemoveAddress,
    SetChassis,
    SetMac,
    SetMtu,
    SetOvsBridge,
    SetOvsPort,
    SetUp,
)

if TYPE_CHECKING:
    from random import Random

    from netweft.core.host import Host
    from netweft.core.steps import Step

BRIDGES = ("sw0", "sw1", "sw2", "a-name-too-long-for-it")
INTERNAL = ("int0", "int1", "int2", "eth0", "sw0", "a-name-too-long-for-it")
NICS = ("eth0", "eth1", "eth2", "eth3", "missing0")
ADDRESSES = tuple(Address(ip=ip, prefix=24 if "." in ip else 64) for ip in ("192.0.2.1", "192.0.2.2", "2001:db8::1"))
MTUS = (60, 1000, 1280, 1500, 1500, 9000, 65535, 70000)
MACS = ("", "", "02:00:00:00:00:a1", "02:00:00:00:00:a2", "03:00:00:00:00:a3")


class OvsSteps:
    """A source of random steps."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._makers = {
            self._create_bridge: 3,
            self._set_bridge: 1,
            self._delete_bridge: 1,
            self._create_internal: 6,
            self._create_door: 5,
            self._set_port: 4,
            self._delete_port: 3,
            self._set_up: 5,
            self._set_mtu: 3,
            self._set_mac: 2,
            self._add_address: 4,
            self._remove_address: 1,
            self._add_route: 3,
            self._set_chassis: 3,
        }

    def next(self, host: Host) -> Step:
        """A step for this host."""
        return self._random.choices(list(self._makers), list(self._makers.values()))[0](host)

    def _bridge(self, host: Host) -> str:
        return self._random.choice([*sorted(host.ovs_bridges) * 5, "missing0"])

    def _port(self, host: Host) -> str:
        return self._random.choice([*sorted(host.ovs_ports) * 5, "missing0"])

    def _link(self, host: Host) -> str:
        internal = sorted(name for name, port in host.ovs_ports.items() if port.is_internal)
        return self._random.choice([*internal * 3, "eth0", "missing0"])

    def _settings(self) -> dict[str, object]:
        return {
            "tag": self._random.choice((None, None, 0, 100, 4095, 4096)),
            "trunks": self._random.choice(((), (), (100, 200), (0, 4095), (5000,))),
            "bond_mode": self._random.choice(("", "", "active-backup", "balance-slb", "balance-tcp", "802.3ad")),
            "lacp": self._random.choice(("off", "off", "active", "passive", "slow")),
            "options": self._random.choice(({}, {"bond-miimon-interval": "100"}, {"bond_updelay": "300"})),
            "owner": self._random.choice(("", "n1", "n2")),
        }

    def _create_bridge(self, _host: Host) -> Step:
        datapath = self._random.choice((DATAPATH, DATAPATH, DATAPATH, "other"))
        stp = self._random.random() < 0.3
        return CreateOvsBridge(OvsBridge(name=self._random.choice(BRIDGES), owner="n1", datapath=datapath, stp=stp))

    def _set_bridge(self, host: Host) -> Step:
        owner, stp = self._random.choice(("", "n2")), self._random.random() < 0.5
        return SetOvsBridge(OvsBridge(name=self._bridge(host), owner=owner, datapath=DATAPATH, stp=stp))

    def _delete_bridge(self, host: Host) -> Step:
        return DeleteOvsBridge(self._bridge(host))

    def _create_internal(self, host: Host) -> Step:
        name, mtu, mac = (self._random.choice(values) for values in (INTERNAL, MTUS, MACS))
        settings = {**self._settings(), "bond_mode": "", "lacp": "off"}
        return CreateOvsPort(OvsPort(name=name, bridge=self._bridge(host), mtu=mtu, mac=mac, **settings))  # type: ignore[arg-type] # keys are fields

    def _create_door(self, host: Host) -> Step:
        uplinks = tuple(sorted(self._random.sample(NICS, self._random.choice((1, 1, 2)))))
        name = uplinks[0] if len(uplinks) == 1 else self._random.choice(("pair0", "pair1"))
        return CreateOvsPort(OvsPort(name=name, bridge=self._bridge(host), interfaces=uplinks, **self._settings()))  # type: ignore[arg-type] # keys are fields

    def _set_port(self, host: Host) -> Step:
        name = self._port(host)
        old = host.ovs_ports.get(name, OvsPort(name=name, bridge="sw0"))
        return SetOvsPort(OvsPort(name=name, bridge=old.bridge, interfaces=old.interfaces, **self._settings()))  # type: ignore[arg-type] # keys are fields

    def _delete_port(self, host: Host) -> Step:
        return DeleteOvsPort(self._port(host))

    def _set_up(self, host: Host) -> Step:
        return SetUp(self._link(host), self._random.random() < 0.7)

    def _set_mtu(self, host: Host) -> Step:
        return SetMtu(self._link(host), self._random.choice(MTUS))

    def _set_mac(self, host: Host) -> Step:
        return SetMac(self._link(host), self._random.choice(MACS[2:]))

    def _add_address(self, host: Host) -> Step:
        return AddAddress(self._link(host), self._random.choice(ADDRESSES))

    def _remove_address(self, host: Host) -> Step:
        return RemoveAddress(self._link(host), self._random.choice(ADDRESSES))

    def _set_chassis(self, host: Host) -> Step:
        pick = self._random.choice
        chassis = Chassis(
            owner=pick(("", "host-1")),
            system_id=pick(("", "host-1", 'a name of "any" script: ü, =')),
            remote=pick(("", "ssl:[2001:db8::1]:6642,tcp:192.0.2.1:6642")),
            encap_type=pick(("", "geneve", "geneve,vxlan")),
            encap_ip=pick(("", "192.0.2.1", "2001:db8::1")),
            mappings=pick(
                ({}, {"physnet1": self._bridge(host)}, {"public": "sw0", "no bridge": "", "a b": "missing0"})
            ),
            datapath=pick(("", DATAPATH)),
        )
        return SetChassis(pick((chassis, Chassis())))

    def _add_route(self, host: Host) -> Step:
        return AddRoute(Route(to="203.0.113.0/24", link=self._link(host), via=self._random.choice(("", "192.0.2.9"))))
