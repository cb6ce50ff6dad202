"""The rules on hosts: names, addresses, statuses."""

from __future__ import annotations

import pytest

from core.problems import assert_fails
from netweft.core.errors import Problem
from netweft.core.rules import host

HOLDS: list[Problem | None] = [
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
    host.is_reachable_with_guests("up", ("web",)),
    host.is_reachable_with_guests("non_responsive", ()),
    host.is_reachable_for_work("non_operational"),
    host.may_enroll_certificate("one", "up"),
    host.has_joined("one", "https://192.0.2.1:54322"),
    host.is_reachable_for_work("installing", installs=True),
    host.ssh_port_is_valid(22),
    host.ssh_fingerprint_is_valid(""),
    host.ssh_fingerprint_is_valid("SHA256:" + 43 * "+"),
    host.agent_package_is_there(has_package=True),
    host.credentials_are_given(by_key=True, password=""),
    host.credentials_are_given(by_key=False, password="secret"),
    host.engine_is_reachable("https://engine.example.com:8443", "192.0.2.1"),
    host.engine_is_reachable("https://127.0.0.1:8443", "localhost:54322"),
    *map(host.may_be_installed, ("installing", "install_failed", "maintenance")),
    host.name_is_valid("h-1.example"),
    host.name_is_free("a", ["b"]),
    *(host.address_is_valid(text) for text in ("h1", "192.0.2.1:54322", "[2001:db8::1]:1", "h.example.com")),
    host.address_is_free("a", ["b"]),
    host.networks_known_in_cluster("h", "c", []),
    host.may_be_removed("maintenance"),
    host.runs_no_vms_to_remove([]),
    *(host.is_reachable_for_work(status) for status in ("up", "maintenance", "non_operational")),
]

FAILS: list[tuple[Problem | None, str, str]] = [
    (host.waits_for_no_rollout("one", waits=True), "HOST_WAITS_FOR_ROLLOUT", "netweft rollout"),
    (host.ssh_port_is_valid(65536), "VALIDATION_VDS_SSH_PORT_RANGE", "65536"),
    (host.ssh_fingerprint_is_valid("MD5:00"), "VALIDATION_VDS_SSH_FINGERPRINT_INVALID", "'MD5:00'"),
    (host.agent_package_is_there(has_package=False), "VDS_CANNOT_INSTALL_NO_AGENT_PACKAGE", "--agent-package FILE"),
    (host.credentials_are_given(by_key=False, password=""), "VDS_CANNOT_INSTALL_EMPTY_PASSWORD", "root_password"),
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
        host.is_reachable_with_guests("non_responsive", ("web", "db")),
        "VDS_CANNOT_MAINTENANCE_VDS_IS_NOT_RESPONDING_WITH_VMS",
        "status non_responsive and runs Virtual Machines: db, web",
    ),
    (
        host.may_enroll_certificate("one", "non_responsive"),
        "CANNOT_ENROLL_CERTIFICATE_HOST_STATUS_ILLEGAL",
        "join it again with a new token",
    ),
    (host.is_reachable_for_work("installing"), "VDS_STATUS_ILLEGAL", "installing"),
    (host.name_is_valid("a b"), "VALIDATION_VDS_NAME_INVALID", "."),
    (host.name_is_valid(""), "VALIDATION_VDS_NAME_INVALID", "."),
    (host.name_is_free("a", ["a"]), "ACTION_TYPE_FAILED_NAME_ALREADY_USED", "."),
    *(
        (host.address_is_valid(text), "VALIDATION_VDS_HOSTNAME_HOSTNAME_OR_IP", ".")
        for text in ("", "a b", "u@h", "h:x", "h/p", "h:0", "h" * 300)
    ),
    (host.address_is_free("a", ["a"]), "ACTION_TYPE_FAILED_VDS_WITH_SAME_HOST_EXIST", "."),
    (host.networks_known_in_cluster("h", "c", ["n"]), "NETWORK_NOT_EXISTS_IN_CLUSTER", "."),
    (host.runs_no_vms_to_remove(["v"]), "VDS_CANNOT_REMOVE_VDS_DETECTED_RUNNING_VM", "."),
    (host.guests_can_leave({"v": "It is fixed."}), "VDS_CANNOT_MAINTENANCE_IT_INCLUDES_NON_MIGRATABLE_VM", "."),
    (host.is_reachable_for_work("down"), "VDS_STATUS_ILLEGAL", "."),
]


@pytest.mark.parametrize("problem", HOLDS)
def test_holds(problem: Problem | None) -> None:
    assert problem is None


@pytest.mark.parametrize(("problem", "code", "words"), FAILS)
def test_fails(problem: Problem | None, code: str, words: str) -> None:
    assert_fails(problem, code, words)
