"""Taking over what a host carries and the engine does not know of, as after its database was restored from a backup."""

from __future__ import annotations

from typing import Literal

import msgspec
import sqlalchemy as sa

from netweft.core.desired import AttachmentIntent, BondIntent, HostQos, IpAssignment
from netweft.core.host import Host
from netweft.core.nic_view import BondView, nic_views
from netweft.core.sync import Location, locate_networks, reported_qos
from netweft.engine.db import Tx, new_id
from netweft.engine.model.host_networks import attachments, host_bonds
from netweft.engine.model.networks import networks
from netweft.engine.model.qos import qoss
from netweft.engine.queries.host_networks import QOS_LIMITS, network_qos


def adopt(tx: Tx, host_id: str, host: Host) -> None:
    """Make attachments and bonds of what is ours on the host and in no row: the networks that the engine still knows,
    with the addresses that they have there, and the bonds under them.

    Otherwise the next change, made for something else, would silently take them off the host.
    """
    has = set(tx.scalars(sa.select(attachments.c.network_id).where(attachments.c.host_id == host_id)))
    found = {key: place for key, place in locate_networks(host).items() if key not in has and place.base}
    columns = [networks.c.id, networks.c.qos_id, *(qoss.c[name] for name in QOS_LIMITS)]
    query = sa.select(*columns).outerjoin(qoss, qoss.c.id == networks.c.qos_id).where(networks.c.id.in_(found))
    known = {row.id: network_qos(row) for row in tx.execute(query)}
    new = [_attachment(place, known[key]) for key, place in found.items() if key in known]
    if new:
        tx.execute(sa.insert(attachments), [{"host_id": host_id, **msgspec.to_builtins(one)} for one in new])
    named = set(tx.scalars(sa.select(host_bonds.c.name).where(host_bonds.c.host_id == host_id)))
    views = nic_views(host)
    under = sorted({one.nic for one in new} - named)
    bonds = [_bond(name, view) for name in under if (view := views[name].bond)]
    if bonds:
        tx.execute(sa.insert(host_bonds), [{"host_id": host_id, **msgspec.to_builtins(bond)} for bond in bonds])


def _attachment(place: Location, of_network: HostQos | None) -> AttachmentIntent:
    v4 = IpAssignment(method="dhcp") if place.dhcp4 else _static(place, 4, place.gateway4)
    if place.dhcp6 or place.autoconf:
        method = "poly_dhcp_autoconf" if place.dhcp6 and place.autoconf else "dhcp" if place.dhcp6 else "autoconf"
        v6 = IpAssignment(version=6, method=method)  # type: ignore[arg-type] # one of its literals
    else:
        v6 = _static(place, 6, place.gateway6)
    qos = reported_qos(place)
    return AttachmentIntent(
        id=new_id(),
        network_id=place.network_id,
        nic=place.base,
        assignments=(v4, v6),
        qos=None if qos == of_network else qos,
    )


def _static(place: Location, version: Literal[4, 6], gateway: str) -> IpAssignment:
    own = next((address for address in place.addresses if address.version == version), None)
    if own is None:
        return IpAssignment(version=version)
    return IpAssignment(version=version, method="static", address=own.ip, prefix=own.prefix, gateway=gateway)


def _bond(name: str, view: BondView) -> BondIntent:
    return BondIntent(id=new_id(), name=name, slaves=tuple(view.slaves), options={"mode": view.mode, **view.options})
