"""Hosts, at ``/hosts``, and what can be done with them."""

from __future__ import annotations

from msgspec import UNSET

from netweft.api.collections import Collection, same_fields, spec_fields
from netweft.api.host_deployments import asks_for_agent, ssh_columns, way_in
from netweft.api.host_setup import setup_request, when_idle
from netweft.api.request_fields import kept_ref, required, required_ref
from netweft.api.routes import Call, Later, Routes
from netweft.api.schema import reference
from netweft.api.search import LISTED
from netweft.api.statistics import add_statistics
from netweft.api.types import (
    Action,
    Certificate,
    Cluster,
    Cpu,
    CpuTopology,
    Enabled,
    HardwareInformation,
    Host,
    IscsiDetails,
    Ksm,
    OperatingSystem,
    PowerManagement,
    SeLinux,
    Spm,
    Ssh,
    Statistic,
    Version,
    VmSummary,
)
from netweft.api.values import measured
from netweft.core.protocol import AGENT_PORT, Capabilities
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.certificates import enroll_certificate
from netweft.engine.commands.host_deployments import add_and_deploy
from netweft.engine.commands.hosts import (
    AddHost,
    UpdateHost,
    activate_host,
    add_host,
    deactivate_host,
    refresh_host,
    remove_host,
    update_host,
)
from netweft.engine.commands.setup_networks import (
    SetupHostNetworks,
    commit_network_changes,
    copy_host_networks,
    setup_host_networks,
    sync_all_networks,
)
from netweft.engine.db import Tx
from netweft.engine.model.records import filled
from netweft.engine.queries import hosts as queries
from netweft.engine.queries import vms as vm_queries
from netweft.engine.queries.hosts import HostDetails

routes = Routes("hosts")


_NOT_OURS = filled(
    Host(
        auto_numa_status="unknown",
        device_passthrough=Enabled(enabled=False),
        external_status="ok",
        hardware_information=HardwareInformation(supported_rng_sources=["urandom"]),
        iscsi=IscsiDetails(initiator=""),
        kdump_status="unknown",
        ksm=Ksm(enabled=False),
        numa_supported=False,
        port=AGENT_PORT,
        power_management=PowerManagement(automatic_pm_enabled=True, enabled=False, kdump_detection=False),
        protocol="stomp",
        reinstallation_required=False,
        se_linux=SeLinux(mode="disabled"),
        spm=Spm(priority=5, status="none"),
        transparent_hugepages=Enabled(enabled=True),
        type="rhel",
        update_available=False,
    )
)
"""Storage, power and firmware, which Netweft does not manage: clients read those parts without asking, so they say
"none".
"""


def show(row: HostDetails) -> Host:
    """A host."""
    capabilities = row.capabilities
    return Host(
        **_NOT_OURS,
        **same_fields(Host, row),
        href=f"/hosts/{row.id}",
        certificate=Certificate(organization="Netweft", subject=f"CN={row.id}"),
        cpu=_cpu(capabilities),
        libvirt_version=_version(capabilities.libvirt_version if capabilities else ""),
        max_scheduling_memory=capabilities.memory if capabilities else 0,
        memory=capabilities.memory if capabilities else 0,
        network_operation_in_progress=row.is_changing,
        networks_committed=not row.dirty if capabilities else UNSET,
        networks_in_sync=row.drifts_since is None if capabilities else UNSET,
        os=_system(capabilities),
        ssh=Ssh(fingerprint=row.ssh_fingerprint or UNSET, port=row.ssh_port),
        status_detail=row.status_reason or UNSET,
        summary=VmSummary(active=row.vms_active, migrating=0, total=row.vms_total),
        version=_version(capabilities.agent_version if capabilities else ""),
        cluster=reference(Cluster, row.cluster_id),
    )


def _cpu(capabilities: Capabilities | None) -> Cpu:
    if capabilities is None:
        return Cpu()
    topology = CpuTopology(cores=capabilities.cpu_cores, sockets=1, threads=1)
    return Cpu(name=capabilities.cpu_model, topology=topology)


def _system(capabilities: Capabilities | None) -> OperatingSystem:
    """Clients split the parameters that an administrator gave the kernel; the kernel is not ours, so there are none."""
    if capabilities is None:
        return OperatingSystem(custom_kernel_cmdline="")
    return OperatingSystem(
        custom_kernel_cmdline="", type=capabilities.os_name, version=Version(full_version=capabilities.os_version)
    )


def _version(text: str) -> Version:
    """A version such as ``9.0.0``, as far as it has numbers."""
    numbers = [int(part) if part.isdigit() else 0 for part in text.split(".")[:3]] if text else []
    names = ("major", "minor", "build")
    return Version(full_version=text, **dict(zip(names, numbers, strict=False))) if text else Version()


HOSTS = Collection(routes, queries.HOSTS, Host, "/hosts/{host_id}", show=show)
HOSTS.reads("Hosts of all clusters.", "One host.", queries=((*LISTED, "all_content"), ("all_content",)))


@routes.post("/hosts", Host, needs=ActionGroup.CREATE_HOST, queries=("activate", "reboot"))
def post_host(call: Call[Host]) -> Host:
    """Add a host to the cluster that it names. With ``root_password``, or an authentication method in ``ssh``, the
    engine installs the agent there; else it is installed once its agent has joined.
    """
    body = call.body
    required(body.name, "Host [name]")
    required(body.address, "Host [address]")
    cluster = required_ref(body.cluster, "Host [cluster")
    spec = AddHost(cluster=cluster, **ssh_columns(body), **spec_fields(body, AddHost))
    if asks_for_agent(body):
        added = call.run(add_and_deploy, call.actor, spec, way_in(call, body), box=call.services.box)
    else:
        added = call.run(add_host, call.actor, spec)
    return HOSTS.one(call, added)


@HOSTS.changes(ActionGroup.EDIT_HOST_CONFIGURATION)
def change_host(call: Call[Host]) -> None:
    """Change a host."""
    cluster = kept_ref(call.body.cluster, "Host [cluster")
    changes = {**ssh_columns(call.body), **spec_fields(call.body, UpdateHost)}
    call.run(update_host, call.actor, UpdateHost(id=HOSTS.id(call), cluster=cluster, **changes))


@routes.delete("/hosts/{host_id}", needs=ActionGroup.DELETE_HOST, queries=("force", "clean"))
def delete_host(call: Call[None]) -> Later | None:
    """Forget a host that is out of service; with ``clean=true`` its networks are taken off it before, but for that for
    its management; with ``force=true`` it goes also when they cannot be.
    """
    clean, force = call.query.flag("clean"), call.query.flag("force")
    job_id = call.run(remove_host, call.actor, call.ids["host_id"], clean=clean, force=force)
    return Later(job_id) if job_id else None


@routes.action("/hosts/{host_id}/activate", needs=ActionGroup.MANIPULATE_HOST)
def activate(call: Call[Action]) -> Later:
    """Activate a host."""
    return Later(call.run(activate_host, call.actor, call.ids["host_id"]))


@routes.action("/hosts/{host_id}/deactivate", needs=ActionGroup.MANIPULATE_HOST)
def deactivate(call: Call[Action]) -> Later | None:
    """Put a host into maintenance after its guests have been migrated to other hosts. As in oVirt the answer does not
    wait for that; an asynchronous call gets the job.
    """
    job_id = call.run(deactivate_host, call.actor, call.ids["host_id"])
    return Later(job_id) if job_id and call.is_async else None


@routes.action("/hosts/{host_id}/refresh", needs=ActionGroup.MANIPULATE_HOST)
def refresh(call: Call[Action]) -> Later:
    """Refresh a host's reported state."""
    return Later(call.run(refresh_host, call.actor, call.ids["host_id"]))


@routes.action("/hosts/{host_id}/enrollcertificate", needs=ActionGroup.EDIT_HOST_CONFIGURATION)
def enroll(call: Call[Action]) -> Later:
    """Renew a host's keys and certificates without interruption."""
    return Later(call.run(enroll_certificate, call.actor, call.ids["host_id"]))


@routes.action("/hosts/{host_id}/setupnetworks", needs=ActionGroup.CONFIGURE_HOST_NETWORK)
def setup_networks(call: Call[Action]) -> Later | None:
    """Set up networks and bonds of a host as one transaction; it is rolled back if any part fails."""
    spec = SetupHostNetworks(host_id=call.ids["host_id"], request=setup_request(call.body))
    job_id = when_idle(call, spec.host_id, lambda: call.run(setup_host_networks, call.actor, spec))
    return Later(job_id) if job_id else None


@routes.action("/hosts/{host_id}/commitnetconfig", needs=ActionGroup.CONFIGURE_HOST_NETWORK)
def commit_networks(call: Call[Action]) -> Later:
    """Commit a host's running network configuration, so that its boot restores it."""
    return Later(call.run(commit_network_changes, call.actor, call.ids["host_id"]))


@routes.action("/hosts/{host_id}/syncallnetworks", needs=ActionGroup.CONFIGURE_HOST_NETWORK)
def sync_networks(call: Call[Action]) -> Later | None:
    """Synchronize every network of a host that is out of sync."""
    host_id = call.ids["host_id"]
    job_id = when_idle(call, host_id, lambda: call.run(sync_all_networks, call.actor, host_id))
    return Later(job_id) if job_id else None


@routes.action("/hosts/{host_id}/copyhostnetworks", needs=ActionGroup.CONFIGURE_HOST_NETWORK)
def copy_networks(call: Call[Action]) -> Later | None:
    """Copy the networks and bonds of another host of the cluster to a host."""
    host_id = call.ids["host_id"]
    source = required_ref(call.body.source_host, "Action [sourceHost")
    job_id = when_idle(call, host_id, lambda: call.run(copy_host_networks, call.actor, source, host_id))
    return Later(job_id) if job_id else None


def _statistics(tx: Tx, call: Call[None]) -> list[Statistic]:
    host_id = call.ids["host_id"]
    capabilities = HOSTS.row(tx, call).capabilities
    total = capabilities.memory if capabilities else 0
    promised = vm_queries.memory_promised(tx, (host_id,)).get(host_id, (0, 0))[1]
    values = {"memory.total": total, "memory.used": promised, "memory.free": max(total - promised, 0)}
    return [
        measured(name, value, f"/hosts/{host_id}/statistics", "bytes", host=reference(Host, host_id))
        for name, value in values.items()
    ]


add_statistics(
    routes,
    "/hosts/{host_id}/statistics",
    _statistics,
    summary="The memory of a host: all of it, and what is promised to virtual machines.",
    one="One statistic of a host.",
)
