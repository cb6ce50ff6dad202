"""Reads of what uses a network, and of the hosts that it is on or should be on."""

from __future__ import annotations

import sqlalchemy as sa

from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.host_networks import attachments
from netweft.engine.model.hosts import hosts
from netweft.engine.model.networks import networks
from netweft.engine.model.records import Record
from netweft.engine.model.templates import template_vnics, templates
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import vnics
from netweft.engine.noun import Narrow, ObjectType, Searchable


class User(Record, frozen=True):
    """What uses a network. ``kind``: cluster, host, network (of a provider, over this one), template, vm or
    vnic_profile.
    """

    kind: str
    id: str
    name: str


def users(narrow: Narrow, network_id: str) -> Searchable[User]:
    """All that uses the network and may be seen, kind by kind."""
    on_it = vnic_profiles.c.network_id == network_id
    vnics_there = vnics.join(vnic_profiles, vnic_profiles.c.id == vnics.c.profile_id)
    template_vnics_there = template_vnics.join(vnic_profiles, vnic_profiles.c.id == template_vnics.c.profile_id)
    there = cluster_networks.c.network_id == network_id
    carried = attachments.c.network_id == network_id
    parts = (
        (ObjectType.CLUSTER, clusters, clusters.c.id.in_(sa.select(cluster_networks.c.cluster_id).where(there))),
        (ObjectType.HOST, hosts, hosts.c.id.in_(sa.select(attachments.c.host_id).where(carried))),
        (ObjectType.NETWORK, networks, networks.c.physical_network_id == network_id),
        (
            ObjectType.TEMPLATE,
            templates,
            templates.c.id.in_(sa.select(template_vnics.c.template_id).select_from(template_vnics_there).where(on_it)),
        ),
        (ObjectType.VM, vms, vms.c.id.in_(sa.select(vnics.c.vm_id).select_from(vnics_there).where(on_it))),
        (ObjectType.VNIC_PROFILE, vnic_profiles, on_it),
    )
    selects = [
        narrow(kind, sa.select(sa.literal(kind.value).label("kind"), table.c.id, table.c.name).where(condition))
        for kind, table, condition in parts
    ]
    everything = sa.union_all(*selects).subquery("users")
    fields = {name: everything.c[name] for name in ("name", "kind", "id")}
    return Searchable(sa.select(everything), User, fields, (fields["kind"], fields["name"], fields["id"]))


class NetworkHost(Record, frozen=True):
    """A host of a cluster that has a network; ``attachment_id``, ``nic``: None where the host does not carry it."""

    id: str
    name: str
    status: str
    cluster_id: str
    cluster_name: str
    attachment_id: str | None
    nic: str | None


def hosts_of(narrow: Narrow, network_id: str) -> Searchable[NetworkHost]:
    """The hosts that may be seen which carry a network or whose cluster has it."""
    in_cluster = sa.exists().where(
        cluster_networks.c.cluster_id == hosts.c.cluster_id, cluster_networks.c.network_id == network_id
    )
    statement = (
        sa.select(
            hosts.c.id,
            hosts.c.name,
            hosts.c.status,
            hosts.c.cluster_id,
            clusters.c.name.label("cluster_name"),
            attachments.c.id.label("attachment_id"),
            attachments.c.nic,
        )
        .join(clusters, clusters.c.id == hosts.c.cluster_id)
        .outerjoin(attachments, sa.and_(attachments.c.host_id == hosts.c.id, attachments.c.network_id == network_id))
        .where(sa.or_(attachments.c.id.is_not(None), in_cluster))
    )
    fields = {
        "name": hosts.c.name,
        "status": hosts.c.status,
        "cluster": clusters.c.name,
        "nic": attachments.c.nic,
    }
    return Searchable(narrow(ObjectType.HOST, statement), NetworkHost, fields, (hosts.c.name, hosts.c.id))
