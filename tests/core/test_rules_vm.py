"""Rules on virtual machines and their vNICs, on roles that people give, and on events from outside."""

from __future__ import annotations

import pytest

from netweft.core.errors import Problem
from netweft.core.rules import event, permission, vm, vnic

DOWN = Problem("VAR__DETAIL__HOST_NOT_UP", "Host one is down.")

HOLDS = [
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
    vnic.name_is_valid("x" * vnic.NAME_MAX),
    vnic.name_is_free("nic1", ("nic2",)),
    vnic.count_is_within_limit(vnic.COUNT_MAX),
    vnic.interface_is_supported("virtio"),
    vnic.profile_exists(None, known=False),
    vnic.profile_exists("p", known=True),
    vnic.network_is_in_cluster(None, "racks", attached=False),
    vnic.network_is_in_cluster("blue", "racks", attached=True),
    vnic.network_is_for_vms(None, vm_network=False),
    vnic.network_is_for_vms("blue", vm_network=True),
    vnic.type_matches_profile("e1000", passthrough=False),
    vnic.vm_may_change("up"),
    vnic.may_change_while_running(running=False, plugged=True, changed=("MAC",)),
    vnic.may_change_while_running(running=True, plugged=False, changed=("MAC",)),
    vnic.may_change_while_running(running=True, plugged=True, changed=()),
    vnic.may_be_removed(running=True, plugged=False),
    vnic.may_be_removed(running=False, plugged=True),
    vnic.network_is_on_host(None, "one", present=False),
    vnic.network_is_on_host("blue", "one", present=True),
    vnic.mac_is_not_plugged_elsewhere("02:00:00:00:00:01", ()),
    permission.gives_only_what_it_has("UserRole", ()),
    permission.leaves_a_super_user(is_super_user=False, others=0),
    permission.leaves_a_super_user(is_super_user=True, others=1),
    event.origin_is_valid("backup"),
    event.description_is_valid("done"),
    event.custom_id_is_valid(None),
    event.custom_id_is_valid(2**31 - 1),
]

FAILS: list[tuple[Problem | None, str, str]] = [
    (vm.name_is_valid("a b"), "VM_NAME_CONTAINS_INVALID_CHARS", "'a b'"),
    (vm.name_is_free("web", ("web",)), "NAME_ALREADY_USED", "'web'"),
    (vm.memory_is_enough(4096), "MIN_MEMORY_CANNOT_EXCEED_MEMORY_SIZE", "4096 octets"),
    (vm.cpus_are_valid(1, 0, 2), "MIN_CPU_SOCKETS", "1x0x2"),
    (vm.is_down("web", "up"), "VM_IS_RUNNING", "VM web is running"),
    (vm.is_down("web", "suspended"), "VM_IS_RUNNING", "status suspended"),
    (vm.may_stop("down"), "VM_IS_NOT_RUNNING", "not running"),
    (vm.may_stop("saving_state"), "VM_IS_SAVING_RESTORING", "saving/restoring"),
    (vm.may_shut_down("web", "unknown"), "VM_IS_NOT_UP", "VM web is in status unknown"),
    (vm.may_suspend("web", "wait_for_launch"), "VM_STATUS_ILLEGAL", "VM web is in status wait_for_launch"),
    (vm.may_suspend("web", "migrating"), "VM_IS_NOT_UP", "VM web is in status migrating"),
    (vm.functions_are_unplugged("web", ("nic1", "nic2")), "SUSPEND_NOT_SUPPORTED", "saved: nic1, nic2."),
    (vm.may_reboot("web", "down"), "VM_IS_NOT_UP", "VM web is in status down"),
    (vm.resumes_where_it_was_saved("web", "one", same=False), "SAVED_ON_ANOTHER_HOST", "on Host one"),
    (vm.networks_in_cluster("racks", ("red", "blue", "red")), "NETWORK_NOT_IN_CLUSTER", "racks: blue, red"),
    (vm.networks_are_for_vms(("store", "store")), "NOT_A_VM_NETWORK", "not VM networks: store."),
    (vm.a_host_fits((DOWN,), fit=False), "SCHEDULING_ALL_HOSTS_FILTERED_OUT", "Host one is down."),
    (vm.a_host_fits((), fit=False), "SCHEDULING_ALL_HOSTS_FILTERED_OUT", "no Hosts"),
    (vm.addresses_are_valid(("nine",)), "INVALID_INITIALIZATION_ADDRESS", "nine"),
    (vnic.name_is_valid(" "), "VM_INTERFACE_NAME_INVALID", "' '"),
    (vnic.name_is_valid("x" * 51), "VM_INTERFACE_NAME_INVALID", "1 to 50"),
    (vnic.name_is_free("nic1", ("nic1",)), "NETWORK_INTERFACE_NAME_ALREADY_IN_USE", "nic1"),
    (vnic.count_is_within_limit(27), "EXCEEDED_MAX_PCI_SLOTS", "26"),
    (vnic.interface_is_supported("ne2k"), "INTERFACE_TYPE_IS_NOT_SUPPORTED_BY_OS", "'ne2k'"),
    (vnic.profile_exists("p", known=False), "VNIC_PROFILE_NOT_EXISTS", "id p"),
    (vnic.network_is_in_cluster("blue", "racks", attached=False), "NETWORK_NOT_IN_CLUSTER", "'blue'"),
    (vnic.network_is_for_vms("store", vm_network=False), "NOT_A_VM_NETWORK", "'store'"),
    (vnic.type_matches_profile("virtio", passthrough=True), "INTERFACE_TYPE_NOT_MATCH_PROFILE", "'virtio'"),
    (vnic.type_matches_profile("pci_passthrough", passthrough=False), "NOT_MATCH_PROFILE", "needs a vNIC profile"),
    (
        vnic.passthrough_is_linked("pci_passthrough", linked=False),
        "UNLINKING_OF_PASSTHROUGH_VNIC_IS_NOT_SUPPORTED",
        "Unplug it",
    ),
    (vnic.host_has_function("nic1", "one", found=False), "NO_SUITABLE_VF", "no free virtual function for vNIC 'nic1'"),
    (vm.passthrough_may_migrate("web", ("b", "a")), "NON_MIGRATABLE_PASSTHROUGH_VNICS", "may not migrate: a, b."),
    (vm.driver_moves_guests("web", "namespace"), "ACTION_TYPE_FAILED_VM_IS_NON_MIGRTABLE", "stay on their host"),
    (vnic.vm_may_change("migrating"), "NIC_VM_STATUS_ILLEGAL", "status migrating"),
    (
        vnic.may_change_while_running(running=True, plugged=True, changed=("model", "MAC")),
        "CANNOT_PERFORM_HOT_UPDATE",
        "MAC and model",
    ),
    (vnic.may_be_removed(running=True, plugged=True), "CANNOT_REMOVE_ACTIVE_DEVICE", "deactivate"),
    (vnic.network_is_on_host("blue", "one", present=False), "NETWORK_NOT_IN_VDS", "'blue' is not on Host 'one'"),
    (
        vnic.mac_is_not_plugged_elsewhere("02:00:00:00:00:01", ("web", "db")),
        "NETWORK_MAC_ADDRESS_IN_USE",
        "02:00:00:00:00:01 is already in use by VM or snapshot: db, web",
    ),
    (
        permission.gives_only_what_it_has("SuperUser", ("login", "create_vm")),
        "CAN_GIVE_ADMIN_ROLES",
        "SuperUser here, because you lack create_vm, login",
    ),
    (permission.leaves_a_super_user(is_super_user=True, others=0), "LAST_SUPER_USER", "last super user"),
    (event.origin_is_valid(""), "EXTERNAL_EVENT_ILLEGAL", "255"),
    (event.origin_is_valid("x" * 256), "EXTERNAL_EVENT_ILLEGAL", "255"),
    (event.origin_is_valid("OVIRT"), "EXTERNAL_EVENT_ILLEGAL_ORIGIN", "oVirt"),
    (event.description_is_valid(" "), "EMPTY_DESCRIPTION", "4000"),
    (event.description_is_valid("x" * 4001), "EMPTY_DESCRIPTION", "4000"),
    (event.custom_id_is_valid(-1), "EXTERNAL_EVENT_ILLEGAL", "custom id"),
    (event.custom_id_is_valid(2**31), "EXTERNAL_EVENT_ILLEGAL", "custom id"),
]


@pytest.mark.parametrize("problem", HOLDS)
def test_a_rule_that_holds_says_nothing(problem: Problem | None) -> None:
    assert problem is None


@pytest.mark.parametrize(("problem", "code", "words"), FAILS)
def test_a_rule_that_does_not_hold_names_the_culprit(problem: Problem | None, code: str, words: str) -> None:
    assert problem is not None
    assert problem.code.endswith(code)
    assert words in problem.text
