"""What the file of a fleet may say, and the sentence for everything that it may not."""

from __future__ import annotations

from typing import Any

import pytest

from fleet_files import new_fleet
from netweft.core.fleet.changes import Change, Difference, changes
from netweft.core.fleet.checks import mistakes_in, waits_for
from netweft.core.fleet.choices import decided
from netweft.core.fleet.items import Fleet, flatten, json_schema, nest, shape_mistakes
from netweft.core.fleet.nouns import BY_NAME
from netweft.core.fleet.values import Mistake

NICS = {
    "sim-1": {
        "eth0": {"pci_address": "0000:01:00.0", "permanent_mac": "02:00:00:00:00:01", "driver": "ice", "speed": 25000},
        "eth1": {
            "pci_address": "0000:02:00.0",
            "permanent_mac": "02:00:00:00:00:02",
            "driver": "ixgbe",
            "speed": 10000,
        },
        "eth2": {
            "pci_address": "0000:03:00.0",
            "permanent_mac": "02:00:00:00:00:03",
            "driver": "ixgbe",
            "speed": 10000,
        },
    },
    "sim-2": {"eth0": {}, "eth1": {}},
}


def network(**values: Any) -> dict[str, Any]:
    return {"data_centers": {"Default": {"networks": {"blue": values}}}}


def host(name: str = "sim-1", **values: Any) -> dict[str, Any]:
    return {"hosts": {name: values}}


def attached(**values: Any) -> dict[str, Any]:
    return host(attachments={"ovirtmgmt": values})


PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
BLUE = ("data_centers", "Default", "networks", "blue")
MANAGEMENT = ("hosts", "sim-1", "attachments", "ovirtmgmt")


@pytest.mark.parametrize(
    ("tree", "place", "text"),
    [
        ([], (), "What is here is no mapping with some of: version, mac_pools"),
        (None, (), "Nothing is no mapping"),
        ({"version": 2}, ("version",), "This program reads version 1"),
        ({"netwroks": {}}, ("netwroks",), "There is no key 'netwroks' here. Known are: version, mac_pools"),
        ({"host": {}}, ("host",), "There is no key 'host' here. Did you mean 'hosts'?"),
        ({"hosts": []}, ("hosts",), "This should be a mapping of names; {} for none."),
        ({"hosts": {"sim-1": 7}}, ("hosts", "sim-1"), "'7' is no mapping with some of: cluster, address"),
        (network(vlna=1), (*BLUE, "vlna"), "There is no key 'vlna' here. Did you mean 'vlan'?"),
        (network(vlan=4095), (*BLUE, "vlan"), "'4095' is no number from 0 to 4094."),
        (network(vlan=True), (*BLUE, "vlan"), "'True' is no number"),
        (network(mtu=None), (*BLUE, "mtu"), "Nothing is no number"),
        (network(vm="no"), (*BLUE, "vm"), "'no' is neither true nor false."),
        (network(label=True), (*BLUE, "label"), "'True' is no text. Put it in quotes if it is meant as one."),
        (network(description=None), (*BLUE, "description"), 'A text is missing here; "" is an empty one.'),
        (network(label=[]), (*BLUE, "label"), "A text should be here, and not a list."),
        (network(dns="192.0.2.1"), (*BLUE, "dns"), "'192.0.2.1' is no list."),
        (network(dns=["192.0.2.300"]), (*BLUE, "dns", 0), "'192.0.2.300' is no IP address"),
        (
            network(profiles={"a": {"network_filter": "alow-arp"}}),
            (*BLUE, "profiles", "a", "network_filter"),
            "Did you mean 'allow-arp'?",
        ),
        (
            network(profiles={"a": {"failover": {"network": "blue"}}}),
            (*BLUE, "profiles", "a", "failover"),
            "'profile' is missing here.",
        ),
        (
            network(profiles={"a": {"properties": []}}),
            (*BLUE, "profiles", "a", "properties"),
            "What is here is no mapping of names to values.",
        ),
        (
            network(profiles={"a": {"properties": {"one": []}}}),
            (*BLUE, "profiles", "a", "properties", "one"),
            "What is here is neither a text nor a number.",
        ),
        (network(subnets={"a": {"cidr": "10.0.0.1/8"}}), (*BLUE, "subnets", "a", "cidr"), "is no network of addresses"),
        ({"mac_pools": {"a": {"ranges": []}}}, ("mac_pools", "a", "ranges"), "There should be 1 here at least."),
        (
            {"providers": {"a": {"ca": "x" * 100}}},
            ("providers", "a", "ca"),
            f"'{'x' * 60}' is no certificate in PEM.",
        ),
        (
            {"mac_pools": {"a": {"ranges": [{"from": "1:2", "to": "02:00:00:00:00:01"}]}}},
            ("mac_pools", "a", "ranges", 0, "from"),
            "'1:2' is no MAC address",
        ),
        (
            {"clusters": {"a": {"networks": {"b": {"roles": ["display", "display"]}}}}},
            ("clusters", "a", "networks", "b", "roles", 1),
            "'display' is given twice.",
        ),
        (attached(nic={}), (*MANAGEMENT, "nic"), "Name at least one of: pci_address, permanent_mac, driver, speed."),
        (attached(nic={"port": 1}), (*MANAGEMENT, "nic", "port"), "There is no key 'port' here."),
        (attached(ipv4="dhcp"), (*MANAGEMENT, "ipv4"), "'dhcp' is no mapping with some of: method"),
        (attached(ipv4={"method": "dhpc"}), (*MANAGEMENT, "ipv4", "method"), "Did you mean 'dhcp'?"),
        (
            host(bonds={"bond0": {"options": {}}}),
            ("hosts", "sim-1", "bonds", "bond0", "options"),
            "There should be 1 here at least.",
        ),
    ],
)
def test_an_invalid_value_is_reported_with_its_place(tree: Any, place: tuple[str | int, ...], text: str) -> None:
    found = shape_mistakes(tree)
    assert [one.place for one in found] == [place]
    assert text in found[0].text


def test_all_mistakes_are_reported_at_once() -> None:
    tree = network(vlan="a", mtu="b") | host(adress="c")
    assert len(shape_mistakes(tree)) == 3
    assert len(shape_mistakes({"mac_pools": {"a": {"ranges": [{"from": 1, "to": "02:00:00:00:00:zz"}]}}})) == 2


def test_what_is_written_otherwise_is_the_same() -> None:
    tree = {
        "providers": {"a": {"ca": f"\n{PEM}{PEM}\n\n"}},
        "mac_pools": {"a": {"ranges": [{"from": "02:00:00:00:0A:00", "to": "02:00:00:00:0a:FF"}]}},
        "data_centers": {"Default": {"networks": {"blue": {"dns": ["2001:DB8::05"], "label": 7}, "red": None}}},
        "hosts": {
            "sim-1": {
                "bonds": {"bond0": {"slaves": ["eth2", "eth1"], "options": {"mode": 4, "use_carrier": True}}},
                "attachments": {"blue": {"nic": {"driver": "ice"}, "ipv4": {"method": "dhcp", "address": None}}},
            }
        },
    }
    things = flatten(tree).things
    assert shape_mistakes(tree) == []
    assert things["provider", ("a",)] == {"ca": f"{PEM}\n{PEM}\n"}
    assert things["macpool", ("a",)] == {"ranges": [{"from": "02:00:00:00:0a:00", "to": "02:00:00:00:0a:ff"}]}
    assert things["network", ("Default", "blue")] == {"dns": ["2001:db8::5"], "label": "7"}
    assert things["network", ("Default", "red")] == {}
    assert things["host bond", ("sim-1", "bond0")] == {
        "slaves": ["eth1", "eth2"],
        "options": {"mode": "4", "use_carrier": "true"},
    }
    assert things["host attachment", ("sim-1", "blue")] == {"nic": {"driver": "ice"}, "ipv4": {"method": "dhcp"}}


def test_objects_inside_invisible_ones_are_not_exported() -> None:
    assert nest({("subnet", ("Default", "blue", "web")): {"cidr": "192.0.2.0/24"}})["data_centers"] == {}


def test_every_field_has_a_description_in_the_schema() -> None:
    schema = json_schema()
    fields = schema["properties"]["hosts"]["additionalProperties"]["properties"]
    assert fields["address"]["description"] == BY_NAME["host"].field("address").help
    nic = fields["attachments"]["additionalProperties"]["properties"]["nic"]
    assert [one["type"] for one in nic["anyOf"]] == [["string", "integer"], "object"]
    pools = schema["properties"]["mac_pools"]["additionalProperties"]["properties"]
    assert pools["ranges"]["minItems"] == 1


CURRENT = flatten(new_fleet(3))


def mistakes_of(tree: dict[str, Any], *, prune: bool = False) -> list[tuple[tuple[str | int, ...], str]]:
    found = mistakes_in(CURRENT, flatten(tree), prune=prune)
    return [(one.place, one.text) for one in found]


@pytest.mark.parametrize(
    ("tree", "place", "text"),
    [
        (host("new"), ("hosts", "new"), "There is no host new yet, and 'cluster' is needed to add it."),
        (
            {"clusters": {"Default": {"data_center": "north"}}},
            ("clusters", "Default", "data_center"),
            "This is Default now, and cannot be changed. Remove the cluster first.",
        ),
        (network(provider="ovn"), (*BLUE, "provider"), "There is no provider ovn."),
        (
            network(profiles={"a": {"failover": {"network": "blue", "profile": "b"}}}),
            (*BLUE, "profiles", "a", "failover"),
            "There is no profile b.",
        ),
        (host(cluster="Defualt"), ("hosts", "sim-1", "cluster"), "There is no cluster Defualt."),
        (
            {"clusters": {"Default": {"networks": {"blue": {}}}}},
            ("clusters", "Default", "networks", "blue"),
            "There is no network blue in data centre Default.",
        ),
        (
            host(attachments={"blue": {"nic": "eth1"}}),
            ("hosts", "sim-1", "attachments", "blue"),
            "There is no network blue in cluster Default.",
        ),
    ],
)
def test_mistakes_in_relation_to_the_fleet_are_reported(
    tree: dict[str, Any], place: tuple[str | int, ...], text: str
) -> None:
    assert (place, text) in mistakes_of(tree)


def test_objects_without_holder_report_only_the_holder() -> None:
    desired = mistakes_of({"clusters": {"racks": {"networks": {"blue": {}}}}})
    assert desired == [(("clusters", "racks"), "There is no cluster racks yet, and 'data_center' is needed to add it.")]


def test_what_stays_keeps_what_it_refers_to() -> None:
    assert mistakes_of({"clusters": {}}) == []
    found = mistakes_of({"clusters": {}}, prune=True)
    assert ((), "cluster Default would be removed, and host sim-2 has it as cluster.") in found
    assert len(found) == 3


def test_what_refers_to_nothing_already_is_no_mistake() -> None:
    """A host may carry a network that its cluster no longer has."""
    tree = new_fleet(1)
    tree["hosts"]["sim-1"]["attachments"]["gone"] = {"nic": "eth1"}
    current = flatten(tree)
    assert mistakes_in(current, current) == mistakes_in(current, current, prune=True) == []
    moved = flatten({"hosts": {"sim-1": {"cluster": "Other", "attachments": {"gone": {"nic": "eth2"}}}}})
    texts = [one.text for one in mistakes_in(current, moved)]
    assert texts == ["There is no cluster Other.", "There is no network gone in cluster Other."]


def test_prerequisites_of_a_change() -> None:
    desired = flatten(
        {
            "data_centers": {"Default": {"qos": {"gold": {"type": "network"}}, "networks": {"blue": {"qos": "gold"}}}},
            "clusters": {"Default": {"networks": {"blue": {}}}},
            "hosts": {"sim-1": {"attachments": {"blue": {"nic": "eth1"}, "ovirtmgmt": {"nic": "eth2"}}}},
        }
    )
    missing = {one.noun: waits_for(one, CURRENT, desired) for one in changes(CURRENT, desired)}
    assert missing == {
        "qos": None,
        "network": ("qos", ("Default", "gold")),
        "cluster network": ("network", ("Default", "blue")),
        "host networks": ("cluster network", ("Default", "blue")),
    }


def choose(tree: dict[str, Any], nics: dict[str, Any] = NICS) -> tuple[Fleet, list[Mistake]]:
    return decided(flatten(tree), CURRENT, nics)


def test_nics_are_found_by_what_they_are() -> None:
    tree = host(
        bonds={"bond0": {"slaves": [{"driver": "ixgbe", "speed": 10000}]}},
        labels={"red": {"nic": "bond0"}, "blue": {"nic": {"permanent_mac": "02:00:00:00:00:01"}}},
        attachments={"ovirtmgmt": {"nic": {"pci_address": "0000:01:00.0"}}},
    )
    fleet, mistakes = choose(tree)
    assert mistakes == []
    assert fleet.things["host bond", ("sim-1", "bond0")]["slaves"] == ["eth1", "eth2"]
    assert fleet.things["host label", ("sim-1", "blue")]["nic"] == "eth0"
    assert fleet.things["host attachment", ("sim-1", "ovirtmgmt")]["nic"] == "eth0"


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (attached(nic={"driver": "ixgbe"}), "driver ixgbe: eth1, eth2 of host sim-1 match. Add facts"),
        (attached(nic={"driver": "mlx5"}), "driver mlx5: no NIC of host sim-1 matches."),
        (attached(nic="eht1"), "Host sim-1 has no NIC 'eht1'. Did you mean 'eth1'?"),
        (host(bonds={"b": {"slaves": ["eth1", "eth7"]}}), "Host sim-1 has no NIC 'eth7'."),
        (
            host("sim-3", labels={"red": {"nic": {"speed": 1}}}),
            "Host sim-3 has not reported its NICs: only names can be given.",
        ),
    ],
)
def test_a_nic_that_is_not_found_is_reported(tree: dict[str, Any], text: str) -> None:
    _, mistakes = choose(tree)
    assert [text in one.text for one in mistakes] == [True]


def test_the_names_of_a_host_that_has_reported_nothing_are_taken() -> None:
    fleet, mistakes = choose(host("sim-3", labels={"red": {"nic": "eth9"}}))
    assert (mistakes, fleet.things["host label", ("sim-3", "red")]) == ([], {"nic": "eth9"})


def pooled(pool: str, *names: str) -> dict[str, Any]:
    ipv4 = {"method": "static", "pool": pool, "prefix": 15}
    return {"hosts": {name: {"attachments": {"ovirtmgmt": {"ipv4": ipv4}}} for name in names}}


def test_addresses_come_out_of_a_pool_and_stay() -> None:
    """sim-1 to sim-3 have 198.18.0.2 to .4."""
    fleet, mistakes = choose(pooled("198.18.0.3 - 198.18.0.6", "sim-3", "sim-1", "sim-2"))
    found = {
        key[1][0]: values["ipv4"]["address"] for key, values in fleet.things.items() if key[0] == "host attachment"
    }
    assert (mistakes, found) == ([], {"sim-1": "198.18.0.5", "sim-2": "198.18.0.3", "sim-3": "198.18.0.4"})


@pytest.mark.parametrize(
    ("pool", "text"),
    [
        ("198.18.0.3-198.18.0.4", "No address of 198.18.0.3-198.18.0.4 is free."),
        ("198.18.0.3", "'198.18.0.3' is no pool, such as 192.0.2.10-192.0.2.99."),
        ("198.18.0.3-2001:db8::", "is no pool"),
        ("198.18.0.3-198.18.0.2", "is no pool"),
    ],
)
def test_an_exhausted_pool_is_reported(pool: str, text: str) -> None:
    _, mistakes = choose(pooled(pool, "sim-1"))
    assert [text in one.text for one in mistakes] == [True]
    assert mistakes[0].place == (*MANAGEMENT, "ipv4", "pool")


def test_a_secret_goes_along_and_is_no_reason() -> None:
    held = {"type": "neutron", "url": "https://one.example.com:9696"}
    secret = {"env": "SECRET"}
    current = flatten({"providers": {"neutron": held}})
    same = flatten({"providers": {"neutron": {**held, "password": secret}}})
    moved = flatten({"providers": {"neutron": {"url": "https://two.example.com:9696", "password": secret}}})
    assert changes(current, same) == ()
    (change,) = changes(current, moved)
    assert change.differences[1] == Difference(("password",), None, secret)
    assert changes(Fleet({}), same)[0].differences[-1] == Difference(("password",), None, secret)


def test_the_root_password_is_for_adding_a_host() -> None:
    desired = flatten(host(description="here", root_password={"file": "root"}))
    assert changes(CURRENT, desired) == (
        Change("change", "host", ("sim-1",), (Difference(("description",), "", "here"),)),
    )
    assert changes(CURRENT, desired)[0].name == "sim-1"


def test_roles_are_taken_before_they_are_given_up() -> None:
    networks = {"ovirtmgmt": {"roles": []}, "wire": {"roles": ["migration"]}}
    desired = flatten({"clusters": {"Default": {"networks": networks}}})
    assert [one.names[1] for one in changes(CURRENT, desired)] == ["wire", "ovirtmgmt"]


def test_the_networking_of_a_host_changes_at_once() -> None:
    current = flatten(host(bonds={"bond1": {"slaves": ["eth1", "eth2"]}}))
    desired = flatten(host(bonds={}, labels={"red": {"nic": "eth1"}}))
    (change,) = changes(current, desired, prune=True)
    assert (change.action, change.noun, change.name) == ("change", "host networks", "sim-1")
    assert change.differences == (
        Difference(("labels", "red", "nic"), None, "eth1"),
        Difference(("bonds", "bond1"), "there", None),
    )
    assert [(one.action, one.noun) for one in change.parts] == [("add", "host label"), ("remove", "host bond")]
