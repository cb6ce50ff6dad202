"""Templates of virtual machines and their vNICs: adding, changing, removing them.

oVirt's commands: AddVmTemplate, UpdateVmTemplate, RemoveVmTemplate, AddVmTemplateInterface, UpdateVmTemplateInterface,
RemoveVmTemplateInterface.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from netweft.core.errors import Problem
from netweft.core.keep import KEEP, Keep
from netweft.core.rules import check, fields
from netweft.core.rules import template as rules
from netweft.core.rules import vm as vm_rules
from netweft.core.rules import vnic as vnic_rules
from netweft.engine import audit
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.changes import Texts, changes, made, updated
from netweft.engine.db import Tx, lock, new_id, utc_now
from netweft.engine.model.clusters import clusters
from netweft.engine.model.templates import TemplateRow, TemplateVnicRow, template_vnics, templates
from netweft.engine.model.vms import VmRow, vms
from netweft.engine.model.vnics import SETTINGS
from netweft.engine.operations import hardware
from netweft.engine.operations.hardware import SAME, Hardware
from netweft.engine.operations.profile_use import check_profile, check_type
from netweft.engine.operations.races import translate_constraint_errors
from netweft.engine.queries import templates as queries
from netweft.engine.queries import vms as vm_queries
from netweft.engine.queries.references import Ref, resolve
from netweft.engine.queries.templates import BLANK_ID
from netweft.engine.statements import add

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


@dataclass(frozen=True, slots=True, kw_only=True)
class AddTemplate(Texts):
    """A new template, like ``vm`` with its vNICs, or empty like Blank; its hardware comes from there, except for
    given values. ``cluster``: that of the machine when it is None.
    """

    name: str
    vm: Ref | None = None
    cluster: Ref | None = None
    hardware: Hardware = SAME
    architecture: str = "undefined"
    clone_permissions: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateTemplate(Texts):
    """What changes of a template; virtual machines that were made from it stay as they are."""

    id: str
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
    columns = spec.hardware.over(vm or queries.get(tx, BLANK_ID))
    template = made(TemplateRow, spec, id=new_id(), cluster_id=cluster_id, created_at=utc_now(), **columns)
    check(
        _ADD,
        rules.source_is_down(vm.name, vm.status) if vm else None,
        *_problems(tx, template),
        vm_rules.permissions_stay(requested=spec.clone_permissions),
        _architecture_problem(tx, cluster_id, spec.architecture),
    )
    rows = vm_queries.vnics_of(tx, (vm.id,))[vm.id] if vm else []
    if vm and cluster_id != vm.cluster_id:
        usable = queries.networks_for_vms(tx, str(cluster_id))
        missing = [row.network_name for row in rows if row.network_name and row.network_id not in usable]
        name = tx.execute(sa.select(clusters.c.name).where(clusters.c.id == cluster_id)).scalar_one()
        check(_ADD, vm_rules.networks_in_cluster(name, missing))
    with translate_constraint_errors(_ADD, lambda _: rules.name_is_free(template.name, (template.name,))):
        add(tx, templates, template)
    for row in rows:
        copied = {name: getattr(row, name) for name in SETTINGS}
        add(tx, template_vnics, TemplateVnicRow(id=new_id(), template_id=template.id, **copied))
    if actor.user_id:
        authorize.grant(tx, actor.user_id, "TemplateAdmin", ObjectRef(ObjectType.TEMPLATE, template.id))
    text = f"Creation of Template {spec.name}{f' from VM {vm.name}' if vm else ''} has been completed."
    audit.record(tx, actor, ADDED, text, template=template.id, cluster=cluster_id)
    return template.id


def update_template(tx: Tx, actor: Actor, spec: UpdateTemplate) -> None:
    """Change a template. Needs EDIT_TEMPLATE_PROPERTIES on it. Raises NotFoundError, DeniedError, ValidationError."""
    before = lock(tx, templates, spec.id)
    authorize.require(tx, actor, ActionGroup.EDIT_TEMPLATE_PROPERTIES, ObjectRef(ObjectType.TEMPLATE, spec.id))
    after = updated(before, spec, **spec.hardware.over(before))
    check(_UPDATE, _architecture_problem(tx, before.cluster_id, spec.architecture))
    changed = changes(before, after)
    if not changed:
        return
    check(_UPDATE, rules.is_not_blank(is_blank=spec.id == BLANK_ID), *_problems(tx, after))
    with translate_constraint_errors(_UPDATE, lambda _: rules.name_is_free(after.name, (after.name,))):
        tx.execute(sa.update(templates).where(templates.c.id == spec.id).values(changed))
    text = f"Template {after.name} configuration was updated by {actor.name}."
    audit.record(tx, actor, UPDATED, text, template=spec.id, cluster=before.cluster_id)


def _architecture_problem(tx: Tx, cluster_id: str | None, wanted: str) -> Problem | None:
    """Whether a template cannot have that architecture; one of no cluster says none."""
    row = tx.execute(sa.select(clusters.c.name, clusters.c.cpu_architecture).where(clusters.c.id == cluster_id)).first()
    name, has = row or ("(none)", "undefined")
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
    with translate_constraint_errors(_REMOVE, lambda _: None):
        tx.execute(sa.delete(templates).where(templates.c.id == template_id))
    audit.record(tx, actor, REMOVED, f"Template {template.name} has been removed.", cluster=template.cluster_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _NicFields:
    """``profile_id``: None for no network."""

    name: str | Keep = KEEP
    profile_id: str | Keep | None = KEEP
    description: str | Keep = KEEP
    interface: str | Keep = KEEP
    plugged: bool | Keep = KEEP
    linked: bool | Keep = KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class AddTemplateVnic(_NicFields):
    """A vNIC of a template to be."""

    template_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateTemplateVnic(_NicFields):
    """What changes of a template's vNIC."""

    template_id: str
    id: str


def add_template_vnic(tx: Tx, actor: Actor, spec: AddTemplateVnic) -> str:
    """Add a vNIC to a template; returns its id. Machines that were made from it before do not get it.

    Needs CONFIGURE_TEMPLATE_NETWORK on the template and on the profile. Raises NotFoundError, DeniedError,
    ValidationError.
    """
    template = _begin(tx, actor, spec.template_id)
    rows = queries.vnics_of(tx, (spec.template_id,))[spec.template_id]
    check(_ADD_NIC, vnic_rules.count_is_within_limit(len(rows) + 1))
    vnic = made(TemplateVnicRow, spec, id=new_id())
    _check_vnic(_ADD_NIC, template, vnic, [row.name for row in rows])
    group = ActionGroup.CONFIGURE_TEMPLATE_NETWORK
    passthrough = check_profile(tx, actor, _ADD_NIC, template.cluster_id or "", vnic.profile_id, group)
    check_type(_ADD_NIC, vnic.interface, passthrough=passthrough, linked=vnic.linked)
    with translate_constraint_errors(_ADD_NIC, lambda _: vnic_rules.name_is_free(vnic.name, (vnic.name,))):
        add(tx, template_vnics, vnic)
    text = f"Interface {vnic.name} ({vnic.interface}) was added to Template {template.name}. (User: {actor.name})"
    audit.record(tx, actor, NIC_ADDED, text, template=template.id, cluster=template.cluster_id)
    return vnic.id


def update_template_vnic(tx: Tx, actor: Actor, spec: UpdateTemplateVnic) -> None:
    """Change a vNIC of a template. Needs CONFIGURE_TEMPLATE_NETWORK on the template, and on the profile when that is
    another one. Raises NotFoundError, DeniedError, ValidationError.
    """
    template = _begin(tx, actor, spec.template_id)
    old = queries.get_vnic(tx, spec.template_id, spec.id)
    vnic = updated(old, spec)
    rows = queries.vnics_of(tx, (spec.template_id,))[spec.template_id]
    _check_vnic(_UPDATE_NIC, template, vnic, [row.name for row in rows if row.id != spec.id])
    passthrough = bool(old.passthrough)
    if vnic.profile_id != old.profile_id:
        group = ActionGroup.CONFIGURE_TEMPLATE_NETWORK
        passthrough = check_profile(tx, actor, _UPDATE_NIC, template.cluster_id or "", vnic.profile_id, group)
    check_type(_UPDATE_NIC, vnic.interface, passthrough=passthrough, linked=vnic.linked)
    with translate_constraint_errors(_UPDATE_NIC, lambda _: vnic_rules.name_is_free(vnic.name, (vnic.name,))):
        values = {name: getattr(vnic, name) for name in SETTINGS}
        tx.execute(sa.update(template_vnics).where(template_vnics.c.id == spec.id).values(values))
    text = f"Interface {vnic.name} was updated for Template {template.name}. (User: {actor.name})"
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


def _check_vnic(action: str, template: TemplateRow, vnic: TemplateVnicRow, others: list[str]) -> None:
    check(
        action,
        rules.cluster_is_set(template.name, template.cluster_id),
        vnic_rules.name_is_valid(vnic.name),
        vnic_rules.name_is_free(vnic.name, others),
        vnic_rules.interface_is_supported(vnic.interface),
        fields.text_is_valid("vNIC", "description", vnic.description),
    )


def _problems(tx: Tx, template: TemplateRow) -> tuple[Problem | None, ...]:
    is_taken = queries.TEMPLATES.is_taken(tx, template.name, besides=template.id)
    return (
        fields.name_is_valid("Template", template.name),
        rules.name_is_free(template.name, (template.name,) if is_taken else ()),
        fields.text_is_valid("Template", "description", template.description),
        fields.text_is_valid("Template", "comment", template.comment),
        *hardware.problems(template),
    )
