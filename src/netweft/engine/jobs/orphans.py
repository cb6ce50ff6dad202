"""Orphans: objects on providers with our mark that are not in the database. They remain from an engine whose database
was lost, or belong to another engine. They are listed, and removed on request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sqlalchemy as sa

from netweft.engine import audit
from netweft.engine.db import Database, Tx
from netweft.engine.job_context import JobContext
from netweft.engine.jobs.providers import Providers, connected_to
from netweft.engine.model.events import events
from netweft.engine.model.providers import providers
from netweft.engine.payloads import OnProvider, RemoveOrphan
from netweft.engine.queries import provider_objects as queries
from netweft.engine.queries import providers as provider_queries
from netweft.engine.queries.ports import PORT
from netweft.engine.queries.provider_objects import NETWORK, SUBNET, Known
from netweft.engine.queue import Result
from netweft.engine.results import FoundOrphan, FoundOrphans
from netweft.providers.contract import MissingError, NetworkProvider, ProviderSubnet

REMOVING = 20_162
"""An event code of our own."""


def find(outside: Providers, job: JobContext) -> FoundOrphans:
    """The job ``list_provider_orphans``. Raises ProviderError."""
    provider_id = OnProvider.of(job.job).provider_id
    with connected_to(outside, job, provider_id) as there:
        found = _find(job, there)
    job.write(_count, provider_id, len(found))
    return FoundOrphans(orphans=tuple(found))


def remove(outside: Providers, job: JobContext) -> Result:
    """The job ``remove_provider_orphan``. Raises MissingError when there is no such orphan, RefusedError when it is in
    use there, ProviderError.
    """
    payload = RemoveOrphan.of(job.job)
    with connected_to(outside, job, payload.provider_id) as there:
        known = _find(job, there)
        found = [one for one in known if one.id == payload.orphan_id]
        if not found and not _has_begun(job):
            text = f"The provider has nothing of Netweft's with the id {payload.orphan_id} that is unknown here."
            raise MissingError(text)
        job.write(_begin, payload, found)
        calls: Mapping[str, Callable[[str], None]] = {
            PORT: there.remove_port,
            SUBNET: there.remove_subnet,
            NETWORK: there.remove_network,
        }
        with job.waiting():
            for one in found:
                calls[one.kind](one.id)
    return lambda tx: count(tx, payload.provider_id, len(known) - len(found))


def _has_begun(job: JobContext) -> bool:
    """Whether an earlier attempt of this job has found the orphan: then it has been removed."""
    with job.db.read() as tx:
        query = sa.select(events.c.id).where(events.c.job_id == job.job.id, events.c.code == REMOVING)
        return tx.execute(query.limit(1)).first() is not None


def _begin(tx: Tx, job: JobContext, payload: RemoveOrphan, found: list[FoundOrphan]) -> None:
    name = provider_queries.get(tx, payload.provider_id).name
    for one in found:
        text = f"Removing the orphan {one.kind} {one.name} from Provider {name} was initiated by {job.job.actor.name}."
        audit.record(tx, job.job.actor, REMOVING, text, job=job.job.id)


def _find(job: JobContext, there: NetworkProvider) -> list[FoundOrphan]:
    with job.waiting():
        return orphans_on(job.db, there)


def orphans_on(db: Database, there: NetworkProvider) -> list[FoundOrphan]:
    """The orphans on a provider. The known objects are read before and after the provider's: those that are added or
    removed meanwhile are no orphans. Raises ProviderError.
    """
    before = _wanted_anywhere(db)
    found = _marked(there, before)
    after = _wanted_anywhere(db)
    return [one for one in found if (one.kind, one.id) not in before.objects | after.objects]


def count(tx: Tx, provider_id: str, orphans: int) -> None:
    """Store the number of orphans."""
    tx.execute(sa.update(providers).where(providers.c.id == provider_id).values(orphans=orphans))


def _count(tx: Tx, _: JobContext, provider_id: str, orphans: int) -> None:
    count(tx, provider_id, orphans)


def _wanted_anywhere(db: Database) -> Known:
    with db.read() as tx:
        return queries.wanted_anywhere(tx)


def _marked(there: NetworkProvider, known: Known) -> list[FoundOrphan]:
    """All objects there with our mark: ports, subnets and networks, in the order in which they can be removed. Subnets
    are read of our networks and imported ones.
    """
    networks = there.networks()
    ours = [one for one in networks if one.owner]
    subnets = [
        subnet for one in networks if one.owner or one.id in known.networks for subnet in _subnets(there, one.id)
    ]
    return [
        *(FoundOrphan(kind=PORT, id=one.owner, external_id=one.id, name=one.mac_address) for one in there.ports()),
        *(FoundOrphan(kind=SUBNET, id=one.owner, external_id=one.id, name=one.name) for one in subnets),
        *(FoundOrphan(kind=NETWORK, id=one.owner, external_id=one.id, name=one.name) for one in ours),
    ]


def _subnets(there: NetworkProvider, network_id: str) -> list[ProviderSubnet]:
    """Those with our mark."""
    try:
        return [one for one in there.subnets(network_id) if one.owner]
    except MissingError:  # it has gone since it was listed
        return []
