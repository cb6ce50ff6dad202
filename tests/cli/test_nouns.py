"""Every noun with its usual verbs, in each form of output."""

from __future__ import annotations

import pytest
import yaml

from cli.commands import commands
from cli.conftest import Netweft
from netweft.api.element_table import ELEMENTS
from netweft.cli.noun_types import Noun
from netweft.cli.nouns import NOUNS


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
    mixed = ("--dns", "none", "--dns", "192.0.2.54")
    for words in (("set", "storage"), ("add", "mixed")):
        assert "--dns: 'none' excludes other values." in netweft("network", *words, *mixed, expect=2).err
    assert netweft.json("network", "show", "storage")["dns_resolver_configuration"]["name_servers"] == ["192.0.2.53"]
    netweft("network", "remove", "storage")


def test_events_are_listed_by_what_matters(netweft: Netweft) -> None:
    netweft("datacenter", "add", "north")
    netweft("datacenter", "remove", "north")
    about = 'message="*north*"'
    assert len(netweft.json("event", "list", "--search", about, "--max", "1")) == 1
    assert not {30, 31} & {event["code"] for event in netweft.json("event", "list")}
    assert 30 in {event["code"] for event in netweft.json("event", "list", "--logins", "--search", "code=30")}
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
    refused = netweft("cluster", "detach", "edge", "live", expect=3).err
    assert refused == "Error: The network 'live' is not attached to the cluster 'edge'.\n"
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


def test_subnets_and_the_addresses_of_vnics(netweft: Netweft) -> None:
    netweft("network", "add", "offices")
    netweft("cluster", "attach", "Default", "offices", "--optional")
    pools, route = ("--pool", "192.0.2.10-192.0.2.19", "--pool", "192.0.2.30-192.0.2.30"), "10.0.0.0/8=192.0.2.2"
    tiny = ("--cidr", "198.51.100.0/31")
    more = ("--gateway", "192.0.2.1", "--dns", "198.51.100.53", "--route", route)
    netweft("subnet", "add", "offices", "four", "--cidr", "192.0.2.0/24", *pools, *more)
    netweft("subnet", "add", "offices", "six", "--cidr", "2001:db8::/64")
    shown = netweft.json("subnet", "show", "offices", "four")
    assert (shown["gateway"], shown["ip_version"], shown["dhcp"]) == ("192.0.2.1", 4, False)
    assert shown["host_routes"] == [{"destination": "10.0.0.0/8", "next_hop": "192.0.2.2"}]
    assert "192.0.2.10-192.0.2.19, 192.0.2.30-192.0.2.30" in netweft("subnet", "list", "offices").out
    rows = netweft("subnet", "show", "offices", "four").rows
    assert (["dhcp", "false"] in rows, ["provision"] in rows) == (True, True)
    netweft("vm", "add", "desk")
    profile = ("--profile", "offices")
    added = netweft("vm", "nic", "add", "desk", "nic1", *profile, "--address", "192.0.2.7", "--address", "2001:db8::7")
    assert "192.0.2.7, 2001:db8::7" in added.out
    netweft("vm", "nic", "add", "desk", "nic2", *profile)
    netweft("vm", "nic", "add", "desk", "nic3", *profile, "--address", "none")
    found = {nic["name"]: len(nic["addresses"]) for nic in netweft.json("vm", "nic", "list", "desk")}
    assert found == {"nic1": 2, "nic2": 2, "nic3": 0}
    assert "192.0.2.7" in netweft("vm", "nic", "show", "desk", "nic1").out
    both = ["192.0.2.8", "2001:db8::7"]
    netweft("vm", "nic", "set", "desk", "nic1", "--address", "192.0.2.8")
    assert [one["address"] for one in netweft.json("vm", "nic", "show", "desk", "nic1")["addresses"]] == both
    assert netweft.json("vm", "nic", "set", "desk", "nic1", "--address", "none")["addresses"] == []
    mac = netweft.json("vm", "nic", "show", "desk", "nic1")["mac"]
    for words in (("set", "desk", "nic1"), ("add", "desk", "nic4")):
        assert "'--mac': it is empty" in netweft("vm", "nic", *words, "--mac", "", expect=2).err
    assert netweft.json("vm", "nic", "show", "desk", "nic1")["mac"] == mac
    assert "used by vNICs: desk/nic2" in netweft("subnet", "remove", "offices", "four", expect=1).err
    netweft("vm", "remove", "desk")
    changed = netweft.json("subnet", "set", "offices", "four", "--gateway", "none", "--pool", "none", "--rename", "web")
    assert (changed["name"], changed["gateway"], changed["allocation_pools"]) == ("web", None, [])
    assert netweft.json("subnet", "set", "offices", "web", "--dhcp")["dhcp_server"] == "192.0.2.1"
    assert "30 bits or fewer" in netweft("subnet", "add", "offices", "tiny", *tiny, "--dhcp", expect=1).err
    assert "is not FIRST-LAST" in netweft("subnet", "set", "offices", "web", "--pool", "192.0.2.1", expect=2).err
    netweft("subnet", "remove", "offices", "web")
    netweft("subnet", "show", "offices", "web", expect=3)
    netweft("network", "remove", "offices")


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
    assert f"  south/twin  (id {other['id']})" in told
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


def test_qos_by_name_and_taken_off_again(netweft: Netweft) -> None:
    netweft("qos", "add", "gold", "--outbound-average", "100", "--outbound-peak", "200", "--outbound-burst", "10")
    netweft("qos", "add", "share", "--type", "hostnetwork", "--linkshare", "50")
    assert netweft.json("qos", "show", "gold")["outbound_average"] == 100
    assert ["share", "Default", "hostnetwork"] in [row[:3] for row in netweft("qos", "list").rows]
    netweft("qos", "set", "gold", "--outbound-peak", "300", "--rename", "golden")
    limits = ("average", "peak", "burst")
    unlimited = [word for limit in limits for word in (f"--outbound-{limit}", "none")]
    assert not {f"outbound_{limit}" for limit in limits} & netweft.json("qos", "set", "golden", *unlimited).keys()
    netweft("network", "add", "shaped", "--qos", "share")
    shown = netweft.json("network", "show", "shaped")
    assert shown["qos"]["name"] == "share"
    assert "qos" not in netweft.json("network", "set", "shaped", "--qos", "none")
    refused = netweft("network", "set", "shaped", "--qos", "golden", expect=3).err
    assert "There is no qos golden of the type hostnetwork, and --qos takes no other here." in refused
    netweft("profile", "add", "limited", "--network", "shaped", "--qos", "golden")
    assert ["limited", "shaped", "Default", "golden"] in [row[:4] for row in netweft("profile", "list").rows]
    assert "qos" not in netweft.json("profile", "set", "limited", "--qos", "none")
    netweft("network", "remove", "shaped")
    for name in ("golden", "share"):
        netweft("qos", "remove", name)
    netweft("qos", "show", "golden", expect=3)


def test_qos_of_one_name_in_two_data_centres(netweft: Netweft) -> None:
    netweft("datacenter", "add", "west")
    for place in ("Default", "west"):
        netweft("qos", "add", "same", "--datacenter", place, "--type", "hostnetwork", "--linkshare", "9")
    assert "  west/same  (id" in netweft("qos", "show", "same", expect=1).err
    west = netweft.json("qos", "show", "same", "--datacenter", "west")
    assert [one["id"] for one in netweft.json("qos", "list", "--datacenter", "west")] == [west["id"]]
    netweft("network", "add", "western", "--datacenter", "west", "--qos", "same")
    assert netweft.json("network", "show", "western")["qos"]["id"] == west["id"], "of the network's data centre"
    netweft("network", "remove", "western")
    netweft("qos", "remove", "same", "--datacenter", "west")
    netweft("qos", "remove", "same")
    netweft("datacenter", "remove", "west")


def test_mac_pools(netweft: Netweft) -> None:
    first = "56:6f:ab:00:00:00-56:6f:ab:00:00:ff"
    netweft("macpool", "add", "lab", "--range", first, "--allow-duplicates")
    (row,) = (row for row in netweft("macpool", "list").rows if row[0] == "lab")
    assert row == ["lab", "false", "true", first]
    second = "56:6f:ac:00:00:00-56:6f:ac:00:00:ff"
    netweft("macpool", "set", "lab", "--range", first, "--range", second)
    assert len(netweft.json("macpool", "show", "lab")["ranges"]) == 2
    assert "FIRST-LAST" in netweft("macpool", "set", "lab", "--range", "56:6f:ab:00:00:00", expect=2).err
    netweft("macpool", "remove", "lab")


def test_templates_with_vnics(netweft: Netweft) -> None:
    netweft("network", "add", "front")
    netweft("cluster", "attach", "Default", "front", "--optional")
    netweft("template", "add", "shop", "--memory", "1073741824", "--cluster", "Default")
    netweft("template", "set", "shop", "--description", "sells")
    assert netweft.json("template", "show", "shop")["memory"] == 1 << 30
    netweft("template", "nic", "add", "shop", "nic1", "--profile", "front", "--interface", "e1000")
    netweft("template", "nic", "set", "shop", "nic1", "--unplugged")
    assert netweft("template", "nic", "list", "shop").rows[1] == ["nic1", "false", "true", "front", "e1000"]
    made = netweft("vm", "add", "shop-1", "--template", "shop").out
    assert [line.split(maxsplit=1) for line in made.splitlines()][:3] == [
        ["name", "shop-1"], ["status", "down"], ["cluster", "Default"],
    ]  # fmt: skip
    assert len(made.splitlines()) < 6, "the few facts that matter"
    netweft("vm", "nic", "set", "shop-1", "nic1", "--profile", "none")
    assert "vnic_profile" not in netweft.json("vm", "nic", "show", "shop-1", "nic1")
    netweft("template", "add", "like-it", "--vm", "shop-1")
    assert [nic["name"] for nic in netweft.json("template", "nic", "list", "like-it")] == ["nic1"]
    netweft("vm", "remove", "shop-1")
    netweft("template", "nic", "remove", "shop", "nic1")
    for name in ("like-it", "shop"):
        netweft("template", "remove", name)
    netweft("network", "remove", "front")


def test_tags(netweft: Netweft) -> None:
    netweft("tag", "add", "site")
    netweft("tag", "add", "web", "--parent", "site")
    assert ["web", "site"] in [row[:2] for row in netweft("tag", "list").rows]
    assert netweft.json("tag", "set", "web", "--parent", "root")["parent"]["name"] == "root"
    assert "parent" not in netweft.json("tag", "show", "root")
    assert "The tag name 'root' is already used" in netweft("tag", "add", "root", expect=1).err
    assert "The tag name 'root' is already used" in netweft("tag", "set", "web", "--rename", "root", expect=1).err
    netweft("tag", "set", "web", "--parent", "site")
    netweft("vm", "add", "tagged")
    netweft("vm", "tag", "add", "tagged", "web")
    assert [vm["name"] for vm in netweft.json("vm", "list", "--search", "tag=site")] == ["tagged"]
    assert [tag["name"] for tag in netweft.json("vm", "tag", "list", "tagged")] == ["web"]
    netweft("host", "tag", "add", "sim-3", "site")
    netweft("host", "tag", "remove", "sim-3", "site")
    netweft("vm", "tag", "remove", "tagged", "web")
    netweft("vm", "tag", "remove", "tagged", "web", expect=3)
    netweft("vm", "remove", "tagged")
    netweft("tag", "remove", "site")
    netweft("tag", "show", "web", expect=3)


def test_snapshots_and_filter_parameters(netweft: Netweft) -> None:
    netweft("network", "add", "lan2")
    netweft("cluster", "attach", "Default", "lan2", "--optional")
    netweft("profile", "add", "guarded", "--network", "lan2", "--network-filter", "clean-traffic")
    netweft("vm", "add", "kept")
    netweft("vm", "nic", "add", "kept", "nic1", "--profile", "guarded")
    netweft("vm", "filter-parameter", "add", "kept", "nic1", "IP", "--value", "192.0.2.7")
    netweft("vm", "filter-parameter", "set", "kept", "nic1", "IP", "--value", "192.0.2.8")
    assert netweft("vm", "filter-parameter", "list", "kept", "nic1").rows[1] == ["IP", "192.0.2.8"]
    netweft("vm", "snapshot", "add", "kept", "before")
    netweft("vm", "nic", "remove", "kept", "nic1")
    netweft("vm", "snapshot", "restore", "kept", "before")
    assert [nic["name"] for nic in netweft.json("vm", "nic", "list", "kept")] == ["nic1"]
    netweft("vm", "snapshot", "remove", "kept", "before")
    netweft("vm", "remove", "kept")
    netweft("profile", "set", "guarded", "--network-filter", "none")
    assert "network_filter" not in netweft.json("profile", "show", "guarded")
    netweft("network", "remove", "lan2")


def test_a_snapshot_is_previewed(netweft: Netweft) -> None:
    netweft("vm", "add", "tried")
    netweft("vm", "snapshot", "add", "tried", "before")
    netweft("vm", "nic", "add", "tried", "nic1")
    assert netweft.json("vm", "snapshot-nic", "list", "tried", "before") == []

    def nics() -> int:
        return len(netweft.json("vm", "nic", "list", "tried"))

    netweft("vm", "snapshot", "preview", "tried", "before")
    assert nics() == 0
    netweft("vm", "snapshot", "undo", "tried")
    assert nics() == 1
    netweft("vm", "snapshot", "preview", "tried", "before")
    netweft("vm", "snapshot", "commit", "tried")
    assert nics() == 0
    netweft("vm", "snapshot", "undo", "tried", expect=1)
    netweft("vm", "remove", "tried")


def test_jobs_and_events_of_other_systems(netweft: Netweft) -> None:
    job = netweft.json("job", "add", "Replacing a switch")["id"]
    netweft("job", "step", "add", job, "copying", "--type", "validating")
    netweft("job", "step", "end", job, "copying")
    assert netweft("job", "step", "list", job).rows[1] == ["1", "finished", "validating", "copying"]
    netweft("job", "fail", job)
    assert netweft.json("job", "show", job)["status"] == "failed"
    assert [one["id"] for one in netweft.json("job", "list", "--search", "status=failed", "--max", "1")] == [job]
    netweft("job", "clear", job)
    netweft("job", "show", job, expect=3)
    event = netweft.json("event", "add", "Fan 2 failed", "--origin", "racks", "--custom-id", "7", "--host", "sim-3")
    assert netweft.json("event", "show", event["id"])["host"]["id"] == netweft.json("host", "show", "sim-3")["id"]
    netweft("event", "remove", event["id"])
    netweft("event", "show", event["id"], expect=3)


def test_what_the_engine_only_reports(netweft: Netweft) -> None:
    assert ["memory.used", "0", "bytes"] in netweft("host", "statistic", "list", "sim-3").rows
    rates = netweft.json("host", "nic-statistic", "list", "sim-3", "eth0", "--sort", "name", "--max", "1")
    assert rates[0]["name"] == "data.current.rx"
    assert ["SuperUser", "system"] in netweft("user", "permission", "list", "admin").rows
    assert "SuperUser" in [row[0] for row in netweft("user", "role", "list", "admin").rows]
    assert ["manipulate_host"] in netweft("role", "permit", "list", "HostAdmin").rows
    assert netweft("domain", "list").rows[1:] == [["internal"]]
    assert netweft("group", "list").rows[1:] == [["Everyone"]]
    assert netweft.json("host", "unmanaged-network", "list", "sim-3") == []


def test_labels_bring_networks_to_nics(netweft: Netweft) -> None:
    netweft("network", "add", "red-net", "--vlan", "410")
    netweft("cluster", "attach", "Default", "red-net", "--optional")
    netweft("network", "label", "add", "red-net", "red")
    assert netweft("network", "label", "list", "red-net").rows == [["LABEL"], ["red"]]
    netweft("host", "label", "add", "sim-3", "eth1", "red")
    (mine,) = (row for row in netweft("host", "attachments", "sim-3").rows if row[0] == "red-net")
    assert mine[1:3] == ["410", "eth1"]
    netweft("host", "label", "remove", "sim-3", "eth1", "red")
    assert "red-net" not in netweft("host", "attachments", "sim-3").out
    netweft("network", "label", "remove", "red-net", "red")
    netweft("network", "remove", "red-net")


def test_lists_are_sorted_searched_and_cut(netweft: Netweft) -> None:
    for name, tag in (("row-a", "30"), ("row-b", "9"), ("row-c", "200")):
        netweft("network", "add", name, "--vlan", tag)
    search = ("--search", "name=row-*")

    def names(*words: str) -> list[str]:
        return [network["name"] for network in netweft.json("network", "list", *search, *words)]

    assert names("--sort", "vlanid:desc") == ["row-c", "row-a", "row-b"]
    assert names("--sort", "name:desc", "--max", "2") == ["row-c", "row-b"]
    assert "neither asc nor desc" in netweft("network", "list", "--sort", "name:up", expect=2).err
    by_size = [role["name"] for role in netweft.json("role", "list", "--sort", "name:desc", "--max", "3")]
    assert len(by_size) == 3
    assert by_size == sorted(by_size, reverse=True)
    assert "is none of right" in netweft("rights", "--sort", "size", expect=2).err
    assert "the API cannot search rights" in netweft("rights", "--search", "name=x", expect=2).err
    for name in ("row-a", "row-b", "row-c"):
        netweft("network", "remove", name)


def test_lists_below_something_are_sorted_searched_and_cut(netweft: Netweft) -> None:
    down = ("--sort", "name:desc", "--max", "2")
    assert [nic["name"] for nic in netweft.json("host", "nics", "sim-2", *down)] == ["eth3", "eth2"]
    found = netweft.json("cluster", "networks", "Default", "--search", "name=ovirt*", *down)
    assert [network["name"] for network in found] == ["ovirtmgmt"]
    assert len(netweft.json("host", "attachments", "sim-2", "--sort", "vlan", "--max", "1")) == 1
    assert len(netweft.json("permission", "list", "system", "--sort", "user:desc", "--max", "1")) == 1
    for words in (("host", "nics", "sim-2"), ("host", "attachments", "sim-2"), ("rights",)):
        assert "the API cannot search" in netweft(*words, "--search", "name=x", expect=2).err


def test_each_list_can_be_sorted_and_cut() -> None:
    """By the same three options, whether the API does it or the program."""
    engine_commands = ((path, one) for path, one in commands() if not path.startswith("lab "))
    lists = [(path, one) for path, one in engine_commands if (one.help or "").startswith("List ")]
    assert len(lists) > 25
    for path, command in lists:
        assert {"search", "sort", "most"} <= {parameter.name for parameter in command.params}, path


def test_ids_are_in_the_wide_form_only(netweft: Netweft) -> None:
    network = netweft.json("network", "show", "ovirtmgmt")
    assert network["id"] not in netweft("network", "list").out
    assert network["id"] in netweft("network", "list", "-o", "wide").out
    assert netweft("-o", "wide", "network", "list").out == netweft("network", "list", "-o", "wide").out


def test_each_noun_whose_type_has_a_comment_takes_one(netweft: Netweft) -> None:
    commented = {
        kind.meta.path or f"{kind.meta.tag}s"
        for kind, elements in ELEMENTS.items()
        if "comment" in elements.stored.split()
    }
    found = {noun.path for noun in NOUNS if any(field.path == "comment" for field in noun.fields)}
    assert found == commented & {noun.path for noun in NOUNS if "add" in noun.verbs}
    netweft("datacenter", "add", "commented", "--comment", "rented")
    netweft("network", "add", "commented", "--datacenter", "commented", "--comment", "for guests")
    assert netweft.json("network", "show", "commented")["comment"] == "for guests"
    netweft("network", "set", "commented", "--comment", "")
    assert netweft.json("network", "show", "commented")["comment"] == ""
    netweft("datacenter", "remove", "commented")


def test_what_uses_a_network(netweft: Netweft) -> None:
    netweft("network", "add", "used", "--vlan", "820")
    netweft("cluster", "attach", "Default", "used", "--required")
    netweft("vm", "add", "user-1")
    netweft("vm", "nic", "add", "user-1", "nic1", "--profile", "used")
    usage = netweft("network", "usage", "used").rows
    assert [row for row in usage if row[0] != "host"] == [
        ["KIND", "NAME"], ["cluster", "Default"], ["vm", "user-1"], ["vnic_profile", "used"],
    ]  # fmt: skip
    assert netweft("network", "usage", "used", "--search", "kind=vm").rows[1:] == [["vm", "user-1"]]
    assert ["sim-1", "up", "Default"] in netweft("network", "hosts", "used").rows
    assert netweft("network", "hosts", "ovirtmgmt", "--search", "name=sim-1").rows[1:] == [
        ["sim-1", "up", "Default", "eth0", "true"]
    ]
    assert [row[:2] for row in netweft("network", "vnics", "used").rows[1:]] == [["user-1", "nic1"]]
    assert ["user-1", "nic1"] in [row[:2] for row in netweft("vnic", "list").rows]
    (counted,) = netweft.json("network", "counts", "--search", "name=used and vnics=1")
    assert (counted["vms"], counted["clusters"]) == (1, 1)
    matrix = netweft("network", "matrix", "--search", "name=used or name=ovirtmgmt", "--clusters", "name=Default").out
    assert "NETWORK" in matrix
    assert "0 hosts, required, 3 missing" in matrix
    assert "3 hosts, required" in matrix
    assert netweft.json("network", "matrix", "--datacenter", "Default")["clusters_total"] >= 1
    netweft("vm", "remove", "user-1")
    netweft("network", "remove", "used")


@pytest.mark.parametrize("noun", [noun for noun in NOUNS if noun.counts], ids=lambda noun: noun.name)
def test_counts(netweft: Netweft, noun: Noun) -> None:
    assert netweft(noun.name, "counts", "--sort", "name:desc", "--max", "3").rows[0][0] == "NAME"
    for one in netweft.json(noun.name, "counts"):
        assert all(isinstance(one[path], int | list) for path in noun.counts.values())


def test_users_see_what_they_may_do(netweft: Netweft) -> None:
    assert ["create_cluster", "true"] in netweft("rights").rows


def test_show_names_what_an_object_refers_to(netweft: Netweft) -> None:
    netweft("vm", "add", "refers")
    netweft("vm", "nic", "add", "refers", "nic1", "--profile", "Default/ovirtmgmt/ovirtmgmt")
    for words, field, name in (
        (("vm", "show", "refers"), "template", "Blank"),
        (("vm", "nic", "show", "refers", "nic1"), "vm", "refers"),
        (("cluster", "show", "Default"), "mac_pool", "Default"),
        (("cluster", "show", "Default"), "management_network", "ovirtmgmt"),
        (("profile", "show", "Default/ovirtmgmt/ovirtmgmt"), "network_filter", "vdsm-no-mac-spoofing"),
        (("event", "show", netweft.json("event", "list", "--search", "message=*refers*")[0]["id"]), "vm", "refers"),
    ):
        assert netweft.json(*words)[field]["name"] == name, words
    assert ["ovirtmgmt", "ovirtmgmt", "Default"] in [row[:3] for row in netweft("profile", "list").rows]
    netweft("vm", "remove", "refers")


def test_the_hardware_of_a_machine(netweft: Netweft) -> None:
    netweft("vm", "add", "big", "--sockets", "2", "--cores", "3", "--boot", "network", "--boot", "hd", "--stateless")
    shown = netweft.json("vm", "show", "big")
    assert (shown["cpu"]["topology"]["sockets"], shown["cpu"]["topology"]["cores"]) == (2, 3)
    assert (shown["os"]["boot"]["devices"], shown["stateless"]) == (["network", "hd"], True)
    netweft("vm", "set", "big", "--kernel", "/boot/k", "--cmdline", "quiet", "--keeps-state")
    shown = netweft.json("vm", "show", "big")
    assert (shown["os"]["kernel"], shown["os"]["cmdline"], shown["stateless"]) == ("/boot/k", "quiet", False)
    assert "'x' is not a valid integer" in netweft("vm", "set", "big", "--cores", "x", expect=2).err
    netweft("vm", "remove", "big")
