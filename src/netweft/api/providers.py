"""Providers of external networks, and what they have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import asdict

from netweft.api.collections import Collection, same_fields, spec_fields
from netweft.api.request_fields import require_visible, required, required_ref
from netweft.api.routes import ADDITIONS, READ, Call, Later, Routes, many
from netweft.api.schema import keep, or_default, reference
from netweft.api.types import (
    Action,
    AgentConfiguration,
    Certificate,
    OpenStackNetwork,
    OpenStackNetworkProvider,
    OpenStackSubnet,
)
from netweft.core.errors import BusyError, NotFoundError
from netweft.core.keep import KEEP, Keep
from netweft.core.rules import check
from netweft.core.rules import provider as rules
from netweft.engine.access.objects import ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.providers import (
    AddProvider,
    UpdateProvider,
    add_provider,
    import_provider_network,
    list_provider_networks,
    list_provider_orphans,
    list_provider_subnets,
    remove_provider,
    remove_provider_orphan,
    test_provider,
    update_provider,
)
from netweft.engine.model.providers import NETWORKS, ProviderRow
from netweft.engine.pki import holder
from netweft.engine.queries import provider_objects as object_queries
from netweft.engine.queries import providers as queries
from netweft.engine.queue import outcome
from netweft.engine.results import FoundNetworks, FoundOrphans, FoundSubnets, JobResult

J = TypeVar("J", bound=JobResult)

routes = Routes("providers")
additions = Routes("providers", ADDITIONS)

_NEEDS = ActionGroup.CREATE_STORAGE_POOL


class ProviderState(msgspec.Struct, kw_only=True):
    """The state of a provider at the last test. ``latency``: milliseconds until it answered.

    ``networks``: how many of our networks it has or should have; ``failing``: how many networks, subnets and ports are
    not in their desired state; ``to_remove``: how many are still to be removed; ``reconciled_at``: when all due changes
    were last tried. ``orphans``: how many objects with Netweft's mark, at the last check, are unknown here.
    """

    id: str
    name: str
    type: str
    url: str
    region: str
    status: str
    status_reason: str
    latency: int | None
    checked_at: str | None
    networks: int
    failing: int
    to_remove: int
    reconciled_at: str | None
    orphans: int | None


class Orphan(msgspec.Struct, kw_only=True, frozen=True):
    """A ``network``, a ``subnet`` or a ``port`` that a provider has. ``id``: the one in Netweft's mark on it;
    ``external_id``: the provider's own; ``name``: of a port its MAC address.
    """

    kind: str
    id: str
    external_id: str
    name: str


class ProviderStates(msgspec.Struct, kw_only=True):
    """The states of several providers."""

    providers: list[ProviderState]


def show(row: ProviderRow) -> OpenStackNetworkProvider:
    """A provider; without its password."""
    return OpenStackNetworkProvider(
        **same_fields(OpenStackNetworkProvider, row, "password", "plugin_type", "external_plugin_type"),
        plugin_type=row.plugin_type or UNSET,
        external_plugin_type=row.external_plugin_type or UNSET,
        agent_configuration=_configuration(row),
        href=f"/openstacknetworkproviders/{row.id}",
        certificates=[_show_certificate(one) for one in rules.certificates_of(row.certificate)] or UNSET,
    )


def _show_certificate(content: str) -> Certificate:
    whose = holder(content)
    if whose is None:
        return Certificate(content=content)
    return Certificate(content=content, subject=whose.name, organization=whose.organization or UNSET)


def _configuration(row: ProviderRow) -> AgentConfiguration | UnsetType:
    """What it wants on hosts."""
    if not row.plugin_remote:
        return UNSET
    return AgentConfiguration(address=row.plugin_remote, network_mappings=row.plugin_mappings or UNSET)


PROVIDERS = Collection(
    routes, queries.PROVIDERS, OpenStackNetworkProvider, "/openstacknetworkproviders/{provider_id}", show=show
)
PROVIDERS.reads("All providers of external networks.", "One provider.")


@routes.post("/openstacknetworkproviders", OpenStackNetworkProvider, needs=_NEEDS)
def post_provider(call: Call[OpenStackNetworkProvider]) -> Later:
    """Add a provider after a successful connection test."""
    body = call.body
    spec = AddProvider(
        **{
            **spec_fields(body, AddProvider),
            **_plugin(body),
            "certificate": _certificate("Cannot add Provider.", body.certificates),
            "name": required(body.name, "OpenStackNetworkProvider [name]"),
            "type": required(body.type, "OpenStackNetworkProvider [type]"),
            "url": required(body.url, "OpenStackNetworkProvider [url]"),
        }
    )
    services = call.services
    job_id = call.run(add_provider, call.actor, spec, box=services.box, types=services.provider_types)
    return Later(job_id, lambda: _added(call, spec))


def _added(call: Call[Any], spec: AddProvider) -> OpenStackNetworkProvider:
    """The new provider, or which one it will be."""
    with call.read() as tx:
        row = queries.find(tx, spec.id)
    return show(row) if row else reference(OpenStackNetworkProvider, spec.id)


@routes.put("/openstacknetworkproviders/{provider_id}", OpenStackNetworkProvider, needs=_NEEDS)
def put_provider(call: Call[OpenStackNetworkProvider]) -> OpenStackNetworkProvider | Later:
    """Change a provider; new connection settings must pass a connection test first."""
    provider_id = PROVIDERS.id(call)
    certificate = _certificate("Cannot edit Provider.", call.body.certificates)
    given = {**spec_fields(call.body, UpdateProvider), **_plugin(call.body)}
    return _changed(call, UpdateProvider(id=provider_id, **given, certificate=certificate))


PROVIDERS.removes(_NEEDS, remove_provider, "Remove a provider. What it has stays there.")


@routes.action("/openstacknetworkproviders/{provider_id}/testconnectivity", needs=_NEEDS)
def test_connectivity(call: Call[Action]) -> Later:
    """Test the connection and login to a provider; its state shows the result."""
    return Later(call.run(test_provider, call.actor, PROVIDERS.id(call), purpose=NETWORKS))


@routes.action("/openstacknetworkproviders/{provider_id}/importcertificates", needs=_NEEDS)
def import_certificates(call: Call[Action]) -> Later | None:
    """Verify the provider's TLS certificate with these from now on, instead of the authorities that the machine
    trusts; tested before it is saved.
    """
    action = "Cannot import Certificates."
    certificates = or_default(call.body.certificates, [])
    check(action, rules.certificates_are_given([or_default(one.content, "") for one in certificates]))
    given = _changed(call, UpdateProvider(id=PROVIDERS.id(call), certificate=_certificate(action, certificates)))
    return given if isinstance(given, Later) else None


def _plugin(body: OpenStackNetworkProvider) -> dict[str, Any]:
    """What a request says of the plugin on hosts: an empty element takes it away."""
    configuration = body.agent_configuration
    if isinstance(configuration, UnsetType):
        return {}
    if configuration.address is UNSET and configuration.network_mappings is UNSET:
        return {"plugin_remote": "", "plugin_mappings": ""}
    return {"plugin_remote": keep(configuration.address), "plugin_mappings": keep(configuration.network_mappings)}


def _certificate(action: str, certificates: list[Certificate] | UnsetType) -> str | Keep:
    """What a request says of the certificates, as one text: none of them stands for those that the machine trusts.
    Raises ValidationError.
    """
    if isinstance(certificates, UnsetType):
        return KEEP
    contents = [or_default(one.content, "") for one in certificates]
    if contents:
        check(action, rules.certificates_are_given(contents))
    return "".join(f"{one.strip()}\n" for one in contents)


def _changed(call: Call[Any], spec: UpdateProvider) -> OpenStackNetworkProvider | Later:
    job_id = call.run(update_provider, call.actor, spec, box=call.services.box)
    if job_id is None:
        return PROVIDERS.one(call, spec.id)
    return Later(job_id, lambda: PROVIDERS.one(call, spec.id))


@routes.get("/openstacknetworkproviders/{provider_id}/networks", many(OpenStackNetwork), needs=READ)
def list_networks(call: Call[None]) -> Later:
    """The networks that a provider has now."""
    job_id = _asked(call)
    return Later(job_id, lambda: _networks(call, job_id))


@routes.get("/openstacknetworkproviders/{provider_id}/networks/{network_id}", OpenStackNetwork, needs=READ)
def get_network(call: Call[None]) -> Later:
    """One of them."""
    job_id = _asked(call)
    return Later(job_id, lambda: _one(_networks(call, job_id), call.ids["network_id"], "network"))


@routes.get("/openstacknetworkproviders/{provider_id}/networks/{network_id}/subnets", many(OpenStackSubnet), needs=READ)
def list_subnets(call: Call[None]) -> Later:
    """The subnets of a network that a provider has now."""
    job_id = _asked_for_subnets(call)
    return Later(job_id, lambda: _subnets(call, job_id))


@routes.get(
    "/openstacknetworkproviders/{provider_id}/networks/{network_id}/subnets/{subnet_id}", OpenStackSubnet, needs=READ
)
def get_subnet(call: Call[None]) -> Later:
    """One of them."""
    job_id = _asked_for_subnets(call)
    return Later(job_id, lambda: _one(_subnets(call, job_id), call.ids["subnet_id"], "subnet"))


@routes.action(
    "/openstacknetworkproviders/{provider_id}/networks/{network_id}/import",
    needs=ActionGroup.CREATE_STORAGE_POOL_NETWORK,
)
def import_network(call: Call[Action]) -> Later:
    """Import a network of a provider into a data centre."""
    _require_visible(call)
    data_center = required_ref(call.body.data_center, "Action [dataCenter")
    provider_id, network_id = PROVIDERS.id(call), call.ids["network_id"]
    return Later(call.run(import_provider_network, call.actor, provider_id, network_id, data_center))


@additions.get("/providers", ProviderStates, needs=READ)
def list_states(call: Call[None]) -> ProviderStates:
    """The states of all providers."""
    with call.read() as tx:
        found = object_queries.summaries(tx)
        return ProviderStates(providers=[_state(row, found[row.id]) for row in PROVIDERS.visible(tx, call)])


@additions.get("/providers/{provider_id}", ProviderState, needs=READ)
def get_state(call: Call[None]) -> ProviderState:
    """The state of one provider."""
    with call.read() as tx:
        row = PROVIDERS.row(tx, call)
        return _state(row, object_queries.summaries(tx)[row.id])


@additions.get("/providers/{provider_id}/orphans", many(Orphan), needs=READ)
def list_orphans(call: Call[None]) -> Later:
    """What a provider has now that bears Netweft's mark and is not known here: left by an engine whose database was
    lost, or another engine's. It is never removed by itself.
    """
    _require_visible(call)
    job_id = call.run(list_provider_orphans, call.actor, PROVIDERS.id(call))
    return Later(job_id, lambda: [Orphan(**asdict(one)) for one in result_of(call, job_id, FoundOrphans).orphans])


@additions.delete("/providers/{provider_id}/orphans/{orphan_id}", needs=_NEEDS)
def delete_orphan(call: Call[None]) -> Later:
    """Remove an orphan: an object with Netweft's mark that is not known here."""
    return Later(call.run(remove_provider_orphan, call.actor, PROVIDERS.id(call), call.ids["orphan_id"]))


def _state(row: ProviderRow, summary: object_queries.Summary) -> ProviderState:
    return ProviderState(
        **{name: getattr(row, name) for name in ("id", "name", "type", "url", "region", "status", "status_reason")},
        latency=row.latency,
        checked_at=row.checked_at.isoformat() if row.checked_at else None,
        networks=summary.networks,
        failing=summary.failing,
        to_remove=summary.to_remove,
        reconciled_at=summary.reconciled_at.isoformat() if summary.reconciled_at else None,
        orphans=row.orphans,
    )


def _asked(call: Call[Any]) -> str:
    _require_visible(call)
    return call.run(list_provider_networks, call.actor, PROVIDERS.id(call))


def _asked_for_subnets(call: Call[Any]) -> str:
    _require_visible(call)
    return call.run(list_provider_subnets, call.actor, PROVIDERS.id(call), call.ids["network_id"])


def _require_visible(call: Call[Any]) -> None:
    with call.read() as tx:
        require_visible(tx, call, ObjectType.PROVIDER, PROVIDERS.id(call))


def result_of(call: Call[Any], job_id: str, kind: type[J]) -> J:
    """What a provider has answered by a job. Raises BusyError while it has not."""
    with call.read() as tx:
        ended = outcome(tx, job_id)
    if ended is None:
        raise BusyError("The provider has other requests to answer first. Try again later.")
    return kind.of(ended)


def _networks(call: Call[Any], job_id: str) -> list[OpenStackNetwork]:
    provider_id = PROVIDERS.id(call)
    return [
        OpenStackNetwork(
            id=one.id,
            href=f"/openstacknetworkproviders/{provider_id}/networks/{one.id}",
            name=one.name,
            description=one.description,
            openstack_network_provider=reference(OpenStackNetworkProvider, provider_id),
        )
        for one in result_of(call, job_id, FoundNetworks).networks
    ]


def _subnets(call: Call[Any], job_id: str) -> list[OpenStackSubnet]:
    above = f"/openstacknetworkproviders/{PROVIDERS.id(call)}/networks/{call.ids['network_id']}"
    return [
        OpenStackSubnet(
            id=one.id,
            href=f"{above}/subnets/{one.id}",
            name=one.name,
            description=one.description,
            cidr=one.cidr,
            ip_version=f"v{one.ip_version}",
            gateway=one.gateway or UNSET,
            dns_servers=list(one.dns_servers),
            openstack_network=reference(OpenStackNetwork, call.ids["network_id"], above),
        )
        for one in result_of(call, job_id, FoundSubnets).subnets
    ]


def _one(found: Sequence[Any], wanted: str, what: str) -> Any:  # noqa: ANN401 - an element of the list
    for one in found:
        if one.id == wanted:
            return one
    raise NotFoundError(f"The provider has no {what} with the id {wanted}.")
