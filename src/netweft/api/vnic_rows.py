"""``/netweft/v1/rows/vnics``: the vNICs of all virtual machines with what people want to see beside each: an addition
of Netweft, since oVirt lists them machine by machine.
"""

from __future__ import annotations

import msgspec

from netweft.api.routes import ADDITIONS, API, READ, Call, Routes, many
from netweft.api.search import LISTED, listed
from netweft.api.values import Named, named
from netweft.engine.access import visibility
from netweft.engine.queries import vnic_rows as queries
from netweft.engine.queries.vnic_rows import VnicLine

routes = Routes("rows", ADDITIONS)


class RowOfVnic(msgspec.Struct, kw_only=True, frozen=True):
    """A vNIC. ``href``: of it in oVirt's API; ``vm_status``: of its machine; ``host``: null where that does not run;
    ``profile``, ``network``: null for a vNIC on no network. ``synced``: whether the running vNIC matches its
    configuration. ``addresses``: of its network's subnets. ``same_mac``: other vNICs with its MAC address, as
    ``vm/vnic``.
    """

    id: str
    href: str
    name: str
    description: str
    mac: str
    interface: str
    plugged: bool
    linked: bool
    synced: bool
    vm: Named
    vm_status: str
    cluster: Named
    host: Named | None
    profile: Named | None
    network: Named | None
    addresses: list[str]
    same_mac: list[str]


@routes.get("/rows/vnics", many(RowOfVnic), needs=READ, queries=LISTED)
def list_vnics(call: Call[None]) -> list[RowOfVnic]:
    """The vNICs of all virtual machines, by machine and name."""
    with call.read() as tx:
        found = listed(tx, call, queries.VNICS)
        addresses = queries.addresses_of(tx, [row.id for row in found])
        holders = queries.holders(tx, visibility.narrow(tx, call.actor))
    return [
        _show(
            row,
            [one.address for one in addresses.get(row.id, ())],
            [f"{one.vm_name}/{one.name}" for one in holders.get(row.mac, ()) if one.id != row.id],
        )
        for row in found
    ]


def _show(row: VnicLine, addresses: list[str], same_mac: list[str]) -> RowOfVnic:
    return RowOfVnic(
        id=row.id,
        href=f"{API}/vms/{row.vm_id}/nics/{row.id}",
        name=row.name,
        description=row.description,
        mac=row.mac,
        interface=row.interface,
        plugged=row.plugged,
        linked=row.linked,
        synced=row.synced,
        vm=Named(id=row.vm_id, name=row.vm_name),
        vm_status=row.vm_status,
        cluster=Named(id=row.cluster_id, name=row.cluster_name),
        host=named(row.host_id, row.host_name),
        profile=named(row.profile_id, row.profile_name),
        network=named(row.network_id, row.network_name),
        addresses=addresses,
        same_mac=same_mac,
    )
