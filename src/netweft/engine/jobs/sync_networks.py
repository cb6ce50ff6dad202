"""Importing a provider's networks automatically (oVirt's ``auto_sync``) into data centres with clusters whose default
provider it is.

New networks are imported; removed or renamed ones are only shown as such. As in oVirt's synchronisation, nothing is
removed from machines that use them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from netweft.core.errors import ValidationError
from netweft.engine import audit, queue
from netweft.engine.actor import SYSTEM
from netweft.engine.audit import Severity
from netweft.engine.commands.cluster_networks import AttachNetwork, attach_network
from netweft.engine.db import Tx
from netweft.engine.job_context import JobContext
from netweft.engine.jobs.providers import Providers, add_as_it_is, connected_to
from netweft.engine.model.events import events
from netweft.engine.model.providers import ProviderRow
from netweft.engine.payloads import OnProvider
from netweft.engine.queries import clusters, provider_objects
from netweft.engine.queries import providers as queries
from netweft.engine.queries.references import Ref
from netweft.engine.queue import Result
from netweft.providers.contract import ProviderNetwork

NOT_SYNCED = 20_163
"""An event code of our own."""


def enqueue_if_any(tx: Tx, row: ProviderRow, found: Collection[ProviderNetwork]) -> None:
    """Enqueue the import of networks that data centres lack, if there are any."""
    if any(_missing(tx, row.id, home, found) for home in _homes(tx, row.id)):
        text = f"Importing the networks of provider {row.name}"
        payload = OnProvider(provider_id=row.id)
        queue.enqueue_once(tx, SYSTEM, "sync_provider_networks", f"provider:{row.id}", text, payload)


def run(outside: Providers, job: JobContext) -> Result:
    """The job ``sync_provider_networks``. A network that cannot be imported, as another has its name, does not delay
    the rest, and is reported by an event. Raises ProviderError.
    """
    provider_id = OnProvider.of(job.job).provider_id
    with job.db.read() as tx:
        homes = _homes(tx, provider_id)
    with connected_to(outside, job, provider_id) as provider, job.waiting():
        found = list(provider.networks())
    refused = {}
    for home in homes:
        with job.db.read() as tx:
            missing = _missing(tx, provider_id, home, found)
        for one in missing:
            try:
                job.write(_take_in, provider_id, home, one)
            except ValidationError as error:
                refused[one.name] = error.text
    return lambda tx: _record_refused(tx, provider_id, refused)


def _homes(tx: Tx, provider_id: str) -> dict[str, list[str]]:
    return clusters.data_centers_with_provider(tx, provider_id)


def _missing(
    tx: Tx, provider_id: str, data_center_id: str, found: Collection[ProviderNetwork]
) -> Sequence[ProviderNetwork]:
    """The networks there that others made and the data centre lacks."""
    known = provider_objects.external_ids_in(tx, provider_id, data_center_id)
    return [one for one in found if not one.owner and one.id not in known]


def _take_in(tx: Tx, job: JobContext, provider_id: str, data_center_id: str, one: ProviderNetwork) -> None:
    """Add a network, and attach it to the clusters whose default provider it is on."""
    if one.id in provider_objects.external_ids_in(tx, provider_id, data_center_id):
        return
    network = add_as_it_is(tx, job, provider_id, data_center_id, one)
    for cluster_id in _homes(tx, provider_id).get(data_center_id, ()):
        attach_network(tx, SYSTEM, AttachNetwork(cluster_id=cluster_id, network=Ref(id=network.id)))


def _record_refused(tx: Tx, provider_id: str, refused: dict[str, str]) -> None:
    provider = queries.get(tx, provider_id).name
    for name, reason in sorted(refused.items()):
        text = f"Network {name} of provider {provider} was not imported. {reason}"
        is_known = sa.select(events.c.id).where(events.c.code == NOT_SYNCED, events.c.description == text).limit(1)
        if tx.scalar(is_known) is None:
            audit.record(tx, SYSTEM, NOT_SYNCED, text, severity=Severity.WARNING)
