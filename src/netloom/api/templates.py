"""Templates: Blank, which every new VM is made from unless it says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import exists, literal, select
from sqlalchemy.engine import Row

from netloom.api.follow import loads
from netloom.api.routes import READ, Call, Routes, many
from netloom.api.search import LISTED, Searchable
from netloom.api.shown import columns, see, visible_page
from netloom.api.types import (
    Boot,
    Cpu,
    CpuTopology,
    Display,
    Enabled,
    HighAvailability,
    MemoryPolicy,
    Nic,
    OperatingSystem,
    Template,
    TemplateVersion,
)
from netloom.engine.commands import authorize
from netloom.engine.commands.authorize import ObjectType
from netloom.engine.db import Tx
from netloom.engine.model.clusters import clusters
from netloom.engine.model.data_centers import data_centers
from netloom.engine.model.templates import templates
from netloom.engine.model.vms import vms
from netloom.engine.queries import templates as queries

routes = Routes("templates")

SEARCHABLE = Searchable(
    columns(
        templates,
        status=literal("ok"),
        # A template belongs to no cluster, so it is found in each.
        cluster=lambda test: exists(select(clusters.c.id).where(test(clusters.c.name))),
        datacenter=lambda test: exists(select(data_centers.c.id).where(test(data_centers.c.name))),
        **{
            "vm.name": lambda test: exists(
                select(vms.c.id).where(vms.c.template_id == templates.c.id, test(vms.c.name))
            )
        },
    ),
    key=templates.c.id,
)


def show(row: Row[Any]) -> Template:
    """A row of :func:`netloom.engine.queries.templates.select`."""
    return Template(
        id=row.id,
        href=f"/templates/{row.id}",
        name=row.name,
        description=row.description,
        comment=row.comment,
        console=Enabled(enabled=False),
        cpu=Cpu(
            architecture="undefined",
            topology=CpuTopology(cores=row.cores, sockets=row.sockets, threads=row.threads),
        ),
        creation_time=row.created_at,
        delete_protected=False,
        display=Display(monitors=1, type="vnc"),
        high_availability=HighAvailability(enabled=False, priority=0),
        memory=row.memory,
        memory_policy=MemoryPolicy(ballooning=False, guaranteed=row.memory, max=row.memory),
        os=OperatingSystem(boot=Boot(devices=["hd"]), type="other"),
        status="ok",
        type="server",
        version=TemplateVersion(version_name="base version", version_number=1),
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


@routes.get("/templates/{template_id}/nics", many(Nic), needs=READ)
def list_nics_of_template(call: Call[None]) -> list[Nic]:
    """The vNICs of a template: Blank has none."""
    with call.read() as tx:
        see(tx, call, ObjectType.TEMPLATE, call.ids["template_id"])
    return []
