"""Shutting down, rebooting and suspending running virtual machines.

oVirt's commands: ShutdownVm, RebootVm, HibernateVm.
"""

from __future__ import annotations

import sqlalchemy as sa

from netweft.core.rules import check, fields
from netweft.core.rules import vm as rules
from netweft.engine import audit, queue
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.commands.vms import request_stop
from netweft.engine.db import Tx, lock, utc_now
from netweft.engine.model.vms import VmRow, vms
from netweft.engine.payloads import OnVm, ShutDownVm
from netweft.engine.queries import hosts as host_rows
from netweft.engine.queries import vms as queries

SHUTDOWN, REBOOT, SUSPEND = 73, 157, 501
"""Event codes (oVirt: USER_INITIATED_SHUTDOWN_VM, USER_REBOOT_VM, USER_SUSPEND_VM)."""


def shut_down_vm(tx: Tx, actor: Actor, vm_id: str, reason: str = "") -> str:
    """Ask a machine to end in good order; returns the id of the job that asks. The machine is down when it has obeyed,
    and up again when it has not. A suspended one is stopped. ``reason``: what the machine says from then on of why it
    is down.

    Needs SHUT_DOWN_VM on it. Raises NotFoundError, DeniedError, ValidationError.
    """
    vm = _begin(tx, actor, ActionGroup.SHUT_DOWN_VM, vm_id)
    check(
        "Cannot shutdown VM.",
        rules.may_stop(vm.status),
        rules.may_shut_down(vm.name, vm.status),
        fields.text_is_valid("VM", "reason", reason),
    )
    if vm.status == "suspended":
        return request_stop(tx, actor, vm, reason)
    since = _set_status(tx, vm_id, "powering_down", reason)
    audit.record(tx, actor, SHUTDOWN, f"VM shutdown initiated by {actor.name} on VM {vm.name}.", **_ids(vm))
    payload = ShutDownVm(vm_id=vm.id, host_id=vm.host_id or "", since=since)
    return _ask(tx, actor, "shut_down_vm", f"Shutting down VM {vm.name}", vm, payload)


def reboot_vm(tx: Tx, actor: Actor, vm_id: str) -> str:
    """Ask a machine to start again; returns the id of the job that asks.

    Needs REBOOT_VM on it. Raises NotFoundError, DeniedError, ValidationError.
    """
    vm = _begin(tx, actor, ActionGroup.REBOOT_VM, vm_id)
    check("Cannot reboot VM.", rules.may_reboot(vm.name, vm.status))
    audit.record(tx, actor, REBOOT, f"User {actor.name} initiated reboot of VM {vm.name}.", **_ids(vm))
    return _ask(tx, actor, "reboot_vm", f"Rebooting VM {vm.name}", vm)


def suspend_vm(tx: Tx, actor: Actor, vm_id: str) -> str:
    """Save a machine's memory on its host, and take it off; returns the job's id. Its next start lets it go on.

    Needs HIBERNATE_VM on it. Raises NotFoundError, DeniedError, ValidationError.
    """
    vm = _begin(tx, actor, ActionGroup.HIBERNATE_VM, vm_id)
    passed = [row.name for row in queries.vnics_of(tx, (vm_id,))[vm_id] if row.plugged and row.passthrough]
    check(
        "Cannot hibernate VM.",
        rules.may_suspend(vm.name, vm.status),
        rules.stateless_is_not_suspended(vm.name, stateless=queries.as_it_runs(vm, vm.this_run).stateless),
        rules.functions_are_unplugged(vm.name, [*passed, *_driven_by_itself(tx, vm)]),
    )
    _set_status(tx, vm_id, "saving_state")
    audit.record(tx, actor, SUSPEND, f"Suspending VM {vm.name} was initiated by {actor.name}.", **_ids(vm))
    return _ask(tx, actor, "suspend_vm", f"Suspending VM {vm.name}", vm)


def _driven_by_itself(tx: Tx, vm: VmRow) -> list[str]:
    """The dynamic vNICs that the guest has as devices of its own, by name."""
    guest = host_rows.guests_on(tx, (vm.host_id,)).get(vm.id) if vm.host_id else None
    return [nic.name for nic in guest.nics if nic.profile and not nic.bridge] if guest else []


def _begin(tx: Tx, actor: Actor, group: ActionGroup, vm_id: str) -> VmRow:
    vm = lock(tx, vms, vm_id)
    authorize.require(tx, actor, group, ObjectRef(ObjectType.VM, vm_id))
    return vm


def _set_status(tx: Tx, vm_id: str, status: str, reason: str = "") -> str:
    """Returns the moment from which it has the status."""
    now = utc_now()
    tx.execute(sa.update(vms).where(vms.c.id == vm_id).values(status=status, status_reason=reason, changed_at=now))
    return now.isoformat()


def _ids(vm: VmRow) -> audit.About:
    return audit.About(vm=vm.id, host=vm.host_id, cluster=vm.cluster_id)


def _ask(tx: Tx, actor: Actor, kind: str, description: str, vm: VmRow, payload: OnVm | None = None) -> str:
    payload = payload or OnVm(vm_id=vm.id, host_id=vm.host_id or "")
    return queue.enqueue(tx, actor, kind, f"vm:{vm.id}", description, payload)
