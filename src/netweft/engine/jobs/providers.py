"""Jobs on providers: testing one, also before it is saved, and listing its objects."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import fields
from typing import TypeVar

import msgspec
import sqlalchemy as sa

from netweft.core.errors import NotFoundError
from netweft.core.rules import check
from netweft.core.rules.provider_network import is_not_imported
from netweft.engine import audit
from netweft.engine.audit import Severity
from netweft.engine.commands.networks import AddNetwork, add_network
from netweft.engine.commands.providers import IMPORT, change_provider, insert_provider
from netweft.engine.db import Tx
from netweft.engine.job_context import JobContext
from netweft.engine.jobs.provider_faults import as_provider_errors, guarded
from netweft.engine.model.networks import NetworkRow, networks
from netweft.engine.model.provider_hosts import ProviderHostRow
from netweft.engine.model.providers import CONFIGURATION, ProviderRow
from netweft.engine.operations import provider_hosts, provider_state
from netweft.engine.payloads import ImportNetwork, ListSubnets, OnProvider, SaveProvider
from netweft.engine.queries import providers as queries
from netweft.engine.queries.references import Ref
from netweft.engine.queue import Result
from netweft.engine.results import FoundNetwork, FoundNetworks, FoundSubnet, FoundSubnets, each_as
from netweft.engine.secrets import SecretBox
from netweft.providers.configuration import ConfigurationProvider
from netweft.providers.contract import Account, MissingError, NetworkProvider, ProviderError, ProviderNetwork
from netweft.providers.installed import Installed

C = TypeVar("C")

TESTED, TEST_FAILED = 20_160, 20_161
"""Event codes of our own."""

_ACCOUNT_FIELDS = tuple(
    one.name for one in fields(Account) if one.name in ProviderRow.__struct_fields__ and one.name != "password"
)
"""What an account takes from the provider's row as it is."""


class Providers:
    """The external systems as jobs reach them. ``box`` decrypts their passwords."""

    def __init__(self, installed: Installed, box: SecretBox) -> None:
        self._installed = installed
        self._box = box

    def connected(self, row: ProviderRow) -> AbstractContextManager[NetworkProvider]:
        """A connection to a provider of networks, which raises nothing but ProviderError, also where its module is
        broken. What the block itself raises stays as it is.
        """
        return self._open(row, self._installed.networks.connect)

    def configuring(self, row: ProviderRow) -> AbstractContextManager[ConfigurationProvider]:
        """The same of a configuration provider."""
        return self._open(row, self._installed.configuration.connect)

    @contextmanager
    def _open(
        self, row: ProviderRow, connect: Callable[[str], Callable[[Account], AbstractContextManager[C]]]
    ) -> Iterator[C]:
        connection = ExitStack()
        with as_provider_errors(row.type):
            there = connection.enter_context(connect(row.type)(self._account(row)))
        try:
            yield guarded(row.type, there)
        finally:
            with as_provider_errors(row.type):
                connection.close()

    def _account(self, row: ProviderRow) -> Account:
        values = {name: getattr(row, name) for name in _ACCOUNT_FIELDS}
        return Account(**values, password=self._box.decrypt(row.password) if row.password else "")


def save(outside: Providers, job: JobContext) -> Result:
    """The job ``save_provider``: keeps a new provider, or a changed one, once it has answered. Raises ProviderError,
    ValidationError when another took its name meanwhile, NotFoundError when it was removed meanwhile.
    """
    payload = SaveProvider.of(job.job)
    latency, found = _tested(outside, job, _to_be(job, payload))
    return lambda tx: _save(tx, job, payload, latency, found)


def _save(tx: Tx, job: JobContext, payload: SaveProvider, latency: int, found: Sequence[ProviderHostRow]) -> None:
    if payload.is_new:
        insert_provider(tx, job.job.actor, msgspec.convert(payload.values, ProviderRow))
    else:
        change_provider(tx, job.job.actor, payload.provider_id, payload.values)
    provider_state.answered(tx, payload.provider_id, latency)
    provider_hosts.replace(tx, payload.provider_id, found)


def _to_be(job: JobContext, payload: SaveProvider) -> ProviderRow:
    """The provider as it is to be. Raises NotFoundError when it was removed meanwhile."""
    if payload.is_new:
        return msgspec.convert(payload.values, ProviderRow)
    with job.db.read() as tx:
        return msgspec.structs.replace(queries.get(tx, payload.provider_id), **payload.values)


def test(outside: Providers, job: JobContext) -> Result:
    """The job ``test_provider``: finds out how the provider is, and records it. Raises ProviderError."""
    provider_id = OnProvider.of(job.job).provider_id
    with job.db.read() as tx:
        row = queries.get(tx, provider_id)
    try:
        latency, found = _tested(outside, job, row)
    except ProviderError as error:
        job.write(_record_failure, row, error.text)
        raise
    return lambda tx: _record(tx, job, row, latency, found)


def list_networks(outside: Providers, job: JobContext) -> FoundNetworks:
    """The job ``list_provider_networks``. Raises ProviderError."""
    provider_id = OnProvider.of(job.job).provider_id
    with connected_to(outside, job, provider_id) as provider, job.waiting():
        found = provider.networks()
    return FoundNetworks(networks=each_as(FoundNetwork, found))


def list_subnets(outside: Providers, job: JobContext) -> FoundSubnets:
    """The job ``list_provider_subnets``. Raises ProviderError, NotFoundError when the provider has no such network."""
    payload = ListSubnets.of(job.job)
    try:
        with connected_to(outside, job, payload.provider_id) as provider, job.waiting():
            found = provider.subnets(payload.network_id)
    except MissingError as error:
        raise NotFoundError(error.text) from error
    return FoundSubnets(subnets=each_as(FoundSubnet, found))


def import_network(outside: Providers, job: JobContext) -> Result:
    """The job ``import_provider_network``: adds a network that the provider has to a data centre, as it is there.

    Raises ProviderError, MissingError when the provider has it no more, ValidationError when it cannot be one here.
    """
    payload = ImportNetwork.of(job.job)
    with connected_to(outside, job, payload.provider_id) as provider, job.waiting():
        found = next((one for one in provider.networks() if one.id == payload.network_id), None)
    if found is None:
        raise MissingError(f"The provider has no network {payload.network_id}.")
    return lambda tx: _import(tx, job, payload, found)


def _import(tx: Tx, job: JobContext, payload: ImportNetwork, found: ProviderNetwork) -> None:
    add_as_it_is(tx, job, payload.provider_id, payload.data_center_id, found)


def add_as_it_is(tx: Tx, job: JobContext, provider_id: str, data_center_id: str, found: ProviderNetwork) -> NetworkRow:
    """Add a network that a provider has to a data centre. Raises ValidationError."""
    ours = tx.scalar(sa.select(networks.c.name).where(networks.c.id == found.owner)) if found.owner else None
    check(IMPORT, is_not_imported(found.id, ours or ""))
    spec = AddNetwork(
        name=found.name,
        description=found.description,
        mtu=found.mtu,
        data_center=Ref(id=data_center_id),
        vlan_id=found.vlan_id,
        provider=Ref(id=provider_id),
        physical_name=found.physical_network,
        external_id=found.id,
    )
    return add_network(tx, job.job.actor, spec)


def _tested(outside: Providers, job: JobContext, row: ProviderRow) -> tuple[int, list[ProviderHostRow]]:
    """How many milliseconds the provider took to answer, and the hosts on which it can have ports."""
    began = time.monotonic()
    if row.purpose == CONFIGURATION:
        with job.waiting(), outside.configuring(row) as fabric:
            fabric.test()
            latency = round(1000 * (time.monotonic() - began))
            return latency, servers_of(row.id, fabric)
    with job.waiting(), outside.connected(row) as provider:
        provider.test()
        latency = round(1000 * (time.monotonic() - began))
        return latency, hosts_of(row.id, provider)


@contextmanager
def connected(outside: Providers, job: JobContext, row: ProviderRow) -> Iterator[NetworkProvider]:
    """A connection for a job, which has no place among those that work while it is made. Raises ProviderError."""
    with ExitStack() as stack:
        with job.waiting():
            there = stack.enter_context(outside.connected(row))
        yield there


@contextmanager
def configuring(outside: Providers, job: JobContext, row: ProviderRow) -> Iterator[ConfigurationProvider]:
    """:func:`connected` to a configuration provider."""
    with ExitStack() as stack:
        with job.waiting():
            there = stack.enter_context(outside.configuring(row))
        yield there


@contextmanager
def connected_to(outside: Providers, job: JobContext, provider_id: str) -> Iterator[NetworkProvider]:
    """:func:`connected` by the provider's id. Raises NotFoundError, ProviderError."""
    with job.db.read() as tx:
        row = queries.get(tx, provider_id)
    with connected(outside, job, row) as there:
        yield there


def hosts_of(provider_id: str, there: NetworkProvider) -> list[ProviderHostRow]:
    """The hosts on which a provider can have ports. Raises ProviderError."""
    return [
        ProviderHostRow(
            provider_id=provider_id,
            name=one.name,
            is_alive=one.is_alive,
            physical_networks=tuple(sorted(one.physical_networks)),
        )
        for one in there.hosts()
    ]


def servers_of(provider_id: str, there: ConfigurationProvider) -> list[ProviderHostRow]:
    """The hosts that a fabric connects, by the UUIDs of their hardware: what it calls them is no name of theirs. Raises
    ProviderError.
    """
    known = sorted({one.uuid for one in there.servers() if one.uuid})
    return [ProviderHostRow(provider_id=provider_id, name=uuid, is_alive=True, physical_networks=()) for uuid in known]


def _record(tx: Tx, job: JobContext, row: ProviderRow, latency: int, found: Sequence[ProviderHostRow]) -> None:
    _require_there(row, is_there=provider_state.answered(tx, row.id, latency))
    provider_hosts.replace(tx, row.id, found)
    text = f"Provider {row.name} answered {job.job.actor.name} in {latency} ms."
    audit.record(tx, job.job.actor, TESTED, text, job=job.job.id)


def _record_failure(tx: Tx, job: JobContext, row: ProviderRow, reason: str) -> None:
    _require_there(row, is_there=provider_state.failed(tx, row.id, reason, has_event=True))
    text = f"Provider {row.name} failed its test: {reason}"
    audit.record(tx, job.job.actor, TEST_FAILED, text, Severity.ERROR, job=job.job.id)


def _require_there(row: ProviderRow, *, is_there: bool) -> None:
    if not is_there:
        raise NotFoundError(f"The provider {row.name} was removed meanwhile.")
