"""Reads of templates and their vNICs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import sqlalchemy as sa

from netweft.core.errors import NotFoundError
from netweft.engine.db import Tx
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.networks import networks
from netweft.engine.model.templates import TemplateRow, TemplateVnicRow, template_vnics, templates
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.noun import Noun, ObjectType, across, searched
from netweft.engine.queries.grouping import grouped
from netweft.engine.queries.tags import having

BLANK_ID = "00000000-0000-0000-0000-000000000000"
"""The id of the template Blank, the same in every engine (oVirt)."""


class TemplateDetails(TemplateRow, frozen=True, kw_only=True):
    """A template, and its cluster's name and data centre (None for those of no cluster)."""

    cluster_name: str | None
    architecture: str | None
    data_center_id: str | None


_clusters = clusters.alias()


def _everywhere(cluster_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """A template of no cluster is found in each."""
    return sa.or_(templates.c.cluster_id.is_(None), templates.c.cluster_id == cluster_id)


def _data_center(test: Callable[[Any], sa.ColumnElement[bool]]) -> sa.ColumnElement[bool]:
    inside = sa.select(data_centers.c.id).join(_clusters, _clusters.c.data_center_id == data_centers.c.id)
    return sa.exists(inside.where(_everywhere(_clusters.c.id), test(data_centers.c.name)))


TEMPLATES = Noun(
    templates,
    TemplateDetails,
    "template",
    sa.select(
        templates,
        clusters.c.name.label("cluster_name"),
        clusters.c.cpu_architecture.label("architecture"),
        clusters.c.data_center_id,
    ).select_from(templates.outerjoin(clusters, clusters.c.id == templates.c.cluster_id)),
    searched(
        templates,
        status=sa.literal("ok"),
        tag=having("template", templates.c.id),
        cluster=across(_clusters, _everywhere(_clusters.c.id)),
        datacenter=_data_center,
        vm__name=across(vms, vms.c.template_id == templates.c.id),
    ),
    object_type=ObjectType.TEMPLATE,
)
get = TEMPLATES.get


class TemplateVnicDetails(TemplateVnicRow, frozen=True, kw_only=True):
    """A vNIC of a template with its network (None for none)."""

    network_id: str | None
    passthrough: bool | None
    network_name: str | None
    vm_network: bool | None


TEMPLATE_VNICS = Noun(
    template_vnics,
    TemplateVnicDetails,
    "vNIC",
    sa.select(
        template_vnics,
        vnic_profiles.c.network_id,
        vnic_profiles.c.passthrough,
        networks.c.name.label("network_name"),
        networks.c.vm_network,
    ).select_from(
        template_vnics.outerjoin(vnic_profiles, vnic_profiles.c.id == template_vnics.c.profile_id).outerjoin(
            networks, networks.c.id == vnic_profiles.c.network_id
        )
    ),
    {name: template_vnics.c[name] for name in ("name", "id", "description", "interface", "plugged", "linked")},
    parent="template_id",
)


def vnics_of(tx: Tx, template_ids: Collection[str]) -> dict[str, list[TemplateVnicDetails]]:
    """The vNICs of each template by name."""
    wanted = TEMPLATE_VNICS.select.where(template_vnics.c.template_id.in_(template_ids))
    return grouped(TEMPLATE_VNICS.all(tx, wanted.order_by(template_vnics.c.name)), "template_id")


def get_vnic(tx: Tx, template_id: str, vnic_id: str) -> TemplateVnicDetails:
    """One row of :func:`vnics_of`; raises NotFoundError when the template has no such vNIC."""
    found = [row for row in vnics_of(tx, (template_id,))[template_id] if row.id == vnic_id]
    if not found:
        raise NotFoundError(f"Template {template_id} has no vNIC with the id {vnic_id}.")
    return found[0]


def vms_made_from(tx: Tx, template_id: str) -> list[str]:
    """Names of the virtual machines that were made from a template, by name."""
    return list(tx.scalars(sa.select(vms.c.name).where(vms.c.template_id == template_id).order_by(vms.c.name)))


def profiles_for_vms(tx: Tx, cluster_id: str) -> set[str]:
    """The ids of the vNIC profiles of these networks."""
    return set(tx.scalars(sa.select(vnic_profiles.c.id).where(vnic_profiles.c.network_id.in_(_for_vms(cluster_id)))))


def networks_for_vms(tx: Tx, cluster_id: str) -> set[str]:
    """The ids of the networks of a cluster that vNICs can be on."""
    return set(tx.scalars(_for_vms(cluster_id)))


def _for_vms(cluster_id: str) -> sa.Select[Any]:
    query = sa.select(networks.c.id).join(cluster_networks, cluster_networks.c.network_id == networks.c.id)
    return query.where(cluster_networks.c.cluster_id == cluster_id, networks.c.vm_network)
