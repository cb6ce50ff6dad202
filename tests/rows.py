"""Rows that a test needs around what it tests, written without asking any rule."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select

from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef
from netweft.engine.access.roles import EVERYONE, ROLES
from netweft.engine.actor import Actor
from netweft.engine.db import Tx, new_id, utc_now
from netweft.engine.model.host_networks import attachments
from netweft.engine.model.hosts import hosts
from netweft.engine.model.jobs import jobs
from netweft.engine.model.users import role_groups, roles, users
from netweft.engine.model.vms import vms
from netweft.engine.model.vnics import vnics
from netweft.engine.queries.templates import BLANK_ID


def add_roles(tx: Tx) -> None:
    """The predefined roles, as a new engine has them, and the group of everyone."""
    if tx.execute(select(roles.c.id)).first():
        return
    for role in ROLES.values():
        tx.execute(
            insert(roles).values(
                id=role.id, name=role.name, description="", administrative=role.administrative, mutable=False
            )
        )
        tx.execute(insert(role_groups), [{"role_id": role.id, "action_group": group} for group in role.groups])
    _insert_user(tx, EVERYONE, "Everyone", is_group=True)


def add_user(tx: Tx, name: str, *grants: tuple[str, ObjectRef]) -> Actor:
    """A user with roles on things."""
    user_id = new_id()
    _insert_user(tx, user_id, f"{name}@internal", is_group=False)
    for role_name, ref in grants:
        authorize.grant(tx, user_id, role_name, ref)
    return Actor(user_id=user_id, name=f"{name}@internal")


def _insert_user(tx: Tx, user_id: str, name: str, *, is_group: bool) -> None:
    tx.execute(
        insert(users).values(
            id=user_id, user_name=name, domain="internal", name=name, last_name="", email="",
            is_group=is_group, enabled=True, created=utc_now(),
        )
    )  # fmt: skip


def add_host(tx: Tx, cluster_id: str, name: str, status: str = "up") -> str:
    host_id = new_id()
    tx.execute(
        insert(hosts).values(
            id=host_id, name=name, address=name, cluster_id=cluster_id, status=status, dirty=False, created_at=utc_now()
        )
    )
    return host_id


def attach(tx: Tx, host_id: str, network_id: str, *assignments: dict[str, Any], nic: str = "eth1") -> str:
    attachment_id = new_id()
    tx.execute(
        insert(attachments).values(
            id=attachment_id, host_id=host_id, network_id=network_id, nic=nic, properties={}, assignments=assignments
        )
    )
    return attachment_id


def add_vm(tx: Tx, cluster_id: str, name: str, status: str = "down") -> str:
    vm_id = new_id()
    tx.execute(
        insert(vms).values(
            id=vm_id, name=name, cluster_id=cluster_id, template_id=BLANK_ID, memory=1 << 30,
            sockets=1, cores=1, threads=1, status=status, addresses=[], created_at=utc_now(), changed_at=utc_now(),
        )
    )  # fmt: skip
    return vm_id


def add_vnic(tx: Tx, vm_id: str, profile_id: str | None, mac: str, *, plugged: bool = True) -> str:
    vnic_id = new_id()
    tx.execute(
        insert(vnics).values(
            id=vnic_id, vm_id=vm_id, name=f"nic-{mac}", profile_id=profile_id, mac=mac,
            interface="virtio", plugged=plugged, linked=True, synced=True,
        )
    )  # fmt: skip
    return vnic_id


def applied_hosts(tx: Tx) -> set[str]:
    """Lock keys of the jobs that bring hosts into line."""
    return set(tx.scalars(select(jobs.c.lock_key).where(jobs.c.kind == "apply_host")))
