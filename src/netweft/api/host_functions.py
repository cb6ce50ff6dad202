"""The virtual functions of hosts' NICs (SR-IOV): how many, and which networks they may serve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from msgspec import UnsetType

from netweft.api.host_nics import view_of
from netweft.api.host_setup import when_idle
from netweft.api.network_attachments import visible_host
from netweft.api.request_fields import required, required_ref
from netweft.api.routes import READ, Call, Later, Routes, many
from netweft.api.schema import keep, reference
from netweft.api.types import Action, HostNic, Network, NetworkLabel
from netweft.core.errors import MalformedError, NotFoundError
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.functions import (
    UpdateFunctions,
    add_label,
    add_network,
    remove_label,
    remove_network,
    update_functions,
)
from netweft.engine.db import Tx
from netweft.engine.model.networks import networks
from netweft.engine.queries.functions import Served, served
from netweft.engine.queries.networks import NETWORKS
from netweft.engine.queries.references import resolve

E = TypeVar("E", Network, NetworkLabel)

routes = Routes("hosts")

_NIC = "/hosts/{host_id}/nics/{nic_id}"


@routes.action(f"{_NIC}/updatevirtualfunctionsconfiguration", needs=ActionGroup.CONFIGURE_HOST_NETWORK)
def update_configuration(call: Call[Action]) -> Later | None:
    """Change how many virtual functions a NIC has, and whether they may serve all networks."""
    requested = call.body.virtual_functions_configuration
    if isinstance(requested, UnsetType):
        raise MalformedError("Action [virtual_functions_configuration] is required.")
    spec = UpdateFunctions(
        host_id=call.ids["host_id"],
        nic_id=call.ids["nic_id"],
        count=keep(requested.number_of_virtual_functions),
        all_networks=keep(requested.all_networks_allowed),
    )
    job_id = when_idle(call, spec.host_id, lambda: call.run(update_functions, call.actor, spec))
    return Later(job_id) if job_id else None


def _served(tx: Tx, call: Call[Any]) -> Served:
    """What the NIC of a request serves; nothing by name where all networks are allowed."""
    data = visible_host(tx, call)
    name = view_of(data, call.ids["nic_id"]).name
    return served(tx, (data.row.id,))[data.row.id].get(name, Served())


def _networks(tx: Tx, nic: str, ids: Sequence[str]) -> list[Network]:
    base = f"{nic}/virtualfunctionallowednetworks"
    found = NETWORKS.names(tx, ids)
    return [Network(id=network_id, name=name, href=f"{base}/{network_id}") for network_id, name in found.items()]


def _labels(nic: str, nic_id: str, labels: Sequence[str]) -> list[NetworkLabel]:
    base, owner = f"{nic}/virtualfunctionallowedlabels", reference(HostNic, nic_id, nic)
    return [NetworkLabel(id=label, href=f"{base}/{label}", host_nic=owner) for label in labels]


def _path(call: Call[Any]) -> str:
    return _NIC.format(**call.ids)


@routes.get(f"{_NIC}/virtualfunctionallowednetworks", many(Network), needs=READ)
def list_networks(call: Call[Any]) -> list[Network]:
    """The networks that a NIC's virtual functions may serve, where they are named."""
    with call.read() as tx:
        return _networks(tx, _path(call), _served(tx, call).networks)


def _one(call: Call[Any], named: Sequence[E], what: str, wanted: str) -> E:
    """Of what a NIC's virtual functions name, that with an id. Raises NotFoundError."""
    for one in named:
        if one.id == wanted:
            return one
    raise NotFoundError(f"The virtual functions of NIC {call.ids['nic_id']} do not name the {what} '{wanted}'.")


@routes.get(f"{_NIC}/virtualfunctionallowednetworks/{{network_id}}", Network, needs=READ)
def get_network(call: Call[None]) -> Network:
    """One of them."""
    return _one(call, list_networks(call), "network", call.ids["network_id"])


@routes.post(f"{_NIC}/virtualfunctionallowednetworks", Network, needs=ActionGroup.CONFIGURE_HOST_NETWORK)
def post_network(call: Call[Network]) -> Network:
    """Allow a network, given by id or name, on a NIC's virtual functions."""
    network = required_ref(call.body, "Network")
    with call.read() as tx:
        network_id = network.id or resolve(tx, networks, network, "network")
    call.run(add_network, call.actor, call.ids["host_id"], call.ids["nic_id"], network_id)
    return _one(call, list_networks(call), "network", network_id)


@routes.delete(f"{_NIC}/virtualfunctionallowednetworks/{{network_id}}", needs=ActionGroup.CONFIGURE_HOST_NETWORK)
def delete_network(call: Call[None]) -> None:
    """Stop serving the network with a NIC's virtual functions."""
    ids = call.ids
    call.run(remove_network, call.actor, ids["host_id"], ids["nic_id"], ids["network_id"])


@routes.get(f"{_NIC}/virtualfunctionallowedlabels", many(NetworkLabel), needs=READ)
def list_labels(call: Call[Any]) -> list[NetworkLabel]:
    """The labels whose networks a NIC's virtual functions may serve."""
    with call.read() as tx:
        return _labels(_path(call), call.ids["nic_id"], _served(tx, call).labels)


@routes.get(f"{_NIC}/virtualfunctionallowedlabels/{{label_id}}", NetworkLabel, needs=READ)
def get_label(call: Call[None]) -> NetworkLabel:
    """One of them."""
    return _one(call, list_labels(call), "label", call.ids["label_id"])


@routes.post(f"{_NIC}/virtualfunctionallowedlabels", NetworkLabel, needs=ActionGroup.CONFIGURE_HOST_NETWORK)
def post_label(call: Call[NetworkLabel]) -> NetworkLabel:
    """Allow the networks that have a label on a NIC's virtual functions."""
    label = required(call.body.id, "NetworkLabel [id]")
    call.run(add_label, call.actor, call.ids["host_id"], call.ids["nic_id"], label)
    return _one(call, list_labels(call), "label", label)


@routes.delete(f"{_NIC}/virtualfunctionallowedlabels/{{label_id}}", needs=ActionGroup.CONFIGURE_HOST_NETWORK)
def delete_label(call: Call[None]) -> None:
    """Stop serving the networks of the label with a NIC's virtual functions."""
    ids = call.ids
    call.run(remove_label, call.actor, ids["host_id"], ids["nic_id"], ids["label_id"])
