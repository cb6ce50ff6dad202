"""The things that rights are about, and which is above which.

system -> data centre -> cluster -> host, VM; data centre -> network -> vNIC profile; system -> MAC pool, template.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Table

from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.hosts import hosts
from netweft.engine.model.mac_pools import mac_pools
from netweft.engine.model.networks import networks
from netweft.engine.model.templates import templates
from netweft.engine.model.vms import vms
from netweft.engine.model.vnic_profiles import vnic_profiles

SYSTEM_ID = "aaa00000-0000-0000-0000-123456789aaa"
"""The object above all others (oVirt's id of it)."""


class ObjectType(StrEnum):
    """What permissions can be given on."""

    SYSTEM = "system"
    DATA_CENTER = "data_center"
    CLUSTER = "cluster"
    HOST = "host"
    NETWORK = "network"
    VNIC_PROFILE = "vnic_profile"
    VM = "vm"
    TEMPLATE = "template"
    MAC_POOL = "mac_pool"


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """A thing that rights are about."""

    type: ObjectType
    id: str


SYSTEM_REF = ObjectRef(ObjectType.SYSTEM, SYSTEM_ID)

_TABLES = {
    ObjectType.DATA_CENTER: data_centers,
    ObjectType.CLUSTER: clusters,
    ObjectType.HOST: hosts,
    ObjectType.NETWORK: networks,
    ObjectType.VNIC_PROFILE: vnic_profiles,
    ObjectType.VM: vms,
    ObjectType.TEMPLATE: templates,
    ObjectType.MAC_POOL: mac_pools,
}
PARENT = {
    ObjectType.CLUSTER: (ObjectType.DATA_CENTER, "data_center_id"),
    ObjectType.HOST: (ObjectType.CLUSTER, "cluster_id"),
    ObjectType.VM: (ObjectType.CLUSTER, "cluster_id"),
    ObjectType.NETWORK: (ObjectType.DATA_CENTER, "data_center_id"),
    ObjectType.VNIC_PROFILE: (ObjectType.NETWORK, "network_id"),
}
"""The type of the thing that is above those of a type, and the column that says which. The system is above all."""


def table_of(object_type: ObjectType) -> Table:
    """The table in which things of a type are rows."""
    return _TABLES[object_type]
