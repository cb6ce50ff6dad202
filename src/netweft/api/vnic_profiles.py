"""vNIC profiles, at ``/vnicprofiles`` and below their network."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from netweft.api import qos
from netweft.api.collections import Collection, same_fields, spec_fields
from netweft.api.request_fields import id_of, kept_ref, required
from netweft.api.routes import Call, Routes
from netweft.api.schema import or_default, reference
from netweft.api.types import CustomProperty, Network, NetworkFilter, VnicPassThrough, VnicProfile
from netweft.api.values import by_name
from netweft.core.keep import KEEP, Keep
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.vnic_profiles import (
    AddVnicProfile,
    UpdateVnicProfile,
    add_vnic_profile,
    remove_vnic_profile,
    update_vnic_profile,
)
from netweft.engine.queries.references import Ref
from netweft.engine.queries.vnic_profiles import VNIC_PROFILES, VnicProfileDetails

routes = Routes("vnicprofiles")


def show(row: VnicProfileDetails) -> VnicProfile:
    """A vNIC profile."""
    properties = [CustomProperty(name=name, value=value) for name, value in sorted(row.custom_properties.items())]
    return VnicProfile(
        **same_fields(VnicProfile, row, "migratable"),
        href=f"/vnicprofiles/{row.id}",
        custom_properties=properties or UNSET,
        migratable=row.migratable if row.passthrough else UNSET,
        pass_through=VnicPassThrough(mode="enabled" if row.passthrough else "disabled"),
        network=reference(Network, row.network_id),
        qos=qos.refer(row.data_center_id, row.qos_id),
        failover=reference(VnicProfile, row.failover_id) if row.failover_id else UNSET,
        network_filter=reference(NetworkFilter, row.network_filter_id) if row.network_filter_id else UNSET,
    )


PROFILES = Collection(
    routes,
    VNIC_PROFILES,
    VnicProfile,
    "/vnicprofiles/{profile_id}",
    show=show,
    below="/networks/{network_id}",
)
PROFILES.reads(
    "Profiles of all networks.",
    "One vNIC profile.",
    below=("Profiles of one network.", "One vNIC profile of a network."),
)
PROFILES.follows(Network, "vnic_profiles")


@PROFILES.adds(ActionGroup.CREATE_NETWORK_VNIC_PROFILE, below="Add a profile to the network.")
def add_profile(call: Call[VnicProfile], network: Ref) -> VnicProfile:
    """Add a profile to the network that it names."""
    required(call.body.name, "VnicProfile [name]")
    spec = AddVnicProfile(network=network, **spec_fields(call.body, AddVnicProfile), **_named(call.body))
    return PROFILES.one(call, call.run(add_vnic_profile, call.actor, spec))


@PROFILES.changes(ActionGroup.CONFIGURE_NETWORK_VNIC_PROFILE)
def change_profile(call: Call[VnicProfile]) -> None:
    """Change a profile."""
    body = call.body
    network = kept_ref(body.network, "VnicProfile [network")
    spec = UpdateVnicProfile(
        id=PROFILES.id(call), network=network, **spec_fields(body, UpdateVnicProfile), **_named(body)
    )
    call.run(update_vnic_profile, call.actor, spec)


PROFILES.removes(
    ActionGroup.DELETE_NETWORK_VNIC_PROFILE,
    remove_vnic_profile,
    "Remove a profile that no vNIC has.",
    below="Remove a profile that no vNIC has from its network.",
)


def _named(body: VnicProfile) -> dict[str, Any]:
    """What a command calls otherwise than a request does."""
    return {
        "passthrough": _passthrough(body),
        "network_filter_id": id_of(body.network_filter),
        "custom_properties": _properties(body),
        "qos_id": id_of(body.qos),
        "failover_id": id_of(body.failover),
    }


def _passthrough(body: VnicProfile) -> bool | Keep:
    if isinstance(body.pass_through, UnsetType) or isinstance(body.pass_through.mode, UnsetType):
        return KEEP
    return body.pass_through.mode == "enabled"


def _properties(body: VnicProfile) -> dict[str, str] | Keep:
    if isinstance(body.custom_properties, UnsetType):
        return KEEP
    named = [(required(one.name, "CustomProperty [name]"), or_default(one.value, "")) for one in body.custom_properties]
    return by_name("custom property", named)
