"""Every kind of job with its function, and every timer; what the worker is made with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from netweft.engine import leases
from netweft.engine.agents import Agents
from netweft.engine.job_context import JobContext
from netweft.engine.jobs import (
    apply_host,
    deploy_agent,
    drift_watch,
    enroll_certificate,
    evacuate_host,
    fabrics,
    guests,
    install_host,
    migrate,
    orphans,
    ports,
    propagate_labels,
    provider_watch,
    providers,
    reconcile_provider,
    refresh_host,
    remove_host,
    roll_out,
    sync_networks,
    vm_states,
)
from netweft.engine.jobs.monitor import EVERY, Monitor
from netweft.engine.jobs.outside import Outside
from netweft.engine.jobs.provider_watch import ProviderMonitor
from netweft.engine.jobs.providers import Providers
from netweft.engine.operations.rollouts import TOPIC
from netweft.engine.queue import Result
from netweft.engine.worker import JobFunction, Timer

_FUNCTIONS: Mapping[str, Callable[[Agents, JobContext], Result]] = {
    "apply_host": apply_host.run,
    "install_host": install_host.run,
    "enroll_certificate": enroll_certificate.run,
    "remove_host": remove_host.run,
    "activate_host": refresh_host.activate,
    "refresh_host": refresh_host.refresh,
    "commit_host": refresh_host.commit,
    "set_functions": refresh_host.set_functions,
    "propagate_labels": propagate_labels.run,
    "shut_down_vm": vm_states.shut_down,
    "settle_shutdown": vm_states.finish_shutdown,
    "reboot_vm": vm_states.reboot,
    "suspend_vm": vm_states.suspend,
}

_FUNCTIONS_OF_BOTH: Mapping[str, Callable[[Outside, JobContext], Result]] = {
    "deploy_agent": deploy_agent.run,
    "start_vm": guests.start,
    "stop_vm": guests.stop,
    "migrate_vm": migrate.run,
    "update_guest": guests.update,
    "sync_guest": guests.sync,
    "clear_guest": guests.clear,
    "sync_ports": ports.sync,
}

_PROVIDER_FUNCTIONS: Mapping[str, Callable[[Providers, JobContext], Result]] = {
    "save_provider": providers.save,
    "test_provider": providers.test,
    "import_provider_network": providers.import_network,
    "reconcile_provider": reconcile_provider.run,
    "list_provider_networks": providers.list_networks,
    "sync_provider_networks": sync_networks.run,
    "list_provider_subnets": providers.list_subnets,
    "list_provider_orphans": orphans.find,
    "remove_provider_orphan": orphans.remove,
    "list_system_classes": fabrics.list_classes,
    "raise_mtu": fabrics.raise_mtu,
}


ASKING = frozenset({"apply_host", "deploy_agent", "install_host", "migrate_vm", "propagate_labels"})
"""The kinds that can query the outcome of an attempt without repeating it."""


def job_functions(outside: Outside) -> dict[str, JobFunction]:
    """The functions of all jobs."""
    on_hosts: dict[str, JobFunction] = {kind: partial(run, outside.agents) for kind, run in _FUNCTIONS.items()}
    on_providers = {kind: partial(run, outside.providers) for kind, run in _PROVIDER_FUNCTIONS.items()}
    on_both = {kind: partial(run, outside) for kind, run in _FUNCTIONS_OF_BOTH.items()}
    return {**on_hosts, **on_providers, **on_both, "evacuate_host": evacuate_host.run, "roll_out": roll_out.run}


def timers(monitor: Monitor, provider_monitor: ProviderMonitor) -> list[Timer]:
    """The watches over the replica's hosts, on PostgreSQL over which hosts those are, and over providers."""
    return [
        *_host_timers(monitor),
        Timer(name="rollouts", every=roll_out.EVERY, run=roll_out.wake, topic=TOPIC),
        Timer(name="drift", every=drift_watch.EVERY, run=drift_watch.watch),
        Timer(name="providers-retry", every=provider_watch.EVERY, run=provider_watch.retry),
        Timer(name="providers-ask", every=provider_watch.EVERY, run=provider_monitor.round),
    ]


def _host_timers(monitor: Monitor) -> list[Timer]:
    watch = Timer(name="monitor", every=EVERY, run=monitor.watch, topic=leases.TOPIC)
    if not monitor.replica:
        return [watch]
    share = partial(leases.share, replica=monitor.replica)
    return [Timer(name="leases", every=leases.HEARTBEAT, run=share, topic=leases.TOPIC), watch]
