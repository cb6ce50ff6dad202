"""Templates of virtual machines and their vNICs: adding, changing, removing them.

oVirt's commands: AddVmTemplate, UpdateVmTemplate, RemoveVmTemplate, AddVmTemplateInterface, UpdateVmTemplateInterface,
RemoveVmTemplateInterface.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from netweft.core.errors import Problem
from netweft.core.keep import KEEP, Keep, settle
from netweft.core.rules import check, fields
from netweft.core.rules import template as rules
from netweft.core.rules import vm as vm_rules
from netweft.core.rules import vnic as vnic_rules
from netweft.engine.commands import audit, authorize, hardware
from netweft.engine.commands.authorize import ActionGroup, Actor, ObjectRef, ObjectType
from netweft.engine.commands.hardware import SAME, Hardware
from netweft.engine.commands.races import refused
from netweft.engine.commands.vnics import check_profile, check_type
from netweft.engine.db import Tx, lock, new_id, utc_now
from netweft.engine.model.clusters import clusters
from netweft.engine.model.templates import TemplateRow, template_vnics, templates
from netweft.engine.model.vms import VmRow, vms
from netweft.engine.queries import templates as queries
from netweft.engine.queries import vms as vm_queries
from netweft.engine.queries.references import Ref, resolve
from netweft.engine.queries.templates import BLANK_ID

ADDED, UPDATED, REMOVED = 51, 49, 251
NIC_ADDED, NIC_UPDATED, NIC_REMOVED = 936, 940, 938
"""Event codes (oVirt: USER_ADD_VM_TEMPLATE_FINISHED_SUCCESS, USER_UPDATE_VM_TEMPLATE,
USER_REMOVE_VM_TEMPLATE_FINISHED, NETWORK_ADD_TEMPLATE_INTERFACE, NETWORK_UPDATE_TEMPLATE_INTERFACE,
NETWORK_REMOVE_TEMPLATE_INTERFACE).
"""

_ADD = "Cannot create Template."
_UPDATE = "Cannot edit Template."
_REMOVE = "Cannot remove Template."
_ADD_NIC = "Cannot add Interface."
_UPDATE_NIC = "Cannot edit Interface."

_TEXTS = ("name", "description", "comment")
_NIC_FIELDS = ("name", "description", "profile_id", "interface", "plugged", "linked")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddTemplate:
    """A template to be, like ``vm`` with its vNICs, or empty like Blank; its hardware comes from there but for what
    is said. ``cluster``: that of the machine when it is None.
    """

    name: str
    vm: Ref | None = None
    cluster: Ref | None = None
    description: str = ""
    comment: str = ""
    hardware: Hardware = SAME
    architecture: str = "undefined"
    clone_permissions: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateTemplate:
    """What changes of a template; virtual machines that were made from it stay as they are."""

    id: str
    name: str | Keep = KEEP
    description: str | Keep = KEEP
    comment: str | Keep = KEEP
    hardware: Hardware = SAME
    architecture: str = "undefined"


def add_template(tx: Tx, actor: Actor, spec: AddTemplate) -> str:
    """Add a template; its creator becomes its administrator. Returns its id.

    Needs CREATE_TEMPLATE on the cluster, or on the system for one of no cluster. Raises NotFoundError, DeniedError,
    ValidationError.
    """
    vm: VmRow | None = lock(tx, vms, resolve(tx, vms, spec.vm, "VM")) if spec.vm else None
    cluster_id = resolve(tx, clusters, spec.cluster, "cluster") if spec.cluster else (vm.cluster_id if vm else None)
    on = [ObjectRef(ObjectType.CLUSTER, cluster_id)] if cluster_id else []
    authorize.require(tx, actor, ActionGroup.CREATE_TEMPLATE, *on)
    texts = {"name": spec.name, "description": spec.description, "comment": spec.comment}
    values = spec.hardware.over(vm or queries.get(tx, BLANK_ID))
    check(
        _ADD,
        rules.source_is_down(vm.name, vm.status) if vm else None,
        *_text_problems(tx, texts),
        *hardware.problems(values),
        vm_rules.permissions_stay(asked=spec.clone_permissions),
        _architecture_problem(tx, cluster_id, spec.architecture),
    )
    rows = vm_queries.vnics_of(tx, (vm.id,))[vm.id] if vm else []
    if vm and cluster_id != vm.cluster_id:
        usable = queries.networks_for_vms(tx, str(cluster_id))
        missing = [row.network_name for row in rows if row.network_name and row.network_id not in usable]
        name = tx.execute(sa.select(clusters.c.name).where(clusters.c.id == cluster_id)).scalar_one()
        check(_ADD, vm_rules.networks_in_cluster(name, missing))
    template_id = new_id()
    with refused(_ADD, lambda _: rules.name_is_free(spec.name, (spec.name,))):
        values = {"id": template_id, "cluster_id": cluster_id, "created_at": utc_now(), **texts, **values}
        tx.execute(sa.insert(templates), values)
    for row in rows:
        copied = {name: getattr(row, name) for name in _NIC_FIELDS}
        tx.execute(sa.insert(template_vnics), {"id": new_id(), "template_id": template_id, **copied})
    if actor.user_id:
        authorize.grant(tx, actor.user_id, "TemplateAdmin", ObjectRef(ObjectType.TEMPLATE, template_id))
    text = f"Creation of Template {spec.name}{f' from VM {vm.name}' if vm else ''} has been completed."
    audit.record(tx, actor, ADDED, text, template=template_id, cluster=cluster_id)
    return template_id


def update_template(tx: Tx, actor: Actor, spec: UpdateTemplate) -> None:
    """Change a template. Needs EDIT_TEMPLATE_PROPERTIES on it. Raises NotFoundError, DeniedError, ValidationError."""
    before = lock(tx, templates, spec.id)
    authorize.require(tx, actor, ActionGroup.EDIT_TEMPLATE_PROPERTIES, ObjectRef(ObjectType.TEMPLATE, spec.id))
    values = {name: settle(getattr(spec, name), getattr(before, name)) for name in _TEXTS}
    values |= spec.hardware.over(before)
    check(_UPDATE, _architecture_problem(tx, before.cluster_id, spec.architecture))
    changed = {column: value for column, value in values.items() if value != getattr(before, column)}
    if not changed:
        return
    check(
        _UPDATE,
        rules.is_not_blank(is_blank=spec.id == BLANK_ID),
        *_text_problems(tx, values, besides=spec.id),
        *hardware.problems(values),
    )
    with refused(_UPDATE, lambda _: rules.name_is_free(values["name"], (values["name"],))):
        tx.execute(sa.update(templates).where(templates.c.id == spec.id).values(changed))
    text = f"Template {values['name']} configuration was updated by {actor.name}."
    audit.record(tx, actor, UPDATED, text, template=spec.id, cluster=before.cluster_id)


def _architecture_problem(tx: Tx, cluster_id: str | None, wanted: str) -> Problem | None:
    """Whether a template cannot have that architecture; one of no cluster says none."""
    row = tx.execute(sa.select(clusters).where(clusters.c.id == cluster_id)).one_or_none()
    name, has = (row.name, row.cpu_architecture) if row else ("(none)", "undefined")
    return vm_rules.architecture_is_clusters(wanted, name, has)


def remove_template(tx: Tx, actor: Actor, template_id: str) -> None:
    """Remove a template from which no virtual machine was made. Needs DELETE_TEMPLATE on it. Raises NotFoundError,
    DeniedError, ValidationError.
    """
    template = lock(tx, templates, template_id)
    authorize.require(tx, actor, ActionGroup.DELETE_TEMPLATE, ObjectRef(ObjectType.TEMPLATE, template_id))
    check(
        _REMOVE,
        rules.is_not_blank(is_blank=template_id == BLANK_ID, removal=True),
        rules.unused_by_vms(template.name, queries.vms_made_from(tx, template_id)),
        vm_rules.may_be_removed(f"Template {template.name}", protected=template.delete_protected),
    )
    authorize.forget(tx, template_id)
    tx.execute(sa.update(vms).where(vms.c.original_template_id == template_id).values(original_template_id=None))
    with refused(_REMOVE, lambda _: None):
        tx.execute(sa.delete(templates).where(templates.c.id == template_id))
    audit.record(tx, actor, REMOVED, f"Template {template.name} has been removed.", cluster=template.cluster_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddTemplateVnic:
    """A vNIC of a template to be. ``profile_id``: None for no network."""

    template_id: str
    name: str
    profile_id: str | None = None
    description: str = ""
    interface: str = "virtio"
    plugged: bool = True
    linked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateTemplateVnic:
    """What changes of a template's vNIC."""

    template_id: str
    id: str
    name: str | Keep = KEEP
    profile_id: str | Keep | None = KEEP
    description: str | Keep = KEEP
    interface: str | Keep = KEEP
    plugged: bool | Keep = KEEP
    linked: bool | Keep = KEEP


def add_template_vnic(tx: Tx, actor: Actor, spec: AddTemplateVnic) -> str:
    """Add a vNIC to a template; returns its id. Machines that were made from it before do not get it.

    Needs CONFIGURE_TEMPLATE_NETWORK on the template and on the profile. Raises NotFoundError, DeniedError,
    ValidationError.
    """
    template = _begin(tx, actor, spec.template_id)
    rows = queries.vnics_of(tx, (spec.template_id,))[spec.template_id]
    check(_ADD_NIC, vnic_rules.count_is_within_limit(len(rows) + 1))
    values = {name: getattr(spec, name) for name in _NIC_FIELDS}
    _check_vnic(_ADD_NIC, template, values, [row.name for row in rows])
    group = ActionGroup.CONFIGURE_TEMPLATE_NETWORK
    passthrough = check_profile(tx, actor, _ADD_NIC, template.cluster_id or "", spec.profile_id, group)
    check_type(_ADD_NIC, spec.interface, passthrough=passthrough, linked=spec.linked)
    vnic_id = new_id()
    with refused(_ADD_NIC, lambda _: vnic_rules.name_is_free(spec.name, (spec.name,))):
        tx.execute(sa.insert(template_vnics), {"id": vnic_id, "template_id": spec.template_id, **values})
    text = f"Interface {spec.name} ({spec.interface}) was added to Template {template.name}. (User: {actor.name})"
    audit.record(tx, actor, NIC_ADDED, text, template=template.id, cluster=template.cluster_id)
    return vnic_id


def update_template_vnic(tx: Tx, actor: Actor, spec: UpdateTemplateVnic) -> None:
    """Change a vNIC of a template. Needs CONFIGURE_TEMPLATE_NETWORK on the template, and on the profile when that is
    another one. Raises NotFoundError, DeniedError, ValidationError.
    """
    template = _begin(tx, actor, spec.template_id)
    old = queries.get_vnic(tx, spec.template_id, spec.id)
    values = {name: settle(getattr(spec, name), getattr(old, name)) for name in _NIC_FIELDS}
    rows = queries.vnics_of(tx, (spec.template_id,))[spec.template_id]
    _check_vnic(_UPDATE_NIC, template, values, [row.name for row in rows if row.id != spec.id])
    passthrough = bool(old.passthrough)
    if values["profile_id"] != old.profile_id:
        group = ActionGroup.CONFIGURE_TEMPLATE_NETWORK
        passthrough = check_profile(tx, actor, _UPDATE_NIC, template.cluster_id or "", values["profile_id"], group)
    check_type(_UPDATE_NIC, values["interface"], passthrough=passthrough, linked=values["linked"])
    with refused(_UPDATE_NIC, lambda _: vnic_rules.name_is_free(values["name"], (values["name"],))):
        tx.execute(sa.update(template_vnics).where(template_vnics.c.id == spec.id).values(values))
    text = f"Interface {values['name']} was updated for Template {template.name}. (User: {actor.name})"
    audit.record(tx, actor, NIC_UPDATED, text, template=template.id, cluster=template.cluster_id)


def remove_template_vnic(tx: Tx, actor: Actor, template_id: str, vnic_id: str) -> None:
    """Remove a vNIC of a template. Needs CONFIGURE_TEMPLATE_NETWORK on the template. Raises NotFoundError,
    DeniedError.
    """
    template = _begin(tx, actor, template_id)
    old = queries.get_vnic(tx, template_id, vnic_id)
    tx.execute(sa.delete(template_vnics).where(template_vnics.c.id == vnic_id))
    text = f"Interface {old.name} was removed from Template {template.name}. (User: {actor.name})"
    audit.record(tx, actor, NIC_REMOVED, text, template=template.id, cluster=template.cluster_id)


def _begin(tx: Tx, actor: Actor, template_id: str) -> TemplateRow:
    template = lock(tx, templates, template_id)
    authorize.require(tx, actor, ActionGroup.CONFIGURE_TEMPLATE_NETWORK, ObjectRef(ObjectType.TEMPLATE, template_id))
    return template


def _check_vnic(action: str, template: TemplateRow, values: Mapping[str, Any], others: list[str]) -> None:
    check(
        action,
        rules.cluster_is_set(template.name, template.cluster_id),
        vnic_rules.name_is_valid(values["name"]),
        vnic_rules.name_is_free(values["name"], others),
        vnic_rules.interface_is_supported(values["interface"]),
        fields.text_is_valid("vNIC", "description", values["description"]),
    )


def _text_problems(tx: Tx, values: Mapping[str, Any], *, besides: str = "") -> tuple[Any, ...]:
    query = sa.select(templates.c.name).where(templates.c.name == values["name"], templates.c.id != besides)
    return (
        fields.name_is_valid("Template", values["name"]),
        rules.name_is_free(values["name"], tx.scalars(query).all()),
        fields.text_is_valid("Template", "description", values["description"]),
        fields.text_is_valid("Template", "comment", values["comment"]),
    )
