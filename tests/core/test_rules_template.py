"""Rules of templates, and of what virtual machines and templates boot."""

from __future__ import annotations

import pytest

from netweft.core.errors import Problem
from netweft.core.rules import template, vm


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (template.name_is_free("web", ["web"]), "ACTION_TYPE_FAILED_NAME_ALREADY_USED"),
        (template.name_is_free("web", []), None),
        (template.source_is_down("one", "up"), "VMT_CANNOT_CREATE_TEMPLATE_FROM_DOWN_VM"),
        (template.source_is_down("one", "down"), None),
        (template.is_not_blank(is_blank=True), "VMT_CANNOT_EDIT_BLANK_TEMPLATE"),
        (template.is_not_blank(is_blank=True, removal=True), "VMT_CANNOT_REMOVE_BLANK_TEMPLATE"),
        (template.is_not_blank(is_blank=False), None),
        (template.unused_by_vms("web", ["one"]), "VMT_CANNOT_REMOVE_DETECTED_DERIVED_VM"),
        (template.unused_by_vms("web", []), None),
        (template.cluster_is_set("Blank", None), "ACTION_TYPE_FAILED_CLUSTER_CAN_NOT_BE_EMPTY"),
        (template.cluster_is_set("web", "c"), None),
        (vm.boot_is_valid("boot/k", "", ""), "ACTION_TYPE_FAILED_INVALID_BOOT_PATH"),
        (vm.boot_is_valid("/k", "i", ""), "ACTION_TYPE_FAILED_INVALID_BOOT_PATH"),
        (vm.boot_is_valid("/k", "/i", "a\nb"), "ACTION_TYPE_FAILED_INVALID_KERNEL_PARAMETERS"),
        (vm.boot_is_valid("", "/i", ""), "ACTION_TYPE_FAILED_BOOT_PARAMETERS_WITHOUT_KERNEL"),
        (vm.boot_is_valid("", "", "quiet"), "ACTION_TYPE_FAILED_BOOT_PARAMETERS_WITHOUT_KERNEL"),
        (vm.boot_is_valid("/k", "/i", "quiet"), None),
        (vm.boot_is_valid("", "", ""), None),
        (vm.properties_are_known({"x": "y"}), "ACTION_TYPE_FAILED_INVALID_CUSTOM_PROPERTIES_INVALID_KEYS"),
        (vm.properties_are_known({"disk": "y"}), "ACTION_TYPE_FAILED_INVALID_CUSTOM_PROPERTIES_INVALID_VALUES"),
        (vm.properties_are_known({"disk": "/y", "driver": "libvirt"}), None),
    ],
)
def test_rules(problem: Problem | None, code: str | None) -> None:
    assert (problem and problem.code) == code
