"""Templates: what VMs are made from (Blank unless they say otherwise), at ``/templates``, and their vNICs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET
from sqlalchemy import exists, literal, or_, select
from sqlalchemy.engine import Row

from netweft.api import hardware
from netweft.api.follow import loads, loads_link
from netweft.api.routes import READ, Call, Routes, many
from netweft.api.schema import given, keep, known, reference
from netweft.api.search import LISTED, Searchable
from netweft.api.shown import columns, ref, required, see, visible_page
from netweft.api.types import (
    Bios,
    BootMenu,
    Cluster,
    Display,
    Enabled,
    HighAvailability,
    Io,
    MemoryPolicy,
    Sso,
    Template,
    TemplateNic,
    TemplateVersion,
    VnicProfile,
)
from netweft.api.vm_nics import profile_of
from netweft.core.keep import KEEP
from netweft.engine.commands import authorize
from netweft.engine.commands.authorize import ActionGroup, ObjectType
from netweft.engine.commands.templates import (
    AddTemplate,
    AddTemplateVnic,
    UpdateTemplate,
    UpdateTemplateVnic,
    add_template,
    add_template_vnic,
    remove_template,
    remove_template_vnic,
    update_template,
    update_template_vnic,
)
from netweft.engine.db import Tx
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.templates import templates
from netweft.engine.model.vms import vms
from netweft.engine.queries import tags
from netweft.engine.queries import templates as queries

routes = Routes("templates")

_clusters = clusters.alias()


def _everywhere(cluster_id: Any) -> Any:  # noqa: ANN401 -- columns and conditions
    return or_(templates.c.cluster_id.is_(None), templates.c.cluster_id == cluster_id)


SEARCHABLE = Searchable(
    columns(
        templates,
        status=literal("ok"),
        tag=tags.having("template", templates.c.id),
        # A template of no cluster is found in each.
        cluster=lambda test: exists(select(_clusters.c.id).where(_everywhere(_clusters.c.id), test(_clusters.c.name))),
        datacenter=lambda test: exists(
            select(data_centers.c.id)
            .join(_clusters, _clusters.c.data_center_id == data_centers.c.id)
            .where(_everywhere(_clusters.c.id), test(data_centers.c.name))
        ),
        **{
            "vm.name": lambda test: exists(
                select(vms.c.id).where(vms.c.template_id == templates.c.id, test(vms.c.name))
            )
        },
    ),
    key=templates.c.id,
)


def show(row: Row[Any]) -> Template:
    """A row of :func:`netweft.engine.queries.templates.select`."""
    return Template(
        id=row.id,
        href=f"/templates/{row.id}",
        name=row.name,
        description=row.description,
        comment=row.comment,
        bios=Bios(boot_menu=BootMenu(enabled=False), type="q35_sea_bios"),
        console=Enabled(enabled=row.console),
        cpu=hardware.cpu(row),
        creation_time=row.created_at,
        custom_properties=hardware.properties(row.custom_properties),
        delete_protected=row.delete_protected,
        display=Display(monitors=1, type="vnc"),
        high_availability=HighAvailability(enabled=False, priority=0),
        memory=row.memory,
        memory_policy=MemoryPolicy(ballooning=False, guaranteed=row.memory, max=row.memory),
        os=hardware.operating_system(row),
        stateless=row.stateless,
        status="ok",
        type=row.type,
        io=Io(threads=0),
        soundcard_enabled=False,
        sso=Sso(),
        usb=Enabled(enabled=False),
        version=TemplateVersion(version_name="base version", version_number=1),
        cluster=known(reference(Cluster, row.cluster_id) if row.cluster_id else None),
    )


def show_nic(row: Row[Any]) -> TemplateNic:
    """A row of :func:`netweft.engine.queries.templates.vnics_of`."""
    return TemplateNic(
        id=row.id,
        href=f"/templates/{row.template_id}/nics/{row.id}",
        name=row.name,
        description=row.description or UNSET,
        interface=row.interface,
        linked=row.linked,
        plugged=row.plugged,
        template=reference(Template, row.template_id),
        vnic_profile=known(reference(VnicProfile, row.profile_id) if row.profile_id else None),
    )


@loads(Template)
def load(tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, Template]:
    """Templates by their ids."""
    condition = authorize.visible(tx, call.actor, ObjectType.TEMPLATE)
    statement = queries.select().where(templates.c.id.in_(ids))
    return {row.id: show(row) for row in tx.execute(statement if condition is None else statement.where(condition))}


@routes.get("/templates", many(Template), needs=READ, queries=LISTED)
def list_templates(call: Call[None]) -> list[Template]:
    """All templates."""
    with call.read() as tx:
        return [show(row) for row in visible_page(tx, call, queries.select(), ObjectType.TEMPLATE, SEARCHABLE)]


@routes.get("/templates/{template_id}", Template, needs=READ)
def get_template(call: Call[None]) -> Template:
    """One template."""
    with call.read() as tx:
        see(tx, call, ObjectType.TEMPLATE, call.ids["template_id"])
        return show(queries.get(tx, call.ids["template_id"]))


@routes.post("/templates", Template, needs=ActionGroup.CREATE_TEMPLATE, queries=("clone_permissions", "seal"))
def post_template(call: Call[Template]) -> Template:
    """Add a template, like the virtual machine that it names with its vNICs, or empty."""
    body = call.body
    spec = AddTemplate(
        name=required(body.name, "Template [name]"),
        vm=ref(body.vm),
        cluster=ref(body.cluster),
        description=given(body.description, ""),
        comment=given(body.comment, ""),
        hardware=hardware.wanted(body),
        architecture=hardware.architecture(body),
        clone_permissions=call.query.flag("clone_permissions"),
    )
    template_id = call.run(add_template, call.actor, spec)
    with call.read() as tx:
        return show(queries.get(tx, template_id))


@routes.put("/templates/{template_id}", Template, needs=ActionGroup.EDIT_TEMPLATE_PROPERTIES)
def put_template(call: Call[Template]) -> Template:
    """Change a template; machines that were made from it stay as they are."""
    body = call.body
    spec = UpdateTemplate(
        id=call.ids["template_id"],
        name=keep(body.name),
        description=keep(body.description),
        comment=keep(body.comment),
        hardware=hardware.wanted(body),
        architecture=hardware.architecture(body),
    )
    call.run(update_template, call.actor, spec)
    with call.read() as tx:
        return show(queries.get(tx, spec.id))


@routes.delete("/templates/{template_id}", needs=ActionGroup.DELETE_TEMPLATE)
def delete_template(call: Call[None]) -> None:
    """Remove a template from which no machine was made."""
    call.run(remove_template, call.actor, call.ids["template_id"])


@loads_link(Template, "nics")
def load_nics(tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, list[TemplateNic]]:
    """The vNICs of templates."""
    condition = authorize.visible(tx, call.actor, ObjectType.TEMPLATE)
    statement = select(templates.c.id).where(templates.c.id.in_(ids))
    seen = list(tx.scalars(statement if condition is None else statement.where(condition)))
    rows = queries.vnics_of(tx, seen)
    return {template_id: [show_nic(row) for row in rows.get(template_id, [])] for template_id in seen}


@routes.get("/templates/{template_id}/nics", many(TemplateNic), needs=READ)
def list_nics_of_template(call: Call[None]) -> list[TemplateNic]:
    """The vNICs that machines made from the template begin with, by name."""
    template_id = call.ids["template_id"]
    with call.read() as tx:
        see(tx, call, ObjectType.TEMPLATE, template_id)
        return [show_nic(row) for row in queries.vnics_of(tx, (template_id,))[template_id]]


@routes.get("/templates/{template_id}/nics/{nic_id}", TemplateNic, needs=READ)
def get_nic_of_template(call: Call[None]) -> TemplateNic:
    """One vNIC of a template."""
    with call.read() as tx:
        return _nic(tx, call, call.ids["nic_id"])


def _nic(tx: Tx, call: Call[Any], vnic_id: str) -> TemplateNic:
    see(tx, call, ObjectType.TEMPLATE, call.ids["template_id"])
    return show_nic(queries.get_vnic(tx, call.ids["template_id"], vnic_id))


@routes.post("/templates/{template_id}/nics", TemplateNic, needs=ActionGroup.CONFIGURE_TEMPLATE_NETWORK)
def post_nic_of_template(call: Call[TemplateNic]) -> TemplateNic:
    """Add a vNIC to a template."""
    body = call.body
    profile_id = profile_of(call, body)
    spec = AddTemplateVnic(
        template_id=call.ids["template_id"],
        name=required(body.name, "Nic [name]"),
        profile_id=None if profile_id is KEEP else profile_id,
        description=given(body.description, ""),
        interface=given(body.interface, "virtio"),
        plugged=given(body.plugged, True),
        linked=given(body.linked, True),
    )
    vnic_id = call.run(add_template_vnic, call.actor, spec)
    with call.read() as tx:
        return _nic(tx, call, vnic_id)


@routes.put("/templates/{template_id}/nics/{nic_id}", TemplateNic, needs=ActionGroup.CONFIGURE_TEMPLATE_NETWORK)
def put_nic_of_template(call: Call[TemplateNic]) -> TemplateNic:
    """Change a vNIC of a template; a ``vnic_profile`` without id and name takes it off its network."""
    body = call.body
    profile_id = profile_of(call, body)
    spec = UpdateTemplateVnic(
        template_id=call.ids["template_id"],
        id=call.ids["nic_id"],
        name=keep(body.name),
        profile_id=profile_id,
        description=keep(body.description),
        interface=keep(body.interface),
        plugged=keep(body.plugged),
        linked=keep(body.linked),
    )
    call.run(update_template_vnic, call.actor, spec)
    with call.read() as tx:
        return _nic(tx, call, spec.id)


@routes.delete("/templates/{template_id}/nics/{nic_id}", needs=ActionGroup.CONFIGURE_TEMPLATE_NETWORK)
def delete_nic_of_template(call: Call[None]) -> None:
    """Remove a vNIC of a template."""
    call.run(remove_template_vnic, call.actor, call.ids["template_id"], call.ids["nic_id"])
