"""Rules on hosts: names, addresses, service; copying another host's networks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.strategies import machine
from netweft.core.errors import Problem
from netweft.core.host_request import AttachmentChange, BondChange, Ref
from netweft.core.intent import AttachmentIntent, BondIntent, HostIntent, HostQos, IpAssignment
from netweft.core.rules import host, host_copy

HOLDS = [
    host.name_is_valid("host-1.example_2"),
    host.name_is_free("one", ("two",)),
    *map(host.address_is_valid, ("host", "192.0.2.1:54322", "[2001:db8::1]:54322", "h.example")),
    host.address_is_free("one", ("two",)),
    host.may_move_to_cluster("maintenance"),
    host.waits_for_no_rollout("one", waits=False),
    host.networks_known_in_cluster("one", "racks", ()),
    host.may_be_removed("down"),
    host.runs_no_vms_to_remove(()),
    host.may_be_activated("maintenance"),
    host.may_be_deactivated("up"),
    host.guests_can_leave({}),
    host.may_be_cleaned("maintenance"),
    host.answers_for_its_guests("up", ("web",)),
    host.answers_for_its_guests("non_responsive", ()),
    host.is_reachable_for_work("non_operational"),
    host.may_enroll_certificate("one", "up"),
    host.has_joined("one", "https://192.0.2.1:54322"),
    host.is_reachable_for_work("installing", installs=True),
    host.ssh_port_is_valid(22),
    host.ssh_fingerprint_is_valid(""),
    host.ssh_fingerprint_is_valid("SHA256:" + 43 * "+"),
    host.agent_package_is_there(has_package=True),
    host.way_in_is_given(by_key=True, password=""),
    host.way_in_is_given(by_key=False, password="secret"),
    host.engine_is_reachable("https://engine.example.com:8443", "192.0.2.1"),
    host.engine_is_reachable("https://127.0.0.1:8443", "localhost:54322"),
    *map(host.may_be_installed, ("installing", "install_failed", "maintenance")),
    host_copy.is_another_host("a", "b"),
    host_copy.is_in_same_cluster("one", "c", "c"),
    host_copy.has_enough_nics(("eth1",), ("eth1", "eth2")),
]

FAILS: list[tuple[Problem | None, str, str]] = [
    (host.waits_for_no_rollout("one", waits=True), "HOST_WAITS_FOR_ROLLOUT", "netweft rollout"),
    (host.ssh_port_is_valid(65536), "VALIDATION_VDS_SSH_PORT_RANGE", "65536"),
    (host.ssh_fingerprint_is_valid("MD5:00"), "VALIDATION_VDS_SSH_FINGERPRINT_INVALID", "'MD5:00'"),
    (host.agent_package_is_there(has_package=False), "VDS_CANNOT_INSTALL_NO_AGENT_PACKAGE", "--agent-package FILE"),
    (host.way_in_is_given(by_key=False, password=""), "VDS_CANNOT_INSTALL_EMPTY_PASSWORD", "root_password"),
    (
        host.engine_is_reachable("https://[::1]:8443", "192.0.2.1"),
        "VDS_CANNOT_INSTALL_ENGINE_IS_LOOPBACK",
        "https://[::1]:8443",
    ),
    (host.may_be_installed("up"), "VDS_CANNOT_INSTALL_STATUS_ILLEGAL", "status is up"),
    (host.name_is_valid("a host"), "VALIDATION_VDS_NAME_INVALID", "'a host'"),
    (host.name_is_free("one", ("one",)), "ACTION_TYPE_FAILED_NAME_ALREADY_USED", "'one'"),
    *(
        (host.address_is_valid(bad), "VALIDATION_VDS_HOSTNAME_HOSTNAME_OR_IP", f"'{bad}'")
        for bad in ("", "a b", "root@one", "one/two", "one:0", "one:99999", "[::1", "x" * 256)
    ),
    (host.address_is_free("one", ("one",)), "ACTION_TYPE_FAILED_VDS_WITH_SAME_HOST_EXIST", "'one'"),
    (host.may_move_to_cluster("up"), "VDS_STATUS_NOT_VALID_FOR_UPDATE", "status up"),
    (
        host.networks_known_in_cluster("one", "racks", ("red", "blue")),
        "NETWORK_NOT_EXISTS_IN_CLUSTER",
        "Host one carries networks that Cluster racks does not have: blue, red",
    ),
    (host.has_joined("one", ""), "HOST_NEVER_JOINED", "Host one has never joined"),
    (host.may_be_removed("up"), "VDS_CANNOT_REMOVE_VDS_STATUS_ILLEGAL", "status up"),
    (host.runs_no_vms_to_remove(("web", "db")), "VDS_CANNOT_REMOVE_VDS_DETECTED_RUNNING_VM", "db, web"),
    (host.may_be_activated("up"), "VDS_ALREADY_UP", "Up status"),
    (host.may_be_activated("installing"), "ACTION_TYPE_FAILED_VDS_STATUS_ILLEGAL", "installing"),
    (host.may_be_deactivated("maintenance"), "VDS_CANNOT_MAINTENANCE_VDS_IS_IN_MAINTENANCE", "Maintenance"),
    (
        host.guests_can_leave({"web": "It is fixed.", "db": "It is heavy."}),
        "VDS_CANNOT_MAINTENANCE_IT_INCLUDES_NON_MIGRATABLE_VM",
        "cannot be moved: db, web. It is heavy. It is fixed.",
    ),
    (host.may_be_cleaned("down"), "VDS_CANNOT_CLEAN_HOST_STATUS_ILLEGAL", "status down and cannot be reached"),
    (
        host.answers_for_its_guests("non_responsive", ("web", "db")),
        "VDS_CANNOT_MAINTENANCE_VDS_IS_NOT_RESPONDING_WITH_VMS",
        "status non_responsive and runs Virtual Machines: db, web",
    ),
    (
        host.may_enroll_certificate("one", "non_responsive"),
        "CANNOT_ENROLL_CERTIFICATE_HOST_STATUS_ILLEGAL",
        "join it again with a new token",
    ),
    (host.is_reachable_for_work("installing"), "VDS_STATUS_ILLEGAL", "installing"),
    (host_copy.is_another_host("a", "a"), "INVALID_HOST_ID", "another one"),
    (
        host_copy.is_in_same_cluster("one", "c", "d"),
        "ACTION_TYPE_FAILED_DESTINATION_AND_SOURCE_CLUSTER_ARE_NOT_THE_SAME",
        "Host one",
    ),
    (
        host_copy.has_enough_nics(("eth1", "eth2"), ("eth1",)),
        "ACTION_TYPE_FAILED_INTERFACE_COUNT_DOES_NOT_MATCH",
        "has 2 NICs besides that of the management network, and this Host only 1",
    ),
]


@pytest.mark.parametrize("problem", HOLDS)
def test_a_rule_that_holds_says_nothing(problem: Problem | None) -> None:
    assert problem is None


@pytest.mark.parametrize(("problem", "code", "words"), FAILS)
def test_a_rule_that_does_not_hold_names_the_culprit(problem: Problem | None, code: str, words: str) -> None:
    assert problem is not None
    assert problem.code == code
    assert words in problem.text


STATIC = IpAssignment(method="static", address="192.0.2.5", prefix=24)
DHCP6 = IpAssignment(version=6, method="dhcp")
CALM = HostQos(link_share=1)
SOURCE = HostIntent(
    attachments=(
        AttachmentIntent(id="1", network_id="mgmt", nic="eth0"),
        AttachmentIntent(id="2", network_id="blue", nic="bond1", assignments=(STATIC, DHCP6), qos=CALM),
        AttachmentIntent(id="3", network_id="red", nic="eth3"),
        AttachmentIntent(id="4", network_id="far", nic="eth9"),
    ),
    bonds=(
        BondIntent(id="b1", name="bond1", slaves=("eth1", "eth2"), options={"mode": "4"}),
        BondIntent(id="b2", name="bond2", slaves=("eth3", "eth9")),
    ),
)
TARGET = HostIntent(
    attachments=(
        AttachmentIntent(id="5", network_id="mgmt", nic="bond0"),
        AttachmentIntent(id="6", network_id="red", nic="eth7"),
        AttachmentIntent(id="7", network_id="old", nic="bond3"),
    ),
    bonds=(
        BondIntent(id="b0", name="bond0", slaves=("eth4", "eth5")),
        BondIntent(id="b3", name="bond3", slaves=("eth8", "eth9")),
    ),
)


def test_nics_that_a_copy_may_use() -> None:
    names = [f"eth{n}" for n in range(4, 10)]
    assert host_copy.free_nics(machine(names), TARGET, {"mgmt"}) == ["eth6", "eth7", "eth8", "eth9"]
    assert host_copy.free_nics(machine(("eth1", "eth0")), SOURCE, {"mgmt"}) == ["eth1"]


def test_a_copy_of_a_hosts_networks() -> None:
    nics, own = ("eth1", "eth2", "eth3"), ("eth6", "eth7", "eth8", "eth9")
    labels = {"out": "bond0", "lab": "eth7"}
    request = host_copy.copy_request(SOURCE, TARGET, {"mgmt"}, nics, own, labels)
    assert request.removed_labels == ("lab",)
    assert request.attachments == (
        AttachmentChange(network=Ref(id="blue"), nic=Ref(name="bond1"), assignments=(DHCP6,), qos=CALM),
        AttachmentChange(network=Ref(id="red"), nic=Ref(name="eth8"), assignments=(), qos=None),
    )
    slaves = (Ref(name="eth6"), Ref(name="eth7"))
    assert request.bonds == (BondChange(bond=Ref(name="bond1"), slaves=slaves, options={"mode": "4"}),)
    assert (request.removed, request.removed_bonds) == ((Ref(id="7"),), (Ref(name="bond3"),))
    assert request.commit_on_success


def test_a_bond_under_the_management_network_of_the_target_stays() -> None:
    only_management = replace(TARGET, attachments=TARGET.attachments[:1], bonds=TARGET.bonds[:1])
    request = host_copy.copy_request(HostIntent(), only_management, {"mgmt"}, (), (), {})
    assert (request.attachments, request.removed, request.removed_bonds) == ((), (), ())
