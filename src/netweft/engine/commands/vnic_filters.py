"""Parameters of the network filters of vNICs."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from netweft.core.keep import KEEP, Keep, or_current
from netweft.core.rules import check
from netweft.core.rules import vnic as rules
from netweft.engine.actor import Actor
from netweft.engine.commands.vnics import Change, VmInPool, begin, update_guest
from netweft.engine.db import Tx, new_id
from netweft.engine.model.vnics import filter_parameters
from netweft.engine.operations.vm_events import record_event
from netweft.engine.payloads import Undo
from netweft.engine.queries import vms as queries
from netweft.engine.queries.vms import VnicDetails

ADDED, UPDATED, REMOVED = 10912, 10914, 10910
"""Event codes (oVirt: NETWORK_ADD_NIC_FILTER_PARAMETER ...)."""

_UPDATE = "Cannot edit Interface."


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterParameter:
    """A value for the network filter of a vNIC; ``id``: empty for one to be."""

    vm_id: str
    vnic_id: str
    id: str = ""
    name: str | Keep = KEEP
    value: str | Keep = KEEP


def put_filter_parameter(tx: Tx, actor: Actor, spec: FilterParameter) -> Change:
    """Add or change a parameter of a vNIC's filter; a running guest has it at once. ``vnic_id`` of the answer is the
    parameter's id.

    Needs CONFIGURE_VM_NETWORK on the VM. Raises NotFoundError, DeniedError, ValidationError.
    """
    vm, vnic, undo = _begin_filter(tx, actor, spec.vm_id, spec.vnic_id)
    old = queries.get_parameter(tx, spec.vnic_id, spec.id) if spec.id else None
    values = {name: or_current(getattr(spec, name), getattr(old, name, "")) for name in ("name", "value")}
    check(_UPDATE, rules.parameter_is_valid(values["name"], values["value"]))
    parameter_id = spec.id or new_id()
    if old:
        tx.execute(sa.update(filter_parameters).where(filter_parameters.c.id == spec.id).values(values))
    else:
        tx.execute(sa.insert(filter_parameters), {"id": parameter_id, "vnic_id": spec.vnic_id, **values})
    code, what = (UPDATED, "updated for") if old else (ADDED, "added to")
    text = f"Network Filter Parameter {values['name']} was {what} Interface {vnic.name} of VM {vm.name}."
    record_event(tx, actor, code, f"{text} (User: {actor.name})", vm)
    return Change(vnic_id=parameter_id, job_id=update_guest(tx, actor, vm, vnic.id, undo) if vnic.plugged else None)


def remove_filter_parameter(tx: Tx, actor: Actor, vm_id: str, vnic_id: str, parameter_id: str) -> str | None:
    """Remove a parameter of a vNIC's filter; returns the id of the job that tells the running guest, if there is one.

    Needs CONFIGURE_VM_NETWORK on the VM. Raises NotFoundError, DeniedError.
    """
    vm, vnic, undo = _begin_filter(tx, actor, vm_id, vnic_id)
    old = queries.get_parameter(tx, vnic_id, parameter_id)
    tx.execute(sa.delete(filter_parameters).where(filter_parameters.c.id == parameter_id))
    text = f"Network Filter Parameter {old.name} was removed from Interface {vnic.name} of VM {vm.name}."
    record_event(tx, actor, REMOVED, f"{text} (User: {actor.name})", vm)
    return update_guest(tx, actor, vm, vnic.id, undo) if vnic.plugged else None


def _begin_filter(tx: Tx, actor: Actor, vm_id: str, vnic_id: str) -> tuple[VmInPool, VnicDetails, Undo]:
    """The machine and the vNIC, and how its parameters are put back as they are."""
    vm = begin(tx, actor, vm_id)
    vnic = queries.get_vnic(tx, vm_id, vnic_id)
    before = tuple(queries.parameters_of(tx, (vnic_id,))[vnic_id])
    return vm, vnic, Undo(parameters_of=vnic_id, parameters=before)
