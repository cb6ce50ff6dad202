"""vNIC profiles, at ``/vnicprofiles`` and below their network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, UnsetType
from sqlalchemy import Select
from sqlalchemy.engine import Row

from netweft.api import qos
from netweft.api.follow import loads, loads_link
from netweft.api.routes import READ, Call, Routes, many
from netweft.api.schema import given, keep, reference
from netweft.api.search import LISTED, Searchable
from netweft.api.shown import columns, id_of, kept_ref, required, required_ref, see, visible_page
from netweft.api.types import CustomProperty, Network, NetworkFilter, VnicPassThrough, VnicProfile
from netweft.api.values import by_name
from netweft.core.errors import NotFoundError
from netweft.core.keep import KEEP, Keep
from netweft.engine.commands import authorize
from netweft.engine.commands.authorize import ActionGroup, ObjectType
from netweft.engine.commands.vnic_profiles import (
    AddVnicProfile,
    UpdateVnicProfile,
    add_vnic_profile,
    remove_vnic_profile,
    update_vnic_profile,
)
from netweft.engine.db import Tx
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.networks import networks
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.queries import vnic_profiles as queries
from netweft.engine.queries.references import Ref

routes = Routes("vnicprofiles")

SEARCHABLE = Searchable(
    columns(vnic_profiles, network=networks.c.name, datacenter=data_centers.c.name), key=vnic_profiles.c.id
)


def show(row: Row[Any]) -> VnicProfile:
    """A row of :func:`netweft.engine.queries.vnic_profiles.select`."""
    properties = [CustomProperty(name=name, value=value) for name, value in sorted(row.custom_properties.items())]
    return VnicProfile(
        id=row.id,
        href=f"/vnicprofiles/{row.id}",
        name=row.name,
        description=row.description,
        comment=row.comment,
        custom_properties=properties or UNSET,
        migratable=row.migratable if row.passthrough else UNSET,
        pass_through=VnicPassThrough(mode="enabled" if row.passthrough else "disabled"),
        port_mirroring=row.port_mirroring,
        network=reference(Network, row.network_id),
        qos=qos.refer(row.data_center_id, row.qos_id),
        failover=reference(VnicProfile, row.failover_id) if row.failover_id else UNSET,
        network_filter=reference(NetworkFilter, row.network_filter_id) if row.network_filter_id else UNSET,
    )


@loads(VnicProfile)
def load(tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, VnicProfile]:
    """Profiles by their ids."""
    return {row.id: show(row) for row in _visible(tx, call, queries.select().where(vnic_profiles.c.id.in_(ids)))}


@loads_link(Network, "vnic_profiles")
def load_for_networks(tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, list[VnicProfile]]:
    """The vNIC profiles of each network."""
    statement = queries.select().where(vnic_profiles.c.network_id.in_(ids))
    found: defaultdict[str, list[VnicProfile]] = defaultdict(list)
    for row in _visible(tx, call, statement.order_by(vnic_profiles.c.name, vnic_profiles.c.id)):
        found[row.network_id].append(show(row))
    return found


def _visible(tx: Tx, call: Call[Any], statement: Select[Any]) -> list[Row[Any]]:
    condition = authorize.visible(tx, call.actor, ObjectType.VNIC_PROFILE)
    return list(tx.execute(statement if condition is None else statement.where(condition)))


@routes.get("/vnicprofiles", many(VnicProfile), needs=READ, queries=LISTED)
def list_profiles(call: Call[None]) -> list[VnicProfile]:
    """Profiles of all networks."""
    with call.read() as tx:
        return [show(row) for row in visible_page(tx, call, queries.select(), ObjectType.VNIC_PROFILE, SEARCHABLE)]


@routes.get("/networks/{network_id}/vnicprofiles", many(VnicProfile), needs=READ, queries=LISTED)
def list_profiles_of_network(call: Call[None]) -> list[VnicProfile]:
    """Profiles of one network."""
    with call.read() as tx:
        see(tx, call, ObjectType.NETWORK, call.ids["network_id"])
        statement = queries.select().where(vnic_profiles.c.network_id == call.ids["network_id"])
        return [show(row) for row in visible_page(tx, call, statement, ObjectType.VNIC_PROFILE, SEARCHABLE)]


@routes.get("/vnicprofiles/{profile_id}", VnicProfile, needs=READ)
def get_profile(call: Call[None]) -> VnicProfile:
    """One vNIC profile."""
    with call.read() as tx:
        see(tx, call, ObjectType.VNIC_PROFILE, call.ids["profile_id"])
        return show(queries.get(tx, call.ids["profile_id"]))


@routes.get("/networks/{network_id}/vnicprofiles/{profile_id}", VnicProfile, needs=READ)
def get_profile_of_network(call: Call[None]) -> VnicProfile:
    """One vNIC profile of a network."""
    with call.read() as tx:
        see(tx, call, ObjectType.VNIC_PROFILE, call.ids["profile_id"])
        return show(_of_network(tx, call))


@routes.post("/vnicprofiles", VnicProfile, needs=ActionGroup.CREATE_NETWORK_VNIC_PROFILE)
def post_profile(call: Call[VnicProfile]) -> VnicProfile:
    """Add a profile to the network that it names."""
    return _add(call, required_ref(call.body.network, "VnicProfile [network"))


@routes.post("/networks/{network_id}/vnicprofiles", VnicProfile, needs=ActionGroup.CREATE_NETWORK_VNIC_PROFILE)
def post_profile_of_network(call: Call[VnicProfile]) -> VnicProfile:
    """Add a profile to the network."""
    return _add(call, Ref(id=call.ids["network_id"]))


@routes.put("/vnicprofiles/{profile_id}", VnicProfile, needs=ActionGroup.CONFIGURE_NETWORK_VNIC_PROFILE)
def put_profile(call: Call[VnicProfile]) -> VnicProfile:
    """Change a profile."""
    body = call.body
    properties = _properties(body)
    spec = UpdateVnicProfile(
        id=call.ids["profile_id"],
        name=keep(body.name),
        network=kept_ref(body.network, "VnicProfile [network"),
        description=keep(body.description),
        comment=keep(body.comment),
        port_mirroring=keep(body.port_mirroring),
        passthrough=_passthrough(body),
        migratable=keep(body.migratable),
        network_filter_id=id_of(body.network_filter),
        custom_properties=properties,
        qos_id=id_of(body.qos),
        failover_id=id_of(body.failover),
    )
    call.run(update_vnic_profile, call.actor, spec)
    with call.read() as tx:
        return show(queries.get(tx, spec.id))


@routes.delete("/vnicprofiles/{profile_id}", needs=ActionGroup.DELETE_NETWORK_VNIC_PROFILE)
def delete_profile(call: Call[None]) -> None:
    """Remove a profile that no vNIC has."""
    call.run(remove_vnic_profile, call.actor, call.ids["profile_id"])


@routes.delete("/networks/{network_id}/vnicprofiles/{profile_id}", needs=ActionGroup.DELETE_NETWORK_VNIC_PROFILE)
def delete_profile_of_network(call: Call[None]) -> None:
    """Remove a profile that no vNIC has from its network."""
    with call.read() as tx:
        _of_network(tx, call)
    call.run(remove_vnic_profile, call.actor, call.ids["profile_id"])


def _of_network(tx: Tx, call: Call[Any]) -> Row[Any]:
    row = queries.get(tx, call.ids["profile_id"])
    if row.network_id != call.ids["network_id"]:
        raise NotFoundError(f"The network {call.ids['network_id']} has no vNIC profile with the id {row.id}.")
    return row


def _add(call: Call[VnicProfile], network: Ref) -> VnicProfile:
    body = call.body
    passthrough, properties = _passthrough(body), _properties(body)
    spec = AddVnicProfile(
        name=required(body.name, "VnicProfile [name]"),
        network=network,
        description=given(body.description, ""),
        comment=given(body.comment, ""),
        port_mirroring=given(body.port_mirroring, False),
        passthrough=False if passthrough is KEEP else passthrough,
        migratable=given(body.migratable, True),
        network_filter_id=id_of(body.network_filter),
        custom_properties={} if properties is KEEP else properties,
        qos_id=None if (qos_id := id_of(body.qos)) is KEEP else qos_id,
        failover_id=None if (failover_id := id_of(body.failover)) is KEEP else failover_id,
    )
    profile_id = call.run(add_vnic_profile, call.actor, spec)
    with call.read() as tx:
        return show(queries.get(tx, profile_id))


def _passthrough(body: VnicProfile) -> bool | Keep:
    if isinstance(body.pass_through, UnsetType) or isinstance(body.pass_through.mode, UnsetType):
        return KEEP
    return body.pass_through.mode == "enabled"


def _properties(body: VnicProfile) -> dict[str, str] | Keep:
    if isinstance(body.custom_properties, UnsetType):
        return KEEP
    named = [(required(one.name, "CustomProperty [name]"), given(one.value, "")) for one in body.custom_properties]
    return by_name("custom property", named)
