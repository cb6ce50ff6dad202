"""What commands on the parts of a network share: its lock, the right to configure it, its events. Parts of commands."""

from __future__ import annotations

from netweft.engine import audit
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.db import Tx, lock
from netweft.engine.model.networks import NetworkRow, networks


def lock_network(tx: Tx, actor: Actor, network_id: str) -> NetworkRow:
    """Lock a network to change its subnets or port profiles.

    Needs CONFIGURE_STORAGE_POOL_NETWORK on it. Raises NotFoundError, DeniedError.
    """
    network = lock(tx, networks, network_id)
    authorize.require(tx, actor, ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK, ObjectRef(ObjectType.NETWORK, network_id))
    return network


def record_event(tx: Tx, actor: Actor, code: int, text: str, network: NetworkRow) -> None:
    """An event about a network; ``text`` is completed with the user's name."""
    about = audit.About(data_center=network.data_center_id, network=network.id)
    audit.record(tx, actor, code, f"{text} by {actor.name}.", **about)
