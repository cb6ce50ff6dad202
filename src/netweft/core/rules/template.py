"""What is allowed to be done with a template of virtual machines and its vNICs (section 1.7 of oVirt's behaviour)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from netweft.core.errors import Problem
from netweft.core.rules import fields
from netweft.core.rules.fields import listed


def name_is_free(name: str, used: Collection[str]) -> Problem | None:
    """No other template has the name."""
    return fields.name_is_free("template", name, used, code="ACTION_TYPE_FAILED_NAME_ALREADY_USED")


def source_is_down(vm: str, status: str) -> Problem | None:
    """A template is made from a virtual machine that does not run."""
    if status == "down":
        return None
    text = f"VM {vm} is in status {status}. A template can be made only from a VM that is down: stop it first."
    return Problem("VMT_CANNOT_CREATE_TEMPLATE_FROM_DOWN_VM", text)


def is_not_blank(*, is_blank: bool, removal: bool = False) -> Problem | None:
    """Blank stays as it is."""
    if not is_blank:
        return None
    what = "removed" if removal else "changed"
    code = "VMT_CANNOT_REMOVE_BLANK_TEMPLATE" if removal else "VMT_CANNOT_EDIT_BLANK_TEMPLATE"
    return Problem(code, f"The template Blank cannot be {what}. Add one of your own.")


def unused_by_vms(template: str, vms: Sequence[str]) -> Problem | None:
    """No virtual machine was made from it."""
    if not vms:
        return None
    text = f"Template '{template}' has VMs that were made from it: {listed(vms)}. Remove them first."
    return Problem("VMT_CANNOT_REMOVE_DETECTED_DERIVED_VM", text)


def cluster_is_set(template: str, cluster_id: str | None) -> Problem | None:
    """VNICs need a cluster, whose networks they can be on."""
    if cluster_id is not None:
        return None
    text = f"Template '{template}' is in no Cluster, so it cannot have vNICs. Add them to a template of a Cluster."
    return Problem("ACTION_TYPE_FAILED_CLUSTER_CAN_NOT_BE_EMPTY", text)
