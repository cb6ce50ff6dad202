"""Having the engine install the agent on a host by SSH, when the host is added or later."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa

from netweft.core.errors import BusyError
from netweft.core.rules import check
from netweft.core.rules import host as rules
from netweft.engine import audit, queue
from netweft.engine.access import authorize
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.audit import Severity
from netweft.engine.commands.hosts import AddHost, add_host, set_status
from netweft.engine.db import Tx, lock
from netweft.engine.model.hosts import hosts
from netweft.engine.operations import host_changes
from netweft.engine.payloads import DeployAgent
from netweft.engine.secrets import SecretBox

KEY_TRUSTED = 20_180
"""An event code of our own."""

_ADD = "Cannot add Host."
_INSTALL = "Cannot install Host."


@dataclass(frozen=True, slots=True, kw_only=True)
class WayIn:
    """How the engine becomes root on a host: by the password, which is readable here and nowhere else, or ``by_key``,
    its own. ``engine_url``: where the host reaches the engine. ``has_package``: whether the engine has an agent to
    install.
    """

    by_key: bool
    password: str = field(default="", repr=False)
    engine_url: str
    has_package: bool


def add_and_deploy(tx: Tx, actor: Actor, spec: AddHost, way: WayIn, *, box: SecretBox) -> str:
    """Add a host and ask for its agent to be installed; returns the host's id. Rights and errors are those of
    :func:`netweft.engine.commands.hosts.add_host`.
    """
    host_id = add_host(tx, actor, spec)
    _check(_ADD, way, spec.address)
    _enqueue(tx, actor, host_id, way, box)
    return host_id


def install_host(tx: Tx, actor: Actor, host_id: str, way: WayIn, *, box: SecretBox) -> str:
    """Install the agent of a host that is out of service, which may have one; returns the job's id.

    Needs EDIT_HOST_CONFIGURATION on it. Raises NotFoundError, DeniedError, BusyError, ValidationError.
    """
    host = lock(tx, hosts, host_id)
    authorize.require(tx, actor, ActionGroup.EDIT_HOST_CONFIGURATION, ObjectRef(ObjectType.HOST, host_id))
    check(_INSTALL, rules.may_be_installed(host.status))
    _check(_INSTALL, way, host.address)
    if queue.busy_with(tx, host_changes.key_of(host_id)):
        raise BusyError(
            f"{_INSTALL} Related operation is currently in progress: something is being done with Host {host.name}."
            " Try again later.",
            code=host_changes.IN_PROGRESS,
        )
    return _enqueue(tx, actor, host_id, way, box)


def _check(action: str, way: WayIn, address: str) -> None:
    check(
        action,
        rules.agent_package_is_there(has_package=way.has_package),
        rules.credentials_are_given(by_key=way.by_key, password=way.password),
        rules.engine_is_reachable(way.engine_url, address),
    )


def _enqueue(tx: Tx, actor: Actor, host_id: str, way: WayIn, box: SecretBox) -> str:
    host = lock(tx, hosts, host_id)
    set_status(tx, host, "installing", "Its agent is being installed.")
    password = "" if way.by_key else box.encrypt(way.password)
    payload = DeployAgent(host_id=host_id, password=password, engine_url=way.engine_url)
    description = f"Installing the agent of Host {host.name}"
    return queue.enqueue(tx, actor, "deploy_agent", host_changes.key_of(host_id), description, payload)


def pin_key(tx: Tx, actor: Actor, host_id: str, fingerprint: str) -> None:
    """Remember by which SSH key a host is known, when none was known before."""
    host = lock(tx, hosts, host_id)
    if host.ssh_fingerprint:
        return
    tx.execute(sa.update(hosts).where(hosts.c.id == host_id).values(ssh_fingerprint=fingerprint))
    text = (
        f"Host {host.name} is known by its SSH key {fingerprint} from now on, which it showed first. Compare it with"
        " what 'ssh-keygen -lf' prints there."
    )
    audit.record(tx, actor, KEY_TRUSTED, text, Severity.WARNING, host=host_id, cluster=host.cluster_id)
