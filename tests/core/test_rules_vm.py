"""The rules on virtual machines."""

from __future__ import annotations

import pytest

from core.problems import assert_fails
from netweft.core.errors import Problem
from netweft.core.rules import vm

DOWN = Problem("VAR__DETAIL__HOST_NOT_UP", "Host one is down.")

HOLDS: list[Problem | None] = [
    vm.name_is_valid("web-1"),
    vm.name_is_free("web", ("db",)),
    vm.memory_is_enough(vm.MEMORY_MIN),
    vm.cpus_are_valid(1, 1, 1),
    vm.is_down("web", "down"),
    vm.is_down("web", "suspended", or_suspended=True),
    vm.may_stop("up"),
    vm.may_stop("suspended"),
    vm.may_shut_down("web", "powering_down"),
    vm.may_suspend("web", "up"),
    vm.may_reboot("web", "up"),
    vm.functions_are_unplugged("web", ()),
    vm.resumes_where_it_was_saved("web", "one", same=True),
    vm.networks_in_cluster("racks", ()),
    vm.networks_are_for_vms(()),
    vm.a_host_fits((DOWN,), fit=True),
    vm.addresses_are_valid(()),
    vm.os_type_is_valid("rhel_9x64"),
    vm.gateways_are_reachable(()),
    vm.architecture_is_clusters("undefined", "racks", "x86_64"),
    vm.architecture_is_clusters("x86_64", "racks", "x86_64"),
    vm.may_be_removed("VM web", protected=False),
    vm.permissions_stay(requested=False),
    vm.resumes_as_it_was("web", ()),
    vm.stateless_is_not_suspended("web", stateless=False),
    vm.name_is_valid("vm_1"),
    vm.name_is_free("a", []),
    vm.memory_is_enough(2**30),
    vm.cpus_are_valid(1, 2, 1),
    vm.is_down("v", "down"),
    vm.networks_in_cluster("c", []),
    vm.networks_are_for_vms([]),
    vm.a_host_fits([], fit=True),
    vm.addresses_are_valid([]),
    vm.passthrough_may_migrate("vm", []),
    vm.driver_moves_guests("vm", "libvirt"),
]

FAILS: list[tuple[Problem | None, str, str]] = [
    (vm.name_is_valid("a b"), "ACTION_TYPE_FAILED_VM_NAME_CONTAINS_INVALID_CHARS", "'a b'"),
    (vm.name_is_free("web", ("web",)), "ACTION_TYPE_FAILED_NAME_ALREADY_USED", "'web'"),
    (vm.memory_is_enough(4096), "ACTION_TYPE_FAILED_MIN_MEMORY_CANNOT_EXCEED_MEMORY_SIZE", "4096 octets"),
    (vm.cpus_are_valid(1, 0, 2), "ACTION_TYPE_FAILED_MIN_CPU_SOCKETS", "1x0x2"),
    (vm.is_down("web", "up"), "ACTION_TYPE_FAILED_VM_IS_RUNNING", "VM web is running"),
    (vm.is_down("web", "suspended"), "ACTION_TYPE_FAILED_VM_IS_RUNNING", "status suspended"),
    (vm.may_stop("down"), "ACTION_TYPE_FAILED_VM_IS_NOT_RUNNING", "not running"),
    (vm.may_stop("saving_state"), "ACTION_TYPE_FAILED_VM_IS_SAVING_RESTORING", "saving/restoring"),
    (vm.may_shut_down("web", "unknown"), "ACTION_TYPE_FAILED_VM_IS_NOT_UP", "VM web is in status unknown"),
    (
        vm.may_suspend("web", "wait_for_launch"),
        "ACTION_TYPE_FAILED_VM_STATUS_ILLEGAL",
        "VM web is in status wait_for_launch",
    ),
    (vm.may_suspend("web", "migrating"), "ACTION_TYPE_FAILED_VM_IS_NOT_UP", "VM web is in status migrating"),
    (
        vm.functions_are_unplugged("web", ("nic1", "nic2")),
        "ACTION_TYPE_FAILED_SUSPEND_NOT_SUPPORTED",
        "saved: nic1, nic2.",
    ),
    (vm.may_reboot("web", "down"), "ACTION_TYPE_FAILED_VM_IS_NOT_UP", "VM web is in status down"),
    (
        vm.resumes_where_it_was_saved("web", "one", same=False),
        "ACTION_TYPE_FAILED_VM_IS_SAVED_ON_ANOTHER_HOST",
        "on Host one",
    ),
    (
        vm.networks_in_cluster("racks", ("red", "blue", "red")),
        "ACTION_TYPE_FAILED_NETWORK_NOT_IN_CLUSTER",
        "racks: blue, red",
    ),
    (vm.networks_are_for_vms(("store", "store")), "ACTION_TYPE_FAILED_NOT_A_VM_NETWORK", "not VM networks: store."),
    (vm.a_host_fits((DOWN,), fit=False), "SCHEDULING_ALL_HOSTS_FILTERED_OUT", "Host one is down."),
    (vm.a_host_fits((), fit=False), "SCHEDULING_ALL_HOSTS_FILTERED_OUT", "no Hosts"),
    (vm.addresses_are_valid(("nine",)), "ACTION_TYPE_FAILED_INVALID_INITIALIZATION_ADDRESS", "nine"),
    (
        vm.passthrough_may_migrate("web", ("b", "a")),
        "ACTION_TYPE_FAILED_MIGRATION_NON_MIGRATABLE_PASSTHROUGH_VNICS",
        "may not migrate: a, b.",
    ),
    (vm.driver_moves_guests("web", "namespace"), "ACTION_TYPE_FAILED_VM_IS_NON_MIGRTABLE", "stay on their host"),
    (vm.os_type_is_valid("my own"), "ACTION_TYPE_FAILED_ILLEGAL_OS_TYPE", "'my own'"),
    (vm.gateways_are_reachable(("192.0.2.1",)), "ACTION_TYPE_FAILED_INVALID_INITIALIZATION_GATEWAY", "192.0.2.1"),
    (
        vm.architecture_is_clusters("ppc64", "racks", "x86_64"),
        "ACTION_TYPE_FAILED_VM_CLUSTER_DIFFERENT_ARCHITECTURES",
        "Cluster racks has 'x86_64'",
    ),
    (
        vm.may_be_removed("VM web", protected=True),
        "ACTION_TYPE_FAILED_DELETE_PROTECTION_ENABLED",
        "VM web is protected",
    ),
    (vm.permissions_stay(requested=True), "ACTION_TYPE_FAILED_CLONE_PERMISSIONS_NOT_SUPPORTED", "clone_permissions"),
    (
        vm.resumes_as_it_was("web", ("stateless",)),
        "ACTION_TYPE_FAILED_RUN_ONCE_WITH_SUSPENDED_VM",
        "VM web is suspended",
    ),
    (vm.stateless_is_not_suspended("web", stateless=True), "VM_CANNOT_SUSPEND_STATELESS_VM", "VM web runs stateless"),
    (vm.name_is_free("a", ["a"]), "ACTION_TYPE_FAILED_NAME_ALREADY_USED", "."),
    (vm.name_is_valid("ä"), "ACTION_TYPE_FAILED_VM_NAME_CONTAINS_INVALID_CHARS", "."),
    (vm.memory_is_enough(1), "ACTION_TYPE_FAILED_MIN_MEMORY_CANNOT_EXCEED_MEMORY_SIZE", "."),
    (vm.cpus_are_valid(1, 0, 1), "ACTION_TYPE_FAILED_MIN_CPU_SOCKETS", "."),
    (vm.is_down("v", "up"), "ACTION_TYPE_FAILED_VM_IS_RUNNING", "."),
    (vm.networks_in_cluster("c", ["n"]), "ACTION_TYPE_FAILED_NETWORK_NOT_IN_CLUSTER", "."),
    (vm.networks_are_for_vms(["n"]), "ACTION_TYPE_FAILED_NOT_A_VM_NETWORK", "."),
    (
        vm.a_host_fits([Problem("VAR__DETAIL__HOST_NOT_UP", "Host h is down.")], fit=False),
        "SCHEDULING_ALL_HOSTS_FILTERED_OUT",
        ".",
    ),
    (vm.a_host_fits([], fit=False), "SCHEDULING_ALL_HOSTS_FILTERED_OUT", "."),
    (vm.addresses_are_valid(["x"]), "ACTION_TYPE_FAILED_INVALID_INITIALIZATION_ADDRESS", "."),
]


@pytest.mark.parametrize("problem", HOLDS)
def test_holds(problem: Problem | None) -> None:
    assert problem is None


@pytest.mark.parametrize(("problem", "code", "words"), FAILS)
def test_fails(problem: Problem | None, code: str, words: str) -> None:
    assert_fails(problem, code, words)
