"""Creating and updating networks and subnets on a provider, or port profiles on a fabric, and removing unwanted ones.

The desired objects are in the database; repeating the job changes nothing. An object that a provider refuses does not
delay the others; a provider that cannot be reached is retried later, with all its objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import sqlalchemy as sa

from netweft.core.errors import NotFoundError
from netweft.engine.db import Tx, utc_now
from netweft.engine.job_context import JobContext
from netweft.engine.jobs.provider_faults import OF_ONE_OBJECT
from netweft.engine.jobs.providers import Providers, configuring, connected
from netweft.engine.model.networks import NetworkRow
from netweft.engine.model.provider_objects import ProviderObjectRow, provider_objects
from netweft.engine.model.providers import CONFIGURATION, ProviderRow
from netweft.engine.model.subnets import SubnetRow
from netweft.engine.operations import provider_networks, provider_state
from netweft.engine.operations import provider_objects as objects
from netweft.engine.payloads import OnProvider
from netweft.engine.queries import networks as network_queries
from netweft.engine.queries import port_profiles as profile_queries
from netweft.engine.queries import provider_objects as queries
from netweft.engine.queries import providers as provider_queries
from netweft.engine.queries.ports import PORT
from netweft.engine.queries.provider_objects import MEMBER, NETWORK, PROFILE, SUBNET
from netweft.providers.configuration import ConfigurationProvider, ProfileSpec
from netweft.providers.contract import (
    MissingError,
    NetworkProvider,
    NetworkSpec,
    ProviderError,
    SubnetSpec,
)

_READ_ONLY = "The provider is read-only, and nothing is made, changed or removed there."

C = TypeVar("C")
_Step: TypeAlias = Callable[[C, JobContext, ProviderObjectRow], None]


def run(outside: Providers, job: JobContext) -> Mapping[str, Any]:
    """The job ``reconcile_provider``. Failures are stored with the object, to be retried.

    Raises ProviderError when the provider cannot be reached, or refuses the login.
    """
    provider_id = OnProvider.of(job.job).provider_id
    with job.db.read() as tx:
        provider = provider_queries.get(tx, provider_id)
    try:
        if provider.purpose == CONFIGURATION:
            with configuring(outside, job, provider) as fabric:
                _work_through(fabric, job, provider, _FABRIC_STEPS)
        else:
            with connected(outside, job, provider) as there:
                _work_through(there, job, provider, _STEPS)
    except ProviderError as error:
        job.write(_postpone_all, provider_id, error.text)
        if provider.status == "ok" and not _answers(outside, job, provider):
            job.write(_is_away, provider_id, error.text)
        raise
    return {}


def _work_through(there: C, job: JobContext, provider: ProviderRow, steps: Mapping[tuple[str, str], _Step[C]]) -> None:
    for (wanted, kind), step in steps.items():
        with job.db.read() as tx:
            due = queries.due(tx, provider.id, wanted, kind, utc_now())
        for row in due:
            if provider.read_only and (row.owned or row.wanted == "present"):
                job.write(_postpone, row, _READ_ONLY)
            else:
                _bring(there, job, row, step)


def _answers(outside: Providers, job: JobContext, provider: ProviderRow) -> bool:
    """Whether a provider answers after a failure: it may have failed only at that request."""
    connection = outside.configuring if provider.purpose == CONFIGURATION else outside.connected
    try:
        with job.waiting(), connection(provider) as there:
            there.test()
    except ProviderError:
        return False
    return True


def _is_away(tx: Tx, _: JobContext, provider_id: str, reason: str) -> None:
    provider_state.failed(tx, provider_id, reason)


def _bring(there: C, job: JobContext, row: ProviderObjectRow, step: _Step[C]) -> None:
    try:
        step(there, job, row)
    except OF_ONE_OBJECT as error:
        job.write(_postpone, row, error.text)


def _ensure_network(there: NetworkProvider, job: JobContext, row: ProviderObjectRow) -> None:
    with job.db.read() as tx:
        try:
            network = network_queries.get(tx, row.object_id)
        except NotFoundError:
            return  # released meanwhile, which is due by itself
    with job.waiting():
        found = there.ensure_network(_network_spec(network))
    job.write(_record, row, {"external_id": found.id, "mtu": found.mtu})


def _network_spec(network: NetworkRow) -> NetworkSpec:
    return NetworkSpec(
        id=network.id,
        name=network.name,
        description=network.description,
        mtu=network.mtu,
        physical_network=network.physical_network,
        vlan_id=network.vlan_id,
    )


def _ensure_subnet(there: NetworkProvider, job: JobContext, row: ProviderObjectRow) -> None:
    with job.db.read() as tx:
        subnet = queries.subnet(tx, row.object_id)
        network = queries.of_network(tx, row.parent_id)
    if subnet is None or network is None:
        return
    if not network.external_id:
        raise MissingError("Its network is not there yet.")
    with job.waiting():
        found = there.ensure_subnet(_subnet_spec(subnet, network.external_id))
    job.write(_record, row, {"external_id": found.id})


def _subnet_spec(subnet: SubnetRow, network_id: str) -> SubnetSpec:
    return SubnetSpec(
        id=subnet.id,
        network_id=network_id,
        name=subnet.name,
        cidr=subnet.cidr,
        gateway=subnet.gateway,
        pools=subnet.pools,
        dns_servers=tuple(subnet.dns_servers),
        routes=subnet.routes,
        dhcp=subnet.dhcp,
    )


def _remove_network(there: NetworkProvider, job: JobContext, row: ProviderObjectRow) -> None:
    if row.owned:
        with job.waiting():
            there.remove_network(row.object_id)
    job.write(_forget, row)


def _remove_subnet(there: NetworkProvider, job: JobContext, row: ProviderObjectRow) -> None:
    with job.waiting():
        there.remove_subnet(row.object_id)
    job.write(_forget, row)


def _ensure_profile(there: ConfigurationProvider, job: JobContext, row: ProviderObjectRow) -> None:
    with job.db.read() as tx:
        profile = profile_queries.find(tx, row.object_id, row.provider_id)
    if profile is None:
        return  # released meanwhile, which is due by itself
    spec = ProfileSpec(
        id=profile.network_id,
        name=profile.network_name,
        vlan_id=profile.vlan_id,
        mtu=profile.mtu,
        qos_policy=profile.qos_policy,
        high_performance=profile.high_performance,
    )
    with job.waiting():
        found = there.ensure_profile(spec)
    job.write(_record, row, {"external_id": found.name, "mtu": found.mtu})


def _remove_profile(there: ConfigurationProvider, job: JobContext, row: ProviderObjectRow) -> None:
    with job.waiting():
        there.remove_profile(row.object_id)
    job.write(_forget, row)


def _ensure_member(there: ConfigurationProvider, job: JobContext, row: ProviderObjectRow) -> None:
    with job.waiting():
        there.ensure_member(row.parent_id, row.external_id)
    job.write(_record, row, {"external_id": row.external_id})


def _remove_member(there: ConfigurationProvider, job: JobContext, row: ProviderObjectRow) -> None:
    with job.waiting():
        there.remove_member(row.parent_id, row.external_id)
    job.write(_forget, row)


_FABRIC_STEPS: Mapping[tuple[str, str], _Step[ConfigurationProvider]] = {
    ("present", PROFILE): _ensure_profile,
    ("present", MEMBER): _ensure_member,
    ("absent", MEMBER): _remove_member,
    ("absent", PROFILE): _remove_profile,
}

_STEPS: Mapping[tuple[str, str], _Step[NetworkProvider]] = {
    ("present", NETWORK): _ensure_network,
    ("present", SUBNET): _ensure_subnet,
    ("absent", SUBNET): _remove_subnet,
    ("absent", NETWORK): _remove_network,
}
"""The actions, by desired state and kind, in the order of their dependencies: a subnet is created after its network,
and removed before it. The due objects are read for each action, as one leads to another.
"""


def _record(tx: Tx, _: JobContext, row: ProviderObjectRow, facts: Mapping[str, Any]) -> None:
    unchanged = provider_objects.c.next_try == row.next_try
    objects.done(tx, row.kind, row.object_id, row.provider_id, unchanged, **facts)
    if facts["external_id"] != row.external_id:  # also when something else is wanted of it by now
        here = (
            provider_objects.c.kind == row.kind,
            provider_objects.c.object_id == row.object_id,
            provider_objects.c.provider_id == row.provider_id,
        )
        tx.execute(sa.update(provider_objects).where(*here).values(facts))
    if row.kind == NETWORK:
        provider_networks.brought(tx, row, **facts)


def _forget(tx: Tx, _: JobContext, row: ProviderObjectRow) -> None:
    objects.forget(tx, row.kind, row.object_id, row.provider_id)
    below = {SUBNET: NETWORK, MEMBER: PROFILE}
    if row.kind in below:
        above = provider_objects.c.kind == below[row.kind], provider_objects.c.object_id == row.parent_id
        objects.try_now(tx, *above, provider_objects.c.provider_id == row.provider_id)


def _postpone_all(tx: Tx, _: JobContext, provider_id: str, reason: str) -> None:
    """Also postpone objects that failed earlier: else a provider that is away would get requests all the time."""
    unfinished = provider_objects.c.kind != PORT, provider_objects.c.next_try.is_not(None)
    objects.postpone(tx, reason, provider_objects.c.provider_id == provider_id, *unfinished)


def _postpone(tx: Tx, _: JobContext, row: ProviderObjectRow, reason: str) -> None:
    unchanged = provider_objects.c.next_try == row.next_try
    objects.postpone(
        tx,
        reason,
        provider_objects.c.kind == row.kind,
        provider_objects.c.object_id == row.object_id,
        provider_objects.c.provider_id == row.provider_id,
        unchanged,
    )
