"""Rules on what a machine is asked to be, on its snapshots, on tags, and on elements that are not kept."""

from __future__ import annotations

import pytest

from netweft.core.errors import Problem
from netweft.core.rules import fields, snapshot, tag, vm

HOLDS: list[Problem | None] = [
    vm.os_type_is_valid("rhel_9x64"),
    vm.gateways_are_reachable(()),
    vm.architecture_is_clusters("undefined", "racks", "x86_64"),
    vm.architecture_is_clusters("x86_64", "racks", "x86_64"),
    vm.may_be_removed("VM web", protected=False),
    vm.permissions_stay(asked=False),
    vm.resumes_as_it_was("web", ()),
    vm.stateless_is_not_suspended("web", stateless=False),
    snapshot.memory_is_not_asked_for(asked=False),
    snapshot.memory_is_not_restored(asked=False),
    snapshot.is_regular(regular=True),
    snapshot.shows_itself("web", in_preview=False),
    snapshot.shows_a_snapshot("web", in_preview=True),
    snapshot.keeps_its_state("web", stateless=False),
    tag.name_is_valid("web-1_a"),
    tag.name_is_free("web", ("db",)),
    tag.is_not_root(is_root=False),
    tag.parent_is_elsewhere("web", is_below=False),
]

FAILS: list[tuple[Problem | None, str, str]] = [
    (vm.os_type_is_valid("my own"), "ILLEGAL_OS_TYPE", "'my own'"),
    (vm.gateways_are_reachable(("192.0.2.1",)), "INVALID_INITIALIZATION_GATEWAY", "192.0.2.1"),
    (vm.architecture_is_clusters("ppc64", "racks", "x86_64"), "DIFFERENT_ARCHITECTURES", "Cluster racks has 'x86_64'"),
    (vm.may_be_removed("VM web", protected=True), "DELETE_PROTECTION_ENABLED", "VM web is protected"),
    (vm.permissions_stay(asked=True), "CLONE_PERMISSIONS_NOT_SUPPORTED", "clone_permissions"),
    (vm.resumes_as_it_was("web", ("stateless",)), "RUN_ONCE_WITH_SUSPENDED_VM", "VM web is suspended"),
    (vm.stateless_is_not_suspended("web", stateless=True), "SUSPEND_STATELESS_VM", "VM web runs stateless"),
    (snapshot.memory_is_not_asked_for(asked=True), "SNAPSHOT_WITH_MEMORY", "persist_memorystate"),
    (snapshot.memory_is_not_restored(asked=True), "MEMORY_RESTORE", "restore_memory"),
    (snapshot.is_regular(regular=False), "TYPE_NOT_REGULAR", "type 'regular'"),
    (snapshot.shows_itself("web", in_preview=True), "VM_IN_PREVIEW", "VM web is previewing"),
    (snapshot.shows_a_snapshot("web", in_preview=False), "VM_NOT_IN_PREVIEW", "VM web is not previewing"),
    (snapshot.keeps_its_state("web", stateless=True), "RUNNING_STATELESS", "VM web runs stateless"),
    (tag.name_is_valid("a b"), "TAG_NAME_IS_INVALID", "'a b'"),
    (tag.name_is_valid("x" * 51), "TAG_NAME_IS_INVALID", "1 to 50"),
    (tag.name_is_free("web", ("web",)), "TAG_IS_IN_USE", "'web'"),
    (tag.name_is_free("root", ()), "TAG_IS_IN_USE", "'root'"),
    (tag.is_not_root(is_root=True), "EDIT_ROOT", "root of all tags"),
    (tag.parent_is_elsewhere("web", is_below=True), "CANNOT_BE_THE_PARENT", "Tag web"),
    (fields.element_is_known("vm.lease"), "ELEMENT_NOT_SUPPORTED", "vm.lease"),
    (fields.element_is_fixed("vm.cpu_shares", "5", "0"), "ELEMENT_IS_FIXED", "'5': it is always '0' here"),
    (fields.element_is_fixed("vm.cpu_shares", "5", ""), "ELEMENT_IS_FIXED", "'5': there is none here"),
]


def test_what_holds_is_no_problem() -> None:
    assert [problem for problem in HOLDS if problem] == []


@pytest.mark.parametrize(("problem", "code", "words"), FAILS)
def test_what_does_not_hold_says_so(problem: Problem | None, code: str, words: str) -> None:
    assert problem is not None
    assert code in problem.code
    assert words in problem.text
    assert problem.text.endswith(".")
