"""Networks of data centres, at ``/networks`` and below their data centre."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, UnsetType
from sqlalchemy import Select, exists, select
from sqlalchemy.engine import Row

from netweft.api import qos as qos_api
from netweft.api.follow import loads
from netweft.api.routes import READ, Call, Routes, many
from netweft.api.schema import given, keep, reference
from netweft.api.search import LISTED, Searchable
from netweft.api.shown import columns, id_of, kept_ref, required, required_ref, see, visible_page
from netweft.api.types import DataCenter, DnsResolverConfiguration, Network, Vlan
from netweft.core.errors import NotFoundError
from netweft.core.keep import KEEP, Keep
from netweft.engine.commands import authorize
from netweft.engine.commands.authorize import ActionGroup, ObjectType
from netweft.engine.commands.networks import AddNetwork, UpdateNetwork, add_network, remove_network, update_network
from netweft.engine.db import Tx
from netweft.engine.model.cluster_networks import cluster_networks
from netweft.engine.model.clusters import clusters
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.networks import networks
from netweft.engine.queries import networks as queries
from netweft.engine.queries.references import Ref

routes = Routes("networks")


def _in_cluster(test: Any) -> Any:  # noqa: ANN401 (conditions of SQLAlchemy)
    return exists(
        select(clusters.c.id)
        .join(cluster_networks, cluster_networks.c.cluster_id == clusters.c.id)
        .where(cluster_networks.c.network_id == networks.c.id, test(clusters.c.name))
    )


SEARCHABLE = Searchable(
    columns(
        networks,
        datacenter=data_centers.c.name,
        cluster=_in_cluster,
        label=networks.c.label,
        mtu=networks.c.mtu,
        stp=networks.c.stp,
        vlanid=networks.c.vlan_id,
        **{"datacenter.name": data_centers.c.name, "cluster.name": _in_cluster},
    ),
    key=networks.c.id,
)


def show(row: Row[Any]) -> Network:
    """A network's row."""
    return Network(
        id=row.id,
        href=f"/networks/{row.id}",
        name=row.name,
        description=row.description,
        comment=row.comment,
        mtu=row.mtu,
        port_isolation=row.port_isolation,
        stp=row.stp,
        usages=["vm"] if row.vm_network else [],
        vdsm_name=row.host_side_name,
        vlan=UNSET if row.vlan_id is None else Vlan(id=row.vlan_id),
        dns_resolver_configuration=DnsResolverConfiguration(name_servers=row.name_servers)
        if row.name_servers
        else UNSET,
        data_center=reference(DataCenter, row.data_center_id),
        qos=qos_api.refer(row.data_center_id, row.qos_id),
    )


@loads(Network)
def load(tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, Network]:
    """Networks by their ids."""
    condition = authorize.visible(tx, call.actor, ObjectType.NETWORK)
    statement = queries.select().where(networks.c.id.in_(ids))
    return {row.id: show(row) for row in tx.execute(statement if condition is None else statement.where(condition))}


def _list(call: Call[None], statement: Select[Any]) -> list[Network]:
    with call.read() as tx:
        return [show(row) for row in visible_page(tx, call, statement, ObjectType.NETWORK, SEARCHABLE)]


@routes.get("/networks", many(Network), needs=READ, queries=LISTED)
def list_networks(call: Call[None]) -> list[Network]:
    """Networks of all data centres."""
    return _list(call, queries.select())


@routes.get("/datacenters/{data_center_id}/networks", many(Network), needs=READ, queries=LISTED)
def list_networks_of_data_center(call: Call[None]) -> list[Network]:
    """Networks of one data centre."""
    with call.read() as tx:
        see(tx, call, ObjectType.DATA_CENTER, call.ids["data_center_id"])
    return _list(call, queries.select().where(networks.c.data_center_id == call.ids["data_center_id"]))


@routes.get("/networks/{network_id}", Network, needs=READ)
def get_network(call: Call[None]) -> Network:
    """One network."""
    with call.read() as tx:
        see(tx, call, ObjectType.NETWORK, call.ids["network_id"])
        return show(queries.get(tx, call.ids["network_id"]))


def _vlan_id(body: Network) -> int | None:
    tag = UNSET if isinstance(body.vlan, UnsetType) else body.vlan.id
    return None if isinstance(tag, UnsetType) else tag


def _name_servers(body: Network) -> tuple[str, ...] | Keep:
    dns = body.dns_resolver_configuration
    return KEEP if isinstance(dns, UnsetType) else tuple(given(dns.name_servers, []))


def _add(call: Call[Network], data_center: Ref) -> Network:
    body = call.body
    usages = given(body.usages, ["vm"])
    name_servers = _name_servers(body)
    spec = AddNetwork(
        name=required(body.name, "Network [name]"),
        data_center=data_center,
        description=given(body.description, ""),
        comment=given(body.comment, ""),
        vlan_id=_vlan_id(body),
        mtu=given(body.mtu, 0),
        vm_network="vm" in usages,
        stp=given(body.stp, False),
        port_isolation=given(body.port_isolation, False),
        name_servers=() if name_servers is KEEP else name_servers,
        qos_id=None if (qos_id := id_of(body.qos)) is KEEP else qos_id,
        profile_required=given(body.profile_required, True),
    )
    return show(call.run(add_network, call.actor, spec))


@routes.post("/networks", Network, needs=ActionGroup.CREATE_STORAGE_POOL_NETWORK)
def post_network(call: Call[Network]) -> Network:
    """Add a network to the data centre that it names."""
    return _add(call, required_ref(call.body.data_center, "Network [dataCenter"))


@routes.post("/datacenters/{data_center_id}/networks", Network, needs=ActionGroup.CREATE_STORAGE_POOL_NETWORK)
def post_network_of_data_center(call: Call[Network]) -> Network:
    """Add a network to the data centre."""
    return _add(call, Ref(id=call.ids["data_center_id"]))


@routes.put("/networks/{network_id}", Network, needs=ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK)
def put_network(call: Call[Network]) -> Network:
    """Change a network; hosts that carry it follow."""
    return _update(call)


@routes.put(
    "/datacenters/{data_center_id}/networks/{network_id}", Network, needs=ActionGroup.CONFIGURE_STORAGE_POOL_NETWORK
)
def put_network_of_data_center(call: Call[Network]) -> Network:
    """Change a network of a data centre; hosts that carry it follow."""
    _require_inside(call)
    return _update(call)


@routes.delete("/networks/{network_id}", needs=ActionGroup.DELETE_STORAGE_POOL_NETWORK)
def delete_network(call: Call[None]) -> None:
    """Remove a network from clusters, hosts and the data centre."""
    call.run(remove_network, call.actor, call.ids["network_id"])


@routes.delete("/datacenters/{data_center_id}/networks/{network_id}", needs=ActionGroup.DELETE_STORAGE_POOL_NETWORK)
def delete_network_of_data_center(call: Call[None]) -> None:
    """Remove a network of a data centre."""
    _require_inside(call)
    call.run(remove_network, call.actor, call.ids["network_id"])


@routes.get("/datacenters/{data_center_id}/networks/{network_id}", Network, needs=READ)
def get_network_of_data_center(call: Call[None]) -> Network:
    """One network of a data centre."""
    _require_inside(call)
    return get_network(call)


def _require_inside(call: Call[Any]) -> None:
    """Raise NotFoundError unless the network is in the data centre of the path."""
    with call.read() as tx:
        inside = queries.get(tx, call.ids["network_id"]).data_center_id == call.ids["data_center_id"]
    if not inside:
        raise NotFoundError(f"There is no network {call.ids['network_id']} in that data centre.")


def _update(call: Call[Network]) -> Network:
    body = call.body
    spec = UpdateNetwork(
        id=call.ids["network_id"],
        name=keep(body.name),
        data_center=kept_ref(body.data_center, "Network [dataCenter"),
        description=keep(body.description),
        comment=keep(body.comment),
        vlan_id=KEEP if isinstance(body.vlan, UnsetType) else _vlan_id(body),
        mtu=keep(body.mtu),
        vm_network=KEEP if isinstance(body.usages, UnsetType) else "vm" in body.usages,
        stp=keep(body.stp),
        port_isolation=keep(body.port_isolation),
        name_servers=_name_servers(body),
        qos_id=id_of(body.qos),
    )
    call.run(update_network, call.actor, spec)
    with call.read() as tx:
        return show(queries.get(tx, spec.id))
