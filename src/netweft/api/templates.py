"""Templates: what VMs are made from (Blank unless they say otherwise), at ``/templates``, and their vNICs."""

from __future__ import annotations

from msgspec import UNSET

from netweft.api import hardware
from netweft.api.collections import Collection, same_fields, spec_fields
from netweft.api.request_fields import ref, required
from netweft.api.routes import Call, Routes
from netweft.api.schema import or_unset, reference
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
from netweft.engine.access.roles import ActionGroup
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
from netweft.engine.model.templates import TemplateVnicRow
from netweft.engine.queries import templates as queries
from netweft.engine.queries.templates import TemplateDetails

routes = Routes("templates")


def show(row: TemplateDetails) -> Template:
    """A template."""
    return Template(
        **same_fields(Template, row),
        href=f"/templates/{row.id}",
        bios=Bios(boot_menu=BootMenu(enabled=False), type="q35_sea_bios"),
        console=Enabled(enabled=row.console),
        cpu=hardware.cpu(row),
        creation_time=row.created_at,
        custom_properties=hardware.properties(row.custom_properties),
        display=Display(monitors=1, type="vnc"),
        high_availability=HighAvailability(enabled=False, priority=0),
        memory_policy=MemoryPolicy(ballooning=False, guaranteed=row.memory, max=row.memory),
        os=hardware.operating_system(row),
        status="ok",
        io=Io(threads=0),
        soundcard_enabled=False,
        sso=Sso(),
        usb=Enabled(enabled=False),
        version=TemplateVersion(version_name="base version", version_number=1),
        cluster=or_unset(reference(Cluster, row.cluster_id) if row.cluster_id else None),
    )


def show_nic(row: TemplateVnicRow) -> TemplateNic:
    """A vNIC of a template."""
    return TemplateNic(
        **same_fields(TemplateNic, row, "description"),
        href=f"/templates/{row.template_id}/nics/{row.id}",
        description=row.description or UNSET,
        template=reference(Template, row.template_id),
        vnic_profile=or_unset(reference(VnicProfile, row.profile_id) if row.profile_id else None),
    )


TEMPLATES = Collection(routes, queries.TEMPLATES, Template, "/templates/{template_id}", show=show)
TEMPLATES.reads("All templates.", "One template.")


@routes.post("/templates", Template, needs=ActionGroup.CREATE_TEMPLATE, queries=("clone_permissions", "seal"))
def post_template(call: Call[Template]) -> Template:
    """Add a template, like the virtual machine that it names with its vNICs, or empty."""
    body = call.body
    required(body.name, "Template [name]")
    spec = AddTemplate(
        **spec_fields(body, AddTemplate),
        vm=ref(body.vm),
        cluster=ref(body.cluster),
        hardware=hardware.wanted(body),
        architecture=hardware.architecture(body),
        clone_permissions=call.query.flag("clone_permissions"),
    )
    return TEMPLATES.one(call, call.run(add_template, call.actor, spec))


@TEMPLATES.changes(ActionGroup.EDIT_TEMPLATE_PROPERTIES)
def change_template(call: Call[Template]) -> None:
    """Change a template; machines that were made from it stay as they are."""
    spec = UpdateTemplate(
        id=TEMPLATES.id(call),
        **spec_fields(call.body, UpdateTemplate),
        hardware=hardware.wanted(call.body),
        architecture=hardware.architecture(call.body),
    )
    call.run(update_template, call.actor, spec)


TEMPLATES.removes(ActionGroup.DELETE_TEMPLATE, remove_template, "Remove a template from which no machine was made.")


NICS = Collection(routes, queries.TEMPLATE_VNICS, TemplateNic, "/templates/{template_id}/nics/{nic_id}", show=show_nic)
NICS.reads("The vNICs that machines made from the template begin with, by name.", "One vNIC of a template.")
NICS.follows(Template, "nics")


@routes.post("/templates/{template_id}/nics", TemplateNic, needs=ActionGroup.CONFIGURE_TEMPLATE_NETWORK)
def post_nic_of_template(call: Call[TemplateNic]) -> TemplateNic:
    """Add a vNIC to a template."""
    body = call.body
    required(body.name, "Nic [name]")
    spec = AddTemplateVnic(
        template_id=call.ids["template_id"], **spec_fields(body, AddTemplateVnic), profile_id=profile_of(call, body)
    )
    return NICS.one(call, call.run(add_template_vnic, call.actor, spec))


@NICS.changes(ActionGroup.CONFIGURE_TEMPLATE_NETWORK)
def change_nic(call: Call[TemplateNic]) -> None:
    """Change a vNIC of a template; a ``vnic_profile`` without id and name takes it off its network."""
    body = call.body
    spec = UpdateTemplateVnic(
        template_id=call.ids["template_id"],
        id=NICS.id(call),
        **spec_fields(body, UpdateTemplateVnic),
        profile_id=profile_of(call, body),
    )
    call.run(update_template_vnic, call.actor, spec)


NICS.removes(ActionGroup.CONFIGURE_TEMPLATE_NETWORK, remove_template_vnic, "Remove a vNIC of a template.")
