"""Networks on hosts and guests on networks, all from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Netweft


@pytest.fixture(scope="module")
def network(netweft: Netweft) -> Iterator[str]:
    netweft("network", "add", "tenants", "--vlan", "200")
    netweft("cluster", "attach", "Default", "tenants", "--optional")
    yield "tenants"
    netweft("network", "remove", "tenants")


def test_a_network_goes_to_a_host_and_leaves_it(netweft: Netweft, network: str, setup_file: Path) -> None:
    setup_file.write_text(
        "attachments:\n  - {network: tenants, nic: eth1, ipv4: {address: 203.0.113.11, prefix: 24}}\n"
    )
    words = ("host", "setup-networks", "sim-1", "-f", str(setup_file))
    plan = netweft(*words, "--plan")
    assert "create VLAN device eth1.200" in plan.out
    assert "worst loss: none" in plan.err
    assert "eth1, port Gi1/0/1 of sw-1b" in plan.out
    assert "eth1.200" in str(netweft.json(*words, "--plan")["steps"])
    assert "tenants" not in netweft("host", "nics", "sim-1").out, "a plan changes nothing"
    done = netweft(*words, "--confirm-within", "60")
    assert (done.err.splitlines()[0], done.err.splitlines()[-3]) == ("  started", "Done.")
    assert "Not committed" in done.err.splitlines()[-2]
    (mine,) = (a for a in netweft.json("host", "attachments", "sim-1") if a["network"]["name"] == network)
    assert (mine["host_nic"]["name"], mine["addresses"], mine["in_sync"]) == ("eth1", ["203.0.113.11"], True)
    assert mine["vlan"] == 200
    (untagged,) = (a for a in netweft.json("host", "attachments", "sim-1") if a["network"]["name"] == "ovirtmgmt")
    assert untagged["vlan"] is None
    assert "eth1.200" in netweft("host", "nics", "sim-1").out
    (row,) = (row for row in netweft("host", "attachments", "sim-1").rows if row[0] == network)
    assert row[:5] == ["tenants", "200", "eth1", "203.0.113.11/24", "true"]
    assert "Nothing to do" in netweft(*words, "--plan").err
    setup_file.write_text("removed_attachments: [tenants]\n")
    netweft(*words)
    assert network not in netweft("host", "attachments", "sim-1").out


def test_nics_are_shown_with_the_addresses_of_both_ip_versions(
    netweft: Netweft, network: str, setup_file: Path
) -> None:
    both = "ipv4: {address: 203.0.113.11, prefix: 24}, ipv6: {address: '2001:db8::11', prefix: 64}"
    setup_file.write_text(f"attachments:\n  - {{network: {network}, nic: eth1, {both}}}\n")
    netweft("host", "setup-networks", "sim-1", "-f", str(setup_file))
    shown = next(nic for nic in netweft.json("host", "nics", "sim-1") if nic["addresses"][1:])
    assert (shown["address"], shown["addresses"]) == ("203.0.113.11/24", ["203.0.113.11/24", "2001:db8::11/64"])
    assert "203.0.113.11/24, 2001:db8::11/64" in netweft("host", "nics", "sim-1").out
    setup_file.write_text(f"removed_attachments: [{network}]\n")
    netweft("host", "setup-networks", "sim-1", "-f", str(setup_file))


def test_nics_are_shown_with_the_ports_that_they_are_cabled_to(netweft: Netweft) -> None:
    assert "NEIGHBOUR" not in netweft("host", "nics", "sim-3").out
    wide = netweft("host", "nics", "sim-3", "-o", "wide")
    (line,) = (line for line in wide.out.splitlines() if line.startswith("eth2 "))
    assert "  port Gi1/0/6 of sw-1a  " in line
    (nic,) = (nic for nic in netweft.json("host", "nics", "sim-3") if nic["name"] == "eth2")
    (neighbour,) = nic["neighbours"]
    assert (neighbour["system_name"], neighbour["port"]["value"], neighbour["vlan"]) == ("sw-1a", "Gi1/0/6", 1)


def test_labels(netweft: Netweft, network: str, setup_file: Path) -> None:
    netweft("network", "label", "add", network, "blue")
    words = ("host", "setup-networks", "sim-2", "-f", str(setup_file))
    setup_file.write_text("labels: {blue: eth3}\n")
    netweft(*words)
    assert [one["id"] for one in netweft.json("host", "label", "list", "sim-2", "eth3")] == ["blue"]
    assert network in netweft("host", "attachments", "sim-2").out
    setup_file.write_text("removed_labels: [blue]\n")
    netweft(*words)
    assert network not in netweft("host", "attachments", "sim-2").out
    netweft("network", "label", "remove", network, "blue")


def test_bonds(netweft: Netweft, network: str, setup_file: Path) -> None:
    setup_file.write_text(
        "bonds:\n  - {name: bond0, slaves: [eth2, eth3], options: {mode: 1, miimon: 100}}\n"
        f"attachments:\n  - {{network: {network}, nic: bond0, qos: {{linkshare: 7, upperlimit: 900}}}}\ncommit: true\n"
    )
    words = ("host", "setup-networks", "sim-2", "-f", str(setup_file))
    assert "VLAN 200 with share 7, at most 900 Mbit/s" in netweft(*words, "--plan").out
    netweft(*words)
    nics = netweft("host", "nics", "sim-2")
    assert "bond0.200" in nics.out
    assert max(map(len, nics.out.splitlines())) <= 80
    (bond,) = (line for line in nics.out.splitlines() if line.startswith("bond0 "))
    assert bond.endswith(" Active-Backup: eth2, eth3")
    assert ["eth2", "bond0"] in [[row[0], row[-1]] for row in nics.rows]
    netweft("host", "copy-networks", "sim-3", "sim-2")
    assert "bond0.200" in netweft("host", "nics", "sim-3").out
    setup_file.write_text(f"removed_attachments: [{network}]\nremoved_bonds: [bond0]\n")
    netweft("host", "setup-networks", "sim-3", "-f", str(setup_file))
    setup_file.write_text(f"removed_attachments: [{network}]\nremoved_bonds: [bond0]\n")
    netweft(*words)
    assert "bond0" not in netweft("host", "nics", "sim-2").out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("attachments: [", "not YAML"),
        ("attachments: {network: tenants}", "attachments should be a list"),
        ("atachments: []", "unknown atachments"),
        ("bonds:\n- {name: bond0, options: {miimon: 100, miimon: 200}}", "'miimon' is given twice"),
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
def test_files_that_say_nothing_sensible(netweft: Netweft, setup_file: Path, text: str, told: str) -> None:
    setup_file.write_text(text, errors="surrogateescape")
    assert told in netweft("host", "setup-networks", "sim-1", "-f", str(setup_file), expect=2).err


def test_what_the_engine_refuses(netweft: Netweft, network: str, setup_file: Path) -> None:
    setup_file.write_text(f"attachments:\n- {{network: {network}, nic: eth9}}\n")
    refused = netweft("host", "setup-networks", "sim-1", "-f", str(setup_file), expect=1)
    assert "eth9" in refused.err


def test_other_verbs_of_a_host(netweft: Netweft) -> None:
    assert "Done." in netweft("host", "refresh", "sim-3").err
    assert "Done." in netweft("host", "commit", "sim-3").err
    assert "Nothing to do." in netweft("host", "sync", "sim-3").err
    assert "The host matches its configuration." in netweft("host", "drift", "sim-3").err
    assert netweft.json("host", "drift", "sim-3")["in_sync"] is True
    heading, *rows = netweft("host", "list").rows
    assert heading[2:4] == ["IN", "SYNC"]
    assert {row[2] for row in rows} == {"true"}
    assert "No guests run there" in netweft("host", "deactivate", "sim-3").err
    assert netweft.json("host", "show", "sim-3")["status"] == "maintenance"
    netweft("host", "activate", "sim-3")


def test_virtual_functions(netweft: Netweft, network: str) -> None:
    assert netweft.json("host", "functions", "sim-2", "eth3")["number_of_virtual_functions"] == 0
    words = ("host", "functions", "sim-2", "eth3", "2")
    netweft(*words, "--for", network, "--for-all", expect=2)
    for _ in range(2):
        shown = netweft.json(*words, "--for", network)
        assert (shown["number_of_virtual_functions"], shown["all_networks_allowed"]) == (2, False)
        assert shown["networks"] == [network]
    assert "not SR-IOV enabled" in netweft("host", "functions", "sim-2", "eth1", "2", expect=1).err
    netweft("host", "function-network", "remove", "sim-2", "eth3", network)
    assert netweft.json("host", "functions", "sim-2", "eth3")["networks"] == []
    netweft("host", "function-network", "add", "sim-2", "eth3", network)
    netweft("host", "function-label", "add", "sim-2", "eth3", "fast")
    assert netweft("host", "function-label", "list", "sim-2", "eth3").rows == [["LABEL"], ["fast"]]
    netweft("host", "function-label", "remove", "sim-2", "eth3", "fast")
    netweft("profile", "add", "fast", "--network", network, "--pass-through", "enabled")
    netweft("vm", "add", "quick")
    netweft("vm", "nic", "add", "quick", "nic1", "--profile", "fast", "--interface", "pci_passthrough")
    netweft("vm", "start", "quick")
    (row,) = (row for row in netweft("vm", "list").rows if row[0] == "quick")
    assert row[3] == "sim-2"
    netweft("vm", "stop", "quick")
    netweft("vm", "remove", "quick")
    netweft("profile", "remove", "fast")
    assert netweft.json("host", "functions", "sim-2", "eth3", "0", "--for-all")["networks"] == []


def test_what_virtual_functions_serve_is_checked_before_anything_is_sent(netweft: Netweft, network: str) -> None:
    words = ("host", "functions", "sim-2", "eth3")
    before = netweft.json(*words, "--for-all")
    refused = netweft(*words, "2", "--for", network, "--for", "nope", expect=3)
    assert refused.err == "Error: There is no network nope in the data centre of host sim-2.\n"
    assert netweft.json(*words) == before
    assert netweft(*words, "--for", network).err == "Done.\n"
    assert netweft(*words, "--for", network).err == "Nothing to do.\n"
    assert netweft(*words, "--for-all").err == "Done.\n"
    assert "There is no host nic eth9." in netweft("host", "functions", "sim-2", "eth9", expect=3).err
    without = netweft("host", "functions", "sim-2", "eth1")
    assert (without.out, without.err) == ("", "NIC eth1 has no virtual functions: it does not support SR-IOV.\n")


def test_virtual_machines(netweft: Netweft, network: str, setup_file: Path) -> None:
    setup_file.write_text(f"attachments:\n- {{network: {network}, nic: eth1}}\n")
    netweft("host", "setup-networks", "sim-1", "-f", str(setup_file))
    netweft("vm", "add", "web", "--memory", "1073741824")
    netweft("vm", "set", "web", "--description", "the shop")
    nic = netweft("vm", "nic", "add", "web", "nic1", "--profile", network, "-o", "json").tree
    assert nic["mac"]["address"].startswith("56:6f")
    netweft("vm", "nic", "add", "web", "nic2", "--mac", "56:6f:00:00:ff:01")
    netweft("vm", "start", "web", "--host", "sim-1")
    (row,) = (row for row in netweft("vm", "list").rows if row[0] == "web")
    assert row[1:4] == ["up", "Default", "sim-1"]
    assert ["nic1", "true", "true", network] in [
        [row[0], *row[2:5]] for row in netweft("vm", "nic", "list", "web").rows
    ]
    netweft("vm", "nic", "set", "web", "nic1", "--profile", "ovirtmgmt")
    (nic,) = (nic for nic in netweft.json("vm", "nic", "list", "web") if nic["name"] == "nic1")
    assert (nic["vnic_profile"]["name"], nic["plugged"]) == ("ovirtmgmt", True), "rewired while it runs"
    netweft("vm", "nic", "set", "web", "nic1", "--profile", network, "--unlinked")
    assert netweft.json("vm", "nic", "show", "web", "nic1")["linked"] is False
    assert "Please deactivate it" in netweft("vm", "nic", "remove", "web", "nic1", expect=1).err
    netweft("vm", "nic", "deactivate", "web", "nic1")
    netweft("vm", "nic", "activate", "web", "nic1")
    netweft("vm", "nic", "deactivate", "web", "nic1")
    netweft("vm", "nic", "remove", "web", "nic1")
    netweft("vm", "nic", "remove", "web", "nic9", expect=3)
    netweft("permission", "grant", "vm", "web", "--role", "UserRole", "--everyone")
    netweft("vm", "suspend", "web")
    assert netweft.json("vm", "show", "web")["status"] == "suspended"
    netweft("vm", "start", "web")
    netweft("vm", "reboot", "web")
    netweft("vm", "shutdown", "web")
    assert netweft.json("vm", "show", "web")["status"] == "down"
    assert "VM is not running" in netweft("vm", "shutdown", "web", expect=1).err
    netweft("vm", "start", "web", "--host", "sim-1")
    netweft("vm", "stop", "web")
    assert netweft.json("vm", "show", "web")["status"] == "down"
    netweft("vm", "remove", "web")
    setup_file.write_text(f"removed_attachments: [{network}]\n")
    netweft("host", "setup-networks", "sim-1", "-f", str(setup_file))


def test_a_machine_moves_and_the_networks_that_it_needs_go_first(
    netweft: Netweft, network: str, setup_file: Path
) -> None:
    setup_file.write_text(f"attachments:\n- {{network: {network}, nic: eth1}}\n")
    netweft("host", "setup-networks", "sim-1", "-f", str(setup_file))
    netweft("vm", "add", "mover", "--memory", "1073741824")
    netweft("vm", "nic", "add", "mover", "nic1", "--profile", network)
    netweft("vm", "start", "mover", "--host", "sim-1")
    move = ("vm", "migrate", "mover", "--host", "sim-2")
    plan = netweft.json(*move, "--plan")
    assert (plan["host"], plan["possible"], plan["possible_after_setup"]) == ("sim-2", False, True)
    assert plan["offer"] == [{"network": network, "nic": "eth1"}]
    shown = netweft(*move, "--plan")
    assert "does not have these networks: tenants" in shown.out
    assert ["possible", "false"] in shown.rows
    refused = netweft(*move, expect=1).err
    assert f"--set-up sets up on Host sim-2 first: {network} on eth1." in refused
    assert "does not have these networks" in refused
    assert netweft.json("vm", "show", "mover")["status"] == "up"
    assert netweft(*move, "--set-up").err.splitlines()[-1] == "Done."
    (row,) = (row for row in netweft("vm", "list").rows if row[0] == "mover")
    assert row[1:4] == ["up", "Default", "sim-2"]
    assert netweft("vm", "migrate", "mover", "--host", "sim-1").err.splitlines()[-1] == "Done."
    netweft("vm", "stop", "mover")
    netweft("vm", "remove", "mover")
    setup_file.write_text(f"removed_attachments: [{network}]\n")
    for host in ("sim-1", "sim-2"):
        netweft("host", "setup-networks", host, "-f", str(setup_file))


def test_a_host_gets_new_certificates(netweft: Netweft) -> None:
    assert netweft("host", "enroll-certificate", "sim-3").err.splitlines()[-1] == "Done."
    netweft("host", "enroll-certificate", "none-such", expect=3)


def test_installing_an_agent_is_refused_where_there_is_none_or_no_way_in(netweft: Netweft, tmp_path: Path) -> None:
    assert netweft("host", "ssh-key").out.startswith("ssh-ed25519 ")
    assert "Give either --root-password-file or --engine-key" in netweft("host", "install", "sim-1", expect=2).err
    password = tmp_path / "password"
    password.write_text("secret\n")
    words = ("host", "add", "bare", "--address", "192.0.2.7", "--root-password-file", str(password))
    assert "This engine has no agent to install" in netweft(*words, expect=1).err
    password.write_text("")
    assert "The password is empty" in netweft(*words, expect=1).err
    assert "VDS_CANNOT_INSTALL_STATUS_ILLEGAL" in netweft("host", "install", "sim-1", "--engine-key", expect=1).err


def test_what_was_changed_on_a_host_and_having_it_back(netweft: Netweft, tmp_path: Path) -> None:
    netweft("network", "add", "told", "--vlan", "710")
    netweft("cluster", "attach", "Default", "told", "--optional")
    for name, words in {
        "first": "attachments: [{network: told, nic: eth2}]",
        "second": "attachments: [{network: told, nic: eth3}]",
        "gone": "removed_attachments: [told]",
    }.items():
        (tmp_path / name).write_text(words)
    netweft("host", "setup-networks", "sim-2", "-f", str(tmp_path / "first"))
    netweft("host", "setup-networks", "sim-2", "-f", str(tmp_path / "second"))
    last, before = netweft.json("host", "history", "sim-2", "--max", "2")
    assert (last["user"], last["state"], last["changes"]) == (
        "admin@internal",
        "applied",
        ["network told: on eth2 became eth3"],
    )
    generation = str(before["generation"])
    assert netweft("host", "history", "sim-2", "--max", "1").rows[0][:3] == ["GENERATION", "AT", "WHO"]
    assert netweft("host", "diff", "sim-2", generation).out == "network told: on eth2 became eth3\n"
    assert (
        netweft("host", "diff", "sim-2", generation, str(last["generation"])).out
        == "network told: on eth2 became eth3\n"
    )
    assert "add eth2" in netweft("plan", "--steps", "host", "restore", "sim-2", generation).out
    assert "Done." in netweft("host", "restore", "sim-2", generation).err
    assert "Nothing differs." in netweft("host", "diff", "sim-2", generation).err
    assert "Nothing to do" in netweft("host", "restore", "sim-2", generation).err
    assert "no record of generation 99999" in netweft("host", "diff", "sim-2", "99999", expect=3).err
    assert "no record of generation 99999" in netweft("host", "generation", "sim-2", "99999", expect=3).err
    assert "has no record of generation 99999" in netweft("host", "restore", "sim-2", "99999", expect=3).err
    netweft("host", "setup-networks", "sim-2", "-f", str(tmp_path / "gone"))
    netweft("network", "remove", "told", "--yes")
    assert "any more" in netweft("host", "restore", "sim-2", generation, expect=1).err


def test_setups_are_committed_if_one_has_said_so_once(netweft: Netweft, tmp_path: Path) -> None:
    there, gone, not_lasting = (tmp_path / f"{name}.yaml" for name in ("there", "gone", "not_lasting"))
    there.write_text("attachments: [{network: lasting, nic: eth2}]")
    gone.write_text("removed_attachments: [lasting]")
    not_lasting.write_text("removed_attachments: [lasting]\ncommit: false")
    netweft("network", "add", "lasting", "--vlan", "810")
    netweft("cluster", "attach", "Default", "lasting", "--optional")
    setup = ("host", "setup-networks", "sim-1", "-f")
    assert "Not committed" not in netweft(*setup, str(there), NETWEFT_COMMIT="1").err
    assert "Not committed" in netweft(*setup, str(not_lasting), NETWEFT_COMMIT="1").err
    assert "NETWEFT_COMMIT" in netweft(*setup, str(there), NETWEFT_COMMIT="perhaps", expect=2).err
    assert "Not committed" not in netweft("host", "commit", "sim-1").err
    netweft("network", "remove", "lasting", "--yes")
