"""Adding, changing, testing and removing providers, of external networks and those that configure fabrics.

What says how a provider is reached is saved by a job, once the provider has answered: a command checks the rules and
asks for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa

from netweft.core.keep import KEEP, Keep
from netweft.core.rules import check, fields
from netweft.core.rules import port_profile as profile_rules
from netweft.core.rules import provider as rules
from netweft.core.rules import provider_network as network_rules
from netweft.engine import audit, queue
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.changes import Texts, changes, made, updated
from netweft.engine.commands.hosts import follow
from netweft.engine.db import Tx, lock, new_id
from netweft.engine.model.data_centers import data_centers
from netweft.engine.model.provider_objects import provider_objects
from netweft.engine.model.providers import CONFIGURATION, NETWORKS, ProviderRow, providers
from netweft.engine.operations import host_rules
from netweft.engine.operations import provider_objects as objects
from netweft.engine.operations.races import name_taken, translate_constraint_errors
from netweft.engine.payloads import ImportNetwork, ListSubnets, OnProvider, RemoveOrphan, SaveProvider
from netweft.engine.queries import clusters as cluster_queries
from netweft.engine.queries import port_profiles as profile_queries
from netweft.engine.queries import provider_objects as object_queries
from netweft.engine.queries import providers as queries
from netweft.engine.queries.references import Ref, resolve
from netweft.engine.secrets import SecretBox
from netweft.engine.statements import add

ADDED, UPDATED, REMOVED = 205, 207, 209
"""Event codes (oVirt: PROVIDER_ADDED, PROVIDER_UPDATED, PROVIDER_REMOVED)."""

_ADD = "Cannot add Provider."
_UPDATE = "Cannot edit Provider."
_REMOVE = "Cannot remove Provider."
IMPORT = "Cannot import Network."
_READ_ONLY_BY_DEFAULT = "external"
"""The type of provider that is read-only where nobody says anything (oVirt's default; oVirt obeys it of no other)."""
_ON_HOSTS = frozenset({"plugin_remote", "plugin_mappings"})
"""What hosts have to follow."""
_TEXTS = _ON_HOSTS | {"name", "description", "comment", "read_only", "auto_sync", "plugin_type", "external_plugin_type"}
"""What may change without the provider being asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateProvider(Texts):
    """What changes of a provider. ``password`` is readable here, and nowhere else."""

    id: str
    type: str | Keep = KEEP
    url: str | Keep = KEEP
    requires_authentication: bool | Keep = KEEP
    authentication_url: str | Keep = KEEP
    username: str | Keep = KEEP
    password: str | Keep = field(default=KEEP, repr=False)
    tenant_name: str | Keep = KEEP
    project_name: str | Keep = KEEP
    user_domain_name: str | Keep = KEEP
    project_domain_name: str | Keep = KEEP
    region: str | Keep = KEEP
    read_only: bool | Keep = KEEP
    auto_sync: bool | Keep = KEEP
    certificate: str | Keep = KEEP
    plugin_remote: str | Keep = KEEP
    plugin_mappings: str | Keep = KEEP
    plugin_type: str | Keep = KEEP
    external_plugin_type: str | Keep = KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class AddProvider(UpdateProvider):
    """A provider to be. ``purpose``: what it is for, see :mod:`netweft.engine.model.providers`."""

    id: str = field(default_factory=new_id)
    purpose: str = NETWORKS
    type: str
    name: str
    url: str


def add_provider(tx: Tx, actor: Actor, spec: AddProvider, *, box: SecretBox, types: frozenset[str]) -> str:
    """Ask for a new provider; it is there when the job has ended, whose id is returned. ``types``: those whose module
    is installed.

    Needs CREATE_STORAGE_POOL on the system, as in oVirt. Raises DeniedError, ValidationError.
    """
    authorize.require(tx, actor, ActionGroup.CREATE_STORAGE_POOL)
    check(_ADD, rules.type_is_known(spec.type, types))
    read_only = spec.type == _READ_ONLY_BY_DEFAULT if spec.read_only is KEEP else spec.read_only
    row = _sealed(made(ProviderRow, spec, id=spec.id, read_only=read_only), spec, box)
    _check(_ADD, row, spec)
    check(_ADD, profile_rules.fabric_is_registered_once(_other_at(tx, row)))
    check(_ADD, name_taken("Provider", row.name) if queries.PROVIDERS.is_taken(tx, row.name) else None)
    payload = SaveProvider(provider_id=row.id, values=msgspec.to_builtins(row), is_new=True)
    return _enqueue(tx, actor, "save_provider", f"Adding Provider {row.name}", payload)


def update_provider(
    tx: Tx, actor: Actor, spec: UpdateProvider, *, box: SecretBox, purpose: str = NETWORKS
) -> str | None:
    """Change a provider: at once what says nothing of how it is reached; else ask for it, as :func:`add_provider`.
    Returns the id of the job, None when there is none.

    Needs CREATE_STORAGE_POOL on it. Raises NotFoundError, DeniedError, ValidationError.
    """
    before = _locked(tx, actor, spec.id, purpose)
    after = _sealed(updated(before, spec), spec, box)
    check(_UPDATE, rules.type_stays(before.type, after.type))
    _check(_UPDATE, after, spec)
    check(_UPDATE, profile_rules.fabric_is_registered_once(_other_at(tx, after)))
    taken = queries.PROVIDERS.is_taken(tx, after.name, besides=spec.id)
    check(_UPDATE, name_taken("Provider", after.name) if taken else None)
    changed = changes(before, after)
    if not changed:
        return None
    if changed.keys() <= _TEXTS:
        change_provider(tx, actor, spec.id, changed)
        return None
    payload = SaveProvider(provider_id=spec.id, values=changed, is_new=False)
    return _enqueue(tx, actor, "save_provider", f"Changing Provider {before.name}", payload)


def insert_provider(tx: Tx, actor: Actor, row: ProviderRow) -> None:
    """Keep a new provider, which has answered. Raises ValidationError when another took its name meanwhile."""
    with translate_constraint_errors(_ADD, lambda _: name_taken("Provider", row.name)):
        add(tx, providers, row)
    audit.record(tx, actor, ADDED, f"Provider {row.name} was added by {actor.name}.")


def change_provider(tx: Tx, actor: Actor, provider_id: str, values: Mapping[str, Any]) -> None:
    """Keep what changes of a provider, which has answered if that matters. What else was changed meanwhile stays. The
    hosts of clusters whose default provider it is follow.

    Raises NotFoundError when it was removed meanwhile, ValidationError when another took its name, or when virtual
    machines run with what hosts are to be without.
    """
    before = lock(tx, providers, provider_id)
    row = msgspec.structs.replace(before, **values)
    there = cluster_queries.with_provider(tx, provider_id) if _ON_HOSTS & values.keys() else {}
    if before.plugin_remote and not row.plugin_remote:
        check(_UPDATE, rules.plugin_is_unused(row.name, cluster_queries.vms_on_provider(tx, provider_id, there)))
    watched = host_rules.watch_hosts(tx, _UPDATE, cluster_queries.set_up_in(tx, there))
    with translate_constraint_errors(_UPDATE, lambda _: name_taken("Provider", row.name)):
        tx.execute(sa.update(providers).where(providers.c.id == provider_id).values(values))
    if before.read_only and not row.read_only:
        objects.try_now(tx, provider_objects.c.provider_id == provider_id)
    follow(tx, actor, watched, f"what provider {row.name} wants on hosts has changed")
    audit.record(tx, actor, UPDATED, f"Provider {row.name} was changed by {actor.name}.")


def test_provider(tx: Tx, actor: Actor, provider_id: str, *, purpose: str) -> str:
    """Ask how a provider is; returns the id of the job.

    Needs CREATE_STORAGE_POOL on it. Raises NotFoundError, DeniedError.
    """
    row = _locked(tx, actor, provider_id, purpose)
    return _enqueue(tx, actor, "test_provider", f"Testing Provider {row.name}", OnProvider(provider_id=provider_id))


def list_provider_networks(tx: Tx, actor: Actor, provider_id: str) -> str:
    """Ask for the networks that a provider has; returns the id of the job, whose result they are. Raises
    NotFoundError.
    """
    row = queries.PROVIDERS.get(tx, provider_id)
    payload = OnProvider(provider_id=provider_id)
    return _enqueue(tx, actor, "list_provider_networks", f"Listing the networks of Provider {row.name}", payload)


def list_provider_subnets(tx: Tx, actor: Actor, provider_id: str, network_id: str) -> str:
    """Ask for the subnets of a network that a provider has; returns the id of the job, whose result they are. Raises
    NotFoundError.
    """
    row = queries.PROVIDERS.get(tx, provider_id)
    payload = ListSubnets(provider_id=provider_id, network_id=network_id)
    return _enqueue(tx, actor, "list_provider_subnets", f"Listing the subnets of Provider {row.name}", payload)


def list_provider_orphans(tx: Tx, actor: Actor, provider_id: str) -> str:
    """Ask for what a provider has that bears our mark and is not known here; returns the id of the job, whose result it
    is. Raises NotFoundError.
    """
    row = queries.PROVIDERS.get(tx, provider_id)
    payload = OnProvider(provider_id=provider_id)
    return _enqueue(tx, actor, "list_provider_orphans", f"Listing orphans on Provider {row.name}", payload)


def remove_provider_orphan(tx: Tx, actor: Actor, provider_id: str, orphan_id: str) -> str:
    """Ask for one of these to be removed there; returns the id of the job, which refuses what is none.

    Needs CREATE_STORAGE_POOL on the provider. Raises NotFoundError, DeniedError.
    """
    row = _locked(tx, actor, provider_id)
    payload = RemoveOrphan(provider_id=provider_id, orphan_id=orphan_id)
    return _enqueue(tx, actor, "remove_provider_orphan", f"Removing an orphan from Provider {row.name}", payload)


def remove_provider(tx: Tx, actor: Actor, provider_id: str, *, purpose: str = NETWORKS, force: bool = False) -> None:
    """Remove a provider that has no network. What it has of others stays there; with ``force`` also what of ours is
    still to be removed from it, for one that is gone for good.

    Needs CREATE_STORAGE_POOL on it. Raises NotFoundError, DeniedError, ValidationError, BusyError when it has just got
    a network.
    """
    row = _locked(tx, actor, provider_id, purpose)
    networks = object_queries.networks_on(tx, provider_id)
    left = object_queries.still_there(tx, provider_id)
    check(
        _REMOVE,
        rules.is_no_default(row.name, list(cluster_queries.with_provider(tx, provider_id).values())),
        profile_rules.fabric_carries_nothing(row.name, list(profile_queries.networks_in(tx, provider_id).values())),
        network_rules.provider_is_unused(row.name, networks, 0 if force else left),
    )
    if left:
        objects.leave(tx, provider_id)
    authorize.forget(tx, provider_id)
    with translate_constraint_errors(_REMOVE, lambda _: None):
        tx.execute(sa.delete(providers).where(providers.c.id == provider_id))
    what = f" {left} object(s) of Netweft's were left there." if left else ""
    audit.record(tx, actor, REMOVED, f"Provider {row.name} was removed by {actor.name}.{what}")


def _locked(tx: Tx, actor: Actor, provider_id: str, purpose: str = NETWORKS) -> ProviderRow:
    queries.BY_PURPOSE[purpose].get(tx, provider_id)
    row = lock(tx, providers, provider_id)
    authorize.require(tx, actor, ActionGroup.CREATE_STORAGE_POOL, ObjectRef(ObjectType.PROVIDER, provider_id))
    return row


def import_provider_network(tx: Tx, actor: Actor, provider_id: str, network_id: str, data_center: Ref) -> str:
    """Ask for a network that a provider has (``network_id``: its own id) to be one of a data centre; returns the job's
    id.

    Needs CREATE_STORAGE_POOL_NETWORK on the data centre. Raises NotFoundError, DeniedError, ValidationError.
    """
    row = queries.PROVIDERS.get(tx, provider_id)
    data_center_id = resolve(tx, data_centers, data_center, "data centre")
    here = ObjectRef(ObjectType.DATA_CENTER, data_center_id)
    authorize.require(tx, actor, ActionGroup.CREATE_STORAGE_POOL_NETWORK, here)
    known = object_queries.network_with(tx, data_center_id, provider_id, network_id)
    check(IMPORT, network_rules.is_not_imported(network_id, known))
    payload = ImportNetwork(provider_id=provider_id, network_id=network_id, data_center_id=data_center_id)
    return _enqueue(tx, actor, "import_provider_network", f"Importing a network of provider {row.name}", payload)


def _sealed(row: ProviderRow, spec: UpdateProvider, box: SecretBox) -> ProviderRow:
    """The row with its password encrypted."""
    if spec.password is KEEP or not spec.password:
        return row
    return msgspec.structs.replace(row, password=box.encrypt(spec.password))


def _other_at(tx: Tx, row: ProviderRow) -> str:
    """The name of another provider that configures the fabric at this address, empty for none."""
    if row.purpose != CONFIGURATION:
        return ""
    query = sa.select(providers.c.name).where(providers.c.purpose == CONFIGURATION, providers.c.id != row.id)
    return str(tx.scalar(query.where(sa.func.lower(providers.c.url) == row.url.lower().rstrip("/"))) or "")


def _check(action: str, row: ProviderRow, spec: UpdateProvider) -> None:
    check(
        action,
        *fields.texts_are_valid("Provider", row),
        rules.address_is_valid(row.url, row.type),
        rules.certificates_are_of_use("" if spec.certificate is KEEP else spec.certificate, row.url),
        rules.authentication_url_is_valid(row.authentication_url),
        rules.password_is_valid("" if spec.password is KEEP else spec.password),
        rules.authentication_is_complete(row),
        rules.login_is_given(row) if row.purpose == CONFIGURATION else None,
        rules.plugin_remote_is_valid(row.plugin_remote),
        rules.plugin_mappings_are_valid(row.plugin_mappings, row.plugin_remote),
        rules.plugin_is_known((row.plugin_type, row.external_plugin_type), row.plugin_remote),
    )


def _enqueue(tx: Tx, actor: Actor, kind: str, description: str, payload: OnProvider) -> str:
    return queue.enqueue(tx, actor, kind, f"provider:{payload.provider_id}", description, payload)
