"""Networks on hosts and guests on networks, all from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Netloom


@pytest.fixture(scope="module")
def network(netloom: Netloom) -> Iterator[str]:
    netloom("network", "add", "tenants", "--vlan", "200")
    netloom("cluster", "attach", "Default", "tenants", "--optional")
    yield "tenants"
    netloom("network", "remove", "tenants")


def test_a_network_goes_to_a_host_and_leaves_it(netloom: Netloom, network: str, setup_file: Path) -> None:
    setup_file.write_text(
        "attachments:\n  - {network: tenants, nic: eth1, ipv4: {address: 203.0.113.11, prefix: 24}}\n"
    )
    words = ("host", "setup-networks", "sim-1", "-f", str(setup_file))
    plan = netloom(*words, "--plan")
    assert "create VLAN device eth1.200" in plan.out
    assert "worst loss: none" in plan.err
    assert "eth1.200" in str(netloom.json(*words, "--plan")["steps"])
    assert "tenants" not in netloom("host", "nics", "sim-1").out, "a plan changes nothing"
    done = netloom(*words, "--confirm-within", "60")
    assert (done.err.splitlines()[0], done.err.splitlines()[-1]) == ("  started", "Done.")
    (mine,) = (a for a in netloom.json("host", "attachments", "sim-1") if a["network"]["name"] == network)
    assert (mine["host_nic"]["name"], mine["addresses"], mine["in_sync"]) == ("eth1", ["203.0.113.11"], "true")
    assert "eth1.200" in netloom("host", "nics", "sim-1").out
    assert "Nothing to do" in netloom(*words, "--plan").err
    setup_file.write_text("removed_attachments: [tenants]\n")
    netloom(*words)
    assert network not in netloom("host", "attachments", "sim-1").out


def test_bonds(netloom: Netloom, network: str, setup_file: Path) -> None:
    setup_file.write_text(
        "bonds:\n  - {name: bond0, slaves: [eth2, eth3], options: {mode: 1, miimon: 100}}\n"
        f"attachments:\n  - {{network: {network}, nic: bond0, qos: {{linkshare: 7, upperlimit: 900}}}}\ncommit: true\n"
    )
    words = ("host", "setup-networks", "sim-2", "-f", str(setup_file))
    assert "VLAN 200 with share 7, at most 900 Mbit/s" in netloom(*words, "--plan").out
    netloom(*words)
    assert "bond0.200" in netloom("host", "nics", "sim-2").out
    setup_file.write_text(f"removed_attachments: [{network}]\nremoved_bonds: [bond0]\n")
    netloom(*words)
    assert "bond0" not in netloom("host", "nics", "sim-2").out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("attachments: [", "not YAML"),
        ("attachments: {network: tenants}", "attachments should be a list"),
        ("atachments: []", "unknown atachments"),
        ("- a", "should be a mapping"),
        ("attachments:\n- {nic: eth1}", "names no network"),
        ("attachments:\n- {network: tenants, nic: eth1, ipv4: {address: 192.0.2.1, prefix: 99}}", "99 is not"),
        ("attachments:\n- {network: [tenants]}", "network: ['tenants'] is no name"),
        ("attachments:\n- {network: tenants, dns: 192.0.2.53}", "dns should be a list"),
        ("attachments:\n- {network: tenants, properties: [bridge_opts]}", "properties should be a mapping"),
        ("attachments:\n- {network: tenants, ipv4: }", "Ipv4 of an attachment should be a mapping"),
        ("bonds:\n- {name: bond0, slaves: eth1}", "slaves should be a list"),
        ("bonds:\n- {name: bond0, slaves: [{name: eth1}]}", "is no name"),
        ("bonds:\n- {name: bond0, options: 4}", "options should be a mapping"),
        ("removed_bonds: [[bond0]]", "removed_bonds: ['bond0'] is no name"),
        ("sync: [{network: tenants}]", "is no name"),
        ("bonds: \udcff", "not YAML"),
        ("removed_attachments: [nowhere]", "Network nowhere is not attached to this host"),
    ],
)
def test_files_that_say_nothing_sensible(netloom: Netloom, setup_file: Path, text: str, told: str) -> None:
    setup_file.write_text(text, errors="surrogateescape")
    assert told in netloom("host", "setup-networks", "sim-1", "-f", str(setup_file), expect=2).err


def test_what_the_engine_refuses(netloom: Netloom, network: str, setup_file: Path) -> None:
    setup_file.write_text(f"attachments:\n- {{network: {network}, nic: eth9}}\n")
    refused = netloom("host", "setup-networks", "sim-1", "-f", str(setup_file), expect=1)
    assert "eth9" in refused.err


def test_other_verbs_of_a_host(netloom: Netloom) -> None:
    assert "Done." in netloom("host", "refresh", "sim-3").err
    assert "Done." in netloom("host", "commit", "sim-3").err
    assert "Nothing to do." in netloom("host", "sync", "sim-3").err
    netloom("host", "deactivate", "sim-3")
    assert netloom.json("host", "show", "sim-3")["status"] == "maintenance"
    netloom("host", "activate", "sim-3")


def test_virtual_functions(netloom: Netloom, network: str) -> None:
    assert netloom.json("host", "functions", "sim-2", "eth3")["number_of_virtual_functions"] == "0"
    words = ("host", "functions", "sim-2", "eth3", "2")
    netloom(*words, "--for", network, "--for-all", expect=2)
    for _ in range(2):
        shown = netloom.json(*words, "--for", network)
        assert (shown["number_of_virtual_functions"], shown["all_networks_allowed"]) == ("2", "false")
        assert shown["networks"] == [network]
    assert "not SR-IOV enabled" in netloom("host", "functions", "sim-2", "eth1", "2", expect=1).err
    netloom("profile", "add", "fast", "--network", network, "--pass-through", "enabled")
    netloom("vm", "add", "quick")
    netloom("vm", "nic", "add", "quick", "nic1", "--profile", "fast", "--interface", "pci_passthrough")
    netloom("vm", "start", "quick")
    (row,) = (row for row in netloom("vm", "list").rows if row[0] == "quick")
    assert row[3] == "sim-2"
    netloom("vm", "stop", "quick")
    netloom("vm", "remove", "quick")
    netloom("profile", "remove", "fast")
    assert netloom.json("host", "functions", "sim-2", "eth3", "0", "--for-all")["networks"] == []


def test_virtual_machines(netloom: Netloom, network: str, setup_file: Path) -> None:
    setup_file.write_text(f"attachments:\n- {{network: {network}, nic: eth1}}\n")
    netloom("host", "setup-networks", "sim-1", "-f", str(setup_file))
    netloom("vm", "add", "web", "--memory", "1073741824")
    netloom("vm", "set", "web", "--description", "the shop")
    nic = netloom("vm", "nic", "add", "web", "nic1", "--profile", network, "-o", "json").tree
    assert nic["mac"]["address"].startswith("56:6f")
    netloom("vm", "nic", "add", "web", "nic2", "--mac", "56:6f:00:00:ff:01")
    netloom("vm", "start", "web", "--host", "sim-1")
    (row,) = (row for row in netloom("vm", "list").rows if row[0] == "web")
    assert row[1:4] == ["up", "Default", "sim-1"]
    assert ["nic1", "true", "true", network] in [
        [row[0], *row[2:5]] for row in netloom("vm", "nic", "list", "web").rows
    ]
    assert "Please deactivate it" in netloom("vm", "nic", "remove", "web", "nic1", expect=1).err
    netloom("vm", "nic", "deactivate", "web", "nic1")
    netloom("vm", "nic", "activate", "web", "nic1")
    netloom("vm", "nic", "deactivate", "web", "nic1")
    netloom("vm", "nic", "remove", "web", "nic1")
    netloom("vm", "nic", "remove", "web", "nic9", expect=3)
    netloom("permission", "grant", "vm", "web", "--role", "UserRole", "--everyone")
    netloom("vm", "suspend", "web")
    assert netloom.json("vm", "show", "web")["status"] == "suspended"
    netloom("vm", "start", "web")
    netloom("vm", "reboot", "web")
    netloom("vm", "shutdown", "web")
    assert netloom.json("vm", "show", "web")["status"] == "down"
    assert "VM is not running" in netloom("vm", "shutdown", "web", expect=1).err
    netloom("vm", "start", "web", "--host", "sim-1")
    netloom("vm", "stop", "web")
    assert netloom.json("vm", "show", "web")["status"] == "down"
    netloom("vm", "remove", "web")
    setup_file.write_text(f"removed_attachments: [{network}]\n")
    netloom("host", "setup-networks", "sim-1", "-f", str(setup_file))


def test_a_machine_moves_and_the_networks_that_it_needs_go_first(
    netloom: Netloom, network: str, setup_file: Path
) -> None:
    setup_file.write_text(f"attachments:\n- {{network: {network}, nic: eth1}}\n")
    netloom("host", "setup-networks", "sim-1", "-f", str(setup_file))
    netloom("vm", "add", "mover", "--memory", "1073741824")
    netloom("vm", "nic", "add", "mover", "nic1", "--profile", network)
    netloom("vm", "start", "mover", "--host", "sim-1")
    move = ("vm", "migrate", "mover", "--host", "sim-2")
    plan = netloom.json(*move, "--plan")
    assert (plan["host"], plan["possible"], plan["possible_after_setup"]) == ("sim-2", False, True)
    assert plan["offer"] == [{"network": network, "nic": "eth1"}]
    assert "does not have these networks: tenants" in netloom(*move, "--plan").out
    refused = netloom(*move, expect=1).err
    assert f"--set-up sets up on Host sim-2 first: {network} on eth1." in refused
    assert "does not have these networks" in refused
    assert netloom.json("vm", "show", "mover")["status"] == "up"
    assert netloom(*move, "--set-up").err.splitlines()[-1] == "Done."
    (row,) = (row for row in netloom("vm", "list").rows if row[0] == "mover")
    assert row[1:4] == ["up", "Default", "sim-2"]
    assert netloom("vm", "migrate", "mover", "--host", "sim-1").err.splitlines()[-1] == "Done."
    netloom("vm", "stop", "mover")
    netloom("vm", "remove", "mover")
    setup_file.write_text(f"removed_attachments: [{network}]\n")
    for host in ("sim-1", "sim-2"):
        netloom("host", "setup-networks", host, "-f", str(setup_file))


def test_a_host_gets_new_certificates(netloom: Netloom) -> None:
    assert netloom("host", "enroll-certificate", "sim-3").err.splitlines()[-1] == "Done."
    netloom("host", "enroll-certificate", "none-such", expect=3)
