"""The desired and actual state of vNICs' ports on network providers. Parts of commands and jobs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from netweft.engine.actor import Actor
from netweft.engine.db import Tx, utc_now
from netweft.engine.model.networks import networks
from netweft.engine.model.provider_objects import provider_objects
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.model.vnics import vnics
from netweft.engine.operations import provider_objects as objects
from netweft.engine.operations import vnic_sync
from netweft.engine.queries.ports import PORT, PortNeeds
from netweft.engine.statements import Statement

_OF_VM = sa.and_(provider_objects.c.kind == PORT, provider_objects.c.parent_id == sa.bindparam("vm_id"))
_IN_USE = sa.exists(
    sa.select(vnics.c.id)
    .join(vnic_profiles, vnic_profiles.c.id == vnics.c.profile_id)
    .join(networks, networks.c.id == vnic_profiles.c.network_id)
    .where(
        vnics.c.id == provider_objects.c.object_id,
        vnics.c.plugged,
        networks.c.provider_id == provider_objects.c.provider_id,
    )
    .correlate(provider_objects)
)
_RELEASED = (
    sa.update(provider_objects)
    .where(_OF_VM, provider_objects.c.wanted == "present")
    .values(wanted="absent", state="locked", error="", attempts=0, next_try=sa.bindparam("now"))
)
_PUT_OFF = Statement(
    sa.update(provider_objects)
    .where(_OF_VM, provider_objects.c.wanted == "present", provider_objects.c.next_try.is_not(None))
    .values(next_try=sa.bindparam("later"))
)
_RELEASE, _RELEASE_UNUSED = Statement(_RELEASED), Statement(_RELEASED.where(~_IN_USE))


def want(tx: Tx, needs: Sequence[PortNeeds]) -> None:
    """Want ports for these vNICs, until they are released."""
    for need in needs:
        objects.begin(tx, PORT, need.vnic_id, need.provider_id, need.vm_id)


def want_again(tx: Tx, *which: sa.ColumnElement[bool]) -> None:
    """Update these ports after they or their networks have changed: now, or when their machine runs again and its
    status is known.
    """
    objects.want_again(tx, provider_objects.c.kind == PORT, *which)


def of_vnics(*which: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Selects the ports of these vNICs."""
    return provider_objects.c.object_id.in_(sa.select(vnics.c.id).where(*which))


def record(tx: Tx, actor: Actor, vnic_id: str, provider_id: str, **facts: Any) -> None:  # noqa: ANN401 - of columns
    """Record a port that is bound to a host. ``facts``: by column. A guest that runs with another port or MTU is out of
    sync until its vNIC is unplugged and plugged in again.
    """
    before = _FACTS.first(tx, vnic_id=vnic_id, provider_id=provider_id)
    external_id, mtu = before or ("", 0)
    objects.done(tx, PORT, vnic_id, provider_id, **facts)
    if external_id and (external_id, mtu) != (facts["external_id"], facts["mtu"]):
        vnic_sync.mark(tx, vnics.c.id == vnic_id)
        vnic_sync.sync_guests(tx, actor, vnic_sync.ON_NETWORK_UPDATE, vnics.c.id == vnic_id)


_FACTS = Statement(
    sa.select(provider_objects.c.external_id, provider_objects.c.mtu).where(
        provider_objects.c.kind == PORT,
        provider_objects.c.object_id == sa.bindparam("vnic_id"),
        provider_objects.c.provider_id == sa.bindparam("provider_id"),
    )
)


def release(tx: Tx, vm_id: str, *, unused_only: bool = False) -> None:
    """Release the ports of a machine's vNICs: all, or those of vNICs that are not plugged into a network of the
    provider.
    """
    (_RELEASE_UNUSED if unused_only else _RELEASE).run(tx, vm_id=vm_id, now=utc_now())


def put_off(tx: Tx, vm_id: str) -> None:
    """Postpone the ports of a machine that are due now."""
    _PUT_OFF.run(tx, vm_id=vm_id, later=utc_now() + timedelta(seconds=objects.WORKING))


def forget(tx: Tx, vnic_id: str, provider_id: str) -> None:
    """The provider has removed a released port. Retry removals there that have waited for it."""
    objects.forget(tx, PORT, vnic_id, provider_id)
    here = provider_objects.c.provider_id == provider_id, provider_objects.c.kind != PORT
    objects.try_now(tx, provider_objects.c.wanted == "absent", *here)


def postpone(tx: Tx, provider_id: str, vnic_ids: Collection[str], reason: str) -> None:
    """Record failures of ports on a provider, to be retried later."""
    here = provider_objects.c.kind == PORT, provider_objects.c.provider_id == provider_id
    objects.postpone(tx, reason, *here, provider_objects.c.object_id.in_(vnic_ids))
