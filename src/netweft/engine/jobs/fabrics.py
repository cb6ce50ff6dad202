"""What a fabric has as a whole: its classes of traffic, listed and raised."""

from __future__ import annotations

from msgspec.structs import replace

from netweft.engine import audit
from netweft.engine.audit import Severity
from netweft.engine.db import Tx, insert_if_absent, utc_now
from netweft.engine.job_context import JobContext
from netweft.engine.jobs.providers import Providers, configuring
from netweft.engine.model.port_profiles import raised_mtus
from netweft.engine.model.provider_objects import provider_objects
from netweft.engine.model.providers import ProviderRow
from netweft.engine.operations import provider_objects as objects
from netweft.engine.operations.provider_networks import reconcile
from netweft.engine.payloads import OnProvider, RaiseMtu
from netweft.engine.queries import port_profiles as profile_queries
from netweft.engine.queries import providers as queries
from netweft.engine.queue import Result
from netweft.engine.results import FoundClass, FoundClasses, MtuRaised, each_as
from netweft.providers.configuration import ConfigurationProvider
from netweft.providers.contract import MissingError

RAISING, RAISED = 20_171, 20_172
"""Event codes of our own."""


def list_classes(outside: Providers, job: JobContext) -> FoundClasses:
    """The job ``list_system_classes``. Raises ProviderError."""
    with configuring(outside, job, _provider(job)) as there, job.waiting():
        found = there.system_classes()
    return FoundClasses(system_classes=each_as(FoundClass, found))


def raise_mtu(outside: Providers, job: JobContext) -> Result:
    """The job ``raise_mtu``: lets a class of traffic carry longer frames, which interrupts the fabric, or finds out
    what that would interrupt. Its result is that. Repeated after it was done it changes nothing.

    Raises MissingError without such a class, RefusedError, ProviderError.
    """
    payload = RaiseMtu.of(job.job)
    row = _provider(job)
    with configuring(outside, job, row) as there:
        with job.waiting():
            before = next((one for one in there.system_classes() if one.name == payload.system_class), None)
            if before is None:
                raise MissingError(f"The fabric has no class of traffic '{payload.system_class[:60]}'.")
            result = MtuRaised(system_class=before.name, before=before.mtu, mtu=max(before.mtu, payload.mtu))
            if before.mtu < payload.mtu:
                result = _with_interrupted(result, job, row, there)
        if payload.plan or before.mtu >= payload.mtu:
            return result
        job.write(_begin, row, payload, before.mtu)
        with job.waiting():
            there.raise_mtu(payload.system_class, payload.mtu)
    job.write(_record, row, payload)
    return result


def _with_interrupted(result: MtuRaised, job: JobContext, row: ProviderRow, there: ConfigurationProvider) -> MtuRaised:
    """With what a change to the whole fabric interrupts: others' port profiles as well as ours."""
    with job.db.read() as tx:
        ours, running = profile_queries.networks_in(tx, row.id), profile_queries.vms_in(tx, row.id)
    return replace(
        result,
        servers=tuple(one.name or one.uuid for one in there.servers()),
        port_profiles=tuple(one.name for one in there.profiles()),
        networks=tuple(ours.values()),
        vms=tuple(running),
    )


def _provider(job: JobContext) -> ProviderRow:
    with job.db.read() as tx:
        return queries.CONFIGURATION_PROVIDERS.get(tx, OnProvider.of(job.job).provider_id)


def _begin(tx: Tx, job: JobContext, row: ProviderRow, payload: RaiseMtu, before: int) -> None:
    """Record who raises the MTU before it is raised: the answer may be lost."""
    text = (
        f"Raising the MTU of class {payload.system_class} of the whole fabric {row.name} from {before} to {payload.mtu}"
        f" was initiated by {job.job.actor.name}; all its traffic may be interrupted."
    )
    audit.record(tx, job.job.actor, RAISING, text, Severity.WARNING, job=job.job.id)
    note = {
        "provider_id": row.id,
        "system_class": payload.system_class,
        "before": before,
        "mtu": payload.mtu,
        "user_name": job.job.actor.name,
        "raised_at": utc_now(),
    }
    insert_if_absent(tx, raised_mtus, **note)


def _record(tx: Tx, job: JobContext, row: ProviderRow, payload: RaiseMtu) -> None:
    """Retry at once what waited for the larger MTU."""
    text = f"Class {payload.system_class} of fabric {row.name} now has MTU {payload.mtu}."
    audit.record(tx, job.job.actor, RAISED, text, job=job.job.id)
    objects.try_now(tx, provider_objects.c.provider_id == row.id)
    if queries.find(tx, row.id) is not None:
        reconcile(tx, job.job.actor, row.id)
