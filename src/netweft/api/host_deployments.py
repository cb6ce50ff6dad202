"""How a request has the engine install the agent on a host by SSH, and the key by which it can get in."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UnsetType

from netweft.api.routes import ADDITIONS, READ, Call, Later, Routes
from netweft.api.schema import keep, or_default
from netweft.api.types import Action, Host, Ssh
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.host_deployments import WayIn, install_host

routes = Routes("hosts")
additions = Routes("hosts", ADDITIONS)


class SshKey(msgspec.Struct, kw_only=True, frozen=True):
    """The engine's own key: a line for ``/root/.ssh/authorized_keys`` of a host on which it is to install the agent."""

    public_key: str


def way_in(call: Call[Any], body: Host | Action) -> WayIn:
    """How the engine is to get into the host, by what a request says."""
    return WayIn(
        by_key=_method(body) == "publickey",
        password=or_default(body.root_password, ""),
        engine_url=call.origin(),
        has_package=call.services.has_agent_package,
    )


def asks_for_agent(body: Host) -> bool:
    """Whether a request wants the agent installed; else the host waits for one that joins."""
    return bool(_method(body)) or not isinstance(body.root_password, UnsetType)


def ssh_columns(body: Host) -> dict[str, Any]:
    """What a request says of the host's SSH server, as commands have it."""
    if isinstance(body.ssh, UnsetType):
        return {}
    return {"ssh_port": keep(body.ssh.port), "ssh_fingerprint": keep(body.ssh.fingerprint)}


def _method(body: Host | Action) -> str:
    return or_default(or_default(body.ssh, Ssh()).authentication_method, "")


@routes.action("/hosts/{host_id}/install", needs=ActionGroup.EDIT_HOST_CONFIGURATION)
def install(call: Call[Action]) -> Later:
    """Install or reinstall the agent of a host in maintenance, and set the host up as when it was added."""
    way = way_in(call, call.body)
    return Later(call.run(install_host, call.actor, call.ids["host_id"], way, box=call.services.box))


@additions.get("/ssh-key", SshKey, needs=READ)
def get_ssh_key(call: Call[None]) -> SshKey:
    """The public key that the engine uses for SSH to hosts when it installs the agent."""
    return SshKey(public_key=call.services.authority.ssh.certificate)
