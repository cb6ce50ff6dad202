"""``/netweft/v1/hosts/{id}/unmanagednetworks``: what others made on a host before Netweft came, which networks it
can become, and taking it over.
"""

from __future__ import annotations

import msgspec

from netweft.api.host_drifts import Adopted
from netweft.api.host_setup import when_idle
from netweft.api.network_attachments import visible_host
from netweft.api.routes import ADDITIONS, READ, Call, Later, Routes, many
from netweft.core.host_request import Ref
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.unmanaged_networks import AdoptUnmanaged, adopt_unmanaged, unmanaged_of

routes = Routes("unmanaged_networks", ADDITIONS)


class FittingNetwork(msgspec.Struct, kw_only=True, frozen=True):
    """A network of the host's cluster."""

    id: str
    name: str


class ForeignNetwork(msgspec.Struct, kw_only=True, frozen=True):
    """A bridge, VLAN device or port that Netweft did not create. ``nic``: the NIC or bond below it; ``vlan`` (null for
    none), ``mtu``, ``vm``, ``stp``: the values that a matching network must have; ``network``: the one that matches,
    null where none or several do; ``problem``: what prevents the adoption, null for nothing.
    """

    name: str
    nic: str
    vlan: int | None
    mtu: int
    vm: bool
    stp: bool
    addresses: list[str]
    network: FittingNetwork | None
    problem: str | None


class Wanted(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to adopt, and the name of the network that it becomes (null: the one that matches)."""

    name: str
    network: str | None = None


class AdoptNetworks(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """``networks``: what to adopt; none for everything that matches a network."""

    networks: tuple[Wanted, ...] = ()


@routes.get("/hosts/{host_id}/unmanagednetworks", many(ForeignNetwork), needs=READ)
def list_foreign(call: Call[None]) -> list[ForeignNetwork]:
    """Foreign configuration on a host, and the networks that it can become."""
    with call.read() as tx:
        data = visible_host(tx, call)
    return [
        ForeignNetwork(
            name=one.name,
            nic=one.nic,
            vlan=one.vlan,
            mtu=one.mtu,
            vm=one.vm,
            stp=one.stp,
            addresses=list(one.addresses),
            network=FittingNetwork(id=one.network_id, name=data.networks[one.network_id].name)
            if one.network_id
            else None,
            problem=one.problem or None,
        )
        for one in unmanaged_of(data)
    ]


@routes.post(
    "/hosts/{host_id}/unmanagednetworks/adopt",
    AdoptNetworks,
    gives=Adopted,
    needs=ActionGroup.CONFIGURE_HOST_NETWORK,
)
def post_adopt(call: Call[AdoptNetworks]) -> Adopted | Later:
    """Adopt foreign configuration of a host as networks, unchanged and without traffic loss."""
    wanted = {one.name: Ref(name=one.network) if one.network else None for one in call.body.networks}
    spec = AdoptUnmanaged(host_id=call.ids["host_id"], wanted=wanted)
    job_id = when_idle(call, spec.host_id, lambda: call.run(adopt_unmanaged, call.actor, spec))
    return Adopted(changed=False) if job_id is None else Later(job_id, lambda: Adopted(changed=True))
