"""Random fleets as files, for the suites that want some: every field is said, and the engine's rules allow them."""

from __future__ import annotations

from random import Random
from typing import Any

from netweft.core.network_filters import IDS

Tree = dict[str, Any]

NICS = ("eth1", "eth2", "eth3")
"""NICs of simulated hosts beside that of the management network."""
_TEXTS = {"description": "", "comment": ""}
_QOS: Tree = {
    **{f"{way}_{kind}": None for way in ("inbound", "outbound") for kind in ("average", "peak", "burst")},
    **dict.fromkeys(("linkshare", "upperlimit", "realtime")),
}
_ROLLOUT = {
    "rollout_canaries": 1,
    "rollout_soak": -1,
    "rollout_wave": 10,
    "rollout_on_failure": "keep",
    "rollout_evacuates": False,
}
_MANAGED = ["default_route", "display", "management", "migration"]


def add_random(tree: Tree, random: Random) -> Tree:
    """Add to the file of a fleet as a new engine has it, with its data centre, cluster and hosts called Default."""
    center, cluster = tree["data_centers"]["Default"], tree["clusters"]["Default"]
    for number in range(random.randint(0, 2)):
        tree["mac_pools"][f"pool{number}"] = _mac_pool(random, number)
    center["qos"] = {f"limit{number}": _qos(random) for number in range(random.randint(0, 3))}
    names = [f"net{number}" for number in range(random.randint(0, 6))]
    for number, name in enumerate(names):
        center["networks"][name] = _network(random, name, number, center["qos"])
    cluster["mac_pool"] = random.choice([*tree["mac_pools"]])
    cluster["drift_healing"] = random.choice(("off", "harmless"))
    cluster |= {"rollout_soak": random.choice((-1, 0)), "rollout_on_failure": random.choice(("keep", "revert"))}
    for name in names:
        if random.random() < 0.8:
            cluster["networks"][name] = {"required": random.random() < 0.5, "roles": []}
    for number, host in enumerate(tree["hosts"].values()):
        _set_up(random, number, host, center["networks"], [*cluster["networks"]])
    if random.random() < 0.5:
        _add_another(random, tree)
    return tree


def _texts(random: Random) -> Tree:
    return {name: random.choice(("", "no", "# 7", "10:20:30", 'it\'s: "so"', "über", "null")) for name in _TEXTS}


def _mac_pool(random: Random, number: int) -> Tree:
    first = f"56:6f:1b:{number:02x}:00:00"
    ranges = [
        {"from": first, "to": f"56:6f:1b:{number:02x}:00:ff"},
        {"from": "56:6f:1c:00:00:00", "to": "56:6f:1c:00:00:00"},
    ]
    return {"ranges": ranges[: 1 if number else 2], "allow_duplicates": random.random() < 0.5, **_texts(random)}


def _qos(random: Random) -> Tree:
    if random.random() < 0.5:
        rate = random.randint(1, 100)
        limits = {"outbound_average": rate, "outbound_peak": rate * 2, "outbound_burst": rate}
        return {"type": "network", **_QOS, **limits, **_texts(random)}
    return {"type": "hostnetwork", **_QOS, "linkshare": random.randint(1, 100), **_texts(random)}


def _network(random: Random, name: str, number: int, qos: Tree) -> Tree:
    is_vm = random.random() < 0.7
    kinds = {kind: [None, *(one for one in qos if qos[one]["type"] == kind)] for kind in ("network", "hostnetwork")}
    profiles = {
        one: {
            "port_mirroring": random.random() < 0.5,
            "pass_through": "disabled",
            "migratable": True,
            "failover": None,
            "network_filter": random.choice((None, *IDS)),
            "qos": random.choice(kinds["network"]),
            "properties": {},
            **_texts(random),
        }
        for one in (name, "gold", "a: b")
        if is_vm and random.random() < 0.5
    }
    if profiles and random.random() < 0.5:
        profiles["a function"] = {
            **profiles[next(iter(profiles))],
            "port_mirroring": False,
            "pass_through": "enabled",
            "network_filter": None,
            "qos": None,
            "failover": {"network": name, "profile": next(iter(profiles))},
        }
    return {
        "vlan": 100 + number,
        "mtu": random.choice((0, 1500, 9000)),
        "vm": is_vm,
        "stp": is_vm and random.random() < 0.5,
        "port_isolation": False,
        "dns": random.choice(([], ["192.0.2.53", "2001:db8::53"])),
        "qos": None,
        "label": None,
        "provider": None,
        "physical_network": None,
        "physical_name": None,
        **_texts(random),
        "subnets": {
            one: _subnet(random, at) for at, one in enumerate(random.sample(("b", "a", "c"), random.randint(0, 3)))
        },
        "profiles": dict(sorted(profiles.items())),
    }


def _subnet(random: Random, number: int) -> Tree:
    base = f"10.{number}.0"
    return {
        "cidr": f"{base}.0/24",
        "gateway": random.choice((None, f"{base}.1")),
        "pools": random.choice(([], [{"first": f"{base}.10", "last": f"{base}.99"}])),
        "dns": random.choice(([], ["192.0.2.53"])),
        "routes": random.choice(([], [{"destination": "198.51.100.0/24", "next_hop": f"{base}.2"}])),
        "dhcp": random.random() < 0.5,
        "description": _texts(random)["description"],
    }


def _set_up(random: Random, number: int, host: Tree, networks: Tree, names: list[str]) -> None:
    host["description"] = _texts(random)["description"]
    nics = list(NICS)
    if random.random() < 0.5:
        options = random.choice(({"mode": "1", "miimon": "100"}, {"miimon": "50", "mode": "4"}))
        host["bonds"] = {"bond0": {"slaves": ["eth1", "eth2"], "options": dict(sorted(options.items()))}}
        nics = ["bond0", "eth3"]
    host["labels"] = {one: {"nic": random.choice(nics)} for one in ("blue", "red") if random.random() < 0.3}
    for at, name in enumerate(names):
        if name != "ovirtmgmt" and random.random() < 0.6:
            static = {"method": "static", "address": f"172.16.{at}.{10 + number}", "prefix": 24}
            host["attachments"][name] = {
                "nic": random.choice(nics),
                "ipv4": random.choice((None, {"method": "dhcp"}, static)),
                "ipv6": random.choice((None, {"method": "autoconf"})),
                "dns": random.choice((None, ["192.0.2.54"])),
                "qos": None,
                "properties": {"bridge_opts": "forward_delay=1500"} if networks[name]["vm"] else {},
            }
    host["attachments"] = dict(sorted(host["attachments"].items()))


def _add_another(random: Random, tree: Tree) -> None:
    """Another data centre, with a cluster whose management network is its own."""
    management = _network(random, "ovirtmgmt", 0, {}) | {"vlan": None, "dns": [], "vm": True}
    tree["data_centers"]["north"] = {**_texts(random), "qos": {}, "networks": {"ovirtmgmt": management}}
    tree["clusters"]["racks"] = {
        "data_center": "north",
        "switch_type": random.choice(("legacy", "ovs")),
        "mac_pool": random.choice([*tree["mac_pools"]]),
        "provider": None,
        "drift_healing": "off",
        **_ROLLOUT,
        **_texts(random),
        "networks": {"ovirtmgmt": {"required": True, "roles": list(_MANAGED)}},
    }


def new_fleet(count: int) -> Tree:
    """The file of an engine that has just begun, with so many simulated hosts."""
    profile = {
        "port_mirroring": False,
        "pass_through": "disabled",
        "migratable": True,
        "failover": None,
        "network_filter": "vdsm-no-mac-spoofing",
        "qos": None,
        "properties": {},
        **_TEXTS,
    }
    network = {
        **_network(Random(0), "ovirtmgmt", 0, {}),
        "vlan": None,
        "mtu": 0,
        "vm": True,
        "stp": False,
        "dns": [],
        "subnets": {},
        **_TEXTS,
        "profiles": {"ovirtmgmt": profile},
    }
    cluster = {
        "data_center": "Default",
        "switch_type": "legacy",
        "mac_pool": "Default",
        "provider": None,
        "drift_healing": "off",
        **_ROLLOUT,
        **_TEXTS,
        "networks": {"ovirtmgmt": {"required": True, "roles": list(_MANAGED)}},
    }
    pool = {"ranges": [{"from": "56:6f:1a:00:00:00", "to": "56:6f:1a:00:ff:ff"}], "allow_duplicates": False, **_TEXTS}
    return {
        "version": 1,
        "mac_pools": {"Default": pool},
        "providers": {},
        "data_centers": {"Default": {**_TEXTS, "qos": {}, "networks": {"ovirtmgmt": network}}},
        "clusters": {"Default": cluster},
        "hosts": {f"sim-{number}": _host(number) for number in range(1, count + 1)},
    }


def _host(number: int) -> Tree:
    attachment = {
        "nic": "eth0",
        "ipv4": {"method": "static", "address": f"198.18.{number // 250}.{number % 250 + 1}", "prefix": 15},
        "ipv6": None,
        "dns": None,
        "qos": None,
        "properties": {},
    }
    return {
        "cluster": "Default",
        "address": f"sim-{number}",
        "ssh_port": 22,
        "ssh_fingerprint": "",
        **_TEXTS,
        "bonds": {},
        "labels": {},
        "attachments": {"ovirtmgmt": attachment},
    }
