"""Hosts as members of clusters: what of a cluster their networking depends on, and that each is a chassis of OVN where
the default provider wants it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from netweft.core.intent import ChassisIntent
from netweft.core.protocol import Ability, HostReport
from netweft.core.rules.provider import mappings_of
from netweft.engine.db import Tx
from netweft.engine.model.clusters import clusters
from netweft.engine.model.hosts import HostRow, hosts
from netweft.engine.model.providers import providers
from netweft.engine.model.rollouts import NetworkInCluster
from netweft.engine.statements import Among, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """The plugin settings of a cluster's default provider for hosts. ``id``, ``name``: of the provider."""

    id: str
    name: str
    remote: str
    mappings: Mapping[str, str]


class HostInCluster(HostRow, frozen=True, kw_only=True):
    """A host, and of its cluster what networking depends on, with the cluster's default provider, if it has one."""

    cluster_name: str
    switch_type: str
    provider_id: str | None
    provider_name: str | None
    plugin_remote: str | None
    plugin_mappings: str | None

    @property
    def plugin(self) -> Plugin | None:
        """What the provider wants on hosts, None when there is none that wants anything."""
        if not (self.provider_id and self.plugin_remote):
            return None
        mappings = mappings_of(self.plugin_mappings or "")
        return Plugin(id=self.provider_id, name=self.provider_name or "", remote=self.plugin_remote, mappings=mappings)


def in_clusters(tx: Tx, host_ids: Collection[str]) -> list[HostInCluster]:
    """Those of the hosts that exist."""
    return _HOSTS.all(tx, ids=host_ids)


_HOSTS = Statement(
    sa.select(
        hosts,
        clusters.c.name.label("cluster_name"),
        clusters.c.switch_type,
        clusters.c.provider_id,
        providers.c.name.label("provider_name"),
        providers.c.plugin_remote,
        providers.c.plugin_mappings,
    )
    .join(clusters, clusters.c.id == hosts.c.cluster_id)
    .outerjoin(providers, providers.c.id == clusters.c.provider_id)
    .where(Among(hosts.c.id, "ids")),
    record=HostInCluster,
)


def chassis_of(
    row: HostInCluster, networks: Sequence[NetworkInCluster], report: HostReport | None, *, is_copy: bool
) -> ChassisIntent | None:
    """The OVN configuration for a host, None where no provider needs one or the host has no ovn-controller.

    ``networks``: at least those of its cluster, of which the management network is the one over which chassis send to
    each other. ``is_copy``: whether another host is the same chassis, as the one was cloned from the other.
    """
    plugin = row.plugin
    if plugin is None or report is None or Ability.OVN in report.capabilities.lacks:
        return None
    here = [one for one in networks if one.cluster_id == row.cluster_id]
    tunnel = next((one.id for one in here if one.management), None)
    if tunnel is None:
        return None
    return ChassisIntent(
        system_id=row.id,
        remote=plugin.remote,
        tunnel_network=tunnel,
        mappings=_mappings(here, plugin),
        is_copy=is_copy,
    )


def _mappings(networks: Sequence[NetworkInCluster], plugin: Plugin) -> dict[str, str]:
    """The networks of hosts that the provider's physical networks are, by these. It is the one that the provider's
    mappings name, the one that a network there was made from, or the one that is called so on hosts. A name that
    ovn-controller cannot accept, as it contains one of its separators, is left out: placements report it as missing.
    """
    native = [one for one in networks if one.provider_id is None]
    named = {one.host_side_name: one.id for one in native} | {one.name: one.id for one in native}
    wired = [one for one in networks if one.provider_id == plugin.id and one.physical_network]
    found = {one.physical_network: one.physical_network_id or named.get(one.physical_network) for one in wired}
    found |= {physical: named.get(name) for physical, name in plugin.mappings.items()}
    return {
        physical: network_id
        for physical, network_id in sorted(found.items())
        if network_id and not _SEPARATORS & set(physical)
    }


_SEPARATORS = frozenset(",: ")


def lack_of(row: HostInCluster, report: HostReport) -> str:
    """A sentence when a host has not what the provider of its cluster wants there, else empty."""
    if row.plugin is None or Ability.OVN not in report.capabilities.lacks:
        return ""
    return (
        f"Host {row.name} has no ovn-controller, which provider {row.plugin.name} of its cluster needs there. Have the"
        " engine install it (netweft host install), or install openvswitch-switch and ovn-host there and start the"
        " agent again."
    )
