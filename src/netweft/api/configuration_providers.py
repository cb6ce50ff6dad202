"""Configuration providers, at ``/netweft/v1/configurationproviders``: systems that configure a fabric, such as Cisco's
UCS Manager. An addition of Netweft, since oVirt never built them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import asdict

from netweft.api.collections import Collection
from netweft.api.provider_networks import ProviderObject, provider_object
from netweft.api.providers import result_of
from netweft.api.routes import ADDITIONS, READ, Call, Later, Routes, many
from netweft.api.schema import Text, keep
from netweft.core.keep import KEEP, Keep
from netweft.core.rules import check
from netweft.core.rules import provider as rules
from netweft.engine.access.roles import ActionGroup
from netweft.engine.changes import made
from netweft.engine.commands.fabrics import list_system_classes, raise_mtu
from netweft.engine.commands.providers import (
    AddProvider,
    UpdateProvider,
    add_provider,
    remove_provider,
    test_provider,
    update_provider,
)
from netweft.engine.db import Tx
from netweft.engine.model.providers import CONFIGURATION, ProviderRow
from netweft.engine.payloads import RaiseMtu
from netweft.engine.queries import port_profiles as profile_queries
from netweft.engine.queries import provider_objects as object_queries
from netweft.engine.queries.providers import CONFIGURATION_PROVIDERS
from netweft.engine.results import FoundClasses, MtuRaised

routes = Routes("configuration_providers", ADDITIONS)

_NEEDS = ActionGroup.CREATE_STORAGE_POOL


class ConfigurationProviderFields(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What can be said of a configuration provider. ``url``: an address alone stands for ``https://`` and it.
    ``certificate``: what its TLS certificate is verified with (PEM), empty or null for the authorities that the
    engine's machine trusts. ``password``: never shown.
    """

    description: Text = UNSET
    certificate: str | UnsetType | None = UNSET


class NewConfigurationProvider(ConfigurationProviderFields, kw_only=True, frozen=True):
    """A new configuration provider. ``type``: such as ``ucsm``."""

    name: str
    type: str
    url: str
    username: str
    password: str


class ConfigurationProviderChange(ConfigurationProviderFields, kw_only=True, frozen=True):
    """A change of a configuration provider. Its ``type`` cannot change, but may be sent. Other fields are accepted and
    ignored, since clients send whole providers back.
    """

    name: Text = UNSET
    type: Text = UNSET
    url: Text = UNSET
    username: Text = UNSET
    password: Text = UNSET
    id: msgspec.Raw | UnsetType = UNSET
    href: msgspec.Raw | UnsetType = UNSET
    status: msgspec.Raw | UnsetType = UNSET
    status_reason: msgspec.Raw | UnsetType = UNSET
    latency: msgspec.Raw | UnsetType = UNSET
    checked_at: msgspec.Raw | UnsetType = UNSET
    networks: msgspec.Raw | UnsetType = UNSET
    failing: msgspec.Raw | UnsetType = UNSET
    to_remove: msgspec.Raw | UnsetType = UNSET
    reconciled_at: msgspec.Raw | UnsetType = UNSET
    orphans: msgspec.Raw | UnsetType = UNSET


class ConfigurationProvider(msgspec.Struct, kw_only=True, frozen=True):
    """A configuration provider, and its state at the last test. ``latency``: milliseconds until it answered.

    ``networks``: how many its fabric carries or should carry; ``failing``: how many port profiles are not in their
    desired state; ``to_remove``: how many are still to be removed; ``reconciled_at``: when all due changes were last
    tried; ``orphans``: how many objects with Netweft's mark, at the last check, are unknown here.
    """

    id: str
    href: str
    name: str
    description: str
    type: str
    url: str
    username: str
    certificate: str
    status: str
    status_reason: str
    latency: int | None
    checked_at: datetime | None
    networks: int
    failing: int
    to_remove: int
    reconciled_at: datetime | None
    orphans: int | None


class Test(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A test of the connection, without parameters."""


class SystemClass(msgspec.Struct, kw_only=True, frozen=True):
    """A class of traffic of a whole fabric. ``mtu``: in octets. ``raised_by``, ``raised_at``: who raised it by Netweft
    to its current value, null for nobody; ``raised_from``: the value before.
    """

    name: str
    mtu: int
    is_enabled: bool
    raised_by: str | None
    raised_at: datetime | None
    raised_from: int | None


class MtuChange(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new MTU of a traffic class, in octets. ``plan``: only list what it interrupts; ``interrupts_fabric``: needed
    otherwise, as all traffic of the fabric may be interrupted.
    """

    system_class: str
    mtu: int
    plan: bool = False
    interrupts_fabric: bool = False


class RaisedMtu(msgspec.Struct, kw_only=True, frozen=True):
    """What was done, or would be done (``plan``), and what it interrupts: hosts of the fabric, port profiles (foreign
    ones, too), networks and running virtual machines of ours. Nothing where the class has the MTU already.
    """

    system_class: str
    before: int
    mtu: int
    plan: bool
    servers: tuple[str, ...]
    port_profiles: tuple[str, ...]
    networks: tuple[str, ...]
    vms: tuple[str, ...]


def _show(row: ProviderRow, summary: object_queries.Summary) -> ConfigurationProvider:
    same = ("id", "name", "description", "type", "url", "username", "certificate", "status", "status_reason")
    return ConfigurationProvider(
        **{name: getattr(row, name) for name in (*same, "latency", "checked_at", "orphans")},
        href=f"{ADDITIONS}/configurationproviders/{row.id}",
        networks=summary.networks,
        failing=summary.failing,
        to_remove=summary.to_remove,
        reconciled_at=summary.reconciled_at,
    )


def _show_all(tx: Tx, rows: Sequence[ProviderRow]) -> list[ConfigurationProvider]:
    summaries = object_queries.summaries(tx) if rows else {}
    return [_show(row, summaries[row.id]) for row in rows]


PROVIDERS = Collection(
    routes,
    CONFIGURATION_PROVIDERS,
    ConfigurationProvider,
    "/configurationproviders/{provider_id}",
    show_all=_show_all,
)
PROVIDERS.reads("All configuration providers, by name.", "One of them.")


@routes.post("/configurationproviders", NewConfigurationProvider, gives=ConfigurationProvider, needs=_NEEDS)
def post_provider(call: Call[NewConfigurationProvider]) -> Later:
    """Add a configuration provider after a successful connection test."""
    body = call.body
    spec = AddProvider(
        name=body.name,
        type=body.type,
        url=_url(body.url),
        username=body.username,
        password=body.password,
        description=keep(body.description),
        certificate=_certificate("Cannot add Provider.", body.certificate),
        purpose=CONFIGURATION,
    )
    services = call.services
    types = services.configuration_provider_types
    job_id = call.run(add_provider, call.actor, spec, box=services.box, types=types)
    return Later(job_id, lambda: _added(call, spec))


def _added(call: Call[Any], spec: AddProvider) -> ConfigurationProvider:
    """The new provider, or what it will be while it is asked, for who does not wait."""
    with call.read() as tx:
        is_there = CONFIGURATION_PROVIDERS.find(tx, spec.id) is not None
    if is_there:
        return PROVIDERS.one(call, spec.id)
    candidate = made(ProviderRow, spec, id=spec.id, password="", status="testing")
    return _show(
        candidate, object_queries.Summary(provider_id=spec.id, networks=0, failing=0, to_remove=0, reconciled_at=None)
    )


@routes.put(
    "/configurationproviders/{provider_id}",
    ConfigurationProviderChange,
    gives=ConfigurationProvider,
    needs=_NEEDS,
)
def put_provider(call: Call[ConfigurationProviderChange]) -> ConfigurationProvider | Later:
    """Change a configuration provider; new connection settings must pass a connection test first."""
    body, provider_id = call.body, call.ids["provider_id"]
    url = keep(body.url)
    spec = UpdateProvider(
        id=provider_id,
        name=keep(body.name),
        type=keep(body.type),
        url=KEEP if url is KEEP else _url(url),
        username=keep(body.username),
        password=keep(body.password),
        description=keep(body.description),
        certificate=_certificate("Cannot edit Provider.", body.certificate),
    )
    job_id = call.run(update_provider, call.actor, spec, box=call.services.box, purpose=CONFIGURATION)
    return (
        PROVIDERS.one(call, provider_id) if job_id is None else Later(job_id, lambda: PROVIDERS.one(call, provider_id))
    )


@routes.delete("/configurationproviders/{provider_id}", needs=_NEEDS, queries=("force",))
def delete_provider(call: Call[None]) -> None:
    """Remove a configuration provider that has no port profile of ours. What else its fabric has stays there, and with
    ``force`` also what of ours is still to be removed from it.
    """
    force = call.query.flag("force")
    call.run(remove_provider, call.actor, call.ids["provider_id"], purpose=CONFIGURATION, force=force)


@routes.post("/configurationproviders/{provider_id}/test", Test, gives=ConfigurationProvider, needs=_NEEDS)
def post_test(call: Call[Test]) -> Later:
    """Test the connection and login to a configuration provider; its state shows the result."""
    provider_id = call.ids["provider_id"]
    job_id = call.run(test_provider, call.actor, provider_id, purpose=CONFIGURATION)
    return Later(job_id, lambda: PROVIDERS.one(call, provider_id))


@routes.get("/configurationproviders/{provider_id}/objects", many(ProviderObject), needs=READ)
def list_objects(call: Call[None]) -> list[ProviderObject]:
    """The port profiles that a fabric should have, and those still to be removed from it."""
    with call.read() as tx:
        provider_id = PROVIDERS.row(tx, call).id
        return [provider_object(row) for row in object_queries.of_provider(tx, provider_id)]


@routes.get("/configurationproviders/{provider_id}/systemclasses", many(SystemClass), needs=READ)
def list_classes(call: Call[None]) -> Later:
    """The traffic classes of a fabric, and who raised their MTUs."""
    with call.read() as tx:
        provider_id = PROVIDERS.row(tx, call).id
    job_id = call.run(list_system_classes, call.actor, provider_id)
    return Later(job_id, lambda: _classes(call, provider_id, job_id))


def _classes(call: Call[Any], provider_id: str, job_id: str) -> list[SystemClass]:
    found = result_of(call, job_id, FoundClasses).system_classes
    with call.read() as tx:
        raised = profile_queries.raised(tx, provider_id)
    classes = []
    for one in found:
        notes = (note for note in raised if note.system_class == one.name and note.mtu <= one.mtu)
        last = next(notes, None)
        classes.append(
            SystemClass(
                **asdict(one),
                raised_by=last.user_name if last else None,
                raised_at=last.raised_at if last else None,
                raised_from=last.before if last else None,
            )
        )
    return classes


@routes.post("/configurationproviders/{provider_id}/raisemtu", MtuChange, gives=RaisedMtu, needs=_NEEDS)
def post_raise_mtu(call: Call[MtuChange]) -> Later:
    """Raise the MTU of a traffic class of a whole fabric, or plan that. The MTU is never lowered."""
    body = call.body
    spec = RaiseMtu(provider_id=call.ids["provider_id"], system_class=body.system_class, mtu=body.mtu, plan=body.plan)
    job_id = call.run(raise_mtu, call.actor, spec, interrupts_fabric=body.interrupts_fabric)
    return Later(job_id, lambda: RaisedMtu(**asdict(result_of(call, job_id, MtuRaised)), plan=body.plan))


def _url(url: str) -> str:
    return url if "://" in url else f"https://{url}"


def _certificate(action: str, certificate: str | UnsetType | None) -> str | Keep:
    text = keep("" if certificate is None else certificate)
    if text is not KEEP and text:
        check(action, rules.certificates_are_given([text]))
    return text
