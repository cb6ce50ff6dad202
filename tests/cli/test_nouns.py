"""Every noun with its usual verbs, in each form of output."""

from __future__ import annotations

import pytest
import yaml

from cli.conftest import Netweft


def test_data_centres(netweft: Netweft) -> None:
    netweft("datacenter", "add", "north", "--description", "up there")
    assert "up there" in netweft("datacenter", "list").out
    assert netweft.json("datacenter", "show", "north")["description"] == "up there"
    netweft("datacenter", "set", "north", "--rename", "arctic")
    netweft("datacenter", "show", "north", expect=3)
    netweft("datacenter", "remove", "arctic")
    assert "There is no datacenter arctic" in netweft("datacenter", "remove", "arctic", "--missing-ok").err


def test_networks(netweft: Netweft) -> None:
    netweft("network", "add", "storage", "--vlan", "100", "--mtu", "9000", "--no-vm", "--dns", "192.0.2.53")
    shown = netweft.json("network", "show", "storage")
    assert (shown["vlan"]["id"], shown["mtu"], shown.get("usages")) == (100, 9000, None) or not shown["usages"]
    assert shown["data_center"]["name"] == "Default"
    netweft("network", "set", "storage", "--mtu", "1500", "--description", "disks")
    found = netweft.json("network", "list", "--search", "name=stor*")
    assert [(network["name"], network["mtu"], network["description"]) for network in found] == [
        ("storage", 1500, "disks")
    ]
    netweft("network", "show", shown["id"])
    assert "vlan" not in netweft.json("network", "set", "storage", "--vlan", "none")
    assert "is not in the range" in netweft("network", "set", "storage", "--vlan", "-1", expect=2).err
    netweft("network", "remove", "storage")


def test_events_are_listed_by_what_matters(netweft: Netweft) -> None:
    netweft("datacenter", "add", "north")
    netweft("datacenter", "remove", "north")
    about = 'message="*north*"'
    assert len(netweft.json("event", "list", "--search", about, "--max", "1")) == 1
    assert not {30, 31} & {event["code"] for event in netweft.json("event", "list")}
    assert 30 in {event["code"] for event in netweft.json("event", "list", "--logins")}
    found = netweft.json("event", "list", "--search", f"{about} or code=30", "--max", "100")
    assert {"north" in event["description"] for event in found} == {True}, "logins are left out of a search, too"
    netweft("host", "list", expect=4, NETWEFT_PASSWORD="wrong")
    severe = netweft.json("event", "list", "--severity", "warning")
    assert {event["severity"] for event in severe} <= {"warning", "error", "alert"}
    assert any(event["code"] == 114 for event in severe)
    assert "--max" in netweft("event", "list", "--max", "-2", expect=2).err


def test_clusters_and_their_networks(netweft: Netweft) -> None:
    netweft("cluster", "add", "edge", "--switch-type", "ovs", "--mac-pool", "Default")
    assert netweft.json("cluster", "show", "edge")["switch_type"] == "ovs"
    netweft("cluster", "set", "edge", "--description", "far away")
    assert "far away" in netweft("cluster", "list").out
    netweft("network", "add", "live")
    netweft("cluster", "attach", "edge", "live", "--optional")
    assert ["live", "false"] in [row[:2] for row in netweft("cluster", "networks", "edge").rows]
    netweft("cluster", "change", "edge", "live", "--required", "--role", "migration")
    network = next(n for n in netweft.json("cluster", "networks", "edge") if n["name"] == "live")
    assert (network["required"], sorted(network["usages"])) == (True, ["migration", "vm"])
    assert "name at least one option" in netweft("cluster", "change", "edge", "live", expect=2).err
    netweft("cluster", "detach", "edge", "live")
    netweft("cluster", "remove", "edge")
    netweft("network", "remove", "live")


def test_hosts_come_and_go(netweft: Netweft) -> None:
    netweft("host", "add", "spare", "--address", "192.0.2.77")
    shown = netweft.json("host", "show", "spare")
    assert (shown["address"], shown["cluster"]["name"]) == ("192.0.2.77", "Default")
    netweft("host", "set", "spare", "--description", "not there yet")
    token = netweft.json("host", "token", "spare")
    assert token["token"] in token["command"]
    assert netweft("host", "token", "spare", "-o", "command").out.startswith("NETWEFT_ENROLL_TOKEN=")
    netweft("host", "remove", "spare")


def test_profiles(netweft: Netweft) -> None:
    netweft("network", "add", "lan")
    netweft("profile", "add", "watched", "--network", "lan", "--port-mirroring")
    assert ["watched", "lan"] in [row[:2] for row in netweft("profile", "list").rows]
    netweft("profile", "set", "watched", "--rename", "plain", "--no-port-mirroring")
    assert netweft.json("profile", "show", "plain")["port_mirroring"] is False
    netweft("profile", "remove", "plain")
    netweft("network", "remove", "lan")


@pytest.mark.parametrize("noun", ["template", "macpool", "job", "event", "role", "user"])
def test_what_is_only_read(netweft: Netweft, noun: str) -> None:
    found = netweft.json(noun, "list")
    assert netweft.json(noun, "show", found[0]["id"])["id"] == found[0]["id"]


def test_the_forms_say_the_same(netweft: Netweft) -> None:
    tree = netweft.json("datacenter", "list")
    assert yaml.safe_load(netweft("datacenter", "list", "-o", "yaml").out) == tree
    assert netweft("datacenter", "list").rows[0][:2] == ["NAME", "STATUS"]
    assert {row[0] for row in netweft("datacenter", "list").rows[1:]} == {item["name"] for item in tree}
    shown = netweft.json("host", "show", "sim-1")
    assert yaml.safe_load(netweft("host", "show", "sim-1", "-o", "yaml").out) == shown
    assert ["cluster.name", "Default"] in netweft("host", "show", "sim-1").rows


def test_a_name_means_one_thing(netweft: Netweft) -> None:
    netweft("datacenter", "add", "south")
    netweft("network", "add", "twin")
    netweft("network", "add", "Twin2")
    other = netweft("network", "add", "twin", "--datacenter", "south", "-o", "json").tree
    told = netweft("network", "show", "twin", expect=1).err
    assert f"{other['id']}  (data center south)" in told
    assert netweft.json("network", "show", other["id"])["data_center"]["name"] == "south"
    netweft("network", "show", "twin2", expect=3)
    netweft("network", "remove", "tw*", expect=3)
    netweft("cluster", "attach", "Default", "twin", "--optional")
    attached = next(n for n in netweft.json("cluster", "networks", "Default") if n["name"] == "twin")
    assert attached["id"] != other["id"], "a cluster has the networks of its data centre"
    netweft("cluster", "detach", "Default", "twin")
    for name in (attached["id"], "Twin2"):
        netweft("network", "remove", name)
    netweft("datacenter", "remove", "south")
