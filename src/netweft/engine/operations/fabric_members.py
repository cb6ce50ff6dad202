"""Members of the partitions of an InfiniBand fabric: ports of guests. Parts of commands and jobs.

The desired members follow from the functions that are assigned to vNICs, so they can be computed again at any time.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import NAMESPACE_OID, uuid5

import sqlalchemy as sa

from netweft.engine.actor import SYSTEM
from netweft.engine.db import Tx
from netweft.engine.model.functions import vnic_functions
from netweft.engine.model.port_profiles import port_profiles
from netweft.engine.model.provider_objects import ProviderObjectRow, provider_objects
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import vnics
from netweft.engine.operations import provider_objects as objects
from netweft.engine.operations.provider_networks import reconcile
from netweft.engine.queries.provider_objects import MEMBER

_Member = tuple[str, str, str]
"""A network, a provider, a GUID."""


def networks_of(tx: Tx, vnic_id: str) -> frozenset[str]:
    """The network of a vNIC, if it is on one."""
    query = sa.select(vnic_profiles.c.network_id).join(vnics, vnics.c.profile_id == vnic_profiles.c.id)
    return frozenset(tx.scalars(query.where(vnics.c.id == vnic_id)))


def networks_with(tx: Tx, guids: Collection[str]) -> frozenset[str]:
    """The networks whose partitions have members, or shall have them."""
    here = provider_objects.c.kind == MEMBER, provider_objects.c.external_id.in_(guids)
    return frozenset(tx.scalars(sa.select(provider_objects.c.parent_id).where(*here)))


def align(tx: Tx, network_ids: Collection[str]) -> None:
    """Want the ports that are assigned to vNICs as members on the fabrics that carry these networks, and no others of
    ours. A fabric that no longer carries a network keeps those that guests still use.
    """
    if not network_ids:
        return
    # Serialized, each with the rows of the one before: the members are computed from several reads.
    profiles = port_profiles.c.network_id, port_profiles.c.provider_id
    query = sa.select(*profiles).where(port_profiles.c.network_id.in_(network_ids)).order_by(*profiles)
    tx.execute(query.with_for_update()).all()
    desired, known = _wanted(tx, network_ids), _existing(tx, network_ids)
    promised = _promised(tx, network_ids)
    gone = {one for one in known - desired if (one[0], one[2]) not in promised}
    for network_id, provider_id, guid in sorted(desired - known):
        member_id = _id(network_id, guid)
        objects.want(tx, MEMBER, member_id, provider_id, network_id)
        at = provider_objects.c.kind == MEMBER, provider_objects.c.object_id == member_id
        here = provider_objects.c.provider_id == provider_id
        tx.execute(sa.update(provider_objects).where(*at, here).values(external_id=guid))
    for network_id, provider_id, guid in sorted(gone):
        at = provider_objects.c.kind == MEMBER, provider_objects.c.object_id == _id(network_id, guid)
        objects.release(tx, *at, provider_objects.c.provider_id == provider_id)
    for provider_id in sorted({provider_id for _, provider_id, _ in (desired - known) | gone}):
        reconcile(tx, SYSTEM, provider_id)


def align_all(tx: Tx, provider_id: str) -> None:
    """The same for all networks that a fabric carries, or still has members of."""
    carried = sa.select(port_profiles.c.network_id).where(port_profiles.c.provider_id == provider_id)
    here = provider_objects.c.kind == MEMBER, provider_objects.c.provider_id == provider_id
    align(tx, {*tx.scalars(carried), *tx.scalars(sa.select(provider_objects.c.parent_id).where(*here))})


def compare(
    tx: Tx, provider_id: str, before: Collection[ProviderObjectRow], there: Collection[tuple[str, str]]
) -> None:
    """Compare with the members found on a fabric, by networks and GUIDs. Missing ones of ours are added again.
    ``before``: our objects when the fabric was queried.
    """
    asked = [row for row in before if row.kind == MEMBER and row.state == "ok" and row.wanted == "present"]
    missing = [row.object_id for row in asked if (row.parent_id, row.external_id) not in there]
    at = provider_objects.c.kind == MEMBER, provider_objects.c.object_id.in_(missing)
    if missing and objects.want_again(tx, *at, provider_objects.c.provider_id == provider_id):
        reconcile(tx, SYSTEM, provider_id)


def _wanted(tx: Tx, network_ids: Collection[str]) -> set[_Member]:
    query = (
        sa.select(port_profiles.c.network_id, port_profiles.c.provider_id, vnic_functions.c.guid)
        .distinct()
        .join(vnic_profiles, vnic_profiles.c.network_id == port_profiles.c.network_id)
        .join(vnics, vnics.c.profile_id == vnic_profiles.c.id)
        .join(vnic_functions, vnic_functions.c.vnic_id == vnics.c.id)
        .where(port_profiles.c.network_id.in_(network_ids), vnic_functions.c.guid != "")
    )
    return set(tx.execute(query))


def _promised(tx: Tx, network_ids: Collection[str]) -> set[tuple[str, str]]:
    query = (
        sa.select(vnic_profiles.c.network_id, vnic_functions.c.guid)
        .join(vnics, vnics.c.profile_id == vnic_profiles.c.id)
        .join(vnic_functions, vnic_functions.c.vnic_id == vnics.c.id)
    )
    here = vnic_profiles.c.network_id.in_(network_ids), vnic_functions.c.guid != ""
    return set(tx.execute(query.where(*here)))


def _existing(tx: Tx, network_ids: Collection[str]) -> set[_Member]:
    here = provider_objects.c.kind == MEMBER, provider_objects.c.parent_id.in_(network_ids)
    columns = (provider_objects.c.parent_id, provider_objects.c.provider_id, provider_objects.c.external_id)
    return set(tx.execute(sa.select(*columns).where(*here, provider_objects.c.wanted == "present")))


def _id(network_id: str, guid: str) -> str:
    return str(uuid5(NAMESPACE_OID, f"{network_id}/{guid}"))
