"""Every noun with its usual verbs, in each form of output."""

from __future__ import annotations

import pytest
import yaml

from cli.conftest import Netloom


def test_data_centres(netloom: Netloom) -> None:
    netloom("datacenter", "add", "north", "--description", "up there")
    assert "up there" in netloom("datacenter", "list").out
    assert netloom.json("datacenter", "show", "north")["description"] == "up there"
    netloom("datacenter", "set", "north", "--rename", "arctic")
    netloom("datacenter", "show", "north", expect=3)
    netloom("datacenter", "remove", "arctic")
    assert "There is no datacenter arctic" in netloom("datacenter", "remove", "arctic", "--missing-ok").err


def test_networks(netloom: Netloom) -> None:
    netloom("network", "add", "storage", "--vlan", "100", "--mtu", "9000", "--no-vm", "--dns", "192.0.2.53")
    shown = netloom.json("network", "show", "storage")
    assert (shown["vlan"]["id"], shown["mtu"], shown.get("usages")) == ("100", "9000", None) or not shown["usages"]
    assert shown["data_center"]["name"] == "Default"
    netloom("network", "set", "storage", "--mtu", "1500", "--description", "disks")
    found = netloom.json("network", "list", "--search", "name=stor*")
    assert [(network["name"], network["mtu"], network["description"]) for network in found] == [
        ("storage", "1500", "disks")
    ]
    netloom("network", "show", shown["id"])
    netloom("network", "remove", "storage")


def test_clusters_and_their_networks(netloom: Netloom) -> None:
    netloom("cluster", "add", "edge", "--switch-type", "ovs", "--mac-pool", "Default")
    assert netloom.json("cluster", "show", "edge")["switch_type"] == "ovs"
    netloom("cluster", "set", "edge", "--description", "far away")
    assert "far away" in netloom("cluster", "list").out
    netloom("network", "add", "live")
    netloom("cluster", "attach", "edge", "live", "--optional")
    assert ["live", "false"] in [row[:2] for row in netloom("cluster", "networks", "edge").rows]
    netloom("cluster", "change", "edge", "live", "--required", "--role", "migration")
    network = next(n for n in netloom.json("cluster", "networks", "edge") if n["name"] == "live")
    assert (network["required"], sorted(network["usages"])) == ("true", ["migration", "vm"])
    assert "name at least one option" in netloom("cluster", "change", "edge", "live", expect=2).err
    netloom("cluster", "detach", "edge", "live")
    netloom("cluster", "remove", "edge")
    netloom("network", "remove", "live")


def test_hosts_come_and_go(netloom: Netloom) -> None:
    netloom("host", "add", "spare", "--address", "192.0.2.77")
    shown = netloom.json("host", "show", "spare")
    assert (shown["address"], shown["cluster"]["name"]) == ("192.0.2.77", "Default")
    netloom("host", "set", "spare", "--description", "not there yet")
    token = netloom.json("host", "token", "spare")
    assert token["token"] in token["command"]
    netloom("host", "remove", "spare")


def test_profiles(netloom: Netloom) -> None:
    netloom("network", "add", "lan")
    netloom("profile", "add", "watched", "--network", "lan", "--port-mirroring")
    assert ["watched", "lan"] in [row[:2] for row in netloom("profile", "list").rows]
    netloom("profile", "set", "watched", "--rename", "plain", "--no-port-mirroring")
    assert netloom.json("profile", "show", "plain")["port_mirroring"] == "false"
    netloom("profile", "remove", "plain")
    netloom("network", "remove", "lan")


@pytest.mark.parametrize("noun", ["template", "macpool", "job", "event", "role", "user"])
def test_what_is_only_read(netloom: Netloom, noun: str) -> None:
    found = netloom.json(noun, "list")
    assert netloom.json(noun, "show", found[0]["id"])["id"] == found[0]["id"]


def test_the_forms_say_the_same(netloom: Netloom) -> None:
    tree = netloom.json("datacenter", "list")
    assert yaml.safe_load(netloom("datacenter", "list", "-o", "yaml").out) == tree
    assert netloom("datacenter", "list").rows[0][:2] == ["NAME", "STATUS"]
    assert {row[0] for row in netloom("datacenter", "list").rows[1:]} == {item["name"] for item in tree}
    shown = netloom.json("host", "show", "sim-1")
    assert yaml.safe_load(netloom("host", "show", "sim-1", "-o", "yaml").out) == shown
    assert ["cluster.name", "Default"] in netloom("host", "show", "sim-1").rows


def test_a_name_means_one_thing(netloom: Netloom) -> None:
    netloom("datacenter", "add", "south")
    netloom("network", "add", "twin")
    netloom("network", "add", "Twin2")
    other = netloom("network", "add", "twin", "--datacenter", "south", "-o", "json").tree
    told = netloom("network", "show", "twin", expect=1).err
    assert f"{other['id']}  (data center south)" in told
    assert netloom.json("network", "show", other["id"])["data_center"]["name"] == "south"
    netloom("network", "show", "twin2", expect=3)
    netloom("network", "remove", "tw*", expect=3)
    netloom("cluster", "attach", "Default", "twin", "--optional")
    attached = next(n for n in netloom.json("cluster", "networks", "Default") if n["name"] == "twin")
    assert attached["id"] != other["id"], "a cluster has the networks of its data centre"
    netloom("cluster", "detach", "Default", "twin")
    for name in (attached["id"], "Twin2"):
        netloom("network", "remove", name)
    netloom("datacenter", "remove", "south")
