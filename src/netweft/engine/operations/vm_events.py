"""Events about virtual machines. A part of commands."""

from __future__ import annotations

from netweft.engine import audit
from netweft.engine.actor import Actor
from netweft.engine.db import Tx
from netweft.engine.model.vms import VmRow


def record_event(tx: Tx, actor: Actor, code: int, text: str, vm: VmRow) -> None:
    """An event about a virtual machine."""
    audit.record(tx, actor, code, text, vm=vm.id, cluster=vm.cluster_id)
