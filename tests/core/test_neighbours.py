"""What neighbours say by LLDP: in words, and as the elements that VDSM makes of it."""

from __future__ import annotations

import pytest

from netweft.core.neighbours import Element, Neighbour, elements_of, text_of

MAC = "02:ff:00:00:00:01"


@pytest.mark.parametrize(
    ("kind", "port", "description", "name"),
    [
        ("ifname", "Gi1/0/7", "to rack 3", "Gi1/0/7"),
        ("local", "Ethernet1/7", "", "Ethernet1/7"),
        ("ifalias", "uplink", "x", "uplink"),
        ("local", "512", "ge-0/0/7", "ge-0/0/7"),  # Junos: a mere number
        ("mac", MAC, "swp7", "swp7"),
        ("mac", MAC, "", MAC),
        ("local", "512", "", "512"),
    ],
)
def test_a_port_is_called_by_the_name_that_people_know(kind: str, port: str, description: str, name: str) -> None:
    neighbour = Neighbour(chassis=MAC, system_name="sw-a", port=port, port_kind=kind, port_description=description)
    assert neighbour.text == f"port {name} of sw-a"


def test_neighbours_in_words() -> None:
    nameless, named = Neighbour(chassis=MAC, port="p1"), Neighbour(chassis=MAC, port="p2", system_name="sw-b")
    assert text_of(()) == ""
    assert text_of((nameless, named)) == f"port p1 of {MAC} and port p2 of sw-b"


def test_a_minimal_neighbour_has_three_elements() -> None:
    assert elements_of(Neighbour(chassis="a", port="b", chassis_kind="unhandled", ttl=120)) == (
        Element(name="Chassis ID", type=1, properties={"chassis ID subtype": "unhandled", "chassis ID": "a"}),
        Element(name="Port ID", type=2, properties={"port ID subtype": "Local", "port ID": "b"}),
        Element(name="Time to Live", type=3, properties={"time to live": "120"}),
    )


def test_a_complete_neighbour_has_the_elements_of_vdsm() -> None:
    neighbour = Neighbour(
        chassis=MAC,
        chassis_kind="mac",
        port="Gi1/0/7",
        port_kind="ifname",
        ttl=120,
        port_description="to rack 3",
        system_name="sw-a",
        system_description="a switch",
        capabilities=("Bridge", "Router"),
        enabled=("Bridge",),
        addresses=("192.0.2.1", "2001:db8::1"),
        vlan=488,
        vlans=((488, "blue"), (7, "red")),
        aggregate=9,
        frame_max=1522,
    )
    found = elements_of(neighbour)
    assert [(one.name, one.type, one.oui, one.subtype) for one in found] == [
        ("Chassis ID", 1, 0, 0),
        ("Port ID", 2, 0, 0),
        ("Time to Live", 3, 0, 0),
        ("Port Description", 4, 0, 0),
        ("System Name", 5, 0, 0),
        ("System Description", 6, 0, 0),
        ("System Capabilities", 7, 0, 0),
        ("Management Address", 8, 0, 0),
        ("Management Address", 8, 0, 0),
        ("Port VLAN ID", 127, 32962, 1),
        ("VLAN Name", 127, 32962, 3),
        ("VLAN Name", 127, 32962, 3),
        ("Link Aggregation", 127, 32962, 7),
        ("MTU", 127, 4623, 4),
    ]
    assert [one.properties for one in found[:2]] == [
        {"chassis ID subtype": "MAC", "chassis ID": MAC},
        {"port ID subtype": "Ifname", "port ID": "Gi1/0/7"},
    ]
    assert [one.properties for one in found[3:]] == [
        {"port description": "to rack 3"},
        {"system name": "sw-a"},
        {"system description": "a switch"},
        {"system capabilities": "Bridge, Router", "enabled capabilities": "Bridge"},
        {"management address subtype": "IPv4", "management address": "192.0.2.1"},
        {"management address subtype": "IPv6", "management address": "2001:db8::1"},
        {"Port VLAN ID": "488"},
        {"VLAN ID": "488", "VLAN Name": "blue"},
        {"VLAN ID": "7", "VLAN Name": "red"},
        {"Aggregation capable": "True", "Currently aggregated": "True", "Aggregated Port ID": "9"},
        {"mtu": "1522"},
    ]
