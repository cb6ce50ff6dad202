"""Virtual functions of hosts' NICs: how many, and for which networks.

oVirt's commands: UpdateHostNicVfsConfig, AddVfsConfigNetwork, RemoveVfsConfigNetwork, and the same for labels.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from netweft.core.errors import NotFoundError
from netweft.core.functions import free_functions
from netweft.core.host import Nic
from netweft.core.keep import KEEP, Keep, or_current
from netweft.core.rules import check
from netweft.core.rules import functions as rules
from netweft.core.rules.host import is_reachable_for_work
from netweft.core.rules.network import label_is_valid
from netweft.engine import audit, queue
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.db import Tx, lock
from netweft.engine.model.functions import function_networks, nic_functions
from netweft.engine.model.hosts import hosts
from netweft.engine.model.networks import networks
from netweft.engine.operations import host_changes
from netweft.engine.payloads import SetFunctions
from netweft.engine.queries import functions as queries
from netweft.engine.queries import host_networks
from netweft.engine.queries.functions import Served
from netweft.engine.queries.host_networks import HostData

UPDATED = 1201
"""Event code (oVirt: UPDATE_HOST_NIC_VFS_CONFIG)."""

_UPDATE = "Cannot edit Virtual Functions Configuration."
_ADD_NETWORK = "Cannot add Network to Virtual Functions Configuration."
_REMOVE_NETWORK = "Cannot remove Network from Virtual Functions Configuration."
_ADD_LABEL = "Cannot add Label to Virtual Functions Configuration."
_REMOVE_LABEL = "Cannot remove Label from Virtual Functions Configuration."


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateFunctions:
    """What changes of a NIC's virtual functions."""

    host_id: str
    nic_id: str
    count: int | Keep = KEEP
    all_networks: bool | Keep = KEEP


def update_functions(tx: Tx, actor: Actor, spec: UpdateFunctions) -> str | None:
    """Change how many virtual functions a NIC has, and whether they may serve all networks; returns the id of the job
    that tells the host, None when only the engine needs to know.

    Needs CONFIGURE_HOST_NETWORK on the host. Raises NotFoundError, DeniedError, BusyError, ValidationError.
    """
    data, nic = _begin(tx, actor, _UPDATE, spec.host_id, spec.nic_id)
    facts = nic.facts
    count = or_current(spec.count, len(facts.functions))
    check(_UPDATE, rules.count_is_in_range(nic.name, count, facts.functions_max))
    job_id = None
    if count != len(facts.functions):
        held = queries.held(tx, (spec.host_id,))[spec.host_id]
        free = free_functions(data.host, held).get(nic.name, ())
        # One that no guest can have for its IOMMU group is in nobody's way.
        in_use = [one.pci_address for one in facts.functions if one.assignable and one.pci_address not in free]
        check(_UPDATE, is_reachable_for_work(data.row.status), rules.all_are_free(nic.name, in_use))
        host_changes.require_idle(tx, spec.host_id, data.row.name)
        payload = SetFunctions(host_id=spec.host_id, nic=nic.name, count=count)
        description = f"Giving NIC {nic.name} of Host {data.row.name} {count} virtual functions"
        job_id = queue.enqueue(tx, actor, "set_functions", host_changes.key_of(spec.host_id), description, payload)
    if spec.all_networks is not KEEP:
        _restrict(tx, spec.host_id, nic.name, restricted=not spec.all_networks)
    _record_update(tx, actor, data, nic)
    return job_id


def _restrict(tx: Tx, host_id: str, nic: str, *, restricted: bool) -> None:
    """Let a NIC's functions serve certain networks only, none at first; or all, which forgets those that were named."""
    here = sa.and_(nic_functions.c.host_id == host_id, nic_functions.c.nic == nic)
    is_restricted = tx.execute(sa.select(nic_functions.c.nic).where(here)).first() is not None
    if restricted and not is_restricted:
        tx.execute(sa.insert(nic_functions).values(host_id=host_id, nic=nic, labels=[]))
    if not restricted:
        tx.execute(sa.delete(nic_functions).where(here))
        tx.execute(sa.delete(function_networks).where(*_of(host_id, nic)))


def add_network(tx: Tx, actor: Actor, host_id: str, nic_id: str, network_id: str) -> None:
    """Let a NIC's functions serve a network. Needs CONFIGURE_HOST_NETWORK on the host.

    Raises NotFoundError, DeniedError, ValidationError.
    """
    data, nic, only = _specific(tx, actor, _ADD_NETWORK, host_id, nic_id)
    name = tx.scalar(sa.select(networks.c.name).where(networks.c.id == network_id))
    check(_ADD_NETWORK, rules.network_exists(network_id, known=name is not None))
    listed = (str(name),) if network_id in only.networks else ()
    check(_ADD_NETWORK, rules.network_is_new(str(name), nic.name, listed))
    tx.execute(sa.insert(function_networks).values(host_id=host_id, nic=nic.name, network_id=network_id))
    _record_update(tx, actor, data, nic)


def remove_network(tx: Tx, actor: Actor, host_id: str, nic_id: str, network_id: str) -> None:
    """Let them serve it no more; vNICs that have one keep it. As :func:`add_network`."""
    data, nic, only = _specific(tx, actor, _REMOVE_NETWORK, host_id, nic_id)
    if network_id not in only.networks:
        raise NotFoundError(f"The virtual functions of NIC {nic.name} do not name the network {network_id}.")
    where = function_networks.c.network_id == network_id
    tx.execute(sa.delete(function_networks).where(*_of(host_id, nic.name), where))
    _record_update(tx, actor, data, nic)


def add_label(tx: Tx, actor: Actor, host_id: str, nic_id: str, label: str) -> None:
    """Let a NIC's functions serve the networks that have a label, which need not be there yet. As
    :func:`add_network`.
    """
    data, nic, only = _specific(tx, actor, _ADD_LABEL, host_id, nic_id)
    check(_ADD_LABEL, label_is_valid(label), rules.label_is_new(label, nic.name, only.labels))
    _set_labels(tx, host_id, nic.name, (*only.labels, label))
    _record_update(tx, actor, data, nic)


def remove_label(tx: Tx, actor: Actor, host_id: str, nic_id: str, label: str) -> None:
    """Let them serve such networks no more. As :func:`remove_network`."""
    data, nic, only = _specific(tx, actor, _REMOVE_LABEL, host_id, nic_id)
    if label not in only.labels:
        raise NotFoundError(f"The virtual functions of NIC {nic.name} do not name the label '{label}'.")
    _set_labels(tx, host_id, nic.name, [one for one in only.labels if one != label])
    _record_update(tx, actor, data, nic)


def _begin(tx: Tx, actor: Actor, action: str, host_id: str, nic_id: str) -> tuple[HostData, Nic]:
    """Lock the host, check the right, and that the NIC is one that knows virtual functions."""
    lock(tx, hosts, host_id)
    authorize.require(tx, actor, ActionGroup.CONFIGURE_HOST_NETWORK, ObjectRef(ObjectType.HOST, host_id))
    data = host_networks.load_one(tx, host_id)
    name = data.nics.get(nic_id, "")
    check(action, rules.nic_exists(data.row.name, name))
    nic = data.host.nics.get(name, Nic(name=name))  # a bond or a VLAN device knows none
    check(action, rules.nic_knows_functions(name, nic.facts.functions_max))
    return data, nic


def _specific(tx: Tx, actor: Actor, action: str, host_id: str, nic_id: str) -> tuple[HostData, Nic, Served]:
    data, nic = _begin(tx, actor, action, host_id, nic_id)
    only = queries.served(tx, (host_id,))[host_id].get(nic.name)
    check(action, rules.not_all_networks_are_allowed(nic.name, all_allowed=only is None))
    return data, nic, only or Served()


def _of(host_id: str, nic: str) -> tuple[sa.ColumnElement[bool], ...]:
    return function_networks.c.host_id == host_id, function_networks.c.nic == nic


def _set_labels(tx: Tx, host_id: str, nic: str, labels: Collection[str]) -> None:
    here = sa.and_(nic_functions.c.host_id == host_id, nic_functions.c.nic == nic)
    tx.execute(sa.update(nic_functions).where(here).values(labels=sorted(labels)))


def _record_update(tx: Tx, actor: Actor, data: HostData, nic: Nic) -> None:
    text = f"Virtual functions of NIC {nic.name} of host {data.row.name} were configured by {actor.name}."
    audit.record(tx, actor, UPDATED, text, host=data.row.id, cluster=data.row.cluster_id)
